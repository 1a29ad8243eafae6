"""The parts that the score is told by, and which test needs which.

Both are tables over names of tests. A pattern is matched against the whole name without its
[...]; the first line that matches counts.
"""
import fnmatch

PARTS = [
    ("boot", "boot.* hang.* panic.*"),
    ("memory", "guest.mem_* guest.alloc_* guest.vm_* guest.swap_* host.vm_* swapdisk.*"),
    ("processes", "guest.exist guest.proc_* guest.thread_* guest.sched_* guest.handle_*"),
    ("ipc", "guest.ipc_* guest.pipe_* guest.svc_* services.*"),
    ("files", "guest.file_* disk.* baddisk.* power.* host.fs_* host.virtq_*"),
    ("terminal", "terminal.* lineedit.* screen.* guest.tty_* host.tty_*"),
    ("programs", "shell.* command.* inspect.* vmstat.* programs.* programs_host.* sh_host.* "
                 "host.sh_* host.vi_* guest.libc_*"),
    ("host", "host.*"),
    ("build", "build.* tree.* tutorial.* source.* bench.*"),
]
OTHER = "other"
HARNESS = "harness"  # what lies in test/harness

# What cannot pass if another test fails: that one is its prerequisite, and while it fails these are
# blocked, not run. Keep the table short: it saves the reader of a broken kernel's score from a page
# of failures that all say the same.
REQUIRES = [
    ("boot.prompt boot.no_disk boot.bad_disk host.* build.* source.* sh_host.* programs_host.*", ()),
    ("guest.proc_wait", ("boot.prompt",)),
    ("guest.file_basic guest.ipc_call guest.pipe_basic guest.mem_mmap guest.thread_life",
     ("guest.proc_wait",)),
    ("guest.file_*", ("guest.file_basic",)),
    ("guest.ipc_* guest.svc_*", ("guest.ipc_call",)),
    ("guest.pipe_*", ("guest.pipe_basic",)),
    ("guest.mem_* guest.alloc_* guest.vm_* guest.swap_*", ("guest.mem_mmap",)),
    ("guest.thread_*", ("guest.thread_life",)),
    ("guest.exist", ()),
    ("guest.*", ("guest.proc_wait",)),
    ("bench.* boot.* hang.* panic.* command.* disk.* baddisk.* inspect.* power.* programs.* services.* "
     "shell.* terminal.* tree.* vmstat.* swapdisk.*", ("boot.prompt",)),
]


def _first(table, name, otherwise):
    bare = name.split("[")[0]
    for words, value in table:
        if any(fnmatch.fnmatchcase(bare, word) for word in words.split()):
            return value
    return otherwise


def part_of(name, path=""):
    """The part of the test `name`; `path` is its file's, in which harness tests are known."""
    if "harness/" in path:
        return HARNESS
    return _first([(words, part) for part, words in PARTS], name, OTHER)


def order_of_parts():
    """All parts, as they are listed."""
    return [part for part, _ in PARTS] + [HARNESS, OTHER]


def prerequisites(name, path=""):
    """The tests (without [...]: all their configurations) that must pass before `name` is tried."""
    return () if "harness/" in path else _first(REQUIRES, name, ())


def depth(name, path=""):
    """How long the chain of prerequisites before `name` is."""
    return max((1 + depth(needed) for needed in prerequisites(name, path)), default=0)
