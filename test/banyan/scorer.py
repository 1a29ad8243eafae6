"""pytest's plugin that counts: a line per run, the table of parts, the score, how to run again.

It lives in the process that hears of all tests, not in xdist's workers.
"""
import os
import shlex

import pytest

from . import last, resume
from .machine import Machine, checking_kernel
from .parts import order_of_parts
from .select import short_name
from .selection import asks_for_checking
from .tally import Run, Tally, line_of, table

DEFAULTS = {"CPUS": "2", "MEM": "256M", "KARGS": "", "QEMUEXTRA": "", "EXTRA": "",
            "TREE": "", "HIDDEN": "", "DEBUG": ""}


def reproduce_line(test):
    """The `make grade` that runs just this test on the same machine."""
    words = [f"{key}={shlex.quote(os.environ[key])}" for key in DEFAULTS
             if os.environ.get(key, DEFAULTS[key]) != DEFAULTS[key]]
    if os.environ.get("REPEAT", "1") not in ("", "1"):
        words.append("REPEAT=" + shlex.quote(os.environ["REPEAT"]))
    return " ".join(["make", "grade", *words, "T=" + shlex.quote(test)])


def outcome_of(reports):
    """One word for what setup, call and teardown of a run came to."""
    facts = dict(reports[-1].user_properties)
    if any(report.outcome == "failed" for report in reports):
        return "failed", ""
    if facts.get("blocked"):
        return "blocked", f"by {facts['blocked']}"
    if any(report.outcome == "skipped" for report in reports):
        return "skipped", ""
    return "passed", ""


class Scorer:
    """Collects reports; writes each run's line as it ends, and the rest at the end."""

    def __init__(self, config, verdicts):
        self._config = config
        self._verdicts = verdicts
        self._reports = {}
        self._keeps_journal = False
        self.tally = Tally()

    def _write(self, line):
        writer = self._config.pluginmanager.getplugin("terminalreporter")
        writer.ensure_newline()
        writer.write_line(line)

    def go_on(self):
        """FULL=1: take over what an earlier run has done, and keep a journal of the rest."""
        machine = Machine.from_env()
        files = [machine.kernel, machine.initrd, machine.disk]
        files += [checking_kernel()] if asks_for_checking() else []
        files = [file for file in files if file.exists()]
        done = resume.begin(resume.key(files))
        self._verdicts.begin_with({run.name: run.outcome for run in done})
        for run in done:
            self.tally.add(run)
        if done:
            print(f"grade: going on where the last run was cut; {len(done)} are done", flush=True)
        self._keeps_journal = True

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        self._reports.setdefault(report.nodeid, []).append(report)
        if report.when not in ("setup", "call"):  # teardown, or the death of a worker
            self._ended(self._reports.pop(report.nodeid))

    def _ended(self, reports):
        facts = dict(reports[-1].user_properties)
        name = facts.get("name", short_name(reports[-1].nodeid))
        outcome, note = outcome_of(reports)
        run = Run(name, facts.get("test", name), facts.get("points", 1),
                  facts.get("part", Run.part), outcome,
                  sum(getattr(report, "duration", 0) for report in reports), note,
                  facts.get("share", 0.0))
        self._verdicts.write(name, outcome)
        self.tally.add(run)
        if self._keeps_journal:
            resume.note(run)
        self._write(line_of(run))

    def pytest_terminal_summary(self, terminalreporter):
        if not self.tally.runs:
            if os.environ.get("T") and not self._verdicts.counts()[2]:
                terminalreporter.write_line(f"grade: no test has the name T={os.environ['T']}: "
                                            "`make grade LIST=1` lists them")
            return
        for line in ["", *table(self.tally), ""]:
            terminalreporter.write_line(line)
        for name, failed, runs in failures(self.tally):
            often = f" ({failed} of {runs} runs)" if runs > 1 else ""
            terminalreporter.write_line(f"FAIL {name}{often}: {reproduce_line(name)}")
        earned, total = self.tally.score()
        terminalreporter.write_line(f"score: {earned:g}/{total}{self._share()}")

    def _share(self):
        selected, collected, _ = self._verdicts.counts()
        return f" of the {selected} tests selected among {collected}" if selected < collected else ""

    def pytest_sessionfinish(self):
        if self.tally.runs:
            last.save(self.tally.names("failed", "blocked"))
        if self._keeps_journal and len(self.tally.runs) >= self._verdicts.counts()[2]:
            resume.end()


def failures(tally):
    """[(name, how often it failed, how often it ran)] of what failed, machine by machine."""
    counts = {}
    for run in tally.runs:
        count = counts.setdefault(run.name.split("#")[0], [0, 0])
        count[0] += run.outcome == "failed"
        count[1] += 1
    return [(name, failed, runs) for name, (failed, runs) in counts.items() if failed]


def listing(facts):
    """The lines of LIST=1: each part with its tests, and the sum. `facts` are those of the runs."""
    lines = []
    for part in order_of_parts():
        here = [fact for fact in facts if fact["part"] == part]
        worth = {fact["test"]: fact["points"] for fact in here}
        if here:
            lines.append(f"{part}: {sum(worth.values())}")
            lines += [f"{fact['points']:4} {fact['name']}" for fact in here]
    return lines
