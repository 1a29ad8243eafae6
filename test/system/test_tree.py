"""The `make` goals with a guest behind them, on a copy of the tree, so that ours is not touched."""
import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess

import pexpect
import pytest

from banyan import image
from banyan.boot import directory_name
from banyan.elf import Symbols
from banyan.machine import ROOT, build_dir

pytestmark = [pytest.mark.ours, pytest.mark.points(2), pytest.mark.xdist_group("tree")]
PARTS = ["Makefile", "kernel.ld", "kernel", "vm", "trap", "user", "test", "README.md"]
OURS = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "COVERAGE", "DEBUG", "TOOLCHAIN", "T", "V", "J", "DISK",
        "KERNEL", "INITRD", "BUILD", "CMD", "EXTRA", "LIST", "TREE", "HIDDEN", "REPEAT", "FAILED",
        "ARGS", "SEED", "FULL", "CHOSEN")
PROMPT = r"(?:\n|\x1b8)\$ "  # the line editor asks for the terminal's size before it
PROGRAM = '#include <stdio.h>\n\nint main(void)\n{\n    puts("%s");\n    return %d;\n}\n'
CRASH = '''#include <stdio.h>

int main(void)
{
    volatile int *nowhere = NULL;
    puts("in crash");
    fflush(stdout);
    return *nowhere;
}
'''


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the tree with what is built, times included, so that little is built again."""
    copy = tmp_path_factory.mktemp("tree")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, symlinks=True)
        elif (ROOT / part).exists():
            shutil.copy2(ROOT / part, copy / part)
    made = {"kernel", "debug", "user", "image", "initrd"}
    made |= {path.name for path in build_dir().glob("*.*")}
    shutil.copytree(build_dir(), copy / "build", symlinks=True, ignore=lambda folder, names: [
        name for name in names if folder == str(build_dir()) and name not in made])
    make(copy, "all")
    yield copy
    shutil.rmtree(copy)


def make(tree, *words, status=0):
    """`make words`: what it wrote to stdout and to stderr."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in OURS and not key.startswith("PYTEST_")}
    done = subprocess.run(["make", *words], cwd=tree, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", timeout=1800, check=False)
    assert done.returncode == status, f"make {words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout, done.stderr


def run(tree, command, *words, status=0):
    """stdout of `make run`, and its stderr."""
    return make(tree, "run", *words, f"CMD={command}", status=status)


def test_new_program(tree):
    """A file in user/bin is a program, with no edit elsewhere."""
    (tree / "user" / "bin" / "brandnew.c").write_text(PROGRAM % ("hello from brandnew", 5))
    assert run(tree, "brandnew; echo $?")[0] == "hello from brandnew\n5\n"


def test_changed_program_is_replaced(tree):
    source = tree / "user" / "bin" / "changing.c"
    for word in ("first", "second"):
        source.write_text(PROGRAM % (word, 0))
        assert run(tree, "changing")[0] == word + "\n"


def test_extra(tree, tmp_path):
    """EXTRA=DIR: each DIR/NAME.c is /bin/NAME, and the tree is not touched."""
    (tmp_path / "hidden.c").write_text(PROGRAM % ("from outside", 0))
    assert run(tree, "hidden", f"EXTRA={tmp_path}")[0] == "from outside\n"
    assert not (tree / "user" / "bin" / "hidden.c").exists()


# In xv6's ways: statuses as they are, descriptors for streams, records of directories.
XV6 = r"""
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "user/user.h"

static int
child_says(int status)
{
  int pid, got = 99;

  if((pid = fork()) == 0)
    exit(status);
  return wait(&got) == pid ? got : 99;
}

static void
list(char *path)
{
  struct dirent de;
  struct stat st;
  int fd = open(path, O_RDONLY), names = 0, long_ones = 0;

  if(fd < 0 || fstat(fd, &st) < 0 || st.type != T_DIR){
    fprintf(2, "xv6: cannot read %s\n", path);
    exit(1);
  }
  while(read(fd, &de, sizeof(de)) == sizeof(de)){
    names += de.inum != 0 && strcmp(de.name, ".") != 0 && strcmp(de.name, "..") != 0;
    long_ones += de.name[DIRSIZ-1] != 0;
  }
  close(fd);
  printf("%d names, %d cut off\n", names, long_ones);
}

int
main(int argc, char *argv[])
{
  char buf[64], *args[MAXARG] = { "echo", "from", "exec", 0 };
  int fds[2], pid, n, before = uptime();
  struct stat st;
  char *top;

  printf("statuses %d %d %d\n", child_says(0), child_says(7), child_says(-1));
  if((pid = fork()) == 0)
    for(;;)
      ;
  kill(pid);
  n = 0;
  wait(&n);
  printf("killed %d, then %d\n", n, wait(0));
  pipe(fds);
  if(fork() == 0){
    close(1);
    dup(fds[1]);
    exec("echo", args);
    exit(9);
  }
  close(fds[1]);
  wait(&n);
  n = read(fds[0], buf, sizeof(buf));
  write(1, buf, n);
  mkdir("dir");
  close(open("dir/a-name-that-is-long", O_CREATE | O_WRONLY));
  n = open("dir/f", O_CREATE | O_RDWR);
  fprintf(n, "%s %x %p", "text", 255, (void *)16);
  close(n);
  stat("dir/f", &st);
  printf("type %d, %d links, %d bytes\n", st.type, st.nlink, (int)st.size);
  close(open("dir/f", O_RDWR | O_TRUNC));
  stat("dir/f", &st);
  printf("%d bytes, console %d\n", (int)st.size, stat("/dev/null", &st) == 0 ? st.type : -1);
  list("dir");
  printf("%d\n", unlink("dir"));
  unlink("dir/f");
  unlink("dir/a-name-that-is-long");
  printf("%d %d\n", unlink("dir"), open("dir", O_RDONLY));
  top = sbrk(8192);
  memset(top, 1, 8192);
  printf("%d %d %d\n", sbrk(0) - top, top[8191], sbrk(-8192) == top + 8192);
  sleep(2);
  printf("slept %d, %d words\n", uptime() - before >= 2, argc);
  gets(buf, sizeof(buf));
  printf("line %d <%s>\n", strlen(buf), gets(buf, sizeof(buf)));
  free(malloc(100));
  exit(atoi("3") + strlen(argv[1]));
}
"""
XV6_PRINTS = """statuses 0 7 -1
killed -1, then -1
from exec
type 2, 1 links, 12 bytes
0 bytes, console 3
2 names, 1 cut off
-1
0 -1
8192 1 1
slept 1, 2 words
line 6 <>
"""


def test_xv6_programs(tree, tmp_path):
    """Programs written for xv6, also with its older names of headers, build as they are."""
    (tmp_path / "six.c").write_text(XV6)
    (tmp_path / "old.c").write_text('#include "types.h"\n#include "stat.h"\n#include "user.h"\n'
                                    '#include "fcntl.h"\nint main(void)\n{\n'
                                    '  printf("%d\\n", open("/none", O_RDWR));\n  exit(0);\n}\n')
    output, errors = run(tree, "cd /tmp; echo hello | six ab; echo $?; old", f"EXTRA={tmp_path}")
    assert "warning" not in errors, errors
    assert output == XV6_PRINTS + "5\n-1\n", errors


HIDDEN_GUEST = """/* test: points=4 cpus=1 partial=yes */
#include <ktap.h>

int main(void)
{
    ktap_plan(4);
    ok(1, "one");
    ok(1, "two");
    ok(1, "three");
    ok(0, "four");
    return ktap_done();
}
"""
HIDDEN_PYTEST = """import pytest

@pytest.mark.points(3)
def test_echo(guest):
    assert guest.run("echo hi", status=0) == "hi\\n"
"""


def test_hidden(tree, tmp_path):
    """HIDDEN=DIR: guest programs and pytest files from outside are graded, and stay hidden."""
    folder = tmp_path / "hidden tests"
    folder.mkdir()
    (folder / "secret_guest.c").write_text(HIDDEN_GUEST)
    (folder / "test_secret.py").write_text(HIDDEN_PYTEST)
    output, _ = make(tree, "grade", f"HIDDEN={folder}", "T=secret", "J=2", status=2)
    assert re.search(r"(?m)^FAIL +3/4 +guest.secret_guest\[cpus=1,", output), output
    assert re.search(r"(?m)^ok +3/3 +secret.echo", output), output
    found = json.loads((tree / "build" / "test" / "results.json").read_text())
    assert [test["visibility"] for test in found["tests"]] == ["hidden", "hidden"]
    (folder / "test_shell.py").write_text("")
    _, errors = make(tree, "grade", f"HIDDEN={folder}", "T=secret", status=2)
    assert "test_shell.py: a file of ours has that name" in errors


FAILS = """/* test: kargs="" */
#include <ktap.h>

int main(void)
{
    ktap_plan(1);
    ok(0, "never");
    return ktap_done();
}
"""


def booted_kernel(tree, run):
    """The symbols of the kernel that QEMU was given in that run's boot."""
    words = shlex.split((tree / "build" / "test" / run / "command.txt").read_text())
    return Symbols(words[words.index("-kernel") + 1]).address


def test_full_with_the_checking_kernel(tree, tmp_path):
    """FULL=1 runs guest tests on the checking kernel, too, which is built beside the plain one,
    and only for that; and how to run a failed one again is said, and works."""
    shutil.rmtree(tree / "build" / "debug", ignore_errors=True)
    (tmp_path / "fails.c").write_text(FAILS)
    words = ["grade", f"HIDDEN={tmp_path}", "T=guest.fails", "CPUS=1", "MEM=64M", "QEMUEXTRA="]
    output, _ = make(tree, *words, status=2)
    assert re.search(r"(?m)^FAIL +0/1 +guest.fails\[cpus=1,mem=64M\]", output), output
    assert "debug=on" not in output and not (tree / "build" / "debug").exists()
    output, _ = make(tree, *words, "FULL=1", status=2)
    again = dict(re.findall(r"(?m)^FAIL (guest\S+): (make grade .*)$", output))
    plain, checking = "guest.fails[cpus=1,mem=64M]", "guest.fails[cpus=1,mem=64M,debug=on]"
    assert set(again) == {plain, checking}, output
    runs = [directory_name(name) for name in (plain, checking)]
    assert ["shadow_fill" in booted_kernel(tree, run) for run in runs] == [False, True]
    by_hand = re.search(r"(?m)^make run .*DEBUG=1.*$", output).group()
    shutil.rmtree(tree / "build" / "test" / runs[1])
    output, _ = make(tree, *shlex.split(again[checking])[1:], status=2)
    assert re.findall(r"(?m)^FAIL +0/1 +(\S+)", output) == [checking], output
    assert "shadow_fill" in booted_kernel(tree, runs[1])
    _, errors = make(tree, *shlex.split(by_hand)[1:], f"HIDDEN={tmp_path}", status=1)
    assert "fails" in by_hand and "run: exit 1" in errors, errors


def test_each_allocation_is_refused_once(tree):
    """A part of what guest.alloc_refused can do, which is nothing on a plain kernel."""
    name = "guest.alloc_refused[cpus=1,mem=128M,args=pipe__handle_,debug=on]"
    output, _ = make(tree, "grade", f"T={name}")
    assert re.search(rf"(?m)^ok +0/0 +{re.escape(name)}", output), output
    log = (tree / "build" / "test" / directory_name(name) / "serial.log").read_text(errors="replace")
    places = set(re.findall(r"refused: \S+, (\w+)", log))
    assert {"thread_create", "pipe_create", "space_create"} <= places and len(places) > 15, places
    assert "SKIP" not in log


# Takes the place of ssh: runs the command here, in another home.
SSH = """#!/bin/sh
while :; do case "$1" in -l | -p | -o) shift 2 ;; -*) shift ;; *) break ;; esac; done
shift
[ "$1" = -- ] && shift
HOME=%s
export HOME
cd "$HOME" && exec sh -c "$*"
"""


def grade_class(tree, *words, status=0, **variables):
    """stdout of test/grade-class, stderr, and the lines of the table: {name: points}."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in OURS and not key.startswith("PYTEST_")}
    done = subprocess.run([tree / "test" / "grade-class", *map(str, words)], cwd=tree,
                          env=dict(environment, **variables), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=1800,
                          check=False)
    assert done.returncode == status, done.stdout + done.stderr
    table = done.stdout.split("\n\n")[-3] if status == 0 else ""
    return done.stdout, done.stderr, dict(re.findall(r"(?m)^(\w+) +(\S+/\S+)", table))


@pytest.fixture
def students(tree, tmp_path):
    """Three trees: one as ours, one with a bug, one that does not compile."""
    for name in ("good", "bug", "broken"):
        for part in ("kernel", "vm", "trap"):
            shutil.copytree(tree / part, tmp_path / "class" / name / part)
        shutil.copy(tree / "kernel.ld", tmp_path / "class" / name)
    for name, path, old, new in (("bug", "kernel/pipe.c", "rc = -EPIPE;", "rc = -EIO;"),
                                 ("broken", "kernel/boot_memory.c", "#include", "#inclode")):
        source = tmp_path / "class" / name / path
        assert old in source.read_text()
        source.write_text(source.read_text().replace(old, new))
    return tmp_path / "class"


def test_class(tree, students, tmp_path):
    """A class: each tree's score and log, the table, the histogram; and a second run only goes on
    where the first was."""
    out = tmp_path / "out"
    words = ["-o", out, "T=guest.pipe_basic[cpus=1]"]
    _, _, table = grade_class(tree, students / "good", students / "broken", *words)
    assert table == {"good": "3/3", "broken": "0/3"}
    assert "does not build" in (out / "scores.csv").read_text()
    assert "inclode" in (out / "broken" / "log.txt").read_text()
    assert json.loads((out / "good" / "results.json").read_text())["score"] == 3
    log = (out / "joblog").read_text()
    output, _, table = grade_class(tree, *(students / name for name in ("bug", "broken", "good")),
                                   *words)
    assert "2 of 3 trees are graded already (good, broken); --fresh" in output
    assert table == {"good": "3/3", "broken": "0/3", "bug": "0/3"}
    assert (out / "joblog").read_text().startswith(log)
    assert len((out / "joblog").read_text().splitlines()) == 4  # a heading, and each tree once
    assert re.search(r"(?m)^  0 to  10 % +2 #{50}$", output)
    assert re.search(r"(?m)^ 90 to 100 % +1 #{25}$", output)
    _, errors, _ = grade_class(tree, students / "good", "-o", out, "T=other", status=1)
    assert "other settings" in errors and "--fresh" in errors


def test_class_at_a_terminal(tree, tmp_path):
    """There a bar tells how far it is: trees done, and left."""
    for name in ("one", "two"):  # not even folders of kernels
        (tmp_path / name).mkdir()
    environment = {key: value for key, value in os.environ.items()
                   if key not in OURS and not key.startswith("PYTEST_")}
    words = [str(tmp_path / "one"), str(tmp_path / "two"), "-o", str(tmp_path / "out"),
             "T=guest.pipe_basic"]
    child = pexpect.spawn(str(tree / "test" / "grade-class"), words, cwd=str(tree), timeout=300,
                          env={**environment, "TERM": "xterm"}, encoding="utf-8",
                          dimensions=(24, 80))
    try:
        for step in (r"0% 0:2=", r"50% 1:1=", r"100% 2:0="):
            child.expect(step)
        child.expect(r"(?m)^one +0/3 .*\r\ntwo +0/3 ")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0


def test_class_elsewhere(tree, students, tmp_path):
    """On another machine (here: another home, by a stand-in for ssh), which is left as it was."""
    home, far = tmp_path / "home", tmp_path / "far"
    for folder in (home / "bin", far):
        folder.mkdir(parents=True)
    (home / "bin" / "ssh").write_text(SSH % far)
    (home / "bin" / "ssh").chmod(0o755)
    _, _, table = grade_class(tree, "--sshlogin", "far", "-o", home / "out", students / "broken",
                              "T=guest.pipe_basic[cpus=1]", HOME=str(home),
                              PATH=f"{home / 'bin'}:{os.environ['PATH']}")
    assert table == {"broken": "0/3"}
    assert "inclode" in (home / "out" / "broken" / "log.txt").read_text()
    assert "\tfar\t" in (home / "out" / "joblog").read_text()
    assert not [path for path in (far / "out").rglob("*") if path.is_file()]


def test_run_status(tree):
    """The status of `make run` is the command's; not even make's own lines are on stdout."""
    output, _ = run(tree, "echo said; exit 3", status=3)
    assert output == "said\n"


def test_fault_is_explained(tree, tmp_path):
    """A killed program brings one line, `name: page fault at 0x0, pc 0x... (main+0x12), load`, on
    the kernel's side: what it and others print is not mixed with it."""
    (tmp_path / "crash.c").write_text(CRASH)
    output, errors = run(tree, "echo before; crash; echo after $?", f"EXTRA={tmp_path}")
    assert output == "before\nin crash\nSegmentation fault\nafter 139\n", errors
    assert re.search(r"crash: page fault at 0x0, pc 0x[0-9a-f]+ \(main\+0x[0-9a-f]+\), load",
                     errors), errors


@contextlib.contextmanager
def terminal(tree, **variables):
    """`make qemu` at a terminal, as a user has it, up to the prompt."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in OURS and not key.startswith("PYTEST_")}
    words = ["qemu"] + [f"{key}={value}" for key, value in variables.items()]
    child = pexpect.spawn("make", words, cwd=str(tree), env=environment, encoding="utf-8",
                          codec_errors="replace", timeout=120)
    try:
        child.expect(PROMPT)
        yield child
    finally:
        child.close(force=True)  # its end takes QEMU with it


def finish(child):
    """The guest was told to power off: make ends, and well."""
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before


def test_qemu_keeps_files(tree):
    """Files written at the prompt are there at the next `make qemu`, built programs stay new."""
    with terminal(tree) as child:
        assert re.search(r"(?i)leave.*Ctrl-A", child.before), child.before
        child.sendline("echo remembered >/home/note; shutdown")
        finish(child)
    (tree / "user" / "bin" / "later.c").write_text(PROGRAM % ("built later", 0))
    with terminal(tree) as child:
        child.sendline("cat /home/note; later; rm /home/note; shutdown")
        child.expect(r"remembered\r+\n")
        child.expect(r"built later\r+\n")
        finish(child)


def test_qemu_left_in_the_middle(tree):
    """Ctrl-A X in the middle of a write: the next start mends the image, and boots."""
    with terminal(tree) as child:
        child.sendline("mkdir /home/d; while true; do cp /bin/* /home/d; rm -r /home/d/*; done")
        child.expect([pexpect.TIMEOUT], timeout=3)
        child.send("\x01x")
        child.expect(pexpect.EOF)
    with terminal(tree) as child:
        child.sendline("ls /bin/sh; rm -r /home/d; shutdown")
        child.expect(r"/bin/sh\r+\n")
        finish(child)
    assert image.check_raw(tree / "build" / "disk.img") is None


def test_qemu_interrupt_goes_to_the_guest(tree):
    with terminal(tree, CPUS=1, MEM="64M") as child:
        child.sendline("echo begun; sleep 1000")
        child.expect(r"\nbegun\r+\n")
        child.expect([pexpect.TIMEOUT], timeout=0.5)
        child.send("\x03")
        child.expect(PROMPT)
        child.sendline("echo still here; shutdown")
        child.expect(r"\nstill here\r+\n")
        finish(child)


def test_compdb(tree):
    make(tree, "compdb")
    entries = json.loads((tree / "build" / "compile_commands.json").read_text())
    files = {entry["file"] for entry in entries}
    assert "vm/frame.c" in files and any(name.startswith("user/sh/") for name in files)
