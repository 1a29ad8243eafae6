"""The figures of `make bench`, judged and drawn (banyan/bench.py)."""
import xml.etree.ElementTree as ET

import pytest

from banyan import bench

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
    assert bench.with_table(page, "| operation | b |") == "before\n\n| operation | b |\n\nafter\n\n| path |\n"


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
