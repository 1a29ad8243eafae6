"""`make grade TREE=DIR`: what counts is DIR's kernel, and nothing else that lies there."""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

import grade_tree
from banyan import sandbox
from banyan.machine import ROOT
from banyan.settings import for_another_run
from banyan.staging import FOLDERS, SCRIPT

pytestmark = [pytest.mark.points(0), pytest.mark.xdist_group("grade_tree")]
TEST = "guest.pipe_basic[cpus=1]"
TOUCH = "touch {0}/pwned"


@pytest.fixture
def tree(tmp_path):
    """A copy of the graded part of our tree; what grading it leaves goes with it."""
    copy = tmp_path / "student"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / SCRIPT, copy)
    yield copy
    shutil.rmtree(grade_tree.folder_of(copy), ignore_errors=True)


def grade(tree, pattern=TEST, **variables):
    """(exit status, all that was printed, the folder of results)"""
    environment = {key: value for key, value in os.environ.items()
                   if key not in grade_tree.HANDED_DOWN and not key.startswith("PYTEST_")}
    environment.update(variables, TREE=str(tree), T=pattern, J="1")
    done = subprocess.run([sys.executable, str(ROOT / "test" / "grade_tree.py")], cwd=ROOT,
                          env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=900, check=False)
    return done.returncode, done.stdout, grade_tree.folder_of(tree) / "test"


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_good_tree(tree):
    """Nothing in it that is not the kernel's is run, or read by what judges it."""
    harm = TOUCH.format(tree)
    (tree / "Makefile").write_text(f"$(shell {harm})\n")
    (tree / "kernel" / "Makefile").write_text(f"$(shell {harm})\n")
    (tree / "kernel" / "lib" / "symtab.py").write_text(f"import os\nos.system('{harm}')\n")
    (tree / "test").mkdir()
    (tree / "test" / "conftest.py").write_text(f"import os\nos.system('{harm}')\n")
    status, text, results = grade(tree)
    assert status == 0, text
    assert re.search(rf"(?m)^ok +3/3 +{re.escape(TEST)}", text) and "score: 3/3" in text
    assert not (tree / "pwned").exists()
    assert (results / "results.xml").exists()


def test_a_bug_is_found_and_edits_do_not_hide_it(tree):
    """Its own headers are for its kernel only: the test is compiled with ours."""
    change(tree / "kernel" / "pipe.c", "rc = -EPIPE;", "rc = -EIO;")
    abi = tree / "kernel" / "abi.h"
    abi.write_text(abi.read_text() + "\n#define ok(c, ...) printf(\"ok\")\n")
    shutil.copytree(ROOT / "user" / "include", tree / "user" / "include")
    change(tree / "user" / "include" / "ktap.h", 'condition ? "ok" : "not ok"', '"ok"')
    status, text, _ = grade(tree)
    assert status == 1, text
    assert re.search(rf"(?m)^FAIL +0/3 +{re.escape(TEST)}", text) and "score: 0/3" in text


def test_does_not_compile(tree):
    (tree / "kernel" / "boot_memory.c").write_text("int frame = ;\n")
    status, text, _ = grade(tree)
    assert status == 1, text
    assert "kernel/boot_memory.c:1:13: error: expected expression" in text and "score: 0/3" in text
    assert "Traceback" not in text


def test_lacks_a_folder(tree):
    shutil.rmtree(tree / "trap")
    status, text, _ = grade(tree)
    assert status == 1 and "the tree has no trap/" in text and "score: 0/3" in text, text


def test_no_such_tree(tmp_path):
    status, text, _ = grade(tmp_path / "gone")
    assert status == 2 and "no such folder" in text and "Traceback" not in text


def test_only_what_judges_a_kernel_is_asked(tree):
    _, text, _ = grade(tree, "", LIST="1")
    names = re.findall(r"(?m)^ *\d+ (\S+)$", text)
    assert "host.vm_frame" in names
    assert [name for name in names if name.startswith("guest.pipe_basic[")]
    assert not [name for name in names if name.startswith(("build.", "tree.", "run.", "host.fs_"))]


def test_the_sources_tested_on_the_host_are_the_trees(tree):
    """And a test that writes files finds room for them behind its walls."""
    (tree / "kernel" / "lib" / "bitmap.h").write_text('#error "the graded one"\n')
    (tree / "kernel" / "boot_memory.c").write_text("int frame = ;\n")  # ends the build early
    folder = grade_tree.folder_of(tree)
    assert grade_tree.prepare(tree, folder)
    environment = for_another_run(GRADED=str(folder / "src"), BUILD=str(folder),
                       PROGRAMS=str(ROOT / "build"), T="host.lib_bitmap host.virtq_qemu", J="1")
    done = subprocess.run([sys.executable, str(ROOT / "test" / "grade.py")], env=environment,
                          stdout=subprocess.PIPE, text=True, timeout=300, check=False)
    assert "the graded one" in done.stdout, done.stdout
    assert re.search(r"(?m)^ok +2/2 +host.virtq_qemu", done.stdout), done.stdout


@pytest.mark.skipif(not sandbox.available(), reason="no bubblewrap here")
def test_walls(tmp_path):
    """A command writes where it may, sees no secret, and has no network."""
    (tmp_path / "open").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("swordfish")
    script = ("echo a >open/a; echo b >b; cat secret/key; "
              "/usr/bin/python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 1))'")
    status = sandbox.run(["sh", "-c", script], tmp_path / "out", 60, tmp_path,
                         writable=[tmp_path / "open"], secret=[tmp_path / "secret"])
    text = (tmp_path / "out").read_text()
    assert status != 0 and (tmp_path / "open" / "a").exists() and not (tmp_path / "b").exists()
    assert "swordfish" not in text and "Read-only file system" in text


@pytest.mark.parametrize("run", [sandbox.run, sandbox.run_freely], ids=["walls", "freely"])
def test_a_command_that_does_not_end(tmp_path, run):
    """It is ended, with all that it started."""
    mark = f"3{os.getpid()}"
    assert run(["sh", "-c", f"sleep {mark} & sleep {mark}"], tmp_path / "out", 1, tmp_path) is None
    listed = subprocess.run(["ps", "-eo", "args"], stdout=subprocess.PIPE, text=True, check=True)
    assert f"sleep {mark}" not in listed.stdout


def test_endless_output_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "FILE_MAX", 1 << 20)
    status = sandbox.run(["yes"], tmp_path / "out", 60, tmp_path)
    assert status not in (0, None) and (tmp_path / "out").stat().st_size == 1 << 20

def test_json(tree):
    """A tree without a kernel has its results too."""
    shutil.rmtree(tree / "vm")
    _, _, results = grade(tree)
    found = json.loads((results / "results.json").read_text())
    assert found["score"] == 0 and "the tree has no vm/" in found["output"]
