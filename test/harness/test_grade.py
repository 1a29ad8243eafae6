"""What `make grade` prints: lines, points, score, and how to run a failed test again."""
import os
import subprocess
import sys

import pytest

from banyan.machine import ROOT

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
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    (tmp_path / "pytest.ini").write_text((ROOT / "test" / "pytest.ini").read_text())

    def run(**variables):
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("T", "J", "CPUS", "MEM", "KARGS", "QEMUEXTRA", "EXTRA")
                       and not key.startswith("PYTEST_")}
        environment.update(variables, PYTHONPATH=str(ROOT / "test"))
        argv = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-q",
                "-rN", str(tmp_path)]
        if request.param > 1:
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
    assert starts(lines, "ok     3/3   sample.good (")
    assert starts(lines, "FAIL   0/2   sample.bad[cpus=4] (")
    assert starts(lines, "skip   0/1   sample.skipped (")
    assert starts(lines, "FAIL   0/1   sample.error (")
    assert starts(lines, "FAIL   0/4   sample.leaves_a_mess (")
    assert lines[-2] == "score: 3/11"
    assert "passed" in lines[-1] and "failed" in lines[-1]


def test_words_instead_of_tracebacks(grade):
    _, lines = grade(T="sample.error")
    assert "panic: in the fixture" in lines
    assert not any("raise BootFailure" in line for line in lines)


def test_reproduce(grade):
    _, lines = grade(CPUS="4", KARGS="a=1 b")
    assert "FAIL sample.bad[cpus=4]: make grade CPUS=4 KARGS='a=1 b' T='sample.bad[cpus=4]'" in lines


def test_selection(grade):
    status, lines = grade(T="sample.good")
    assert status == 0 and lines[-2] == "score: 3/3" and lines[-1].startswith("1 passed")
    assert grade(T="s*.*oo*")[1][-2] == "score: 3/3"
    assert grade(T="bad[cpus=4]")[1][-2] == "score: 0/2"
    assert grade(T="no-such-test")[0] != 0
