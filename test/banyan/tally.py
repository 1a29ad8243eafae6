"""The score of a run of tests, without pytest: what each test is worth, and what it earned.

A test may be run several times, in several configurations or because it was asked for. It earns
its points if one of its runs passed and none failed; one that gives partial points earns what its
worst run did.
"""
import dataclasses

from .parts import OTHER, order_of_parts

WORST_FIRST = ("failed", "blocked", "passed", "skipped")


@dataclasses.dataclass
class Run:
    """One run of one test."""

    name: str  # of the run: the test's, and what tells this run from the others
    test: str
    points: int = 1
    part: str = OTHER
    outcome: str = "passed"  # passed, skipped, blocked, failed
    seconds: float = 0.0
    note: str = ""  # what blocked it
    share: float = 0.0  # of the points, earned by a run that did not pass


@dataclasses.dataclass
class Test:
    name: str
    points: int
    part: str
    runs: list

    @property
    def outcome(self):
        return min((run.outcome for run in self.runs), key=WORST_FIRST.index)

    @property
    def earned(self):
        if self.outcome == "passed":
            return self.points
        shares = [run.share for run in self.runs if run.outcome not in ("passed", "skipped")]
        return round(self.points * min(shares, default=0), 2)


class Tally:
    """Takes the runs as they end."""

    def __init__(self):
        self.runs = []
        self._tests = {}

    def add(self, run):
        self.runs.append(run)
        test = self._tests.setdefault(run.test, Test(run.test, run.points, run.part, []))
        test.runs.append(run)

    def tests(self):
        """The tests that were run, in the order in which they ended first."""
        return list(self._tests.values())

    def score(self):
        """(points earned, points to be had)"""
        return _sum(self.tests())

    def parts(self):
        """[(part, tests passed, tests, points earned, points)] of the parts that have tests."""
        rows = []
        for part in order_of_parts():
            tests = [test for test in self.tests() if test.part == part]
            if tests:
                passed = sum(test.outcome == "passed" for test in tests)
                rows.append((part, passed, len(tests), *_sum(tests)))
        return rows

    def names(self, *outcomes):
        """The names of the runs that ended so."""
        return [run.name for run in self.runs if run.outcome in outcomes]


def _sum(tests):
    return sum(test.earned for test in tests), sum(test.points for test in tests)


def table(tally):
    """The lines of the parts' subtotals."""
    width = max([len(row[0]) for row in tally.parts()] + [len("part")])
    lines = [f"{'part':{width}}      tests     points"]
    for part, passed, tests, earned, points in tally.parts():
        lines.append(f"{part:{width}}  {f'{passed}/{tests}':>9}  {f'{earned:g}/{points}':>9}")
    return lines


def line_of(run):
    """The line that a run gets as it ends."""
    word = {"passed": "ok", "skipped": "skip", "blocked": "BLOCKED", "failed": "FAIL"}[run.outcome]
    earned = run.points * (1 if run.outcome == "passed" else run.share)
    note = f"{run.note}; " if run.note else ""
    return f"{word:7} {round(earned, 2):3g}/{run.points:<3} {run.name} ({note}{run.seconds:.1f} s)"
