"""Reads KTAP, strictly: what is missing, doubled, out of order or malformed is a failure.

A program prints

    KTAP version 1
    1..3
    ok 1 name
    not ok 2 name # why
    # diagnostics
    ok 3 name # SKIP why

Other lines are allowed between (a program under test may print), unless they look like a result.
"""
import dataclasses
import re

VERSION = re.compile(r"(?:KTAP|TAP) version (\d+)")
PLAN = re.compile(r"1\.\.(\d+)(?:\s+#\s*SKIP\s*(.*))?", re.IGNORECASE)
RESULT = re.compile(r"(ok|not ok) (\d+)(?:[ ](?:- )?([^#]*?))?\s*(?:#\s*(.*))?")
LOOKS_LIKE_RESULT = re.compile(r"(?:not )?ok(?:\s|$)")
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

    @property
    def passed(self):
        return not self.problems

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


def parse(text):
    """The Report of everything a program printed."""
    report = Report()
    versions = 0
    for line in text.splitlines():
        line = line.rstrip()
        if VERSION.fullmatch(line):
            versions += 1
            _check_version(report, line, versions)
        elif PLAN.fullmatch(line):
            _take_plan(report, line)
        elif LOOKS_LIKE_RESULT.match(line):
            _take_result(report, line)
        elif line.startswith("Bail out!"):
            report.problems.append(line)
        elif NESTED_FAILURE.fullmatch(line):
            report.problems.append("a nested test failed: " + line.strip())
        elif line.startswith("#"):
            report.diagnostics.append(line)
    _check_whole(report, versions)
    return report


def _check_version(report, line, versions):
    if versions > 1:
        report.problems.append("a second version line: did the program start again?")
    elif report.points or report.planned is not None:
        report.problems.append("the version line does not come first")
    elif VERSION.fullmatch(line).group(1) != "1":
        report.problems.append(f"unknown version: {line}")


def _take_plan(report, line):
    match = PLAN.fullmatch(line)
    if report.planned is not None:
        report.problems.append(f"a second plan: {line}")
        return
    if report.points:
        report.problems.append("the plan comes after the first result")
    report.planned = int(match.group(1))
    report.skip_all = match.group(2)


def _take_result(report, line):
    match = RESULT.fullmatch(line)
    if not match:
        report.problems.append(f"malformed result: {line}")
        return
    word, number, name, note = match.groups()
    point = Point(int(number), word == "ok", (name or "").strip(), note or "")
    if point.number != len(report.points) + 1:
        report.problems.append(f"result {number} where {len(report.points) + 1} was due: {line}")
    report.points.append(point)
    if not point.ok:
        report.problems.append(line)


def _check_whole(report, versions):
    if versions == 0:
        report.problems.append("no `KTAP version 1` line: the program printed no results")
    if report.planned is None:
        report.problems.append("the plan is missing")
    elif report.planned == 0 and report.skip_all is None:
        report.problems.append("the plan is empty, and no reason is given")
    elif report.planned != len(report.points):
        report.problems.append(
            f"{len(report.points)} results, but the plan says {report.planned}")
