"""Files: they last, they are what e2fsprogs reads, and a full disk is an error, not a disaster."""
import hashlib

import pytest

from banyan import image
from banyan.guest import overlay_path
from banyan.machine import make_overlay

pytestmark = pytest.mark.points(3)


def test_files_survive(boots, request):
    """What is written before a shutdown is there after the next boot."""
    overlay = overlay_path(request.node.name)
    overlay.unlink(missing_ok=True)
    machine = boots.machine()
    make_overlay(overlay, machine.disk)
    guest = boots.guest(machine, overlay=overlay)
    guest.run("mkdir /home/me && echo remembered >/home/me/note && cp /bin/sh /home/me/sh",
              status=0)
    guest.run("ln -s note /home/me/soft && mv /home/me/note /home/me/moved", status=0)
    guest.shutdown()
    guest = boots.guest(machine, overlay=overlay)
    assert guest.run("cat /home/me/moved", status=0) == "remembered\n"
    guest.run("cmp /bin/sh /home/me/sh", status=0)
    guest.run("ls /home/me/note 2>/dev/null", status=1)
    guest.run("rm -r /home/me", status=0)
    guest.shutdown()
    overlay.unlink()


def test_host_reads_what_guest_wrote(boots, tmp_path):
    guest = boots.guest()
    guest.run("cat /bin/* >/tmp/all && cat /tmp/all /tmp/all /tmp/all >/tmp/large", status=0)
    size = int(guest.run("wc -c </tmp/large", status=0))
    guest.shutdown()
    large = image.read_file(guest.overlay, "/tmp/large", tmp_path)
    part = image.read_file(guest.overlay, "/tmp/all", tmp_path)
    assert len(large) == size
    assert hashlib.sha256(large).digest() == hashlib.sha256(part * 3).digest()
    assert image.read_file(guest.overlay, "/bin/sh", tmp_path) in part


def test_guest_reads_what_host_wrote(boots, tmp_path):
    """A file with indirect blocks of every level that its size needs, byte for byte."""
    data = hashlib.shake_256(b"banyan").digest(6 << 20)
    (tmp_path / "big").write_bytes(data)
    disk = tmp_path / "disk.img"
    image.make(disk, block_size=1024, extra={"/home/big": tmp_path / "big"})
    guest = boots.guest(boots.machine(disk=disk))
    assert int(guest.run("wc -c </home/big", status=0)) == len(data)
    guest.run("cp /home/big /home/copy && cmp /home/big /home/copy && sync", status=0)
    guest.shutdown()
    assert image.read_file(guest.overlay, "/home/copy", tmp_path) == data


@pytest.mark.parametrize("size", [1024, 2048, 4096], ids=["1k", "2k", "4k"])
def test_block_sizes(boots, tmp_path, size):
    disk = tmp_path / "disk.img"
    image.make(disk, block_size=size)
    guest = boots.guest(boots.machine(disk=disk))
    guest.run("mkdir /tmp/d && cp /bin/* /tmp/d && cmp /bin/ls /tmp/d/ls", status=0)
    guest.run("cat /tmp/d/* | wc -c >/tmp/a; cat /bin/* | wc -c >/tmp/b; cmp /tmp/a /tmp/b",
              status=0)
    guest.run("rm -r /tmp/d", status=0)
    guest.shutdown()


def test_no_space(boots, tmp_path):
    """A full disk is ENOSPC by write; what was freed can be used again."""
    disk = tmp_path / "disk.img"
    image.make(disk, free_bytes=2 << 20, free_inodes=64)
    guest = boots.guest(boots.machine(disk=disk))
    for _ in range(2):
        output = guest.run("cat /dev/zero >/tmp/fill", status=1)
        assert "No space left on device (df and du show what takes it)" in output, output
        guest.run("echo small >/tmp/other || echo cannot; rm /tmp/fill", status=0)
        assert guest.run("echo fits >/tmp/other && cat /tmp/other", status=0) == "fits\n"
    guest.shutdown()


def test_no_inodes(boots, tmp_path):
    disk = tmp_path / "disk.img"
    image.make(disk, free_inodes=16)
    guest = boots.guest(boots.machine(disk=disk))
    guest.run("mkdir /tmp/many && cd /tmp/many", status=0)
    output = guest.run("i=0; while echo x >f$i; do i=$((i+1)); test $i -lt 200 || break; done")
    assert "No space" in output, output
    guest.run("cd / && rm -r /tmp/many && echo again >/tmp/file", status=0)
    guest.shutdown()


@pytest.mark.points(5)
def test_ten_thousand_files(boots):
    """10,000 files in one directory: made, counted, found, removed."""
    guest = boots.guest()
    guest.run("mkdir /tmp/many && cd /tmp/many", status=0)
    guest.run("i=0; while test $i -lt 10000; do : >file-$i; i=$((i+1)); done", status=0)
    assert guest.run("ls | wc -l", status=0).split() == ["10000"]
    guest.run("test -e file-0 && test -e file-9999 && test ! -e file-10000", status=0)
    guest.run("cd / && rm -r /tmp/many && test ! -e /tmp/many", status=0)
    guest.shutdown()
