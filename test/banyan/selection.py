"""Which runs of the guest tests there are, from what `make grade` was asked for.

Ordinarily each test runs once, on a machine drawn from SEED. With FULL=1 it runs on as many as it
takes to see every pair of values of two axes that it allows; only then the checking kernel is one of
the values. A name with [...] in T, or among what
failed the last time, asks for that machine. CPUS, MEM, KARGS and QEMUEXTRA settle their axes if the
user has set them (the Makefile, which has values for them of its own, says which in CHOSEN), and so
does DEBUG=1.
"""
import os
import re

from . import configs, last
from .configs import AXES, FULL_ONLY
from .machine import debug_build
from .settings import on, seed

ASKED = re.compile(r"guest\.(\w+)\[([^\]]*)\](?:#\d+)?")
CHECKING = "debug=on"
VARIABLES = ("CPUS", "MEM", "KARGS", "QEMUEXTRA")


def chosen():
    """{axis: label} that the user has settled."""
    names = os.environ.get("CHOSEN")  # not set if make was not asked: then all that is, counts
    names = set(names.split() if names is not None else filter(os.environ.get, VARIABLES))
    found = {}
    for variable, axis in (("CPUS", "cpus"), ("MEM", "mem")):
        if variable in names and os.environ.get(variable):
            found[axis] = f"{axis}={os.environ[variable]}"
    for variable, key in (("KARGS", "kargs"), ("QEMUEXTRA", "extra")):
        if variable in names:
            found.update({axis: "" for axis, values in AXES.items()
                          if any(key in changes for changes in values.values())})
    if debug_build():
        found["debug"] = CHECKING
    elif not every_axis():
        found.update({axis: configs.usual(axis) for axis in FULL_ONLY})
    return found


def every_axis():
    """Whether machines are selected from all axes. The checking kernel is left out where another
    tree's kernel is judged, which need not have one, and where lines are counted, in one kernel."""
    return on("FULL") and not os.environ.get("GRADED") and not os.environ.get("COVERAGE")


def asks_for_checking():
    """Whether runs are to boot the checking kernel though the kernel is not built with DEBUG=1."""
    if debug_build():
        return False
    asked = filter(None, map(ASKED.fullmatch, asked_names()))
    return every_axis() or any(CHECKING in match.group(2).split(",") for match in asked)


def asked_names():
    """The names that are asked for one by one."""
    names = (os.environ.get("T") or "").split()
    return names + (last.load()[0] if on("FAILED") else [])


def cases_of(tests):
    """The runs, as GuestCases, of the tests of one source."""
    found = {}
    for match in filter(None, map(ASKED.fullmatch, asked_names())):
        if match.group(1) != tests[0].name:
            continue
        words = [word for word in match.group(2).split(",") if word]
        # Of several lines that would do, the one that says most about it.
        able = [test for test in tests if test.asked(words)]
        for test in sorted(able, key=lambda test: -len(test.words))[:1]:
            case = test.asked(words)
            found[case.identity] = case
    for test in tests:
        domains = test.domains(chosen())
        rows = (configs.all_pairs_but_few(domains, list(AXES).index("debug"), CHECKING,
                                          configs.SPARED, seed(), test.identity) if on("FULL")
                else [configs.draw(domains, seed(), test.identity)])
        for row in rows:
            case = test.case(row)
            found.setdefault(case.identity, case)
    return list(found.values())
