"""The machines that guest tests run on: axes, what a test allows of them, and selections.

A configuration is a tuple of labels, one per axis, "" where an axis has its usual value without a
name. A new axis or value is one line in AXES; what it means to the machine stands beside it.
"""
import itertools
import random
import re

AXES = {
    "cpus": {f"cpus={count}": {"cpus": count} for count in (1, 2, 4, 8)},
    "mem": {f"mem={size}": {"mem": size} for size in ("16M", "64M", "256M", "2G")},
    "asid": {"": {}, **{f"asidbits={n}": {"kargs": f"asidbits={n}"} for n in (0, 2)}},
    "timer": {"": {}, "sstc=off": {"extra": ("-cpu", "rv64,sstc=off")}},
    "isolation": {"": {}, "isolation=on": {"kargs": "isolation=on"}},
    "debug": {"": {}, "debug=on": {"debug": True}},
}
SPARED = ("cpus=8", "mem=2G")  # the checking kernel takes long there, and meets little that is new
FULL_ONLY = ("debug",)  # axes that are not drawn from: their runs cost a build, and take longer
USUAL = {"cpus": "cpus=2", "mem": "mem=256M"}  # of axes whose usual value has a name
DEFAULT_MEM = "16M.."  # what a test that says nothing needs
UNITS = {"": 1 << 20, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def usual(axis):
    return USUAL.get(axis, "")


def bytes_of(size):
    """64M as a number. QEMU counts a size without a unit in MiB."""
    digits = size.rstrip("KMGkmg")
    if not digits.isdigit() or len(size) > len(digits) + 1:
        raise ValueError(f"{size!r} is no size such as 64M")
    return int(digits) * UNITS[size[len(digits):].upper()]


class Wanted:
    """What a test allows of one axis: `1,2,4`, `2..`, `32M..256M`, a single value, or anything."""

    def __init__(self, text=None, measure=int):
        self._measure = measure
        self.text = text
        self._low = self._high = None
        self.listed = ()
        if text is None:
            return
        if ".." in text:
            low, high = text.split("..", 1)
            self._low = measure(low) if low else 0
            self._high = measure(high) if high else float("inf")
            if self._low > self._high:
                raise ValueError(f"{text}: no value fits")
            return
        self.listed = tuple(text.split(","))
        numbers = [measure(value) for value in self.listed]
        if len(set(numbers)) != len(numbers):
            raise ValueError(f"{text}: a value twice")

    @property
    def fixed(self):
        """The one value that it allows, or None."""
        return self.listed[0] if len(self.listed) == 1 else None

    def allows(self, value):
        number = self._measure(value)
        if self.listed:
            return number in map(self._measure, self.listed)
        return self._low is None or self._low <= number <= self._high

    @property
    def first(self):
        """The first or smallest value that it allows, as written, or None if it asks for nothing."""
        return re.split(r"\.\.|,", self.text)[0] if self.text else None

    def values(self, offered):
        """Those to run with: the offered ones that it allows, or else those that it lists."""
        return [value for value in offered if self.allows(value)] or list(self.listed)


def changes_of(labels):
    """What a configuration means to a Machine: keyword arguments for with_()."""
    found = {}
    for label in filter(None, labels):
        for key, value in _meaning(label).items():
            if key == "kargs":
                found[key] = f"{found.get(key, '')} {value}".strip()
            elif key == "extra":
                found[key] = found.get(key, ()) + value
            else:
                found[key] = value
    return found


def _meaning(label):
    for values in AXES.values():
        if label in values:
            return values[label]
    key, _, value = label.partition("=")  # a value of cpus or mem beside those in the table
    return {"cpus": int(value)} if key == "cpus" else {key: value}


def axis_of(label):
    """The axis that a label of a test's name belongs to, or None."""
    for axis, values in AXES.items():
        if label and label in values:
            return axis
    return label.split("=")[0] if label.startswith(("cpus=", "mem=")) else None


def draw(domains, seed, name):
    """One configuration: the same for the same seed and test, whatever else is run."""
    chance = random.Random(f"{seed}/{name}")
    return tuple(chance.choice(values) for values in domains)


def all_pairs(domains, seed=0, name=""):
    """Configurations in which each pair of values of two axes occurs; few, but not the fewest."""
    chance = random.Random(f"{seed}/{name}")
    everything = list(itertools.product(*domains))
    chance.shuffle(everything)
    missing = set().union(*map(pairs, everything))
    rows = []
    while missing:
        best = max(everything, key=lambda row: len(missing & pairs(row)))
        rows.append(best)
        missing -= pairs(best)
    return rows or everything[:1]


def all_pairs_but_few(domains, axis, value, spared=(), seed=0, name=""):
    """Such configurations, of which as few as will do have `value` for the axis of that number, and
    those none of the values in `spared`, if there are others: such pairs need not be shown."""
    others = [other for other in domains[axis] if other != value]
    if not others or len(others) == len(domains[axis]):
        return all_pairs(domains, seed, name)
    reduced = [[other for other in values if other not in spared] or values for values in domains]
    everything = list(itertools.product(*_replaced(reduced, axis, [value])))
    missing = set().union(*(_pairs_with(row, axis) for row in everything))
    usual = all_pairs(_replaced(domains, axis, others), seed, name)
    rows, replaced = list(usual), [_replaced(row, axis, value) for row in usual]
    able = [at for at, row in enumerate(replaced) if row in everything]
    while any(missing & pairs(replaced[at]) for at in able):
        at = max(able, key=lambda at: len(missing & pairs(replaced[at])))
        rows[at] = replaced[at]
        missing -= pairs(rows[at])
    rows += _covering(everything, missing)
    lost = set().union(*map(pairs, usual)) - set().union(*map(pairs, rows))
    return rows + _covering(usual, lost)


def _covering(rows, missing):
    """Of these rows enough to show the missing pairs."""
    found = []
    for row in rows:
        if missing & pairs(row):
            found.append(row)
            missing = missing - pairs(row)
    return found


def _replaced(row, axis, value):
    return (*row[:axis], value, *row[axis + 1:])


def _pairs_with(row, axis):
    """The pairs of a configuration in which this axis is one."""
    return {pair for pair in pairs(row) if axis in (pair[0][0], pair[1][0])}


def pairs(row):
    """The pairs of values of two axes in a configuration."""
    return set(itertools.combinations(enumerate(row), 2))
