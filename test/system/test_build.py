"""The Makefile and its scripts, on a tree small enough to be built in a second.

The tree has our Makefile, link scripts and tools, and tiny sources in the places of ours. It is
built once; each test gets a copy, times included.
"""
import ast
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest

from banyan.elf import Symbols
from banyan.machine import ROOT

pytestmark = pytest.mark.ours
OURS = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "WERROR", "DEBUG", "COVERAGE",
        "TOOLCHAIN", "EXTRA", "CMD", "T", "J", "V", "KARGS", "CPUS", "MEM", "QEMUEXTRA", "GDBPORT",
        "DISK", "KERNEL", "INITRD", "LIST", "TREE", "HIDDEN", "REPEAT", "FAILED", "ARGS", "SEED",
        "FULL", "CHOSEN")
OUR_FILES = ["Makefile", "kernel.ld", "vm/layout.h", "user/user.ld", "kernel/lib/symtab.py",
             "test/disk.py", "test/deps.sh", "test/doctor.sh", "test/make_status.c",
             "test/debug.py", "test/needs.py", "test/qemu.py"]
PROGRAM = """#include <stdio.h>
#include <string.h>
_Thread_local int initialized = 5;
_Thread_local int zeroed __attribute__((aligned(32)));
int main(void)
{
    char *copy = strdup("text");
    printf("%s %d\\n", copy, initialized);
    zeroed = copy != NULL;
    return !zeroed;
}
"""
EMPTY = "int main(void)\n{\n    return 0;\n}\n"
SOURCES = {
    "README.md": "read me\n",
    "kernel/head.S": """.section .text.boot, "ax"
.globl _start
_start:
    la t0, root
    la t1, middle
    la t2, _start
    srli t3, t1, 2          # root slot 510: the image, by one 2 MiB leaf
    ori t3, t3, 1
    li t4, 510 * 8
    add t4, t4, t0
    sd t3, (t4)
    srli t3, t2, 2
    ori t3, t3, 0xcf
    sd t3, (t1)
    li t3, 0x200000cf       # root slot 2: where it runs now
    sd t3, 16(t0)
    srli t3, t0, 12
    li t4, 8
    slli t4, t4, 60
    or t3, t3, t4
    sfence.vma
    csrw satp, t3
    la t3, paged
    sub t3, t3, t2
    li t4, 0xffffffff80000000
    add t3, t3, t4
    jr t3
paged:
    la sp, stack_end
    tail kernel_main
.bss
.balign 4096
root:
.space 4096
middle:
.space 4096
.space 4096
stack_end:
""",
    "kernel/main.c": """#include "kernel/thing.h"
int counter = 1;
static int unused_in_tests(int i) { return i * THING; }
void kernel_main(void);
void kernel_main(void) { for (;;) counter = unused_in_tests(counter); }
""",
    "kernel/thing.h": "#define THING 3\n",
    "kernel/debug/checks.c": "int debug_checks(void);\nint debug_checks(void) { return 1; }\n",
    "kernel/lib/memcpy.S": ".globl memcpy\n.type memcpy, @function\nmemcpy:\n    ret\n",
    "trap/trampoline.S": """.section .text.trampoline, "ax"
.globl trap_entry
trap_entry:
    nop
""",
    "vm/frame.c": '#include "vm/layout.h"\nuint64_t frame_size = PAGE_SIZE;\n',
    "user/lib/crt0.S": """.globl _start
_start:
.option push
.option norelax
    la gp, __global_pointer$
.option pop
    call main
    j _exit
""",
    "user/lib/exit.c": """void _exit(int status);
void _exit(int status) { for (;;) (void)status; }
""",
    "user/lib/malloc.c": """#include <stdlib.h>
static char pool[4096];
void *malloc(size_t size) { return size < sizeof pool ? pool : NULL; }
void free(void *block) { (void)block; }
""",
    "user/lib/stdio.c": """#include <stdio.h>
static int put(char c, FILE *f) { (void)c; (void)f; return 0; }
static FILE nowhere = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &nowhere;
""",
    "user/bin/first.c": PROGRAM,
    "user/bin/second.c": '#include "user/bin/second.h"\n' + EMPTY,
    "user/bin/second.h": "#define SECOND 1\n",
    "user/test/alpha.c": EMPTY,
    **{f"user/{name}/main.c": EMPTY for name in ("sh", "init", "blk", "fs", "tty")},
    "test/run.py": "import os, sys\nprint(ascii(os.environ['CMD']))\n"
                   "sys.exit(int(os.environ.get('KARGS', '0')))\n",
}


class Tree:
    """A tree to build in."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def make(self, *words, status=0, **environment):
        """`make words`: all that it printed."""
        done = self.process(*words, **environment)
        assert done.returncode == status, f"make {words}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def process(self, *words, merged=True, **environment):
        clean = {key: value for key, value in os.environ.items()
                 if key not in OURS and not key.startswith("PYTEST_")}
        return subprocess.run(["make", *words], cwd=self.root, env=dict(clean, **environment),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT if merged else subprocess.PIPE, text=True,
                              timeout=120, check=False)

    def done(self, *words):
        """What a make does: {"CC kernel/main.c", ...}. It leaves nothing to do."""
        text = self.make(*words)
        assert self.process("-q", *words).returncode == 0, "a second make would do more:\n" + text
        return {" ".join(line.split()) for line in text.splitlines() if line.startswith("  ")}

    def debugfs(self, *lines):
        """debugfs commands on the image, as a guest might have left it."""
        return subprocess.run(["debugfs", "-w", "-f", "-", "build/disk.img"], cwd=self.root,
                              input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=True,
                              env=dict(os.environ, LC_ALL="C", PATH=os.environ["PATH"]
                                       + ":/usr/sbin:/sbin")).stdout

    def listing(self, folder):
        """{name: (mode, uid, gid)} of a folder of the image."""
        found = {}
        for line in self.debugfs(f"ls -l {folder}").splitlines():
            fields = re.match(r" *\d+ +(\d+) \(\d+\) +(\d+) +(\d+) .* (\S+)$", line)
            if fields:
                found[fields[4]] = (int(fields[1], 8), int(fields[2]), int(fields[3]))
        return found

    def check_disk(self):
        subprocess.run(["/sbin/e2fsck", "-fn", "build/disk.img"], cwd=self.root, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    tree = Tree(tmp_path_factory.mktemp("small"))
    for path in OUR_FILES:
        (tree.root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, tree.root / path)
    shutil.copytree(ROOT / "test" / "banyan", tree.root / "test" / "banyan")
    for path, text in SOURCES.items():
        tree.write(path, text)
    tree.make("-j2", "WERROR=1")
    tree.make("-j2")
    yield tree
    shutil.rmtree(tree.root)


@pytest.fixture
def tree(built, tmp_path):
    copy = tmp_path / "tree"
    subprocess.run(["cp", "-a", "--sparse=always", built.root, copy], check=True)
    yield Tree(copy)
    shutil.rmtree(copy)


LINK_KERNEL = {"LD build/kernel.elf"}
PROGRAMS = {f"LD build/user/{name}" for name in (
    "bin/first", "bin/second", "bin/sh", "test/alpha",
    "server/init", "server/blk", "server/fs", "server/tty")} | {"CPIO build/initrd.cpio"}
LIBRARY = {"AR build/user/libbanyan.a", "AR build/user/libc.a"} | PROGRAMS


# ---------------------------------------------------------------- what is built when

def test_nothing_changed(tree):
    image = (tree.root / "build/disk.img").stat()
    assert tree.done() == set()
    assert tree.make("disk") == ""
    after = (tree.root / "build/disk.img").stat()
    assert (after.st_mtime_ns, after.st_ctime_ns) == (image.st_mtime_ns, image.st_ctime_ns)


@pytest.mark.parametrize("path, expected", [
    ("kernel/thing.h", {"CC kernel/main.c"} | LINK_KERNEL),
    ("vm/layout.h", {"CC vm/frame.c", "CPP kernel.ld"} | LINK_KERNEL),
    ("kernel.ld", {"CPP kernel.ld"} | LINK_KERNEL),
    ("kernel/lib/symtab.py", LINK_KERNEL),
    ("kernel/lib/memcpy.S", {"CC kernel/lib/memcpy.S"} | LINK_KERNEL | LIBRARY),
    ("user/lib/malloc.c", {"CC user/lib/malloc.c"} | LIBRARY),
    ("user/user.ld", PROGRAMS),
    ("user/bin/second.h", {"CC user/bin/second.c", "LD build/user/bin/second"}),
    ("user/fs/main.c", {"CC user/fs/main.c", "LD build/user/server/fs", "CPIO build/initrd.cpio"}),
    ("README.md", set()),
])
def test_touched(tree, path, expected):
    """A file that looks new rebuilds what depends on it and nothing else. The image is left alone,
    for what goes into it comes out the same."""
    (tree.root / path).touch()
    assert tree.done() == expected


def test_files_come_and_go(tree):
    tree.write("vm/more.c", "int more = 1;\n")
    assert tree.done() == {"CC vm/more.c"} | LINK_KERNEL
    (tree.root / "vm/more.c").unlink()
    assert tree.done() == LINK_KERNEL
    tree.write("user/bin/third.c", EMPTY)
    assert tree.done() == {"CC user/bin/third.c", "LD build/user/bin/third",
                           "UPDATE build/disk.img: /bin/third"}
    (tree.root / "user/bin/third.c").unlink()
    assert tree.done() == {"REMOVE build/disk.img: /bin/third"}
    tree.write("user/sh/more.c", "int more = 1;\n")
    assert tree.done() == {"CC user/sh/more.c", "LD build/user/bin/sh"}
    (tree.root / "user/sh/more.c").unlink()
    assert tree.done() == {"LD build/user/bin/sh"}


def test_a_header_is_renamed(tree):
    (tree.root / "kernel/thing.h").rename(tree.root / "kernel/other.h")
    tree.write("kernel/main.c", SOURCES["kernel/main.c"].replace("thing.h", "other.h"))
    assert tree.done() == {"CC kernel/main.c"} | LINK_KERNEL


def test_lost_output_is_made_again(tree):
    for path in ("build/image/bin/first", "build/user/bin/second", "build/kernel.elf"):
        (tree.root / path).unlink()
    tree.make()
    assert (tree.root / "build/image/bin/first").exists()
    assert (tree.root / "build/kernel.elf").exists()


def test_debug_flag(tree):
    kernel = {f"CC {path}" for path in SOURCES if re.match(r"(kernel|vm|trap)/.*\.[cS]$", path)}
    kernel |= {"LD build/debug/kernel.elf", "CPP kernel.ld"}
    assert tree.done("DEBUG=1") == kernel
    assert "debug_checks" in Symbols(tree.root / "build/debug/kernel.elf").address
    assert "debug_checks" not in Symbols(tree.root / "build/kernel.elf").address
    assert tree.done() == set() and tree.done("DEBUG=1") == set()


def test_optimized_as_one(tree):
    """Each server, across its files; with LTO=0 each function stays a function."""
    tree.write("user/fs/apart.c", "int apart(int i);\nint apart(int i) { return i + 1; }\n")
    tree.write("user/fs/main.c", "int apart(int i);\n"
                                 "int main(int argc, char **argv) { (void)argv; return apart(argc); }\n")
    for options, expected in ((), False), (("LTO=0",), True), ((), False):
        tree.make(*options)
        symbols = Symbols(tree.root / "build/user/server/fs").address
        assert ("apart" in symbols) == expected, options


def test_lint_looks_at_the_checking_kernel(tree):
    """Its own files, and what others have for it alone."""
    tree.write(".ci/run", "")
    shutil.copy2(ROOT / ".clang-tidy", tree.root)
    tree.write("vm/guard.h", "#if defined DEBUG\nint guard(void);\n#endif\n")
    tree.write("vm/guard.c", '#include "vm/guard.h"\n#ifdef DEBUG\n#endif\n')
    lint = ("lint", "CLANG_FORMAT=true")
    assert "lint: no complaint" in tree.make(*lint)
    for path, text in (("kernel/debug/checks.c", "int wrong(int i);\n"
                                                 "int wrong(int i) { return i == i; }\n"),
                       ("vm/guard.c", "int wrong(int i);\n#ifdef DEBUG\n"
                                      "int wrong(int i) { return i == i; }\n#endif\n"),
                       ("vm/guard.h", "#if defined DEBUG\nnosuch_t guard(void);\n#endif\n")):
        good = (tree.root / path).read_text()
        tree.write(path, text)
        assert path in tree.make(*lint, status=2)
        tree.write(path, good)


def test_warnings_are_errors_only_if_asked(tree):
    tree.write("vm/frame.c", "static int unused;\n")
    assert "warning" in tree.make()
    assert "unused" in tree.make("WERROR=1", status=2)


def test_clean_comes_before_what_follows(tree):
    text = tree.make("-j4", "clean", "all")
    assert text.index("rm -rf build") < text.index("CC")
    assert (tree.root / "build/disk.img").exists()
    tree.make("clean")
    assert not (tree.root / "build").exists()


# ---------------------------------------------------------------- the kernel's image

def test_symbol_table(tree):
    """What kernel/lib/symbol.c reads is what the kernel's ELF symbols say."""
    kernel = tree.root / "build/kernel.elf"
    subprocess.run(["riscv64-unknown-elf-objcopy", "-O", "binary", "-j", ".symbols", kernel,
                    tree.root / "table"], check=True)
    table = (tree.root / "table").read_bytes()
    symbols = Symbols(kernel).address
    assert len(table) == symbols["symtab_end"] - symbols["symtab"]

    def word(number):
        return int.from_bytes(table[4 * number:4 * number + 4], "little")

    count, found = word(0), {}
    for i in range(1, count + 1):
        at = 4 * (1 + 2 * count) + word(count + i)
        found[table[at:table.index(0, at)].decode()] = word(i)
    expected = {name: symbols[name] - symbols["kernel_start"]
                for name in ("_start", "paged", "kernel_main", "memcpy", "trap_entry")}
    assert found == expected
    assert list(found.values()) == sorted(found.values())


def test_symbol_table_needs_room(tree):
    tree.write("kernel/lib/memcpy.S", SOURCES["kernel/lib/memcpy.S"] +
               "".join(f".globl extra{i}\nextra{i}: nop\n" for i in range(2000)))
    assert "raise its SYMTAB_ROOM" in tree.make(status=2)


def test_start_must_be_first(tree):
    tree.write("kernel/head.S", SOURCES["kernel/head.S"].replace("_start:", "    nop\n_start:"))
    assert "_start is not the first byte" in tree.make(status=2)


def test_trampoline_must_fit(tree):
    tree.write("trap/trampoline.S", SOURCES["trap/trampoline.S"] + ".space 4096\n")
    assert "the trampoline exceeds a page" in tree.make(status=2)


def test_unknown_section_is_refused(tree):
    tree.write("vm/frame.c", '__attribute__((section("strange"))) int strange = 1;\n')
    assert "strange" in tree.make(status=2)


def segments(path):
    """(flags, first page, last page) of each PT_LOAD, and all load and virtual addresses."""
    text = subprocess.run(["riscv64-unknown-elf-readelf", "-lW", path], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    rows = re.findall(r"LOAD +(\w+) +(\w+) +(\w+) +(\w+) +(\w+) +([R ][W ][E ])", text)
    return [(flags.replace(" ", ""), int(virtual, 16), int(load, 16), int(size, 16))
            for _, virtual, load, _, size, flags in rows]


@pytest.mark.parametrize("path", ["build/kernel.elf", "build/user/bin/first"])
def test_segments_share_no_page(tree, path):
    found = segments(tree.root / path)
    assert [flags for flags, *_ in found] == ["RE", "R", "RW"]
    for (_, start, _, size), (_, following, _, _) in zip(found, found[1:]):
        assert following % 4096 == 0 and start + size <= following


def test_load_address(tree):
    for _, virtual, load, _ in segments(tree.root / "build/kernel.elf"):
        assert virtual - load == 0xffffffff80000000 - 0x80200000


# ---------------------------------------------------------------- programs

def test_program_symbols(tree):
    """In the guest programs have symbols but no debug information, which gdb has here."""
    def sections(path):
        return subprocess.run(["riscv64-unknown-elf-objdump", "-h", tree.root / path], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    assert ".debug_info" in sections("build/user/bin/first")
    assert ".debug_info" not in sections("build/image/bin/first")
    assert Symbols(tree.root / "build/image/bin/first").address["main"] >= 0x10000


def test_thread_local_layout(tree):
    """What user.ld says of thread-local data fits the alignment of every part."""
    symbols = Symbols(tree.root / "build/user/bin/first").address
    size, align, offset = (symbols[f"__{name}"] for name in
                           ("tls_size", "tls_align", "tbss_offset"))
    assert symbols["__tdata_size"] == 4 and offset % 32 == 0 and align % 32 == 0
    assert size == offset + symbols["__tbss_size"]
    assert symbols["__tdata_start"] % align == 0


def test_our_library_wins(tree):
    """strdup of picolibc calls malloc and memcpy: ours, whoever asks first."""
    disassembly = subprocess.run(
        ["riscv64-unknown-elf-objdump", "-d", "--no-show-raw-insn",
         tree.root / "build/user/bin/first"], check=True, stdout=subprocess.PIPE, text=True).stdout
    memcpy = disassembly.split("<memcpy>:")[1].split("\n\n")[0]
    assert memcpy.split()[1:] == ["ret"]
    ours = Symbols(tree.root / "build/user/obj/user/lib/malloc.c.o").address
    assert disassembly.count("<malloc>:") == 1 and "pool" in ours
    assert "pool" in Symbols(tree.root / "build/user/bin/first").address


def test_initrd(tree):
    listing = subprocess.run(["cpio", "-t", "--quiet"], stdin=open(tree.root / "build/initrd.cpio"),
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    assert listing.split() == ["init", "blk", "fs", "tty"]


def test_extra(tree, tmp_path):
    """Programs from outside replace ours of their names, and leave when their folder does."""
    first, second = tmp_path / "with blank", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (first / "hidden.c").write_text(EMPTY)
    (first / "second.c").write_text(PROGRAM)
    (second / "hidden.c").write_text('#include "here.h"\n' + PROGRAM)
    (second / "here.h").write_text("")
    ours = (tree.root / "build/image/bin/second").read_bytes()

    def inside(name):
        tree.debugfs(f"dump /bin/{name} copy")
        return (tree.root / "copy").read_bytes()

    tree.make(f"EXTRA={first}")
    assert "hidden" in tree.listing("/bin") and inside("second") != ours
    hidden = inside("hidden")
    tree.make(f"EXTRA={second}")
    assert inside("second") == ours and inside("hidden") != hidden
    (second / "here.h").write_text("#define NEW\n")
    assert any(line.startswith("CC") for line in tree.done(f"EXTRA={second}"))
    assert tree.done(f"EXTRA={first}") == {"UPDATE build/disk.img: /bin/hidden",
                                           "UPDATE build/disk.img: /bin/second"}
    assert inside("hidden") == hidden
    tree.make()
    assert "hidden" not in tree.listing("/bin") and inside("second") == ours
    assert sorted(os.listdir(first)) == ["hidden.c", "second.c"]
    assert "no folder" in tree.make("EXTRA=/nowhere", status=2)


# ---------------------------------------------------------------- the disk image

def test_what_tests_need(tree):
    """The lines test: of the sources are in the image, for usertests."""
    tree.write("user/test/alpha.c", '/* test: cpus=2.. mem=16M args="a b" */\n' + EMPTY)
    assert "UPDATE build/disk.img: /etc/usertests" in tree.done()
    tree.debugfs("dump /etc/usertests copy")
    assert (tree.root / "copy").read_text() == "alpha\tcpus=2..\tmem=16M\targs=a b\n"
    tree.write("user/test/alpha.c", "/* test: cpus=2,2 */\n" + EMPTY)
    assert "alpha: bad line `test: cpus=2,2`" in tree.make(status=2)


def test_disk_contents(tree):
    assert tree.listing("/bin") == {
        ".": (0o40755, 0, 0), "..": (0o40755, 0, 0), "sh": (0o100755, 0, 0),
        "first": (0o100755, 0, 0), "second": (0o100755, 0, 0)}
    top = tree.listing("/")
    assert top["tmp"] == (0o41777, 0, 0) and top["README"] == (0o100644, 0, 0)
    assert {"bin", "test", "etc", "home", "dev"} <= set(top)
    assert tree.listing("/dev")["null"] == (0o20666, 0, 0)
    assert "Device major/minor number: 01:03" in tree.debugfs("stat /dev/null")
    facts = tree.debugfs("stats")
    assert int(re.search(r"Free inodes: +(\d+)", facts)[1]) >= 20000
    assert int(re.search(r"Free blocks: +(\d+)", facts)[1]) * 4096 >= 64 << 20
    features = re.search(r"Filesystem features: +(.*)", facts)[1].split()
    assert set(features) <= {"has_journal", "filetype", "sparse_super", "large_file"}
    assert "has_journal" in features
    tree.check_disk()


def test_user_files_survive(tree):
    """A changed program is replaced, a lost one put back; all else stays as the user left it."""
    tree.write("mine", "mine\n")
    tree.debugfs("cd /home", "write mine mine", "cd /", "rm README", "write mine README",
                 "rm /bin/second")
    tree.write("user/bin/first.c", PROGRAM.replace("text", "other"))
    assert {line for line in tree.done() if "disk" in line} == {
        "UPDATE build/disk.img: /bin/first", "UPDATE build/disk.img: /bin/second"}
    assert "mine" in tree.listing("/home")
    for path in ("/home/mine", "/README"):
        assert "mine\n" in tree.debugfs(f"cat {path}")
    tree.debugfs("dump /bin/first copy")
    assert (tree.root / "copy").read_bytes() == (tree.root / "build/image/bin/first").read_bytes()
    tree.check_disk()


def test_an_old_image_gets_a_journal(tree):
    tree.write("mine", "mine\n")
    tree.debugfs("cd /home", "write mine mine")
    subprocess.run(["/sbin/tune2fs", "-O", "^has_journal", "build/disk.img"], cwd=tree.root,
                   check=True, stdout=subprocess.DEVNULL)
    assert "has_journal" not in tree.debugfs("stats")
    assert "JOURNAL build/disk.img" in tree.make("disk")
    assert "has_journal" in tree.debugfs("stats") and "mine\n" in tree.debugfs("cat /home/mine")
    tree.check_disk()
    assert tree.make("disk") == ""


def test_damage_is_mended(tree):
    tree.debugfs("sif /bin/sh links_count 7", "ssv free_blocks_count 5")
    assert "MEND" in tree.make("disk")
    tree.check_disk()
    assert tree.make("disk") == ""


def test_damage_beyond_mending_is_told(tree):
    tree.debugfs("clri <2>")
    text = tree.make("disk", status=2)
    assert "e2fsck -f build/disk.img" in text and "make clean" in text


def test_an_image_in_use_is_left_alone(tree):
    guest = subprocess.Popen(
        ["qemu-system-riscv64", "-machine", "virt", "-S", "-display", "none", "-serial", "none",
         "-monitor", "none", "-bios", "none", "-device", "virtio-blk-device,drive=d",
         "-drive", "file=build/disk.img,format=raw,id=d,if=none"], cwd=tree.root)
    try:
        tree.write("README.md", "changed\n")
        deadline = time.monotonic() + 30
        while "locked" not in tree_locks(tree):
            assert time.monotonic() < deadline and guest.poll() is None
            time.sleep(0.1)
        assert "in use by a running QEMU" in tree.make("disk", status=2)
    finally:
        guest.kill()
        guest.wait()
    assert "UPDATE  build/disk.img: /README" in tree.make("disk")


def tree_locks(tree):
    """"locked" once QEMU has its locks on the image."""
    inode = (tree.root / "build/disk.img").stat().st_ino
    locks = pathlib.Path("/proc/locks").read_text()
    return "locked" if re.search(rf":{inode} ", locks) else ""


def test_full_disk(tree):
    """No room for a program: said in words, and mended once there is room."""
    with open(tree.root / "big", "wb") as big:
        for _ in range(120):
            big.write(os.urandom(1 << 20))
    tree.debugfs("cd /home", "write big big")
    tree.write("README.md", "x" * 100000)
    assert "the disk is full" in tree.make("disk", status=2)
    tree.debugfs("rm /home/big")
    tree.make()
    assert len(tree.debugfs("cat /README")) > 100000
    tree.check_disk()


# ---------------------------------------------------------------- goals

@pytest.mark.parametrize("command", [
    "echo $HOME \"a  b\" 'q' `x` $(y) $$ \\ # % | ; && ,", "two\nlines\tand\n", "$x  ", "a\\"])
def test_commands_pass_unchanged(tree, command):
    assert ast.literal_eval(tree.make("run", f"CMD={command}")) == command
    assert ast.literal_eval(tree.make("run", CMD=command)) == command


def test_run_ends_as_the_command(tree):
    for status in (0, 1, 42, 139):
        tree.make("run", "CMD=x", f"KARGS={status}", status=status)


def test_run_says_nothing_else_on_stdout(tree):
    (tree.root / "kernel/main.c").touch()
    tree.write("README.md", "new\n")
    done = tree.process("run", "CMD=x", merged=False)
    assert done.stdout == "'x'\n"
    assert "CC" in done.stderr and "UPDATE" in done.stderr


def test_gdb(tree):
    """Kernel code is known by name where it is loaded and where it is linked, and the trampoline
    where it will be mapped; programs when asked for."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    clean = {key: value for key, value in os.environ.items() if key not in OURS}
    waiting = subprocess.Popen(["make", "qemu-gdb", f"GDBPORT={port}"], cwd=tree.root, env=clean,
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    try:
        while "make gdb" not in waiting.stderr.readline():
            assert waiting.poll() is None
        script = ("tbreak *0x80200000", "continue", "print $pc", "tbreak kernel_main", "continue",
                  "print $pc", "info symbol 0xfffffffffffff000", "user-symbols first",
                  "info line main", "user-symbols second", "info line main", "user-symbols nothing",
                  "kill", "quit")
        for _ in range(20):  # QEMU may not listen yet
            done = subprocess.run(["make", "gdb", f"GDBPORT={port}"], cwd=tree.root, env=clean,
                                  input="\n".join(script) + "\n", stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=60, check=True)
            if "Nothing waits" not in done.stdout:
                break
            time.sleep(0.5)
        waiting.wait(timeout=30)
    finally:
        waiting.stdin.close()
        waiting.kill()
        waiting.wait()
    for expected in (r"0x80200000 <(_start|kernel_start)>", r"0xffffffff8\w+ <kernel_main",
                     r"trap_entry in section .text.trampoline", r'of "user/bin/first.c"',
                     r'of "user/bin/second.c"', "no program nothing"):
        assert re.search(expected, done.stdout), f"{expected} in:\n{done.stdout}"


class Fakes:
    """A folder of commands that stand in PATH before the real ones, and say what they were told."""

    def __init__(self, folder):
        self.folder = folder / "fakes"
        self.folder.mkdir()
        self.log = folder / "log"
        self.log.write_text("")

    def add(self, name, script):
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.log}\n{script}\n')
        path.chmod(0o755)

    def only(self, *names):
        """Let just these real commands be found beside the fakes."""
        for name in names:
            (self.folder / name).symlink_to(shutil.which(name))
        return {"PATH": str(self.folder)}


def run_script(script, *arguments, **environment):
    return subprocess.run(["/bin/sh", ROOT / "test" / script, *arguments],
                          env=dict(os.environ, **environment), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def test_deps_as_root(tmp_path):
    fakes = Fakes(tmp_path)
    fakes.add("id", "echo 0")
    fakes.add("apt-get", 'echo "frontend $DEBIAN_FRONTEND" >>' + str(fakes.log))
    fakes.add("dpkg-query", 'case "$4" in here) echo "install ok installed";; *) exit 1; esac')
    done = run_script("deps.sh", "here", "missing", **fakes.only("env"))
    assert done.returncode == 0, done.stdout
    calls = [line for line in fakes.log.read_text().splitlines() if not line.startswith("dpkg")]
    assert re.fullmatch(r"apt-get .*update", calls[1]), calls
    assert re.fullmatch(r"apt-get .*install --no-install-recommends missing", calls[3]), calls
    assert calls[2] == calls[4] == "frontend noninteractive"


def test_deps_with_sudo(tmp_path):
    fakes = Fakes(tmp_path)
    fakes.add("id", "echo 1000")
    fakes.add("sudo", '"$@"')
    fakes.add("apt-get", "")
    fakes.add("dpkg-query", "exit 1")
    done = run_script("deps.sh", "missing", **fakes.only("env"))
    assert done.returncode == 0 and "using sudo to install: missing" in done.stdout
    assert fakes.log.read_text().count("sudo env") == 2


def test_deps_without_means(tmp_path):
    """Neither root nor sudo; or no apt: what to do is printed, and it is a failure."""
    fakes = Fakes(tmp_path)
    fakes.add("id", "echo 1000")
    fakes.add("dpkg-query", "exit 1")
    done = run_script("deps.sh", "one", "two", **fakes.only("env"))
    assert done.returncode == 1 and "one\n" in done.stdout and "two\n" in done.stdout
    fakes.add("apt-get", "")
    done = run_script("deps.sh", "one", PATH=str(fakes.folder))
    assert done.returncode == 1 and "apt-get install --no-install-recommends one" in done.stdout


def test_deps_has_nothing_to_do(tmp_path):
    fakes = Fakes(tmp_path)
    fakes.add("dpkg-query", 'echo "install ok installed"')
    fakes.add("apt-get", "exit 1")
    assert run_script("deps.sh", "one", PATH=str(fakes.folder)).returncode == 0


def test_deps_come_first(tree, tmp_path):
    """`make -j deps GOAL` installs before anything looks for a tool."""
    fakes = Fakes(tmp_path)
    compiler = fakes.folder / "late-gcc"
    tree.make("clean")
    tree.write("Makefile", (tree.root / "Makefile").read_text().replace(
        "CC := $(CROSS)gcc", "CC := late-gcc"))
    tree.write("test/deps.sh", "sleep 0.5\n"
               f"printf '#!/bin/sh\\nexec riscv64-unknown-elf-gcc \"$@\"\\n' >{compiler}\n"
               f"chmod 755 {compiler}\n")
    path = f"{fakes.folder}:{os.environ['PATH']}"
    assert "run 'make deps'" in tree.make("-j4", "all", PATH=path, status=2)
    tree.make("-j4", "deps", "all", PATH=path)


def test_doctor(tmp_path):
    fakes = Fakes(tmp_path)
    fakes.add("old-tool", 'echo "old-tool (of 2023) 1.9.2"')
    fakes.add("new-tool", 'echo "new-tool 1.10"')
    path = f"{fakes.folder}:{os.environ['PATH']}"
    done = run_script("doctor.sh", "new|new-tool|1.9.3", PATH=path)
    assert done.returncode == 0 and re.search(r"new-tool +1\.10 +ok", done.stdout)
    done = run_script("doctor.sh", "old|old-tool|1.10", "gone|no-such-tool|1.0", PATH=path)
    assert done.returncode == 1
    assert re.search(r"old-tool +1\.9\.2 +too old, 1\.10 is needed:.* install old\b", done.stdout)
    assert re.search(r"no-such-tool +missing .* install gone\b", done.stdout), done.stdout
