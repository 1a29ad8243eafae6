"""What the tools show of processes and their memory."""
import re

import pytest

pytestmark = pytest.mark.points(2)
REGION = re.compile(r"^([0-9a-f]{11})-([0-9a-f]{11}) +(\d+) ([r-][w-][x-])([sp]) +(\d+) +(\d+) +"
                    r"\d+  (\S+)", re.MULTILINE)
LEAF = re.compile(r"^ *\[ *(\d+)\] ([0-9a-f]{16}) ([vrwxugad-]{8}) (page|2 MiB|1 GiB) at",
                  re.MULTILINE)
KERNEL_HALF = 1 << 63
DIRECT_BASE = 0xffffffc000000000
RAM_BASE = 0x80000000
SIZES = {"page": 1 << 12, "2 MiB": 1 << 21, "1 GiB": 1 << 30}


def start_sleeper(guest):
    """A background program; its pid."""
    guest.run("sleep 1000 & echo $! >/tmp/pid", status=0)
    return int(guest.run("cat /tmp/pid", status=0))


def test_ps(guest):
    pid = start_sleeper(guest)
    rows = [line.split() for line in guest.run("ps", status=0).splitlines()]
    assert [row[-1] for row in rows if row[0] == str(pid)] == ["sleep"], rows
    names = [row[-1] for row in rows]
    for name in ("init", "blk", "fs", "tty", "sh", "ps"):
        assert name in names, rows


def test_ps_threads(guest):
    """Every thread, what it waits for and whom."""
    pid = start_sleeper(guest)
    rows = [line.split() for line in guest.run("ps -t", status=0).splitlines()]
    row, = [row for row in rows if row[0] == str(pid)]
    assert row[2] == "S" and "sleep" in " ".join(row[4:]), row


def test_kill(guest):
    pid = start_sleeper(guest)
    guest.run(f"kill {pid}", status=0)
    guest.run("wait")
    assert "sleep" not in guest.run("ps", status=0)
    guest.run(f"kill {pid}")
    assert guest.status != 0, "a dead process was killed again"


def test_kill_needs_authority(guest):
    """A process that is not there, or no process at all, cannot be killed."""
    for pid in ("99999", "x", "0"):
        guest.run(f"kill {pid}")
        assert guest.status != 0, pid


def test_free_adds_up(guest):
    """The frame ledger: each class, and together all there is (free fails if not)."""
    text = guest.run("free", status=0)
    rows = dict(re.findall(r"^(\w[\w ]*?) +(\d+) +\d+$", text, re.MULTILINE))
    total = int(rows.pop("total"))
    assert sum(map(int, rows.values())) == total
    assert total > 256 << 8 >> 1, "of 256 MiB more than half must be accounted for"


def test_vmmap(guest):
    pid = start_sleeper(guest)
    start_sleeper(guest)
    text = guest.run(f"vmmap {pid}", status=0)
    regions = REGION.findall(text)
    spans = [(int(region[0], 16), int(region[1], 16)) for region in regions]
    assert len(spans) >= 3 and all(low < high for low, high in spans), text
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:])), f"regions overlap:\n{text}"
    assert spans[0][0] >= 0x1000 and spans[-1][1] <= 0x3ffffff000, text
    protections = {region[7]: region[3] for region in regions}
    assert protections["text"] == "r-x" and protections["stack"] == "rw-", text
    assert not any(region[3][1:] == "wx" for region in regions), text
    shared = {region[7]: int(region[6]) for region in regions}
    assert shared["text"] > 0, f"two that run one program share no frame of it:\n{text}"


def test_vmmap_of_nobody(guest):
    guest.run("vmmap 99999")
    assert guest.status != 0


@pytest.fixture(name="whole")
def guest_with_the_whole_kernel(boots):
    """A guest whose user tables have all of the kernel's half, whatever KARGS says of isolation."""
    return boots.guest(kargs="")


def test_pgt(whole):
    """W^X over every leaf, U below slot 256 alone, G above."""
    pid = start_sleeper(whole)
    text = whole.run(f"pgt -a {pid}", status=0)
    leaves = LEAF.findall(text)
    user = [leaf for leaf in leaves if int(leaf[1], 16) < KERNEL_HALF]
    kernel = [leaf for leaf in leaves if int(leaf[1], 16) >= KERNEL_HALF]
    assert len(user) > 3 and len(kernel) > 3, text
    assert not [leaf for leaf in leaves if leaf[2][2:4] == "wx"]
    assert all(leaf[2][4] == "u" and leaf[2][5] == "-" for leaf in user)
    assert all(leaf[2][4] == "-" and leaf[2][5] == "g" for leaf in kernel)
    assert any(leaf[3] != "page" for leaf in kernel), "the direct map has no large leaf"


def test_firmware_is_not_mapped(whole):
    """Of RAM, the direct map leaves out what the device tree says is the firmware's."""
    leaves = LEAF.findall(whole.run("pgt -a 1", status=0))
    direct = sorted((int(leaf[1], 16) - DIRECT_BASE, SIZES[leaf[3]]) for leaf in leaves
                    if DIRECT_BASE <= int(leaf[1], 16) < DIRECT_BASE + (128 << 30))
    log = whole.boot_process.directory / "serial.log"
    firmware = int(re.search(r"Firmware Base +: (0x[0-9a-f]+)", log.read_text()).group(1), 16)
    assert firmware == RAM_BASE
    assert direct and direct[0][0] > firmware, direct[0]
    end = direct[0][0]
    for at, size in direct:
        assert at == end, f"a hole in the direct map at {end:#x}"
        end = at + size
    assert end == RAM_BASE + (256 << 20)


@pytest.mark.points(5)
def test_pgt_two(guest):
    """Two processes: below slot 256 all differs, from 256 on every word is the same."""
    first, second = start_sleeper(guest), start_sleeper(guest)
    assert first != second
    text = guest.run(f"pgt {first} {second}", status=0)
    slots = re.findall(r"^\[ *(\d+)\] +([0-9a-f]+) +([0-9a-f]+) ", text, re.MULTILINE)
    lower = [row for row in slots if int(row[0]) < 256]
    upper = [row for row in slots if int(row[0]) >= 256]
    assert lower and upper, text
    accessed_dirty = ~0xc0
    for slot, one, other in lower:
        assert int(one, 16) != int(other, 16), f"slot {slot} is shared:\n{text}"
    for slot, one, other in upper:
        assert int(one, 16) & accessed_dirty == int(other, 16) & accessed_dirty, f"{slot}:\n{text}"
    common, pages = re.search(r"^(\d+) of (\d+) and \d+ user pages", text, re.MULTILINE).groups()
    assert 0 < int(common) < int(pages), text
