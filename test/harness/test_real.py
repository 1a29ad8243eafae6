"""The harness on the real QEMU, with a guest of a few instructions that goes wrong on purpose."""
import pathlib

import pytest

from banyan.boot import Boot, BootFailure, pump_to_end
from banyan.hang import Limits
from banyan.machine import Machine, run_tool

pytestmark = pytest.mark.points(0)
PAYLOAD = pathlib.Path(__file__).with_name("payload.S")
SHORT = Limits(idle=4, busy=3, total=30, wall=120)


@pytest.fixture
def payload(tmp_path, monkeypatch):
    monkeypatch.setenv("BUILD", str(tmp_path))
    for name in ("KERNEL", "INITRD", "DISK", "CPUS", "MEM", "KARGS", "QEMUEXTRA", "QEMU",
                 "DEBUG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "initrd.cpio").write_bytes(b"none")

    def build(end):
        run_tool(["riscv64-unknown-elf-gcc", "-nostdlib", "-static", "-march=rv64imac_zicsr",
                  "-mabi=lp64", "-mcmodel=medany", "-Wl,-Ttext=0x80200000",
                  "-Wl,-n", "-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none", f"-DEND_{end}",
                  "-o", str(tmp_path / "kernel.elf"), str(PAYLOAD)])
        return Boot(Machine.from_env(disk=None), end, SHORT)
    return build


def outcome(boot):
    """(the failure or None, everything it printed)"""
    output = bytearray()
    boot.start()
    try:
        pump_to_end(boot, output.extend)
    except BootFailure as failure:
        return failure, bytes(output)
    finally:
        boot.kill()
    return None, bytes(output)


def test_power_off(payload):
    failure, output = outcome(payload("OFF"))
    assert failure is None
    assert b"payload speaking" in output


def test_reset(payload):
    failure, _ = outcome(payload("RESET"))
    assert failure.kind == "reboot"


def test_status(payload):
    """The guest chooses QEMU's exit status; it is no clean power-off."""
    failure, _ = outcome(payload("FAIL"))
    assert failure.kind == "qemu" and "status 1" in str(failure)


def test_second_banner(payload):
    failure, _ = outcome(payload("LOOP"))
    assert failure.kind == "reboot"


@pytest.mark.parametrize("end", ["WAIT", "SPIN"])
def test_hang_is_reported(payload, end):
    boot = payload(end)
    failure, _ = outcome(boot)
    assert failure.kind == "hang"
    report = (boot.directory / "hang.txt").read_text()
    assert "hart 0: pc" in report and "hart 1: pc" in report  # any of them runs the payload
    assert "(stuck+0x" in report
    assert "a0 0000000000001234" in report
    assert "outer+0x" in report  # the caller, found by the frame pointer
    assert "payload speaking" in report


def test_command_is_runnable(payload):
    boot = payload("OFF")
    assert outcome(boot)[0] is None
    text = run_tool(["sh", str(boot.directory / "command.txt")])
    assert "payload speaking" in text
