"""The figures of `make bench-host`: how boots take turns, what is made of them, and their tables."""
import pathlib
import re

import pytest

from banyan import bench, hosttime
from banyan.hosttime import Plan
from banyan.machine import ROOT, Machine

pytestmark = pytest.mark.points(0)
MACHINE = Machine(kernel=pathlib.Path("/build/kernel.elf"))
A, B = Plan("time", "a"), Plan("one", "b", (("cpus", 1),))
EVENTS = {"satp": 2.0, "fences": 0.5, "spins": 0.0}


def test_counts_are_read():
    text = "bench: fork 1000\ncounted: fork 3000000 250000 0\ncounted: odd 1 2\n counted: x 1 2 3\n"
    assert hosttime.counted(text) == {"fork": {"satp": 3.0, "fences": 0.25, "spins": 0.0}}
    assert bench.rows_of(text) == {"fork": 1.0}


def test_each_second_round_goes_the_other_way():
    assert list(hosttime.in_turn((A, B), 3)) == [(0, A), (0, B), (1, B), (1, A), (2, A), (2, B)]


def test_boots_that_are_compared_are_neighbours():
    kinds = [(plan.kind, plan.program.split()[2:], dict(plan.changes)["cpus"]) for plan in hosttime.PAIRS]
    assert kinds == [("one", [], 1), ("two", [], 2), ("one", ["swap"], 1), ("two", ["swap"], 2)]


def test_rounds_are_gathered_in_order():
    values = iter([{"x": 1}, {"x": 10, "y": 20}, {"x": 11, "y": 21}, {"x": 2}])
    assert hosttime.gather((A, B), 2, lambda plan: next(values)) == {
        "time": {"x": [1, 2]}, "one": {"x": [10, 11], "y": [20, 21]}}


@pytest.mark.parametrize("taken, words", [
    ([{"x": 1}, {}], "x was measured 1 times, not 2"), ([{"x": 1}, {"x": 1, "y": 2}], "y comes not once")],
    ids=["lost", "late"])
def test_a_row_that_comes_now_and_then_is_refused(taken, words):
    values = iter(taken)
    with pytest.raises(bench.BenchError, match=words):
        hosttime.gather((A,), 2, lambda plan: next(values))


def test_a_row_of_two_programs_is_refused():
    with pytest.raises(bench.BenchError, match="x comes not once"):
        hosttime.gather((A, Plan("time", "c")), 1, lambda plan: {"x": 1})


@pytest.mark.parametrize("values, expected", [([3, 1, 2], (2, 1, 3)), ([4, 1, 2, 3], (2.5, 1, 4)), ([7], (7, 7, 7))])
def test_spread(values, expected):
    assert tuple(hosttime.spread(values)[key] for key in ("median", "least", "most")) == expected


def test_a_ratio_is_of_two_boots_of_one_round():
    timed = {"time": {"null": [5.0]}, "one": {"fork": [100.0, 300.0, 200.0]},
             "two": {"fork": [50.0, 200.0, 50.0]}}
    events = {"time": {"null": EVENTS}, "one": {"fork": EVENTS}, "two": {"fork": {**EVENTS, "spins": 7.0}}}
    results = hosttime.summary(timed, events, 3)
    assert results["rows"] == {"null": {"median": 5.0, "least": 5.0, "most": 5.0, **EVENTS}}
    fork = results["harts"]["fork"]
    assert fork["ratio"] == {"median": 2.0, "least": 1.5, "most": 4.0}  # of the medians it would be 4
    assert (fork["one"]["spins"], fork["two"]["spins"]) == (0.0, 7.0)


def test_numbers_of_events_are_for_people():
    assert [hosttime.event_figure(value) for value in (0, 0.00004, 0.0001, 0.25, 2.0, 14.39, 19.996, 8302.4)] == [
        "0", "0", "0.0001", "0.25", "2", "14.39", "20", "8,302"]


def test_table():
    null = {**hosttime.spread([180.0, 170.0, 190.0]), **EVENTS}
    rows = {"null": null, "swap-out": hosttime.spread([1e6]), "fork-first": null}
    lines = hosttime.table({"rows": rows}).splitlines()
    count = bench.budget()["rows"]["null"]
    assert lines[2:] == [
        f"| null system call (getpid, raw ecall) | **180** | 170 to 190 | {180 / count:.2f} | 2 | 0.5 |",
        "| swap: a page out | **1,000,000** | 1,000,000 to 1,000,000 | – | – | – |"]
    assert len({line.count("|") for line in lines}) == 1


def test_harts_table():
    ours = {"one": {**hosttime.spread([100.0]), **EVENTS}, "ratio": hosttime.spread([1.9, 1.25, 2.0]),
            "two": {**hosttime.spread([50.0]), "satp": 3.0, "fences": 0.0, "spins": 20.0}}
    lines = hosttime.harts_table({"harts": {"fork": ours}}).splitlines()
    assert lines[2:] == ["| fork, exit, wait | 100 | 50 | **1.90** | 1.25 to 2.00 | 3 | 0 | 20 |"]
    assert len({line.count("|") for line in lines}) == 1


def test_page_has_both_tables():
    page = (ROOT / "docs" / "PERFORMANCE.md").read_text("utf-8")
    for new in (hosttime.table({"rows": {}}), hosttime.harts_table({"harts": {}})):
        assert new in bench.with_table(page, new)


def test_every_row_of_harts_has_words():
    source = (ROOT / "user" / "bench" / "harts.c").read_text("utf-8")
    assert re.findall(r'^    \{"([a-z-]+)", ', source, re.MULTILINE) == list(hosttime.WORK)


class Guests:
    """Stands in for bench.output: what each program would print, and on what machine it was asked."""

    def __init__(self, silent=False):
        self.asked = []
        self.silent = silent

    def __call__(self, machine, name, command):
        counts = machine.kernel.parent.name == "counters"
        self.asked.append((counts, "-icount" in machine.extra, machine.cpus, command))
        row = command.split("/bench/")[1].replace(" ", "-").replace("harts-1", "h").replace("harts-2", "h")
        value = 4_000_000 // machine.cpus
        return f"bench: {row} {value}\n" + ("counted: %s 2000000 0 7000000\n" % row if counts and not self.silent
                                           else "")


@pytest.mark.parametrize("processors, pairs", [(1, 0), (2, 4)])
def test_whole(monkeypatch, processors, pairs):
    guests, said = Guests(), []
    monkeypatch.setattr(bench, "output", guests)
    monkeypatch.setattr(hosttime, "processors", lambda: processors)
    results = hosttime.whole(MACHINE, 2, said.append)
    assert results["rows"]["call"] == {"median": 4.0, "least": 4.0, "most": 4.0,
                                       "satp": 2.0, "fences": 0.0, "spins": 7.0}
    assert set(results["harts"]) == ({"h", "h-swap"} if pairs else set())
    assert all(row["ratio"]["median"] == 2.0 for row in results["harts"].values())
    programs = len(hosttime.TIMED)
    assert len(guests.asked) == len(said) == 2 * (programs + pairs) + programs + 2 * pairs
    for counts, icount, cpus, command in guests.asked:
        assert icount == (counts and "harts" not in command)
        assert command.startswith("BENCH_MS=") != counts
        assert cpus == (2 if "harts 2" in command else 1)


def test_a_kernel_that_counts_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(bench, "output", Guests(silent=True))
    with pytest.raises(bench.BenchError, match="counts nothing"):
        hosttime.counts(MACHINE, hosttime.TIMED, 1, lambda words: None)
