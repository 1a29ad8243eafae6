"""What the tools show of swap: free, vmstat and vmmap, against each other, against what a program
is known to use, and against what QEMU has seen of the swap disk."""
import contextlib
import json
import re
import time

import pytest

from banyan.gdbremote import connect_unix
from banyan.guest import CTRL_C

pytestmark = pytest.mark.points(3)
PAGE = 4096
MEMORY = 20 << 20  # bytes, of the machine
HELD = 24 << 20  # bytes that hold() keeps
HEADER = ["swpd", "free", "anon", "cache", "dirt", "si", "so", "pi", "po", "zero", "cow", "obj",
          "swp", "sp", "scan", "rec", "ref"]
REGION = re.compile(r"^[0-9a-f]{11}-[0-9a-f]{11} +(\d+) \S{4} +(\d+) +(\d+) +(\d+)  (\S+)",
                    re.MULTILINE)


def totals(guest):
    """What `vmstat -s` prints, by its words."""
    lines = guest.run("vmstat -s", status=0).splitlines()
    return {words: int(number) for number, words in (line.split(None, 1) for line in lines)}


def summary(guest, options=""):
    """The two rows of `free`, by the titles of their columns."""
    text = guest.run(f"free {options}", status=0)
    titles = text.splitlines()[0].split()[1:]
    memory = dict(zip(titles, map(int, re.search(r"^Mem:(.*)", text, re.MULTILINE)[1].split())))
    swap = dict(zip(titles, map(int, re.search(r"^Swap:(.*)", text, re.MULTILINE)[1].split())))
    frames = {name: int(count) for name, count in
              re.findall(r"^(\w[\w ]*?) +(\d+) +\d+$", text, re.MULTILINE)}
    return memory, swap, frames


def samples(text):
    """The lines of vmstat, by the titles of their columns; the titles must be those we know."""
    lines = [line.split() for line in text.splitlines() if not line.startswith("-")]
    assert lines[0] == HEADER, text
    return [dict(zip(HEADER, map(int, line))) for line in lines if line != HEADER]


def regions(guest, pid):
    """(KiB, resident, shared, swapped, name) of each, and the sums that the last line gives."""
    text = guest.run(f"vmmap {pid}", status=0)
    rows = [(*map(int, row[:4]), row[4]) for row in REGION.findall(text)]
    assert len(rows) == len(text.splitlines()) - 2, text
    return rows, tuple(map(int, re.search(r"^total +(.*)  pages", text, re.MULTILINE)[1].split()))


def hold(guest):
    """A background program that has touched HELD bytes of its own, and waits; its pid."""
    guest.run(f"{{ yes 2>/dev/null | head -c {HELD}; echo >/tmp/full; sleep 10000; }} | "
              f"tail -c {HELD} >/dev/null & echo $! >/tmp/pid", status=0)
    guest.run("until [ -e /tmp/full ]; do sleep 0.1; done", status=0)
    pid = int(guest.run("cat /tmp/pid", status=0))
    assert re.search(rf"^ *{pid} .* tail$", guest.run("ps", status=0), re.MULTILINE)
    return pid


@pytest.mark.points(5)
def test_held(boots):
    """A program that holds more than memory: free and vmmap show where its pages are."""
    guest = boots.guest(cpus=1, mem="20M", swap="64M")
    _, swap, frames = summary(guest)
    assert swap["total"] in range(64 * 1024 - 8, 64 * 1024) and swap["bad"] == 0
    assert swap["used"] <= 1024, "before anybody needs it"
    pid = hold(guest)
    memory, swap, frames = summary(guest)
    assert memory["total"] == memory["used"] + memory["free"] + memory["cached"]
    assert memory["total"] == frames["total"] * 4 and memory["free"] == frames["free"] * 4
    assert memory["cached"] == frames["object pages"] * 4
    assert swap["total"] == swap["used"] + swap["free"] + swap["bad"] and swap["bad"] == 0
    assert swap["cached"] <= swap["used"]
    assert swap["used"] * 1024 >= HELD - MEMORY
    rows, sums = regions(guest, pid)
    assert sums == tuple(sum(row[i] for row in rows) for i in range(4))
    heap, = [row for row in rows if row[4] == "heap"]
    size, resident, _, swapped, _ = heap
    assert HELD // PAGE <= resident + swapped <= size * 1024 // PAGE, heap
    assert swapped * PAGE >= HELD - MEMORY, heap
    assert all(row[3] == 0 for row in rows if row[4] in ("text", "rodata")), "files are not swapped"
    used = totals(guest)["used pages of swap"]
    assert swapped <= used + 256 and used <= sums[3] + 2048, "nobody else has so much there"
    sleeper, = re.findall(r"^ *(\d+) .* sleep$", guest.run("ps", status=0), re.MULTILINE)
    guest.run(f"kill {pid} {sleeper}; wait")
    assert summary(guest)[1]["used"] <= 4096, "its swap is free again"


@pytest.mark.points(5)
def test_rates(boots):
    """The rates of all lines are what the counters counted meanwhile."""
    guest = boots.guest(cpus=1, mem="20M", swap="64M")
    before, began = totals(guest), time.monotonic()
    guest.run("vmstat 0.5 >/tmp/lines & echo $! >/tmp/vmstat", status=0)
    wait = "until [ $(grep -vc [a-z] /tmp/lines) -gt $n ]; do sleep 0.1; done"
    guest.run(f"n=0; {wait}", status=0)
    first = totals(guest)
    hold(guest)
    last = totals(guest)
    # The line under way may have begun before `last`; the one after it has not ended yet.
    guest.run(f"n=$(grep -vc [a-z] /tmp/lines); {wait}", status=0)
    guest.run("kill $(cat /tmp/vmstat)", status=0)
    after, took = totals(guest), time.monotonic() - began
    assert last["pages swapped out"] - first["pages swapped out"] >= (HELD - MEMORY) // PAGE
    lines = samples(guest.run("cat /tmp/lines", status=0))[1:]  # the first is since the start
    longest = took - 0.5 * (len(lines) - 1)  # that one of the lines can have lasted
    for column, words in (("si", "pages swapped in"), ("so", "pages swapped out"),
                          ("pi", "pages read from files"), ("zero", "faults: zero-fill"),
                          ("cow", "faults: copy on write"), ("obj", "faults: object"),
                          ("swp", "faults: swapped page"), ("scan", "pages scanned"),
                          ("rec", "pages reclaimed"), ("ref", "refaults")):
        counted = sum(line[column] for line in lines)
        rounding = len(lines) / 2
        assert counted >= (last[words] - first[words]) / longest - rounding, (column, lines)
        assert counted <= (after[words] - before[words]) / 0.5 + rounding, (column, lines)


class SwapDevice:
    """What QEMU itself has counted of the swap disk."""

    def __init__(self, path):
        link = connect_unix(path, 30)
        self._lines = link.makefile("rwb")
        link.close()  # the file goes on
        self._lines.readline()  # the greeting
        self._ask("qmp_capabilities")

    def close(self):
        self._lines.close()

    def _ask(self, command):
        self._lines.write(b'{"execute": "%s"}\n' % command.encode())
        self._lines.flush()
        while "return" not in (answer := json.loads(self._lines.readline())):
            assert "error" not in answer, answer  # all else is events
        return answer["return"]

    def moved(self):
        """(bytes read, bytes written)"""
        stats, = [device["stats"] for device in self._ask("query-blockstats")
                  if device.get("device") == "swap"]
        return stats["rd_bytes"], stats["wr_bytes"]


@pytest.mark.points(5)
def test_disk_says_the_same(boots):
    """Pages swapped in and out are those that the disk has read and written."""
    guest = boots.guest(cpus=1, mem="20M", swap="64M",
                        extra=("-qmp", "unix:swap.sock,server=on,wait=off"))
    path = guest.boot_process.directory / "swap.sock"
    with contextlib.closing(SwapDevice(path)) as disk:
        boot_reads, boot_writes = disk.moved()
        assert boot_writes == totals(guest)["pages swapped out"] == 0
        hold(guest)
        read_low, written_low = disk.moved()
        now = totals(guest)
        read_high, written_high = disk.moved()
    assert written_low <= now["pages swapped out"] * PAGE <= written_high
    assert read_low <= now["pages swapped in"] * PAGE + boot_reads <= read_high
    assert now["pages swapped out"] * PAGE >= HELD - MEMORY


def test_no_swap_disk(boots):
    """Without one all of it is 0, and memory is shown as ever."""
    guest = boots.guest(swap="0")
    memory, swap, _ = summary(guest)
    assert set(swap.values()) == {0} and memory["used"] > 0
    line, = samples(guest.run("vmstat", status=0))
    assert line["swpd"] == line["si"] == line["so"] == line["swp"] == 0
    assert line["free"] > 0 and line["anon"] > 0 and line["cache"] > 0
    assert all(number == 0 for words, number in totals(guest).items() if "swap" in words)
    rows, sums = regions(guest, "$$")
    assert sums[1] > 0 and sums[3] == 0, rows


def test_units(boots):
    guest = boots.guest(swap="64M")
    whole, swap, _ = summary(guest, "-b")
    assert swap["total"] % PAGE == 0
    for option, size in (("-k", 1 << 10), ("-m", 1 << 20), ("-g", 1 << 30)):
        memory, cut, _ = summary(guest, option)
        assert memory["total"] == whole["total"] // size and cut["total"] == swap["total"] // size
    text = guest.run("free -h", status=0)
    assert re.search(r"^Mem: +25[0-9]\.[0-9]MiB .*\n^Swap: +63\.9MiB +0KiB +63\.9MiB", text,
                     re.MULTILINE), text


def test_since_the_start(boots):
    """The first line is since the start, the second since the first."""
    guest = boots.guest(swap="64M")
    guest.run("sleep 3; find / >/dev/null", status=0)
    low, earlier = totals(guest), uptime(guest)
    first, second = samples(guest.run("vmstat 1 2", status=0))
    high, later = totals(guest), uptime(guest)
    for column, words in (("zero", "faults: zero-fill"), ("cow", "faults: copy on write"),
                          ("obj", "faults: object"), ("pi", "pages read from files")):
        assert low[words] / (later + 1) - 1 <= first[column] <= high[words] / earlier + 1, column
    assert second["zero"] < first["zero"] / 4 and second["pi"] < first["pi"] / 4, "nothing ran"


def uptime(guest):
    """Seconds, cut off to whole ones."""
    hours, minutes, seconds = re.search(r"up (\d+):(\d\d):(\d\d)", guest.run("uptime")).groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def test_header(boots):
    """Every 20 lines, as wide as what is below it and not too wide for a terminal."""
    lines = boots.guest(swap="64M").run("vmstat 0.1 41", status=0).splitlines()
    assert [i for i, line in enumerate(lines) if line.startswith("-")] == [0, 22, 44]
    assert [i for i, line in enumerate(lines) if line.split() == HEADER] == [1, 23, 45]
    assert len(lines) == 41 + 3 * 2
    assert {len(line) for line in lines} == {79}, lines
    # The line of the time since the start may have a rate that needs more room: it was short.
    ends = [[match.end() for match in re.finditer(r"\S+", line)] for line in (lines[1], lines[3])]
    assert ends[0] == ends[1], lines[1:4]


def test_interrupt(boots):
    guest = boots.guest(swap="64M")
    guest.sendline("vmstat 0.2")
    guest.expect(r"ref\r\n[ 0-9]+\r\n[ 0-9]+\r\n[ 0-9]+\r\n")
    guest.send(CTRL_C)
    guest.expect_exact("$ ")
    assert "vmstat" not in guest.run("echo $?; ps")


WRONG = [
    ("vmstat 0", "0: an interval is seconds, from 0.1 to 1000000"),
    ("vmstat -- -1", "-1: an interval is seconds"),
    ("vmstat 1x", "1x: an interval is seconds"),
    ("vmstat ''", ": an interval is seconds"),
    ("vmstat .", ".: an interval is seconds"),
    ("vmstat 1.2.3", "1.2.3: an interval is seconds"),
    ("vmstat inf", "inf: an interval is seconds"),
    ("vmstat 0x1", "0x1: an interval is seconds"),
    ("vmstat 1000001", "1000001: an interval is seconds"),
    ("vmstat 1 0", "0: a count is a whole number, 1 or more"),
    ("vmstat 1 1.5", "1.5: a count is a whole number"),
    ("vmstat 1 99999999999999999999", "99999999999999999999: a count is a whole number"),
    ("vmstat 1 2 3", "usage: vmstat [-s] [INTERVAL [COUNT]]"),
    ("vmstat -s 1", "usage: vmstat"), ("vmstat -x", "usage: vmstat"),
    ("free -x", "usage: free [-b | -k | -m | -g | -h]"), ("free 1", "usage: free")]


def test_wrong_arguments(boots):
    guest = boots.guest(swap="64M")
    for line, words in WRONG:
        text = guest.run(line, status=2)
        assert words in text and "usage: " in text and "swpd" not in text, f"{line}:\n{text}"
