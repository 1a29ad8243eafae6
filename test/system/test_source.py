"""The source itself: arrows between folders, headers, layout; clang's build; counted lines."""
import collections
import os
import shlex
import subprocess

import pytest

from arrows import wrong_calls, wrong_includes
from banyan import gcov, program
from banyan.ktap import parse
from banyan.machine import ROOT, Machine, build_dir

pytestmark = pytest.mark.ours
CROSS = os.environ.get("CROSS", "riscv64-unknown-elf-")
OURS = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "T", "V", "J", "DISK", "KERNEL", "INITRD", "BUILD",
        "COVERAGE", "TOOLCHAIN", "CMD", "EXTRA", "LIST", "DEBUG", "TREE",
        "HIDDEN")
# Programs of all kinds, each a moment long.
SMOKE = ["mem_faults", "mem_cow", "mem_fp", "proc_exec", "proc_wait", "thread_life", "ipc_call",
         "pipe_basic", "file_basic", "libc_printf", "vm_asid"]


def make(*words):
    """`make words` in our tree, in a build folder that no other test uses."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in OURS and not key.startswith("PYTEST_")}
    done = subprocess.run(["make", *words], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=1800, check=False)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-40:])
        pytest.fail(f"{shlex.join(['make', *words])} ended with {done.returncode}:\n{tail}",
                    pytrace=False)


def fail_if(found):
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_includes_point_down():
    fail_if(wrong_includes(ROOT))


def test_calls_point_down():
    fail_if(wrong_calls(Machine.from_env().kernel.parent / "kernel", CROSS + "nm"))


@pytest.mark.xdist_group("lint")
def test_headers_compile_alone():
    make("headers")


@pytest.mark.xdist_group("lint")
def test_layout():
    """clang-format has nothing to change: `make format` mends it."""
    make("layout")


@pytest.mark.points(3)
def test_clang(boots):
    """Kernel and programs by clang: they build without a warning, boot, and work."""
    make("TOOLCHAIN=clang", "WERROR=1", "all")
    folder = ROOT / "build" / "clang"
    compilers = subprocess.run(["readelf", "-p", ".comment", folder / "kernel.elf"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout
    assert "clang" in compilers, compilers
    machine = boots.machine(kernel=folder / "kernel.elf", initrd=folder / "initrd.cpio",
                            disk=folder / "disk.img")
    result = program.run(machine, boots.name(), "usertests " + " ".join(SMOKE),
                         on_boot=boots.add)
    assert result.failure is None, result.failure
    problems = parse(result.text).problems
    assert not problems and result.status == 0, "\n".join(problems) + result.text
    assert f"{len(SMOKE)} of {len(SMOKE)} passed" in result.text


def counts_of(folder, source):
    """{line: count} of one source, as gcov reads the data written for the kernel in `folder`."""
    data = folder / "kernel" / f"{source}.gcda"
    text = subprocess.run([CROSS + "gcov", "--stdout", data], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert not text.stderr, text.stderr
    counts, here = collections.Counter(), False
    for row in text.stdout.splitlines():
        count, number, line = [word.strip() for word in row.split(":", 2)]
        if number == "0" and line.startswith("Source:"):
            here = line == f"Source:{source}"
        elif here and count.rstrip("*").isdigit():
            counts[int(number)] = int(count.rstrip("*"))
    return counts


def line_of(source, text):
    lines = (ROOT / source).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.xdist_group("counts")
@pytest.mark.points(2)
def test_counts_are_right(boots, monkeypatch, tmp_path):
    """`make coverage`'s counters: of things that happen as often as one knows, on several harts at
    the same time, in a boot that ends well and in one that is killed."""
    make("COVERAGE=1", "build/coverage/kernel.elf")
    folder, harts = ROOT / "build" / "coverage", 4
    kernel, keep, kept = folder / "kernel.elf", gcov.keep, []

    def keep_here(image, memory, file):
        kept.append(tmp_path / file.name)
        keep(image, memory, kept[-1])

    monkeypatch.setenv("COVERAGE", "1")
    monkeypatch.setattr(gcov, "keep", keep_here)
    machine = boots.machine(cpus=harts, mem="64M", kernel=kernel)
    boots.guest(machine).boot_process.kill()
    assert len(kept) == 1
    # A call for each byte that `read` reads.
    loop = "(for i in 1 2 3 4; do while read -r w; do :; done </README; done) &"
    result = program.run(machine, boots.name(), " ".join([loop] * harts) + " wait",
                         on_boot=boots.add)
    assert result.failure is None and result.status == 0, result.failure
    assert len(kept) == 2 and not (result.boot.directory / gcov.MEMORY).exists()
    assert gcov.write_data(kernel, kept) > 30
    main = counts_of(folder, "kernel/main.c")
    assert main[line_of("kernel/main.c", "process_start_init();")] == 2
    assert main[line_of("kernel/main.c", "give_stacks(h);")] == 2 * (harts - 1)
    assert main[line_of("kernel/main.c", 'panic("device tree')] == 0
    # Caller and called count for themselves. Each boot ends in a call on each hart at most.
    caller = counts_of(folder, "kernel/session.c")[line_of("kernel/session.c", "filedata_read(")]
    called = counts_of(folder, "kernel/filedata.c")[line_of("kernel/filedata.c", "space = thread_self()")]
    assert caller > 100000 and abs(caller - called) <= 2 * harts, (caller, called)


@pytest.mark.xdist_group("counts")
def test_counts_are_atomic():
    """Harts lose no count to each other. Too rare to be waited for, so it is the code that is
    looked at: each counter is added to by an instruction that is one with it."""
    make("COVERAGE=1", "build/coverage/kernel.elf")
    _, units = gcov.read_kernel(ROOT / "build" / "coverage" / "kernel.elf")
    for unit in units:
        code = subprocess.run([CROSS + "objdump", "-d", unit.path.replace(".gcda", ".o")],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        counters = sum(function.count for function in unit.functions)
        assert 0 < counters <= code.count("amoadd.d"), unit.path
