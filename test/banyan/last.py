"""What `make grade FAILED=1` needs to know of the run before: what failed, and on what it ran."""
import json
import os

from .machine import MachineError, build_dir

# What decides which runs there are and on which machines.
REMEMBERED = ("SEED", "FULL", "REPEAT", "CPUS", "MEM", "KARGS", "QEMUEXTRA", "EXTRA", "HIDDEN",
              "CHOSEN", "DEBUG")


def _path():
    return build_dir() / "test" / "last.json"


def save(names):
    """A run has ended in which the runs `names` failed or were blocked."""
    facts = {"failed": names,
             "settings": {key: os.environ[key] for key in REMEMBERED if os.environ.get(key)}}
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".new").write_text(json.dumps(facts, indent=1) + "\n")
    path.with_suffix(".new").rename(path)


def load():
    """(names that failed, {variable: value} of that run)"""
    try:
        facts = json.loads(_path().read_text())
        return facts["failed"], facts["settings"]
    except FileNotFoundError:
        raise MachineError("FAILED=1: there was no run yet; say `make grade` first") from None
    except (ValueError, KeyError):
        raise MachineError(f"FAILED=1: {_path()} is damaged; say `make grade` first") from None
