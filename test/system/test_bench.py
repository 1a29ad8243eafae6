"""What operations cost: no row may grow by more than 3 % unless somebody says why (`make bench`), and what
should not depend on the size of something must not grow with it (`make growth`)."""
import pytest

from banyan import bench, growth


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
