"""What `make grade` prints: lines, points, score, and how to run a failed test again."""
import subprocess
import sys

import pytest

from banyan.machine import ROOT
from banyan.parts import OTHER
from banyan.settings import for_another_run

pytestmark = pytest.mark.points(0)
SAMPLE = '''
import pytest
from banyan.boot import BootFailure

@pytest.mark.points(3)
def test_good():
    pass

@pytest.mark.points(2)
@pytest.mark.parametrize("cpus", [4], ids=["cpus=4"])
def test_bad(cpus):
    assert cpus == 5

def test_skipped():
    pytest.skip("not here")

@pytest.fixture
def broken():
    raise BootFailure("panic", "panic: in the fixture")

def test_error(broken):
    pass

@pytest.fixture
def untidy():
    yield
    assert False, "on the way out"

@pytest.mark.points(4)
def test_leaves_a_mess(untidy):
    pass
'''


@pytest.fixture(params=[1, 2], ids=["alone", "parallel"])
def grade(request, tmp_path):
    """Runs the sample under our conftest; returns pytest's exit status and the lines."""
    if request.param > 1:
        pytest.importorskip("xdist")
    (tmp_path / "pytest.ini").write_text((ROOT / "test" / "pytest.ini").read_text())

    def run(files=None, *arguments, **variables):
        for name, text in (files or {"test_sample.py": SAMPLE}).items():
            (tmp_path / name).write_text(text)
        environment = for_another_run(PYTHONPATH=str(ROOT / "test"), BUILD=str(tmp_path / "build"),
                                      **variables)
        argv = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-q",
                "-rN", str(tmp_path), *arguments]
        if request.param > 1 and "no:xdist" not in arguments:
            argv += ["-n", str(request.param), "--dist", "loadgroup"]
        done = subprocess.run(argv, cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        return done.returncode, done.stdout.splitlines()
    return run


def starts(lines, words):
    return any(line.startswith(words) for line in lines)


def test_lines_and_score(grade):
    status, lines = grade()
    assert status == 1
    assert starts(lines, "ok        3/3   sample.good (")
    assert starts(lines, "FAIL      0/2   sample.bad[cpus=4] (")
    assert starts(lines, "skip      0/1   sample.skipped (")
    assert starts(lines, "FAIL      0/1   sample.error (")
    assert starts(lines, "FAIL      0/4   sample.leaves_a_mess (")
    assert any(line.split() == ["other", "1/5", "3/11"] for line in lines)
    assert lines[-2] == "score: 3/11"
    assert "passed" in lines[-1] and "failed" in lines[-1]


def test_words_instead_of_tracebacks(grade):
    _, lines = grade(T="sample.error")
    assert "panic: in the fixture" in lines
    assert not any("raise BootFailure" in line for line in lines)


def test_properties_bring_no_warning(grade):
    """They go into the XML, whose family must have them."""
    status, lines = grade({"test_sample.py": "def test_share(record_property):\n"
                                             "    record_property('share', 0.5)\n"},
                          "--junitxml=results.xml")
    assert status == 0 and not any("record_property" in line for line in lines), lines


def test_reproduce(grade):
    _, lines = grade(CPUS="4", KARGS="a=1 b")
    assert "FAIL sample.bad[cpus=4]: make grade CPUS=4 KARGS='a=1 b' T='sample.bad[cpus=4]'" in lines


def test_selection(grade):
    status, lines = grade(T="sample.good")
    assert status == 0 and lines[-1].startswith("1 passed")
    assert lines[-2] == "score: 3/3 of the 1 tests selected among 5"
    assert grade(T="s*.*oo*")[1][-2].startswith("score: 3/3 ")
    assert grade(T="bad[cpus=4]")[1][-2].startswith("score: 0/2 ")
    status, lines = grade(T="no-such-test")
    assert status != 0 and any("no test has the name T=no-such-test" in line for line in lines)


BROKEN_BOOT = {
    "test_boot.py": "def test_prompt():\n    assert False\n\ndef test_no_disk():\n    pass\n",
    "test_guest.py": """
import pytest

@pytest.mark.points(2)
@pytest.mark.parametrize("name", ["file_names", "proc_wait", "file_basic", "exist"])
def test_guest(name):
    pass
""",
    "test_build.py": "def test_it():\n    pass\n",
}


def test_blocked(grade):
    """What needs a test that fails is not run, but shown, and is not among the failures."""
    status, lines = grade(BROKEN_BOOT)
    assert status == 1
    for name, needed in (("proc_wait", "boot.prompt"), ("file_basic", "guest.proc_wait"),
                         ("file_names", "guest.file_basic")):
        assert starts(lines, f"BLOCKED   0/2   guest.{name} (by {needed}; "), lines
    for name in ("boot.no_disk", "build.it"):
        assert starts(lines, f"ok        1/1   {name} (")
    assert starts(lines, "ok        2/2   guest.exist (")
    assert [line for line in lines if line.startswith("FAIL ")][1:] == [
        "FAIL boot.prompt: make grade T=boot.prompt"]
    assert "1 failed" in lines[-1] and "3 blocked" in lines[-1]


def test_prerequisites_come_first(grade):
    """However late they are written, and each only waits for its own."""
    good = {**BROKEN_BOOT, "test_boot.py": "import time\n\ndef test_prompt():\n    time.sleep(1)\n"}
    status, lines = grade(good)
    order = [line.split()[2] for line in lines if line.startswith("ok")]
    assert status == 0 and order[0] == "boot.prompt"
    assert order.index("guest.file_basic") < order.index("guest.file_names")


def test_what_is_not_selected_blocks_nobody(grade):
    status, lines = grade(BROKEN_BOOT, T="file_names")
    assert status == 0 and starts(lines, "ok        2/2   guest.file_names (")


def test_parts(grade):
    _, lines = grade(BROKEN_BOOT)
    at = next(i for i, line in enumerate(lines) if line.split() == ["part", "tests", "points"])
    rows = [line.split() for line in lines[at + 1:lines.index("", at)]]
    assert rows == [["boot", "1/2", "1/2"], ["processes", "1/2", "2/4"], ["files", "0/2", "0/4"],
                    ["build", "1/1", "1/1"]]


SOMETIMES = """
import pathlib
import pytest
COUNT = pathlib.Path(__file__).with_name("count")

@pytest.mark.points(4)
def test_third_time_fails():
    with COUNT.open("a") as file:
        file.write("x")
    assert COUNT.stat().st_size != 3

@pytest.mark.parametrize("name", ["alpha"])
def test_sample(name):
    pass
"""


def test_repeat(grade):
    """Every run has its line; the points are the test's, for passing each time."""
    status, lines = grade({"test_sample.py": SOMETIMES}, REPEAT="4")
    assert status == 1
    assert sum(line.startswith("ok        4/4   sample.third_time_fails#") for line in lines) == 3
    assert sum(line.startswith("ok        1/1   sample.alpha#") for line in lines) == 4
    assert ("FAIL sample.third_time_fails (1 of 4 runs): "
            "make grade REPEAT=4 T=sample.third_time_fails") in lines
    assert lines[-2] == "score: 1/5"


def test_failed_again(grade):
    """FAILED=1: what failed, and what was blocked by it, and nothing else."""
    grade(BROKEN_BOOT)
    mended = {**BROKEN_BOOT, "test_boot.py": "def test_prompt():\n    pass\n"}
    status, lines = grade(mended, FAILED="1")
    assert status == 0 and lines[-2] == "score: 7/7 of the 4 tests selected among 6"


CUT = """
import os
import pathlib
import pytest
HERE = pathlib.Path(__file__).parent

@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_sample(name):
    with open(HERE / "ran", "a") as file:
        file.write(name)
    if name == "c" and (HERE / "cut").exists():
        os.kill(int((HERE / "cut").read_text() or os.getpid()), 9)
    assert name != "b"
"""


def test_full_goes_on(tmp_path):
    """What was done before the run was cut counts, and is not done again."""
    (tmp_path / "cut").touch()
    (tmp_path / "test_sample.py").write_text(CUT)
    (tmp_path / "pytest.ini").write_text((ROOT / "test" / "pytest.ini").read_text())
    environment = for_another_run(PYTHONPATH=str(ROOT / "test"), BUILD=str(tmp_path / "build"),
                                  FULL="1")

    def run(**variables):
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "conftest", "-p",
                               "no:cacheprovider", "-p", "no:xdist", "-q", "-rN", str(tmp_path)],
                              cwd=tmp_path, env=dict(environment, **variables), timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        return done.returncode, done.stdout.splitlines(), (tmp_path / "ran").read_text()

    assert run()[0] == -9
    (tmp_path / "cut").unlink()
    status, lines, ran = run()
    assert ran == "abccd"
    assert starts(lines, "grade: going on where the last run was cut; 2 are done")
    assert lines[-2] == "score: 3/4" and starts(lines, "FAIL sample.b: ")
    assert run()[2] == "abccdabcd"  # all was done: anew
    (tmp_path / "cut").touch()
    run()
    (tmp_path / "cut").unlink()
    assert run(SEED="5")[2] == "abccdabcd" + "abc" + "abcd"  # other machines: anew


def test_list(grade):
    """Parts with their sums; nothing is run."""
    _, lines = grade(BROKEN_BOOT, "--list-names", "-p", "no:xdist")
    assert "boot: 2" in lines and "files: 4" in lines and "   2 guest.file_names" in lines
    assert not starts(lines, "ok")


def test_every_test_has_a_part():
    """But those that are there to find tests missing."""
    done = subprocess.run([sys.executable, str(ROOT / "test" / "grade.py")], check=True,
                          env=for_another_run(LIST="1"), stdout=subprocess.PIPE, text=True)
    others = done.stdout.partition(f"\n{OTHER}: ")[2].splitlines()[1:]
    assert not others


def grade_alone(tmp_path, **variables):
    """grade.py itself, on an empty build folder: its status and all that it says."""
    done = subprocess.run([sys.executable, str(ROOT / "test" / "grade.py")], check=False,
                          env=for_another_run(BUILD=str(tmp_path), **variables),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("variable, value, words", [
    ("REPEAT", "0", "REPEAT=0: give a number from 1 to"), ("REPEAT", "x", "REPEAT=x"),
    ("J", "99", "J=99: give a number from 1 to 16"), ("CPUS", "9", "CPUS=9"),
    ("ARGS", "'", "ARGS: "), ("FAILED", "1", "there was no run yet"), ("SEED", "-1", "SEED=-1"),
], ids=range(7))
def test_bad_settings(tmp_path, variable, value, words):
    status, text = grade_alone(tmp_path, **{variable: value})
    assert status == 1 and words in text.splitlines()[-1] and "Traceback" not in text


def test_nothing_failed(tmp_path):
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "last.json").write_text('{"failed": [], "settings": {}}')
    assert grade_alone(tmp_path, FAILED="1") == (0, "grade: nothing failed in the last run\n")
