#!/usr/bin/python3
"""`make run CMD='...'`: boot, run one shell line, power off.

    test/run.py [COMMAND]        (or the environment's CMD)

stdout gets exactly what the command wrote, as it comes; stderr the boot and the kernel's
messages. The exit status is the command's own (128 + signal if it was killed), or

    124  the machine hung: the report of harts and threads is on stderr
    125  the machine failed: panic, reset, power-off before the command ended, QEMU's end
    126  the machine cannot be started as asked

The disk is an overlay that is thrown away. The machine is described by the environment: see
test/banyan/machine.py; TIMEOUT is the processor seconds per hart that the run may take.
"""
import os
import sys

from banyan import program
from banyan.hang import Limits
from banyan.machine import Machine, MachineError

HUNG, FAILED, REFUSED = 124, 125, 126


def limits_from_env():
    """IDLE: host seconds without output or work that count as a hang; TIMEOUT: see above."""
    limits = Limits(wall=float("inf"))
    try:
        if os.environ.get("TIMEOUT"):
            limits = limits.scaled(float(os.environ["TIMEOUT"]))
        if os.environ.get("IDLE"):
            limits = Limits(float(os.environ["IDLE"]), limits.busy, limits.total, limits.wall)
    except ValueError:
        raise MachineError("TIMEOUT and IDLE are numbers of seconds") from None
    return limits


def writer(stream):
    """A function that writes bytes to a binary stream and survives a reader that has left."""
    state = {"open": True}

    def write(data):
        if state["open"]:
            try:
                stream.write(data)
                stream.flush()
            except BrokenPipeError:
                state["open"] = False
    return write


def explain(result):
    """The failure in words, with the report if the machine hung."""
    print(f"\nrun: {result.failure}", file=sys.stderr)
    report = result.boot.directory / "hang.txt"
    if report.exists():
        print(report.read_text(errors="replace"), file=sys.stderr)
    print(f"run: the log and the QEMU command are in {os.path.relpath(result.boot.directory)}/",
          file=sys.stderr)


def main():
    if len(sys.argv) > 2 or "-h" in sys.argv or "--help" in sys.argv:
        sys.exit(__doc__)
    command = sys.argv[1] if len(sys.argv) == 2 else os.environ.get("CMD", "")
    if not command.strip():
        raise MachineError("what shall be run? Say `make run CMD='ls -l /'`")
    machine = Machine.from_env()
    machine.require_qemu()
    result = program.run(machine, f"run-{os.getpid()}", command, limits_from_env(),
                         on_output=writer(sys.stdout.buffer), on_other=writer(sys.stderr.buffer))
    if result.failure:
        explain(result)
        return HUNG if result.failure.kind == "hang" else FAILED
    result.boot.discard()
    return result.status


if __name__ == "__main__":
    try:
        code = main()
    except MachineError as error:
        print(f"run: {error}", file=sys.stderr)
        code = REFUSED
    except KeyboardInterrupt:
        code = 130
    # A reader of stdout that has left must not turn into a traceback at exit.
    sys.stdout = None
    sys.exit(code)
