#!/usr/bin/python3
"""`make bench`: what operations cost, beside what they cost in other kernels.

Prints the table, and writes BUILD/bench/results.json and chart.svg. ACCEPT=1 writes the counts down as
the budget that the tests hold us to (test/data/bench/budget.json), and the table and the chart into docs/;
the commit that does so says why. The kernel is that of the build, on one hart, whatever CPUS says; KARGS holds.
"""
import json
import os
import sys

from banyan import bench
from banyan.machine import ROOT, Machine, MachineError, build_dir


def main():
    machine = Machine.from_env(**bench.MACHINE)
    machine.require_files()
    machine.require_qemu()
    results = bench.whole(machine, lambda words: print(f"bench: {words}", file=sys.stderr))
    folder = build_dir() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    (folder / "chart.svg").write_text(bench.chart(results), "utf-8")
    print(bench.table(results))
    known = {row["row"] for row in bench.peers()["rows"]}
    print("\nMore rows, which peers were not asked for:\n")
    for row, count in results["rows"].items():
        if row not in known:
            print(f"- {row}: {bench.figure(count)}")
    for row, (least, most) in results["spread"].items():
        print(f"- {row} spread from {bench.figure(least)} to {bench.figure(most)}")
    print(f"\nwritten: {folder / 'results.json'} {folder / 'chart.svg'}", file=sys.stderr)
    if os.environ.get("ACCEPT") == "1":
        bench.require_usual(machine)
        rows = {row: count for row, count in results["rows"].items() if row not in results["spread"]}
        bench.accept(bench.budgeted(rows), bench.compiler(machine.kernel))
        (ROOT / "docs" / "performance.svg").write_text(bench.chart(results), "utf-8")
        page = ROOT / "docs" / "PERFORMANCE.md"
        page.write_text(bench.with_table(page.read_text("utf-8"), bench.table(results)), "utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (MachineError, bench.BenchError) as error:
        sys.exit(f"bench: {error}")
