"""Set gdb up for a machine that waits under `make qemu-gdb` (gdb's Python; see `make gdb`).

Symbols of the kernel are loaded three times over: where it is linked, where it is loaded (code
runs there until paging is on), and the trampoline where it is mapped. gdb relocates a file only
once, so each comes from a file of its own: a copy, and the trampoline's object. Symbols of a
program come with `user-symbols NAME`; all programs lie at the same addresses, so those of one are
loaded at a time.

Run by Python itself it starts gdb with this file, as the terminal's foreground group: a ^C is then
for gdb alone, and not for the make that runs it too.
"""
import glob
import os
import signal
import subprocess
import sys

try:
    import gdb
except ImportError:
    gdb = None

BUILD = "build"
KERNEL = os.environ.get("KERNEL") or f"{BUILD}/kernel.elf"
MADE = os.path.join(os.path.dirname(KERNEL), "kernel")
PHYSICAL = f"{MADE}/physical.elf"
TRAMPOLINE = f"{MADE}/trap/trampoline.S.o"
PORT = os.environ.get("GDBPORT") or "1234"
PROGRAMS = [f"{BUILD}/user/bin", f"{BUILD}/user/test", f"{BUILD}/user/bench",
            f"{BUILD}/user/server", f"{BUILD}/extra/*/debug"]


def load_offset(path):
    """What to add to a linked address of an ELF64 file to get the one that it is loaded at."""
    with open(path, "rb") as file:
        image = file.read()

    def field(offset, size):
        return int.from_bytes(image[offset:offset + size], "little")

    table, size, count = field(32, 8), field(54, 2), field(56, 2)
    for header in range(table, table + size * count, size):
        if field(header, 4) == 1:  # PT_LOAD
            return field(header + 24, 8) - field(header + 16, 8)
    raise gdb.GdbError(f"{path} has nothing to load")


def address_of(symbol):
    """A linker script's symbol."""
    return int(gdb.parse_and_eval(f"(unsigned long)&{symbol}")) % (1 << 64)


class UserSymbols(gdb.Command if gdb else object):
    """user-symbols NAME: the symbols of a program (cat, sh, fs, a test) in place of the last one's.
Without NAME: no program's."""

    def __init__(self):
        super().__init__("user-symbols", gdb.COMMAND_FILES)
        self.loaded = None

    @staticmethod
    def candidates(name):
        """Files of that name; `*` for all."""
        return [path for folder in PROGRAMS for path in sorted(glob.glob(f"{folder}/{name}"))
                if os.access(path, os.X_OK)]

    def invoke(self, argument, from_tty):
        name = argument.strip()
        found = self.candidates(glob.escape(name)) if name else []
        if name and not found:
            raise gdb.GdbError(f"no program {name} under {BUILD}")
        if self.loaded:
            gdb.execute(f"remove-symbol-file {self.loaded}", to_string=True)
            self.loaded = None
        if found:
            gdb.execute(f"add-symbol-file {found[0]}", to_string=True)
            self.loaded = os.path.abspath(found[0])
            print(f"symbols of {found[0]}")
        for other in found[1:]:
            print(f"(not of {other})")

    def complete(self, _text, word):
        return [name for name in map(os.path.basename, self.candidates("*"))
                if name.startswith(word)]


def set_up():
    for setting in ("confirm off", "pagination off", "architecture riscv:rv64",
                    "disassemble-next-line auto"):
        gdb.execute(f"set {setting}")
    gdb.execute(f"file {KERNEL}", to_string=True)
    gdb.execute(f"add-symbol-file {PHYSICAL} -o {load_offset(KERNEL) % (1 << 64):#x}",
                to_string=True)
    gdb.execute(f"add-symbol-file {TRAMPOLINE} "
                f"-s .text.trampoline {address_of('trampoline_address'):#x}", to_string=True)
    UserSymbols()
    try:
        gdb.execute(f"target remote 127.0.0.1:{PORT}")
    except gdb.error as error:
        print(f"{error}\nNothing waits at port {PORT}: start `make qemu-gdb` in another terminal, "
              f"then here: target remote 127.0.0.1:{PORT}")


def launch():
    """Run gdb in the foreground of the terminal; its exit status."""
    terminal = sys.stdin.isatty()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def lead():
        os.setpgid(0, 0)
        if terminal:
            os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)

    program = os.environ.get("GDB") or "gdb-multiarch"
    try:
        status = subprocess.call([program, "-q", "-x", __file__], preexec_fn=lead)
    except FileNotFoundError:
        return f"{program} is not installed: run 'make deps'"
    if terminal:
        os.tcsetpgrp(0, os.getpgrp())
    return status


if gdb:
    set_up()
else:
    sys.exit(launch())
