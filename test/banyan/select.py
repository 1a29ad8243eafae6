"""Names of tests, as `make grade T=...`, docs/COVERAGE.md and the score use them.

system/test_shell.py::test_pipeline[cpus=2] is called shell.pipeline[cpus=2].
"""
import fnmatch
import re


def short_name(nodeid):
    """The name of a test, from pytest's node id."""
    path, _, rest = re.sub(r"@\w+$", "", nodeid).partition("::")  # xdist adds a group's name
    module = path.rsplit("/", 1)[-1]
    module = re.sub(r"^test_|\.py$", "", module)
    function = re.sub(r"(^|::)test_", r"\1", rest).replace("::", ".")
    # A family of tests: test_guest.py::test_guest[fork] is guest.fork.
    family = re.fullmatch(rf"{re.escape(module)}\[(.*)\]", function, re.DOTALL)
    # Blanks would cut the name into several patterns.
    return re.sub(r"\s+", "_", f"{module}.{family.group(1) if family else function}")


def split_repetition(nodeid):
    """(node id without the number that REPEAT gave it, "#number" or "")"""
    found = re.search(r"(?:(\[)|-)run=(\d+)\](?=@\w+$|$)", nodeid)
    if not found:
        return nodeid, ""
    end = "" if found.group(1) else "]"
    return nodeid[:found.start()] + end + nodeid[found.end():], "#" + found.group(2)


def matches(name, patterns):
    """Whether one of the words of `patterns` is in the name, or matches all of it."""
    return any(_matches_word(name, word) for word in patterns.split())


def _matches_word(name, word):
    if not set(word) & set("*?"):
        return word in name
    return fnmatch.fnmatchcase(name, word.replace("[", "[[]"))  # brackets are plain text here
