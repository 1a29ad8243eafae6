#!/usr/bin/python3
"""`make mutants`: does the grading notice a broken kernel?

Each patch of test/mutants/ puts one small bug into a copy of the tree (build/mutants/tree-N). The
copy is built and graded, first with the tests that the patch names, then with all, up to the first
failure: the mutant is killed. At the end the tests that killed something run on the tree as it is,
where they must pass.

    M=NAME...  only these mutants (* and ? work)
    N=COUNT    a sample of that many, drawn by SEED (default: from the tree itself)
    LIKELY=1   only the tests that the patches name
    J=COUNT    mutants at a time (default: one per processor)
    LIST=1     list the mutants, run none
    KEEP=1     results of an older tree count, too
    DEBUG=1    those that only the checking kernel can show, and no others

What was found is kept in build/mutants/results.json, and a run goes on where the last one stopped.
build/mutants/log/NAME.txt has what was built and graded. The exit status is 0 if each mutant fits
and compiles, at most one in twenty survives, and each survivor's patch says why.
"""
import argparse
import concurrent.futures
import contextlib
import fcntl
import fnmatch
import json
import os
import pathlib
import queue
import random
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree

from banyan import mutation
from banyan.machine import ROOT, MachineError, build_dir
from banyan.mutation import MutantError

ENOUGH = 0.95  # of the mutants have to be killed
# Left out after the named tests: what boots no kernel of this tree, or builds other trees.
NOT_KERNEL = ("test/harness", "test/system/test_build.py", "test/system/test_tree.py")
# Settings of this run that are none of a mutant's.
OURS = ("ARGS BUILD CHOSEN CMD CPUS DISK EXTRA FAILED FULL HIDDEN INITRD J KARGS KEEP KERNEL "
        "LIKELY LIST M MAKEFLAGS MAKELEVEL MAKEOVERRIDES MEM MFLAGS N QEMUEXTRA REPEAT SEED SWAP T "
        "TREE V").split()


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="the tree")
    parser.add_argument("--folder", type=pathlib.Path, help="where copies and results are kept")
    parser.add_argument("--only", default=env.get("M") or "", help="names of mutants")
    parser.add_argument("--sample", default=env.get("N") or "", help="how many to draw")
    parser.add_argument("--seed", default=env.get("SEED") or "")
    parser.add_argument("--jobs", default=env.get("J") or str(len(os.sched_getaffinity(0))))
    for name in ("likely", "list", "keep"):
        parser.add_argument("--" + name, action="store_true",
                            default=env.get(name.upper(), "") not in ("", "0"))
    options = parser.parse_args(argv)
    for name, largest in (("sample", 10000), ("jobs", 64)):
        text = getattr(options, name)
        if text and (not text.isdigit() or not 1 <= int(text) <= largest):
            raise MutantError(f"{name} {text}: give a number from 1 to {largest}")
    options.sample, options.jobs = int(options.sample or 0), int(options.jobs)
    options.folder = options.folder or build_dir() / "mutants"
    return options


def choose(mutants, options, digest):
    """The mutants to run, in order."""
    words = options.only.split()
    for word in words:
        if not any(fnmatch.fnmatchcase(mutant.name, word) for mutant in mutants):
            raise MutantError(f"M={word}: no such mutant; LIST=1 lists them")
    if words:
        return [mutant for mutant in mutants
                if any(fnmatch.fnmatchcase(mutant.name, word) for word in words)]
    checking = os.environ.get("DEBUG", "") not in ("", "0")
    chosen = [mutant for mutant in mutants if mutant.debug == checking]
    if options.sample:
        seed = options.seed or digest[:8]
        print(f"a sample of {options.sample}: SEED={seed}")
        chosen = [mutant for mutant in chosen if mutant.sample and not mutant.survives]
        chosen = random.Random(seed).sample(chosen, min(options.sample, len(chosen)))
    return chosen


class Results:
    """results.json: how each mutant ended, and which tests pass on the tree as it is."""

    def __init__(self, path, digest, keep):
        self._path, self._lock = path, threading.Lock()
        self.mutants, self.clean = {}, {}
        with contextlib.suppress(OSError, ValueError, KeyError):
            old = json.loads(path.read_text())
            if keep or old["tree"] == digest:
                self.mutants = old["mutants"]
            if old["tree"] == digest:
                self.clean = old["clean"]
        self._digest = digest

    def known(self, mutant, likely):
        """Its result, if it is of this very patch and says enough."""
        old = self.mutants.get(mutant.name)
        if not old or old["patch"] != mutant.digest or old["outcome"] == "wrong":
            return None
        return old if old["outcome"] == "killed" or likely or not old["likely"] else None

    def save(self):
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps({"tree": self._digest, "mutants": self.mutants,
                                         "clean": self.clean}, indent=1, sort_keys=True))
            fresh.replace(self._path)


class Interrupted(Exception):
    """The run is to end: what a command said does not count."""


class Grader:
    """Builds and grades one copy of the tree. stop() may come from another thread."""

    def __init__(self, tree):
        self.tree = tree
        self._lock, self._process, self._stopped = threading.Lock(), None, False
        self._environment = {key: value for key, value in os.environ.items()
                             if key not in OURS and not key.startswith("PYTEST_")}

    def stop(self):
        with self._lock:
            self._stopped = True
            if self._process and self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def run(self, argv, log, **settings):
        """Exit status and output. In a session of its own: ^C is for us to handle."""
        with self._lock:
            if self._stopped:
                raise Interrupted
            self._process = subprocess.Popen(
                argv, cwd=self.tree.folder, env={**self._environment, **settings},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", start_new_session=True)
        output = self._process.communicate()[0]
        if self._stopped:
            raise Interrupted
        log.write(f"$ {' '.join(argv)} {settings}\n{output}\n")
        log.flush()
        return self._process.returncode, output

    def build(self, log):
        status, output = self.run(["make", "all"], log)
        if status != 0:
            words = [line for line in output.splitlines() if "error" in line.lower()]
            raise MutantError("it does not compile: " + (words or ["see the log"])[0].strip())

    def grade(self, tests, log, *options, jobs=1):
        """{name: None if it passed, else why it failed} of the tests that ran."""
        report = self.tree.folder / "build" / "graded.xml"
        report.unlink(missing_ok=True)
        # One seed: what it draws for tests that name no machine is the same each time.
        output = self.run([sys.executable, "test/grade.py", f"--junitxml={report}", *options], log,
                          T=tests, J=str(jobs), SEED="1")[1]
        try:
            return dict(map(self._verdict, ElementTree.parse(report).iter("testcase")))
        except (OSError, ElementTree.ParseError, LookupError):
            raise MutantError(f"grading did not work: {output.strip()[-300:]}") from None

    @staticmethod
    def _verdict(case):
        # Without a name it is a file that could not be read: no test has run.
        name = {fact.get("name"): fact.get("value") for fact in case.iter("property")}["name"]
        bad = [child for child in case if child.tag in ("failure", "error")]
        why = bad[0].get("message", "").strip() if bad else None
        why = why and why.splitlines()[0].removeprefix("Failed: ")
        return name, why

    def other_files(self, word):
        """What pytest need not read to find that test: reading all takes longer than most tests."""
        here = f"test_{word.partition('.')[0]}.py"
        files = sorted(self.tree.folder.glob("test/**/test_*.py"))
        if here not in [path.name for path in files]:
            return []
        return [f"--ignore={path.relative_to(self.tree.folder)}" for path in files
                if path.name != here]

    def first_failure(self, mutant, likely, log):
        """(test, why) of the first test that fails, or None."""
        for word in mutant.tests:
            found = self.grade(word, log, "--maxfail=1", *self.other_files(word))
            if not found:
                raise MutantError(f"its patch names {word}, which is no test")
            for name, why in found.items():
                if why is not None:
                    return name, why
        if not likely:
            ignored = [f"--ignore={path}" for path in NOT_KERNEL]
            for name, why in self.grade("", log, "--maxfail=1", *ignored).items():
                if why is not None:
                    return name, why
        return None


def judge(mutant, grader, options, log):
    """How the mutant ends, as it goes into the results."""
    result = {"patch": mutant.digest, "likely": options.likely, "outcome": "survived"}
    try:
        grader.tree.apply(mutant)
        grader.build(log)
        failure = grader.first_failure(mutant, options.likely, log)
        if failure:
            result.update(outcome="killed", test=failure[0], why=failure[1])
    except MutantError as error:
        result.update(outcome="wrong", why=str(error).removeprefix(mutant.name + ": "))
    finally:
        grader.tree.revert(mutant)
    return result


def run_all(chosen, crew, options, results):
    """Judge every mutant that is not known yet, as many at a time as there are graders."""
    graders = queue.SimpleQueue()
    for grader in crew:
        graders.put(grader)

    def one(mutant):
        result = results.known(mutant, options.likely)
        if result is None:
            grader = graders.get()
            try:
                with open(options.folder / "log" / f"{mutant.name}.txt", "w") as log:
                    result = judge(mutant, grader, options, log)
            finally:
                graders.put(grader)
            results.mutants[mutant.name] = result
            results.save()
        sys.stdout.write(line(mutant, result) + "\n")
        sys.stdout.flush()

    with concurrent.futures.ThreadPoolExecutor(len(crew)) as pool:
        try:
            for future in [pool.submit(one, mutant) for mutant in chosen]:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for grader in crew:
                grader.stop()
            raise


def line(mutant, result):
    if result["outcome"] == "killed":
        return f"killed   {mutant.name} by {result['test']}: {result['why']}"[:160]
    if result["outcome"] == "wrong":
        return f"WRONG    {mutant.name}: {result['why']}"
    return f"survived {mutant.name}: {mutant.bug}"


def check_killers(chosen, grader, options, results):
    """The tests that killed a mutant and fail without any."""
    killers = {results.mutants[mutant.name].get("test") for mutant in chosen} - {None}
    unknown = sorted(killers - results.clean.keys())
    if unknown:
        print(f"{len(unknown)} tests killed something: do they pass on the tree as it is?")
        with open(options.folder / "log" / "clean.txt", "w") as log:
            grader.build(log)
            found = grader.grade(" ".join(unknown), log, jobs=options.jobs)
        results.clean.update((name, found.get(name, "did not run")) for name in unknown)
        results.save()
    return {name: results.clean[name] for name in killers if results.clean[name] is not None}


def summary(chosen, listed, results, guilty):
    """Prints the score; the exit status."""
    ended = {kind: [mutant for mutant in chosen
                    if results.mutants[mutant.name]["outcome"] == kind]
             for kind in ("killed", "survived", "wrong")}
    print()
    for name, why in sorted(guilty.items()):
        print(f"test {name} fails without any mutant, so what it killed does not count: {why}")
    for mutant in ended["survived"]:
        why = mutant.survives or "NOT EXPLAINED: write a test, or a line Survives: in its patch"
        print(f"survivor {mutant.name}: {mutant.bug}\n    {why}")
    for mutant in ended["killed"]:
        if mutant.survives:
            print(f"{mutant.name} is killed, though its patch says why it survives")
    for mutant in ended["wrong"]:
        print(line(mutant, results.mutants[mutant.name]))
    killed, all_ = len(ended["killed"]), len(ended["killed"]) + len(ended["survived"])
    share = killed / all_ if all_ else 0
    left_out = 0 if any(mutant.debug for mutant in chosen) else sum(
        mutant.debug for mutant in listed)
    print(f"{killed} of {all_} mutants killed ({100 * share:.1f} %)"
          + (f"; {left_out} need DEBUG=1 and were not run" if left_out else ""))
    explained = all(mutant.survives for mutant in ended["survived"])
    good = not ended["wrong"] and not guilty and explained and share >= ENOUGH
    return 0 if good else 1


@contextlib.contextmanager
def alone_in(folder):
    """Two runs in one folder would each grade what the other changes."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise MutantError(f"another run works in {folder}: wait for it, or end it") from None
        yield


def main(argv):
    options = arguments(argv)
    listed = mutation.read_all(options.root / "test" / "mutants")
    if not listed:
        raise MutantError(f"no patch in {options.root / 'test' / 'mutants'}")
    if options.list:
        for mutant in listed:
            print(f"{mutant.name:32} {'(DEBUG=1) ' if mutant.debug else ''}{mutant.bug}")
        return 0
    with alone_in(options.folder):
        return grade(listed, options)


def grade(listed, options):
    digest = mutation.tree_digest(options.root)
    results = Results(options.folder / "results.json", digest, options.keep)
    chosen = choose(listed, options, digest)
    (options.folder / "log").mkdir(parents=True, exist_ok=True)
    crew = []
    for number in range(min(options.jobs, len(chosen))):
        tree = mutation.Tree(options.root, options.folder / f"tree-{number + 1}")
        tree.refresh(build_dir() if options.root == ROOT else options.root / "build")
        crew.append(Grader(tree))
    run_all(chosen, crew, options, results)
    guilty = check_killers(chosen, crew[0], options, results)
    return summary(chosen, listed, results, guilty)


if __name__ == "__main__":
    # In the background of a script ^C is ignored; the end of a terminal ends us in the same way.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except (MutantError, MachineError) as error:
        sys.exit(f"mutants: {error}")
    except KeyboardInterrupt:
        sys.exit("mutants: interrupted; the next run goes on from here")
