"""A small client of QEMU's gdb stub: stop the machine, read registers and memory of each hart.

Only what the hang report needs. Every wait has a limit, because the machine that it looks into
is one that is known to be stuck.
"""
import os
import pathlib
import socket
import time

REGISTERS = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 "
             "s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6 pc").split()


class GdbError(Exception):
    """The stub did not answer, or not as expected."""


def connect_unix(path, timeout):
    """Connect to a socket whose path may be longer than the 107 bytes that the system takes."""
    path = pathlib.Path(path)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(timeout)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        link.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        link.close()
        raise
    finally:
        os.close(folder)
    return link


class GdbRemote:
    """A connection to the stub. Connecting stops every hart."""

    def __init__(self, path, timeout=10.0):
        self._timeout = timeout
        self._buffer = b""
        try:
            self._link = connect_unix(path, timeout)
        except OSError as error:
            raise GdbError(f"cannot reach the gdb stub: {error}") from None

    def close(self):
        """Leave; the machine stays stopped."""
        self._link.close()

    def detach(self):
        """Let the machine go on, and leave."""
        self.ask("D")
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _byte(self, deadline):
        while not self._buffer:
            self._link.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                self._buffer = self._link.recv(65536)
            except OSError as error:
                raise GdbError(f"the gdb stub does not answer: {error}") from None
            if not self._buffer:
                raise GdbError("the gdb stub closed the connection")
        first, self._buffer = self._buffer[:1], self._buffer[1:]
        return first

    def _packet(self, deadline):
        while self._byte(deadline) != b"$":
            pass
        body = b""
        while (byte := self._byte(deadline)) != b"#":
            body += byte
        self._byte(deadline)
        self._byte(deadline)
        self._link.sendall(b"+")
        return body

    def ask(self, command):
        """Send one command, return the answer's text."""
        data = command.encode("ascii")
        deadline = time.monotonic() + self._timeout
        try:
            self._link.sendall(b"$%s#%02x" % (data, sum(data) & 0xff))
        except OSError as error:
            raise GdbError(f"the gdb stub is gone: {error}") from None
        while True:
            body = self._packet(deadline)
            if not body.startswith((b"T", b"S")) or command == "?":
                return body.decode("latin-1")
            # else: a stop reply that nobody asked for

    def harts(self):
        """The stub's thread ids, one for each hart, in order."""
        self.ask("?")
        ids = []
        answer = self.ask("qfThreadInfo")
        while answer.startswith("m"):
            ids += answer[1:].split(",")
            answer = self.ask("qsThreadInfo")
        if not ids:
            raise GdbError("the gdb stub names no harts")
        return ids

    def select(self, hart):
        if self.ask(f"Hg{hart}") != "OK":
            raise GdbError(f"the gdb stub knows no hart {hart}")

    def registers(self):
        """{name: value} of the selected hart."""
        answer = self.ask("g")
        words = [answer[i:i + 16] for i in range(0, 16 * len(REGISTERS), 16)]
        try:
            values = [int.from_bytes(bytes.fromhex(word), "little") for word in words]
        except ValueError:
            raise GdbError(f"odd register answer: {answer[:60]}") from None
        return dict(zip(REGISTERS, values))

    def memory(self, address, length):
        """Bytes at a virtual address of the selected hart."""
        data = b""
        while len(data) < length:
            piece = min(1024, length - len(data))
            answer = self.ask(f"m{address + len(data):x},{piece:x}")
            if answer.startswith("E") or not answer:
                raise GdbError(f"no memory at {address + len(data):#x}")
            data += bytes.fromhex(answer)
        return data

    def word(self, address):
        return int.from_bytes(self.memory(address, 8), "little")
