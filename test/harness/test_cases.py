"""What tests say about themselves: the comment lines in sources, names, patterns."""
import pytest

from banyan.cases import CaseError, guest_tests, host_case
from banyan.select import matches, short_name

pytestmark = pytest.mark.points(0)


def described(tmp_path, text):
    source = tmp_path / "fork.c"
    source.write_text(text)
    return guest_tests(source)


def test_silent_source(tmp_path):
    test, = described(tmp_path, "int main(void) { return 0; }\n")
    assert (test.identity, test.points) == ("fork", 1)
    cpus, mem = test.domains()[:2]
    assert cpus == ["cpus=1", "cpus=2", "cpus=4", "cpus=8"]
    assert mem == ["mem=16M", "mem=64M", "mem=256M", "mem=2G"]


def test_configurations(tmp_path):
    found = described(tmp_path, '/* test: points=5 cpus=1,2 mem=64M kargs="" */\n'
                            '/*\n * test: cpus=3 kargs="asidbits=0 x" timeout=9 args="-n 3"\n */\n')
    assert [test.identity for test in found] == ["fork[mem=64M]", "fork[asidbits=0,x,args=-n_3]"]
    assert [test.points for test in found] == [5, 1]
    assert found[0].domains() == [["cpus=1", "cpus=2"], ["mem=64M"], [""], ["", "sstc=off"], [""],
                                  ["", "debug=on"]]
    assert found[1].domains()[0] == ["cpus=3"] and found[1].domains()[2] == [""]
    case = found[1].case(("cpus=3", "mem=2G", "", "sstc=off"))
    assert case.command == "/test/fork -n 3" and case.test.timeout == 9
    assert case.identity == "fork[cpus=3,asidbits=0,x,args=-n_3,mem=2G,sstc=off]"
    assert case.changes() == {"cpus": 3, "mem": "2G", "kargs": "asidbits=0 x",
                              "extra": ("-cpu", "rv64,sstc=off")}


def test_what_the_user_has_settled(tmp_path):
    """It holds where the test allows it."""
    low, high = described(tmp_path, "/* test: mem=..100M\n * test: mem=200M.. cpus=2.. */\n")
    chosen = {"mem": "mem=128M", "cpus": "cpus=3", "asid": ""}
    assert low.domains(chosen)[:3] == [["cpus=3"], ["mem=16M", "mem=64M"], [""]]
    chosen["mem"] = "mem=1G"
    assert high.domains(chosen)[:2] == [["cpus=3"], ["mem=1G"]]


def test_asked_by_name(tmp_path):
    """What the name leaves out is usual; of two lines the one that the name tells of."""
    plain, small = described(tmp_path, '/* test: cpus=1,2,4 mem=32M..\n * test: mem=16M cpus=2 */\n')
    assert plain.asked(["cpus=1"]).changes() == {"cpus": 1, "mem": "256M", "kargs": ""}
    assert plain.asked(["asidbits=2"]).changes() == {"cpus": 2, "mem": "256M", "kargs": "asidbits=2"}
    assert plain.asked(["cpus=1"]).identity == "fork[cpus=1]"
    assert plain.asked(["mem=16M"]) is None and plain.asked(["cpus=8"]) is None
    assert plain.asked(["cpus=x"]) is None and plain.asked(["strange"]) is None
    assert small.asked(["cpus=2"]) is None
    assert small.asked(["cpus=2", "mem=16M"]).changes() == {"cpus": 2, "mem": "16M", "kargs": ""}


def test_lines_that_may_mean_the_same(tmp_path):
    for lines in ("cpus=1\n * test: cpus=1,2", 'cpus=2\n * test: kargs="asidbits=0"',
                  "mem=64M\n * test: points=1"):
        with pytest.raises(CaseError, match="the same machine"):
            described(tmp_path, f"/* test: {lines} */\n")
    assert len(described(tmp_path, "/* test: cpus=1\n * test: cpus=2\n * test: args=x */\n")) == 3


def test_needs(tmp_path):
    """What usertests is told in the guest, and the swap disk that a run gets."""
    low, any_machine = described(tmp_path, '/* test: cpus=1,2 mem=32M swap=64M.. args="-n 3" points=2\n'
                                 ' * test: kargs="" */\n')
    assert low.needs == [("cpus", "1,2"), ("mem", "32M"), ("swap", "64M.."), ("args", "-n 3")]
    assert low.asked(["mem=32M", "args=-n_3"]).changes()["swap"] == "64M"
    assert any_machine.needs == [] and "swap" not in any_machine.asked([]).changes()
    none, = described(tmp_path, "/* test: swap=0 */\n")
    assert none.needs == [("swap", "0")] and none.asked([]).changes()["swap"] == "0"


def test_words_in_text_are_no_line(tmp_path):
    assert len(described(tmp_path, "/* This is a test: it forks. */\nint test;\n")) == 1


@pytest.mark.parametrize("line", ["points=x", "cpus=1,", "color=red", "points", 'args="open',
                                  "partial=maybe", "visibility=dark", "cpus=1,1", "mem=lots",
                                  "mem=64M..32M", "cpus=4..2"])
def test_bad_line(tmp_path, line):
    with pytest.raises(CaseError):
        described(tmp_path, f"/* test: {line} */\n")


def test_host(tmp_path):
    (tmp_path / "a.c").write_text("")
    (tmp_path / "t.c").write_text("/* host-test: a.c -DX=1 */\n")
    case = host_case(tmp_path / "t.c", tmp_path)
    assert case.linked == (tmp_path / "a.c",) and case.flags == ("-DX=1",)
    (tmp_path / "d").mkdir()
    for name in ("z.c", "b.c", "b.h"):
        (tmp_path / "d" / name).write_text("")
    (tmp_path / "t.c").write_text("/* host-test: d/ a.c */\n")
    assert host_case(tmp_path / "t.c", tmp_path).linked == (
        tmp_path / "d" / "b.c", tmp_path / "d" / "z.c", tmp_path / "a.c")
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
