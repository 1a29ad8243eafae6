#!/usr/bin/python3
"""Checks docs/COVERAGE.md: that each promise in it names tests, and that those exist.

    test/coverage_map.py [FILE]

A promise is a list item that ends in ` -> ` and the names of tests, with commas between:

    - Writing past the end of the disk is ENOSPC -> disk.full, guest.enospc

A name without [...] stands for all configurations of that test. A long item may go on in indented
lines. List items without ` -> ` are errors; other lines are text. The exit status is 0 if every
promise is kept.
"""
import os
import pathlib
import re
import subprocess
import sys

from banyan.machine import ROOT

NAME = re.compile(r"\w+\.[^\s,\[]+(\[[^\]]*\]+)?")


def promises(text):
    """[(line number, promise)], each promise on one line."""
    found = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("- ", "* ")):
            found.append([number, line[2:].strip()])
            inside = True
        elif inside and line.startswith("  ") and line.strip():
            found[-1][1] += " " + line.strip()
        else:
            inside = False
    return [tuple(item) for item in found]


def problems(text, names):
    """What is wrong with the map, in words; `names` are the tests that exist."""
    known = set(names) | {name.split("[")[0] for name in names}
    complaints = []
    listed = promises(text)
    if not listed:
        complaints.append("no promises at all (lines such as `- bullet -> test`)")
    for number, promise in listed:
        words, arrow, tests = promise.rpartition(" -> ")
        if not arrow or not words.strip():
            complaints.append(f"line {number}: names no test: {promise}")
            continue
        for name in split_names(tests):
            if not NAME.fullmatch(name):
                complaints.append(f"line {number}: not the name of a test: {name!r}")
            elif name not in known:
                complaints.append(f"line {number}: no such test: {name}")
    return complaints


def split_names(text):
    """Names between commas; commas inside [...] belong to the name."""
    return [name.strip(" `.") for name in re.split(r",(?![^\[]*\])", text)]


def existing_tests(patterns=""):
    """The names of all tests that `make grade T=patterns` would run."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("T", "V", "J") and not key.startswith("PYTEST_")}
    done = subprocess.run([sys.executable, str(ROOT / "test" / "grade.py")], check=False,
                          env=dict(environment, LIST="1", T=patterns), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    names = re.findall(r"^ *\d+ (\S+\.\S+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not names:
        raise RuntimeError(f"the tests cannot be listed:\n{done.stdout}")
    return names


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "COVERAGE.md"
    try:
        complaints = problems(path.read_text(), existing_tests())
    except (OSError, RuntimeError) as error:
        sys.exit(f"coverage: {error}")
    for complaint in complaints:
        print(f"{path.name}: {complaint}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
