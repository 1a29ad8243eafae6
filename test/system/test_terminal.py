"""The terminal: editing a line, ^C, ^D, and the key that shows every thread."""
import re
import time

import pytest

from banyan.guest import CTRL_C, CTRL_D, CTRL_P

pytestmark = pytest.mark.points(2)
ERASE, KILL_LINE = "\x7f", "\x15"


def test_echo(guest):
    guest.send("echo visible")
    guest.expect_exact("echo visible")
    guest.send("\n")
    guest.expect(r"visible\r\n\$ ")


def test_carriage_return_ends_a_line(guest):
    guest.send("echo typed\r")
    guest.expect(r"\ntyped\r\n\$ ")


def test_erase(guest):
    guest.send("echo abX" + ERASE + "cXX" + ERASE + ERASE + "\n")
    guest.expect(r"\nabc\r\n\$ ")


def test_kill_line(guest):
    guest.send("echo wrong" + KILL_LINE + "echo right\n")
    guest.expect(r"\nright\r\n\$ ")
    assert "\nwrong" not in guest.before


def test_erase_stops_at_the_start(guest):
    guest.send(ERASE * 20 + "echo fine\n")
    guest.expect(r"\nfine\r\n\$ ")


def test_end_of_file(guest):
    """^D ends the input of a program, not the shell's."""
    guest.sendline("cat")
    guest.sendline("some words")
    guest.expect("some words\r\nsome words\r\n")
    guest.send(CTRL_D)
    guest.expect_exact("$ ")
    assert guest.run("echo alive", status=0) == "alive\n"


def start(guest, line):
    """Run a line that goes on for ever, and wait until it does."""
    guest.sendline("echo begun; " + line)
    guest.expect_exact("\nbegun\r\n")
    guest.settle()


def test_interrupt(guest):
    """^C kills the program in front, not the shell, nor what runs in the background."""
    guest.run("sleep 1000 &", status=0)
    start(guest, "sleep 2000")
    guest.send(CTRL_C)
    guest.expect_exact("$ ")
    assert guest.run("echo $?", status=0) == "130\n"
    processes = guest.run("ps", status=0)
    assert processes.count("sleep") == 1, processes


def test_interrupt_pipeline(guest):
    """The whole of a pipeline in front goes."""
    start(guest, "sleep 2000 | cat | wc")
    guest.send(CTRL_C)
    guest.expect_exact("$ ")
    assert guest.run("ps", status=0).count("sleep") == 0


def test_interrupt_busy_program(guest):
    """A program that never makes a system call is interrupted too."""
    guest.run("echo 'while true; do true; done' >/tmp/loop", status=0)
    start(guest, "sh /tmp/loop")
    guest.send(CTRL_C)
    guest.expect_exact("$ ")
    assert guest.run("echo alive", status=0) == "alive\n"


def test_nobody_reads(guest):
    """The line takes nothing for a while, longer than init lets a service keep a request: that is no
    fault of the terminal server's, and nothing is lost or doubled."""
    guest.sendline("i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo line $i of four thousand of them; done; echo e''nd")
    time.sleep(14)  # init counts seconds, and is patient for ten
    guest.expect(r"\nend\r\n")
    assert "init:" not in guest.before
    lines = re.findall(r"\nline (\d+) of", guest.before)
    assert lines == [str(i + 1) for i in range(4000)]


def test_interrupt_at_the_prompt(guest):
    """^C drops the line being typed; the shell goes on."""
    guest.send("echo no" + CTRL_C)
    guest.expect_exact("$ ")
    assert guest.run("echo yes", status=0) == "yes\n"


def test_dump_key(guest):
    """^P shows every thread and what it waits for, also while a program runs."""
    start(guest, "sleep 1000")
    guest.send(CTRL_P)
    guest.expect(r"\bsleep: sleep\b")
    for name in ("init", "blk", "fs", "tty", "sh"):
        assert f" {name}: " in guest.before, guest.before
    # Who waits for whom: the shell for its child, no one for a thread that just sleeps.
    assert re.search(r" sh: (child|reply, held by \d+)", guest.before), guest.before
    guest.send(CTRL_C)
    guest.expect_exact("$ ")


def test_long_line(guest):
    """A line of a thousand characters arrives whole."""
    word = "x" * 1000
    assert guest.run(f"echo {word} | wc -c", status=0).split()[-1] == "1001"


def test_type_ahead(guest):
    """What is typed while a program runs is the shell's next line."""
    guest.sendline("sleep 2")
    guest.sendline("echo ahead")
    guest.expect_exact("$ echo ahead\r\nahead\r\n$ ")
