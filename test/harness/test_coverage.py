"""docs/COVERAGE.md and what checks it."""
import pytest

from banyan.machine import ROOT
from coverage_map import existing_tests, problems

pytestmark = pytest.mark.points(0)
NAMES = ["shell.pipeline", "guest.fork[cpus=1,mem=64M]", "guest.fork[cpus=2]"]


GOOD = [
    "- pipes -> shell.pipeline\n",
    "# Title\n\nText.\n\n- fork\n  works -> guest.fork, shell.pipeline\n",
    "* fork -> guest.fork[cpus=1,mem=64M], guest.fork[cpus=2]\n",
]


@pytest.mark.parametrize("text", GOOD, ids=range(len(GOOD)))
def test_good(text):
    assert problems(text, NAMES) == []


BAD = [
    ("", "no promises"), ("text -> shell.pipeline\n", "no promises"),
    ("- pipes\n", "names no test"), ("- pipes -> \n", "names no test"),
    ("- pipes -> shell.pipes\n", "no such test: shell.pipes"),
    ("- pipes -> shell.pipeline, guest.fork[cpus=4]\n", "no such test: guest.fork[cpus=4]"),
    ("- pipes -> later\n", "not the name of a test"),
]


@pytest.mark.parametrize("text, words", BAD, ids=range(len(BAD)))
def test_bad(text, words):
    found = problems(text, NAMES)
    assert found and words in found[0]


def test_every_promise_names_a_test():
    assert problems((ROOT / "docs" / "COVERAGE.md").read_text(), existing_tests()) == []
