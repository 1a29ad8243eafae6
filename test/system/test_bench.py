"""What operations cost: no row may grow by more than 3 % unless somebody says why (`make bench`)."""
import pytest

from banyan import bench


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
