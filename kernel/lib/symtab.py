"""Make the kernel's table of function symbols: `nm -n` on standard input, the table on output.

It is what kernel/lib/symbol.h says, with zeros behind it up to the room that kernel.ld has left for
it, between symtab and symtab_end.
"""
import struct
import sys


# Marks that kernel.ld sets: they name no function.
MARKS = ("kernel_start", "text_end", "trampoline_start", "trampoline_end", "symtab", "symtab_end")


def preference(symbol):
    """Which of several names of one address to keep: global first, then the plainer one."""
    kind, name = symbol
    return (not kind.isupper(), name.startswith("_"), len(name), name)


def read_functions(lines):
    """[(offset, name)] of the symbols between kernel_start and text_end, by address; the room."""
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
    missing = {"kernel_start", "text_end", "symtab", "symtab_end"} - bounds.keys()
    if missing:
        sys.exit(f"symtab.py: the kernel lacks {', '.join(sorted(missing))}")
    start, end = bounds["kernel_start"], bounds["text_end"]
    functions = [
        (address - start, min(names, key=preference)[1])
        for address, names in sorted(symbols.items())
        if start <= address < end
    ]
    return functions, bounds["symtab_end"] - bounds["symtab"]


def table(functions):
    """Its bytes."""
    names, strings = [], b""
    for _, name in functions:
        names.append(len(strings))
        strings += name.encode() + b"\0"
    words = [len(functions)] + [offset for offset, _ in functions] + names
    return struct.pack(f"<{len(words)}I", *words) + strings


def main():
    functions, room = read_functions(sys.stdin)
    made = table(functions)
    if len(made) > room:
        sys.exit(f"symtab.py: the table has {len(made)} bytes, and kernel.ld has room for {room}: "
                 "raise its SYMTAB_ROOM")
    sys.stdout.buffer.write(made.ljust(room, b"\0"))


main()
