#!/usr/bin/python3
"""`make qemu`: the machine at your terminal, on the disk image itself, so that files stay.

    test/qemu.py [--gdb]

--gdb waits for a debugger before the first instruction, on port GDBPORT (1234) of this host.
The machine is described by the environment: see test/banyan/machine.py.
"""
import os
import sys

from banyan.machine import Machine, MachineError


def main():
    gdb = sys.argv[1:] == ["--gdb"]
    if sys.argv[1:] and not gdb:
        sys.exit(__doc__)
    machine = Machine.from_env()
    machine.require_files()
    machine.require_qemu()
    argv = machine.argv(machine.disk)
    argv += ["-nographic", "-serial", "mon:stdio", *machine.extra]
    if gdb:
        port = os.environ.get("GDBPORT") or "1234"
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise MachineError(f"GDBPORT={port}: not a port number")
        argv += ["-S", "-gdb", f"tcp:127.0.0.1:{port}"]
        print("Waiting for `make gdb` in another terminal.", file=sys.stderr)
    print("To leave: `shutdown` at the prompt, or Ctrl-A then X (which loses unwritten files).\n"
          "^C goes to the guest; Ctrl-A then C switches to QEMU's monitor and back.",
          file=sys.stderr, flush=True)
    try:
        os.execvp(argv[0], argv)
    except FileNotFoundError:
        raise MachineError(f"{argv[0]} is not installed: run `make deps`") from None


if __name__ == "__main__":
    try:
        main()
    except MachineError as error:
        sys.exit(f"qemu: {error}")
