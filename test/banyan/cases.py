"""What the sources of guest and host tests say about how to run them.

A guest test is user/test/NAME.c. In a comment it may hold lines such as

    test: points=5 cpus=1,2,4 mem=64M.. timeout=120 args="-n 3"

Each such line is a test, worth the points; without a line there is one, worth 1 point. cpus and mem
say on which machines it makes sense: one value, several, or a range (2.., 32M..256M); not said, any
number of harts will do and 16 MiB of memory. kargs="..." fixes the kernel's command line (kargs=""
too). swap=64M gives it a swap disk, and so does swap=64M.., which says that a larger one would do;
not said, there is none, and swap=0 says that there must be none. timeout is processor seconds per
hart (300 if not said). partial=yes: with some of its results not ok it earns that share of the
points. visibility=hidden and the like: see results.py.

A run of a test is a GuestCase: one machine, drawn or selected by configs.py, or asked for by name.
"""
import dataclasses
import itertools
import pathlib
import re
import shlex

from . import configs
from .configs import AXES, Wanted, bytes_of

KEYS = {"points", "cpus", "mem", "swap", "kargs", "timeout", "args", "partial", "visibility"}
LINE = re.compile(r"^[ \t/*]*\btest:[ \t]*(.*?)[ \t]*(?:\*/)?[ \t]*$", re.MULTILINE)
HOST_LINE = re.compile(r"^[ \t/*]*\bhost-test:[ \t]*(.*?)[ \t]*(?:\*/)?[ \t]*$", re.MULTILINE)
GUEST_TIMEOUT = 300.0
VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")


class CaseError(Exception):
    """A test's source describes itself wrongly."""


@dataclasses.dataclass(frozen=True)
class GuestTest:
    """A line `test:` of a source."""

    name: str
    points: int = 1
    cpus: Wanted = Wanted()
    mem: Wanted = Wanted(configs.DEFAULT_MEM, bytes_of)
    kargs: str = None
    swap: Wanted = Wanted()
    timeout: float = GUEST_TIMEOUT
    args: str = ""
    partial: bool = False
    visibility: str = None

    @property
    def words(self):
        """What tells this line from others of its source: all that it fixes but cpus."""
        words = [f"mem={self.mem.fixed}"] if self.mem.fixed else []
        words += self.kargs.split() if self.kargs else []
        return words + ([f"args={self.args.replace(' ', '_')}"] if self.args else [])

    @property
    def needs(self):
        """What it says about machines and arguments, for usertests in the guest: [(key, value)]."""
        pairs = [(key, getattr(self, key).text) for key in ("cpus", "mem", "swap")]
        pairs += [("kargs", self.kargs), ("args", self.args)]
        return [(key, value) for key, value in pairs
                if value and (key, value) != ("mem", configs.DEFAULT_MEM)]

    @property
    def identity(self):
        """vm_asid[asidbits=0]"""
        return self.name + (f"[{','.join(self.words)}]" if self.words else "")

    def domains(self, chosen=None):
        """For each axis the labels that this test may run with.

        `chosen`: {axis: label} that the user has settled; it holds where the test allows it.
        """
        found = []
        for axis, values in AXES.items():
            labels = self._allowed(axis, list(values))
            settled = (chosen or {}).get(axis)
            if settled is not None and self.allows(axis, settled):
                labels = [settled]
            found.append(labels)
        return found

    def _allowed(self, axis, labels):
        if axis in ("cpus", "mem"):
            values = getattr(self, axis).values([label.split("=")[1] for label in labels])
            return [f"{axis}={value}" for value in values]
        if self.kargs is not None:  # it has a command line of its own
            return [label for label in labels if "kargs" not in configs.changes_of([label])]
        return labels

    def allows(self, axis, label):
        if axis in ("cpus", "mem"):
            return getattr(self, axis).allows(label.split("=")[1])
        return label in self._allowed(axis, list(AXES[axis]))

    def case(self, labels, shown=None):
        """A run with one label per axis. `shown`: the words of its name, if not all of them."""
        return GuestCase(self, tuple(labels), tuple(self._name_words(labels)
                                                    if shown is None else shown))

    def _name_words(self, labels):
        words = [label for label in labels if label and label not in self.words]
        place = sum(label.startswith("cpus=") for label in words)
        return words[:place] + self.words + words[place:]

    def asked(self, words):
        """The run that `words` of a name describe, what they leave out being usual; or None."""
        if not set(self.words) <= set(words):
            return None
        labels = {axis: self._usual(axis) for axis in AXES}
        for word in words:
            axis = configs.axis_of(word)
            if word in self.words and axis != "mem":
                continue
            try:
                if axis is None or not self.allows(axis, word):
                    return None
            except ValueError:
                return None
            labels[axis] = word
        return self.case(labels.values(), words)

    def _usual(self, axis):
        allowed = self._allowed(axis, list(AXES[axis]))
        usual = configs.usual(axis)
        return usual if usual in allowed else allowed[0]


@dataclasses.dataclass(frozen=True)
class GuestCase:
    """A run of a GuestTest on one machine."""

    test: GuestTest
    labels: tuple
    words: tuple

    @property
    def identity(self):
        """fork[cpus=2,asidbits=0]"""
        return self.test.name + (f"[{','.join(self.words)}]" if self.words else "")

    @property
    def command(self):
        return f"/test/{self.test.name}" + (f" {self.test.args}" if self.test.args else "")

    def changes(self):
        """What it makes of a Machine, by with_(); kargs and extra come behind those of the user."""
        found = configs.changes_of(self.labels)
        found["kargs"] = " ".join(filter(None, [self.test.kargs, found.get("kargs")]))
        if self.test.swap.first:
            found["swap"] = self.test.swap.first
        return found


def guest_tests(source):
    """The GuestTests of one source file."""
    source = pathlib.Path(source)
    lines = LINE.findall(source.read_text(errors="replace"))
    tests = [_test_of_line(source.stem, line) for line in lines or [""]]
    for at, test in enumerate(tests):
        for other in tests[:at]:
            if _may_coincide(test, other):
                raise CaseError(f"{source}: two lines may mean the same machine: {test.identity} "
                                f"and {other.identity}; give them mem or kargs apart")
    return tests


def _may_coincide(one, other):
    """Whether a run of each could have the same name."""
    return bool(_names(one) & _names(other))


def _names(test):
    return {frozenset(test.case(labels).words) for labels in itertools.product(*test.domains())}


def _test_of_line(name, line):
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
        return GuestTest(name, int(pairs.get("points", 1)), Wanted(pairs.get("cpus")),
                         Wanted(pairs.get("mem", configs.DEFAULT_MEM), bytes_of),
                         pairs.get("kargs"), Wanted(pairs.get("swap"), bytes_of),
                         float(pairs.get("timeout", GUEST_TIMEOUT)), pairs.get("args", ""),
                         pairs.get("partial") == "yes", pairs.get("visibility"))
    except ValueError as error:
        raise CaseError(f"test {name}: bad line `test: {line}`: {error}") from None


@dataclasses.dataclass(frozen=True)
class HostCase:
    name: str
    sources: tuple  # the test's own
    linked: tuple  # from the tree
    flags: tuple = ()


def host_case(path, root):
    """The HostCase of test/host/NAME.c or test/host/NAME/. A folder that a line `host-test:` names
    stands for all C files in it."""
    path = pathlib.Path(path)
    sources = sorted(path.glob("*.c")) if path.is_dir() else [path]
    words = [word for source in sources
             for line in HOST_LINE.findall(source.read_text(errors="replace"))
             for word in line.split()]
    linked = []
    for word in words:
        named = pathlib.Path(root) / word
        if word.startswith("-"):
            continue
        if not named.exists():
            raise CaseError(f"{path}: host-test names {named}, which does not exist")
        linked += sorted(named.glob("*.c")) if named.is_dir() else [named]
    flags = tuple(word for word in words if word.startswith("-"))
    return HostCase(path.stem, tuple(sources), tuple(linked), flags)
