"""What the report of a machine that is stuck says of our kernel: locks, and who waits for whom."""
import re

import pytest

from banyan.elf import Symbols
from banyan.gdbremote import GdbRemote

pytestmark = [pytest.mark.ours, pytest.mark.points(3)]
KERNEL_BASE = 0xffffffff80000000


def forget_lock(guest, name, hart):
    """Leave the kernel's lock as if `hart` had taken it and never let it go."""
    guest.settle(1.0)
    with GdbRemote(guest.boot_process.directory / "gdb.sock") as gdb:
        gdb.select(gdb.harts()[0])
        assert gdb.registers()["pc"] >= KERNEL_BASE, "the hart is not idle"
        address = Symbols(guest.machine.kernel).address[name]
        assert gdb.word(address) & 0xffffffff == 0, "somebody holds it"
        assert gdb.ask(f"M{address:x},4:{(hart + 1).to_bytes(4, 'little').hex()}") == "OK"
        gdb.detach()


def test_locks(boots):
    """A lock that was forgotten is named, with its holder and with the hart that spins for it."""
    guest = boots.guest(cpus=2)
    forget_lock(guest, "tree_lock", 1)
    guest.sendline("ls")  # forking takes the lock
    guest.settle(2.0)
    report = guest.boot_process.hang_report("asked")
    assert "lock tree_lock (kernel/family.c), RANK_TREE: held by hart 1" in report
    assert re.search(r"hart \d spins for lock tree_lock \(kernel/family.c\), which hart 1 holds",
                     report), report
    assert re.search(r"(?m)^hart 0: pc .*\n(.*\n)+hart 1: pc ", report), report


def test_wait_graph(boots):
    """A program that reads the terminal waits for tty, and nobody waits in a circle."""
    guest = boots.guest(cpus=2)
    guest.sendline("cat")
    guest.settle(2.0)
    report = guest.boot_process.hang_report("asked")
    graph = report[report.index("wait graph:"):]
    assert re.search(r"(?m)^ +\d+ cat -> \d+ tty$", graph), report
    assert "CYCLE" not in graph
    assert "no lock that has a name is held" in report
    assert re.search(r"process \d+ cat\n.*waits for reply \(pid \d+ must act\)\n.* port_call\+",
                     report), report
