"""Who waits for whom, on graphs made by hand."""
import pytest

from banyan.waitgraph import cycles, describe

pytestmark = pytest.mark.points(0)
NAMES = {1: "init", 2: "tty", 5: "sh", 7: "ls"}


def test_nobody():
    assert describe({}, NAMES) == ["(nobody waits for another process)"]


def test_chain():
    assert describe({7: {5}, 5: {2, 1}}, NAMES) == ["5 sh -> 1 init, 2 tty", "7 ls -> 5 sh"]


def test_gone():
    assert describe({7: {9}}, NAMES) == ["7 ls -> 9 (gone)"]


def test_cycle_is_told_once():
    """However many wait outside of it."""
    lines = describe({7: {5}, 5: {7}, 2: {7}, 1: {2}}, NAMES)
    assert [line for line in lines if "CYCLE" in line] == ["CYCLE: 5 sh -> 7 ls -> 5 sh"]


@pytest.mark.parametrize("edges, found", [
    ({}, []), ({1: 2}, []), ({1: 1}, [(1,)]), ({3: 1, 1: 2, 2: 3}, [(1, 2, 3)]),
    ({1: 2, 2: 1, 3: 4, 4: 3, 5: 1}, [(1, 2), (3, 4)]),
], ids=range(5))
def test_cycles(edges, found):
    assert cycles(edges) == found
