"""results.json: the score as Gradescope takes it, one entry for each test.

The format is that of https://gradescope-autograders.readthedocs.io/en/latest/specs/: a score, and
for each test its name, score, max_score, status, output and visibility. It lies beside results.xml
(JUnit) in BUILD/test. What the guest printed reaches it as plain text of limited length.
"""
import json
import os
import pathlib

import pytest

from .machine import build_dir
from .text import plain

OUTPUT_MAX = 20000  # characters of one test's words


def entry(test, output, visibility):
    """What results.json says of one test (a tally.Test)."""
    return {"name": test.name, "score": test.earned, "max_score": test.points,
            "status": "passed" if test.outcome == "passed" else "failed",
            "output": plain(output or test.outcome, OUTPUT_MAX), "output_format": "text", "tags": [test.part],
            "visibility": visibility,
            "extra_data": {"outcome": test.outcome, "runs": len(test.runs),
                           "seconds": round(sum(run.seconds for run in test.runs), 2)}}


def document(tally, outputs, visibilities, preface=""):
    """The whole: outputs and visibilities are {name of test: text}."""
    earned, total = tally.score()
    words = f"{preface}\n\n" if preface else ""
    return {"score": earned, "execution_time": round(sum(run.seconds for run in tally.runs)),
            "output": plain(f"{words}{earned:g} of {total} points", OUTPUT_MAX), "visibility": "visible",
            "stdout_visibility": "hidden", "extra_data": {"max_score": total},
            "tests": [entry(test, outputs.get(test.name), visibilities.get(test.name, "visible"))
                      for test in tally.tests()]}


def write(path, contents):
    """All of the file or nothing: a reader must not find half a score."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(contents, indent=1) + "\n", encoding="ascii")
    os.replace(new, path)


class Results:
    """pytest's plugin: keeps what failed tests said, and writes the file at the end."""

    def __init__(self, tally):
        self._tally, self._outputs, self._visibilities = tally, {}, {}

    def pytest_runtest_logreport(self, report):
        facts = dict(report.user_properties)
        name = facts.get("test", report.nodeid)
        self._visibilities[name] = facts.get("visibility", "visible")
        if report.passed:
            return
        if report.skipped and isinstance(report.longrepr, tuple):
            words = report.longrepr[2]
        else:
            words = "\n\n".join([report.longreprtext, *(text for _, text in report.sections)])
        self._outputs[name] = plain(
            f"{self._outputs.get(name, '')}\n\n{words}".strip(), OUTPUT_MAX)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        if not self._tally.runs:
            return
        preface = ""
        if os.environ.get("UNGRADABLE"):
            preface = pathlib.Path(os.environ["UNGRADABLE"]).read_text(errors="replace")
        write(build_dir() / "test" / "results.json",
              document(self._tally, self._outputs, self._visibilities, preface))
