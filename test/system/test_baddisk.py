"""The root disk when it fails, by QEMU's blkdebug: an error for who asked, and nobody else is harmed."""
import hashlib

import pytest

from banyan import image

pytestmark = pytest.mark.points(3)
SECTOR = 512
BIG = 1 << 20


def make(folder, free_bytes=16 << 20):
    """The disk; it has /home/big, /home/short, and a folder /home/dir with a file."""
    disk, big, short = folder / "disk", folder / "big", folder / "short"
    big.write_bytes(hashlib.shake_256(b"banyan").digest(BIG))
    short.write_text("short\n")
    image.make(disk, free_bytes=free_bytes, free_inodes=512,
               extra={"/home/big": big, "/home/short": short})
    image.change(disk, "mkdir /home/dir")
    image.change(disk, f"write {short} /home/dir/file")
    return disk


def guest_failing(boots, disk, way, offset):
    """A machine whose disk fails each access in that way ("read", "write") to the byte there."""
    rules = disk.with_suffix(".rules")
    rules.write_text(f'[inject-error]\nevent = "{way}_aio"\niotype = "{way}"\nerrno = "5"\n'
                     f'sector = "{offset // SECTOR}"\n')
    return boots.guest(disk=None, swap="0", extra=(
        "-drive", f"driver=raw,file.driver=blkdebug,file.config={rules},file.image.driver=file,"
                  f"file.image.filename={disk},id=root,if=none,cache=unsafe",
        "-device", "virtio-blk-device,drive=root,bus=virtio-mmio-bus.0"))


def test_read_error_of_data(boots, tmp_path):
    """A file that cannot be read to its end can be read up to there, and others wholly."""
    disk = make(tmp_path)
    guest = guest_failing(boots, disk, "read", image.offset(disk, "/home/big", BIG // 2))
    said = guest.run("cat /home/big >/dev/null", status=1)
    assert "/home/big" in said and "error" in said.lower(), said
    guest.run("head -c 65536 /home/big | wc -c | grep 65536", status=0)
    guest.run("cat /home/short && echo new >/home/new && sync /home/new && cat /home/new", status=0)
    guest.shutdown()
    assert image.recover(disk) is None


def test_read_error_of_metadata(boots, tmp_path):
    """A folder that cannot be read harms no other, and is not taken for a corrupt one."""
    disk = make(tmp_path)
    guest = guest_failing(boots, disk, "read", image.offset(disk, "/home/dir", 0))
    guest.run("ls /home/dir", status=1)
    guest.run("cat /home/dir/file", status=1)
    guest.run("ls /home && echo new >/home/new && sync /home/new && rm /home/new", status=0)
    guest.shutdown()
    assert image.recover(disk) is None


def test_write_error_of_data(boots, tmp_path):
    """Who syncs what cannot be written is told, each time; others' files are stored."""
    disk = make(tmp_path)
    guest = guest_failing(boots, disk, "write", image.offset(disk, "/home/short", 0))
    guest.run("echo more >>/home/short", status=0)
    for _ in range(2):
        guest.run("sync /home/short", status=1)
    guest.run("echo new >/home/new && sync /home/new", status=0)
    guest.run("cat /home/short | grep more", status=0)  # it is in memory still
    guest.sendline("shutdown")
    guest.expect("sync: I/O error")  # and stays there: the machine is not switched off
    guest.boot_process.kill()
    assert image.recover(disk) is None
    assert image.contents(disk, "/home/new") == b"new\n"


def test_write_error_of_the_journal(boots, tmp_path):
    """The volume becomes read-only, and is at the next start what it was before."""
    disk = make(tmp_path)
    guest = guest_failing(boots, disk, "write", image.offset(disk, "<8>", 2 * 4096))
    guest.run("echo new >/home/new; sync", status=None)
    said = guest.run("mkdir /home/more", status=1)
    assert "read-only" in said.lower(), said
    guest.run("cat /home/short && ls /home/dir", status=0)
    guest.run("svc kill fs; cat /home/short", status=0)  # also for the next instance
    guest.shutdown()
    assert image.recover(disk) is None
    guest = boots.guest(boots.machine(disk=disk))
    guest.run("cat /home/short && mkdir /home/more && sync", status=0)
    guest.shutdown()


def test_nonsense_for_a_superblock(boots, tmp_path):
    """There is a copy: all can be read, and nothing is written; the instance after that, too."""
    disk = make(tmp_path, free_bytes=48 << 20)
    with open(disk, "r+b") as file:
        file.seek(image.SUPERBLOCK)
        file.write(bytes(range(256)) * 4)
    before = disk.read_bytes()
    guest = boots.guest(boots.machine(disk=disk), boot=False)
    guest.expect("read-only by the copy of the superblock in block: 8192")
    guest.boot()
    for _ in range(2):
        guest.run("cat /home/short | grep short && wc -c </home/big | grep 1048576", status=0)
        said = guest.run("echo new >/home/new", status=None)
        assert "read-only" in said.lower(), said
        guest.run("svc kill fs", status=0)
    guest.shutdown(check_image=False)
    with image.raw(guest.overlay) as after:
        assert after.read_bytes() == before
        image.mend(after, 8192)
        assert image.contents(after, "/home/short") == b"short\n"
