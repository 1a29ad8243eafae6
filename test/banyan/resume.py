"""FULL=1 takes long: what is done is kept, and a run that was cut goes on with the rest.

The journal has a line per run that has ended, under a line that names what was tested: the same
kernel, programs, tests, seed and selection. Anything else begins anew. When all is done, the
journal goes.
"""
import hashlib
import json
import os

from .machine import ROOT, build_dir
from .tally import Run

SETTINGS = ("SEED", "T", "REPEAT", "CHOSEN", "CPUS", "MEM", "KARGS", "QEMUEXTRA", "EXTRA",
            "HIDDEN", "DEBUG")


def path():
    return build_dir() / "test" / "full.jsonl"


def key(files):
    """A checksum of all that decides what a run comes to; `files`: those that QEMU is given."""
    state = hashlib.sha256()
    tests = [file for file in (ROOT / "test").rglob("*") if file.suffix in (".py", ".c", ".h", ".S")]
    for file in [*files, *sorted(tests)]:
        state.update(str(file).encode() + b"\0" + file.read_bytes())
    for name in SETTINGS:
        state.update(f"{name}={os.environ.get(name)}\0".encode())
    return state.hexdigest()


def begin(identity):
    """The Runs that are done already; the journal is ready for more of them."""
    lines = []
    try:
        lines = path().read_text().splitlines(keepends=True)
    except FileNotFoundError:
        pass
    whole = [line for line in lines if line.endswith("\n")]  # the last may have been cut
    if whole[:1] != [json.dumps(identity) + "\n"]:
        whole = [json.dumps(identity) + "\n"]
    path().parent.mkdir(parents=True, exist_ok=True)
    new = path().with_suffix(".new")
    new.write_text("".join(whole))
    new.rename(path())
    return [Run(**json.loads(line)) for line in whole[1:]]


def note(run):
    """A run has ended."""
    with open(path(), "a") as journal:
        journal.write(json.dumps(vars(run)) + "\n")


def end():
    """All is done."""
    path().unlink(missing_ok=True)
