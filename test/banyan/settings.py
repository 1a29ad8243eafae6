"""The variables of `make grade` that are neither a machine's nor a name's."""
import os

from .machine import MachineError

REPEAT_MAX = 10000
# What a user sets for one run, and what make and the harness hand down for it.
OF_A_RUN = ("ARGS CHOSEN COVERAGE CPUS DEBUG EXTRA FAILED FULL GRADED HIDDEN J KARGS KERNEL LIST MEM "
            "QEMUEXTRA REPEAT SEED SWAP T TREE UNGRADABLE V").split()
SEED_MAX = (1 << 32) - 1


def on(name):
    """Whether a switch such as V or FULL is on."""
    return os.environ.get(name) not in (None, "", "0")


def for_another_run(**variables):
    """The environment of a run that this one starts: with these settings, and none of its own."""
    kept = {key: value for key, value in os.environ.items()
            if key not in OF_A_RUN and not key.startswith("PYTEST_")}
    return {**kept, **variables}


def number(name, otherwise, low, high):
    """The value of the variable `name`, which must be a number from low to high."""
    text = os.environ.get(name) or ""
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise MachineError(f"{name}={text}: give a number from {low} to {high}")
    return int(text)


def repetitions():
    """How often each test is to be run."""
    return number("REPEAT", 1, 1, REPEAT_MAX)


def seed():
    """What the machines of guest tests are drawn from."""
    return number("SEED", 0, 0, SEED_MAX)
