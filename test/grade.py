#!/usr/bin/python3
"""`make grade`: every test, with a line and points for each, the score, pytest's closing line.

    T=PATTERN...  only tests whose name contains one of these words (or matches it, with * ?)
    J=N           tests at a time (default: one per processor)
    V=1           show serial lines as they come (one test at a time)
    LIST=1        list the tests with their points, run none

The exit status is pytest's: 0 if every test passed.
"""
import importlib.util
import os
import sys

from banyan import image
from banyan.machine import ROOT, Machine, MachineError, build_dir, programs_dir

JOBS_MAX = 16


def jobs(verbose):
    text = os.environ.get("J") or ""
    if text:
        if not text.isdigit() or not 1 <= int(text) <= JOBS_MAX:
            raise MachineError(f"J={text}: give a number from 1 to {JOBS_MAX}")
        count = int(text)
    else:
        count = 1 if verbose else min(JOBS_MAX, len(os.sched_getaffinity(0)))
    if count > 1 and importlib.util.find_spec("xdist") is None:
        print("grade: python3-pytest-xdist is not installed: one test at a time", file=sys.stderr)
        count = 1
    return count


def main():
    if sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    Machine.from_env()  # refuse a bad CPUS or MEM once, not in each test
    verbose = os.environ.get("V") not in (None, "", "0")
    results = build_dir() / "test"
    results.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "pytest", str(ROOT / "test"), "-c",
            str(ROOT / "test" / "pytest.ini"), "-o", f"cache_dir={results / 'pytest-cache'}",
            "-q", "-rN", "--no-header", "--tb=short", f"--junitxml={results / 'results.xml'}"]
    if os.environ.get("LIST") not in (None, "", "0"):
        argv.append("--list-names")
    elif (count := jobs(verbose)) > 1:
        argv += ["-n", str(count), "--dist", "loadgroup"]
    if verbose:
        argv.append("-s")
    if os.environ.get("UNGRADABLE"):
        argv.append("--tb=no")
    argv += sys.argv[1:]
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    if (programs_dir() / "disk.flags").exists():
        environment["DISK"] = str(image.fresh())
    sys.stdout.flush()
    os.execve(sys.executable, argv, environment)


if __name__ == "__main__":
    try:
        main()
    except ImportError as error:
        sys.exit(f"grade: {error}: run `make deps`")
    except MachineError as error:
        sys.exit(f"grade: {error}")
