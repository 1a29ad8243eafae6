"""Seals: what the test's own hand wrote passes, and nothing else does."""
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

from banyan import seal
from banyan.ktap import PROBLEMS_MAX, RESULTS_MAX, parse
from banyan.machine import ROOT, run_tool
from banyan.program import OUTPUT_MAX
from banyan.settings import for_another_run

pytestmark = pytest.mark.points(0)
FAKE = pathlib.Path(__file__).with_name("fakeqemu.py")
KEY, OTHER = b"0123456789abcdef", b"fedcba9876543210"
LINES = ["1..3", "ok 1 one", "ok 2 two # SKIP no room", "ok 3 three"]
# ktap.h's own part, without the system calls that the rest of it makes.
PROGRAM = '''
#include <ktap_seal.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    static unsigned char line[2048];
    for (int i = 1; i < argc; i++) {
        uint64_t seal;
        size_t n = strlen(argv[i]);
        memcpy(line + 8, argv[i], n);
        if (ktap_seal(line, n, &seal))
            printf("%s {%016llx}\\n", argv[i], (unsigned long long)seal);
        else
            printf("%s\\n", argv[i]);
    }
    return 0;
}
'''


def sealed(lines, key=KEY):
    chain, made = seal.Chain(key), []
    for line in lines:
        number = chain.seal(line)
        chain.open(f"{line} {{{number:016x}}}")
        made.append(f"{line} {{{number:016x}}}")
    return made


def report(lines):
    return parse("KTAP version 1\n" + "\n".join(lines) + "\n", KEY)


def test_digest():
    """The example in the paper on SipHash."""
    assert seal.siphash(bytes(range(16)), bytes(range(15))) == 0xa129ca6149be45e5


def test_both_sides_agree(tmp_path):
    """The header's seals, once a key is in the program's file, are what we expect."""
    (tmp_path / "p.c").write_text(PROGRAM)
    program = tmp_path / "p"
    run_tool([os.environ.get("HOSTCC") or "gcc", "-Wall", "-Wextra", "-Werror", "-I",
              str(ROOT / "user" / "include"), "-o", str(program), str(tmp_path / "p.c")])
    lines = LINES + ["", "x" * 1015, "ok 4 \u00e9"] + ["y" * n for n in range(9)]
    assert run_tool([str(program), *lines]).splitlines() == lines
    contents = program.read_bytes()
    assert contents.count(seal.MARK) == 1
    program.write_bytes(contents.replace(seal.MARK + bytes(16), seal.MARK + KEY))
    assert run_tool([str(program), *lines]).splitlines() == sealed(lines)


def test_good():
    found = report(sealed(LINES))
    assert found.problems == [] and [point.name for point in found.points] == ["one", "two",
                                                                              "three"]


def altered(lines, at, old, new):
    return [*lines[:at], lines[at].replace(old, new), *lines[at + 1:]]


BAD = sealed(altered(LINES, 2, "ok 2 two # SKIP no room", "not ok 2 two"))
FORGED = {
    "no seals": LINES,
    "seals of another boot": sealed(LINES, OTHER),
    "one without": [*sealed(LINES)[:3], LINES[3]],
    "one left out": altered(sealed(LINES), 1, "ok 1 one", "# gone"),
    "moved": [sealed(LINES)[at] for at in (0, 2, 1, 3)],
    "twice": [*sealed(LINES), sealed(LINES)[3]],
    "a failure made good": altered(BAD, 2, "not ok", "ok"),
    "a failure left out": [line for line in BAD if "not ok" not in line],
    "a plan of its own": ["1..1", sealed(LINES)[1]],
    "a shorter plan": altered(sealed(LINES), 0, "1..3", "1..2")[:3],
    "a seal of its own": altered(sealed(LINES), 3, "{", "{0"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged(name):
    assert any("not sealed" in problem for problem in report(FORGED[name]).problems)


def test_a_failure_is_one():
    assert report(BAD).problems == ["not ok 2 two"]


def test_keys_are_fresh():
    keys = {seal.new_key() for _ in range(100)}
    assert len(keys) == 100 and all(len(key) == seal.KEY_SIZE and any(key) for key in keys)


def test_a_program_without_a_slot(tmp_path):
    """Nobody vouches for what prints its results in its own way."""
    disk = tmp_path / "disk.img"
    (tmp_path / "t").write_bytes(b"ok")
    run_tool(["mke2fs", "-q", "-t", "ext2", "-d", str(tmp_path), str(disk), "2M"],
             env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))
    with pytest.raises(LookupError, match="does not print its results with <ktap.h>"):
        seal.patch(disk, "/t", KEY)
    with pytest.raises(LookupError, match="is not in the disk image"):
        seal.patch(disk, "/gone", KEY)


@pytest.mark.parametrize("scene", ["ktap_good", "ktap_kept"])
def test_a_kernel_that_prints_ok(tmp_path, scene):
    """All the way: a machine that prints a fine report, or one kept from an earlier boot."""
    environment = for_another_run(
        QEMU=str(FAKE), KARGS=f"fake={scene}", PROGRAMS=str(ROOT / "build"), BUILD=str(tmp_path),
        KERNEL=str(FAKE), INITRD=str(FAKE), J="1", T="guest.pipe_basic[cpus=1]")
    done = subprocess.run([sys.executable, str(ROOT / "test" / "grade.py")], env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120,
                          check=False)
    assert done.returncode == 1 and re.search("(?m)^FAIL +0/3 +guest", done.stdout), done.stdout
    assert "not sealed with this boot's key" in done.stdout


FLOODS = {
    "results": b"ok 1 a\n",
    "blanks": b"ok 1" + b" " * 65535,
    "one line": b"ok 1 #",
    "number": b"9",
    "plans": b"1..1\n",
    "lines": b"\n",
    "nested": b"  not ok 1 x\n",
    "diagnostics": b"# \xff\n",
}


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "sealed"])
def test_reading_has_limits(name, key):
    """Whatever is printed, and as much as is kept of it, the reader is done soon and says little."""
    start = time.process_time()
    data = b"KTAP version 1\nok 1" + FLOODS[name] * (OUTPUT_MAX // len(FLOODS[name]))
    found = parse(data[:OUTPUT_MAX].decode("utf-8", "replace"), key)
    assert time.process_time() - start < 30
    assert found.problems[0] == "more than 1 MiB of output"  # and the rest is not looked at
    assert len(found.points) <= RESULTS_MAX
    assert len("\n".join(found.problems)) < 2000 * PROBLEMS_MAX
