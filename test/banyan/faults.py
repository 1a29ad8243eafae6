"""One boot in which services are damaged, and what became of it: user/test/svc_faults.c."""
import collections
import dataclasses
import re

from . import program
from .hang import Limits

FAULTS_A_BOOT = 400
# How often services may be started until one is given up, or the boot ends: those that the program
# replaces by itself after something went wrong are among them, two a fault.
STARTS_A_FAULT, STARTS_MAX = 6, 400
# It waits itself for as long as all of the supervisor's patience together.
LIMITS = Limits(idle=300.0, busy=600.0, total=3600.0, wall=7200.0)
PLACE = re.compile(r"faults: (\d+) took place")
KIND = re.compile(r"faults: (\w+ \w+) (\d+)$", re.MULTILINE)
USES = re.compile(r"faults: uses right (\d+) with errors (\d+) wrong (\d+), of them slow (\d+)")
STARTS = re.compile(r"faults: (\w+) was started (\d+) times")
DEATH = re.compile(r"init: \w+ died: (?!signal 9)")
END = "faults: end well"
BAD = re.compile(r"faults: (?:the program that|one that uses no|\w+ does not|they "
                 r"do not|end badly).*")
SPOILED = "faults: what they keep is spoiled"
GIVEN_UP = re.compile(r"init: (?:fs|blk) (?:says that another start is of no use|failed \d+ times running)"
                      r".*: it is given up")

SAID = re.compile(r"^\x1e*((?:fs|blk|tty|init): .*)", re.MULTILINE)


@dataclasses.dataclass
class Outcome:
    seed: int
    sums: collections.Counter
    failure: str = None  # None: nothing failed that must not
    given_up: str = None  # what was said before a service was given up


def judge(status, failure, log):
    """What must not be, in words, or None: of an exit status (None: it was not seen), a BootFailure
    and all that came over the line."""
    sums = count(log)
    if sums["starts of services"] > STARTS_MAX + STARTS_A_FAULT * sums["faults"]:
        return f"{sums['starts of services']} starts of services by {sums['faults']} faults"
    if failure is not None and failure.kind != "protocol":
        return f"{failure.kind}: {failure}"
    bad = BAD.search(log)
    if bad:
        return bad.group()
    if status is None and GIVEN_UP.search(log):
        return None  # the volume is past use, and the machine went off with a word
    if status not in (None, 0) or END not in log:  # a damaged terminal may lose the status
        return f"exit status {status}, and no `{END}`"
    return None


def last_words(log):
    """What a service said last before one was given up, or None if none was: other programs may
    print between the two lines."""
    given_up = GIVEN_UP.search(log)
    said = SAID.findall(log[:given_up.start()]) if given_up else []
    return (said or [""])[-1] if given_up else None


def _starts(log):
    """How often services were started. By init's count: a damaged terminal says deaths again and
    again. If the machine went off before init was asked, as many as deaths were said."""
    counted = dict(STARTS.findall(log))
    return sum(map(int, counted.values())) if counted else len(DEATH.findall(log))


def count(log):
    """What the log tells, in numbers."""
    sums = collections.Counter(boots=1)
    sums["faults"] = max((int(text) for text in PLACE.findall(log)), default=0)
    for kind, number in KIND.findall(log):
        sums[f"  {kind}"] += int(number)
    for numbers in USES.findall(log):
        for what, number in zip(("right", "errors", "wrong", "slow"), numbers):
            sums[f"  uses: {what}"] += int(number)
    sums["boots until files or terminal were spoiled"] = int(SPOILED in log)
    sums["boots until a service was given up"] = int(bool(GIVEN_UP.search(log)))
    sums["starts of services"] = _starts(log)
    sums["deaths of services, as the line says"] = len(DEATH.findall(log))
    sums["kills for a stall"] = len(re.findall(r"init: \w+ [a-z ]+: killing it", log))
    return sums


def boot(machine, seed, faults=FAULTS_A_BOOT, service=""):
    """The Outcome of one boot with at most so many faults, in one service if it is named."""
    result = program.run(machine, f"faults-{seed}", f"/test/svc_faults {faults} {seed} all {service}", LIMITS,
                         on_output=lambda data: None)
    text = (result.boot.directory / "serial.log").read_text("utf-8", "replace").replace("\r", "")
    failure = judge(result.status, result.failure, text)
    given_up = last_words(text)
    if failure is None and given_up is None:
        result.boot.discard()
    return Outcome(seed, count(text), failure, given_up)
