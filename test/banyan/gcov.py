"""Takes gcov's counters out of a guest's memory, and writes them as gcov's tools want them.

A kernel built with COVERAGE=1 counts in variables of its own and needs no code to bring them out:
QEMU is given its RAM as a file, and once QEMU has ended, however it ended, the counters are read
from there. Where they lie is said by the structures that GCC puts into the kernel's data, one
gcov_info per object file (found through .gcov_info), with a gcov_fn_info per function; see
gcov-io.h of GCC for the data files (.gcda).

    memory_arguments(machine)   what to add to QEMU's command line
    keep(kernel, memory, file)  after QEMU's end: the counters of one boot into a small file
    write_data(kernel, files)   sums such files up into the .gcda that belong to the kernel's .gcno
"""
import array
import dataclasses
import functools
import hashlib
import os
import pathlib
import re
import struct
import sys

from .elf import Symbols

RAM_BASE = 0x80000000  # of QEMU's virt machine: byte 0 of its memory's file
MEMORY = "memory"  # that file, in the boot's directory
MERGES = 8  # kinds of counters that GCC 12 and 13 know
MAGIC, END = 0x67636461, 0
TAG_FUNCTION, TAG_ARCS, TAG_SUMMARY = 0x01000000, 0x01a10000, 0xa1000000
VERSIONS = (b"B2", b"B3")  # of the structures: GCC 12, 13


class GcovError(Exception):
    """The kernel has no counters, or not such as this file can read."""


@dataclasses.dataclass(frozen=True)
class Function:
    ident: int
    lines_checksum: int
    graph_checksum: int
    address: int  # of its counters
    count: int


@dataclasses.dataclass(frozen=True)
class Unit:
    """One object file."""

    version: int
    stamp: int
    checksum: int
    path: str  # of its .gcda
    functions: tuple


class Image:
    """A kernel's bytes by the address they are linked at."""

    def __init__(self, path):
        self._file = pathlib.Path(path).read_bytes()
        if self._file[:6] != b"\x7fELF\x02\x01":
            raise GcovError(f"{path}: not a 64-bit ELF file")
        table, = struct.unpack_from("<Q", self._file, 0x20)
        size, count = struct.unpack_from("<HH", self._file, 0x36)
        headers = [struct.unpack_from("<IIQQQQQQ", self._file, table + i * size)
                   for i in range(count)]
        self._loaded = [header[2:7] for header in headers if header[0] == 1]
        self.digest = hashlib.sha256(self._file).digest()

    def _segment(self, address):
        for offset, virtual, physical, in_file, in_memory in self._loaded:
            if virtual <= address < virtual + in_memory:
                return offset, virtual, physical, in_file
        raise GcovError(f"nothing is loaded at {address:#x}")

    def read(self, layout, address):
        """The fields of a struct in initialised data."""
        offset, virtual, _, in_file = self._segment(address)
        if address + struct.calcsize(layout) > virtual + in_file:
            raise GcovError(f"no initialised data at {address:#x}")
        return struct.unpack_from(layout, self._file, offset + address - virtual)

    def text(self, address):
        offset, virtual, _, _ = self._segment(address)
        start = offset + address - virtual
        return self._file[start:self._file.index(b"\0", start)].decode()

    def physical(self, address):
        _, virtual, physical, _ = self._segment(address)
        return physical + address - virtual


@functools.lru_cache(maxsize=2)
def read_kernel(path):
    """(Image, Units) of a kernel; no Units if it does not count."""
    image = Image(path)
    symbols = Symbols(path).address
    start, end = symbols.get("gcov_info_start", 0), symbols.get("gcov_info_end", 0)
    return image, [_unit(image, *image.read("<Q", at)) for at in range(start, end, 8)]


def _unit(image, address):
    version, _, stamp, checksum, name = image.read("<IxxxxQIIQ", address)
    if version.to_bytes(4, "big")[:2] not in VERSIONS:
        raise GcovError(f"the kernel's compiler is not GCC 12 or 13 (it says {version:#x}): "
                        "see what changed in gcov-io.h, and test/banyan/gcov.py")
    merges = image.read(f"<{MERGES}Q", address + 32)
    if not merges[0] or any(merges[1:]):
        raise GcovError("there are counters other than those of -fprofile-arcs")
    count, functions = image.read("<IxxxxQ", address + 32 + 8 * MERGES)
    parts = []
    for at in image.read(f"<{count}Q", functions):
        if not at:
            continue
        key, ident, lines, graph, number, values = image.read("<QIIIxxxxIxxxxQ", at)
        if key == address:  # else the linker took this function from another file
            parts.append(Function(ident, lines, graph, values, number))
    return Unit(version, stamp, checksum, image.text(name), tuple(parts))


# ------------------------------------------------------------------- one boot

def memory_arguments(machine):
    """QEMU's arguments that make the file MEMORY, in its directory, the guest's RAM."""
    size = machine.mem if re.search(r"[a-zA-Z]$", machine.mem) else machine.mem + "M"
    return ["-object", f"memory-backend-file,id=counted,size={size},mem-path={MEMORY},share=on",
            "-machine", "memory-backend=counted"]


def keep(kernel, memory, file):
    """Store the counters that a guest's memory holds, if its kernel is one that counts."""
    image, units = read_kernel(kernel)
    if not units:
        return
    pathlib.Path(file).parent.mkdir(parents=True, exist_ok=True)
    with open(memory, "rb") as ram, open(file, "wb") as out:
        out.write(image.digest)
        for function in _functions(units):
            ram.seek(image.physical(function.address) - RAM_BASE)
            out.write(ram.read(8 * function.count))


def _functions(units):
    return (function for unit in units for function in unit.functions)


# ------------------------------------------------------------------ all boots

def write_data(kernel, files):
    """Write the .gcda of every object of `kernel`: the sums of `files`. Their number."""
    image, units = read_kernel(kernel)
    if not units:
        raise GcovError(f"{kernel} has no counters: build it with COVERAGE=1")
    sums = [0] * sum(function.count for function in _functions(units))
    for file in files:
        data = pathlib.Path(file).read_bytes()
        if data[:32] != image.digest or len(data) != 32 + 8 * len(sums):
            raise GcovError(f"{file} is of another kernel: run `make coverage` from its start")
        counts = array.array("Q", data[32:])
        if sys.byteorder == "big":
            counts.byteswap()
        sums = [a + b for a, b in zip(sums, counts)]
    at = 0
    for unit in units:
        total = sum(function.count for function in unit.functions)
        data = unit_data(unit, sums[at:at + total], len(files))
        at += total
        pathlib.Path(unit.path).write_bytes(data)
    return len(units)


def unit_data(unit, counts, runs):
    """The contents of a .gcda: `counts` are those of the unit's functions, one after another."""
    out = bytearray(struct.pack("<4I", MAGIC, unit.version, unit.stamp, unit.checksum))
    out += struct.pack("<4I", TAG_SUMMARY, 8, runs, min(max(counts, default=0), 0xffffffff))
    at = 0
    for function in unit.functions:
        mine = counts[at:at + function.count]
        at += function.count
        out += struct.pack("<5I", TAG_FUNCTION, 12, function.ident, function.lines_checksum,
                           function.graph_checksum)
        if any(mine):
            out += struct.pack(f"<II{len(mine)}Q", TAG_ARCS, 8 * len(mine), *mine)
        else:  # said by a negative length, and no values
            out += struct.pack("<Ii", TAG_ARCS, -8 * len(mine))
    return bytes(out + struct.pack("<I", END))


def wanted():
    """Is this a run that counts?"""
    return os.environ.get("COVERAGE") == "1"
