"""The figures of `make bench`, judged and drawn (banyan/bench.py)."""
import xml.etree.ElementTree as ET

import pytest

from banyan import bench, growth

ROWS = {row["row"]: row["aim"] for row in bench.peers()["rows"]}


def test_every_row_has_what_the_table_needs():
    names = [row["row"] for row in bench.peers()["rows"]]
    assert len(names) == len(set(names)) == 29
    assert all(row["what"] and row["aim"] > 0 for row in bench.peers()["rows"])
    assert set(bench.budget()["rows"]) & set(names) == set(names) - {
        "boot", "swap-out", "swap-in", "swap-in-random"}


@pytest.mark.parametrize("rows, words", [
    ({"a": 103.0, "b": 5.0}, []), ({"a": 50.0, "b": 5.0}, []),
    ({"a": 103.1, "b": 5.0}, ["a: 103.10, +3.1 % of 100.00"]),
    ({"a": 100.0}, ["b: not measured"]), ({"a": 100.0, "b": 5.0, "c": 1.0}, ["c: not in the budget"])],
    ids=["at_most", "less", "more", "gone", "new"])
def test_budget(rows, words):
    assert bench.over_budget(rows, {"a": 100.0, "b": 5.0}) == words


def test_two_runs_agree():
    assert not bench.differences({"a": 1000.0}, {"a": 1000.9})
    assert bench.differences({"a": 1002.0}, {"a": 1000.0}) == ["a: 1,002.00 and 1,000.00"]


def test_table():
    lines = bench.table({"rows": ROWS, "isolated": {"null": 90}}).splitlines()
    assert len(lines) == 2 + len(ROWS) and len({line.count("|") for line in lines}) == 1
    null = next(line for line in lines if "getpid" in line)
    assert null == "| null system call (getpid, raw ecall) | 1,130 | 169 | 123 | **70** | 90 | 70 | 0.57 |"
    text = next(line for line in lines if "kernel text" in line)
    assert text.endswith("| **131,072** | – | 131,072 | – |")


def test_table_of_the_page_is_replaced():
    page = "before\n\n| operation | a |\n| --- |\n| old |\n\nafter\n\n| path |\n"
    new = "| operation | a |\n| new |"
    assert bench.with_table(page, new) == f"before\n\n{new}\n\nafter\n\n| path |\n"
    with pytest.raises(bench.BenchError):
        bench.with_table(page, "| another |\n| new |")


def test_best_peer_is_the_least():
    assert bench.best_peer({"xv6": 3, "linux": [2, "so"], "sel4": 5}) == 2
    assert bench.best_peer({"aim": 3}) is None


def test_figures_are_for_people():
    assert [bench.figure(value) for value in (0.8, 19.5, 20.4, 1234.5, 9_600_000, 12_300_000, 188e6, None)] == [
        "0.80", "19.50", "20", "1,234", "9,600,000", "12.3 M", "188 M", "–"]


def test_chart_is_an_image_with_a_dot_for_each_figure():
    root = ET.fromstring(bench.chart({"rows": ROWS}))
    tag = "{http://www.w3.org/2000/svg}"
    dots = [c for c in root.iter(tag + "circle") if float(c.get("cy")) > 30]
    figures = sum(1 + sum(peer in row for peer in bench.PEERS) for row in bench.peers()["rows"])
    assert len(dots) == figures
    assert all(0 < float(dot.get("cx")) < float(root.get("width")) for dot in dots)


def test_growth_is_judged_by_its_two_largest_sizes():
    assert growth.exponent({10: 1.0, 100: 50.0, 1000: 500.0}) == pytest.approx(1)
    assert growth.exponent({10: 1.0, 100: 50.0, 1000: 50.0}) == 0
    rows = {"found": {10: 100.0, 1000: 1000.0}, "munmap": {10: 100.0, 1000: 10000.0},
            "read1": {1: 10.0, 1000: 10.0}}
    assert growth.grown(rows) == ["found: exponent 0.50, from 100 to 1,000"]


def test_growth_before_the_largest_sizes_is_seen():
    assert growth.grown({"open": {1: 10.0, 10: 30.0, 100: 30.0}}) == ["open: exponent 0.00, from 10 to 30"]
    assert not growth.grown({"open": {1: 10.0, 10: 20.0, 100: 20.0}})


@pytest.mark.parametrize("more, words", [(10, []), (11, ["boot: 11.0 instructions a frame of memory"])])
def test_boot_is_judged_by_the_frame(more, words):
    counts = {64: 1e6, 1024: 4e6, 2048: 4e6 + more * 1024 * 256}
    assert growth.grown({"boot": counts}) == words


def test_growth_is_drawn():
    rows = {row: {0: 5.0, 1: 10.0, 100: 20.0} for row in growth.ROWS}
    root = ET.fromstring(growth.chart(rows))
    lines = [e for e in root.iter() if e.tag.endswith("polyline")]
    assert len(lines) == len(growth.ROWS)
    assert len(growth.table(rows).splitlines()) == 2 + len(rows)
    assert growth.size_table(dict.fromkeys(growth.SIZES, 4096.0)).count("4,096") == len(growth.SIZES)
