"""Which runs of the guest tests there are, from what `make grade` was asked for.

Ordinarily each test runs once, on a machine drawn from SEED. With FULL=1 it runs on as many as it
takes to see every pair of values of two axes that it allows. A name with [...] in T, or among what
failed the last time, asks for that machine. CPUS, MEM, KARGS and QEMUEXTRA settle their axes if the
user has set them (the Makefile, which has values for them of its own, says which in CHOSEN).
"""
import os
import re

from . import configs, last
from .configs import AXES
from .settings import on, seed

ASKED = re.compile(r"guest\.(\w+)\[([^\]]*)\](?:#\d+)?")
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
    return found


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
        rows = (configs.all_pairs(domains, seed(), test.identity) if on("FULL")
                else [configs.draw(domains, seed(), test.identity)])
        for row in rows:
            case = test.case(row)
            found.setdefault(case.identity, case)
    return list(found.values())
