"""Services that die, stop or fail: who uses them only waits."""
import os
import re
import subprocess
import sys

import pytest
from pexpect import EOF

from banyan import faults
from banyan.gdbremote import connect_unix
from banyan.guest import CTRL_C
from banyan.machine import ROOT

pytestmark = pytest.mark.points(3)
DISK_STATUS = 0x10001070  # of the transport that the root disk is on: VIRTIO 1.1, 4.2.2
KILLS = " ".join(str(n) for n in range(25))


def run(command, **environment):
    return subprocess.run([sys.executable, str(ROOT / "test" / "run.py"), command],
                          env=dict(os.environ, V="", **environment), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)


def rows(guest):
    """{service: the words of its row}"""
    table = guest.run("svc", status=0).splitlines()
    assert table[0].split()[:3] == ["NAME", "STATE", "PID"], table
    return {line.split()[0]: line.split() for line in table[1:]}


def test_table(guest):
    """Three services run; the one that is killed has another process then, and says why."""
    before = rows(guest)
    assert sorted(before) == ["blk", "fs", "tty"]
    assert all(row[1] == "running" for row in before.values()), before
    guest.run("svc kill blk", status=0)
    after = rows(guest)
    assert after["blk"][1] == "running" and after["blk"][2] != before["blk"][2]
    assert after["blk"][4] == "2" and " ".join(after["blk"][7:]) == "signal 9, killed"
    assert after["fs"][2:3] + after["tty"][2:3] == before["fs"][2:3] + before["tty"][2:3]
    guest.run("svc restart tty", status=0)
    after = rows(guest)
    assert after["tty"][4] == "2" and " ".join(after["tty"][7:]) == "signal 15, terminated"
    guest.shutdown()


@pytest.mark.parametrize("line, status, words", [
    ("svc kill nobody", 1, "there is no such service"),
    ("svc kill", 2, "usage: svc"), ("svc slay blk", 2, "usage: svc"),
    ("svc wait soon", 2, "give a number of seconds"),
    ("svc stop blk", 2, "nothing could start it again"),
    ("svc stop blk wait 1 start tty", 2, "nothing could start it again"),
    ("svc stop tty stop tty start tty", 2, "nothing could start it again"),
    ("svc start blk", 1, "it is running already")],
    ids=["nobody", "half", "action", "wait", "stop", "stop_another", "stop_twice", "running"])
def test_refused(guest, line, status, words):
    said = guest.run(line, status=status)
    assert words in said
    assert all(row[1] == "running" and row[4] == "1" for row in rows(guest).values())


@pytest.mark.parametrize("service", ["blk", "fs"])
def test_copy_while_a_server_dies(guest, service):
    """cp -r of all that is there, and a comparison, with a server that is killed over and over."""
    guest.run(f"for i in {KILLS}; do svc kill {service}; sleep 0.05; done &", status=0)
    guest.run("cp -r /bin /tmp/bin && sync && diff -r /bin /tmp/bin", status=0)
    guest.run("sleep 2", status=0)
    row = rows(guest)[service]
    assert int(row[4]) > 5, row
    guest.shutdown()


def test_output_while_the_terminal_dies():
    """What a program prints comes out whole, and once, however often the terminal is killed."""
    done = run(f"for i in {KILLS}; do svc kill tty; done & i=0; "
               "while test $i -lt 4000; do echo line $i; i=$((i+1)); done; wait")
    words = done.stderr.decode("utf-8", "replace")
    assert done.returncode == 0, words
    assert done.stdout == b"".join(b"line %d\n" % i for i in range(4000)), words
    assert words.count("init: tty died: signal 9, killed; starting it again") == len(KILLS.split())


def test_terminal_goes_on(guest):
    """What was typed, the settings, the size and ^C outlive the terminal's server."""
    guest.run("echo 'sleep 1; svc kill tty; echo done >/tmp/done' >/tmp/later", status=0)
    guest.sendline("sh /tmp/later & cat")
    guest.send("half a ")
    guest.expect(r"init: tty died[^\n]*\n")
    guest.send("line\n")
    guest.expect(r"half a line\r?\n")
    guest.send(CTRL_C)
    guest.expect_exact("$ ")
    assert guest.run("cat /tmp/done", status=0) == "done\n"
    # An editor has the terminal raw.
    guest.sendline("rm /tmp/done; sh /tmp/later & vi /tmp/text")
    guest.expect(r"init: tty died[^\n]*\n")
    guest.settle(1)
    guest.send("ihello\x1b")
    guest.settle()
    guest.send(":wq\n")
    guest.expect_exact("$ ")
    assert guest.run("cat /tmp/text", status=0) == "hello\n"


class Monitor:
    """QEMU's, on that socket, which serves one connection."""

    def __init__(self, path):
        self.link = connect_unix(path, 20)
        self.link.settimeout(20)

    def word(self, address):
        """The one at a physical address."""
        said = b""
        self.link.sendall(b"xp /1xw 0x%x\n" % address)
        answer = None
        while not answer:
            more = self.link.recv(4096)
            assert more, said
            said += more
            answer = re.search(rb"%016x: 0x([0-9a-f]{8})" % address, said)
        return int(answer[1], 16)


def test_stopped_driver(boots, tmp_path):
    """The device of a driver that is gone is reset; who needs it waits until there is another."""
    path = tmp_path / "monitor"
    guest = boots.guest(extra=("-monitor", f"unix:{path},server=on,wait=off"))
    monitor = Monitor(path)
    running = monitor.word(DISK_STATUS)
    assert running & 4, running  # DRIVER_OK
    guest.sendline("svc stop blk wait 20 start blk &")
    guest.expect(r"init: blk is stopped")
    assert monitor.word(DISK_STATUS) == 0
    guest.sendline("sync; find /man | wc -l; echo synced")
    guest.settle(2)
    assert "synced" not in guest.before.replace("echo synced", "")
    guest.expect(r"\nsynced\r\n")
    assert monitor.word(DISK_STATUS) == running
    guest.shutdown()


def test_stopped_service_comes_back(boots):
    """Also if who was to start it is killed; and the machine can be shut down meanwhile."""
    guest = boots.guest()
    guest.sendline("svc stop blk wait 1 start blk")
    guest.expect(r"init: blk is stopped")
    guest.send(CTRL_C)
    guest.expect_exact("$ ")
    assert guest.run("echo alive", status=0) == "alive\n"
    guest.run("sync", status=0)  # which has to wait for it
    assert rows(guest)["blk"][4] == "2"
    guest.shutdown()


def test_run_ends_with_a_service_stopped():
    """At the end of a command all that was stopped is started: files are to be stored."""
    # sleep has to be in memory before its disk goes.
    done = run("echo kept >/tmp/kept; sleep 0; svc stop blk wait 1000 start blk & sleep 2")
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")


def test_terminal_given_up():
    """A service that fails again and again is given up; who calls it gets an error."""
    done = run("echo here; svc" + " abort tty" * 9)
    words = done.stderr.decode("utf-8", "replace")
    assert "init: tty failed 8 times running: it is given up" in words
    # The first had answered, namely the echo: it was no failure. A line that a terminal could not
    # finish comes again.
    assert len(re.findall("init: tty died: signal 6, it gave up(?:; starting it again)?$", words, re.M)) >= 9, words


def test_driver_given_up(boots):
    """The machine cannot go on without its disk, and says so."""
    guest = boots.guest()
    # Nothing is to be stored meanwhile: a driver that has answered has not failed.
    guest.sendline("sleep 12; svc" + " abort blk" * 12)
    guest.expect(r"init: blk failed 8 times running: it is given up")
    guest.expect(r"init: the machine cannot go on without blk")
    guest.expect(EOF)
    guest.boot_process.finish()


def test_damaged(boots):
    """Bits flipped in all services, damaged messages, stalls: the kernel stands, nobody hangs, and the
    services come back as long as there is a volume."""
    outcome = faults.boot(boots.machine(cpus=2, mem="128M"), 1, 120)
    assert outcome.failure is None, outcome.failure
    assert outcome.sums["deaths of services, as the line says"] > 0, outcome.sums  # by damage, not by being killed
