#!/usr/bin/python3
"""`make grade TREE=DIR`: grade DIR's kernel/, vm/, trap/ and kernel.ld with all else of ours.

The graded files are copied to build/tree/NAME/src and built there by our Makefile; programs,
servers, tests and harness are ours, built from our files alone, so nothing else in DIR counts.
Results are in build/tree/NAME/test: results.json, results.xml, a folder for each boot. A tree that
cannot be built gets its report and 0 points.

The exit status is pytest's (0: every test passed, 1: some failed), or 2 if DIR cannot be graded for
a reason that is not its author's.
"""
import fcntl
import hashlib
import os
import pathlib
import re
import sys

from banyan import last, sandbox
from banyan.boot import directory_name
from banyan.machine import ROOT, MachineError, debug_build
from banyan.selection import asks_for_checking
from banyan.settings import on
from banyan.staging import StagingError, stage

BUILD_SECONDS = 900
BUILD_LOG_MAX = 20000  # bytes of the compiler's words that are shown
HANDED_DOWN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "TREE", "KERNEL", "INITRD",
               "DISK", "BUILD", "EXTRA", "CMD", "T", "J", "V")


def folder_of(tree):
    """build/tree/NAME for the tree: its folder's name, and a checksum of where that lies."""
    checksum = hashlib.sha256(os.fsencode(tree)).hexdigest()[:8]
    return ROOT / "build" / "tree" / f"{directory_name(tree.name)[:60]}-{checksum}"


def claim(folder):
    """Lock the folder for this process (and what it becomes); two must not use it at once."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    os.set_inheritable(lock, True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise MachineError(f"{folder} is in use: this tree is being graded already") from None


def kernels_of(folder):
    """{kernel: "1" if it is the checking one, else ""} of those that are to be built."""
    plain, checking = folder / "kernel.elf", folder / "debug" / "kernel.elf"
    if debug_build() or (on("FAILED") and last.load()[1].get("DEBUG") == "1"):
        return {checking: "1"}
    return {plain: "", checking: "1"} if asks_for_checking() else {plain: ""}


def build(folder, kernel, debug):
    """None, or in words why there is no such kernel. `debug`: the value of DEBUG."""
    log = folder / "build.log"
    kernel.unlink(missing_ok=True)
    environment = {key: value for key, value in os.environ.items() if key not in HANDED_DOWN}
    environment["DEBUG"] = debug
    environment["TMPDIR"] = str(folder / "tmp")
    (folder / "tmp").mkdir(exist_ok=True)
    place = folder.relative_to(ROOT)
    argv = ["make", f"-j{len(os.sched_getaffinity(0))}", f"K={kernel.parent.relative_to(ROOT)}",
            f"KSRC={place}/src/", str(kernel.relative_to(ROOT))]
    status = sandbox.run(argv, log, BUILD_SECONDS, ROOT, writable=[folder], env=environment,
                         secret=sandbox.secrets())
    if status is None:
        return f"the build was not done after {BUILD_SECONDS} s"
    if status == 0 and kernel.is_file():
        return None
    with open(log, "rb") as file:
        words = file.read(BUILD_LOG_MAX).decode("utf-8", "replace")
    words = re.sub(r"(?m)^  [A-Z]+ +\S.*\n", "", words.replace(f"{place}/src/", "")).rstrip()
    return f"the kernel does not build:\n{words}\n(all of it: {log})"


def prepare(tree, folder):
    """None, or in words why the tree cannot be tested."""
    try:
        stage(tree, folder / "src", ROOT)
    except StagingError as error:
        return f"the tree cannot be built: {error}"
    problems = (build(folder, kernel, debug) for kernel, debug in kernels_of(folder).items())
    return next(filter(None, problems), None)


def main():
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    tree = pathlib.Path(os.environ.get("TREE") or "")
    if not os.environ.get("TREE") or not tree.is_dir():
        raise MachineError(f"TREE={os.environ.get('TREE', '')}: no such folder")
    tree = tree.resolve()
    folder = folder_of(tree)
    claim(folder)
    for old in ("results.json", "results.xml", "ungradable.txt"):
        (folder / "test" / old).unlink(missing_ok=True)
    print(f"grade: {tree}: building its kernel in {folder.relative_to(ROOT)}", flush=True)
    if not sandbox.available():
        print("grade: bubblewrap is not installed or not allowed here: what this tree's build and "
              "its host tests do is not contained", file=sys.stderr, flush=True)
    os.environ.update(PROGRAMS=str(ROOT / "build"), BUILD=str(folder), GRADED=str(folder / "src"))
    reason = None if on("LIST") else prepare(tree, folder)
    environment = dict(os.environ, KERNEL=str(next(iter(kernels_of(folder)))),
                       INITRD=str(ROOT / "build" / "initrd.cpio"))
    if reason:
        print(f"grade: {reason}", flush=True)  # once; each test says only that it was not run
        (folder / "test").mkdir(exist_ok=True)
        (folder / "test" / "ungradable.txt").write_text(reason, errors="replace")
        environment["UNGRADABLE"] = str(folder / "test" / "ungradable.txt")
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, str(ROOT / "test" / "grade.py")], environment)


if __name__ == "__main__":
    try:
        main()
    except ImportError as error:
        sys.exit(f"grade: {error}: run `make deps`")
    except (MachineError, OSError) as error:
        print(f"grade: {error}", file=sys.stderr)
        sys.exit(2)
