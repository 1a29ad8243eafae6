"""docs/TUTORIAL.md, typed line by line into a copy of the tree."""
import os
import re
import shutil
import socket
import subprocess

import pexpect
import pytest

from banyan.machine import ROOT
from test_tree import OURS, tree  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.points(10), pytest.mark.xdist_group("tree"), pytest.mark.ours]
TUTORIAL = ROOT / "docs" / "TUTORIAL.md"
PROMPTS = {"$": r"(?:^|\n|\x1b8)\$ ", "(gdb)": r"\(gdb\) "}
GET_IT = ["git clone https://example.org/banyan.git", "cd banyan", "make deps"]
SESSIONS = ("make qemu", "make qemu-gdb", "make gdb")


def blocks(text):
    """(kind, name, lines) of each fenced block."""
    for fence in re.finditer(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield fence[1], fence[2], fence[3].splitlines()


def pattern(line):
    """A line of output as a regular expression: `...` is anything, blanks are as many as there are."""
    return r"\s+".join(r"[^\n]*".join(re.escape(part) for part in word.split("..."))
                       for word in line.split()) or r"\s*"


class Walker:
    """Somebody who types what the document says."""

    def __init__(self, folder):
        self.folder = folder
        self.sessions = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.environment = {key: value for key, value in os.environ.items()
                            if key not in OURS and not key.startswith("PYTEST_")}
        self.environment.update(GDBPORT=port, TERM="dumb")

    def close(self):
        for session in self.sessions.values():
            session.close(force=True)

    def write(self, name, lines):
        (self.folder / name).write_text("\n".join(lines) + "\n")

    def apply(self, lines):
        """The edit fits at one place of the file, and is made."""
        path = self.folder / re.fullmatch(r"\+\+\+ b/(\S+)", lines[1])[1]
        text = path.read_text()
        for hunk in re.split(r"^@@.*\n", "\n".join(lines[2:]) + "\n", flags=re.MULTILINE)[1:]:
            rows = hunk.splitlines(True)
            old = "".join(row[1:] for row in rows if row[0] in " -")
            new = "".join(row[1:] for row in rows if row[0] in " +")
            assert text.count(old) == 1, f"{path.name}: there is no one place for\n{hunk}"
            text = text.replace(old, new)
        path.write_text(text)

    def run(self, command, expected):
        """A command that ends: all it prints is as the lines say. One that fails says FAIL."""
        done = subprocess.run(command, shell=True, cwd=self.folder, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, errors="replace",
                              stderr=subprocess.STDOUT, timeout=1800, check=False)
        failing = any(line.startswith("FAIL") for line in expected)
        assert (done.returncode != 0) == failing, f"{command}\n{done.stdout}"
        shown = "".join(r"(?:.*\n)*?" if line == "..." else pattern(line) + r"[ \t]*\n"
                        for line in expected)
        assert re.fullmatch(shown, done.stdout), f"{command}\n{done.stdout}\n-- expected\n" + \
            "\n".join(expected)

    def session_line(self, name, line):
        """One line of a session that goes on: a command at its prompt, or output."""
        mark, _, command = line.partition(" ")
        if mark == "host$":
            assert command in SESSIONS, command
            self.sessions[name] = pexpect.spawn(
                "sh", ["-c", command], cwd=str(self.folder), env=self.environment, timeout=90,
                encoding="utf-8", codec_errors="replace", echo=True, dimensions=(50, 200))
            return
        session = self.sessions[name]
        if mark in PROMPTS and not re.fullmatch(r"\$\d+ = .*", line):
            session.expect(PROMPTS[mark])
            session.sendline(command)
            session.expect(r"\n")  # its echo
            if command in ("shutdown", "quit"):
                session.expect(pexpect.EOF)
        elif line != "...":
            session.expect(pattern(line) + r"[ \t]*\r*\n")

    def console(self, name, lines):
        if name:
            for line in lines:
                self.session_line(name, line)
            return
        starts = [at for at, line in enumerate(lines) if line.startswith("host$ ")]
        assert starts and starts[0] == 0
        for start, end in zip(starts, starts[1:] + [len(lines)]):
            self.run(lines[start][6:], lines[start + 1:end])


@pytest.fixture
def walker(tree):  # noqa: F811
    shutil.copytree(ROOT / "docs", tree / "docs", dirs_exist_ok=True)
    made = Walker(tree)
    yield made
    made.close()


def test_tutorial(walker):
    """What it says is what happens. Cloning is left out, for the copy is there, and so is
    installing, which the tests of `make deps` do."""
    kinds = []
    for kind, name, lines in blocks(TUTORIAL.read_text()):
        kinds.append(kind)
        if [line.removeprefix("host$ ") for line in lines] == GET_IT:
            continue
        if kind == "c":
            walker.write(name, lines)
        elif kind == "diff":
            walker.apply(lines)
        else:
            assert kind == "console", kind
            walker.console(name, lines)
    assert kinds.count("console") >= 10 and kinds.count("diff") >= 5 and kinds.count("c") >= 3
