"""The mutants and the tool that runs them: on a tree of one file with a grader of three lines, and
a sample of the real ones on the real tree."""
import json
import os
import signal
import subprocess
import sys
import time

import pytest

import mutants
from banyan import mutation
from banyan.machine import ROOT, build_dir
from banyan.mutation import MutantError
from banyan.select import matches
from coverage_map import existing_tests

pytestmark = pytest.mark.points(0)
SUM = "int sum(int a, int b)\n{\n    return a + b;\n}\n"
MAX = "int max(int a, int b)\n{\n    return a > b ? a : b;\n}\n"
MAKEFILE = ("all:\n\t@mkdir -p build && cc -fsyntax-only kernel/sum.c && "
            "cat kernel/*.c >build/text\n")
# Two tests, which look at what was built. Each run leaves a line in `calls`.
GRADE = '''
import os, sys
text = open("build/text").read()
tests = {"sum.adds": "a + b" in text, "max.picks": "a > b" in text}
chosen = [name for name in tests if any(w in name for w in (os.environ["T"] or ".").split())]
open("../calls", "a").write(" ".join(chosen) + "\\n")
report = next(word[11:] for word in sys.argv if word.startswith("--junitxml="))
case = '<testcase name="x"><properties><property name="name" value="%s"/></properties>%s</testcase>'
bad = '<failure message="Failed: wrong sum&#10;and more"/>'
open(report, "w").write("<testsuites>%s</testsuites>" % "".join(
    case % (name, "" if tests[name] else bad) for name in chosen))
'''
HEADER = "Bug: the sum is wrong.\nTests: sum.adds\n"
DIFF = "--- a/kernel/sum.c\n+++ b/kernel/sum.c\n@@ -9,1 +9,1 @@\n"
WRONG_SUM = DIFF + "-    return a + b;\n+    return a - b;\n"
NO_OP = DIFF + "-    return a + b;\n+    return a + b; /* the sum */\n"


def patch(diff=WRONG_SUM, header=HEADER):
    return f"{header}\n{diff}"


class Trial:
    """A tree with mutants, and what the tool says about it."""

    def __init__(self, folder):
        self.root, self.folder = folder / "tree", folder / "made"
        self.write("Makefile", MAKEFILE)
        self.write("kernel/sum.c", SUM)
        self.write("kernel/max.c", MAX)
        self.write("test/grade.py", GRADE)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def mutant(self, name, *args, **kwargs):
        self.write(f"test/mutants/{name}.patch", patch(*args, **kwargs))

    def start(self, *options):
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("M", "N", "SEED", "DEBUG", "LIKELY", "KEEP", "LIST", "J")}
        return subprocess.Popen(
            [sys.executable, str(ROOT / "test" / "mutants.py"), "--root", str(self.root),
             "--folder", str(self.folder), "--jobs", "1", *options], env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *options):
        """Exit status and output."""
        process = self.start(*options)
        output = process.communicate()[0]
        return process.returncode, output

    def calls_file(self):
        return self.folder / "calls"

    def calls(self):
        """The tests of each grading since the last look."""
        path = self.calls_file()
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def trial(tmp_path):
    return Trial(tmp_path)


def test_killed_by_the_test_it_names(trial):
    trial.mutant("wrong_sum")
    status, output = trial.run()
    assert status == 0
    assert "killed   wrong_sum by sum.adds: wrong sum\n" in output
    assert "1 of 1 mutants killed (100.0 %)" in output
    # At the first kill it stops; then the killer runs on the tree as it is.
    assert trial.calls() == ["sum.adds", "sum.adds"]
    assert (trial.folder / "tree-1" / "kernel" / "sum.c").read_text() == SUM


def test_killed_by_another_test(trial):
    trial.mutant("wrong_max", "--- a/kernel/max.c\n+++ b/kernel/max.c\n@@\n"
                              "-    return a > b ? a : b;\n+    return a < b ? a : b;\n")
    status, output = trial.run("--likely")
    assert status == 1 and "survived wrong_max" in output
    status, output = trial.run()
    assert status == 0 and "killed   wrong_max by max.picks" in output


def test_no_op_survives(trial):
    trial.mutant("nothing", NO_OP)
    status, output = trial.run()
    assert status == 1
    assert "survived nothing: the sum is wrong." in output and "NOT EXPLAINED" in output
    assert "0 of 1 mutants killed (0.0 %)" in output


def test_survivors_count(trial):
    """One in twenty may survive, if its patch says why."""
    explained = HEADER + "Survives: it\n  does nothing.\n"
    for number in range(19):
        trial.mutant(f"m{number}")
    trial.mutant("nothing", NO_OP, explained)
    status, output = trial.run()
    assert status == 0 and "it does nothing." in output and "19 of 20 mutants" in output
    trial.mutant("nothing2", NO_OP, explained)
    assert trial.run()[0] == 1


@pytest.mark.parametrize("diff, words", [
    (DIFF + "-    return a + b;\n+    return a +;\n", "it does not compile: "),
    (DIFF + "-    return b + a;\n+    return a;\n", "are found 0 times"),
    (DIFF + "-return a + b;\n+return a;\n", "are found 0 times"),
    (WRONG_SUM.replace("sum.c", "mul.c"), "there is no kernel/mul.c"),
], ids=["syntax", "other_lines", "inside_a_line", "no_file"])
def test_wrong_is_not_killed(trial, diff, words):
    trial.mutant("broken", diff)
    status, output = trial.run()
    assert status == 1
    assert "WRONG    broken: " in output and words in output and "killed   " not in output
    assert "0 of 0 mutants killed" in output


def test_ambiguous_patch(trial):
    trial.write("kernel/sum.c", SUM + SUM.replace("sum", "sum2"))
    trial.mutant("twice")
    assert "found 2 times in kernel/sum.c" in trial.run()[1]


def test_named_test_must_exist(trial):
    trial.mutant("wrong_sum", header="Bug: b.\nTests: no.such\n")
    status, output = trial.run()
    assert status == 1 and "its patch names no.such, which is no test" in output


def test_broken_test_kills_nothing(trial):
    """A test that fails without a mutant proves nothing."""
    trial.mutant("wrong_sum")
    trial.write("test/grade.py", GRADE.replace('"a + b" in text', "False"))
    status, output = trial.run()
    assert status == 1 and "test sum.adds fails without any mutant" in output


def test_resumed(trial):
    trial.mutant("wrong_sum")
    trial.mutant("nothing", NO_OP)
    trial.run()
    trial.calls()
    status, output = trial.run()
    assert trial.calls() == [] and "killed   wrong_sum" in output and "survived nothing" in output
    trial.mutant("wrong_sum", WRONG_SUM.replace("a - b", "b - a"))
    trial.run()
    assert trial.calls() == ["sum.adds"]
    # The tree has changed: nothing that was found is known to hold.
    trial.write("kernel/max.c", MAX + "\n")
    trial.run("--only", "wrong_sum")
    assert trial.calls() == ["sum.adds", "sum.adds"]
    assert trial.run("--only", "nosuch")[1].startswith("mutants: M=nosuch: no such mutant")


def test_interrupted_run(trial):
    """What was under way at ^C is not taken for killed, and its commands end."""
    trial.mutant("wrong_sum")
    trial.write("test/grade.py", "import os, time\nopen('../calls', 'w').write(str(os.getpid()))\n"
                                 "time.sleep(600)\n")
    process = trial.start()
    while not trial.calls_file().exists() or not trial.calls_file().read_text():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    grader = int(trial.calls_file().read_text())
    assert "another run works in" in trial.run()[1]
    process.send_signal(signal.SIGINT)
    assert "interrupted" in process.communicate(timeout=60)[0]
    with pytest.raises(ProcessLookupError):
        os.kill(grader, 0)
    assert not (trial.folder / "results.json").exists()


def test_interrupted_mutant_is_cleared_away(trial):
    trial.mutant("nothing", NO_OP)
    trial.run()
    (trial.folder / "tree-1" / "kernel" / "sum.c").write_text(SUM.replace("+", "-"))
    (trial.folder / "results.json").unlink()
    assert "survived nothing" in trial.run()[1]


def test_sample(trial, monkeypatch):
    for number in range(20):
        trial.mutant(f"m{number}", header=HEADER + (
            "", "Sample: no\n", "Needs: debug\n", "Survives: so.\n")[number % 4])
    listed = mutation.read_all(trial.root / "test" / "mutants")

    def draw(seed):
        options = mutants.arguments(["--sample", "3", "--seed", seed])
        return [mutant.name for mutant in mutants.choose(listed, options, "")]

    monkeypatch.delenv("M", raising=False)
    monkeypatch.delenv("DEBUG", raising=False)
    assert draw("1") == draw("1") and len(draw("1")) == 3
    assert set().union(*map(draw, "123456789")) == {f"m{n}" for n in range(0, 20, 4)}
    monkeypatch.delenv("N", raising=False)
    options = mutants.arguments([])
    assert len(mutants.choose(listed, options, "")) == 15
    monkeypatch.setenv("DEBUG", "1")
    assert len(mutants.choose(listed, options, "")) == 5


def test_collection_error_is_no_kill(trial):
    trial.mutant("wrong_sum")
    trial.write("test/grade.py", "import sys\nopen(sys.argv[1][11:], 'w').write('<testsuites>"
                                 "<testcase name=\"f\"><error/></testcase></testsuites>')\n")
    status, output = trial.run()
    assert status == 1 and "grading did not work" in output and "killed   " not in output


@pytest.mark.parametrize("text, words", [
    (patch(header="Tests: x.y\n"), "say what the bug is"),
    (patch(header="Bug: b.\n"), "what should notice it"),
    (patch(header=HEADER + "Colour: red\n"), "bad line `Colour: red`"),
    (patch(header=HEADER + "Needs: luck\n"), "Needs can only be"),
    (patch(header=HEADER + "Bug: b.\n"), "each once"),
    (patch(""), "no hunk"), (HEADER, "no empty line"),
    (patch(WRONG_SUM.replace("kernel/", "user/")), "only kernel/, vm/, trap/ are mutated"),
    (patch(WRONG_SUM.replace("kernel/", "kernel/../user/")), "are mutated"),
    (patch(WRONG_SUM + "What?\n"), "not a unified diff"),
], ids=range(10))
def test_bad_patch(tmp_path, text, words):
    (tmp_path / "m.patch").write_text(text)
    with pytest.raises(MutantError, match=words):
        mutation.read(tmp_path / "m.patch")


def test_patch_by_git(tmp_path):
    (tmp_path / "m.patch").write_text(patch("diff --git a/kernel/sum.c b/kernel/sum.c\n"
                                            "index 1..2 100644\n" + WRONG_SUM))
    hunk, = mutation.read(tmp_path / "m.patch").hunks
    assert (hunk.file, hunk.old, hunk.new) == (
        "kernel/sum.c", "    return a + b;\n", "    return a - b;\n")


def test_all_fit():
    """Each patch of ours fits the tree, and the tests it names exist."""
    listed = mutation.read_all(ROOT / "test" / "mutants")
    assert sum(not mutant.debug for mutant in listed) >= 60
    names = existing_tests(" ".join(word for mutant in listed for word in mutant.tests))
    for mutant in listed:
        assert mutation.changed(mutant, ROOT), mutant.name
        for word in mutant.tests:
            assert any(matches(name, word) for name in names), f"{mutant.name}: no test {word}"


@pytest.mark.points(2)
@pytest.mark.xdist_group("tree")
@pytest.mark.parametrize("debug", ["", "1"], ids=["plain", "debug"])
def test_sample_is_killed(debug):
    """A few mutants of the real kernel, another few for each state of the tree; and a few of those
    that only the checking kernel can show."""
    folder = build_dir() / "test" / f"mutants{debug}"
    count = os.environ.get("N") or ("2" if debug else "3")
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("M", "DEBUG", "LIST", "J")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "test" / "mutants.py"), "--folder", str(folder), "--likely",
         "--jobs", "1", "--sample", count], check=False, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
        env={**environment, "DEBUG": "1"} if debug else environment)
    assert done.returncode == 0, done.stdout
    ended = json.loads((folder / "results.json").read_text())["mutants"]
    assert [one["outcome"] for one in ended.values()] == ["killed"] * len(ended)
