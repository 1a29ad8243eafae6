"""What operations cost: runs the programs of user/bench, and compares.

A count is one instruction of the guest, the kernel's and the servers' included, without what passes
while the hart waits (see user/bench/bench.h). Rows that wait for no disk repeat to the instruction.
"""
import json
import math
import os
import re
import statistics

from . import program
from .machine import ROOT, graded_root, run_tool

DATA = ROOT / "test" / "data" / "bench"
PEERS = ("xv6", "linux", "sel4")
TITLES = {"xv6": "xv6", "linux": "Linux", "sel4": "seL4"}
ROW = re.compile(r"^bench: (\S+) (\d+)$", re.MULTILINE)
# Virtual time goes on by a nanosecond with each instruction, and with the host's while all harts wait.
# With sleep=off it would leap to the next timer then, and a disk that the host is slow with would time
# out. What never waits counts the same either way.
ICOUNT = "shift=0,align=off,sleep=on"
MACHINE = {"cpus": 1, "mem": "256M", "swap": "0"}
PROGRAMS = ("call", "pipe", "process", "memory", "file")
# Those whose rows wait for a disk, and spread.
DISK_PROGRAMS = {"boot": {}, "swap": {"mem": "32M", "swap": "128M"}}
DISK_RUNS = 5
MARGIN = 1.03  # of the budget
REPEATS = 1.001  # what two runs may differ by, without a disk


class BenchError(Exception):
    """A program that did not measure."""


def by_instructions(machine):
    """The machine whose counts are instructions."""
    return machine.with_(extra=("-icount", ICOUNT, *machine.extra))


def output(machine, name, command):
    """What a command line with one of the programs prints on that machine, rows among it."""
    result = program.run(machine, f"bench-{name}", command)
    if result.failure or result.status != 0 or not ROW.search(result.text):
        raise BenchError(f"{command}: {result.failure or f'exit status {result.status}'}\n"
                         f"{result.text}")
    result.boot.discard()
    return result.text


def rows_of(text):
    """{row: count} in what a program printed."""
    return {row: int(count) / 1000 for row, count in ROW.findall(text)}


def run(machine, name):
    """{row: count} that /bench/NAME prints on that machine."""
    return rows_of(output(by_instructions(machine), name, f"/bench/{name}"))


def measure(machine):
    """{row: count} of the rows that wait for no disk."""
    rows = {}
    for name in PROGRAMS:
        rows.update(run(machine.with_(**MACHINE), name))
    return rows


def measure_disk(machine, runs=DISK_RUNS):
    """{row: all counts, in order} of the others."""
    counts = {}
    for name, changes in DISK_PROGRAMS.items():
        for _ in range(runs):
            for row, count in run(machine.with_(**{**MACHINE, **changes}), name).items():
                counts.setdefault(row, []).append(count)
    return {row: sorted(all_counts) for row, all_counts in counts.items()}


def text_bytes(kernel):
    """The size of the kernel's code."""
    for line in run_tool(["readelf", "-SW", str(kernel)]).splitlines():
        found = re.search(r"\.text\s+PROGBITS\s+\S+\s+\S+\s+([0-9a-f]+)", line)
        if found:
            return int(found[1], 16)
    raise BenchError(f"{kernel} has no .text")


def peers():
    """The rows, in order, and what the peers cost: test/data/bench/peers.json."""
    return json.loads((DATA / "peers.json").read_text("utf-8"))


def _value(cell):
    return cell[0] if isinstance(cell, list) else cell


def best_peer(row):
    """The least of what peers cost, or None."""
    return min((_value(row[peer]) for peer in PEERS if peer in row), default=None)


def figure(value):
    """A count as people read it."""
    if value is None:
        return "–"
    if value >= 9_950_000:
        return f"{value / 1e6:.3g} M" if value < 1e9 else f"{value / 1e6:.0f} M"
    return f"{value:,.2f}" if value < 20 else f"{value:,.0f}"


def _cell(row, peer):
    cell = row.get(peer)
    note = f" ({cell[1]})" if isinstance(cell, list) else ""
    return figure(_value(cell)) + note


def table(results):
    """The rows in Markdown: peers, ours, with isolation, the aim, ours by the best peer's."""
    lines = ["| operation | xv6 | Linux | seL4 | **Banyan** | isolated | aim | of best peer |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for row in peers()["rows"]:
        ours = results["rows"].get(row["row"])
        best = best_peer(row)
        ratio = f"{ours / best:.2f}" if ours and best else "–"
        if "judged by its aim" in row["what"]:
            ratio = "–"
        cells = [row["what"], *(_cell(row, peer) for peer in PEERS), f"**{figure(ours)}**",
                 figure(results.get("isolated", {}).get(row["row"])), figure(row["aim"]), ratio]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def with_table(page, new):
    """The text of docs/PERFORMANCE.md with the table that begins with the same line replaced by a new one."""
    head = re.escape(new.split("\n", 1)[0])
    page, found = re.subn(rf"^{head}\n.*?(?=\n\n)", lambda _: new, page, count=1,
                          flags=re.MULTILINE | re.DOTALL)
    if not found:
        raise BenchError(f"no table begins with: {new.splitlines()[0]}")
    return page


def compiler(kernel):
    """What the kernel says it was compiled by."""
    found = re.search(r"GCC: \(.*\) (\S+)", run_tool(["readelf", "-p", ".comment", str(kernel)]))
    return f"gcc {found[1]}" if found else "another"


def budget():
    """The counts that were accepted last: {compiler, rows: {row: count}}."""
    return json.loads((DATA / "budget.json").read_text("utf-8"))


def accept(rows, by):
    """These counts are the budget from now on."""
    lines = (f"    {json.dumps(row)}: {round(count, 2)}" for row, count in rows.items())
    (DATA / "budget.json").write_text(
        f'{{\n  "compiler": {json.dumps(by)},\n  "rows": {{\n' + ",\n".join(lines) + "\n  }\n}\n", "utf-8")


def unusual(machine):
    """Why this build's counts are not the tree's own, or None."""
    if machine.debug or os.environ.get("COVERAGE") == "1" or graded_root() != ROOT:
        return "not this tree's usual kernel"
    if machine.kargs or os.environ.get("KERNEL_DEFINES") or os.environ.get("LTO") == "0":
        return "not the usual machine: KARGS, KERNEL_DEFINES or LTO=0 is set"
    return None


def require_usual(machine):
    """Before counts are written down."""
    if unusual(machine):
        raise BenchError(f"ACCEPT=1 is for the usual build and machine: {unusual(machine)}")


def incomparable(machine):
    """Why this build's counts mean nothing beside the budget, or None."""
    if unusual(machine):
        return unusual(machine)
    by, ours = compiler(machine.kernel), budget()["compiler"]
    return None if by == ours else f"the kernel is compiled by {by}, the budget is for {ours}"


def budgeted(rows):
    """The rows that have a budget: averages, not what is done once, when a heartbeat may come between."""
    return {row: count for row, count in rows.items() if not row.endswith("-first")}


def over_budget(rows, accepted):
    """What costs too much, or is not accounted for, in words; empty: nothing."""
    said = [f"{row}: {rows[row]:,.2f}, {(rows[row] / count - 1) * 100:+.1f} % of {count:,.2f}"
            for row, count in accepted.items() if row in rows and rows[row] > count * MARGIN]
    said += [f"{row}: not measured" for row in accepted if row not in rows]
    said += [f"{row}: not in the budget" for row in rows if row not in accepted]
    return said


def differences(rows, again):
    """Rows of two runs that do not agree, in words."""
    return [f"{row}: {count:,.2f} and {again[row]:,.2f}" for row, count in rows.items()
            if max(count, again[row]) > min(count, again[row]) * REPEATS]


# ------------------------------------------------------------------- chart

WIDTH, LEFT, RIGHT, TOP, STEP = 900, 330, 30, 60, 22
COLOURS = {"xv6": "#9a6324", "linux": "#4363d8", "sel4": "#e6a700", "banyan": "#2a8f3c", "aim": "#888888"}


def _escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _power(exponent):
    return f"{10 ** (exponent - 6):,} M" if exponent >= 6 else f"{10 ** exponent:,g}"


def chart(results):
    """The rows as an SVG: one line for each, a dot for each system, on a logarithmic scale."""
    rows = [row for row in peers()["rows"] if row["row"] in results["rows"]]
    values = [value for row in rows for value in
              [results["rows"][row["row"]], row["aim"], *(_value(row[p]) for p in PEERS if p in row)]]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    height = TOP + STEP * len(rows) + 30

    def place(value):
        return LEFT + (math.log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>']
    for exponent in range(low, high + 1):
        x = place(10 ** exponent)
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 22}" stroke="#dddddd"/>')
        out.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle" fill="#555555">'
                   f'{_power(exponent)}</text>')
    names = [*PEERS, "banyan", "aim"]
    for at, name in enumerate(names):
        x = LEFT + at * 100
        out.append(f'<circle cx="{x}" cy="20" r="5" fill="{COLOURS[name]}"/>'
                   f'<text x="{x + 10}" y="24">{ {**TITLES, "banyan": "Banyan", "aim": "aim"}[name]}</text>')
    out.append('<text x="10" y="24">instructions for one operation; less is better</text>')
    for at, row in enumerate(rows):
        y = TOP + STEP * at + 6
        ours = results["rows"][row["row"]]
        out.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{_escaped(row["what"])}</text>')
        out.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#eeeeee"/>')
        x = place(row["aim"])
        out.append(f'<line x1="{x:.1f}" y1="{y - 6}" x2="{x:.1f}" y2="{y + 6}" '
                   f'stroke="{COLOURS["aim"]}" stroke-width="2"/>')
        dots = [(peer, _value(row[peer])) for peer in PEERS if peer in row] + [("banyan", ours)]
        out += [f'<circle cx="{place(value):.1f}" cy="{y}" r="5" fill="{COLOURS[name]}"/>'
                for name, value in dots]
    return "\n".join(out + ["</svg>"]) + "\n"


def whole(machine, say=lambda words: None):
    """All that `make bench` writes down: {rows, isolated, spread, kernel text}."""
    machine = machine.with_(debug=False)
    say("rows without a disk, twice")
    rows, again = measure(machine), measure(machine)
    for words in differences(rows, again):
        raise BenchError(f"two runs differ: {words}")
    say("the same with isolation=on")
    isolated = measure(machine.with_(kargs=f"{machine.kargs} isolation=on".strip()))
    say(f"boot and swap, {DISK_RUNS} times")
    disk = measure_disk(machine)
    rows.update({row: statistics.median(counts) for row, counts in disk.items()})
    rows["text"] = text_bytes(machine.kernel)
    return {"rows": rows, "isolated": isolated,
            "spread": {row: [counts[0], counts[-1]] for row, counts in disk.items()}}

