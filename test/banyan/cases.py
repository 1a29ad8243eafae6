"""What the sources of guest and host tests say about how to run them.

A guest test is user/test/NAME.c. In a comment it may hold lines such as

    test: points=5 cpus=1,2,4 mem=64M kargs="asidbits=0" timeout=120 args="-n 3"

Each such line gives configurations, one for each of its cpus, each worth the points; without
a line there is one configuration with 1 point. cpus and mem default to what CPUS and MEM say.
timeout is processor seconds per hart (300 if not said). partial=yes: with some of its results not
ok it earns that share of the points. visibility=hidden and the like: see results.py.
"""
import dataclasses
import pathlib
import re
import shlex

KEYS = {"points", "cpus", "mem", "kargs", "timeout", "args", "partial", "visibility"}
LINE = re.compile(r"^[ \t/*]*\btest:[ \t]*(.*?)[ \t]*(?:\*/)?[ \t]*$", re.MULTILINE)
HOST_LINE = re.compile(r"^[ \t/*]*\bhost-test:[ \t]*(.*?)[ \t]*(?:\*/)?[ \t]*$", re.MULTILINE)
GUEST_TIMEOUT = 300.0
VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")


class CaseError(Exception):
    """A test's source describes itself wrongly."""


@dataclasses.dataclass(frozen=True)
class GuestCase:
    name: str
    points: int = 1
    cpus: int = None
    mem: str = None
    kargs: str = None
    timeout: float = GUEST_TIMEOUT
    args: str = ""
    partial: bool = False
    visibility: str = None

    @property
    def identity(self):
        """fork[cpus=2,asidbits=0]"""
        words = [f"cpus={self.cpus}"] if self.cpus else []
        words += [f"mem={self.mem}"] if self.mem else []
        words += self.kargs.split() if self.kargs else []
        return self.name + (f"[{','.join(words)}]" if words else "")

    @property
    def command(self):
        return f"/test/{self.name}" + (f" {self.args}" if self.args else "")


def guest_cases(source):
    """The GuestCases of one source file."""
    source = pathlib.Path(source)
    name = source.stem
    lines = LINE.findall(source.read_text(errors="replace"))
    cases = [case for line in lines or [""] for case in _cases_of_line(name, line)]
    identities = [case.identity for case in cases]
    if len(set(identities)) != len(identities):
        raise CaseError(f"{source}: two configurations are the same: {sorted(identities)}")
    return cases


def _cases_of_line(name, line):
    try:
        pairs = dict(word.split("=", 1) for word in shlex.split(line))
        unknown = set(pairs) - KEYS
        if unknown:
            raise ValueError(f"unknown {', '.join(sorted(unknown))}")
        if pairs.get("partial", "no") not in ("yes", "no"):
            raise ValueError(f"partial={pairs['partial']}: give yes or no")
        if pairs.get("visibility", "visible") not in VISIBILITIES:
            raise ValueError(f"visibility={pairs['visibility']}: give one of "
                             f"{', '.join(VISIBILITIES)}")
        cpus = [int(text) for text in pairs["cpus"].split(",")] if "cpus" in pairs else [None]
        return [GuestCase(name, int(pairs.get("points", 1)), count, pairs.get("mem"),
                          pairs.get("kargs"), float(pairs.get("timeout", GUEST_TIMEOUT)),
                          pairs.get("args", ""), pairs.get("partial") == "yes",
                          pairs.get("visibility")) for count in cpus]
    except ValueError as error:
        raise CaseError(f"test {name}: bad line `test: {line}`: {error}") from None


@dataclasses.dataclass(frozen=True)
class HostCase:
    name: str
    sources: tuple  # the test's own
    linked: tuple  # from the tree
    flags: tuple = ()


def host_case(path, root):
    """The HostCase of test/host/NAME.c or test/host/NAME/."""
    path = pathlib.Path(path)
    sources = sorted(path.glob("*.c")) if path.is_dir() else [path]
    words = [word for source in sources
             for line in HOST_LINE.findall(source.read_text(errors="replace"))
             for word in line.split()]
    linked = tuple(pathlib.Path(root) / word for word in words if not word.startswith("-"))
    for file in linked:
        if not file.exists():
            raise CaseError(f"{path}: host-test names {file}, which does not exist")
    flags = tuple(word for word in words if word.startswith("-"))
    return HostCase(path.stem, tuple(sources), linked, flags)
