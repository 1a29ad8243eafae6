"""Reads KTAP, strictly: what is missing, doubled, out of order or malformed is a failure.

A program prints

    KTAP version 1
    1..3
    ok 1 name
    not ok 2 name # why
    # diagnostics
    ok 3 name # SKIP why

Other lines are allowed between (a program under test may print), unless they look like a result.

With a key, the plan and each result must also bear the seals of that key (see seal.py): one that
does not is not the program's own. Whatever is printed, reading it takes little time and memory:
lines, results and complaints have their limits.
"""
import dataclasses
import io
import re

from .seal import Chain
from .text import plain_line

LINE_MAX = 1100  # characters; ktap.h writes 1016 and a seal
RESULTS_MAX = 10000
TEXT_MAX = 1 << 20
PROBLEMS_MAX = 20

VERSION = re.compile(r"(?:KTAP|TAP) version ([0-9]{1,9})")
PLAN = re.compile(r"1\.\.([0-9]{1,9})(?:\s+#\s*SKIP\s*(.*))?", re.IGNORECASE)
RESULT = re.compile(r"(ok|not ok) ([0-9]{1,9})(?:[ ](?:- )?([^#]*?))?\s*(?:#\s*(.*))?")
LOOKS_LIKE_RESULT = re.compile(r"(?:not )?ok(?:\s|$)")
LOOKS_LIKE_PLAN = re.compile(r"1\.\.[0-9]")
NESTED_FAILURE = re.compile(r"\s+not ok \d+\b.*")


@dataclasses.dataclass
class Point:
    number: int
    ok: bool
    name: str
    note: str = ""

    @property
    def skipped(self):
        return self.ok and self.note.upper().startswith("SKIP")


@dataclasses.dataclass
class Report:
    points: list = dataclasses.field(default_factory=list)
    planned: int = None
    skip_all: str = None  # reason given with an empty plan
    problems: list = dataclasses.field(default_factory=list)
    diagnostics: list = dataclasses.field(default_factory=list)
    complaints: int = 0

    @property
    def passed(self):
        return not self.problems

    @property
    def share(self):
        """Which part of what was planned is ok and was tested."""
        good = sum(point.ok and not point.skipped for point in self.points)
        return good / max(self.planned or 1, len(self.points), 1)

    def complain(self, text):
        """One more problem; from some number on they are only counted."""
        self.complaints += 1
        if self.complaints <= PROBLEMS_MAX:
            self.problems.append(plain_line(text))
        else:
            self.problems[PROBLEMS_MAX:] = [f"and {self.complaints - PROBLEMS_MAX} more"]

    @property
    def skipped(self):
        """Nothing was tested, and the program said why."""
        if self.problems:
            return None
        if self.planned == 0:
            return self.skip_all
        if all(point.skipped for point in self.points):
            return "; ".join(point.note[4:].strip() or point.name for point in self.points)
        return None


def parse(text, key=None):
    """The Report of everything a program printed; `key`: what its results must be sealed with."""
    report, chain = Report(), Chain(key) if key else None
    versions = 0
    if len(text) > TEXT_MAX:
        report.complain(f"more than {TEXT_MAX >> 20} MiB of output")
        text = text[:TEXT_MAX]
    for line in io.StringIO(text, newline="\n"):
        line = line[:LINE_MAX].rstrip()
        counts = LOOKS_LIKE_RESULT.match(line) or LOOKS_LIKE_PLAN.match(line)
        if counts and chain:
            opened = chain.open(line)
            if opened is None:
                report.complain(f"not sealed with this boot's key, so not the test's own: {line}")
                continue
            line = opened
        if VERSION.fullmatch(line):
            versions += 1
            _check_version(report, line, versions)
        elif PLAN.fullmatch(line):
            _take_plan(report, line)
        elif LOOKS_LIKE_RESULT.match(line):
            _take_result(report, line)
        elif line.startswith("Bail out!"):
            report.complain(line)
        elif NESTED_FAILURE.fullmatch(line):
            report.complain("a nested test failed: " + line.strip())
        elif line.startswith("#") and len(report.diagnostics) < RESULTS_MAX:
            report.diagnostics.append(line)
    _check_whole(report, versions)
    return report


def _check_version(report, line, versions):
    if versions > 1:
        report.complain("a second version line: did the program start again?")
    elif report.points or report.planned is not None:
        report.complain("the version line does not come first")
    elif VERSION.fullmatch(line).group(1) != "1":
        report.complain(f"unknown version: {line}")


def _take_plan(report, line):
    match = PLAN.fullmatch(line)
    if report.planned is not None:
        report.complain(f"a second plan: {line}")
        return
    if report.points:
        report.complain("the plan comes after the first result")
    report.planned = int(match.group(1))
    report.skip_all = match.group(2)


def _take_result(report, line):
    match = RESULT.fullmatch(line)
    if not match:
        report.complain(f"malformed result: {line}")
        return
    word, number, name, note = match.groups()
    point = Point(int(number), word == "ok", (name or "").strip(), note or "")
    if len(report.points) == RESULTS_MAX:
        report.complain(f"more than {RESULTS_MAX} results")
        return
    if point.number != len(report.points) + 1:
        report.complain(f"result {number} where {len(report.points) + 1} was due: {line}")
    report.points.append(point)
    if not point.ok:
        report.complain(line)


def _check_whole(report, versions):
    if versions == 0:
        report.complain("no `KTAP version 1` line: the program printed no results")
    if report.planned is None:
        report.complain("the plan is missing")
    elif report.planned == 0 and report.skip_all is None:
        report.complain("the plan is empty, and no reason is given")
    elif report.planned != len(report.points):
        report.complain(
            f"{len(report.points)} results, but the plan says {report.planned}")
