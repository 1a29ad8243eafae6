#!/usr/bin/python3
"""`make grade`: every test, with a line and points for each, the score, pytest's closing line.

    T=PATTERN...  only tests whose name contains one of these words (or matches it, with * ?)
    FAILED=1      only what failed or was blocked in the last run, on the same machines
    SEED=N        what the machines of guest tests are drawn from (default: by chance, and printed)
    FULL=1        each guest test on as many machines as show every pair of settings; a run that was
                  cut goes on where it was when it is started again
    J=N           tests at a time (default: one per processor)
    REPEAT=N      each test N times; it earns its points if it passes every time
    V=1           show serial lines as they come (one test at a time); so does ARGS=-v
    HIDDEN=DIR    further tests: DIR/NAME.c, run as /test/NAME, and DIR/test_*.py
    LIST=1        list the tests with their points, run none
    ARGS=WORDS    further arguments for pytest, such as -x (stop at the first failure)

The exit status is pytest's: 0 if every test passed.
"""
import importlib.util
import os
import random
import shlex
import subprocess
import sys

from banyan import image, last
from banyan.machine import (ROOT, Machine, MachineError, build_dir, checking_kernel, debug_build,
                            hidden_root, programs_dir)
from banyan.selection import asks_for_checking
from banyan.settings import SEED_MAX, number, on, repetitions, seed

JOBS_MAX = 16
NOTHING_TO_DO = 0
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")  # a make of its own is no part of ours


def jobs(verbose):
    count = number("J", 1 if verbose else min(JOBS_MAX, len(os.sched_getaffinity(0))), 1, JOBS_MAX)
    if count > 1 and importlib.util.find_spec("xdist") is None:
        print("grade: python3-pytest-xdist is not installed: one test at a time", file=sys.stderr)
        count = 1
    return count


def parallel(count):
    """Arguments for `count` tests at a time, handed out in the order that blocking.py relies on."""
    import xdist
    argv = ["-n", str(count), "--dist", "loadgroup"]
    if tuple(int(part) for part in xdist.__version__.split(".")[:2]) >= (3, 7):
        argv.append("--no-loadscope-reorder")
    return argv


def further_arguments():
    try:
        return shlex.split(os.environ.get("ARGS") or "")
    except ValueError as error:
        raise MachineError(f"ARGS: {error}") from None


def recall():
    """FAILED=1: take over the settings of the last run. Whether there is anything to run."""
    failed, settings = last.load()
    if not failed:
        print("grade: nothing failed in the last run")
        return False
    for key, value in settings.items():
        os.environ.setdefault(key, value)
        if not os.environ[key]:
            os.environ[key] = value
    print(f"grade: {len(failed)} that failed or were blocked in the last run")
    return True


def build_checking_kernel():
    """The second kernel, beside the one that make has built. Only who asks for runs on it waits."""
    processors = len(os.sched_getaffinity(0))
    argv = ["make", f"-j{processors}", "DEBUG=1", str(checking_kernel().relative_to(ROOT))]
    environment = {key: value for key, value in os.environ.items() if key not in OF_MAKE}
    print("grade: building the checking kernel", flush=True)
    if subprocess.run(argv, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                      check=False).returncode != 0:
        raise MachineError(f"the checking kernel does not build: `{' '.join(argv)}`")


def needs_checking_kernel(recalled):
    """`recalled`: DEBUG=1 was not asked for, but is a setting of the run before. Kernels of other
    trees are built by grade_tree.py, behind walls."""
    if on("LIST") or os.environ.get("GRADED"):
        return False
    return recalled or asks_for_checking()


def hidden_tests():
    """HIDDEN=DIR: pytest's arguments for DIR/test_*.py. There our conftest.py is no conftest, and
    so it is loaded as a plugin."""
    folder = hidden_root()
    if not os.environ.get("HIDDEN"):
        return []
    if not folder.is_dir():
        raise MachineError(f"HIDDEN={os.environ['HIDDEN']}: no such folder")
    files = sorted(folder.rglob("test_*.py"))
    if not files and not any(folder.glob("*.c")):
        raise MachineError(f"HIDDEN={folder}: no C file and no test_*.py there")
    ours = {path.name for path in (ROOT / "test").rglob("test_*.py")}
    taken = [path.name for path in files if path.name in ours]
    if taken:
        raise MachineError(f"HIDDEN={folder}: {', '.join(taken)}: a file of ours has that name, "
                           f"choose another")
    # The folder, not the files: their names then begin there.
    return ["-p", "conftest", "--noconftest", *([str(folder)] if files else [])]


def settle_seed():
    """All processes must draw the same machines. FULL's selection is the same each time."""
    if not os.environ.get("SEED"):
        os.environ["SEED"] = "0" if on("FULL") or on("LIST") else str(random.randint(1, SEED_MAX))
    return seed()


def main():
    if sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    asked_for = debug_build()
    if on("FAILED") and not recall():
        return NOTHING_TO_DO
    recalled = debug_build() and not asked_for
    if recalled:
        os.environ["KERNEL"] = str(checking_kernel())
    if needs_checking_kernel(recalled):
        build_checking_kernel()
    chosen = os.environ.get("CHOSEN")  # not set if make was not asked: then what is set counts
    if "SWAP" not in (os.environ if chosen is None else chosen.split()):
        os.environ["SWAP"] = "0"  # tests say themselves that they want a swap disk
    Machine.from_env()  # refuse a bad CPUS or MEM once, not in each test
    repetitions()
    print(f"grade: machines of guest tests are drawn from SEED={settle_seed()}")
    further = further_arguments()
    if {"-v", "-vv", "--verbose"} & set(further):
        os.environ["V"] = "1"
    results = build_dir() / "test"
    results.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "pytest", str(ROOT / "test"), "-c",
            str(ROOT / "test" / "pytest.ini"), "-o", f"cache_dir={results / 'pytest-cache'}",
            "-q", "-rN", "--no-header", "--tb=short", f"--junitxml={results / 'results.xml'}"]
    argv += hidden_tests()
    if on("LIST"):
        argv.append("--list-names")
    elif (count := jobs(on("V"))) > 1:
        argv += parallel(count)
    if on("V"):
        argv.append("-s")
    if os.environ.get("UNGRADABLE"):
        argv.append("--tb=no")
    argv += further + sys.argv[1:]
    path = os.pathsep.join(filter(None, [str(ROOT / "test"), os.environ.get("PYTHONPATH")]))
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=path)
    if (programs_dir() / "disk.flags").exists():
        environment["DISK"] = str(image.fresh())
    sys.stdout.flush()
    os.execve(sys.executable, argv, environment)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ImportError as error:
        sys.exit(f"grade: {error}: run `make deps`")
    except MachineError as error:
        sys.exit(f"grade: {error}")
