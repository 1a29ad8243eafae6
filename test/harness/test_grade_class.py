"""The parts of test/grade-class; the whole is in system/test_tree.py."""
import importlib.machinery
import importlib.util
import pathlib
import tarfile

import pytest

from banyan.machine import ROOT, MachineError

pytestmark = pytest.mark.points(0)


@pytest.fixture(scope="module")
def grader():
    """The script as a module."""
    path = str(ROOT / "test" / "grade-class")
    loader = importlib.machinery.SourceFileLoader("grade_class", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("grade_class", loader))
    loader.exec_module(module)
    return module


def paths(*names):
    return [pathlib.Path(name) for name in names]


def test_names(grader):
    assert list(grader.names_of(paths("/a/ann", "/b/bob"))) == ["ann", "bob"]
    assert list(grader.names_of(paths("/c/ann/tree", "/c/bob/tree"))) == ["ann_tree", "bob_tree"]
    assert list(grader.names_of(paths("/a/joblog"))) == ["joblog_"]
    with pytest.raises(MachineError, match="same name"):
        grader.names_of(paths("/a/ann", "/a/ann"))


def test_settings(grader, tmp_path):
    """Trees keep their places; other settings, or another tree of the name, are refused."""
    out = tmp_path / "out"
    first = {"ann": pathlib.Path("/a/ann"), "bob": pathlib.Path("/a/bob")}
    assert list(grader.settle(out, first, ["T=x"], False)) == ["ann", "bob"]
    more = {"cid": pathlib.Path("/a/cid"), "bob": pathlib.Path("/a/bob")}
    assert list(grader.settle(out, more, ["T=x"], False)) == ["ann", "bob", "cid"]
    with pytest.raises(MachineError, match="other settings"):
        grader.settle(out, first, ["T=y"], False)
    with pytest.raises(MachineError, match="ann was /a/ann before"):
        grader.settle(out, {"ann": pathlib.Path("/z/ann")}, ["T=x"], False)
    assert list(grader.settle(out, more, ["T=y"], True)) == ["cid", "bob"]


def test_seed(grader, tmp_path):
    """All trees get the same machines, later ones too."""
    first = grader.seed(tmp_path, ["T=x"])
    assert first[0] == "T=x" and first[1].startswith("SEED=")
    assert grader.seed(tmp_path, ["T=x"]) == first
    assert grader.seed(tmp_path, ["SEED=7"]) == ["SEED=7"]


def test_histogram(grader):
    lines = grader.histogram([0, 0.05, 0.1, 0.55, 0.999, 1])
    assert [line.split()[4] for line in lines] == ["2", "1", "0", "0", "0", "1", "0", "0", "0", "2"]
    assert lines[0].endswith(" " + "#" * grader.BAR) and lines[2].endswith("0")


def test_no_result_is_no_score(grader, tmp_path):
    assert grader.score_of(tmp_path)[0] is None
    (tmp_path / "results.json").write_text("{")
    assert grader.score_of(tmp_path)[0] is None


def test_pack(grader, tmp_path):
    """Only the graded part goes over the network, links as links; what is too large does not."""
    tree = tmp_path / "tree"
    for name in ("kernel/lib", "vm", "test"):
        (tree / name).mkdir(parents=True)
        (tree / name / "a.c").write_text("a")
    (tree / "kernel.ld").write_text("")
    (tree / "vm" / "etc").symlink_to("/etc")
    (tree / "trap").symlink_to("/")
    grader.pack(tree, tmp_path / "out" / "tree.tar")
    with tarfile.open(tmp_path / "out" / "tree.tar") as tar:
        assert sorted(tar.getnames()) == ["kernel.ld", "kernel/lib/a.c", "trap", "vm/a.c", "vm/etc"]
        assert tar.getmember("trap").issym()
    with open(tree / "vm" / "huge.h", "wb") as file:
        file.truncate(grader.BYTES_MAX + 1)
    grader.pack(tree, tmp_path / "out" / "tree.tar")
    with tarfile.open(tmp_path / "out" / "tree.tar") as tar:
        assert tar.getnames() == []
