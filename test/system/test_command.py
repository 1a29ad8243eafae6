"""`make run`: the command's output and nothing else on stdout, its status as the exit status."""
import os
import re
import subprocess
import sys

import pytest

from banyan.cases import guest_tests
from banyan.ktap import parse
from banyan.machine import ROOT, programs_dir

pytestmark = pytest.mark.points(2)


def run(command, **environment):
    done = subprocess.run([sys.executable, str(ROOT / "test" / "run.py"), command],
                          env=dict(os.environ, V="", **environment), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=3600, check=False)
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
    assert verdicts(run("usertests pipe_basic")) == {"pipe_basic": None}


def verdicts(done):
    """{name: None, or why it was skipped} of a run of usertests in which nothing failed."""
    report = parse(done.stdout.decode())
    assert (done.returncode, report.problems) == (0, []), done.stdout.decode() + done.words
    return {point.name: point.note if point.skipped else None for point in report.points}


def right_for(test, cpus, mem, swap):
    """Whether a test's line says that it can be run on this machine, without KARGS."""
    return (test.cpus.allows(cpus) and test.mem.allows(mem) and test.swap.allows(swap)
            and not test.kargs)


@pytest.mark.points(5)
def test_usertests_all():
    """All of them on the usual machine, in one boot: what it is right for passes, the rest says why."""
    tests = [test for source in sorted((ROOT / "user" / "test").glob("*.c"))
             for test in guest_tests(source)]
    found = verdicts(run("usertests", CPUS="2", MEM="256M", SWAP="256M", KARGS="",
                         TIMEOUT="2000"))
    run_here = {f"{test.name} {test.args}".rstrip() for test in tests
                if right_for(test, "2", "256M", "256M")}
    assert {name for name, reason in found.items() if reason is None} == run_here
    skipped = {test.name for test in tests} - {name.split()[0] for name in run_here}
    assert {name for name, reason in found.items() if reason} == skipped
    assert "needs cpus=2,4 mem=16M,32M swap=16M" in found["mem_victim"]


NEEDS = {  # of programs: lines for /etc/usertests, and what becomes of each on the machine below
    "pipe_basic": ("cpus=2..\tmem=32M..64M\tswap=64M..\tkargs=asidbits=2", None),
    "proc_exec": ("cpus=4..\nproc_exec\tcpus=1,3", "needs cpus=4.., or cpus=1,3"),
    "proc_time": ("kargs=asidbits=2 isolation=on", "needs kargs=asidbits=2 isolation=on"),
    "thread_life": ("mem=..63M", "needs mem=..63M"),
    "thread_sync": ("swap=0", "needs swap=0"),
    "words": ("args=a b\nwords\tcpus=1,2\targs=c\nwords\targs=c\nwords\tmem=65M..\targs=d", None),
}


def test_usertests_other_machine():
    """It is run where it says, and with the arguments that it names; elsewhere it is skipped."""
    lines = "".join(f"{name}\\t{line}\\n".replace("\t", "\\t").replace("\n", "\\n")
                    for name, (line, _) in NEEDS.items())
    script = "#!/bin/sh\\necho 1..1\\necho ok 1 $# $1\\n"
    done = run(f"printf '{lines}' >/etc/usertests; printf '{script}' >/test/words; "
               f"chmod +x /test/words; usertests {' '.join(NEEDS)}",
               CPUS="2", MEM="64M", SWAP="192M", KARGS="asidbits=2")
    expected = {name: reason and "SKIP " + reason for name, (_, reason) in NEEDS.items()}
    del expected["words"]
    assert verdicts(done) == {**expected, "words a b": None, "words c": None}
    assert b"ok 1 2 a\n" in done.stdout and b"ok 1 1 c\n" in done.stdout
    assert b"# 3 of 3 passed, 4 skipped" in done.stdout
