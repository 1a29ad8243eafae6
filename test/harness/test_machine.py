"""The machine's description: what the environment makes of it, and what is refused."""
import shlex

import pytest

from banyan.machine import BOOTARGS_MAX, Machine, MachineError

pytestmark = pytest.mark.points(0)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("CPUS", "MEM", "KARGS", "QEMUEXTRA", "QEMU", "KERNEL", "INITRD", "DISK", "BUILD",
                 "DEBUG"):
        monkeypatch.delenv(name, raising=False)


def test_defaults():
    machine = Machine.from_env()
    assert (machine.cpus, machine.mem, machine.kargs) == (2, "256M", "")
    assert machine.kernel.parts[-2:] == ("build", "kernel.elf")
    argv = machine.argv(machine.disk)
    assert "-append" not in argv
    assert argv[argv.index("-smp") + 1] == "2"
    assert "virtio-mmio.force-legacy=false" in argv
    assert "virtio-blk-device,drive=root,bus=virtio-mmio-bus.0" in argv


def test_environment(monkeypatch):
    for name, value in (("CPUS", "8"), ("MEM", "16M"), ("KARGS", "asidbits=2 x"),
                        ("QEMUEXTRA", "-d 'a b'"), ("DISK", "/tmp/a,b.img")):
        monkeypatch.setenv(name, value)
    machine = Machine.from_env()
    assert (machine.cpus, machine.mem, machine.extra) == (8, "16M", ("-d", "a b"))
    argv = machine.argv(machine.disk)
    assert argv[argv.index("-append") + 1] == "asidbits=2 x"
    assert any("file=/tmp/a,,b.img,format=raw" in word for word in argv)


def test_no_disk():
    machine = Machine.from_env(disk=None)
    assert not any("virtio-blk" in word for word in machine.argv(machine.disk))


def test_command_line_order():
    machine = Machine.from_env(kargs="a=1", command="ls -- /", marked=True)
    assert machine.bootargs() == "a=1 console=marked -- ls -- /"
    assert Machine.from_env(command="ls", marked=True).bootargs() == "console=marked -- ls"


REFUSED = [
    (dict(cpus=0), "CPUS=0"), (dict(cpus=9), "CPUS=9"), (dict(mem="lots"), "MEM=lots"),
    (dict(mem="0"), "MEM=0"), (dict(mem="15M"), "at least 16M"), (dict(mem="16383k"), "at least 16M"),
    (dict(kargs="a -- b"), "KARGS"), (dict(kargs="--"), "KARGS"),
    (dict(command="x" * BOOTARGS_MAX), "command line is"), (dict(command="a\0b"), "NUL"),
]


@pytest.mark.parametrize("changes, words", REFUSED, ids=range(len(REFUSED)))
def test_refused(changes, words):
    with pytest.raises(MachineError, match=words):
        Machine.from_env(**changes)


def test_the_least_memory():
    for mem in ("16", "16M", "16384K", "1g"):
        assert Machine.from_env(mem=mem).mem == mem


def test_command_line_limit_is_exact():
    room = BOOTARGS_MAX - len("console=marked -- ")
    Machine.from_env(command="x" * room, marked=True)
    Machine.from_env(command="é" * (room // 2), marked=True)  # bytes count, not characters
    with pytest.raises(MachineError):
        Machine.from_env(command="x" * (room + 1), marked=True)
    with pytest.raises(MachineError):
        Machine.from_env(command="é" * (room // 2 + 1), marked=True)


def test_bad_cpus(monkeypatch):
    monkeypatch.setenv("CPUS", "two")
    with pytest.raises(MachineError, match="CPUS=two"):
        Machine.from_env()


def test_missing_files():
    with pytest.raises(MachineError, match="/nonexistent does not exist: run `make`"):
        Machine.from_env(kernel="/nonexistent").require_files()


def test_reproduce():
    machine = Machine.from_env(cpus=4, mem="64M", swap="32M", kargs="a=1 b",
                               command="echo '$x'; ls")
    words = shlex.split(machine.reproduce())
    assert words == ["make", "run", "CPUS=4", "MEM=64M", "SWAP=32M", "KARGS=a=1 b",
                     "CMD=echo '$x'; ls"]
