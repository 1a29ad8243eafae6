"""Mutants: small bugs for the kernel, each a patch in test/mutants/, and the trees they live in.

A patch NAME.patch begins with lines `Key: words` (words may go on in lines that start with a
blank), an empty line, and then a unified diff of kernel/, vm/ or trap/:

    Bug       what is wrong with it, in a sentence
    Tests     names of tests that should notice, as T= takes them; they run first, in this order
    Needs     `debug`: only the checking kernel (DEBUG=1) can show it
    Sample    `no`: it takes long to notice, so samples leave it out
    Survives  why no test notices

A hunk's line numbers mean nothing: its old lines must be found at one place of the file, exactly,
so a patch neither lands in the wrong place nor minds what moves around it.
"""
import dataclasses
import hashlib
import pathlib
import re
import shutil

PARTS = ("Makefile", "kernel.ld", "README.md", "kernel", "vm", "trap", "user", "test")
MUTABLE = ("kernel/", "vm/", "trap/")
KEYS = ("Bug", "Tests", "Needs", "Sample", "Survives")
BUILT = {"kernel", "debug", "user", "image", "initrd"}  # folders of build/ that a tree starts with


class MutantError(Exception):
    """The mutant cannot be made: its patch is wrong, does not fit, or does not compile."""


@dataclasses.dataclass(frozen=True)
class Hunk:
    file: str
    old: str
    new: str


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    bug: str
    tests: tuple
    hunks: tuple
    debug: bool
    sample: bool
    survives: str
    digest: str  # of the patch


def _header(path, lines):
    facts, key = {}, None
    for line in lines:
        if line[:1].isspace() and key:
            facts[key] += " " + line.strip()
            continue
        key, colon, words = line.partition(":")
        if not colon or key not in KEYS or key in facts:
            raise MutantError(f"{path}: bad line `{line}`: give {', '.join(KEYS)}, each once")
        facts[key] = words.strip()
    if not facts.get("Bug") or not facts.get("Tests"):
        raise MutantError(f"{path}: say what the bug is (Bug:) and what should notice it (Tests:)")
    if facts.get("Needs", "debug") != "debug" or facts.get("Sample", "no") != "no":
        raise MutantError(f"{path}: Needs can only be `debug`, Sample only `no`")
    return facts


def _hunks(path, lines):
    hunks, file, old, new = [], None, [], []

    def close():
        if old or new:
            hunks.append(Hunk(file, "".join(old), "".join(new)))
            old.clear()
            new.clear()

    for line in lines:
        if line.startswith(("--- ", "@@", "diff --git ", "index ")):
            close()
        elif line.startswith("+++ "):
            file = line[4:].split("\t")[0].strip().split("/", 1)[-1]
            if not file.startswith(MUTABLE) or ".." in file:
                raise MutantError(f"{path}: {file}: only {', '.join(MUTABLE)} are mutated")
        elif file is None or line[:1] not in (" ", "-", "+", "\n"):
            raise MutantError(f"{path}: not a unified diff: `{line.rstrip()}`")
        else:
            if line[:1] != "+":
                old.append(line[1:] or "\n")
            if line[:1] != "-":
                new.append(line[1:] or "\n")
    close()
    if not hunks:
        raise MutantError(f"{path}: no hunk")
    return tuple(hunks)


def read(path):
    """The Mutant that a patch file describes."""
    path = pathlib.Path(path)
    text = path.read_text()
    header, blank, diff = text.partition("\n\n")
    if not blank:
        raise MutantError(f"{path}: no empty line between header and diff")
    facts = _header(path, header.splitlines())
    return Mutant(path.stem, facts["Bug"], tuple(facts["Tests"].split()),
                  _hunks(path, diff.splitlines(keepends=True)), "Needs" in facts,
                  "Sample" not in facts, facts.get("Survives", ""),
                  hashlib.sha256(text.encode()).hexdigest())


def read_all(folder):
    return [read(path) for path in sorted(pathlib.Path(folder).glob("*.patch"))]


def changed(mutant, root):
    """The files that the mutant changes: path -> new text."""
    texts = {}
    for hunk in mutant.hunks:
        path = pathlib.Path(root) / hunk.file
        if not path.is_file():
            raise MutantError(f"{mutant.name}: there is no {hunk.file} to change")
        text = texts.get(path) or path.read_text()
        # At the start of a line: " x" must not be found in "  x".
        places = [at.start() for at in re.finditer("(?m)^" + re.escape(hunk.old), text)]
        if len(places) != 1:
            first = next((line for line in hunk.old.splitlines() if line.strip()), "")
            raise MutantError(f"{mutant.name}: the lines from `{first.strip()}` on are found "
                              f"{len(places)} times in {hunk.file}: make test/mutants/"
                              f"{mutant.name}.patch anew, or remove it if it makes no sense any more")
        texts[path] = text[:places[0]] + hunk.new + text[places[0] + len(hunk.old):]
    return texts


def _files(root):
    """Every source file of the tree: relative path -> path."""
    found = {}
    for part in PARTS:
        path = root / part
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found.update((file.relative_to(root), file) for file in inside
                     if file.is_file() and "__pycache__" not in file.parts)
    return found


def tree_digest(root):
    """A checksum of all that can decide whether a mutant is noticed; not of the mutants."""
    total = hashlib.sha256()
    for name, path in sorted(_files(pathlib.Path(root)).items()):
        if not str(name).startswith("test/mutants"):
            total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


class Tree:
    """A copy of the sources and of what is built of them, in which one mutant lives at a time.

    It is kept from run to run. A file is only written when its text changes, and then has a new
    time, so make builds again just what the last mutant and this one touch.
    """

    def __init__(self, root, folder):
        self.root, self.folder = pathlib.Path(root), pathlib.Path(folder)

    def refresh(self, build):
        """Make it as `root` is now; `build` is where what is built there lies."""
        if not self.folder.exists():
            self._create(build)
        ours, theirs = _files(self.folder), _files(self.root)
        for name in ours.keys() - theirs.keys():
            ours[name].unlink()
        for name, path in theirs.items():
            self._write(self.folder / name, path.read_bytes())

    def _create(self, build):
        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        for name, path in _files(self.root).items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, fresh / name)
        build = pathlib.Path(build)
        if build.is_dir():
            shutil.copytree(build, fresh / "build", symlinks=True, ignore=lambda at, names: [
                name for name in names if pathlib.Path(at) == build and name not in BUILT
                and not (build / name).is_file()])
        fresh.rename(self.folder)

    @staticmethod
    def _write(path, data):
        if path.exists() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def apply(self, mutant):
        for path, text in changed(mutant, self.root).items():
            self._write(self.folder / path.relative_to(self.root), text.encode())

    def revert(self, mutant):
        for name in {hunk.file for hunk in mutant.hunks}:
            if (self.root / name).is_file():
                self._write(self.folder / name, (self.root / name).read_bytes())
