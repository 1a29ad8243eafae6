"""How costs grow: runs the programs user/bench/grow_*.c, each row at several sizes.

A row is named ROW@SIZE. Its exponent is the slope on a log-log chart between its two largest sizes: 0 is
constant, 1 linear. And what things cost in memory of the kernel's: user/bench/size.c.
"""
import math
import re

from . import bench

ROW = re.compile(r"^(\S+)@(\d+)$")
# Program: what of the machine is not as for the other benches.
PROGRAMS = {"grow_memory": {"mem": "1G"}, "grow_names": {"mem": "512M"}, "grow_files": {},
            "grow_processes": {"mem": "512M"}}
BOOT_MIB = (64, 256, 1024, 4096, 8192)
BOOT_RUNS = 3
# Row: what, what its sizes count, whether it may be linear in them.
ROWS = {
    "fork": ("fork, exit, wait", "MiB of heap, touched", True),
    "exit": ("the end of a process", "MiB of its own", True),
    "munmap": ("munmap", "pages, touched", True),
    "found": ("stat of a name that is there", "names in the directory, 512 MiB", False),
    "missing": ("stat of one that is not", "names in the directory, 512 MiB", False),
    "create": ("create, close, unlink", "names in the directory, 512 MiB", False),
    "open": ("open and close", "files open in the process", False),
    "read1": ("read of a byte", "files open in the process", False),
    "switch": ("yield to another and back", "processes that sleep", False),
    "wake": ("pipe ping-pong", "processes that sleep", False),
    "fork-beside": ("fork, exit, wait", "children that sleep", False),
    "boot": ("boot", "MiB of memory", True),
}
CONSTANT = 0.1  # the largest exponent of what must not grow
STEP = 2.5  # what it may cost at one size, in terms of what it costs at another
FRAMES_PER_MIB = 256
LEVEL_MIB = 1024  # from here on a boot takes more for nothing but frames: fs's caches are at their most
BOOT_PER_FRAME = 10  # instructions, at most
# What user/bench/size.c measures, in bytes.
SIZES = {"bytes-process": "a process that sleeps", "bytes-thread": "a thread that sleeps",
         "bytes-open-file": "an open file", "bytes-page": "a page that is mapped"}


def measure(machine, programs=tuple(PROGRAMS)):
    """{row: {size: count}} of those programs."""
    rows = {}
    for name in programs:
        for key, count in bench.run(machine.with_(**{**bench.MACHINE, **PROGRAMS[name]}), name).items():
            row, size = ROW.match(key).groups()
            rows.setdefault(row, {})[int(size)] = count
    return rows


def boots(machine, sizes=BOOT_MIB, runs=BOOT_RUNS):
    """{MiB: count} from the kernel's first instruction to the first program: the least, since a disk that the
    host is slow with makes for more."""
    return {mib: min(bench.run(machine.with_(**{**bench.MACHINE, "mem": f"{mib}M"}), "boot")["boot"]
                     for _ in range(runs)) for mib in sizes}


def sizes(machine):
    """{row: bytes} of SIZES."""
    return bench.run(machine.with_(**bench.MACHINE), "size")


def exponent(counts):
    """Of one row, {size: count}: between its two largest sizes."""
    (size, count), (larger, more) = sorted(counts.items())[-2:]
    return round(math.log(more / count) / math.log(larger / size), 2) + 0.0  # no -0


def per_frame(counts):
    """What one more frame of memory costs a boot, by {MiB: count}."""
    sizes_mib = [mib for mib in counts if mib >= LEVEL_MIB]
    least, most = min(sizes_mib), max(sizes_mib)
    return (counts[most] - counts[least]) / (most - least) / FRAMES_PER_MIB


def is_constant(counts):
    """Whether a row is, as far as its sizes show."""
    return exponent(counts) <= CONSTANT and max(counts.values()) <= STEP * min(counts.values())


def grown(rows):
    """Rows that grow and must not, in words."""
    said = [f"{row}: exponent {exponent(counts):.2f}, from {min(counts.values()):,.0f} to "
            f"{max(counts.values()):,.0f}" for row, counts in rows.items()
            if not ROWS[row][2] and not is_constant(counts)]
    if "boot" in rows and per_frame(rows["boot"]) > BOOT_PER_FRAME:
        said.append(f"boot: {per_frame(rows['boot']):.1f} instructions a frame of memory")
    return said


def table(rows):
    """The rows in Markdown."""
    lines = ["| operation | by | instructions at each size | exponent |", "| --- | --- | --- | ---: |"]
    for row, counts in rows.items():
        what, unit, _ = ROWS[row]
        cells = ", ".join(f"{size:,}: {bench.figure(count)}" for size, count in sorted(counts.items()))
        lines.append(f"| {what} | {unit} | {cells} | {exponent(counts):.2f} |")
    return "\n".join(lines)


def size_table(bytes_of):
    """What things take of the kernel's memory, in Markdown."""
    return "\n".join(["| what | bytes of the kernel's memory |", "| --- | ---: |",
                      *(f"| {what} | {bench.figure(bytes_of[row])} |" for row, what in SIZES.items())])


# ------------------------------------------------------------------- chart

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 560, 70, 240, 20, 40
COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#469990", "#9a6324", "#800000",
           "#808000", "#000075", "#f032e6", "#777777")


def chart(rows):
    """All rows as an SVG, logarithmic both ways."""
    points = [(size, count) for counts in rows.values() for size, count in counts.items() if size]
    right = math.ceil(math.log10(max(size for size, _ in points)))
    low = math.floor(math.log10(min(count for _, count in points)))
    high = math.ceil(math.log10(max(count for _, count in points)))

    def x(size):
        return LEFT + math.log10(size) / right * (WIDTH - LEFT - RIGHT)

    def y(count):
        return HEIGHT - BOTTOM - (math.log10(count) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for power in range(right + 1):
        out.append(f'<line x1="{x(10 ** power):.0f}" y1="{TOP}" x2="{x(10 ** power):.0f}" '
                   f'y2="{HEIGHT - BOTTOM}" stroke="#dddddd"/><text x="{x(10 ** power):.0f}" '
                   f'y="{HEIGHT - 22}" text-anchor="middle">{10 ** power:,}</text>')
    for power in range(low, high + 1):
        out.append(f'<line x1="{LEFT}" y1="{y(10 ** power):.0f}" x2="{WIDTH - RIGHT}" '
                   f'y2="{y(10 ** power):.0f}" stroke="#dddddd"/><text x="{LEFT - 6}" '
                   f'y="{y(10 ** power) + 4:.0f}" text-anchor="end">{bench.figure(10 ** power)}</text>')
    out.append(f'<text x="{LEFT}" y="{HEIGHT - 6}">size; instructions for one operation upwards</text>')
    for at, (row, counts) in enumerate(rows.items()):
        line = " ".join(f"{x(size):.1f},{y(count):.1f}" for size, count in sorted(counts.items()) if size)
        what, unit, _ = ROWS[row]
        colour = COLOURS[at % len(COLOURS)]
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 8}" y="{TOP + 30 * at + 12}" fill="{colour}">{what}'
                   f'<tspan x="{WIDTH - RIGHT + 20}" dy="13" fill="#555555">by {unit}: '
                   f'{exponent(counts):.2f}</tspan></text>')
    return "\n".join(out + ["</svg>"]) + "\n"
