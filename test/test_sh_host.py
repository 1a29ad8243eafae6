"""The shell on the host, under ASan and UBSan: every case of data/sh_cases.txt.

The programs that the cases use are user/bin's, built the same way, so they are tested too.
"""
import dataclasses
import fcntl
import os
import pathlib
import pty
import random
import re
import select
import shlex
import signal
import subprocess
import time

import pytest

from banyan.machine import ROOT, build_dir

pytestmark = pytest.mark.ours
CASES = ROOT / "test" / "data" / "sh_cases.txt"
SHELL = [*sorted((ROOT / "user" / "sh").glob("*.c")),
         *(ROOT / "user" / "lib" / f"{name}.c" for name in ("utf8", "keys", "keyboard"))]
PROGRAMS = ("basename cat chmod cmp cp cut diff dirname echo env find grep head ln ls man mkdir mv "
            "printf pwd rm rmdir sed seq sort tail tee touch tr uniq wc which xargs yes").split()
FLAGS = ("-std=gnu11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer "
         "-fsanitize=address,undefined -fno-sanitize-recover=all").split()
PLAIN_FLAGS = "-std=gnu11 -D_GNU_SOURCE -O1".split()
TIMEOUT = 60


@dataclasses.dataclass(frozen=True)
class Case:
    section: str
    name: str
    script: str
    status: int
    output: str


def read_cases(path=CASES):
    """The cases of a file, in its order; the format is described at its beginning."""
    cases = []
    for block in re.split(r"^== ", path.read_text(), flags=re.MULTILINE)[1:]:
        title, _, body = block.partition("\n")
        section, _, name = title.partition(": ")
        match = re.search(r"^-- (\d+)\n", body, flags=re.MULTILINE)
        assert name and match, f"{path}: the case `{title}` is not well formed"
        output = body[match.end():]
        if output.endswith("\n\n") or output == "\n":
            output = output[:-1]
        cases.append(Case(section, name, body[:match.start()], int(match.group(1)), output))
    assert cases and len({(case.section, case.name) for case in cases}) == len(cases)
    return cases


def _compile(target, sources, flags):
    compiler = shlex.split(os.environ.get("HOSTCC") or "gcc")
    command = [str(word) for word in [*compiler, *flags, "-I", ROOT, "-o", target, *sources]]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode:
        pytest.fail(f"{shlex.join(command)}\n{done.stdout}", pytrace=False)


def _sources(name):
    """The file user/bin/NAME.c, or those of the folder user/bin/NAME."""
    place = ROOT / "user" / "bin" / name
    return sorted(place.glob("*.c")) or [place.with_suffix(".c")]


def _build(folder):
    """Build what has changed. One run at a time does it."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        targets = {name: (_sources(name), FLAGS) for name in PROGRAMS}
        targets["sh"] = (SHELL, FLAGS)
        targets["plain-sh"] = (SHELL, PLAIN_FLAGS)
        headers = [*(ROOT / "user" / "sh").glob("*.h"), *(ROOT / "user" / "bin").rglob("*.h"),
                   pathlib.Path(__file__)]
        for name, (sources, flags) in targets.items():
            newest = max(path.stat().st_mtime for path in [*sources, *headers])
            target = folder / name
            if not target.exists() or target.stat().st_mtime < newest:
                _compile(target, sources, flags)
    return folder


@pytest.fixture(scope="module")
def programs():
    return _build(build_dir() / "test" / "host" / "sh")


def _environment(programs, folder):
    return {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C",
            "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0:exitcode=99",
            "UBSAN_OPTIONS": "print_stacktrace=1"}


def _run(programs, folder, arguments):
    """(status, output with errors) of the shell; killed by a signal: 128 + it, not ended: None."""
    process = subprocess.Popen([programs / "sh", *arguments], cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env=_environment(programs, folder), start_new_session=True)
    try:
        output, _ = process.communicate(timeout=TIMEOUT)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, output.decode(errors="replace")
    return status if status >= 0 else 128 - status, output.decode(errors="replace")


def _normal(output, script, programs):
    """What the systems and the place of the files make different is made the same."""
    for before, after in [(str(script), "FILE"), (f"{programs}/sh", "/bin/sh"),
                          ("Bad file descriptor", "EBADF"), ("Bad file number", "EBADF")]:
        output = output.replace(before, after)
    return output


ALL = read_cases()
SECTIONS = list(dict.fromkeys(case.section for case in ALL))


@pytest.mark.points(1)
@pytest.mark.parametrize("section", SECTIONS)
def test_cases(programs, tmp_path, section):
    wrong = []
    for number, case in enumerate(case for case in ALL if case.section == section):
        folder = tmp_path / f"case-{number}"
        folder.mkdir()
        script = tmp_path / f"script-{number}"
        script.write_text(case.script)
        status, output = _run(programs, folder, [script])
        output = _normal(output, script, programs)
        if (status, output) != (case.status, case.output):
            ended = "it did not end" if status is None else f"status {status}, not {case.status}"
            wrong.append(f"== {section}: {case.name}\n{case.script}-- expected\n{case.output}"
                         f"-- printed\n{output}-- {ended}")
    assert not wrong, "\n" + "\n\n".join(wrong)


def test_errors_name_the_path(programs, tmp_path):
    """Errors of the programs: NAME: PATH: REASON, and a status that says so."""
    (tmp_path / "f").write_text("text\n")
    for command in ["cat none", "cp none x", "mv none x", "rm none", "rmdir none", "ls none",
                    "wc none", "head none", "tail none", "mkdir no/such", "touch no/such",
                    "ln none x", "tee no/such"]:
        status, output = _run(programs, tmp_path, ["-c", command])
        name, path = command.split()[:2]
        assert status == 1, f"`{command}` ended with {status}: {output}"
        assert output.startswith(f"{name}: ") and path in output, f"`{command}` printed {output!r}"
        assert "No such file or directory" in output, f"`{command}` printed {output!r}"
    for command in ["sort none", "grep x none", "cmp none f"]:
        status, output = _run(programs, tmp_path, ["-c", command])
        assert status == 2 and "none: No such file" in output, f"`{command}`: {status}, {output!r}"
    # What follows a bad operand is still done.
    assert _run(programs, tmp_path, ["-c", "cat none f 2>/dev/null"]) == (1, "text\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the host has no /dev/full")
def test_full_disk_is_reported(programs, tmp_path):
    (tmp_path / "f").write_text("text\n" * 10)
    for command in ["cat f", "cat -n f", "ls", "ls -l", "wc f", "head f", "tail f", "sort f",
                    "seq 3", "echo a", "env", "/proc/self/cwd/pwd", "grep t f", "command pwd",
                    "export -p", "set", "yes", "tee <f", "cp f /dev/full", "tee /dev/full <f"]:
        command = command.replace("/proc/self/cwd/pwd", f"{programs}/pwd")
        line = command if "/dev/full" in command else f"{command} >/dev/full"
        status, output = _run(programs, tmp_path, ["-c", line])
        assert status not in (0, None), f"`{line}` ended with {status}"
        assert "No space left on device" in output, f"`{line}` printed {output!r}"


def test_trees(programs, tmp_path):
    """cp -r, mv and rm -r on a tree deeper than any path, and odd names."""
    script = """
top=$(pwd); long=$(echo -n a; for i in 1 2 3 4 5 6 7 8 9 10; do echo -n 12345678901234567890; done)
mkdir t; cd t; i=0
while [ $i -lt 30 ]; do mkdir $long && cd $long || exit; i=$((i+1)); done
echo deep >file; cd $top
cp -rp t u || exit
ls -R t >r1 2>e1; ls -R u >r2 2>e2
cd u; i=0; while [ $i -lt 30 ]; do cd $long || exit; i=$((i+1)); done; cat file; cd $top
mv u v && test ! -e u && rm -r t v && ls
mkdir a; echo x >'a/-f'; echo y >'a/ b'; ln -s nowhere a/link
cp -r a b && ls b && rm -r a/* && ls a && cat b/-f 'b/ b'
cp -r b b/inside; echo $?; rm -rf b a
"""
    status, output = _run(programs, tmp_path, ["-c", script])
    assert (status, output) == (0, "deep\ne1\ne2\nr1\nr2\n b\n-f\nlink\nx\ny\n"
                                "cp: b/inside: cannot be copied into itself\n1\n"), output


def test_any_input_is_survived(programs, tmp_path):
    """Beginnings of every case, and a thousand broken scripts: a status, never a crash."""
    source = random.Random(1)
    pieces = ["'", '"', "`", "$(", "${", "$((", "))", ")", "}", "{", "(", ";", "&", "&&", "|", "||",
              "\n", " ", "\\", "if", "then", "fi", "for x in", "do", "done", "case a in", "esac",
              "a)", ";;", "<<E", "E", "\nE\n", "$x", "${x#", "${x:-", "#", "*", "[", "!", "x=1",
              "f()", "\0", "~", "echo", ">f", "2>&1", "<&-"]
    texts = [case.script[:end] for case in ALL for end in range(0, len(case.script), 61)]
    texts += [" ".join(source.choices(pieces, k=source.randint(1, 25))) for _ in range(1000)]
    for index, text in enumerate(texts):
        (tmp_path / f"t{index}").write_text(text)
    # -n: parsed and not run. Each in a subshell, so that one shell reads them all.
    runner = (f"i=0; while [ $i -lt {len(texts)} ]; do (set -n; . ./t$i) 2>err; s=$?; "
              "[ $s -lt 3 ] || { echo t$i ended with $s; cat t$i err; }; i=$((i+1)); done")
    assert _run(programs, tmp_path, ["-c", runner]) == (0, "")


def _resident(pid):
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_memory_does_not_grow(programs, tmp_path):
    """After a long loop and many commands, a shell built without sanitizers is no larger."""
    body = ("x=$x; set -- a b c; f() { local y=$1; case $y in a*) :;; esac; }; f \"$@\"; "
            "y=${x:-abc}; for i in 1 2 *; do z=$((z+1)); done; eval 'q=1' >/dev/null; "
            "nothing 2>&-; if\n")  # a syntax error ends it: nothing is left behind by one either
    loop = "n=0; while [ $n -lt 2000 ]; do n=$((n+1)); {}; done; echo now\n"
    with subprocess.Popen([programs / "plain-sh", "-i"], cwd=tmp_path, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env=_environment(programs, tmp_path)) as process:
        sizes = []
        for _ in range(3):
            process.stdin.write((body.replace("; if\n", "\n") + body + "then\n") * 200)
            process.stdin.write(loop.replace("{}", body.split("; nothing")[0]))
            process.stdin.flush()
            assert process.stdout.readline() == "now\n"
            sizes.append(_resident(process.pid))
        process.stdin.close()
        assert process.wait(TIMEOUT) == 0
    assert sizes[2] - sizes[0] <= 64 * 1024, f"it grew: {sizes}"


class Terminal:
    """The interactive shell on a pseudo-terminal."""

    def __init__(self, programs, folder):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Here the prompt's foreground group is the shell's own, for this system knows no
            # terminal without one; SIGTTOU is a signal that Banyan does not have.
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.chdir(folder)
            os.execve(programs / "sh", ["sh"], _environment(programs, folder))

    def expect(self, text):
        limit = time.monotonic() + TIMEOUT
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, limit - time.monotonic()))
            assert ready, f"{text!r} did not come, but {self.seen!r}"
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            assert data, f"the shell ended before {text!r}: {self.seen!r}"
            self.seen += data.decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, data):
        os.write(self.fd, data)

    def run(self, line):
        """Type a line at a prompt; what comes between its echo and the next prompt."""
        self.type(line.encode() + b"\n")
        self.expect(line + "\r\n")
        return self.expect("$ ").replace("\r\n", "\n")

    def interrupt(self, line):
        """Type a line and, when its program runs in the foreground, ^C."""
        self.type(line.encode() + b"\n")
        self.expect(line + "\r\n")
        limit = time.monotonic() + TIMEOUT
        while os.tcgetpgrp(self.fd) == self.pid:
            assert time.monotonic() < limit, f"{line}: nothing came to the foreground"
            time.sleep(0.01)
        time.sleep(0.1)
        self.type(b"\x03")
        return self.expect("$ ")

    def close(self):
        os.close(self.fd)
        limit = time.monotonic() + TIMEOUT
        while not os.waitpid(self.pid, os.WNOHANG)[0]:
            if time.monotonic() > limit:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.01)


@pytest.fixture
def terminal(programs, tmp_path):
    made = Terminal(programs, tmp_path)
    yield made
    made.close()


@pytest.mark.points(2)
def test_prompt(terminal):
    assert terminal.expect("$ ") == ""
    assert terminal.run("echo hello") == "hello\n"
    assert terminal.run("") == ""
    assert terminal.run("sleep 0 & wait; echo waited") == "waited\n"
    assert terminal.run("no-such-program") == "sh: no-such-program: not found\n"
    assert terminal.run("echo $?") == "127\n"
    assert terminal.run("sh -c 'kill -9 $$'") == "Killed\n"


@pytest.mark.points(2)
def test_errors_at_the_prompt(terminal):
    """The shell outlives every error, and nothing typed after one is lost."""
    terminal.expect("$ ")
    assert terminal.run("fi") == "sh: syntax error: unexpected `fi'\n"
    assert terminal.run("echo $?") == "2\n"
    assert terminal.run("echo ${x?}; echo same line") == "sh: x: parameter not set\n"
    assert terminal.run("echo next line") == "next line\n"
    assert terminal.run("f() { f; }; f") == "sh: f: functions are nested too deeply\n"
    assert terminal.run("eval 'echo ('; echo lost") == "sh: syntax error: unexpected newline\n"
    assert terminal.run("readonly r=1; r=2; echo lost") == "sh: r: is read-only\n"
    assert terminal.run("cat <none") == "sh: none: No such file or directory\n"
    assert terminal.run("echo $((1/0))") == "sh: 1/0: division by zero\n"
    assert terminal.run("exec no-such-program") == "sh: no-such-program: not found\n"
    assert terminal.run("set -b; (exit 3) & wait $!; echo $?").endswith("3\n")


@pytest.mark.points(2)
def test_continued_lines(terminal):
    terminal.expect("$ ")
    terminal.type(b"if true\n")
    terminal.expect("> ")
    terminal.type(b"then echo 'a\n")
    terminal.expect("> ")
    terminal.type(b"b'; cat <<E; fi\n")
    terminal.expect("> ")
    terminal.type(b"here\n")
    terminal.expect("> ")
    terminal.type(b"E\n")
    terminal.expect("E\r\n")
    assert terminal.expect("$ ") == "a\r\nb\r\nhere\r\n"
    terminal.type(b"echo 'open\n")
    terminal.expect("> ")
    terminal.type(b"\x04")  # ^D gives the command up, not the shell
    terminal.expect("unterminated quoted string")
    terminal.expect("$ ")
    assert terminal.run("echo alive") == "alive\n"


def _runs(group):
    """Whether a process of the group does; one that nobody has waited for yet does not."""
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, found = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(found) == group and state not in "ZX":
            return True
    return False


@pytest.mark.points(3)
def test_interrupt_hits_the_foreground_only(terminal):
    terminal.expect("$ ")
    for line in ["sleep 100", "sleep 100 | cat", "(sleep 100; echo never)", "x=`sleep 100`",
                 "while true; do sleep 100; done; echo never", "cat; echo never",
                 "f() { sleep 100; }; for i in 1 2 3; do f; done", "true && { sleep 100; }",
                 "sleep 100 & wait; echo never", "sh -c 'sleep 100; echo never'"]:
        printed = terminal.interrupt(line)
        assert "never" not in printed, f"{line}: {printed!r}"
        status = terminal.run("echo $?")
        assert status == "130\n", f"{line}: {status!r}"
    assert terminal.run("sleep 100 &") == ""
    terminal.interrupt("sleep 50")
    assert terminal.run("kill -0 $! && echo untouched") == "untouched\n"
    assert "Running" in terminal.run("jobs")
    assert terminal.run("kill $!; wait; echo $?").endswith("0\n")


def test_kill_reaches_all_of_a_job(terminal):
    """By its number, and what its processes have started too."""
    terminal.expect("$ ")
    assert terminal.run("(sleep 100; echo never) & sleep 101 | cat &") == ""
    groups = [os.getpgid(int(pid)) for pid in terminal.run("jobs -p").split()]
    assert terminal.run("kill %1; wait %1; echo $?").endswith("143\n")
    assert terminal.run("kill -9 %2 && wait; echo $?").endswith("0\n")
    limit = time.monotonic() + TIMEOUT
    while any(_runs(group) for group in groups):
        assert time.monotonic() < limit, "the programs of the jobs still run"
        time.sleep(0.01)
    assert "no such job" in terminal.run("kill %1")


def test_end_of_input_ends_the_shell(programs, tmp_path):
    terminal = Terminal(programs, tmp_path)
    terminal.expect("$ ")
    terminal.run("(exit 5)")
    terminal.type(b"\x04")
    _, status = os.waitpid(terminal.pid, 0)
    os.close(terminal.fd)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 5
