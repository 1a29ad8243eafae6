"""Host tests: parts of the tree compiled for this machine, under ASan and UBSan.

test/host/NAME.c, or all of test/host/NAME/*.c, is one test. A comment names the files of the tree
that are linked in, from the root, and flags if any are needed:

    host-test: kernel/lib/fdt.c kernel/lib/format.c -DSMALL=1

It is compiled with -DHOST_TEST=1 and the root as include folder, runs in the root (of the tree that
is graded), prints KTAP, and passes if all its results are ok and it exits with 0.
"""
import os
import shlex

import pytest

from banyan import gcov, sandbox
from banyan.cases import CaseError, host_case
from banyan.ktap import parse
from banyan.machine import ROOT, build_dir, graded_root
from banyan.staging import FOLDERS

HOST = ROOT / "test" / "host"
FLAGS = ("-std=gnu11 -g -O1 -Wall -Wextra -fno-omit-frame-pointer -fsanitize=address,undefined "
         "-fno-sanitize-recover=all -DHOST_TEST=1").split()
COUNTED = ["--coverage", "-fprofile-update=atomic"]  # for `make coverage`
TIMEOUT = 600
OUTPUT_MAX = 1 << 20


def _parameters():
    paths = []
    if HOST.is_dir():
        paths = [path for path in sorted(HOST.iterdir())
                 if path.suffix == ".c" or (path.is_dir() and any(path.glob("*.c")))]
    return [pytest.param(path, id=path.stem, marks=[] if _tests_a_kernel(path) else
                         [pytest.mark.ours]) for path in paths]


def _tests_a_kernel(path):
    """Whether it is about a part of the kernel, as all are that do not say what they link."""
    try:
        linked = host_case(path, ROOT).linked
    except CaseError:
        return True
    return not linked or any(file.relative_to(ROOT).parts[0] in FOLDERS for file in linked)


@pytest.mark.points(0)
def test_exist():
    assert _parameters(), "there are no host tests in test/host/"


def _run(argv, folder, seconds, **variables):
    """Run a command in the tree under test; (its status or None, stdout, stderr). What belongs to
    somebody's tree is kept behind walls, and writes to `folder` only."""
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    environment = dict(os.environ, **variables)
    argv, cwd = [str(word) for word in argv], graded_root()
    if os.environ.get("GRADED"):
        environment["TMPDIR"] = environment["SCRATCH"] = str(folder)
        status = sandbox.run(argv, out, seconds, cwd, writable=[folder], env=environment,
                             secret=sandbox.secrets(), memory=0, errors=err)
    else:
        status = sandbox.run_freely(argv, out, seconds, cwd, env=environment, errors=err)
    return status, _text(out), _text(err)


def _text(path):
    """The beginning of a file that may be of any size."""
    with open(path, "rb") as file:
        return file.read(OUTPUT_MAX).decode("utf-8", "replace")


@pytest.mark.points(2)
@pytest.mark.parametrize("path", _parameters())
def test_host(path):
    try:
        case = host_case(path, graded_root())
    except CaseError as error:
        pytest.fail(str(error), pytrace=False)
    folder = build_dir() / "test" / "host" / case.name
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / case.name
    compiler = shlex.split(os.environ.get("HOSTCC") or "gcc")
    flags = FLAGS + (COUNTED if gcov.wanted() else [])
    command = [*compiler, *flags, *case.flags, "-I", graded_root(), "-o", program,
               *case.sources, *case.linked, "-lpthread"]
    (folder / "command.txt").write_text(shlex.join(map(str, command)) + "\n")
    status, _, errors = _run(command, folder, TIMEOUT)
    if status != 0:
        pytest.fail(f"it does not compile:\n{errors}", pytrace=False)
    status, output, errors = _run([program], folder, TIMEOUT, ASAN_OPTIONS="detect_leaks=1")
    if status is None:
        pytest.fail(f"not done after {TIMEOUT} s", pytrace=False)
    reasons = parse(output).problems
    if status != 0:
        reasons.append(f"exit status {status}")
    if reasons:
        tail = "\n".join((output + errors).splitlines()[-60:])
        pytest.fail("\n".join(reasons) + f"\n{tail}\nrun: {program}", pytrace=False)
