"""What operations cost in time, what they do to the TLB, and what a second hart gives: `make bench-host`.

Time is the guest's clock, which without -icount is the host's; so each figure is the median of several boots,
and is told with the least and the most. What is counted comes from a kernel of its own, which has counters for
it (bench_count in kernel/lib/counter.h). Two harts are compared with one by user/bench/harts.c.
"""
import dataclasses
import os
import re
import statistics

from . import bench

COUNTED = re.compile(r"^counted: (\S+) (\d+) (\d+) (\d+)$", re.MULTILINE)
EVENTS = ("satp", "fences", "spins")
ROUNDS = 5
ROW_MS = 50  # that an average is made of
LITTLE = {"mem": "32M", "swap": "256M"}
WORK = {
    "null": "null system call",
    "fault-processes": "page fault, in processes of their own",
    "fault-threads": "page fault, in threads of one process",
    "unmap-threads": "map, touch and unmap a page, in threads of one process",
    "fork": "fork, exit, wait",
    "ipc": "IPC call and reply, a pair of processes each",
    "read": "read 4 KiB, cached, a file each",
    "write": "overwrite 4 KiB, cached, a file each",
    "swap": "a page out or in, 64 MiB each on a machine of 32",
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """One boot: a program of user/bench with its arguments."""

    kind: str  # where its rows belong: "time", "one", "two"
    program: str
    changes: tuple = ()  # of the machine

    @property
    def name(self):
        return "host-" + self.program.replace(" ", "-")

    def machine(self, machine):
        return machine.with_(**{**bench.MACHINE, **dict(self.changes)})


def _harts(kind, count):
    return (Plan(kind, f"harts {count}", (("cpus", count),)),
            Plan(kind, f"harts {count} swap", (("cpus", count), *LITTLE.items())))


TIMED = (*(Plan("time", name) for name in bench.PROGRAMS),
         *(Plan("time", name, tuple(changes.items())) for name, changes in bench.DISK_PROGRAMS.items()))
# Next to each other: the two that are compared shall find the host as it is.
PAIRS = tuple(plan for pair in zip(_harts("one", 1), _harts("two", 2)) for plan in pair)


def processors():
    """Of the host, for us."""
    return len(os.sched_getaffinity(0))


def counting(machine):
    """The same machine with the kernel that `make counters` builds beside its own."""
    return machine.with_(kernel=machine.kernel.parent / "counters" / "kernel.elf")


def counted(text):
    """{row: {event: how many an operation}} in what a program printed."""
    return {row: {event: int(count) / 1e6 for event, count in zip(EVENTS, counts)}
            for row, *counts in COUNTED.findall(text)}


def in_turn(plans, rounds):
    """(round, plan): all plans in each round, and in each second one in the opposite order, so that what
    slows the host down for a while, or more and more, meets all alike."""
    for number in range(rounds):
        yield from ((number, plan) for plan in (plans if number % 2 == 0 else plans[::-1]))


def gather(plans, rounds, take):
    """{kind: {row: values, one of each round}}; take(plan) gives the rows of a boot."""
    found = {}
    for number, plan in in_turn(plans, rounds):
        for row, value in take(plan).items():
            found.setdefault(plan.kind, {}).setdefault(row, []).append(value)
            if len(found[plan.kind][row]) != number + 1:
                raise bench.BenchError(f"{plan.program}: {row} comes not once in each round")
    for kind, rows in found.items():
        for row, values in rows.items():
            if len(values) != rounds:
                raise bench.BenchError(f"{kind}: {row} was measured {len(values)} times, not {rounds}")
    return found


def times(machine, plans, rounds, say):
    """{kind: {row: nanoseconds, one of each round}}."""
    def take(plan):
        there = plan.machine(machine)
        say(f"/bench/{plan.program} on {there.settings()}")
        text = bench.output(there, plan.name, f"BENCH_MS={ROW_MS} /bench/{plan.program}")
        return {row: count / 1000 for row, count in bench.rows_of(text).items()}
    return gather(plans, rounds, take)


def counts(machine, plans, rounds, say):
    """{kind: {row: {event: median}}}, by the kernel that counts. (The rows of `make bench` repeat to the
    instruction: for them one round will do.)"""
    def take(plan):
        there = plan.machine(counting(machine))
        say(f"/bench/{plan.program} on {there.settings()}, counting")
        if plan.kind == "time":
            there = bench.by_instructions(there)
        rows = counted(bench.output(there, plan.name, f"/bench/{plan.program}"))
        if not rows:
            raise bench.BenchError(f"{there.kernel} counts nothing")
        return rows
    return {kind: {row: {event: statistics.median(each[event] for each in values) for event in EVENTS}
                   for row, values in rows.items()}
            for kind, rows in gather(plans, rounds, take).items()}


def spread(values):
    """Median, least and most."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def summary(timed, events, rounds):
    """All that is written down. A ratio is of two boots of one round: how much more two harts do."""
    results = {"rounds": rounds, "rows": {}, "harts": {}}
    for row, values in timed["time"].items():
        results["rows"][row] = {**spread(values), **events["time"].get(row, {})}
    for row, values in timed.get("two", {}).items():
        ratios = [alone / both for alone, both in zip(timed["one"][row], values)]
        results["harts"][row] = {"one": {**spread(timed["one"][row]), **events["one"][row]},
                                 "two": {**spread(values), **events["two"][row]}, "ratio": spread(ratios)}
    return results


def whole(machine, rounds, say):
    """Everything: {rounds, rows, harts}; no harts on a host that has one processor for us."""
    pairs = PAIRS if processors() > 1 else ()
    timed = times(machine, TIMED + pairs, rounds, say)
    return summary(timed, counts(machine, TIMED, 1, say) | counts(machine, pairs, rounds, say), rounds)


def event_figure(value):
    """So many of something in an operation, as people read it."""
    if 0.00005 <= value < 0.01:
        return f"{value:.4f}"
    return f"{value:,.0f}" if value >= 20 else f"{value:.2f}".rstrip("0").rstrip(".")


def _range(of, form):
    return f"{form(of['least'])} to {form(of['most'])}"


def table(results):
    """The rows of `make bench` in Markdown: nanoseconds, by the accepted count of instructions, events."""
    lines = ["| operation | ns | least to most | ns an instruction | writes of satp | fences |",
             "| --- | ---: | ---: | ---: | ---: | ---: |"]
    accepted = bench.budget()["rows"]
    for row in bench.peers()["rows"]:
        ours = results["rows"].get(row["row"])
        if not ours:
            continue
        count = accepted.get(row["row"])
        cells = [row["what"], f"**{bench.figure(ours['median'])}**", _range(ours, bench.figure),
                 f"{ours['median'] / count:.2f}" if count else "–",
                 *(event_figure(ours[event]) if event in ours else "–" for event in EVENTS[:2])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def harts_table(results):
    """What two harts do, by what one does, in Markdown."""
    lines = ["| work | one hart, ns | two harts, ns | **ratio** | least to most | writes of satp | fences | spins |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for row, what in WORK.items():
        ours = results["harts"].get(row)
        if not ours:
            continue
        cells = [what, bench.figure(ours["one"]["median"]), bench.figure(ours["two"]["median"]),
                 f"**{ours['ratio']['median']:.2f}**", _range(ours["ratio"], "{:.2f}".format),
                 *(event_figure(ours["two"][event]) for event in EVENTS)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
