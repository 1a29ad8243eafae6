"""The shell and the programs, as a user at the prompt meets them."""
import pytest

pytestmark = pytest.mark.points(2)

# (command line, what it prints, its status)
LANGUAGE = [
    ("echo one two  three", "one two three\n", 0),
    ("echo 'a  b' \"c  d\" e\\ f", "a  b c  d e f\n", 0),
    ("x=5; echo $x ${x}y \"$x\" '$x'", "5 5y 5 $x\n", 0),
    ("true; echo $?", "0\n", 0),
    ("false; echo $?", "1\n", 0),
    ("false", "", 1),
    ("true && echo yes || echo no", "yes\n", 0),
    ("false && echo yes || echo no", "no\n", 0),
    ("no-such-program; echo $?", "127\n", 0),
    ("(exit 3); echo $?", "3\n", 0),
    ("sh -c 'exit 42'", "", 42),
    ("echo b >/tmp/f; echo a >>/tmp/f; cat /tmp/f", "b\na\n", 0),
    ("sort </tmp/f >/tmp/g; cat /tmp/g", "a\nb\n", 0),
    ("ls /no-such-file >/tmp/out 2>/tmp/err; test -s /tmp/err && echo said; cat /tmp/out",
     "said\n", 0),
    ("echo to-error 2>/dev/null 1>&2", "", 0),
    ("mkdir /tmp/d && cd /tmp/d && echo x >one.c && echo y >two.c && echo z >three.h", "", 0),
    ("echo *.c", "one.c two.c\n", 0),
    ("echo /tmp/d/t*", "/tmp/d/three.h /tmp/d/two.c\n", 0),
    ("echo ?ne.[ch] *.none", "one.c *.none\n", 0),
    ("cd /; test -d /tmp/d && echo there", "there\n", 0),
    ("sleep 1 & wait; echo waited", "waited\n", 0),
    ("echo a | cat | cat | cat", "a\n", 0),
    ("yes-it-is-missing 2>/dev/null | wc -c", "0\n", 0),
    ("printf_is_not_needed=1; echo $printf_is_not_needed", "1\n", 0),
]


def check(guest, table):
    for line, output, status in table:
        got = guest.run(line)
        lines = [text for text in got.splitlines(True) if "no-such-program" not in text]
        assert ("".join(lines).split() if "wc" in line else "".join(lines)) == \
            (output.split() if "wc" in line else output), f"`{line}` printed {got!r}"
        assert guest.status == status, f"`{line}` ended with {guest.status}"


def test_language(guest):
    check(guest, LANGUAGE)


def test_script(guest):
    guest.run("echo 'echo script $1 $#' >/tmp/s; echo 'exit 7' >>/tmp/s", status=0)
    assert guest.run("sh /tmp/s first second", status=7) == "script first 2\n"


PROGRAMS = [
    ("cd /tmp && mkdir p && cd p", "", 0),
    ("echo alpha >a; echo beta >b; echo alpha >c", "", 0),
    ("ls", "a\nb\nc\n", 0),
    ("cat a b", "alpha\nbeta\n", 0),
    ("cmp a c", "", 0),
    ("cmp a b >/dev/null", "", 1),
    ("cat a | cmp - c && cat a | cat - b", "alpha\nbeta\n", 0),
    ("cp a d && cmp a d && echo copied", "copied\n", 0),
    ("mv d e && cat e && test ! -e d", "alpha\n", 0),
    ("ln a hard && rm a && cat hard", "alpha\n", 0),
    ("ln -s b soft && cat soft", "beta\n", 0),
    ("rm soft && test -e b && echo kept", "kept\n", 0),
    ("mkdir sub && rmdir sub && test ! -e sub", "", 0),
    ("rmdir /tmp 2>/dev/null", "", 1),
    ("cat b hard | sort -r", "beta\nalpha\n", 0),
    ("cat b hard | grep l", "alpha\n", 0),
    ("cat b hard | grep -v l", "beta\n", 0),
    ("grep nothing b", "", 1),
    ("cat b hard | wc", "2 2 11\n", 0),
    ("sync b hard . && echo synced", "synced\n", 0),
    ("sync b /no/such 2>&1", "sync: /no/such: No such file or directory\n", 1),
    ("test 3 -lt 5 && test abc = abc && echo right", "right\n", 0),
    ("test abc = abd", "", 1),
    ("true", "", 0),
    ("false", "", 1),
    ("rm -r /tmp/p; cd /; test -e /tmp/p", "", 1),
    ("sync", "", 0),
]


def test_programs(guest):
    check(guest, PROGRAMS)


def test_tools_speak(guest):
    """Programs whose output cannot be known in advance: it has its form."""
    assert guest.run("date", status=0).strip()
    assert "real" in guest.run("time true", status=0)
    free = guest.run("free", status=0)
    assert any(int(word) > 0 for word in free.split() if word.isdigit()), free
    listing = guest.run("ls -l /", status=0)
    assert any(line.startswith("d") and line.endswith("bin") for line in listing.splitlines())


def test_complaints(guest):
    """Errors name the program and the file, and set the status."""
    for line in ("cat /no/such", "ls /no/such", "cp /no/such /tmp", "rm /no/such", "cd /no/such"):
        output = guest.run(line)
        assert guest.status != 0, line
        assert "/no/such" in output and "No such file" in output, f"`{line}` printed {output!r}"


def test_background(guest):
    """A background job leaves the prompt free, and can be waited for and killed."""
    guest.run("sleep 1000 & echo $! >/tmp/pid", status=0)
    assert guest.run("ps | grep sleep | grep -v grep | wc -l", status=0).split() == ["1"]
    guest.run("kill $(cat /tmp/pid)", status=0)
    guest.run("wait")
    assert guest.run("ps | grep sleep | grep -v grep | wc -l", status=0).split() == ["0"]
