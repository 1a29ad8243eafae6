"""The swap disk when it fails, by QEMU's blkdebug, and swap disks that are none, or none of ours."""
import hashlib
import re

import pytest

from banyan import image
from banyan.machine import run_tool

pytestmark = pytest.mark.points(5)
PAGE = 4096
MEM = "20M"
HELD = 24 << 20  # bytes that a program keeps, on a machine of 20 MiB
SLOT = 1500  # one that such a program is given; none of those that were there before it
COUNT = 3400000  # lines of data, of more than HELD bytes
MAGIC = 1024  # bytes, where the header's fields begin: version, last page, bad pages


def make_swap(path, size):
    run_tool(["truncate", "-s", size, str(path)])
    path.chmod(0o600)
    run_tool(["mkswap", str(path)])
    return path


def guest_with(boots, path, fault=""):
    """A machine whose swap disk is that image; `fault`: rules of blkdebug, as its files have them."""
    drive = f"driver=raw,file.driver=file,file.filename={path},id=swap,if=none,cache=unsafe"
    if fault:
        rules = path.with_suffix(".rules")
        rules.write_text(fault)
        drive = (f"driver=raw,file.driver=blkdebug,file.config={rules},file.image.driver=file,"
                 f"file.image.filename={path},id=swap,if=none,cache=unsafe")
    return boots.guest(mem=MEM, swap="0", extra=(
        "-drive", drive, "-device", "virtio-blk-device,drive=swap,bus=virtio-mmio-bus.1"))


def failing(way, *slots):
    """The rules that each access to those slots in that way ("read", "write") fails with EIO; they
    hold from the first such access to the disk on. Page 0 is the header's."""
    return "".join(f'[inject-error]\nevent = "{way}_aio"\niotype = "{way}"\nerrno = "5"\n'
                   f'sector = "{(slot + 1) * PAGE // 512}"\n' for slot in slots)


def swap_row(guest):
    """The row of `free` about swap, by the titles of its columns, in KiB."""
    text = guest.run("free", status=0)
    numbers = re.search(r"^Swap:(.*)", text, re.MULTILINE)[1].split()
    return dict(zip(text.splitlines()[0].split()[1:], map(int, numbers)))


def console(guest):
    return (guest.boot_process.directory / "serial.log").read_text("utf-8", "replace")


def hold_and_write(guest, status):
    """A program takes in HELD bytes before it gives out the first; it must end so."""
    guest.run(f"seq 1 {COUNT} | tail -c {HELD} >/tmp/out", status=status)


def held():
    return "".join(f"{i}\n" for i in range(1, COUNT + 1)).encode()[-HELD:]


def test_read_error(boots, tmp_path):
    """A page that cannot be read kills the program that needs it, with a line that says why, and
    nobody else."""
    guest = guest_with(boots, make_swap(tmp_path / "swap", "64M"),
                       failing("read", *range(SLOT, 2 * SLOT, 50)))
    guest.run("sleep 10000 & echo $! >/tmp/pid", status=0)
    # sort touches its lines itself: a system call that needed the page would return EIO. It is
    # alone: who wrote into a pipe to it could wait so long that a page of his own goes to such a
    # slot, and die as rightly.
    guest.run("p=xxxxxxxxxxxxxxxx; p=$p$p$p$p; p=$p$p$p$p; p=$p$p$p$p", status=0)
    guest.run(f"seq 1 {HELD >> 10} | sed s/$/$p/ >/tmp/in", status=0)
    guest.run("sort -r /tmp/in >/tmp/out", status=128 + 10)
    said = console(guest)
    assert re.search(r"sort: page fault at 0x[0-9a-f]+, .*: the page could not be read", said), said
    assert len(re.findall("the page could not be read", said)) == 1, said
    assert re.search(r"swap: the disk could not read slots", said), said
    assert swap_row(guest)["bad"] == 0
    # Shell and servers live, and so does whoever needs no such page.
    guest.run("echo alive >/tmp/note && cat /tmp/note && ps >/dev/null", status=0)
    guest.run("kill $(cat /tmp/pid)", status=0)
    guest.shutdown()


def test_write_error(boots, tmp_path):
    """What cannot be written stays in memory or goes elsewhere, and no slot is tried twice."""
    # Several, for a page may come back before it is written, and its slot is not used then.
    failing_slots = range(SLOT, SLOT + 400, 100)
    guest = guest_with(boots, make_swap(tmp_path / "swap", "64M"),
                       failing("write", *failing_slots))
    assert swap_row(guest)["bad"] == 0
    hold_and_write(guest, status=0)
    assert swap_row(guest)["bad"] > 0
    hold_and_write(guest, status=0)
    bad = swap_row(guest)["bad"]
    said = [(int(first), int(last)) for first, last in
            re.findall(r"swap: the disk could not write slots (\d+) to (\d+)", console(guest))]
    for first, last in said:
        assert any(first <= slot <= last for slot in failing_slots), said
        assert last - first < 32, f"more than a transfer: {said}"
    retired = [slot for first, last in said for slot in range(first, last + 1)]
    assert len(retired) == len(set(retired)), f"tried twice: {said}"
    assert bad == len(retired) * PAGE // 1024, said
    guest.run("sync", status=0)
    guest.shutdown()
    assert image.read_file(guest.overlay, "/tmp/out", tmp_path) == held()


def put_words(path, offset, *words):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(b"".join(word.to_bytes(4, "little") for word in words))


def no_signature(path):
    with open(path, "r+b") as file:
        file.seek(PAGE - 10)
        file.write(b"SWAP-SPACE")


SENSELESS = "has mkswap's signature but a header that makes no sense: not used"
FOREIGN = {
    "no_signature": (no_signature, None),
    "empty": (lambda path: put_words(path, PAGE - 10, 0, 0, 0), None),
    "version": (lambda path: put_words(path, MAGIC, 2), SENSELESS),
    "last_page_beyond_the_end": (lambda path: put_words(path, MAGIC + 4, 16384), SENSELESS),
    "last_page_of_all_ones": (lambda path: put_words(path, MAGIC + 4, 0xffffffff), SENSELESS),
    "too_small": (lambda path: put_words(path, MAGIC + 4, 31), SENSELESS),
    "too_many_bad_pages": (lambda path: put_words(path, MAGIC + 8, 638), SENSELESS),
}


@pytest.mark.points(1)
@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign(boots, tmp_path, kind):
    """A disk that is no swap disk, or none that makes sense, is left as it was found."""
    spoil, words = FOREIGN[kind]
    path = make_swap(tmp_path / "swap", "64M")
    spoil(path)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    guest = guest_with(boots, path)
    assert set(swap_row(guest).values()) == {0}
    assert (words in console(guest)) if words else ("swap:" not in console(guest))
    guest.run("seq 1 100000 | tail -n 1", status=0)
    guest.shutdown()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.points(1)
def test_no_room_for_a_header(boots, tmp_path):
    """A disk of less than a page is no swap disk."""
    path = tmp_path / "swap"
    path.write_bytes(b"SWAPSPACE2" * 153 + bytes(6))  # three sectors
    guest = guest_with(boots, path)
    assert set(swap_row(guest).values()) == {0}
    guest.shutdown()


def test_larger_than_its_table(boots, tmp_path):
    """Of a disk for which memory cannot hold the table, the beginning is used; it is said."""
    path = make_swap(tmp_path / "swap", "1G")
    guest = guest_with(boots, path)
    assert "swap: memory is too small for all of a disk" in console(guest)
    total = swap_row(guest)["total"]
    assert (20 << 10) * 8 <= total < (20 << 10) * 16, "16 slots for each frame of memory"
    hold_and_write(guest, status=0)
    guest.shutdown()
    assert image.read_file(guest.overlay, "/tmp/out", tmp_path) == held()


def test_bad_pages_of_the_header(boots, tmp_path):
    """What mkswap found bad is never written."""
    path = make_swap(tmp_path / "swap", "64M")
    pages = range(100, 600)
    put_words(path, MAGIC + 8, len(pages))
    put_words(path, MAGIC + 12 + 32 + 117 * 4, *pages)
    guest = guest_with(boots, path)
    assert swap_row(guest)["bad"] == len(pages) * PAGE // 1024
    hold_and_write(guest, status=0)
    guest.shutdown()
    raw = path.read_bytes()
    assert not any(raw[pages[0] * PAGE:(pages[-1] + 1) * PAGE])
    assert sum(any(raw[n * PAGE:(n + 1) * PAGE]) for n in range(600, 4000)) > 1000
