"""One boot: a directory of its own, a QEMU process, its serial line, its log, its watchdog.

The directory (build/test/NAME/) keeps command.txt (the exact QEMU command, runnable), serial.log
(every byte of the serial line), qemu.err, the overlay, and hang.txt if there was a hang. Sockets
are named relative to it and QEMU runs in it, since socket paths must be short.
"""
import collections
import ctypes
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time

from . import gcov, hang
from .machine import MachineError, build_dir, make_overlay, write_overlay
from .qmp import Qmp, QmpError
from .text import plain_line

TAIL_LINES = 40
LOG_MAX = 64 << 20  # bytes; a guest that prints more is out of control
PANIC_GRACE = 5.0  # seconds to let a panic finish printing
PIPE_ATOMIC = 4096  # bytes that a pipe which is ready takes at once
PR_SET_PDEATHSIG = 1
BANNER = re.compile(rb"(?m)^OpenSBI v\d")
PANIC = re.compile(r"^(?:\[[^\]]*\] ?)?(?:.{0,40}\b)?panic: ")
FIRMWARE = re.compile(r"(Domain\d+|Boot HART|Platform|Firmware|Runtime SBI) .* : ")
_libc = ctypes.CDLL(None, use_errno=True)


class BootFailure(Exception):
    """The guest failed as no program of its own can: panic, hang, reboot, QEMU's death."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind  # "panic", "hang", "reboot", "qemu", "flood"


def directory_name(name):
    """`name` made fit for one folder."""
    return re.sub(r"[^A-Za-z0-9_.,=+-]+", "_", name).strip("_")[:120] or "boot"


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Boot:
    """start(), then pump() for output until ended; then finish() says whether it ended well."""

    def __init__(self, machine, name, limits=hang.Limits(), overlay=None, echo=None, patches=()):
        """`overlay`: an existing qcow2 file to go on with, instead of a fresh one. `patches`:
        (offset, bytes) that a fresh one shall hold."""
        self.machine = machine
        self.directory = build_dir() / "test" / directory_name(name)
        self.overlay = pathlib.Path(overlay) if overlay else None
        self.patches = patches
        self.limits = limits.for_checking() if machine.debug else limits
        self.process = None
        self.qmp = Qmp()
        self.log = None
        self.logged = 0
        self._echo = echo  # file that the raw serial line is copied to, as it comes
        self._banner_tail = b""
        self._banners = 0
        self._line = b""
        self._lines = collections.deque(maxlen=TAIL_LINES)
        self._panic_line = None
        self._panic_at = None
        self._eof = False
        self._waiting = collections.deque()  # output that send() had to take

    # ------------------------------------------------------------ life cycle

    def start(self):
        machine = self.machine
        machine.require_files()
        self._fresh_directory()
        if machine.disk is not None and self.overlay is None:
            self.overlay = self.directory / "overlay.qcow2"
            make_overlay(self.overlay, machine.disk)
            for offset, data in self.patches:
                write_overlay(self.overlay, offset, data)
        argv = self._argv()
        (self.directory / "command.txt").write_text(
            f"cd {shlex.quote(str(self.directory))} && {shlex.join(argv)}\n",
            errors="surrogateescape")
        self.log = open(self.directory / "serial.log", "wb", buffering=0)
        with open(self.directory / "qemu.err", "wb") as errors:
            try:
                self.process = subprocess.Popen(
                    [*argv, "-S"], cwd=self.directory, stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=errors, start_new_session=True, bufsize=0,
                    preexec_fn=_die_with_parent)
            except FileNotFoundError:
                raise MachineError(f"{machine.qemu} is not installed: run `make deps`") from None
        try:
            self.qmp.let_go(self.directory / "qmp.sock", lambda: self.process.poll() is None)
        except QmpError as error:
            self.process.kill()
            raise BootFailure("qemu", f"{error}; {self._ended_text()}") from None
        self.watchdog = hang.Watchdog(self.limits, machine.cpus, self.cpu_seconds,
                                      self.wanted_seconds, self.qmp.disk_requests)
        return self

    def _fresh_directory(self):
        inside = self.overlay is not None and self.directory in self.overlay.parents
        if self.directory.exists() and not inside:
            shutil.rmtree(self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in ("gdb.sock", "qmp.sock"):
            (self.directory / name).unlink(missing_ok=True)

    def _argv(self):
        """QEMU's whole command line, but for the -S that start() adds."""
        # The overlay is thrown away if the host dies, so its flushes may be skipped.
        argv = self.machine.argv(self.overlay, "qcow2", cache="unsafe")
        argv += ["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"]
        for use in ("gdb", "qmp"):
            argv += ["-chardev", f"socket,id={use},path={use}.sock,server=on,wait=off"]
        argv += ["-gdb", "chardev:gdb", "-mon", "chardev=qmp,mode=control"]
        if gcov.wanted():
            argv += gcov.memory_arguments(self.machine)
        return argv + list(self.machine.extra)

    def cpu_seconds(self):
        """Processor time that QEMU has used."""
        try:
            fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1]
            user, system = fields.split()[11:13]
        except (OSError, IndexError, ValueError):
            return 0.0
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def wanted_seconds(self):
        """Processor time that QEMU's threads have used or stood in line for."""
        total = 0
        try:
            for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
                used, waited, _ = (task / "schedstat").read_text().split()
                total += int(used) + int(waited)
        except (OSError, ValueError):
            return self.cpu_seconds()  # a thread just left, or a system that does not keep these
        return total / 1e9

    def kill(self):
        """End QEMU now, whatever it does. May be called at any time, and twice."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        self._release()

    def discard(self):
        """All went well: remove the directory."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _keep_counts(self):
        """What the kernel counted in this boot; see `make coverage`."""
        memory = self.directory / gcov.MEMORY
        if memory.exists():
            name = f"{self.directory.name}-{os.getpid()}"
            gcov.keep(self.machine.kernel, memory, build_dir() / "counts" / name)
            memory.unlink()

    def _release(self):
        if self.process is not None:
            self.process.wait()
            self._keep_counts()
            self.qmp.drain()
            for stream in (self.process.stdin, self.process.stdout):
                try:
                    stream.close()
                except OSError:
                    pass
        if self.log is not None:
            self.log.close()

    # ---------------------------------------------------------------- serial

    def send(self, data):
        """Bytes to the guest's UART. The watchdog starts anew: the guest had nothing to do.

        A guest that does not take them is a hang as any other; what it prints meanwhile is kept
        for pump().
        """
        self.watchdog.output()
        while data:
            _, writable, _ = select.select([], [self.process.stdin], [], 0)
            try:
                if writable:
                    data = data[os.write(self.process.stdin.fileno(), data[:PIPE_ATOMIC]):]
                    continue
            except (BrokenPipeError, ValueError):
                raise BootFailure("qemu", self._ended_text()) from None
            self._waiting.append(self._receive(0.1))

    @property
    def ended(self):
        """QEMU has exited and all its output was pumped."""
        return self._eof and not self._waiting

    def pump(self, timeout):
        """Up to `timeout` seconds for output; the bytes that came, b"" if none.

        Raises BootFailure on a hang, an unexpected reboot, a flood, or once a panic has
        finished printing.
        """
        if self._waiting:
            return self._waiting.popleft()
        return self._receive(timeout)

    def _receive(self, timeout):
        if self._eof:
            return b""
        readable, _, _ = select.select([self.process.stdout], [], [], timeout)
        if not readable:
            self._check_quiet()
            return b""
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            self._eof = True
            return b""
        self.watchdog.output()
        self._record(data)
        self._check_loud()
        return data

    def _record(self, data):
        self.log.write(data)
        self.logged += len(data)
        if self._echo is not None:
            self._echo.write(data)
            self._echo.flush()
        text = self._banner_tail + data
        self._banners += len(BANNER.findall(text))
        # Keep an unfinished line; a banner counted already must not be counted again.
        self._banner_tail = text[text.rfind(b"\n") + 1:][-64:]
        if BANNER.match(self._banner_tail):
            self._banner_tail = b""
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[-4096:]
        for line in lines:
            self._take_line(line)

    def _take_line(self, line):
        start = line.rfind(b"\x1e")
        text = line[start + 1:].rstrip(b"\r").decode("utf-8", "replace")
        self._lines.append(line.replace(b"\x1e", b"").rstrip(b"\r").decode("utf-8", "replace"))
        # Where kernel lines are marked, only they can be a panic.
        if (start >= 0 or not self.machine.marked) and PANIC.match(text):
            if self._panic_at is None:
                self._panic_at = time.monotonic()
                self._panic_line = plain_line(text)

    def _check_loud(self):
        if self._banners > 1:
            raise self._failure("reboot", "the machine started again by itself")
        if self.logged > LOG_MAX:
            raise self._failure("flood", f"more than {LOG_MAX >> 20} MiB of output")
        self._check_quiet()

    def _check_quiet(self):
        """Also while it prints: no limit is lifted for good by a byte now and then."""
        self._check_panic()
        reason = self.watchdog.check()
        if reason and self._panic_line is None:
            raise self._failure("hang", reason)

    def _check_panic(self):
        if self._panic_at is not None and time.monotonic() - self._panic_at > PANIC_GRACE:
            raise self._failure("panic", self._panic_words())

    # --------------------------------------------------------------- verdicts

    def _panic_words(self):
        return self._panic_line.split("panic: ", 1)[1]

    def tail(self):
        """The last lines of the serial log, without the firmware's."""
        rest = [self._line.replace(b"\x1e", b"").decode("utf-8", "replace")] if self._line else []
        return [plain_line(line) for line in [*self._lines, *rest] if not FIRMWARE.match(line)]

    def _failure(self, kind, reason):
        """Collect the report of a machine that is up but lost, and end it."""
        if kind in ("hang", "panic") and self.process.poll() is None:
            self.hang_report(f"{kind}: {reason}")
        self.kill()
        return BootFailure(kind, f"{kind}: {reason}")

    def hang_report(self, reason):
        """Write hang.txt: harts, backtraces, threads, as they are now; returns its text."""
        text = hang.report(reason, self.directory / "gdb.sock", self.machine.kernel, self.tail())
        (self.directory / "hang.txt").write_text(text)
        return text

    def finish(self):
        """The output has ended: wait for QEMU, and raise BootFailure unless it was a clean
        power-off."""
        try:
            code = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BootFailure("qemu", "QEMU closed its output but did not end") from None
        self._release()
        if self._line:
            self._take_line(self._line)
            self._line = b""
        if self._panic_line:
            raise BootFailure("panic", f"panic: {self._panic_words()}")
        if self.qmp.reason == "guest-reset":
            raise BootFailure("reboot", "the machine reset itself")
        if code != 0:
            raise BootFailure("qemu", self._ended_text())
        if self.qmp.reason not in ("guest-shutdown", None):  # None: see qmp.py
            raise BootFailure("qemu", f"QEMU ended, but the guest did not power off "
                                      f"(reason: {self.qmp.reason})")

    def _ended_text(self):
        code = self.process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        try:
            words = (self.directory / "qemu.err").read_text(errors="replace").strip()
        except OSError:
            words = ""
        if "lock" in words and "Failed to get" in words:
            words += "\n(is `make qemu` using the image?)"
        return f"QEMU {how}" + (f":\n{words}" if words else "")

    def describe(self):
        """For a failure's message: where to look and how to boot it again."""
        lines = [f"log: {os.path.relpath(self.directory)}/serial.log, "
                 f"QEMU command: {os.path.relpath(self.directory)}/command.txt"]
        if (self.directory / "hang.txt").exists():
            text = (self.directory / "hang.txt").read_text()
            lines.append(text.rstrip())
        else:
            lines += ["last lines of the log:"] + [f"  {line}" for line in self.tail()]
        return "\n".join(lines)


def pump_to_end(boot, take=lambda data: None):
    """Pump until QEMU is gone, then judge how it ended."""
    while not boot.ended:
        data = boot.pump(0.5)
        if data:
            take(data)
    boot.finish()


def echo_stream():
    """stderr's bytes if V asks for the serial line to be shown as it comes, else None."""
    return sys.stderr.buffer if os.environ.get("V") not in (None, "", "0") else None
