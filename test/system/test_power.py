"""The whole system when the power fails: every write and flush that QEMU saw, up to some point."""
import random
import shutil

import pytest

from banyan import image, settings, writelog

pytestmark = pytest.mark.points(5)
ROUNDS = 12
CUTS = 30  # points of failure at which e2fsck recovers
BOOTS = 3  # and at which the next boot does
LENGTH = 70000  # bytes of a file


def contents(number):
    """What the shell gave file `number`."""
    return (f"{number} " * LENGTH).encode()[:LENGTH]


def work(guest, log):
    """Files, written, synced and renamed, and folders around them that come and go. Returns for
    each number how far the log went when its file had been synced."""
    ends = []
    for number in range(ROUNDS):
        guest.run(f"mkdir /home/w/d{number} && yes '{number}' | tr '\\n' ' ' | head -c {LENGTH} "
                  f">/home/w/new && mv /home/w/new /home/w/f{number} && sync /home/w/f{number}",
                  status=0)
        ends.append(writelog.position(log))
        guest.run(f"rm -r /home/w/d{number} && cp /home/w/f{number} /home/w/spare && rm /home/w/spare",
                  status=0)
        if number % 5 == 4:
            guest.run("sync", status=0)
    return ends


def record(boots, folder):
    """(the disk at the start, the log, how far it went at each sync)"""
    start, disk, log = folder / "start", folder / "disk", folder / "log"
    image.make(start, free_bytes=16 << 20, free_inodes=512)
    shutil.copyfile(start, disk)
    log.touch()
    guest = boots.guest(disk=None, swap="0", extra=writelog.drive(disk, log))
    guest.run("mkdir /home/w && sync", status=0)
    ends = work(guest, log)
    guest.boot_process.kill()  # as the power does
    return start, log, ends


def check_files(read, synced):
    """Each file is whole or not there, and those that were synced are there."""
    for number in range(ROUNDS):
        data = read(number)
        if data is None:
            assert number >= synced, f"file {number} is gone"
        else:
            assert data == contents(number) or number >= synced, f"file {number} is not whole"


def any_cut(rng, recorded, disk):
    """Makes a disk; returns how many files had been synced by then."""
    start, log, ends = recorded
    end = rng.randrange(ends[0] // 2, writelog.position(log))
    entries = writelog.read(log, end)
    chance = rng.choice((0, 0.5, 1))
    writelog.cut(start, entries, disk, lambda: rng.random() < chance)
    return sum(e <= end for e in ends)


def check_host(recorded, disk, rng):
    """By e2fsck: sound, and everything that was synced is there."""
    synced = any_cut(rng, recorded, disk)
    assert image.recover(disk) is None
    check_files(lambda number: image.contents(disk, f"/home/w/f{number}"), synced)


def check_guest(boots, recorded, disk, rng):
    """By the system itself, which goes on where it was."""
    synced = any_cut(rng, recorded, disk)
    guest = boots.guest(boots.machine(disk=disk))
    names = guest.run("cd /home/w && mkdir more && cp /bin/sh more && rm -r more && sync && ls",
                      status=0).split()
    guest.shutdown()
    check_files(lambda number: image.read_file(guest.overlay, f"/home/w/f{number}", disk.parent)
                if f"f{number}" in names else None, synced)


def test_power_cuts(boots, tmp_path):
    """Whatever was on its way to the disk, and however much of it arrives."""
    rng = random.Random(settings.seed())
    recorded = record(boots, tmp_path)
    for _ in range(CUTS):
        check_host(recorded, tmp_path / "cut", rng)
    for _ in range(BOOTS):
        check_guest(boots, recorded, tmp_path / "cut", rng)
