"""Takes the marked serial line apart.

With console=marked each line of the kernel log is sent as 0x1e, its text, a newline; it may
start in the middle of a line of program output. All other bytes are program output, exactly as
written; a 0x1e that a program writes comes as 0x1e, 0x1f.
"""

MARK = 0x1e
MARK_AS_BYTE = 0x1f
LINE_MAX = 4096  # a kernel line longer than this is cut: a runaway guest must not eat memory


class Splitter:
    """feed() bytes as they come; it returns a list of ("out", bytes) and ("log", str)."""

    def __init__(self):
        self._line = None  # bytes of the kernel line being read, None outside one

    def feed(self, data):
        pieces = []
        while data:
            if self._line is None:
                data = self._outside(data, pieces)
            else:
                data = self._inside(data, pieces)
        return pieces

    def _outside(self, data, pieces):
        at = data.find(MARK)
        if at < 0:
            pieces.append(("out", data))
            return b""
        if at > 0:
            pieces.append(("out", data[:at]))
        self._line = b""
        return data[at + 1:]

    def _inside(self, data, pieces):
        if not self._line and data[0] == MARK_AS_BYTE:
            pieces.append(("out", bytes([MARK])))
            self._line = None
            return data[1:]
        ends = [at for at in (data.find(b"\n"), data.find(MARK)) if at >= 0]
        if not ends:
            self._line = (self._line + data)[:LINE_MAX]
            return b""
        end = min(ends)
        line = (self._line + data[:end])[:LINE_MAX]
        # A mark inside a line: the kernel broke in, as a panic does, or a terminal died, and this
        # line goes no further.
        self._line = b"" if data[end] == MARK else None
        if line or self._line is None:
            pieces.append(("log", self._text(line)))
        return data[end + 1:]

    @staticmethod
    def _text(line):
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def finish(self):
        """What is left when the line goes dead: a kernel line without its newline."""
        if not self._line:
            return []
        rest, self._line = self._line, None
        return [("log", self._text(rest))]
