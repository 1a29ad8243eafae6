"""Listens on QEMU's QMP socket for one thing: how the machine ended.

With -no-reboot QEMU exits both when the guest powers off and when it resets; only the SHUTDOWN
event tells the two apart.
"""
import json
import socket

from .gdbremote import connect_unix


class Qmp:
    """Non-blocking; poll() from the loop that also reads the serial line."""

    def __init__(self, path):
        self._path = path
        self._link = None
        self._buffer = b""
        self.closed = False
        self.reason = None  # of the SHUTDOWN event: guest-shutdown, guest-reset, ...

    @property
    def connected(self):
        """QEMU was reached, whether or not it is still there."""
        return self._link is not None or self.closed

    def fileno(self):
        return self._link.fileno() if self._link else -1

    def poll(self):
        """Connect if that has not been possible yet, and take in what has come."""
        if self.closed:
            return
        if self._link is None:
            try:
                self._link = connect_unix(self._path, 1.0)
            except OSError:
                return
            self._link.sendall(b'{"execute": "qmp_capabilities"}\n')
            self._link.setblocking(False)
        gone = False
        try:
            while data := self._link.recv(65536):
                self._buffer += data
            gone = True
        except BlockingIOError:
            pass
        except OSError:
            gone = True
        self._take_lines()
        if gone:
            self.close()

    def _take_lines(self):
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if message.get("event") == "SHUTDOWN":
                self.reason = message.get("data", {}).get("reason", "unknown")

    def drain(self):
        """QEMU is gone: read what it said last."""
        if self._link is not None and not self.closed:
            self._link.setblocking(True)
            self._link.settimeout(1.0)
            try:
                while data := self._link.recv(65536):
                    self._buffer += data
            except (socket.timeout, OSError):
                pass
            self._take_lines()
            self.close()

    def close(self):
        if self._link is not None:
            self._link.close()
            self._link = None
            self.closed = True
