"""What the kernel says when it has to give up."""
import pytest

from banyan.boot import BootFailure
from banyan.gdbremote import GdbRemote
from banyan.guest import EOF

KERNEL_BASE = 0xffffffff80000000
HART_STACK_LOW = 40  # trap/frame_offsets.h
SP = 2  # register number


def sink_the_stack(guest):
    """Leave the idle hart's kernel stack 16 bytes of room: its next call does not fit."""
    with GdbRemote(guest.boot_process.directory / "gdb.sock") as gdb:
        gdb.select(gdb.harts()[0])
        registers = gdb.registers()
        assert registers["pc"] >= KERNEL_BASE, "the hart is not idle"
        low = gdb.word(registers["tp"] + HART_STACK_LOW)
        assert low <= registers["sp"] < low + 8192
        # QEMU takes single registers only from who has asked for their description.
        gdb.ask("qXfer:features:read:target.xml:0,ffb")
        value = (low + 16).to_bytes(8, "little").hex()
        assert gdb.ask(f"P{SP:x}={value}") == "OK"
        gdb.detach()


@pytest.mark.points(3)
def test_kernel_stack_overflow(boots):
    """It is reported, with registers and named callers, and does not loop."""
    guest = boots.guest(cpus=1)
    guest.settle(1.0)
    sink_the_stack(guest)
    guest.send("x")
    guest.expect(EOF)
    with pytest.raises(BootFailure) as failure:
        guest.boot_process.finish()
    assert failure.value.kind == "panic"
    log = (guest.boot_process.directory / "serial.log").read_text("latin-1")
    assert "kernel stack overflow" in log
    assert "kernel trap: store page fault" in log
    assert "panic: store page fault in the kernel" in log
    report = log[log.index("backtrace:"):]
    assert "sched_idle+0x" in report, report
