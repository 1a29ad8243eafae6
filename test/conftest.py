"""pytest's side of the harness: names, points, the line per test, the score, the fixtures.

A failure shows, beside its own words: the tail of the serial log, the report of harts and threads
if the machine hung, and the lines that reproduce it.
"""
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from banyan import last  # noqa: E402
from banyan.blocking import Verdicts, prerequisites_first  # noqa: E402
from banyan.boot import BootFailure, echo_stream  # noqa: E402
from banyan.cases import VISIBILITIES  # noqa: E402
from banyan.guest import Guest  # noqa: E402
from banyan.machine import Machine, MachineError, hidden_root  # noqa: E402
from banyan.parts import part_of  # noqa: E402
from banyan.results import Results  # noqa: E402
from banyan.scorer import Scorer, listing, reproduce_line  # noqa: E402
from banyan.select import matches, short_name, split_repetition  # noqa: E402
from banyan.settings import on, repetitions  # noqa: E402

# A job in the background of a script starts with ^C ignored, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

HARNESS = pathlib.Path(__file__).parent / "harness"
BOOTS = pytest.StashKey[list]()
FACTS = pytest.StashKey[dict]()  # of an item: see describe()
RUNS = pytest.StashKey[list]()  # of the session: the names of all runs, in order
VERDICTS = pytest.StashKey[Verdicts]()
SCORER = pytest.StashKey[Scorer]()


# ------------------------------------------------------------- names and points

def pytest_addoption(parser):
    parser.addoption("--list-names", action="store_true", help="print names and points, run none")


@pytest.hookimpl(trylast=True)  # so that the number comes last in the name
def pytest_generate_tests(metafunc):
    """REPEAT=n: each test n times."""
    times = repetitions()
    if times > 1:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(times),
                             ids=[f"run={n + 1}" for n in range(times)])


def pytest_collection_modifyitems(config, items):
    for item in items:
        describe(item)
    eligible = [item for item in items if is_eligible(item)]
    collected = len({item.stash[FACTS]["test"] for item in eligible})
    chosen = [item for item in eligible if is_chosen(item.stash[FACTS])]
    config.stash[RUNS] = [item.stash[FACTS]["name"] for item in chosen]
    selected = len({item.stash[FACTS]["test"] for item in chosen})
    config.stash[VERDICTS].counted(selected, collected, len(chosen))
    done = config.stash[VERDICTS].done()
    left = [item for item in chosen if item.stash[FACTS]["name"] not in done]
    if len(left) < len(items):
        keep = set(left)
        config.hook.pytest_deselected(items=[item for item in items if item not in keep])
    triples = [(item.stash[FACTS]["name"], str(item.path), item) for item in left]
    items[:] = [item for _, _, item in prerequisites_first(triples)]


def describe(item):
    """The facts of an item: its name, the test of which it is a run, its points and its part."""
    item.stash[BOOTS] = []
    run, repeated = split_repetition(item.nodeid)
    name = short_name(run)
    marker = item.get_closest_marker("run_of")
    points = item.get_closest_marker("points")
    item.stash[FACTS] = {"name": name + repeated, "test": marker.args[0] if marker else name,
                         "points": points.args[0] if points else 1,
                         "part": part_of(name, str(item.path)), "visibility": visibility(item)}
    item.user_properties += item.stash[FACTS].items()


def visibility(item):
    """Who sees the test in results.json: what it says itself, or only its instructor if it is
    hidden."""
    marker = item.get_closest_marker("visibility")
    if marker and marker.args[0] not in VISIBILITIES:
        raise pytest.UsageError(f"{item.nodeid}: visibility({marker.args[0]!r}): give one of "
                                f"{', '.join(VISIBILITIES)}")
    if marker:
        return marker.args[0]
    return "hidden" if hidden_root() in item.path.parents else "visible"


def is_eligible(item):
    """Of another tree (TREE=) only the kernel is judged, not what is ours alone."""
    return not (os.environ.get("GRADED") and (item.get_closest_marker("ours")
                                              or item.path.parent == HARNESS))


def is_chosen(facts):
    """Whether T and FAILED let the run take place."""
    pattern = os.environ.get("T") or ""
    if pattern.strip() and not matches(facts["name"], pattern):
        return False
    return not on("FAILED") or facts["name"] in last.load()[0]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    if not session.config.option.list_names:
        return None
    print("\n".join(listing([item.stash[FACTS] for item in session.items])))
    return True


# ---------------------------------------------------------------- score, prerequisites

def pytest_configure(config):
    worker = getattr(config, "workerinput", None)  # xdist's workers only run tests
    folder = worker["banyan_verdicts"] if worker else tempfile.mkdtemp(prefix="banyan-verdicts-")
    config.stash[VERDICTS] = Verdicts(folder, shared=worker is not None)
    if worker is None:
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        config.stash[SCORER] = Scorer(config, config.stash[VERDICTS])
        config.pluginmanager.register(config.stash[SCORER], "banyan-scorer")
        config.pluginmanager.register(Results(config.stash[SCORER].tally), "banyan-results")
        config.pluginmanager.register(WorkerInput(folder), "banyan-worker-input")
        if on("FULL") and not config.option.list_names:
            config.stash[SCORER].go_on()


class WorkerInput:
    """Tells xdist's workers where verdicts are."""

    def __init__(self, folder):
        self._folder = folder

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        node.workerinput["banyan_verdicts"] = self._folder


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    """Before the clock of the test starts: wait for what it needs."""
    facts, config = item.stash[FACTS], item.config
    if os.environ.get("UNGRADABLE"):
        return
    blocker = config.stash[VERDICTS].blocker(facts["name"], str(item.path), config.stash[RUNS])
    if blocker:
        item.user_properties.append(("blocked", blocker))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if os.environ.get("UNGRADABLE"):
        pytest.fail("not run: the tree cannot be built", pytrace=False)
    blocker = dict(item.user_properties).get("blocked")
    if blocker:
        pytest.skip(f"blocked: {blocker} fails")


def pytest_report_teststatus(report):
    """No letter per test: the Scorer writes a line."""
    if report.when == "call" or report.outcome != "passed":
        category = report.outcome
        if category == "failed" and report.when != "call":
            category = "error"
        if category == "skipped" and dict(report.user_properties).get("blocked"):
            category = "blocked"
        return category, "", ""
    return "", "", ""


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
    report.sections.append(("reproduce", reproduce_line(item.stash[FACTS]["name"].split("#")[0])))


# -------------------------------------------------------------------- fixtures

class Boots:
    """Hands out names for a test's boots, and makes its guests."""

    def __init__(self, item):
        self._item = item
        self._guests = []

    def name(self):
        """A fresh directory name: the test's, and a number from its second boot on."""
        count = len(self._item.stash[BOOTS]) + 1
        return self._item.stash[FACTS]["name"] + (f"-{count}" if count > 1 else "")

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
