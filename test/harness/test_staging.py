"""What is taken of somebody's tree, and what is refused."""
import os
import time

import pytest

from banyan import staging
from banyan.staging import StagingError, stage

pytestmark = pytest.mark.points(0)


@pytest.fixture
def tree(tmp_path):
    """A tree of a few files."""
    for path in ("kernel/main.c", "kernel/lib/list.h", "vm/frame.c", "trap/trap.c", "kernel.ld"):
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_text(f"/* {path} */\n")
    for name in staging.OURS:
        (tmp_path / "ours" / name).mkdir(parents=True)
    return tmp_path / "tree"


def taken(tree):
    """{path: text} of what stage() makes of it."""
    copy = tree.parent / "copy"
    stage(tree, copy, tree.parent / "ours")
    return {str(path.relative_to(copy)): path.read_text() for path in sorted(copy.rglob("*"))
            if path.is_file()}


def test_only_the_graded_part_is_taken(tree):
    (tree / "Makefile").write_text("all:\n")
    (tree / "test").mkdir()
    (tree / "test" / "conftest.py").write_text("print()\n")
    (tree / "vm" / ".hidden").write_text("")
    (tree / "vm" / "my notes (old).txt").write_text("")
    assert set(taken(tree)) == {"kernel.ld", "kernel/lib/list.h", "kernel/main.c", "trap/trap.c",
                                "vm/frame.c"}
    assert os.path.realpath(tree.parent / "copy" / "test") == str(tree.parent / "ours" / "test")


def test_a_changed_tree_is_new_and_the_rest_old(tree):
    """Whatever times its files have: make goes by those of the copy."""
    taken(tree)
    copy = tree.parent / "copy"
    hour_ago = time.time() - 3600
    for path in copy.rglob("*.c"):
        os.utime(path, (hour_ago, hour_ago))
    (tree / "vm" / "frame.c").write_text("changed\n")
    os.utime(tree / "vm" / "frame.c", (1, 1))
    (tree / "trap" / "trap.c").unlink()
    assert taken(tree)["vm/frame.c"] == "changed\n"
    assert (copy / "vm" / "frame.c").stat().st_mtime > hour_ago + 1000
    assert (copy / "kernel" / "main.c").stat().st_mtime < hour_ago + 1000
    assert not (copy / "trap" / "trap.c").exists()


def test_links_inside_are_followed(tree):
    (tree / "vm" / "same.c").symlink_to("frame.c")
    (tree / "vm" / "more").symlink_to("../kernel/lib")
    assert taken(tree)["vm/same.c"] == "/* vm/frame.c */\n" and "vm/more/list.h" in taken(tree)


def to_nowhere(tree):
    (tree / "vm" / "x.c").symlink_to("gone.c")


def to_outside(tree):
    (tree / "vm" / "x.c").symlink_to("/etc/passwd")


def folder_outside(tree):
    (tree / "vm" / "etc").symlink_to("/etc")


def round_and_round(tree):
    (tree / "vm" / "vm").symlink_to(".")


def to_itself(tree):
    (tree / "vm" / "x.c").symlink_to("x.c")


def pipe(tree):
    os.mkfifo(tree / "vm" / "x.c")


def name_for_the_shell(tree):
    (tree / "vm" / "a;touch pwned.c").write_text("")


def name_for_make(tree):
    (tree / "vm" / "$(shell touch pwned).S").write_text("")


def no_folder(tree):
    (tree / "trap" / "trap.c").unlink()
    (tree / "trap").rmdir()
    (tree / "kernel.ld").unlink()


def large(tree):
    with open(tree / "vm" / "x.h", "wb") as file:
        file.truncate(staging.BYTES_MAX + 1)


REFUSED = {to_nowhere: "cannot be read", to_outside: "leads out of the tree",
           folder_outside: "leads out of the tree", round_and_round: "a folder that holds it",
           to_itself: "cannot be read|leads out", pipe: "not an ordinary file",
           name_for_the_shell: "a file's name must", name_for_make: "a file's name must",
           no_folder: "has no trap/, kernel.ld", large: "more than 64 MiB"}


@pytest.mark.parametrize("harm", REFUSED, ids=lambda harm: harm.__name__)
def test_refused(tree, harm):
    harm(tree)
    with pytest.raises(StagingError, match=REFUSED[harm]):
        taken(tree)


def test_too_many_files(tree, monkeypatch):
    monkeypatch.setattr(staging, "FILES_MAX", 3)
    with pytest.raises(StagingError, match="3 files"):
        taken(tree)
