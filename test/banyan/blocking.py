"""Keeps a test from being tried before its prerequisites, and at all if they fail.

Tests run in several processes. The one that counts the score hears of every end, a worker's death
included, and writes a file for each run of a prerequisite into a folder that all know; a worker
about to try a test waits for those files. Prerequisites come first in the order of tests, and tests
are handed out in that order, so what is waited for is under way or done: nobody waits for ever.
"""
import os
import pathlib
import time

from .parts import depth, prerequisites

POLL = 0.05  # seconds
COUNTS, DONE = ".counts", ".done"  # no names of tests


def bare(name):
    """A test's name without its configuration."""
    return name.split("[")[0].split("#")[0]


def prerequisites_first(tests):
    """(name, path, thing) triples, reordered: prerequisites before all that is not one."""
    needed = {test for name, path, _ in tests for test in prerequisites(name, path)}
    last = 1 + max((depth(name) for name in needed), default=0)

    def key(test):
        return depth(test[0]) if bare(test[0]) in needed else last
    return sorted(tests, key=key)


class Verdicts:
    """The folder of verdicts."""

    def __init__(self, folder, shared):
        """`shared`: other processes run tests too."""
        self._folder = pathlib.Path(folder)
        self._shared = shared

    def write(self, name, outcome):
        """The run `name` has ended. Whole or not there at all, for others look meanwhile."""
        path = self._folder / name.replace("/", "_")
        new = path.with_name(f"{path.name}.{os.getpid()}")
        new.write_text(outcome)
        new.rename(path)

    def counted(self, *numbers):
        """How many tests were chosen, and there are; how many runs: from who has collected them."""
        self.write(COUNTS, " ".join(map(str, numbers)))

    def counts(self):
        """(tests selected, tests collected, runs selected)"""
        return tuple(map(int, (self._read(COUNTS) or "0 0 0").split()))

    def begin_with(self, outcomes):
        """{run: outcome} of those that need not run again. Before anything is collected."""
        for name, outcome in outcomes.items():
            self.write(name, outcome)
        self.write(DONE, "\n".join(outcomes))

    def done(self):
        """The names of those; the same for all processes, whenever they ask."""
        return set((self._read(DONE) or "").splitlines())

    def _read(self, name):
        try:
            return (self._folder / name.replace("/", "_")).read_text()
        except FileNotFoundError:
            return None

    def blocker(self, name, path, runs):
        """The prerequisite none of whose runs passed, or None. Waits until all have ended.

        `runs`: the names of all runs of this session; a prerequisite that was not chosen blocks
        nobody.
        """
        for needed in prerequisites(name, path):
            outcomes = [self._wait(run) for run in runs if bare(run) == needed]
            if outcomes and not {"passed", "skipped"} & set(outcomes):
                return needed
        return None

    def _wait(self, run):
        while (outcome := self._read(run)) is None:
            if not self._shared:
                raise RuntimeError(f"{run} should have come first")
            time.sleep(POLL)
        return outcome
