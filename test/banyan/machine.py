"""The machine: the only place that turns CPUS, MEM, KARGS, ... into a QEMU command line.

What the environment may set (the Makefile passes its variables on):

    CPUS       harts, 1 to 8                         2
    MEM        memory, as QEMU takes it              256M
    SWAP       size of the swap disk; 0: none        256M
    KARGS      the kernel command line               (empty)
    QEMUEXTRA  further QEMU arguments                (empty)
    QEMU       the emulator                          qemu-system-riscv64
    BUILD      where build output is                 build
    PROGRAMS   where the programs were built         BUILD
    HIDDEN     a folder of further tests             none
    GRADED     the tree whose kernel is tested       this one
    DEBUG      1: the checking kernel                (empty)
    KERNEL     the kernel                            BUILD/kernel.elf, BUILD/debug/kernel.elf
    INITRD     the initial RAM image                 BUILD/initrd.cpio
    DISK       the root disk, a raw image            BUILD/disk.img
"""
import dataclasses
import os
import pathlib
import re
import shlex
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_HARTS = 8
MEM_MIN = 16  # MiB that the system needs to reach the shell
BOOTARGS_MAX = 1023  # bytes that the kernel keeps


class MachineError(Exception):
    """The machine asked for cannot be made; the text says what to change."""


def build_dir():
    """Where build output goes, absolute."""
    return (ROOT / os.environ.get("BUILD", "build")).resolve()


def programs_dir():
    """Where the programs and the list of the image's files are, absolute."""
    name = os.environ.get("PROGRAMS")
    return (ROOT / name).resolve() if name else build_dir()


def debug_build():
    """Whether DEBUG=1: the kernel that was built, and that all boot, is the checking one."""
    return os.environ.get("DEBUG") == "1"


def checking_kernel():
    """The kernel that `make DEBUG=1` builds; `make grade` builds it too, for runs that ask for it."""
    return build_dir() / "debug" / "kernel.elf"


def graded_root():
    """The tree whose kernel/, vm/ and trap/ are tested."""
    return ROOT / (os.environ.get("GRADED") or "")


def hidden_root():
    """The folder of hidden tests, or one that cannot be."""
    name = os.environ.get("HIDDEN")
    return (ROOT / name).resolve() if name else pathlib.Path("/dev/null/none")


def _path_from_env(name, default):
    value = os.environ.get(name) or ""
    return (ROOT / value).resolve() if value else build_dir() / default


def _quoted(path):
    """A path inside a QEMU option list, where a comma is written twice."""
    return str(path).replace(",", ",,")


def _numbers(version):
    return [int(part) for part in version.split(".")]


@dataclasses.dataclass(frozen=True)
class Machine:
    """One machine. Frozen: a variation is made by `with_`."""

    cpus: int = 2
    mem: str = "256M"
    swap: str = "256M"  # "0": no swap disk
    kargs: str = ""
    command: str = None  # run by init instead of an interactive shell
    marked: bool = False  # console=marked: kernel lines framed on the serial line
    extra: tuple = ()
    debug: bool = False  # the kernel is the checking one; with_() chooses it
    qemu: str = "qemu-system-riscv64"
    kernel: pathlib.Path = None
    initrd: pathlib.Path = None
    disk: pathlib.Path = None  # None: no root disk at all

    @classmethod
    def from_env(cls, **changes):
        env = os.environ
        text = env.get("CPUS") or "2"
        if not text.isdigit():
            raise MachineError(f"CPUS={text}: not a number")
        values = dict(
            cpus=int(text),
            mem=env.get("MEM") or "256M",
            swap=env.get("SWAP") or "256M",
            kargs=(env.get("KARGS") or "").strip(),
            extra=tuple(shlex.split(env.get("QEMUEXTRA") or "")),
            qemu=env.get("QEMU") or "qemu-system-riscv64",
            debug=debug_build(),
            kernel=_path_from_env("KERNEL", checking_kernel() if debug_build() else "kernel.elf"),
            initrd=_path_from_env("INITRD", "initrd.cpio"),
            disk=_path_from_env("DISK", "disk.img"),
        )
        values.update(changes)
        machine = cls(**values)
        machine.check()
        return machine

    def with_(self, **changes):
        if changes.get("debug") and not self.debug:
            changes.setdefault("kernel", checking_kernel())
        machine = dataclasses.replace(self, **changes)
        machine.check()
        return machine

    def check(self):
        """Refuse, in words, what QEMU or the kernel would choke on."""
        if not 1 <= self.cpus <= MAX_HARTS:
            raise MachineError(f"CPUS={self.cpus}: must be 1 to {MAX_HARTS}")
        if not re.fullmatch(r"[1-9][0-9]*[KMGkmg]?", self.mem):
            raise MachineError(f"MEM={self.mem}: give a size such as 64M or 1G")
        scale = {"K": 1, "M": 1 << 10, "G": 1 << 20}
        if int(self.mem.rstrip("KMGkmg")) * scale.get(self.mem[-1].upper(), 1 << 10) < MEM_MIN << 10:
            raise MachineError(f"MEM={self.mem}: too little, give at least {MEM_MIN}M")
        if self.swap != "0" and not re.fullmatch(r"[1-9][0-9]*[MGmg]", self.swap):
            raise MachineError(f"SWAP={self.swap}: give a size such as 64M or 1G, or 0 for none")
        if " -- " in f" {self.kargs} ":
            raise MachineError("KARGS must not contain ' -- ': what follows it is a command line")
        args = self.bootargs()
        length = len(args.encode("utf-8", "surrogateescape"))
        if length > BOOTARGS_MAX:
            raise MachineError(
                f"the kernel command line is {length} bytes, but the kernel keeps "
                f"{BOOTARGS_MAX}: shorten CMD or KARGS (a script on the disk can be longer)"
            )
        if "\0" in args:
            raise MachineError("the kernel command line contains a NUL byte")

    def require_qemu(self):
        """Complain about a QEMU that is too old; what the Makefile calls so is in QEMU_OLDEST."""
        oldest = os.environ.get("QEMU_OLDEST") or "0"
        found = re.search(r"version (\d+(?:\.\d+)*)", run_tool([self.qemu, "--version"]))
        if found and _numbers(found[1]) < _numbers(oldest):
            raise MachineError(f"{self.qemu} is {found[1]}, too old: {oldest} is needed. `make doctor` "
                               "says how to get it")

    def require_files(self):
        """Complain about what the build has not made."""
        for path in (self.kernel, self.initrd, self.disk):
            if path is not None and not pathlib.Path(path).exists():
                make = "make DEBUG=1" if path == checking_kernel() else "make"
                raise MachineError(f"{path} does not exist: run `{make}` first")
        if self.swap != "0":
            make_swap(self.swap)

    def bootargs(self):
        words = [self.kargs] if self.kargs else []
        if self.marked:
            words.append("console=marked")
        if self.command is not None:
            words += ["--", self.command]
        return " ".join(words)

    def argv(self, drive=None, drive_format="raw", cache="writeback"):
        """QEMU's arguments up to the consoles; `drive` is the file used as the root disk."""
        argv = [self.qemu, "-machine", "virt", "-bios", "default"]
        argv += ["-smp", str(self.cpus), "-m", self.mem]
        argv += ["-global", "virtio-mmio.force-legacy=false"]
        argv += ["-kernel", str(self.kernel), "-initrd", str(self.initrd)]
        if self.bootargs():
            argv += ["-append", self.bootargs()]
        if drive is not None:
            argv += ["-drive",
                     f"file={_quoted(drive)},format={drive_format},if=none,id=root,cache={cache}"]
            argv += ["-device", "virtio-blk-device,drive=root,bus=virtio-mmio-bus.0"]
        if self.swap != "0":
            # Nothing there outlives the machine: writes go to a temporary file.
            argv += ["-drive", f"file={_quoted(swap_image(self.swap))},format=raw,if=none,"
                               "id=swap,snapshot=on,cache=unsafe"]
            argv += ["-device", "virtio-blk-device,drive=swap,bus=virtio-mmio-bus.1"]
        return argv

    def settings(self):
        """The variables that say this machine again on a `make` command line."""
        words = [f"CPUS={self.cpus}", f"MEM={self.mem}"]
        if self.swap != "256M":
            words.append(f"SWAP={self.swap}")
        if self.kargs:
            words.append("KARGS=" + shlex.quote(self.kargs))
        if self.extra:
            words.append("QEMUEXTRA=" + shlex.quote(shlex.join(self.extra)))
        if self.debug:
            words.append("DEBUG=1")
        return " ".join(words)

    def reproduce(self):
        """The `make` line that boots this machine by hand."""
        if self.command is None:
            return f"make qemu {self.settings()}"
        return f"make run {self.settings()} CMD={shlex.quote(self.command)}"


def swap_image(size):
    """The empty swap disk of that size, from which every machine starts."""
    return build_dir() / f"swap-{size.upper()}.img"


def make_swap(size):
    """Make it if it is not there: a sparse file with mkswap's signature."""
    path = swap_image(size)
    if path.exists():
        return
    fresh = path.with_suffix(f".{os.getpid()}")
    run_tool(["truncate", "-s", size.upper(), str(fresh)])
    os.chmod(fresh, 0o600)  # mkswap warns about others
    run_tool(["mkswap", str(fresh)],
             env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"})
    os.replace(fresh, path)


def make_overlay(path, backing, backing_format="raw"):
    """A fresh qcow2 file whose unwritten blocks come from `backing`."""
    run_tool(["qemu-img", "create", "-q", "-f", "qcow2", "-F", backing_format,
              "-b", str(pathlib.Path(backing).resolve()), str(path)])


def write_overlay(path, offset, data):
    """Put bytes into a qcow2 file, at an offset of the disk that it stands for."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        run_tool(["qemu-io", "-f", "qcow2", "-c", f"write -s {file.name} {offset} {len(data)}",
                  str(path)])


def run_tool(argv, ok=(0,), **kwargs):
    """Run a host tool; its output is returned, its failure is a MachineError in words."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, errors="replace",
                              check=False, **kwargs)
    except FileNotFoundError:
        raise MachineError(f"{argv[0]} is not installed: run `make deps`") from None
    if done.returncode not in ok:
        raise MachineError(f"{shlex.join(map(str, argv))} ended with {done.returncode}:\n"
                           f"{done.stdout.rstrip()}")
    return done.stdout
