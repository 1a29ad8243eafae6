"""Programs that use the whole screen: less, top, vi; on a terminal that answers."""
import pytest

from banyan.screen import DOWN, END, ESC, HOME, LEFT, PAGE_DOWN, RIGHT, Screen, UP

pytestmark = pytest.mark.points(2)
LOOKS = 12  # drawings in which top must have shown what it is to show; the second should do


def on_screen(boots, columns=80, rows=24):
    guest = boots.guest(boot=False)
    screen = Screen(guest, columns, rows)
    guest.boot()
    return screen


@pytest.fixture
def screen(boots):
    return on_screen(boots)


def leave(screen, keys):
    """The keys that end the program; the shell must be back, and its terminal as it was."""
    screen.guest.send(keys)
    screen.guest.expect_exact("\x1b[?1049l")
    screen.guest.expect_exact("$ ")
    assert screen.guest.run("echo back; echo $?", status=0) == "back\n0\n"


def test_less(screen):
    guest = screen.guest
    guest.run("seq 1000 >/tmp/n", status=0)
    guest.sendline("less /tmp/n")
    screen.wait(lambda: screen.rows[:2] == ["1", "2"] and screen.rows[22] == "23")
    guest.send(" ")
    screen.wait(lambda: screen.rows[0] == "24")
    guest.send("b")
    screen.wait(lambda: screen.rows[0] == "1")
    guest.send("3j" + DOWN)
    screen.wait(lambda: screen.rows[0] == "5")
    guest.send("2k" + UP)
    screen.wait(lambda: screen.rows[0] == "2")
    guest.send("G")
    screen.wait(lambda: screen.rows[0] == "978" and screen.rows[22] == "1000"
                and "(END)" in screen.rows[23])
    guest.send(PAGE_DOWN)
    guest.expect_exact("\a")
    guest.send("500g")
    screen.wait(lambda: screen.rows[0] == "500")
    guest.send("/9[12]0\n")
    screen.wait(lambda: screen.rows[0] == "910")
    guest.send("n")
    screen.wait(lambda: screen.rows[0] == "920")
    guest.send("N")
    screen.wait(lambda: screen.rows[0] == "910")
    guest.send("/nowhere\n")
    screen.wait("pattern not found")
    guest.send("/*(\n")
    screen.wait(lambda: screen.rows[23].startswith("*(: "))
    guest.send("?^4.$\n")
    screen.wait(lambda: screen.rows[0] == "49")
    guest.send("-N")
    screen.wait(lambda: screen.rows[0] == "     49 49")
    guest.send("50%")
    screen.wait(lambda: screen.rows[0] == "    501 501")
    leave(screen, "q")


def test_less_pipe_and_long_lines(boots):
    screen = on_screen(boots, columns=40, rows=10)
    guest = screen.guest
    line = "".join(f"{i:03}-" for i in range(50))
    guest.sendline(f"(echo {line}; printf 'tab\\tb\\033[2Jc\\377 \\303\\244'; echo; seq 100) | less")
    wrapped = [line[i:i + 40] for i in range(0, 200, 40)]
    screen.wait(lambda: screen.rows[:5] == wrapped and screen.rows[5] == "tab     b^[[2Jc\\ff ä")
    guest.send("3j")
    screen.wait(lambda: screen.rows[:2] == wrapped[3:])
    guest.send("-S")
    screen.wait(lambda: screen.rows[0] == wrapped[0] and screen.rows[2] == "1")
    guest.send(RIGHT)
    screen.wait(lambda: screen.rows[0] == line[8:48] and screen.rows[1] == "b^[[2Jc\\ff ä")
    guest.send(LEFT + END)
    screen.wait(lambda: screen.rows[8] == "100")
    guest.send(HOME)
    screen.wait(lambda: screen.rows[0] == wrapped[0])
    leave(screen, "\x03")
    assert guest.run("seq 3 | less | cat", status=0) == "1\n2\n3\n"
    assert guest.run("less /tmp", status=1) == "less: /tmp: Is a directory\n"
    assert guest.run("less none", status=1) == "less: none: No such file or directory\n"


def test_top(screen):
    guest = screen.guest

    def field(row, number):
        """A word of a row that may not have come whole yet."""
        words = screen.rows[row].split()
        return words[number] if number < len(words) else "0"

    def resident():
        return [int(field(row, 5)) for row in range(3, 9)]

    guest.run("while :; do :; done &", status=0)
    busy = guest.run("echo $!", status=0).strip()
    guest.sendline("top -d 1")
    screen.wait(lambda: screen.rows[2].split()[:3] == ["PID", "PPID", "S"], LOOKS)
    # After the first look there is a difference to tell: the loop uses one processor.
    screen.wait(lambda: field(3, 0) == busy and 60 < float(field(3, 6)) < 110, LOOKS)
    assert "KiB" in screen.rows[1]
    guest.send("M")
    screen.wait(lambda: resident()[-1] and resident() == sorted(resident(), reverse=True), LOOKS)
    leave(screen, "q")
    listed = guest.run(f"top -b; kill {busy}", status=0)
    assert any(line.split()[0] == busy for line in listed.splitlines()), listed
    assert "usage: top" in guest.run("top -d 0", status=2)


def vi(screen, file, keys, saved):
    """Edit a file: what is in it after these keys and :wq."""
    guest = screen.guest
    guest.sendline(f"vi {file}")
    screen.wait(lambda: screen.rows[23].startswith(f"{file}: "))
    guest.send(keys + ESC + ":wq\n")
    guest.expect_exact("\x1b[?1049l")
    guest.expect_exact("$ ")
    assert guest.run(f"cat {file}", status=0) == saved, keys


def test_vi_commands(screen):
    """Motions, operators, counts, yank and paste, undo, repeat; each on a known text."""
    text = "one two three\nfour (five six) seven\n\n\teight nine\nten\n"
    first, rest = text.split("\n", 1)
    source = text.replace("\n", "\\n").replace("\t", "\\t")
    for keys, saved in [
        ("ix " + ESC + "A y" + ESC + "o\tz", "x one two three y\n\tz\n" + rest),
        ("Obefore" + ESC + "GIx" + ESC + "aäb", "before\n" + text.replace("ten", "xäbten")),
        ("dwjdd", "two three\n\n\teight nine\nten\n"),
        ("2dwx", "hree\n" + rest),
        ("jf(d%x", text.replace("(five six) ", "")),
        ("wcwTWO" + ESC + "w.", text.replace("two three", "TWO TWO")),
        ("yyjp", text.replace("seven\n", "seven\none two three\n")),
        ("ddGp", rest + first + "\n"),
        ("dGiall", "all\n"),
        ("jddu", text),
        ("ddddu" + "uu\x12", rest),
        ("Jr-~", text.replace("three\nfour", "three-four")),
        ("xxxu.", text[3:]),
        ("/nine\nD", text.replace("nine", "")),
        ("?f..r\nx", text.replace("four", "our")),
        (":2,3d\n", "one two three\n\teight nine\nten\n"),
        (":%s/\\(e\\)n/<\\1>&/g\n", text.replace("en", "<e>en")),
        (":s/two/2 \\/ &/\n", text.replace("two", "2 / two")),
        (">>3j<<", "\t" + text.replace("\teight", "eight")),
        ("$i" + "\x7f" * 3 + "Z", text.replace("three", "tZe")),
        ("3jcchead\ntail", text.replace("\teight nine", "head\ntail")),
        ("fex;x", "on two thre\n" + rest),
        ("}i-", text.replace("\n\n", "\n-\n")),
        ("3x2p", " oneone" + text[4:]),
    ]:
        screen.guest.run(f"printf '{source}' >/tmp/t", status=0)
        vi(screen, "/tmp/t", keys, saved)


def test_vi_screen(screen):
    """What it shows: long files and lines, its own words, and errors that say what to do."""
    guest = screen.guest
    guest.run("seq 2000 >/tmp/n; printf 'a\\tb\\001\\377\\n' >>/tmp/n", status=0)
    guest.sendline("vi +1500 /tmp/n")
    screen.wait(lambda: screen.rows[screen.cursor[0]] == "1500")
    guest.send("G")
    screen.wait(lambda: screen.rows[screen.cursor[0]] == "a       b^A\\ff")
    guest.send("1G" + PAGE_DOWN)
    screen.wait(lambda: screen.rows[0] == "22")
    guest.send("1G100ix" + ESC)
    guest.send("A" + "".join(f"{i:03}." for i in range(40)))
    screen.wait("039.")
    assert screen.cursor[1] < 80
    guest.send(ESC + "0")
    screen.wait(lambda: screen.rows[0].startswith("x1000.001."))
    for keys, words in [(":q\n", ":q! leaves"), (":nonsense\n", "no such command"),
                        (":w /no/such\n", "/no/such: No such file"), (":w /README\n", ":w! overwrites"),
                        (":9999\n", "no such lines"), ("/\\(\n", "\\(: "),
                        (":set nu\n", "      1 x1000."), (":!echo shell; exit 3\n", "shell\n[any key")]:
        guest.send(keys)
        screen.wait(words)
    guest.send(" :e! /README\n")
    screen.wait("/README: ")
    guest.send(":q\n")
    guest.expect_exact("\x1b[?1049l")
    guest.expect_exact("$ ")
    assert guest.run("vi /tmp", status=1) == "vi: /tmp: Is a directory\n"
    assert "not a terminal" in guest.run("vi </README", status=1)
    assert guest.run("ls /tmp", status=0) == "n\n", "nothing is left behind"


def test_other_sizes(boots):
    """The window's size is what the terminal answers, at the start and after ^L."""
    screen = on_screen(boots, columns=100, rows=30)
    guest = screen.guest

    def rows_of_ls():
        return len(guest.run("ls -C", status=0).splitlines())

    guest.run("seq 100 >/tmp/n; mkdir /tmp/d; cd /tmp/d; touch $(seq 10000000 10000009)", status=0)
    assert rows_of_ls() == 1, "ten names fit into 100 columns"
    for start, end, ready in [
        ("vi /tmp/n", ESC + ":q\n", lambda rows: rows[28] == "29" and "/tmp/n" in rows[29]),
        ("less /tmp/n", "q", lambda rows: rows[28] == "29"),
        ("top -d 1 -n 40", "q", lambda rows: rows[2].split()[:1] == ["PID"]),
    ]:
        guest.sendline(start)
        screen.wait(lambda: ready(screen.rows))
        screen.resize(50, 12)
        guest.send("\x0c")
        guest.expect_exact("\x1b[6n\x1b8")
        leave(screen, end)
        assert rows_of_ls() == 2, f"{start} has told the terminal"
        screen.resize(100, 30)
        guest.send("\x0c")
        guest.expect_exact("\x1b[6n\x1b8")
        assert guest.run("true; true", status=0) == ""
        assert rows_of_ls() == 1, "so has the shell"
