"""A guest's terminal as a person sees it: pyte's screen on the guest's serial line.

It answers what programs ask a terminal, its size included, as a real one does.
"""
import re

import pyte

ESC = "\x1b"
UP, DOWN, RIGHT, LEFT = ESC + "[A", ESC + "[B", ESC + "[C", ESC + "[D"
HOME, END, DELETE = ESC + "[H", ESC + "[F", ESC + "[3~"
PAGE_UP, PAGE_DOWN = ESC + "[5~", ESC + "[6~"
# With what top ends each drawing: the cursor goes home, and not to draw the first row.
DRAWN = re.compile(r"\x1b\[1;1H(?!\x1b\[2K)")


class Screen:
    """Follows all that the guest prints while its expect() or our wait() reads it."""

    def __init__(self, guest, columns=80, rows=24):
        self.guest = guest
        self._screen = pyte.Screen(columns, rows)
        self._screen.write_process_input = guest.send
        self._stream = pyte.Stream(self._screen)
        self._heard = []
        guest.logfile_read = self

    # pexpect's side: a file that what was read is written to

    def write(self, text):
        self._stream.feed(text)
        self._heard.append(text)

    def flush(self):
        pass

    # the test's side

    @property
    def rows(self):
        """The rows of the screen, without the blanks at their ends."""
        return [row.rstrip() for row in self._screen.display]

    @property
    def cursor(self):
        """(row, column), from 0 on."""
        return self._screen.cursor.y, self._screen.cursor.x

    @property
    def text(self):
        return "\n".join(self.rows).rstrip("\n")

    def resize(self, columns, rows):
        self._screen.resize(rows, columns)

    def send(self, keys):
        self.guest.send(keys)

    def _fail(self, why):
        return AssertionError(f"{why}\nthe screen, cursor at {self.cursor}:\n{self.text}")

    def wait(self, condition, drawings=None):
        """Read until condition, a text to be seen or a function, holds. That it never will
        is found as a hang of the guest; of one that draws its screen again and again, and so
        is never at rest, by the number of `drawings` that it may take."""
        begin = len(self._heard)
        if isinstance(condition, str):
            text = condition
            condition = lambda: text in self.text  # noqa: E731
        while not condition():
            if drawings and len(DRAWN.findall("".join(self._heard[begin:]))) > drawings:
                raise self._fail(f"not so after {drawings} drawings")
            try:
                self.guest.read_nonblocking()
            except Exception as error:
                raise self._fail(error) from error

    def wait_row(self, row, text):
        """Until just this stands in the row (from 0 on; -1 is the last)."""
        self.wait(lambda: self.rows[row] == text)
