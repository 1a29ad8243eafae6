"""What tests say about themselves: the comment lines in sources, names, patterns."""
import pytest

from banyan.cases import CaseError, guest_cases, host_case
from banyan.select import matches, short_name

pytestmark = pytest.mark.points(0)


def cases(tmp_path, text):
    source = tmp_path / "fork.c"
    source.write_text(text)
    return guest_cases(source)


def test_silent_source(tmp_path):
    case, = cases(tmp_path, "int main(void) { return 0; }\n")
    assert (case.identity, case.points, case.cpus, case.command) == ("fork", 1, None, "/test/fork")


def test_configurations(tmp_path):
    found = cases(tmp_path, '/* test: points=5 cpus=1,2 mem=64M */\n'
                            '/*\n * test: cpus=4 kargs="asidbits=0 x" timeout=9 args="-n 3"\n */\n')
    assert [case.identity for case in found] == [
        "fork[cpus=1,mem=64M]", "fork[cpus=2,mem=64M]", "fork[cpus=4,asidbits=0,x]"]
    assert [case.points for case in found] == [5, 5, 1]
    assert found[2].command == "/test/fork -n 3" and found[2].timeout == 9


def test_words_in_text_are_no_line(tmp_path):
    assert len(cases(tmp_path, "/* This is a test: it forks. */\nint test;\n")) == 1


@pytest.mark.parametrize("line", ["points=x", "cpus=1,", "color=red", "points", 'args="open',
                                  "partial=maybe", "visibility=dark", "cpus=1 cpus=1,1", "cpus=2,2"])
def test_bad_line(tmp_path, line):
    with pytest.raises(CaseError):
        cases(tmp_path, f"/* test: {line} */\n")


def test_host(tmp_path):
    (tmp_path / "a.c").write_text("")
    (tmp_path / "t.c").write_text("/* host-test: a.c -DX=1 */\n")
    case = host_case(tmp_path / "t.c", tmp_path)
    assert case.linked == (tmp_path / "a.c",) and case.flags == ("-DX=1",)
    (tmp_path / "t.c").write_text("/* host-test: b.c */\n")
    with pytest.raises(CaseError, match="b.c, which does not exist"):
        host_case(tmp_path / "t.c", tmp_path)


def test_host_folder(tmp_path):
    folder = tmp_path / "fs"
    folder.mkdir()
    (folder / "one.c").write_text("/*\n * host-test: -DONE\n */\n")
    (folder / "two.c").write_text("")
    case = host_case(folder, tmp_path)
    assert [source.name for source in case.sources] == ["one.c", "two.c"]
    assert case.name == "fs" and case.flags == ("-DONE",)


NAMES = [
    ("system/test_shell.py::test_pipeline", "shell.pipeline"),
    ("system/test_boot.py::test_prompt[cpus=2]", "boot.prompt[cpus=2]"),
    ("system/test_guest.py::test_guest[fork[cpus=1,mem=64M]]", "guest.fork[cpus=1,mem=64M]"),
    ("system/test_host.py::test_host[fdt]", "host.fdt"),
    ("harness/test_run.py::test_failures[a  b]", "run.failures[a_b]"),
    ("system/test_guest.py::test_exist", "guest.exist"),
]


@pytest.mark.parametrize("nodeid, name", NAMES, ids=range(len(NAMES)))
def test_names(nodeid, name):
    assert short_name(nodeid) == name


def test_patterns():
    name = "guest.fork[cpus=1,mem=64M]"
    assert matches(name, name)
    assert matches(name, "fork") and matches(name, "shell fork")
    assert matches(name, "guest.*") and matches(name, "*[cpus=1*")
    assert not matches(name, "fork[cpus=2") and not matches(name, "g*k")
