#!/usr/bin/python3
"""Boots to the shell and shuts down cleanly, many times, and counts.

    test/boots.py [-n TIMES] [-c CPUS[,CPUS...]] [-k KARGS] [-j JOBS] [--check]

Each boot has a fresh overlay. Those that fail keep their directory under BUILD/test/boots-*/;
--check also runs e2fsck on each overlay. The exit status is 0 only if every boot was clean.
"""
import argparse
import concurrent.futures
import sys
import time

from banyan.boot import BootFailure
from banyan.guest import Guest
from banyan.machine import Machine, MachineError


def one(machine, name, check):
    """Boot once: (None, seconds) if all was well, else (words, seconds)."""
    start = time.monotonic()
    guest = Guest(machine, name)
    try:
        with guest:
            guest.boot()
            guest.run("echo up", status=0)
            guest.shutdown(check_image=check)
    except (BootFailure, AssertionError, OSError) as failure:
        return str(failure) or repr(failure), time.monotonic() - start
    guest.boot_process.discard()
    return None, time.monotonic() - start


def series(machine, times, jobs, check):
    """The number of failures among `times` boots."""
    failures = []
    seconds = []
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        names = [f"boots-cpus{machine.cpus}-{i + 1}" for i in range(times)]
        futures = {pool.submit(one, machine, name, check): name for name in names}
        for future in concurrent.futures.as_completed(futures):
            words, took = future.result()
            seconds.append(took)
            if words:
                failures.append(words)
                print(f"{futures[future]}: {words}", flush=True)
    print(f"cpus={machine.cpus} kargs={machine.kargs!r}: {times - len(failures)} of {times} boots "
          f"clean; {min(seconds):.1f} to {max(seconds):.1f} s each", flush=True)
    return len(failures)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=10, metavar="TIMES")
    parser.add_argument("-c", default="1,2,4,8", metavar="CPUS")
    parser.add_argument("-k", default=None, metavar="KARGS")
    parser.add_argument("-j", type=int, default=1, metavar="JOBS")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    bad = 0
    for text in options.c.split(","):
        machine = Machine.from_env(cpus=int(text))
        if options.k is not None:
            machine = machine.with_(kargs=options.k)
        machine.require_files()
        bad += series(machine, options.n, options.j, options.check)
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (MachineError, ValueError) as error:
        sys.exit(f"boots: {error}")
