"""Talks to QEMU's QMP socket: lets the machine go, and hears how it ended.

With -no-reboot QEMU exits both when the guest powers off and when it resets; only the SHUTDOWN
event tells the two apart. (QEMU before 8 sends none for a power-off by the test device, which is
how OpenSBI does it: it just exits. A reset always brings one.) The machine is started stopped (-S)
and let go from here, so that however short its life, the event is not missed.
"""
import json
import socket
import time

from .gdbremote import connect_unix

START_TIMEOUT = 30.0


class QmpError(Exception):
    """QEMU did not get as far as listening, or does not speak QMP."""


class Qmp:
    def __init__(self):
        self._link = None
        self._buffer = b""
        self._disk_requests = 0
        self.reason = None  # of the SHUTDOWN event: guest-shutdown, guest-reset, ...

    def let_go(self, path, alive):
        """Connect, as soon as QEMU listens, and start the machine. alive() says if QEMU runs."""
        deadline = time.monotonic() + START_TIMEOUT
        while self._link is None:
            try:
                self._link = connect_unix(path, START_TIMEOUT)
            except OSError:
                if not alive() or time.monotonic() > deadline:
                    raise QmpError("QEMU did not start") from None
                time.sleep(0.01)
        try:
            for command in ("qmp_capabilities", "cont"):
                self._link.sendall(b'{"execute": "%s"}\n' % command.encode())
                self._wait_for_return()
        except OSError as error:
            raise QmpError(f"QEMU does not answer: {error}") from None
        self._link.setblocking(False)

    def _wait_for_return(self):
        """Read to the answer of the command just sent; events before it are taken in."""
        while True:
            for message in self._messages():
                if "return" in message:
                    return
            data = self._link.recv(4096)
            if not data:
                raise QmpError("QEMU closed its control socket")
            self._buffer += data

    def disk_requests(self):
        """How many requests the guest's disks have had, as far as QEMU has told; asks it for more.

        Never waits: an answer is taken in by the next call.
        """
        if self._link is not None:
            try:
                while data := self._link.recv(65536):
                    self._buffer += data
            except OSError:
                pass  # nothing there, or QEMU is gone
            for message in self._messages():
                self._take_block_statistics(message.get("return"))
            try:
                self._link.send(b'{"execute": "query-blockstats"}\n')
            except OSError:
                pass
        return self._disk_requests

    def _take_block_statistics(self, answer):
        if isinstance(answer, list):
            self._disk_requests = sum(device["stats"][kind] for device in answer for kind in (
                "rd_operations", "wr_operations", "flush_operations"))

    def _messages(self):
        """The whole messages in the buffer, one at a time; events are noted on the way."""
        while b"\n" in self._buffer:
            line, self._buffer = self._buffer.split(b"\n", 1)
            message = json.loads(line)
            if message.get("event") == "SHUTDOWN":
                self.reason = message.get("data", {}).get("reason", "unknown")
            yield message

    def drain(self):
        """QEMU is gone: read what it said last."""
        if self._link is None:
            return
        self._link.setblocking(True)
        self._link.settimeout(1.0)
        try:
            while data := self._link.recv(65536):
                self._buffer += data
        except (socket.timeout, OSError):
            pass
        try:
            for _ in self._messages():
                pass
        except ValueError:
            pass  # cut off in the middle
        self._link.close()
        self._link = None
