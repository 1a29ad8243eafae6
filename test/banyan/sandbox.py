"""Keeps what is built and run of somebody's tree away from the rest of this machine.

With bubblewrap, a command sees the machine's files read-only, writes only where it is told, has no
network, sees no process but its own, and does not see the folders that are to stay secret. Where
bubblewrap is missing or not allowed (inside many containers) commands run as they are, and
available() says so; then it is the container that must hold them.
"""
import contextlib
import functools
import os
import resource
import shutil
import signal
import subprocess

from .machine import hidden_root

MEMORY_MAX = 8 << 30  # bytes of address space of one process
FILE_MAX = 512 << 20


@functools.lru_cache(maxsize=None)
def available():
    """Whether commands can be shut in."""
    if shutil.which("bwrap") is None:
        return False
    done = subprocess.run([*_walls(), "true"], stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def _walls():
    return ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all",
            "--die-with-parent"]


def shut_in(argv, cwd, writable=(), secret=()):
    """`argv` made to run behind walls, if there can be any."""
    argv = [str(word) for word in argv]
    if not available():
        return argv
    walls = _walls()
    for folder in secret:
        walls += ["--tmpfs", str(folder)]
    for folder in writable:
        walls += ["--bind", str(folder), str(folder)]
    return [*walls, "--chdir", str(cwd), *argv]


def secrets():
    """The folders that what is graded must not read: the hidden tests'."""
    return [hidden_root()] if hidden_root().is_dir() else []


def _limit(memory):
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_MAX, FILE_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def run(argv, output, seconds, cwd, writable=(), secret=(), env=None, memory=MEMORY_MAX,
        errors=None):
    """Run a command to its end; its exit status, or None if it took longer than `seconds`.

    stdout goes to the file `output`, stderr to `errors` or there too; a file may have FILE_MAX
    bytes at most. Whatever the command started ends with it. `memory`: bytes for each process, 0
    for no limit (ASan reserves terabytes).
    """
    return run_freely(shut_in(argv, cwd, writable, secret), output, seconds, cwd, env, errors,
                      lambda: _limit(memory))


def run_freely(argv, output, seconds, cwd, env=None, errors=None, before=None):
    """As run(), without walls and limits."""
    with contextlib.ExitStack() as files:
        out = files.enter_context(open(output, "wb"))
        err = files.enter_context(open(errors, "wb")) if errors else subprocess.STDOUT
        process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=err, start_new_session=True, preexec_fn=before)
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
