#!/usr/bin/python3
"""`make bench-host`: what operations take in time, and what a second hart gives (docs/PERFORMANCE.md).

Prints the tables, and writes BUILD/bench/host.json. REPEAT=N: so many rounds of boots, 5 if it is not said.
ACCEPT=1 writes the tables into docs/. The figures are of this host as it was: nothing is judged by them.
"""
import json
import os
import sys

from banyan import bench, hosttime
from banyan.machine import ROOT, Machine, MachineError, build_dir
from banyan.settings import REPEAT_MAX, number


def main():
    rounds = number("REPEAT", hosttime.ROUNDS, 1, REPEAT_MAX)
    accepted = os.environ.get("ACCEPT") == "1"
    machine = Machine.from_env(**bench.MACHINE)
    for some in (machine, hosttime.counting(machine)):
        some.require_files()
    machine.require_qemu()
    if accepted:
        bench.require_usual(machine)
    if hosttime.processors() < 2:
        print("bench-host: one processor for us: two harts are not compared with one", file=sys.stderr)
        if accepted:
            raise bench.BenchError("ACCEPT=1 needs two processors")
    results = hosttime.whole(machine, rounds, lambda words: print(f"bench-host: {words}", file=sys.stderr))
    folder = build_dir() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "host.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    tables = [hosttime.table(results)] + ([hosttime.harts_table(results)] if results["harts"] else [])
    print("\n\n".join(tables))
    print(f"\nwritten: {folder / 'host.json'}", file=sys.stderr)
    if accepted:
        page = ROOT / "docs" / "PERFORMANCE.md"
        text = page.read_text("utf-8")
        for each in tables:
            text = bench.with_table(text, each)
        page.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (MachineError, bench.BenchError) as error:
        sys.exit(f"bench-host: {error}")
