"""Runs inside gdb: lists the kernel's harts, threads and what they wait for.

Each line of the result begins with "| ". The machine is one that is stuck, so any list may be
broken: walks have limits, and what cannot be read is said in its place.
"""
import gdb

THREADS_MAX = 2000
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


attempt("harts", show_harts)
attempt("processes", show_processes)
