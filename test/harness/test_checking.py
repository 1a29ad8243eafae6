"""The checking kernel among the machines: when it takes part, when it is built, how it is named.

That it is built and boots is shown by tree.full_with_the_checking_kernel.
"""
import shlex

import pytest

import grade
from banyan.boot import Boot
from banyan.cases import guest_tests
from banyan.hang import Limits
from banyan.machine import Machine, MachineError, checking_kernel
from banyan.scorer import reproduce_line
from banyan.selection import cases_of
from banyan.settings import OF_A_RUN

pytestmark = pytest.mark.points(0)


@pytest.fixture(autouse=True)
def setting(monkeypatch):
    """A function that sets variables; no others are."""
    for name in OF_A_RUN:
        monkeypatch.delenv(name, raising=False)

    def set_all(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
    return set_all


@pytest.fixture
def runs(tmp_path, setting):
    """The runs of a test with and one without a command line of its own."""
    source = tmp_path / "fork.c"
    source.write_text('/* test: kargs="" */\n/* test: cpus=2 kargs="asidbits=0" */\n')

    def cases(**variables):
        setting(variables)
        return cases_of(guest_tests(source))
    return cases


def kernels(cases):
    """{test: whether it runs on the checking kernel, on another, or both}"""
    found = {}
    for case in cases:
        found.setdefault(case.test.identity, set()).add(case.changes().get("debug", False))
    return found


BOTH = {"fork": {False, True}, "fork[asidbits=0]": {False, True}}
PLAIN = {"fork": {False}, "fork[asidbits=0]": {False}}
CHECKING = {"fork": {True}, "fork[asidbits=0]": {True}}


@pytest.mark.parametrize("variables, expected", [
    ({"FULL": "1"}, BOTH), ({"DEBUG": "1"}, CHECKING), ({"FULL": "1", "DEBUG": "1"}, CHECKING),
    ({"FULL": "1", "GRADED": "/x"}, PLAIN), ({"FULL": "1", "COVERAGE": "1"}, PLAIN),
], ids=range(5))
def test_who_runs_on_it(runs, variables, expected):
    assert kernels(runs(**variables)) == expected


def test_it_is_not_drawn(runs):
    for seed in range(40):
        assert kernels(runs(SEED=str(seed))) == PLAIN


def test_full_pairs_it_with_all_but_what_costs_most(runs):
    seen = {(case.changes()["cpus"], case.changes().get("debug", False)) for case in runs(FULL="1")
            if case.test.identity == "fork"}
    assert seen == {(cpus, debug) for cpus in (1, 2, 4, 8)
                    for debug in (False, True)} - {(8, True)}


def test_it_is_asked_for_by_name(runs):
    case, = [case for case in runs(T="guest.fork[cpus=4,debug=on]") if case.changes().get("debug")]
    assert case.identity == "fork[cpus=4,debug=on]" and case.changes()["cpus"] == 4


@pytest.mark.parametrize("variables, needed", [
    ({}, False), ({"T": "guest.fork"}, False), ({"T": "guest.fork[cpus=2]"}, False),
    ({"T": "guest.fork[cpus=2,debug=on]"}, True), ({"T": "shell guest.fork[debug=on]#3"}, True),
    ({"FULL": "1"}, True), ({"FULL": "1", "LIST": "1"}, False),
    ({"DEBUG": "1", "FULL": "1"}, False),  # make has built it then
    ({"FULL": "1", "GRADED": "/x"}, False), ({"T": "guest.fork[debug=on]", "GRADED": "/x"}, False),
], ids=range(10))
def test_it_is_built_when_it_will_run(setting, variables, needed):
    setting(variables)
    assert grade.needs_checking_kernel(False) == needed


def test_machine(setting):
    plain = Machine.from_env(command="ls")
    machine = plain.with_(debug=True)
    assert plain.kernel.parts[-2:] == ("build", "kernel.elf")
    assert machine.kernel == machine.with_(cpus=4).kernel == checking_kernel()
    assert machine.kernel.parts[-2:] == ("debug", "kernel.elf")
    assert shlex.split(machine.reproduce()) == ["make", "run", "CPUS=2", "MEM=256M", "DEBUG=1",
                                                "CMD=ls"]
    setting({"DEBUG": "1"})
    assert Machine.from_env(command="ls") == machine


def test_it_has_more_processor_time_and_no_more_patience(setting, tmp_path):
    setting({"BUILD": str(tmp_path)})
    machine, limits = Machine.from_env(), Limits(idle=1, busy=2, total=4, wall=8)
    assert Boot(machine, "plain", limits).limits == limits
    assert Boot(machine.with_(debug=True), "checking", limits).limits == Limits(1, 6, 12, 8)


def test_it_is_missed_in_words(setting, tmp_path):
    setting({"BUILD": str(tmp_path), "SWAP": "0"})
    with pytest.raises(MachineError, match="does not exist: run `make DEBUG=1` first"):
        Machine.from_env().with_(debug=True).require_files()


def test_a_failure_is_reproduced_with_it(setting):
    setting({"DEBUG": "1"})
    assert reproduce_line("shell.words") == "make grade DEBUG=1 T=shell.words"
