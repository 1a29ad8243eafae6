"""The line editor of the shell, on a terminal that answers: keys, history, completion."""
import re

import pytest

from banyan.guest import CTRL_C, overlay_path
from banyan.machine import make_overlay
from banyan.screen import DELETE, DOWN, END, HOME, LEFT, RIGHT, Screen, UP

pytestmark = pytest.mark.points(2)


def ctrl(letter):
    return chr(ord(letter) & 0x1f)


def on_screen(boots, columns=80, **kwargs):
    """The screen of a new guest at its prompt."""
    guest = boots.guest(boot=False, **kwargs)
    screen = Screen(guest, columns=columns)
    guest.boot()
    return screen


@pytest.fixture
def screen(boots):
    return on_screen(boots)


def typed(screen, keys):
    """What a line typed with these keys prints."""
    screen.guest.send(keys + "\n")
    screen.guest.expect_exact("\r\n")
    screen.guest.expect(r"([^\r]*)\r\n")
    output = screen.guest.match.group(1)
    screen.guest.expect_exact("$ ")
    return output


@pytest.mark.parametrize("keys, output", [
    ("echo ad" + LEFT + "bc" + RIGHT + "e", "abcde"),
    ("cho  a" + HOME + "e" + END + "b" + ctrl("A") + ctrl("D") + "e" + ctrl("E") + "c", "abc"),
    ("echo axbc" + LEFT * 2 + "\x7f" + LEFT + DELETE + "A", "Abc"),
    ("echo one two" + LEFT * 4 + ctrl("K") + ctrl("Y") + ctrl("Y"), "one two two"),
    ("echo keep wrong" + ctrl("W") + "right", "keep right"),
    ("rubbish" + ctrl("U") + "echo clean", "clean"),
    ("echo äöü€" + LEFT * 2 + "\x7f" + "o" + END + "!", "äoü€!"),
    ("echo ab" + ctrl("T") + " 1 2" + "\x1bb\x1bb" + "0 " + "\x1b[1;5C" + "x", "ba 0 1x 2"),
    ("echo" + ctrl("V") + "\ta" + ctrl("B") * 9 + ctrl("F") * 9, "a"),
], ids="arrows ends erase cut_paste word line characters words literal".split())
def test_keys(screen, keys, output):
    assert typed(screen, keys) == output


def test_history(screen):
    for line in ["echo first", "echo second", "echo second", " echo hidden"]:
        typed(screen, line)
    assert typed(screen, UP) == "second"
    assert typed(screen, UP + UP) == "first", "the same line twice is kept once"
    assert typed(screen, "echo half" + UP + UP + UP + DOWN * 3) == "half"
    assert typed(screen, ctrl("R") + "sec") == "second"
    assert typed(screen, ctrl("R") + "echo" + ctrl("R") + ctrl("R") + END + "-again") \
        == "first-again"
    assert typed(screen, "echo mine" + ctrl("R") + "sec" + ctrl("G") + "!") == "mine!"
    assert typed(screen, ctrl("R") + "no such\x7f\x7f\x7f\x7f\x7f\x7f\x7fhalf") == "half"
    listed = screen.guest.run("history 3", status=0)
    assert [line.split(None, 1)[1] for line in listed.splitlines()] \
        == ["echo mine!", "echo half", "history 3"]


def test_history_is_kept(boots):
    """From one boot to the next, and no more than its bounds."""
    overlay = overlay_path(boots.name())
    make_overlay(overlay, boots.machine().disk)
    guest = boots.guest(overlay=overlay)
    guest.run("echo kept", status=0)
    guest.shutdown()
    screen = on_screen(boots, overlay=overlay)
    guest = screen.guest
    guest.send(UP)
    screen.wait("$ shutdown")
    guest.send(UP * 2)
    screen.wait("$ echo kept")
    guest.send("\n")
    guest.expect_exact("\r\nkept\r\n$ ")
    guest.run("i=0; while [ $i -lt 2500 ]; do echo line $i; i=$((i+1)); done >$HOME/.history",
              status=0)
    # The shell that runs has it in memory still; the next one reads, and cuts, the file.
    guest.sendline("exec sh")
    guest.expect_exact("exec sh\r\n")
    guest.expect_exact("$ ")
    assert int(guest.run("wc -l <$HOME/.history", status=0)) <= 1010
    assert guest.run("history | head -n 1", status=0).split()[1:3] == ["line", "1505"]
    guest.run("history -c", status=0)
    assert "line" not in guest.run("cat $HOME/.history", status=0)
    guest.shutdown()


def test_completion(screen):
    guest = screen.guest
    guest.run("mkdir /tmp/c && cd /tmp/c && mkdir folder && echo in >folder/inside && "
              "echo b >'with blank' && echo >common-1 && echo >common-2; VARIABLE=set", status=0)
    assert typed(screen, "cat wi\t") == "b"
    assert typed(screen, "cat fol\tins\t") == "in"
    assert typed(screen, "cat 'wi\t") == "b"
    assert typed(screen, "ech\tword") == "word"
    assert typed(screen, "echo a; basena\t/x/y") == "a"
    assert typed(screen, "echo $VARIA\t") == "set"
    assert typed(screen, "echo \"${VARIA\t\"") == "set"
    assert typed(screen, "echo com\t1") == "common-1"
    assert typed(screen, "cd \t; pwd; cd ..") == "/tmp/c/folder"
    guest.send("echo com\t\t")
    screen.wait("common-1  common-2\n$ echo common-")
    guest.send("2\n")
    guest.expect_exact("\r\ncommon-2\r\n$ ")
    guest.send("cat nosuch\t")
    guest.expect_exact("\a")
    guest.send(CTRL_C)
    guest.expect_exact("^C\r\n$ ")


def test_long_lines(boots):
    """A line of several rows, edited in its midst, on a terminal that is not 80 wide."""
    screen = on_screen(boots, columns=40)
    guest = screen.guest
    guest.send(ctrl("L"))
    screen.wait(lambda: screen.cursor == (0, 2) and screen.rows[:2] == ["$", ""])
    text = "echo " + "".join(f"{i:03}-" for i in range(25))
    rows = ["$ " + text[:38], text[38:78], text[78:]]
    guest.send(text)
    screen.wait(lambda: screen.rows[0:3] == rows)
    guest.send(HOME)
    screen.wait(lambda: screen.cursor == (0, 2))
    assert screen.rows[0:3] == rows
    guest.send("x" + END + "y")
    moved = "x" + text + "y"
    rows = ["$ " + moved[:38], moved[38:78], moved[78:]]
    screen.wait(lambda: screen.rows[0:3] == rows and screen.cursor == (2, len(moved) + 2 - 80))
    guest.send(HOME + DELETE + END + "\x7f" * 26)
    left = moved[1:-26]
    rows = ["$ " + left[:38], left[38:78], left[78:]]
    screen.wait(lambda: screen.rows[0:3] == rows)
    guest.send("\n")
    screen.wait(lambda: screen.rows[3:6] == [left[5:45], left[45:], "$"]
                and screen.cursor == (5, 2))
    screen.resize(60, 24)
    guest.send(ctrl("L") + "." * 70)
    screen.wait(lambda: screen.rows[-1] == "" and "." * 58 in screen.text)
    guest.send(ctrl("L"))
    screen.wait(lambda: screen.rows[:3] == ["$ " + "." * 58, "." * 12, ""])


def test_interrupt_builtins(guest):
    """^C ends a loop in which the shell runs no program, and a `read`."""
    for line in ["while :; do :; done", "f() { until false; do x=$((x+1)); done; }; f",
                 "for i in 1 2; do while true; do :; done; done", "read x"]:
        guest.sendline("echo begun; " + line + "; echo lost")
        guest.expect_exact("\nbegun\r\n")
        guest.send(CTRL_C)
        guest.expect_exact("$ ")
        assert guest.run("echo $?", status=0) == "130\n", line
    assert guest.run("echo $((x > 0))", status=0) == "1\n"


def test_not_a_terminal(guest):
    """Scripts and pipes are read as ever: no prompt, no echo, tabs are tabs."""
    output = guest.run("printf 'echo a\\tb\\necho $0 c\\n' | sh", status=0)
    assert output == "a b\nsh c\n"
    assert guest.run("TERM=dumb sh -c 'echo $TERM'", status=0) == "dumb\n"


def test_dumb_terminal(guest):
    """Without TERM the terminal's own line editing is there."""
    guest.sendline("TERM=dumb exec sh")
    guest.expect_exact("\r\n$ ")
    guest.send("echo abx\x7fc\n")
    guest.expect_exact("\r\nabc\r\n$ ")
    guest.send("echo no" + CTRL_C)
    guest.expect(re.escape("^C") + r"\r\n(?:\$ )+")
    assert "abc" in guest.run("echo abc")
