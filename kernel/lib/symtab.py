"""Make the kernel's table of function symbols: `nm -n` on standard input, assembly on output.

The table that kernel/lib/symbol.c reads:
    symtab_count      u32, the number of symbols
    symtab_addresses  u32 each, offsets from kernel_start, ascending, no two the same
    symtab_names      u32 each, offsets into symtab_strings
    symtab_strings    the names, each ended by a NUL
With --empty it has no symbols: the kernel's first link, whose symbols make the real one.
"""
import sys


# Marks that kernel.ld sets: they name no function.
MARKS = ("kernel_start", "text_end", "trampoline_start", "trampoline_end")


def preference(symbol):
    """Which of several names of one address to keep: global first, then the plainer one."""
    kind, name = symbol
    return (not kind.isupper(), name.startswith("_"), len(name), name)


def read_functions(lines):
    """[(offset, name)] of the symbols between kernel_start and text_end, by address."""
    bounds = {}
    symbols = {}
    for line in lines:
        fields = line.split()
        if len(fields) != 3:
            continue
        address, kind, name = int(fields[0], 16), fields[1], fields[2]
        if name in MARKS:
            bounds[name] = address
        elif kind in "TtWw" and not name.startswith((".", "$")):
            symbols.setdefault(address, []).append((kind, name))
    if not {"kernel_start", "text_end"} <= bounds.keys():
        sys.exit("symtab.py: the kernel lacks kernel_start or text_end")
    start, end = bounds["kernel_start"], bounds["text_end"]
    return [
        (address - start, min(names, key=preference)[1])
        for address, names in sorted(symbols.items())
        if start <= address < end
    ]


def words(label, values):
    """An array of u32, eight to a line."""
    yield f"\t.globl {label}\n{label}:"
    for i in range(0, len(values), 8):
        yield "\t.word " + ", ".join(f"{value:#x}" for value in values[i : i + 8])


def assembly(functions):
    """The lines of the table."""
    names, place = [], 0
    for _, name in functions:
        names.append(place)
        place += len(name) + 1
    yield '\t.section .symbols, "a"\n\t.balign 8'
    yield from words("symtab_count", [len(functions)])
    yield from words("symtab_addresses", [offset for offset, _ in functions])
    yield from words("symtab_names", names)
    yield "\t.globl symtab_strings\nsymtab_strings:"
    for _, name in functions:
        yield f'\t.asciz "{name}"'


def main():
    functions = [] if "--empty" in sys.argv[1:] else read_functions(sys.stdin)
    print("\n".join(assembly(functions)))


main()
