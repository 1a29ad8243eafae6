"""Host tests: parts of the tree compiled for this machine, under ASan and UBSan.

test/host/NAME.c, or all of test/host/NAME/*.c, is one test. A comment names the files of the tree
that are linked in, from the root, and flags if any are needed:

    host-test: kernel/lib/fdt.c kernel/lib/format.c -DSMALL=1

It is compiled with -DHOST_TEST=1 and the root as include folder, runs in the root, prints KTAP, and
passes if all its results are ok and it exits with 0.
"""
import os
import shlex
import subprocess

import pytest

from banyan.cases import CaseError, host_case
from banyan.ktap import parse
from banyan.machine import ROOT, build_dir

HOST = ROOT / "test" / "host"
FLAGS = ("-std=gnu11 -g -O1 -Wall -Wextra -fno-omit-frame-pointer -fsanitize=address,undefined "
         "-fno-sanitize-recover=all -DHOST_TEST=1").split()
TIMEOUT = 600


def _parameters():
    paths = []
    if HOST.is_dir():
        paths = [path for path in sorted(HOST.iterdir())
                 if path.suffix == ".c" or (path.is_dir() and any(path.glob("*.c")))]
    return [pytest.param(path, id=path.stem) for path in paths]


@pytest.mark.points(0)
def test_exist():
    assert _parameters(), "there are no host tests in test/host/"


def _run(argv, **kwargs):
    done = subprocess.run([str(word) for word in argv], cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", check=False, **kwargs)
    return done


@pytest.mark.points(2)
@pytest.mark.parametrize("path", _parameters())
def test_host(path):
    try:
        case = host_case(path, ROOT)
    except CaseError as error:
        pytest.fail(str(error), pytrace=False)
    folder = build_dir() / "test" / "host" / case.name
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / case.name
    compiler = shlex.split(os.environ.get("HOSTCC") or "gcc")
    command = [*compiler, *FLAGS, *case.flags, "-I", ROOT, "-o", program,
               *case.sources, *case.linked, "-lpthread"]
    (folder / "command.txt").write_text(shlex.join(map(str, command)) + "\n")
    built = _run(command)
    if built.returncode != 0:
        pytest.fail(f"it does not compile:\n{built.stderr}", pytrace=False)
    try:
        done = _run([program], timeout=TIMEOUT,
                    env=dict(os.environ, ASAN_OPTIONS="detect_leaks=1"))
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"not done after {late.timeout} s", pytrace=False)
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    reasons = parse(done.stdout).problems
    if done.returncode != 0:
        reasons.append(f"exit status {done.returncode}")
    if reasons:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-60:])
        pytest.fail("\n".join(reasons) + f"\n{tail}\nrun: {program}", pytrace=False)
