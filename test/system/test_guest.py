"""Every user/test/NAME.c, booted and run as /test/NAME, on machines that it allows.

See test/banyan/cases.py for what a source may say about itself, selection.py for which machines.
"""
import pytest

from banyan import image, program, seal
from banyan.boot import echo_stream
from banyan.cases import CaseError, guest_tests
from banyan.hang import Limits
from banyan.ktap import parse
from banyan.machine import ROOT, hidden_root
from banyan.selection import cases_of

# A hidden program takes the place of ours of that name.
SOURCES = sorted({source.name: source for folder in (ROOT / "user" / "test", hidden_root())
                  for source in folder.glob("*.c")}.values())


def _parameters():
    for source in SOURCES:
        try:
            tests = guest_tests(source)
        except CaseError as error:
            yield pytest.param(error, id=source.stem)
            continue
        hidden = "hidden" if source.parent == hidden_root() else "visible"
        for case in cases_of(tests):
            yield pytest.param(case, id=case.identity, marks=[
                pytest.mark.points(case.test.points),
                pytest.mark.run_of(f"guest.{case.test.identity}"),
                pytest.mark.visibility(case.test.visibility or hidden)])


@pytest.mark.points(0)
def test_exist():
    assert SOURCES, "there are no guest tests in user/test/"


def _machine(boots, case):
    """The user's machine with what the case makes of it."""
    changes = case.changes()
    machine = boots.machine()
    changes["kargs"] = f"{machine.kargs} {changes['kargs']}".strip()
    changes["extra"] = machine.extra + changes.get("extra", ())
    return machine.with_(**changes)


def _judge(result, key):
    """Every reason to fail that the run gives, in words."""
    reasons = []
    if result.failure:
        reasons.append(str(result.failure))
    report = parse(result.text, key)
    reasons += report.problems
    if result.status not in (0, None):
        reasons.append(f"exit status {result.status}")
    if not result.failure:
        complaint = image.check(result.boot.overlay)
        if complaint:
            reasons.append(f"the disk is not clean afterwards:\n{complaint}")
    return reasons, report


@pytest.mark.parametrize("case", _parameters())
def test_guest(boots, case, record_property):
    if isinstance(case, CaseError):
        pytest.fail(str(case), pytrace=False)
    limits = Limits().scaled(case.test.timeout)
    machine, key = _machine(boots, case), seal.new_key()
    try:
        slot = seal.patch(machine.disk, f"/test/{case.test.name}", key)
    except LookupError as error:
        pytest.fail(str(error), pytrace=False)
    result = program.run(machine, boots.name(), case.command, limits, echo=echo_stream(),
                         on_boot=boots.add, patches=[slot])
    reasons, report = _judge(result, key)
    if reasons:
        if case.test.partial and not result.failure:
            record_property("share", report.share)
        pytest.fail("\n".join(reasons), pytrace=False)
    result.boot.overlay.unlink(missing_ok=True)
    if report.skipped is not None:
        pytest.skip(report.skipped)
