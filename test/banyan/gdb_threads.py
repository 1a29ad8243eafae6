"""Runs inside gdb: the kernel's harts, locks that are held, threads, and who waits for whom.

Each line of the result begins with "| ". The machine is one that is stuck, so any list may be
broken: walks have limits, and what cannot be read is said in its place.
"""
import pathlib
import re
import sys

import gdb

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import waitgraph  # noqa: E402

THREADS_MAX = 2000
ARRAY_MAX = 64  # elements of a table that are searched for locks
FILE = re.compile(r"^File (.*):$")
VARIABLE = re.compile(r"^\d+:\s+(?:static )?(?:struct \w+) (\w+)(?:\[.*\])?;$")
FRAMES_MAX = 16
STATES = {"THREAD_READY": "ready", "THREAD_RUNNING": "running", "THREAD_WAITING": "waiting",
          "THREAD_DEAD": "dead"}


def say(text):
    print("| " + text)


def symbol(address):
    """`function+12`, or the number."""
    text = gdb.execute(f"info symbol {int(address):#x}", to_string=True)
    if text.startswith("No symbol"):
        return f"{int(address):#x}"
    return text.split(" in section")[0].replace(" + ", "+").strip()


def string(value, limit=64):
    """A C string, array or pointer."""
    if value.type.code == gdb.TYPE_CODE_PTR and int(value) == 0:
        return ""
    return value.string(errors="replace", length=-1)[:limit]


def elements(head, type_name, member):
    """The structures on an intrusive ring."""
    structure = gdb.lookup_type(type_name)
    offset = next(field.bitpos // 8 for field in structure.fields() if field.name == member)
    at = head["next"]
    for _ in range(THREADS_MAX):
        if int(at) in (int(head.address), 0):  # 0: not set up yet
            return
        yield gdb.Value(int(at) - offset).cast(structure.pointer()).dereference()
        at = at["next"]
    say(f"(a list of {type_name} does not end)")


def kernel_backtrace(context):
    """Where a thread that is off its hart will go on: ra, then up the frame pointers."""
    word = gdb.lookup_type("unsigned long").pointer()
    names, frame = [symbol(context["ra"])], int(context["s"][0])
    for _ in range(FRAMES_MAX):
        if frame == 0 or frame % 8 or frame < 1 << 63:
            break
        try:
            link, caller = (int(gdb.Value(frame - at).cast(word).dereference()) for at in (8, 16))
        except gdb.MemoryError:
            break
        if link == 0:
            break
        names.append(symbol(link))
        if caller <= frame:
            break
        frame = caller
    return names


def show_thread(thread):
    state = STATES.get(str(thread["state"]), str(thread["state"]))
    what = string(thread["wait_what"])
    text = f"    thread {int(thread['tid'])} {state}, hart {int(thread['hart'])}"
    if what:
        text += f", waits for {what}"
        if int(thread["wait_holder"]):
            text += f" (pid {int(thread['wait_holder'])} must act)"
    say(text)
    if state == "waiting":
        say("        in " + " < ".join(kernel_backtrace(thread["context"])))


def show_hart(hart):
    current = hart["current"]
    text = f"hart {int(hart['index'])}:"
    if int(current):
        text += f" thread {int(current['tid'])}"
    if int(current) == int(hart["idle"]):
        text += " (idle)"
    if int(hart["lock_depth"]):
        held = [symbol(hart["locks"][at]) for at in range(min(16, int(hart["lock_depth"])))]
        text += ", holds " + ", ".join(held)
    say(text)


def show_process(process):
    dying = ", dying" if process["dying"] else ""
    say(f"process {int(process['pid'])} {string(process['name'])}{dying}")
    for thread in elements(process["threads"], "struct thread", "link"):
        show_thread(thread)


def attempt(what, function, *arguments):
    """A part that fails must not take the others along."""
    try:
        function(*arguments)
    except (gdb.error, gdb.MemoryError, RuntimeError, StopIteration, ValueError) as error:
        say(f"({what}: {error})")


def show_harts():
    harts = gdb.parse_and_eval("harts")
    for at in range(int(gdb.parse_and_eval("hart_count"))):
        attempt(f"hart {at}", show_hart, harts[at])


def structures():
    """(name, value) of the kernel's variables that are structures or tables of them."""
    file = ""
    for line in gdb.execute("info variables -q -n .", to_string=True).splitlines():
        if match := FILE.match(line):
            file = match.group(1)
        elif match := VARIABLE.match(line):
            name = match.group(1)
            yield f"{name} ({file})", gdb.parse_and_eval(f"'{file}'::{name}")


def locks_in(name, value):
    """(name, lock) of the locks in a variable: itself, its fields, those of its elements."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_ARRAY:
        low, high = kind.range()
        for at in range(low, min(high, low + ARRAY_MAX - 1) + 1):
            yield from locks_in(f"{name}[{at}]", value[at])
    elif kind.tag == "spinlock":
        yield name, value
    elif kind.code == gdb.TYPE_CODE_STRUCT:
        for field in kind.fields():
            if field.type.strip_typedefs().tag == "spinlock":
                yield f"{name}.{field.name}", value[field.name]


def all_locks():
    for name, value in structures():
        yield from locks_in(name, value)
    for process in processes():
        name = f"process {int(process['pid'])}"
        yield from locks_in(name, process)
        if int(process["space"]):
            yield from locks_in(f"{name} space", process["space"].dereference())


def show_locks():
    """Locks that are held, from what each lock keeps: the number of its hart and 1."""
    held = {}
    for name, lock in all_locks():
        if int(lock["owner"]):
            held[int(lock.address)] = name
            rank = gdb.Value(int(lock["rank"])).cast(gdb.lookup_type("enum lock_rank"))
            say(f"lock {name}, {rank}: held by hart {int(lock['owner']) - 1}")
    for thread in gdb.selected_inferior().threads():
        attempt(f"hart {thread.num - 1}", show_spinning, thread, held)
    if not held:
        say("no lock that has a name is held")


def show_spinning(thread, held):
    """Whether a hart waits for a lock, and whose it is."""
    thread.switch()
    frame = gdb.newest_frame()
    for _ in range(3):
        if frame is not None and frame.name() == "spin_lock":
            lock = frame.read_var("l").dereference()
            name = held.get(int(lock.address), symbol(lock.address))
            say(f"hart {thread.num - 1} spins for lock {name}, "
                f"which hart {int(lock['owner']) - 1} holds")
        frame = frame.older() if frame is not None else None


def show_waits():
    """Who waits for whom among processes."""
    edges, names = {}, {}
    for process in processes():
        pid = int(process["pid"])
        names[pid] = string(process["name"])
        holders = {int(thread["wait_holder"])
                   for thread in elements(process["threads"], "struct thread", "link")
                   if str(thread["state"]) == "THREAD_WAITING"} - {0}
        if holders:
            edges[pid] = holders
    for line in waitgraph.describe(edges, names):
        say(line)


def show_processes():
    for process in processes():
        attempt("process", show_process, process)


def processes():
    """Every process, in order of pid, from the kernel's table of them."""
    buckets = gdb.parse_and_eval("pids")
    low, high = buckets.type.range()
    found = [process for at in range(low, high + 1)
             for process in elements(buckets[at], "struct process", "hash_link")]
    return sorted(found, key=lambda process: int(process["pid"]))


for heading, part in (("harts", show_harts), ("locks", show_locks), ("processes", show_processes),
                      ("wait graph", show_waits)):
    say(f"{heading}:")
    attempt(heading, part)
