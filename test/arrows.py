#!/usr/bin/python3
"""Do the arrows between the folders point down only?

    test/arrows.py [ROOT [OBJECTS]]

reads every #include of kernel/, vm/, trap/ and user/ under ROOT and compares it with RULES. With
OBJECTS, the folder of the kernel's object files (build/kernel), it also compares what each folder's
code calls with where that is defined, which includes do not show: a lower layer may use a name of a
higher one only if HOOKS lists it.

Prints one line per arrow that points up, and ends with 1 if there is any.
"""
import fnmatch
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parents[1]

# What the kernel and programs share: numbers and structures, no code.
ABI = ["kernel/abi.h", "kernel/errno.h", "kernel/messages.h"]
# What a compiler without a C library brings.
FREESTANDING = ["limits.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h"]
# {files: what they may include}, the first pattern that fits a file counts. `*` stays in a folder,
# `**` does not. An #include of a file that is not in the tree is judged by its name.
RULES = {
    "kernel/lib/string.h": ["string.h", *FREESTANDING],  # the C library's where there is one
    "kernel/lib/**": ["kernel/lib/*", "kernel/errno.h", *FREESTANDING],
    "kernel/abi.h": FREESTANDING,
    "kernel/errno.h": FREESTANDING,
    "kernel/messages.h": [*ABI, *FREESTANDING],
    "kernel/**": ["kernel/*", "kernel/lib/*", "kernel/debug/*", "vm/*", "trap/*", *FREESTANDING],
    # layout.h, the picture of the address space, is everybody's: kernel.ld reads it too.
    "trap/**": ["trap/*", "kernel/lib/*", "vm/layout.h", *ABI, *FREESTANDING],
    "vm/**": ["vm/*", "trap/*", "kernel/lib/*", *ABI, *FREESTANDING],
}
# A program sees itself, the library, what the kernel shares, and the C library's headers. ELF's
# structures and the virtqueue code belong to nobody.
PROGRAM = ["user/include/**", "user/lib/*", "kernel/lib/virtq*.h", "kernel/lib/elf.h", *ABI]

# Layers from the bottom, and what a lower one may use of a higher one: declared by the lower.
LAYERS = ["kernel/lib", "trap", "vm", "kernel"]
HOOKS = {
    "trap": {"trap_up_exception", "trap_up_interrupt", "trap_up_leave", "trap_up_syscall", "trap_up_calls",
             "harts"},  # trap/trap.h, kernel/lib/hart.h
    "vm": {"harts"},
    "kernel/lib": {"harts"},
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include(?:_next)?[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def fits(path, pattern):
    """Is `path` meant by `pattern`?"""
    if pattern.endswith("/**"):
        return path.startswith(pattern[:-2])
    return fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")


def meant(root, source, kind, name):
    """The file of the tree that an #include reaches; its bare name if it is not of the tree."""
    beside = os.path.normpath(os.path.join(os.path.dirname(source), name))
    if kind == '"' and (root / beside).is_file():
        return beside
    return os.path.normpath(name)


def allowed(root, source, target):
    """None if `source` may include `target`, else the words for what it may."""
    if source.startswith("user/"):
        own = "/".join(source.split("/")[:2]) + "/**"
        of_tree = target.split("/")[0] in ("kernel", "vm", "trap", "user", "test")
        if not of_tree or not (root / target).is_file():
            return None  # a header of the C library, or of user/include by its short name
        rule = [own, *PROGRAM]
    else:
        rule = next(rule for files, rule in RULES.items() if fits(source, files))
    return None if any(fits(target, pattern) for pattern in rule) else " ".join(rule)


def wrong_includes(root):
    """A line for each #include that points up."""
    root, found = pathlib.Path(root), []
    sources = [path for folder in ("kernel", "vm", "trap", "user")
               for path in sorted((root / folder).rglob("*")) if path.suffix in (".c", ".h", ".S")]
    for path in sources:
        source = str(path.relative_to(root))
        text = COMMENT.sub(lambda comment: "\n" * comment.group().count("\n"),
                           path.read_text(errors="replace"))
        for match in INCLUDE.finditer(text):
            target = meant(root, source, *match.groups())
            rule = allowed(root, source, target)
            if rule is not None:
                line = text.count("\n", 0, match.start(1)) + 1
                found.append(f"{source}:{line}: includes {target}, but may only include: {rule}")
    return found


def _layer(file):
    return next((layer for layer in LAYERS if file.startswith(layer + "/")), None)


def symbols(objects, nm):
    """({name: layer that defines it}, {(object, name)} used but not defined) of object files."""
    defined, used = {}, set()
    names = (str(path.relative_to(objects)) for path in pathlib.Path(objects).rglob("*.o"))
    # kernel/debug is above all; what DEBUG=1 has others call of it is declared by vm/'s own headers.
    files = sorted(name for name in names if _layer(name) and not name.startswith("kernel/debug/"))
    if not files:
        raise SystemExit(f"arrows: no object files in {objects}: build the kernel first")
    done = subprocess.run([nm, "--extern-only", "--print-file-name", *files],
                          stdout=subprocess.PIPE, text=True, check=True, cwd=objects)
    for line in done.stdout.splitlines():
        name, rest = line.split(":", 1)
        words = rest.split()
        if words[-2] == "U":
            used.add((name, words[-1]))
        else:
            defined[words[-1]] = _layer(name)
    return defined, used


def wrong_calls(objects, nm):
    """A line for each name of a higher layer that a lower one uses without a hook."""
    defined, used = symbols(objects, nm)
    found = []
    for file, name in sorted(used):
        mine, theirs = _layer(file), defined.get(name)
        if theirs and LAYERS.index(theirs) > LAYERS.index(mine) and name not in HOOKS.get(mine, ()):
            found.append(f"{file[:-2]}: uses {name} of {theirs}/, which is above {mine}/: have "
                         f"{theirs}/ pass it down (a function pointer), or make it a hook of "
                         f"{mine}/'s own header and list it in test/arrows.py")
    return found


def main():
    if len(sys.argv) > 3 or sys.argv[1:2] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    found = wrong_includes(sys.argv[1] if len(sys.argv) > 1 else HERE)
    if len(sys.argv) == 3:
        nm = os.environ.get("CROSS", "riscv64-unknown-elf-") + "nm"
        found += wrong_calls(sys.argv[2], nm)
    print("\n".join(found) if found else "arrows: all point down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
