"""Takes a copy of the graded part of somebody's tree: kernel/, vm/, trap/ and kernel.ld.

The copy is what is built, so that a tree that changes meanwhile, or holds more than sources, does
no harm. It lies beside links to our own test/ and user/, and so has the layout of a whole tree. A
file is written only if it differs from the last copy: make then rebuilds what changed, whatever
times an archive gave its files.
"""
import os
import pathlib
import re
import stat

FOLDERS = ("kernel", "vm", "trap")
SCRIPT = "kernel.ld"
OURS = ("test", "user")
SOURCE = re.compile(r".*\.(c|h|S|ld)")
# Names reach make and the shell, to which other characters may mean something.
SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
FILES_MAX = 4000
BYTES_MAX = 64 << 20


class StagingError(Exception):
    """What is wrong with the tree, for its author."""


def stage(tree, copy, root):
    """Make or bring up to date `copy` of `tree`; links in it lead to `root`'s own folders."""
    tree, copy = pathlib.Path(tree).resolve(), pathlib.Path(copy)
    wanted = {}
    missing = [name + "/" for name in FOLDERS if not (tree / name).is_dir()]
    missing += [] if (tree / SCRIPT).is_file() else [SCRIPT]
    if missing:
        raise StagingError(f"the tree has no {', '.join(missing)} (a tree has kernel/, vm/, trap/ "
                           f"and kernel.ld at its top)")
    _take(tree, pathlib.Path(SCRIPT), wanted)
    for name in FOLDERS:
        _take_folder(tree, pathlib.Path(name), wanted)
    total = sum(len(contents) for contents in wanted.values())
    if total > BYTES_MAX or len(wanted) > FILES_MAX:
        raise StagingError(f"{len(wanted)} files of {total >> 20} MiB: more than the {FILES_MAX} "
                           f"files or {BYTES_MAX >> 20} MiB that are taken")
    _write(copy, wanted)
    for name in OURS:
        link = copy / name
        if not link.is_symlink():
            link.symlink_to(root / name)


def _take_folder(tree, folder, wanted):
    for entry in sorted((tree / folder).iterdir()):
        path = folder / entry.name
        if entry.name.startswith(".") or not SAFE.fullmatch(entry.name):
            if SOURCE.fullmatch(entry.name) and not entry.name.startswith("."):
                raise StagingError(f"{str(path)!r}: a file's name must be made of letters, digits "
                                   f"and _ . + - only")
        elif entry.is_dir():
            _inside(tree, path)
            _take_folder(tree, path, wanted)
        else:
            _take(tree, path, wanted)


def _inside(tree, path):
    """Refuse a link that leads out of the tree, or round and round in it."""
    real = (tree / path).resolve()
    if tree not in real.parents:
        raise StagingError(f"{path}: a link that leads out of the tree")
    if (tree / path).is_symlink() and real in (tree / path).absolute().parents:
        raise StagingError(f"{path}: a link to a folder that holds it")


def _take(tree, path, wanted):
    try:
        _inside(tree, path)
        info = os.stat(tree / path)
        if not stat.S_ISREG(info.st_mode):
            raise StagingError(f"{path}: not an ordinary file")
        if info.st_size > BYTES_MAX or len(wanted) > FILES_MAX:
            raise StagingError(f"{path}: more than {BYTES_MAX >> 20} MiB or {FILES_MAX} files")
        wanted[path] = (tree / path).read_bytes()
    except (OSError, RuntimeError) as error:
        raise StagingError(f"{path}: cannot be read: {error}") from None


def _write(copy, wanted):
    for old in [path for name in FOLDERS for path in (copy / name).rglob("*")]:
        if old.is_file() and old.relative_to(copy) not in wanted:
            old.unlink()
    for path, contents in wanted.items():
        target = copy / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.is_file() and target.read_bytes() == contents):
            target.write_bytes(contents)
