"""The programs inside the guest: the cases that the host ran, and the pages of `man`."""
import re

import pytest

from banyan import image
from banyan.machine import ROOT
from test_sh_host import read_cases

pytestmark = [pytest.mark.points(2), pytest.mark.ours]
PAGES = sorted((ROOT / "user" / "man").glob("*.[1-9]"))


def test_cases(boots, tmp_path):
    """The cases on programs of sh_cases.txt, with this machine's C library and file system."""
    cases = [case for case in read_cases() if case.section == "programs"]
    extra = {}
    for number, case in enumerate(cases):
        extra[f"/tmp/case{number}"] = tmp_path / f"case{number}"
        extra[f"/tmp/case{number}"].write_text(case.script)
    image.make(tmp_path / "disk.img", extra=extra)
    guest = boots.guest(disk=tmp_path / "disk.img")
    for number, case in enumerate(cases):
        guest.run(f"mkdir /tmp/d{number}; cd /tmp/d{number}", status=0)
        guest.run(f"sh /tmp/case{number} >/tmp/out{number} 2>&1")
        assert guest.status == case.status, case.name
    guest.shutdown()
    for number, case in enumerate(cases):
        printed = image.read_file(guest.overlay, f"/tmp/out{number}", tmp_path).decode()
        assert printed == case.output, f"{case.name}:\n{case.script}"


def programs():
    """The names of all that the build puts into /bin."""
    found = {path.stem for path in (ROOT / "user" / "bin").glob("*.c")}
    return found | {path.parent.name for path in (ROOT / "user" / "bin").glob("*/*.c")} | {"sh"}


def test_every_program_has_a_page():
    names = {path.name for path in PAGES}
    assert not {name for name in programs() if f"{name}.1" not in names}
    commands = re.findall(r'^    \{"(\S+)", builtin_\w+', (ROOT / "user/sh/builtin.c").read_text(),
                          re.MULTILINE)
    assert len(commands) > 20
    page = (ROOT / "user/man/sh.1").read_text()
    assert not [name for name in commands if not re.search(rf"^    ([^ ]+, )*{re.escape(name)}[, ]", page,
                                                           re.MULTILINE)]


def test_pages_are_well_formed():
    """A title that man finds, lines that fit, and no reference that leads nowhere."""
    names = {path.name for path in PAGES}
    for path in PAGES:
        lines = path.read_text().splitlines()
        assert lines[0] == "NAME" and re.fullmatch(r"    \S.* - \S.*", lines[1]), path
        assert path.stem in re.split(r",? +", lines[1]), path
        assert max(map(len, lines)) <= 78, path
        assert "\t" not in "".join(lines), path
        for name, section in re.findall(r"\b([a-z_]+)\(([1-9])\)", "\n".join(lines)):
            assert f"{name}.{section}" in names or any(
                re.match(rf"    (.*, )?{name}(,| -)", page.read_text().splitlines()[1])
                for page in PAGES if page.suffix == f".{section}"), f"{path}: {name}({section})"


def test_man(guest):
    """`man` at the terminal shows a page whole, through a pager that needs no key for it."""
    assert "NAME" in guest.run("man ls | cat", status=0)
    found = guest.run("man -k page table", status=0)
    assert "pgt" in found
    guest.run("man no-such-page", status=1)


@pytest.mark.parametrize("cpus, mem", [(2, "256M"), (4, "32M")], ids=["cpus=2", "cpus=4,mem=32M"])
def test_grind(boots, cpus, mem):
    """Random operations in several processes are as their models say, leave nothing behind, and
    the kernel has nothing to say about them."""
    guest = boots.guest(cpus=cpus, mem=mem)
    for seed in (1, 2):
        output = guest.run(f"grind -s {seed} -n 1500 -d /tmp", status=0)
        assert "6000 operations, nothing was wrong" in output
        assert "refused" not in output
    assert guest.run("stressfs -p 6 -k 64 -d /tmp", status=0) == \
        "stressfs: 24 files of 64 KiB were written and read\n"
    made = re.fullmatch(r"forktest: (\d+) processes began and ended\n",
                        guest.run("forktest", status=0))
    assert int(made[1]) > 100
    assert guest.run("forktest -n 7", status=0) == "forktest: 7 processes began and ended\n"
    assert guest.run("ls /tmp") == ""
    guest.run("grind -n none 2>/dev/null", status=2)
    log = (guest.boot_process.directory / "serial.log").read_text(errors="replace")
    assert not re.search(r"(?i)page fault|panic|out of memory|killed", log)
    guest.shutdown()
