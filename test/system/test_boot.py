"""The machine boots to a shell on every number of harts, in little memory, with few ASIDs."""
import os
import shutil

import pytest

from banyan import image
from banyan.boot import BootFailure
from banyan.configs import AXES, FULL_ONLY, all_pairs, changes_of
from banyan.gdbremote import GdbRemote
from banyan.guest import EOF

CPUS = [1, 2, 4, 8]
ASIDS = [(1, 0), (2, 0), (4, 0), (1, 2), (2, 2), (4, 4)]
WORK = [
    ("echo hello | cat | wc -c", "6"),
    ("ls / | grep -c bin", "1"),
    ("for i in 1 2 3 4 5 6 7 8; do echo $i | cat; done | wc -l", "8"),
    ("cat /bin/sh | cat >/tmp/copy; cmp /tmp/copy /bin/sh && echo same", "same"),
]


def work(guest):
    """A little of everything that switches spaces: forks, pipes, programs, files."""
    for line, answer in WORK:
        assert guest.run(line, status=0).split() == [answer], line


@pytest.mark.points(3)
@pytest.mark.parametrize("cpus", CPUS, ids=[f"cpus={n}" for n in CPUS])
def test_prompt(boots, cpus):
    guest = boots.guest(cpus=cpus)
    work(guest)
    guest.shutdown()


SMOKE = all_pairs([list(values) for axis, values in AXES.items() if axis not in FULL_ONLY])


@pytest.mark.points(5)
@pytest.mark.run_of("boot.smoke")
@pytest.mark.parametrize("labels", SMOKE, ids=[",".join(filter(None, row)) for row in SMOKE])
def test_smoke(boots, labels):
    """A little of everything on machines that show each pair of settings."""
    changes = changes_of(labels)
    machine = boots.machine()
    guest = boots.guest(machine.with_(**dict(
        changes, kargs=f"{machine.kargs} {changes.get('kargs', '')}".strip(),
        extra=machine.extra + changes.get("extra", ()))))
    work(guest)
    guest.shutdown()


@pytest.mark.points(3)
def test_small_memory(boots):
    guest = boots.guest(mem="16M")
    work(guest)
    guest.shutdown()


@pytest.mark.points(3)
@pytest.mark.parametrize("cpus, bits", ASIDS, ids=[f"cpus={c},asidbits={b}" for c, b in ASIDS])
def test_asidbits(boots, cpus, bits):
    guest = boots.guest(cpus=cpus, kargs=f"asidbits={bits}")
    work(guest)
    work(guest)
    guest.shutdown()


@pytest.mark.points(3)
@pytest.mark.parametrize("asidbits", ["", "asidbits=0"])
def test_isolation(boots, asidbits):
    """A process's root has one slot of the kernel's, with small pages that are not the user's."""
    guest = boots.guest(cpus=2, kargs=f"isolation=on {asidbits}".strip())
    work(guest)
    user, kernel = guest.run("pgt -a $$", status=0).split("kernel half\n")
    slots = [line for line in kernel.splitlines() if line.startswith("[")]
    assert [slot.split("]")[0] for slot in slots] == ["[511"]
    leaves = [line.split() for line in kernel.splitlines() if " page at " in line]
    assert [leaf[-4] for leaf in leaves] == ["vrw--gad", "vrw--gad", "vr-x-ga-"]
    assert "vr-xu-a-" in user
    guest.shutdown()


def test_isolation_of_another_kind(boots):
    guest = boots.guest(kargs="isolation=total")
    log = (guest.boot_process.directory / "serial.log").read_text(errors="replace")
    assert "isolation=total is not known: it is off" in log
    assert guest.run("pgt $$", status=0).count("\n[") > 4
    guest.shutdown()


@pytest.mark.points(2)
@pytest.mark.parametrize("cpus", [2, 4], ids=["cpus=2", "cpus=4"])
def test_harts_are_used(boots, cpus):
    """As many busy programs as harts: each hart is seen to run user code."""
    guest = boots.guest(cpus=cpus)
    for _ in range(cpus):
        guest.run("while true; do true; done &", status=0)
    seen = set()
    for _ in range(60):
        guest.settle(0.2)
        seen |= harts_in_user_code(guest)
        if len(seen) == cpus:
            return
    raise AssertionError(f"only harts {sorted(seen)} of {cpus} ran user code")


def harts_in_user_code(guest):
    """The harts whose pc lies in a program, at this moment."""
    with GdbRemote(guest.boot_process.directory / "gdb.sock") as gdb:
        found = set()
        for number, hart in enumerate(gdb.harts()):
            gdb.select(hart)
            if 0x10000 <= gdb.registers()["pc"] < 0x8000000:
                found.add(number)
        gdb.detach()
    return found


@pytest.mark.points(2)
def test_firmware_timer(boots):
    """Harts without Sstc get their timer from the firmware: sleeps end, loops are preempted."""
    guest = boots.guest(cpus=2, extra=("-cpu", "rv64,sstc=false"))
    guest.run("while true; do true; done &", status=0)
    guest.run("while true; do true; done &", status=0)
    guest.run("while true; do true; done &", status=0)
    guest.run("sleep 1", status=0)
    work(guest)


def goes_off(guest):
    """Having said why, a machine that cannot go on powers off, without a panic."""
    guest.expect(EOF)
    guest.boot_process.finish()


@pytest.mark.points(2)
def test_no_disk(boots):
    """Without a disk it says so in words, and does not panic."""
    guest = boots.guest(boots.machine(disk=None), boot=False)
    guest.expect(r"(?i)\bno disk\b[^\n]*virtio-blk-device")
    goes_off(guest)


def empty(disk):
    disk.write_bytes(bytes(8 << 20))


def short(disk):
    os.truncate(disk, 3 << 20)


def no_root(disk):
    image.change(disk, "clri <2>")


def other_features(disk):
    image.change(disk, "feature extents")


@pytest.mark.points(1)
@pytest.mark.parametrize("damage, reason", [
    (empty, "no ext2 volume"), (short, "larger than its device"), (no_root, "No such file"),
    (other_features, "unknown incompatible features")],
    ids=["empty", "short", "no_root", "other_features"])
def test_bad_disk(boots, tmp_path, damage, reason):
    """A disk that cannot be mounted: why, and what to do, and no panic."""
    disk = tmp_path / "bad.img"
    shutil.copy(boots.machine().disk, disk)
    damage(disk)
    guest = boots.guest(boots.machine(disk=disk), boot=False)
    guest.expect(r"\bfs: [^\n]*" + reason)
    guest.expect(r"init: fs could not start: [^\n]*`make disk` mends [^\n]*`make clean qemu`")
    goes_off(guest)


@pytest.mark.points(1)
def test_last_words_come(boots, tmp_path):
    """The line that says what to do comes each time. (Once in twenty the end of the child that waited
    for fs was seen first, and nothing more was said.)"""
    disk = tmp_path / "empty.img"
    empty(disk)
    for _ in range(40):
        guest = boots.guest(boots.machine(disk=disk), boot=False)
        guest.expect("`make clean qemu`")
        goes_off(guest)


@pytest.mark.points(1)
def test_no_shell(boots, tmp_path):
    disk = tmp_path / "bare.img"
    shutil.copy(boots.machine().disk, disk)
    image.change(disk, "rm /bin/sh")
    guest = boots.guest(boots.machine(disk=disk), boot=False)
    guest.expect(r"init: cannot open /bin/sh[^\n]*`make clean qemu`")


@pytest.mark.points(1)
def test_reboot_command_is_seen(boots):
    """A guest that resets the machine is not taken for one that shut down."""
    guest = boots.guest()
    guest.sendline("shutdown -r")
    guest.expect(EOF)
    with pytest.raises(BootFailure) as caught:
        guest.boot_process.finish()
    assert caught.value.kind == "reboot"
