"""The KTAP reader, on canned output."""
import pytest

from banyan.ktap import parse

pytestmark = pytest.mark.points(0)

GOOD = """noise of a program
KTAP version 1
# about to start
1..3
ok 1 one
other noise
ok 2 - two words
# value 7
ok 3 three # SKIP needs two harts
"""


def test_good():
    report = parse(GOOD)
    assert report.problems == []
    assert [point.name for point in report.points] == ["one", "two words", "three"]
    assert [point.skipped for point in report.points] == [False, False, True]
    assert report.diagnostics == ["# about to start", "# value 7"]
    assert report.skipped is None


def test_carriage_returns():
    assert parse(GOOD.replace("\n", "\r\n")).problems == []


BAD = [
    ("", "no `KTAP version 1` line"),
    ("1..1\nok 1 a\n", "no `KTAP version 1` line"),
    ("KTAP version 1\nok 1 a\n", "the plan is missing"),
    ("KTAP version 1\nok 1 a\n1..1\n", "the plan comes after the first result"),
    ("KTAP version 1\n1..2\nok 1 a\n", "1 results, but the plan says 2"),
    ("KTAP version 1\n1..1\nok 1 a\nok 2 b\n", "2 results, but the plan says 1"),
    ("KTAP version 1\n1..1\n1..1\nok 1 a\n", "a second plan"),
    ("KTAP version 1\n1..1\nok 1 a\nKTAP version 1\n", "a second version line"),
    ("1..1\nKTAP version 1\nok 1 a\n", "the version line does not come first"),
    ("KTAP version 9\n1..1\nok 1 a\n", "unknown version"),
    ("KTAP version 1\n1..1\nnot ok 1 a # 1 != 2\n", "not ok 1 a # 1 != 2"),
    ("KTAP version 1\n1..2\nok 1 a\nok 1 b\n", "result 1 where 2 was due"),
    ("KTAP version 1\n1..2\nok 2 a\nok 1 b\n", "result 2 where 1 was due"),
    ("KTAP version 1\n1..1\nok a\n", "malformed result"),
    ("KTAP version 1\n1..1\nok\n", "malformed result"),
    ("KTAP version 1\n1..1\n    not ok 1 inner\nok 1 a\n", "a nested test failed"),
    ("KTAP version 1\n1..1\nok 1 a\nBail out! no disk\n", "Bail out! no disk"),
    ("KTAP version 1\n1..0\n", "the plan is empty"),
    ("KTAP version 1\n1..1\nxok 1 a\n", "0 results, but the plan says 1"),
]


@pytest.mark.parametrize("text, problem", BAD, ids=range(len(BAD)))
def test_bad(text, problem):
    problems = parse(text).problems
    assert any(problem in found for found in problems), problems


def test_skip_all():
    report = parse("KTAP version 1\n1..0 # SKIP no second disk\n")
    assert report.problems == [] and report.skipped == "no second disk"
    report = parse("KTAP version 1\n1..1\nok 1 no room for it # SKIP\n")
    assert report.problems == [] and report.skipped == "no room for it"
    report = parse("KTAP version 1\n1..1\nok 1 a # SKIP too small\n")
    assert report.problems == [] and report.skipped == "too small"


def test_todo_does_not_excuse():
    assert parse("KTAP version 1\n1..1\nnot ok 1 a # TODO later\n").problems
