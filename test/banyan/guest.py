"""A guest at its terminal: pexpect's expect() over a Boot, with the shell on the other side."""
import contextlib
import re
import secrets
import time

from pexpect.exceptions import EOF, TIMEOUT
from pexpect.spawnbase import SpawnBase

from . import image
from .boot import Boot, BootFailure, directory_name
from .hang import Limits
from .machine import build_dir

PROMPT = "$ "
SEARCHED = 1 << 16  # of the last output: searching all of it again and again would take for ever
OUTPUT_MAX = 1 << 18  # characters that one command prints
CTRL_C, CTRL_D, CTRL_P = "\x03", "\x04", "\x10"


class Guest(SpawnBase):
    """Use it in a `with`: the machine is gone at the end whatever happens.

        with Guest(machine, "name") as guest:
            guest.boot()
            assert guest.run("echo hello") == "hello\\n"
            guest.shutdown()

    expect() waits as long as the machine makes progress (see hang.Watchdog) and raises
    BootFailure, with a report of harts and threads, when it does not.
    """

    def __init__(self, machine, name, limits=Limits(idle=30.0), overlay=None, echo=None):
        super().__init__(timeout=None, encoding="utf-8", codec_errors="replace",
                         searchwindowsize=SEARCHED)
        self.machine = machine
        self.boot_process = Boot(machine, name, limits, overlay, echo)
        self._serial = 0
        self._commands = 0

    def __enter__(self):
        self.boot_process.start()
        return self

    def __exit__(self, kind, error, trace):
        self.boot_process.kill()

    @property
    def overlay(self):
        return self.boot_process.overlay

    # pexpect's side: where bytes come from and go to

    def read_nonblocking(self, size=1, timeout=None):
        """What pexpect calls for more; `size` is a hint that it does not insist on."""
        deadline = None if timeout in (None, -1) else time.monotonic() + timeout
        while True:
            left = 0.5 if deadline is None else min(0.5, max(0.0, deadline - time.monotonic()))
            data = self.boot_process.pump(left)
            if data:
                text = self._decoder.decode(data, final=False)
                self._log(text, "read")
                return text
            if self.boot_process.ended:
                self.flag_eof = True
                raise EOF("the machine is off")
            if deadline is not None and time.monotonic() >= deadline:
                raise TIMEOUT("no such output in time")

    def expect_list(self, *args, **kwargs):
        with self._end_in_words():
            return super().expect_list(*args, **kwargs)

    def expect_exact(self, *args, **kwargs):
        with self._end_in_words():
            return super().expect_exact(*args, **kwargs)

    @contextlib.contextmanager
    def _end_in_words(self):
        """An end that was not waited for: say how the machine ended, not what pexpect held."""
        try:
            yield
        except EOF:
            self.boot_process.finish()
            raise BootFailure("off", "the machine powered off before it was told to") from None

    def send(self, text):
        data = text.encode("utf-8") if isinstance(text, str) else text
        self.boot_process.send(data)
        return len(data)

    def sendline(self, line=""):
        return self.send(line + "\n")

    def settle(self, seconds=0.5):
        """Let the guest work on for a moment; nothing that it prints is lost."""
        self.expect([TIMEOUT], timeout=seconds)

    # The shell's side

    def boot(self):
        """From power-on to the first prompt; returns all that was printed before it."""
        # In front of it the shell asks the terminal for its size.
        self.expect(r"(?:^|\n)(?:\x1b[^$\n]*)?\$ ")
        self.boot_process.watchdog.booted()
        return self.before

    def run(self, line, status=None):
        """Run one command line; its output with '\\n' line ends, as the terminal showed it.

        `status`: the exit status that it must have; None: any. The status is kept in
        self.status. Only for commands that end by themselves and read no terminal input.
        """
        self._commands += 1
        mark = f"{self._commands}-{secrets.token_hex(8)}"  # a recording knows no answer to it
        question = f"echo =$?={mark}="
        self.sendline(line)
        self.expect_exact(PROMPT)
        first = self.before
        self.sendline(question)
        self.expect(rf"=(\d+)={mark}=\r?\n")
        second = self.before
        self.status = int(self.match.group(1))
        self.expect_exact(PROMPT)
        if len(first) + len(second) > OUTPUT_MAX:
            raise BootFailure("flood", f"`{line}` printed more than {OUTPUT_MAX} characters")
        output = (first + PROMPT + second).replace("\r\n", "\n")
        # The line's own echo is in front, the question's echo (after a prompt) at the end.
        output = output.replace(PROMPT + question + "\n", "", 1).replace(question + "\n", "", 1)
        if output.startswith(line + "\n"):
            output = output[len(line) + 1:]
        if status is not None and self.status != status:
            raise AssertionError(
                f"`{line}` ended with {self.status}, not {status}; it printed:\n{output}")
        return output

    def shutdown(self, check_image=True):
        """Power off by the shell's command, cleanly; then the image must please e2fsck."""
        self.sendline("shutdown")
        self.expect(EOF)
        self.boot_process.finish()
        if check_image and self.overlay is not None:
            complaint = image.check(self.overlay)
            if complaint:
                raise BootFailure("image", f"the disk is not clean after shutdown:\n{complaint}")


def overlay_path(name):
    """Where a test may keep an overlay that outlives one boot."""
    path = build_dir() / "test" / directory_name(name) / "kept.qcow2"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def strip_log(text):
    """Without terminal escape sequences and carriage returns."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "")
