"""pytest's side of the harness: names, points, the line per test, the score, the fixtures.

A failure shows, beside its own words: the tail of the serial log, the report of harts and threads
if the machine hung, and the lines that reproduce it.
"""
import os
import pathlib
import shlex
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from banyan.boot import BootFailure, echo_stream  # noqa: E402
from banyan.guest import Guest  # noqa: E402
from banyan.machine import Machine, MachineError  # noqa: E402
from banyan.select import matches, short_name  # noqa: E402

# A job in the background of a script starts with ^C ignored, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

HARNESS = pathlib.Path(__file__).parent / "harness"
BOOTS = pytest.StashKey[list]()
DEFAULTS = {"CPUS": "2", "MEM": "256M", "KARGS": "", "QEMUEXTRA": "", "EXTRA": "",
            "TREE": ""}


# ------------------------------------------------------------- names and points

def pytest_collection_modifyitems(config, items):
    for item in items:
        item.stash[BOOTS] = []
        marker = item.get_closest_marker("points")
        points = marker.args[0] if marker else 1
        item.user_properties += [("name", short_name(item.nodeid)), ("points", points)]
    pattern = os.environ.get("T") or ""
    if pattern.strip() or os.environ.get("GRADED"):
        chosen = [item for item in items if is_chosen(item, pattern)]
        left_out = [item for item in items if item not in chosen]
        config.hook.pytest_deselected(items=left_out)
        items[:] = chosen


def is_chosen(item, pattern):
    """Whether T= asks for the test, and TREE= has something for it to judge."""
    if os.environ.get("GRADED") and (item.get_closest_marker("ours")
                                     or item.path.parent == HARNESS):
        return False
    return not pattern.strip() or matches(short_name(item.nodeid), pattern)


def pytest_runtest_setup(item):
    """A tree that cannot be built fails every test."""
    if os.environ.get("UNGRADABLE"):
        pytest.fail("not run: the tree cannot be built", pytrace=False)


def pytest_addoption(parser):
    parser.addoption("--list-names", action="store_true", help="print names and points, run none")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    if not session.config.option.list_names:
        return None
    for item in session.items:
        facts = dict(item.user_properties)
        print(f"{facts['points']:4} {facts['name']}")
    return True


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # not in xdist's workers: they only run tests
        config.pluginmanager.register(Scorer(config), "banyan-scorer")


def pytest_report_teststatus(report):
    """No letter per test: the Scorer writes a line."""
    if report.when == "call" or report.outcome != "passed":
        category = report.outcome
        if category == "failed" and report.when != "call":
            category = "error"
        return category, "", ""
    return "", "", ""


def reproduce_line(name):
    """The `make grade` that runs just this test on the same machine."""
    words = [f"{key}={shlex.quote(os.environ[key])}" for key in DEFAULTS
             if os.environ.get(key, DEFAULTS[key]) != DEFAULTS[key]]
    return " ".join(["make", "grade", *words, "T=" + shlex.quote(name)])


class Scorer:
    """Writes a line per test as it ends, and the score at the end."""

    def __init__(self, config):
        self._config = config
        self._worst = {}
        self._seconds = {}
        self._earned = self._total = 0
        self._failed = []

    def _write(self, line):
        writer = self._config.pluginmanager.getplugin("terminalreporter")
        writer.ensure_newline()
        writer.write_line(line)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        order = ("passed", "skipped", "failed")
        worst = self._worst.get(report.nodeid, "passed")
        self._worst[report.nodeid] = max(worst, report.outcome, key=order.index)
        took = self._seconds.get(report.nodeid, 0) + getattr(report, "duration", 0)
        self._seconds[report.nodeid] = took
        if report.when not in ("setup", "call"):  # teardown, or the death of a worker
            self._line(report)

    def _line(self, report):
        facts = dict(report.user_properties)
        name = facts.get("name", short_name(report.nodeid))
        points, outcome = facts.get("points", 1), self._worst[report.nodeid]
        earned = points if outcome == "passed" else 0
        self._earned += earned
        self._total += points
        if outcome == "failed":
            self._failed.append(name)
        word = {"passed": "ok", "skipped": "skip", "failed": "FAIL"}[outcome]
        self._write(f"{word:4} {earned:3}/{points:<3} {name} "
                    f"({self._seconds[report.nodeid]:.1f} s)")

    def pytest_terminal_summary(self, terminalreporter):
        for name in self._failed:
            terminalreporter.write_line(f"FAIL {name}: {reproduce_line(name)}")
        if self._worst:
            terminalreporter.write_line(f"score: {self._earned}/{self._total}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    if call.excinfo is not None and call.excinfo.errisinstance((BootFailure, MachineError)):
        report.longrepr = str(call.excinfo.value)  # words, not a Python traceback
    for boot in item.stash.get(BOOTS, [])[-1:]:
        report.sections.append(("machine", boot.describe() + "\n" + boot.machine.reproduce()))
    report.sections.append(("reproduce", reproduce_line(short_name(item.nodeid))))


# -------------------------------------------------------------------- fixtures

class Boots:
    """Hands out names for a test's boots, and makes its guests."""

    def __init__(self, item):
        self._item = item
        self._guests = []

    def name(self):
        """A fresh directory name: the test's, and a number from its second boot on."""
        count = len(self._item.stash[BOOTS]) + 1
        return short_name(self._item.nodeid) + (f"-{count}" if count > 1 else "")

    def add(self, boot):
        """A boot whose log shall be shown if the test fails."""
        self._item.stash[BOOTS].append(boot)

    def machine(self, **changes):
        return Machine.from_env(**changes)

    def guest(self, machine=None, overlay=None, boot=True, **changes):
        """A guest at its prompt (boot=False: just powered on)."""
        machine = machine or self.machine(**changes)
        guest = Guest(machine, self.name(), overlay=overlay, echo=echo_stream())
        self.add(guest.boot_process)
        self._guests.append(guest)
        guest.__enter__()
        if boot:
            guest.boot()
        return guest

    def close(self):
        for guest in self._guests:
            guest.boot_process.kill()


@pytest.fixture
def boots(request):
    made = Boots(request.node)
    yield made
    made.close()


@pytest.fixture
def guest(boots):
    """A guest at its prompt, on the machine that the environment describes."""
    return boots.guest()
