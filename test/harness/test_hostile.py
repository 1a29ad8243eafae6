"""A guest that means harm: nothing that it prints, or does not read, ends or hangs the harness."""
import pathlib
import signal
import time

import pytest

from banyan import program
from banyan.boot import BootFailure
from banyan.guest import Guest
from banyan.hang import Limits
from banyan.ktap import parse
from banyan.machine import Machine

pytestmark = pytest.mark.points(0)
FAKE = pathlib.Path(__file__).with_name("fakeqemu.py")
SHORT = Limits(idle=3, busy=5, total=30, wall=6)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    for name in ("kernel.elf", "initrd.cpio"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    for name, value in (("BUILD", str(tmp_path)), ("QEMU", str(FAKE))):
        monkeypatch.setenv(name, value)
    for name in ("KERNEL", "INITRD", "DISK", "CPUS", "MEM", "QEMUEXTRA", "V", "PROGRAMS",
                 "DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(autouse=True)
def deadline():
    """A harness that hangs after all must fail these tests, not hang them."""
    def too_late(*_):
        raise TimeoutError("the harness hangs")
    old = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(150)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


def machine(scene):
    return Machine.from_env(kargs=f"fake={scene}")


def test_a_byte_now_and_then_is_no_progress_for_ever(fake):
    start = time.monotonic()
    result = program.run(machine("drip"), "drip", "true", SHORT)
    assert result.failure.kind == "hang" and "not done after" in str(result.failure)
    assert time.monotonic() - start < 60


def test_garbage(fake):
    """It is read to its end, and what is said of it harms no terminal."""
    result = program.run(machine("garbage"), "garbage", "true", Limits(idle=20, wall=120))
    assert result.failure is None and result.status == 0
    assert parse(result.text).problems
    words = result.boot.describe()
    assert all(byte >= " " or byte in "\n\t" for byte in words) and "\x9b" not in words
    assert len(words) < 50000


def test_a_guest_that_takes_no_input(fake):
    with Guest(machine("deaf"), "deaf", SHORT) as guest:
        guest.expect_exact("$ ")
        with pytest.raises(BootFailure, match="hang"):
            guest.send("x" * (1 << 20))


def test_a_command_that_prints_without_end(fake):
    with Guest(machine("prattle"), "prattle", Limits(idle=20, wall=120)) as guest:
        guest.boot()
        with pytest.raises(BootFailure, match="printed more than"):
            guest.run("echo a")


def test_what_send_takes_in_is_not_lost(fake):
    """Output that comes while much is being sent is there for expect()."""
    with Guest(machine("echo"), "echo", Limits(idle=20, wall=120)) as guest:
        guest.boot()
        words = [f"echo {'w' * 1000}{n}" for n in range(300)]
        guest.send("".join(f"{word}\n" for word in words))
        for n in range(300):
            guest.expect_exact(f"\r\n{'w' * 1000}{n}\r\n")
        guest.sendline("shutdown")


def test_a_recording_gives_no_answer(fake):
    """What was said to a command on an earlier boot does not pass for it now."""
    asked = []
    for _ in range(2):
        with Guest(machine("echo"), "echo", Limits(idle=20, wall=120)) as guest:
            guest.boot()
            guest.run("echo a", status=0)
            log = (guest.boot_process.directory / "serial.log").read_bytes()
            asked.append([line for line in log.splitlines() if b"echo =" in line])
    assert asked[0] and asked[0] != asked[1]
