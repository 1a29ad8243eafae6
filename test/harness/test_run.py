"""test/run.py and its relatives from outside, with a stand-in for QEMU."""
import os
import pathlib
import subprocess
import sys
import time

import pytest

from banyan import program
from banyan.boot import BootFailure
from banyan.guest import Guest
from banyan.hang import Limits
from banyan.machine import ROOT, Machine, make_overlay

pytestmark = pytest.mark.points(0)
FAKE = pathlib.Path(__file__).with_name("fakeqemu.py")
SHORT = Limits(idle=3, busy=3, total=30, wall=60)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """An environment in which the harness finds the stand-in and files to give it."""
    for name in ("kernel.elf", "initrd.cpio"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    for name, value in (("BUILD", str(tmp_path)), ("QEMU", str(FAKE)), ("IDLE", "3")):
        monkeypatch.setenv(name, value)
    for name in ("KERNEL", "INITRD", "DISK", "CPUS", "MEM", "QEMUEXTRA", "TIMEOUT", "CMD", "V",
                 "DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(scene, command="true", **environment):
    return subprocess.run([sys.executable, str(ROOT / "test" / "run.py"), command],
                          env=dict(os.environ, KARGS=f"fake={scene}", **environment),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)


def test_old_qemu_is_refused(fake):
    """In words, before anything is started; versions are compared as numbers."""
    done = run("hello", QEMU_OLDEST="7.2", FAKE_VERSION="6.2.50")
    assert done.returncode == 126
    assert b"6.2.50, too old: 7.2 is needed" in done.stderr and b"make doctor" in done.stderr
    assert not list(fake.glob("test/*"))
    for version in ("7.2", "7.10", "10.0"):
        assert b"too old" not in run("hello", QEMU_OLDEST="7.2", FAKE_VERSION=version).stderr


def test_output_is_exact(fake):
    done = run("hello")
    assert done.stdout == b"hello\n\xff\x00\x1e\rend"
    assert done.returncode == 7
    assert b"disk: slow" in done.stderr and b"OpenSBI" in done.stderr


def test_output_streams(fake):
    """What was printed before a hang has been passed on long before the hang is called one."""
    runner = subprocess.Popen([sys.executable, str(ROOT / "test" / "run.py"), "true"],
                              env=dict(os.environ, KARGS="fake=hang", IDLE="20"),
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    start = time.monotonic()
    assert runner.stdout.readline() == b"last words\n"
    assert time.monotonic() - start < 15
    runner.terminate()
    runner.wait()
    runner.stdout.close()


FAILURES = {
    "panic": (125, b"run: panic: assertion failed"),
    "panic_off": (125, b"run: panic: out of luck"),
    "vanish": (125, b"powered off before it ended"),
    "never": (125, b"powered off before the command was started"),
    "killed": (125, b"was killed by signal 9"),
    "die": (125, b"cannot go on"),
    "reboot": (125, b"started again by itself"),
    "hang": (124, b"run: hang: no output"),
    "spin": (124, b"of processor time"),
    "claims_panic": (0, b"power off"),
    "disk": (0, b"power off"),  # silent for longer than an idle guest may be
}


@pytest.mark.parametrize("scene", FAILURES)
def test_failures(fake, scene):
    status, words = FAILURES[scene]
    environment = {"TIMEOUT": "3"} if scene == "spin" else {}
    done = run(scene, **environment)
    assert done.returncode == status, done.stderr
    assert words in done.stderr


def test_hang_report_says_what_it_can(fake):
    done = run("hang")
    assert b"hart" in done.stderr or b"no registers" in done.stderr
    assert b"last words" in done.stderr.split(b"last lines of the log:")[1]


def test_log_and_command_are_kept(fake):
    done = run("vanish")
    folder, = (fake / "test").iterdir()
    assert folder.name.encode() in done.stderr
    assert b"partial" in (folder / "serial.log").read_bytes()
    assert "virtio-mmio.force-legacy=false" in (folder / "command.txt").read_text()


def test_good_run_leaves_nothing(fake):
    assert run("hello").returncode == 7
    assert list((fake / "test").iterdir()) == []


REFUSED = [
    ({"CPUS": "9"}, b"CPUS=9"), ({"QEMU": "no-such-qemu"}, b"make deps"),
    ({"DISK": "/no/such"}, b"run `make` first"), ({"TIMEOUT": "soon"}, b"TIMEOUT"),
]


@pytest.mark.parametrize("environment, words", REFUSED, ids=range(len(REFUSED)))
def test_refused(fake, environment, words):
    done = run("hello", **environment)
    assert done.returncode == 126 and words in done.stderr and b"Traceback" not in done.stderr


def test_refused_command(fake):
    assert run("hello", " ").returncode == 126
    done = run("hello", "x" * 1100)
    assert done.returncode == 126 and b"the kernel keeps" in done.stderr


def test_closed_stdout(fake):
    """A reader that leaves early (`| head -1`) does no harm."""
    done = subprocess.run(f"{sys.executable} {ROOT}/test/run.py true | true", shell=True,
                          env=dict(os.environ, KARGS="fake=hello"), stderr=subprocess.PIPE,
                          timeout=60, check=False)
    assert b"Traceback" not in done.stderr


def test_flood(fake, monkeypatch):
    monkeypatch.setattr("banyan.boot.LOG_MAX", 1 << 20)
    result = program.run(Machine.from_env(kargs="fake=flood"), "flood", "true", SHORT)
    assert result.failure.kind == "flood"


def test_guest(fake):
    with Guest(Machine.from_env(kargs="fake=echo"), "echo", SHORT) as guest:
        assert "banyan" in guest.boot()
        assert guest.run("echo a $ b", status=0) == "a $ b\n"
        assert guest.run("silent") == ""
        guest.shutdown(check_image=False)


def test_guest_hang(fake):
    with Guest(Machine.from_env(kargs="fake=hang"), "hang", SHORT) as guest:
        with pytest.raises(BootFailure, match="hang: no output"):
            guest.boot()
    assert "last words" in (fake / "test" / "hang" / "hang.txt").read_text()


@pytest.mark.parametrize("scene, words", [("panic_off", "panic: out of luck"),
                                          ("vanish", "powered off before")],
                         ids=["panic", "off"])
def test_guest_end(fake, scene, words):
    with Guest(Machine.from_env(kargs=f"fake={scene}"), "end", SHORT) as guest:
        with pytest.raises(BootFailure, match=words):
            guest.boot()


def test_boots_counts(fake):
    def boots(scene, *words):
        return subprocess.run([sys.executable, str(ROOT / "test" / "boots.py"), *words],
                              env=dict(os.environ, KARGS=f"fake={scene}"), timeout=120,
                              stdout=subprocess.PIPE, text=True, check=False)
    good = boots("echo", "-n", "3", "-c", "1,2", "-j", "2")
    assert good.returncode == 0 and good.stdout.count("3 of 3 boots clean") == 2
    bad = boots("panic_off", "-n", "2", "-c", "1")
    assert bad.returncode == 1 and "0 of 2 boots clean" in bad.stdout
    assert "panic: out of luck" in bad.stdout


def test_guest_keeps_an_overlay(fake):
    kept = fake / "kept.qcow2"
    make_overlay(kept, fake / "disk.img")
    for _ in range(2):
        with Guest(Machine.from_env(kargs="fake=echo"), "kept", SHORT, overlay=kept) as guest:
            guest.boot()
            guest.shutdown(check_image=False)
    assert kept.exists()
