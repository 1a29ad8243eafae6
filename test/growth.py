#!/usr/bin/python3
"""`make growth`: how costs grow with the size of what they are for (docs/PERFORMANCE.md).

Prints the tables, and writes BUILD/bench/growth.json and growth.svg; ACCEPT=1 writes tables and chart into
docs/. The exit status is 1 if something grows that must not.
"""
import json
import os
import sys

from banyan import bench, growth
from banyan.machine import ROOT, Machine, MachineError, build_dir


def main():
    machine = Machine.from_env(**bench.MACHINE).with_(debug=False)
    machine.require_files()
    machine.require_qemu()
    rows = growth.measure(machine)
    rows["boot"] = growth.boots(machine)
    bytes_of = growth.sizes(machine)
    folder = build_dir() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    results = {"rows": rows, "bytes": bytes_of}
    (folder / "growth.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    (folder / "growth.svg").write_text(growth.chart(rows), "utf-8")
    said = growth.grown(rows)
    print(f"{growth.table(rows)}\n\nA boot: {growth.per_frame(rows['boot']):.1f} instructions a frame.\n\n"
          f"{growth.size_table(bytes_of)}")
    print("\n".join(["", *said, f"written: {folder / 'growth.json'} {folder / 'growth.svg'}"]), file=sys.stderr)
    if os.environ.get("ACCEPT") == "1" and not said:
        bench.require_usual(machine)
        (ROOT / "docs" / "growth.svg").write_text(growth.chart(rows), "utf-8")
        page = ROOT / "docs" / "PERFORMANCE.md"
        text = bench.with_table(page.read_text("utf-8"), growth.table(rows))
        page.write_text(bench.with_table(text, growth.size_table(bytes_of)), "utf-8")
    return 1 if said else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (MachineError, bench.BenchError) as error:
        sys.exit(f"growth: {error}")
