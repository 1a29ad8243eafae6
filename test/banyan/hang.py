"""What to say about a machine that is stuck, and when to say that it is.

The report comes through QEMU's gdb stub, so it needs nothing of the guest: it works with the
terminal server, the scheduler or interrupts dead.
"""
import dataclasses
import pathlib
import shutil
import struct
import subprocess
import time

from .elf import Symbols
from .gdbremote import REGISTERS, GdbError, GdbRemote
from .text import plain_line

KERNEL_HALF = 1 << 63
FRAMES_MAX = 40
THREAD_LINES_MAX = 1000
THREAD_SCRIPT = pathlib.Path(__file__).with_name("gdb_threads.py")


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long a guest may go without a sign of life, in seconds."""

    idle: float = 60.0  # host time without progress while the guest wants no processor
    busy: float = 120.0  # processor time per hart without progress
    total: float = 600.0  # processor time per hart in all
    wall: float = 1800.0  # host time in all

    def scaled(self, timeout):
        """The same with `timeout` as the processor time in all."""
        return dataclasses.replace(self, total=timeout, busy=min(self.busy, timeout))


    def for_checking(self):
        """The same for the checking kernel. Its boots take twice the time, and that the Watchdog
        sees; work in memory takes up to six times, and so three times what a boot tells."""
        return dataclasses.replace(self, busy=3 * self.busy, total=3 * self.total)


class Watchdog:
    """Tells a guest that is slow from one that is stuck. In this order:

    1. Progress is what is seen from outside, whatever the kernel: output, and requests to the disk.
       A guest that makes none and wants no processor either waits for what will not come: `idle`.
       Wanting counts, not having: the time that QEMU's threads stood in line for a processor is no
       idleness of the guest.
    2. One that makes none and computes may be right, or may loop; nobody can tell. It has `busy`
       seconds of processor time per hart until the next progress, and `total` in all.
    3. Host time is last: `wall`, for a machine that does a little for ever.

    Processor time is this machine's: 2 is scaled by what the guest's boot took, see booted().

    cpu, wanted, progress: functions that give the processor seconds used, those used or waited for,
    and a number that changes when there is progress; clock: host time.
    """

    IDLE_SHARE = 0.05  # of one processor: below it the guest counts as idle
    SAMPLE = 1.0  # seconds between looks
    BOOT, BOOT_PER_HART = 0.2, 0.1  # processor seconds of a boot where the limits are as written
    SCALE_MAX = 10.0  # a boot that is slower than that is not the machine's fault

    def __init__(self, limits, harts, cpu, wanted=None, progress=lambda: 0, clock=time.monotonic):
        self._limits, self._harts = limits, harts
        self._cpu, self._clock = cpu, clock
        self._wanted, self._progress = wanted or cpu, progress
        self.scale, self._booted = 1.0, False
        self._start = self._quiet_from = self._idle_from = self._sampled = clock()
        self._cpu_start = self._cpu_quiet = cpu()
        self._wanted_sampled = self._wanted()
        self._progress_seen = progress()

    def booted(self):
        """The guest is up: what that took tells how fast this machine is. The first time counts."""
        if not self._booted:
            self._booted = True
            took = self._cpu() - self._cpu_start
            usual = self.BOOT + self.BOOT_PER_HART * self._harts
            self.scale = min(self.SCALE_MAX, max(1.0, took / usual))

    def output(self):
        """The guest printed something, or made other progress."""
        self._quiet_from = self._idle_from = self._sampled = self._clock()
        self._cpu_quiet = self._cpu()
        self._wanted_sampled = self._wanted()

    def _sample(self, now):
        progress, wanted = self._progress(), self._wanted()
        if progress != self._progress_seen:
            self._progress_seen = progress
            self.output()
            return
        if wanted - self._wanted_sampled > self.IDLE_SHARE * (now - self._sampled):
            self._idle_from = now
        self._sampled, self._wanted_sampled = now, wanted

    def check(self):
        """None, or in words why the guest counts as stuck."""
        now, limits, harts = self._clock(), self._limits, self._harts * self.scale
        if now - self._sampled >= self.SAMPLE:
            self._sample(now)
        used = self._cpu()
        if now - self._idle_from >= limits.idle:
            return (f"no output and no disk request for {now - self._quiet_from:.0f} s, "
                    f"the last {now - self._idle_from:.0f} of them idle")
        if used - self._cpu_quiet >= limits.busy * harts:
            return (f"no output and no disk request while it used {used - self._cpu_quiet:.0f} s "
                    f"of processor time on {self._harts} harts")
        if used - self._cpu_start >= limits.total * harts:
            return f"not done after {used - self._cpu_start:.0f} s of processor time"
        if now - self._start >= limits.wall:
            return f"not done after {now - self._start:.0f} s"
        return None


def report(reason, gdb_socket, kernel, log_tail, threads=True):
    """The report, `reason` first, as text. What cannot be had is said in its place."""
    lines = [reason, ""]
    try:
        with GdbRemote(gdb_socket) as gdb:
            lines += _harts(gdb, Symbols(kernel))
    except (GdbError, OSError, ValueError, LookupError, struct.error) as error:
        lines.append(f"(no registers: {error})")
    if threads:
        lines += ["", "the kernel's own account:"] + _threads(gdb_socket, kernel)
    lines += ["", "last lines of the log:"] + [f"  {line}" for line in log_tail]
    return "\n".join(lines) + "\n"


def _harts(gdb, symbols):
    lines = []
    for number, hart in enumerate(gdb.harts()):
        gdb.select(hart)
        registers = gdb.registers()
        pc = registers["pc"]
        where = symbols.name(pc) or ("user or firmware code" if pc < KERNEL_HALF else "no symbol")
        lines.append(f"hart {number}: pc {pc:#x} ({where})")
        for at in range(0, len(REGISTERS), 4):
            lines.append("    " + "  ".join(f"{name:>4} {registers[name]:016x}"
                                            for name in REGISTERS[at:at + 4]))
        for depth, address in enumerate(backtrace(gdb, registers)):
            name = symbols.name(address, returns=depth > 0)
            lines.append(f"    {address:#018x}  {name}".rstrip())
        lines.append("")
    return lines


def backtrace(gdb, registers):
    """Return addresses up the frame pointers: fp - 8 holds ra, fp - 16 the caller's fp."""
    addresses = [registers["pc"], registers["ra"]]
    frame = registers["s0"]
    for _ in range(FRAMES_MAX):
        if frame == 0 or frame % 8:
            break
        try:
            ra, caller = gdb.word(frame - 8), gdb.word(frame - 16)
        except (GdbError, ValueError):
            break
        if ra == 0:
            break
        if ra != addresses[-1]:
            addresses.append(ra)
        if caller <= frame:  # stacks grow down: a caller's frame is above
            break
        frame = caller
    return addresses


def _threads(gdb_socket, kernel):
    """The kernel's thread list, walked by gdb with the kernel's own type information."""
    gdb = shutil.which("gdb-multiarch")
    if gdb is None:
        return ["  (gdb-multiarch is not installed)"]
    socket = pathlib.Path(gdb_socket)
    argv = [gdb, "-nx", "-batch", "-iex", "set auto-load no", "-ex", "set pagination off", "-ex", "set confirm off",
            "-ex", "set tcp connect-timeout 5", "-ex", "set remotetimeout 5",
            "-ex", f"target remote {socket.name}", "-x", str(THREAD_SCRIPT), str(kernel)]
    try:
        done = subprocess.run(argv, cwd=socket.parent, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return ["  (gdb did not finish)"]
    lines = [plain_line(line) for line in done.stdout.splitlines() if line.startswith("| ")]
    if lines:
        return ["  " + line[2:] for line in lines[:THREAD_LINES_MAX]]
    return ["  (gdb could not walk them)"] + ["  " + line for line in done.stdout.splitlines()[-5:]]
