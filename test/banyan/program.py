"""Boots a machine to run one command line, and takes its output out of the serial line.

init logs `run: begin` just before the command and `run: exit N` after it; with console=marked
the bytes between, without the kernel's lines, are exactly what the command wrote.
"""
import dataclasses
import re

from .boot import Boot, BootFailure, pump_to_end
from .framing import Splitter
from .hang import Limits

PREFIX = r"(?:\[[^\]]*\] ?)?(?:init: )?"  # what the log may put before a line's text
BEGIN = re.compile(PREFIX + r"run: begin")
EXIT = re.compile(PREFIX + r"run: exit ([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])")
OUTPUT_MAX = 16 << 20


class Protocol:
    """Sorts the pieces of the marked serial line; feed() it raw bytes."""

    def __init__(self, on_output, on_other):
        self._splitter = Splitter()
        self._on_output, self._on_other = on_output, on_other
        self.begun = False
        self.status = None

    def feed(self, data):
        self._sort(self._splitter.feed(data))

    def finish(self):
        self._sort(self._splitter.finish())

    def _sort(self, pieces):
        for kind, what in pieces:
            if kind == "log":
                self._log_line(what)
            elif self.begun and self.status is None:
                self._on_output(what)
            else:
                self._on_other(what)

    def _log_line(self, line):
        if not self.begun and BEGIN.fullmatch(line):
            self.begun = True
        elif self.begun and self.status is None and EXIT.fullmatch(line):
            self.status = int(EXIT.fullmatch(line).group(1))
        self._on_other(line.encode("utf-8", "replace") + b"\n")


@dataclasses.dataclass
class Result:
    status: int = None  # the command's exit status; None: it never ended
    output: bytes = b""
    failure: BootFailure = None
    boot: Boot = None

    @property
    def text(self):
        return self.output.decode("utf-8", "replace")


def run(machine, name, command, limits=Limits(), overlay=None, echo=None, on_output=None,
        on_other=None, on_boot=None, patches=()):
    """Run `command` in a fresh boot. Never raises for what the guest does: see Result.failure.

    on_output and on_other get bytes as they come, in place of Result.output and nowhere; on_boot
    gets the Boot before it starts. `patches`: see Boot.
    """
    boot = Boot(machine.with_(command=command, marked=True), name, limits, overlay, echo, patches)
    if on_boot:
        on_boot(boot)
    result = Result(boot=boot)
    collected = bytearray()

    def output(data):
        if on_output:
            on_output(data)
        elif len(collected) < OUTPUT_MAX:
            collected.extend(data)

    protocol = Protocol(output, on_other or (lambda data: None))

    def take(data):
        protocol.feed(data)
        if protocol.begun:
            boot.watchdog.booted()

    try:
        boot.start()
        pump_to_end(boot, take)
        if protocol.status is None:
            where = "before it ended" if protocol.begun else "before the command was started"
            raise BootFailure("protocol", f"the machine powered off {where}")
    except BootFailure as failure:
        result.failure = failure
    finally:
        boot.kill()
        protocol.finish()
    result.status = protocol.status
    result.output = bytes(collected)
    return result
