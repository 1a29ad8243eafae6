#!/usr/bin/python3
"""Damages services while they work, in many boots, until so many faults took place.

    test/faults.py [-n FAULTS] [-c CPUS[,CPUS...]] [-j JOBS] [-s SEED] [-m MEM] [-o SERVICE]

Each boot has a fresh overlay and goes on until its volume is spoiled (see user/test/svc_faults.c).
Boots that fail, or in which a service is given up, keep their directory under BUILD/test/faults-*/.
The exit status is 0 only if no kernel failed, no program hung, and each service came back or said
why it cannot.
"""
import argparse
import collections
import concurrent.futures
import itertools
import sys

from banyan import faults
from banyan.machine import Machine, MachineError


def series(machines, seeds, wanted, jobs, service):
    """Boots until `wanted` faults took place: their sums, and the words of those that failed."""
    sums, failures = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = set()
        while running or sums["faults"] < wanted:
            while len(running) < jobs and sums["faults"] < wanted:
                running.add(pool.submit(faults.boot, next(machines), next(seeds),
                                        service=service))
            done, running = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                outcome = future.result()
                sums += outcome.sums
                if outcome.given_up is not None:
                    print(f"seed {outcome.seed}: a service was given up: {outcome.given_up}", flush=True)
                if outcome.failure:
                    failures.append(f"seed {outcome.seed}: {outcome.failure}")
                    print(failures[-1], flush=True)
    return sums, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=10000, metavar="FAULTS")
    parser.add_argument("-c", default="1,2,4", metavar="CPUS")
    parser.add_argument("-j", type=int, default=1, metavar="JOBS")
    parser.add_argument("-s", type=int, default=1, metavar="SEED")
    parser.add_argument("-m", default="128M", metavar="MEM")
    parser.add_argument("-o", default="", choices=("fs", "blk", "tty"), metavar="SERVICE",
                        help="damage only this one")
    options = parser.parse_args()
    machines = [Machine.from_env(cpus=int(text), mem=options.m, swap="0")
                for text in options.c.split(",")]
    machines[0].require_files()
    sums, failures = series(itertools.cycle(machines), itertools.count(options.s), options.n,
                            options.j, options.o)
    for what, count in sorted(sums.items()):
        print(f"{count:8} {what}")
    print(f"{len(failures)} of {sums['boots']} boots failed")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (MachineError, ValueError) as error:
        sys.exit(f"faults: {error}")
