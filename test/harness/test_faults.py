"""What a boot with damaged services is taken for (banyan/faults.py)."""
import pytest

from banyan import faults
from banyan.boot import BootFailure

END = "faults: end well\n"
OFF = BootFailure("protocol", "the machine powered off before it ended")
DIED = "init: tty died: exit status 1; starting it again\n"
HOPELESS = "init: fs says that another start is of no use: it is given up\n"


@pytest.mark.parametrize("status, failure, log", [
    (0, None, END), (None, OFF, END), (None, OFF, HOPELESS),
    (None, OFF, "init: blk failed 8 times running: it is given up\n"),
    # A damaged terminal says the kernel's log over and over.
    (0, None, DIED * 5000 + "faults: tty was started 9 times\n" + END)],
    ids=["end", "lost_status", "hopeless", "failed", "says_again"])
def test_well(status, failure, log):
    assert faults.judge(status, failure, "faults: 7 took place\n" + log) is None


@pytest.mark.parametrize("status, failure, log", [
    (1, None, "faults: end badly\n"), (None, OFF, "faults: 7 took place\n"), (0, None, ""),
    (0, None, DIED * 500 + END), (0, None, "faults: tty was started 500 times\n" + END),
    (1, None, END), (1, None, HOPELESS), (None, OFF, "faults: end badly\n" + HOPELESS),
    (None, OFF, "faults: the program that uses fs hangs\n" + HOPELESS),
    (None, OFF, HOPELESS.replace("fs", "tty")), (None, BootFailure("panic", "panic: no"), END),
    (None, BootFailure("panic", "panic: no"), HOPELESS),
    (None, BootFailure("hang", "for 300 s"), END), (None, BootFailure("flood", "more"), END)],
    ids=["badly", "off", "silent", "again_and_again", "started_again_and_again", "status", "on", "badly_off", "hung", "tty", "panic",
         "panic_later", "hang", "flood"])
def test_badly(status, failure, log):
    assert faults.judge(status, failure, log)


def test_last_words():
    assert faults.last_words("fs: it is no volume\n" + HOPELESS) == "fs: it is no volume"
    assert faults.last_words("\x1efs: it is no volume\n\nuse 7 ends\n" + HOPELESS) == "fs: it is no volume"
    assert faults.last_words(END) is None


def test_count():
    sums = faults.count("faults: 1 took place\nfaults: 2 took place\nfaults: fs code 2\n"
                        "init: fs died: signal 11, bad memory access; starting it again\n"
                        "init: fs does not answer a request: killing it\n"
                        "faults: uses right 4 with errors 3 wrong 2, of them slow 1\n"
                        "faults: fs was started 12 times\nfaults: tty was started 2 times\n"
                        "faults: fs was started 12 times\nfaults: what they keep is spoiled\n" + END)
    assert {what: number for what, number in sums.items() if number} == {
        "boots": 1, "faults": 2, "  fs code": 2, "  uses: right": 4, "  uses: errors": 3,
        "  uses: wrong": 2, "  uses: slow": 1, "starts of services": 14, "kills for a stall": 1,
        "deaths of services, as the line says": 1, "boots until files or terminal were spoiled": 1}
