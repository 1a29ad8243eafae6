"""`make run`: the command's output and nothing else on stdout, its status as the exit status."""
import os
import re
import subprocess
import sys

import pytest

from banyan.ktap import parse
from banyan.machine import ROOT, programs_dir

pytestmark = pytest.mark.points(2)


def run(command, **environment):
    done = subprocess.run([sys.executable, str(ROOT / "test" / "run.py"), command],
                          env=dict(os.environ, V="", **environment), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=900, check=False)
    done.words = done.stderr.decode("utf-8", "replace")
    return done


def test_output():
    done = run("echo out; echo err >&2; ls / | grep bin")
    assert done.returncode == 0, done.words
    assert sorted(done.stdout.split(b"\n")) == [b"", b"bin", b"err", b"out"]
    assert "OpenSBI" in done.words


@pytest.mark.parametrize("command, status", [
    ("true", 0), ("false", 1), ("exit 3", 3), ("sh -c 'exit 255'", 255),
    ("no-such-program", 127), ("sh -c 'kill -9 $$'", 137), ("sh -c 'kill -15 $$'; exit $?", 143),
], ids=["true", "false", "exit3", "exit255", "missing", "killed", "terminated"])
def test_status(command, status):
    done = run(command)
    assert done.returncode == status, done.words


def test_binary_output_is_exact():
    """A program's bytes, marks of the kernel's lines included, arrive as they are."""
    done = run("cat /bin/sh")
    assert done.returncode == 0, done.words
    assert done.stdout == (programs_dir() / "image" / "bin" / "sh").read_bytes()


def test_long_output_is_exact():
    done = run("i=0; while test $i -lt 3000; do echo line $i; i=$((i+1)); done")
    assert done.returncode == 0, done.words
    assert done.stdout == b"".join(b"line %d\n" % i for i in range(3000))


def test_input_is_empty():
    """There is nobody at the terminal: a program that reads it must not hang for ever."""
    done = run("cat </dev/null; echo done")
    assert done.stdout == b"done\n", done.words


def test_settings():
    done = run("echo started", CPUS="1", MEM="32M", KARGS="asidbits=0")
    assert (done.returncode, done.stdout) == (0, b"started\n"), done.words


def test_usertests():
    """`usertests NAME` runs a guest test from the shell, as a subtest; -l names what there is."""
    built = re.findall(r"/test/(\S+)=", (programs_dir() / "disk.flags").read_text())
    assert run("usertests -l").stdout.decode().split() == sorted(built)
    name = min(built)
    done = run(f"usertests {name}")
    report = parse(done.stdout.decode())
    assert (done.returncode, report.problems) == (0, []), done.words
    assert [point.name for point in report.points] == [name]
