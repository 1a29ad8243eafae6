"""What operations cost: no row may grow by more than 3 % unless somebody says why (`make bench`), and what
should not depend on the size of something must not grow with it (`make growth`). Nothing is judged by time;
but what `make bench-host` counts is looked at."""
import subprocess

import pytest

from banyan import bench, growth, hosttime
from banyan.machine import ROOT
from banyan.settings import for_another_run

OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")  # a make of its own is no part of ours
BUILD_SECONDS = 900


@pytest.mark.points(1)
def test_budget(boots):
    machine = boots.machine(**bench.MACHINE)
    why = bench.incomparable(machine)
    if why:
        pytest.skip(why)
    rows = bench.budgeted(bench.measure(machine))
    rows["text"] = bench.text_bytes(machine.kernel)
    said = bench.over_budget(rows, bench.budget()["rows"])
    assert not said, "\n".join([*said, "if that is what it should cost now: make bench ACCEPT=1"])


@pytest.mark.points(1)
def test_growth(boots):
    machine = boots.machine(**bench.MACHINE)
    why = bench.unusual(machine)
    if why:
        pytest.skip(why)
    rows = growth.measure(machine)
    rows["boot"] = growth.boots(machine, sizes=(growth.LEVEL_MIB, 4096))
    assert set(rows) == set(growth.ROWS)
    said = growth.grown(rows)
    assert not said, "\n".join(said)


def make_counters():
    environment = {key: value for key, value in for_another_run().items() if key not in OF_MAKE}
    done = subprocess.run(["make", "counters"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.fixture
def usual(boots):
    machine = boots.machine(**bench.MACHINE)
    why = bench.unusual(machine)
    if why:
        pytest.skip(why)
    return machine


@pytest.fixture
def counting(usual):
    """The machine with the kernel that counts, which is built if need be."""
    make_counters()
    return hosttime.counting(usual)


@pytest.mark.ours
@pytest.mark.xdist_group("counters")
def test_counted_on_one_hart(counting):
    """What is known of some operations: whether they change the space and fence, and how often."""
    rows = {}
    for name in ("call", "memory"):
        rows.update(hosttime.counted(bench.output(bench.by_instructions(counting), f"counted-{name}",
                                                  f"/bench/{name}")))
    # There and back; a sign of life of a server may come between, once in many thousand.
    there_and_back = {row: rows[row]["satp"] for row in ("ipc8", "ipc4k", "notify", "yield")}
    assert all(1.99 < satp < 2.1 for satp in there_and_back.values()), there_and_back
    alone = {row: rows[row]["satp"] for row in ("null", "zero", "map256")}
    assert all(satp < 0.1 for satp in alone.values()), alone
    fencing = {row: rows[row]["fences"] for row in ("cow", "map256")}
    assert all(fences >= 1 for fences in fencing.values()), fencing
    assert rows["null"]["fences"] < 0.01 and rows["ipc8"]["fences"] < 0.01, rows
    assert not any(row["spins"] for row in rows.values()), rows  # there is nobody to hold a lock


@pytest.mark.ours
@pytest.mark.xdist_group("counters")
def test_counted_on_two_harts(counting):
    """Two threads fault at the same time, in one space and from one store of frames: they meet at its locks. And
    what one of them takes back both harts must be told to forget."""
    rows = hosttime.counted(bench.output(counting.with_(cpus=2), "counted-harts",
                                         "/bench/harts 2 fault-threads unmap-threads"))
    assert set(rows) == {"fault-threads", "unmap-threads"}
    assert rows["fault-threads"]["spins"] > 0, rows
    assert rows["unmap-threads"]["fences"] > 1.2, rows


@pytest.mark.ours
def test_the_usual_kernel_does_not_count(usual):
    """And programs measure time when they are told to."""
    text = bench.output(usual, "uncounted", "BENCH_MS=1 /bench/call")
    assert set(bench.rows_of(text)) == {"null", "ipc8", "ipc4k", "notify", "yield"}
    assert not hosttime.counted(text)
