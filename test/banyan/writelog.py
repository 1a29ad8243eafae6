"""What QEMU's blklogwrites has recorded of a disk, and the disks that a power cut may have left.

The log has a superblock and then, in sectors, for each request an entry and its data: where it went, how
long it is, and whether it is a flush. Linux's dm-log-writes has the same form (see the kernel's
Documentation/admin-guide/device-mapper/log-writes.rst).
"""
import dataclasses
import os
import pathlib
import shutil
import struct

SECTOR = 512
MAGIC = 0x6a736677736872
FLUSH, FUA, DISCARD = 1, 2, 4


@dataclasses.dataclass(frozen=True)
class Entry:
    """A request: a write of `data`, a flush, or both (then the flush comes first)."""

    sector: int
    flags: int
    data: bytes


def drive(image, log):
    """QEMU's arguments for a root disk of that image, whose writes go to that log as well."""
    return ("-blockdev", f"driver=file,filename={image},node-name=image",
            "-blockdev", f"driver=file,filename={log},node-name=log",
            "-blockdev", f"driver=blklogwrites,file=image,log=log,log-sector-size={SECTOR},"
                         "node-name=root",
            "-device", "virtio-blk-device,drive=root,bus=virtio-mmio-bus.0")


def position(log):
    """How far the log goes by now; what the guest has been told is done lies before it."""
    return os.stat(log).st_size


def read(log, end):
    """The entries that lie before `end`, as far as they are whole."""
    data = pathlib.Path(log).read_bytes()[:end]
    magic, _, _, size = struct.unpack_from("<QQQI", data)
    if magic != MAGIC or size != SECTOR:
        raise ValueError(f"{log} is no log of writes: {magic:#x}, sectors of {size}")
    entries, at = [], SECTOR
    while at + SECTOR <= len(data):
        sector, count, flags, _ = struct.unpack_from("<QQQQ", data, at)
        length = 0 if flags & DISCARD else count * SECTOR
        if at + SECTOR + length > len(data):
            break
        entries.append(Entry(sector, flags, data[at + SECTOR:at + SECTOR + length]))
        at += SECTOR + length
    return entries


def cut(start, entries, path, keeps):
    """Make at `path` the disk that was `start` when the power fails after the entries: what was
    written before the last flush is there, and of the later writes those of which `keeps()` is true.
    """
    shutil.copyfile(start, path)
    last = max((i for i, entry in enumerate(entries) if entry.flags & FLUSH), default=0)
    with open(path, "r+b") as disk:
        for i, entry in enumerate(entries):
            if entry.data and (i < last or entry.flags & FUA or keeps()):
                disk.seek(entry.sector * SECTOR)
                disk.write(entry.data)
