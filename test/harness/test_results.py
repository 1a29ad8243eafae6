"""results.json as Gradescope wants it, and JUnit's XML, whatever the tests and the guest said."""
import json
import re
import subprocess
import sys
import xml.etree.ElementTree

import pytest

from banyan.cases import VISIBILITIES
from banyan.machine import ROOT
from banyan.results import OUTPUT_MAX, document
from banyan.settings import for_another_run
from banyan.tally import Run, Tally
from banyan.text import plain, plain_line

pytestmark = pytest.mark.points(0)
SAMPLE = r'''
import pytest

@pytest.mark.points(3)
def test_good():
    pass

@pytest.mark.points(4)
def test_partly(record_property):
    record_property("share", 0.75)
    pytest.fail("one of four is wrong", pytrace=False)

@pytest.mark.points(2)
@pytest.mark.visibility("after_published")
def test_bad():
    pytest.fail("guest: \x1b[2J\x00\x07\x9b \ud800 \ufffe ]]> </failure> end" + "x" * 100000,
                pytrace=False)

def test_skipped():
    pytest.skip("no room")
'''
# What the format allows: https://gradescope-autograders.readthedocs.io/en/latest/specs/
TOP = {"score": (int, float), "execution_time": (int, float), "output": str, "output_format": str,
       "test_output_format": str, "test_name_format": str, "visibility": str,
       "stdout_visibility": str, "extra_data": dict, "tests": list, "leaderboard": list}
TEST = {"score": (int, float), "max_score": (int, float), "status": str, "name": str,
        "name_format": str, "number": str, "output": str, "output_format": str, "tags": list,
        "visibility": str, "extra_data": dict}


def check_format(found):
    """Every field is one that Gradescope knows, of its type and among its values."""
    for fields, allowed in [(found, TOP), *((test, TEST) for test in found["tests"])]:
        assert set(fields) <= set(allowed)
        for key, value in fields.items():
            assert isinstance(value, allowed[key]) and not isinstance(value, bool), key
        assert fields.get("visibility", "visible") in VISIBILITIES
        assert fields.get("output_format", "text") in ("text", "html", "simple_format", "md", "ansi")
    assert found["stdout_visibility"] in VISIBILITIES
    for test in found["tests"]:
        assert test["status"] in ("passed", "failed") and 0 <= test["score"] <= test["max_score"]
    assert found["score"] == pytest.approx(sum(test["score"] for test in found["tests"]))


def grade(folder, **variables):
    """Runs what lies in `folder` under our conftest; (results.json, results.xml, lines)."""
    environment = for_another_run(BUILD=str(folder), PYTHONPATH=str(ROOT / "test"), **variables)
    argv = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-q", "-rN",
            "-c", str(ROOT / "test" / "pytest.ini"), f"--junitxml={folder / 'results.xml'}",
            str(folder)]
    done = subprocess.run(argv, cwd=folder, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    found = json.loads((folder / "test" / "results.json").read_text())
    return found, xml.etree.ElementTree.parse(folder / "results.xml"), done.stdout


def test_format(tmp_path):
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    found, junit, lines = grade(tmp_path)
    check_format(found)
    tests = {test["name"]: test for test in found["tests"]}
    assert found["score"] == 6 and found["extra_data"]["max_score"] == 10
    assert re.search(r"(?m)^FAIL +3/4 +sample.partly", lines) and "score: 6/10" in lines
    assert tests["sample.good"]["status"] == "passed" and tests["sample.good"]["score"] == 3
    partly = tests["sample.partly"]
    assert (partly["status"], partly["score"], partly["max_score"]) == ("failed", 3, 4)
    assert "one of four is wrong" in partly["output"]
    assert tests["sample.bad"]["visibility"] == "after_published"
    assert "\\x1b[2J\\x00\\x07\\x9b" in tests["sample.bad"]["output"]
    assert len(tests["sample.bad"]["output"]) < OUTPUT_MAX + 1000
    assert tests["sample.skipped"]["score"] == 0 and "no room" in tests["sample.skipped"]["output"]
    cases = {case.get("name"): case for case in junit.iter("testcase")}
    assert set(cases) == {"test_good", "test_partly", "test_bad", "test_skipped"}
    assert "one of four" in cases["test_partly"].find("failure").text
    assert {"points": "4"}.items() <= {item.get("name"): item.get("value") for item in
                                       cases["test_partly"].iter("property")}.items()


def test_a_tree_that_cannot_be_built(tmp_path):
    """Every test is there with 0 points, and the reason once."""
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    (tmp_path / "why").write_text("vm/frame.c:1: error: \x1b[31mno\n")
    found, _, _ = grade(tmp_path, UNGRADABLE=str(tmp_path / "why"))
    check_format(found)
    assert found["score"] == 0 and len(found["tests"]) == 4
    assert "vm/frame.c:1: error: \\x1b[31mno" in found["output"]
    assert all("cannot be built" in test["output"] for test in found["tests"])


def test_hidden_tests_are_hidden(tmp_path):
    """Those of HIDDEN are their instructor's, if they do not say otherwise."""
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    found, _, _ = grade(tmp_path, HIDDEN=str(tmp_path))
    seen = {test["name"]: test["visibility"] for test in found["tests"]}
    assert seen["sample.good"] == "hidden" and seen["sample.bad"] == "after_published"
    assert "sample" not in found["output"]


def test_runs_of_one_test():
    """The worst run counts, and one that did not take place earns nothing."""
    tally = Tally()
    for outcome, share in (("passed", 0), ("failed", 0.5), ("failed", 0.25)):
        tally.add(Run("a", "a", 4, outcome=outcome, share=share))
    tally.add(Run("b", "b", 2, outcome="blocked"))
    found = document(tally, {}, {"b": "hidden"})
    check_format(found)
    assert [(test["score"], test["visibility"]) for test in found["tests"]] == [(1, "visible"),
                                                                                (0, "hidden")]


def test_plain():
    assert plain("a\tb\r\nc\x1b\ud800", 99) == "a\tb\nc\\x1b\\xd800"
    text = plain("begin" + "x" * 10000 + "end", 1000)
    assert text.startswith("begin") and text.endswith("end") and len(text) < 1100
    assert plain_line("a\nb\x9b" + "x" * 1000, 6).startswith("a\\nb\\x9bxx [... 998 more]")
