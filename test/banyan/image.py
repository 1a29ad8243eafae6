"""Disk images on the host: fresh ones for tests, and judging one after a run."""
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pathlib
import sys
import tempfile

from .machine import ROOT, MachineError, programs_dir, run_tool

SUPERBLOCK = 1024  # where ext2 has it
TOOL_PATH = "/usr/sbin:/sbin"  # where e2fsprogs lie, and not on every user's PATH


def _environment():
    return dict(os.environ, PATH=os.environ.get("PATH", "") + ":" + TOOL_PATH)


@contextlib.contextmanager
def raw(overlay):
    """The whole contents of a qcow2 overlay as a (sparse) raw image, for a while."""
    overlay = pathlib.Path(overlay)
    copy = overlay.with_suffix(".raw")
    run_tool(["qemu-img", "convert", "-O", "raw", str(overlay), str(copy)])
    try:
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def check(overlay):
    """None if e2fsck finds nothing to complain of in the overlay, else what it says."""
    with raw(overlay) as image:
        return check_raw(image)


def check_raw(image):
    """As check(), for a raw image."""
    try:
        run_tool(["e2fsck", "-fn", str(image)], env=_environment())
    except MachineError as error:
        return str(error)
    return None


def recover(image):
    """Has e2fsck replay the log of a raw image, as after a power cut. What is wrong then, or None."""
    try:
        run_tool(["e2fsck", "-fp", str(image)], ok=(0, 1), env=_environment())
    except MachineError as error:
        return str(error)
    return check_raw(image)


def mend(image, block):
    """Has e2fsck mend a raw image by the copy of the superblock in a block of 4 KiB."""
    run_tool(["e2fsck", "-fy", "-b", str(block), "-B", "4096", str(image)], ok=(0, 1),
             env=_environment())


def debugfs(overlay, command):
    """What debugfs prints for one command on the overlay."""
    with raw(overlay) as image:
        text = run_tool(["debugfs", "-R", command, str(image)], env=_environment())
    return text.split("\n", 1)[1] if text.startswith("debugfs ") else text


def change(disk, command):
    """One command of debugfs that writes to a raw image."""
    run_tool(["debugfs", "-w", "-R", command, str(disk)], env=_environment())


def contents(disk, path):
    """The bytes of a file inside a raw image, or None if there is no such file."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder, "file")
        run_tool(["debugfs", "-R", f"dump {path} {copy}", str(disk)], env=_environment())
        return copy.read_bytes() if copy.exists() and copy.stat().st_size else None


def offset(disk, path, position):
    """Where in a raw image the byte at `position` of a file lies."""
    with open(disk, "rb") as file:
        file.seek(SUPERBLOCK + 24)
        block = 1024 << int.from_bytes(file.read(4), "little")
    said = run_tool(["debugfs", "-R", f"bmap {path} {position // block}", str(disk)],
                    env=_environment())
    return int(said.split()[-1]) * block + position % block


def read_file(overlay, path, scratch):
    """The bytes of a file inside the overlay; `scratch` is a folder to put a copy in."""
    copy = pathlib.Path(scratch) / "file"
    copy.unlink(missing_ok=True)
    said = debugfs(overlay, f"dump {path} {copy}")
    if not copy.exists():
        raise FileNotFoundError(f"{path} in {overlay}: {said.strip()}")
    return copy.read_bytes()


def _disk_module():
    """The build's own maker of images, as a module of our own that we may set up differently."""
    spec = importlib.util.spec_from_file_location("banyan_disk", ROOT / "test" / "disk.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(path, block_size=4096, free_bytes=None, free_inodes=None, extra=()):
    """A fresh image as the build makes it, but perhaps with other blocks and less room.

    `extra`: {guest path: host file} to put in besides.
    """
    module = _disk_module()
    module.BLOCK = block_size
    if free_bytes is not None:
        module.FREE_BYTES = free_bytes
    if free_inodes is not None:
        module.FREE_INODES = free_inodes
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    directory = os.getcwd()
    os.chdir(ROOT)  # the build's list names files from there
    try:
        files = module.read_files(programs_dir() / "disk.flags")
        files.update({guest: str(host) for guest, host in dict(extra).items()})
        os.environ["PATH"] = _environment()["PATH"]  # that function takes no environment
        with contextlib.redirect_stdout(sys.stderr):
            module.create(path, files)
    except (module.DiskError, OSError) as error:
        raise MachineError(f"cannot make {path}: {error}") from None
    finally:
        os.chdir(directory)


def fresh():
    """The path of an image as the build first makes it, without what users wrote into theirs.

    It is made anew only when what goes into it has changed, for overlays of runs that are under
    way refer to it, and by one run at a time.
    """
    listing = programs_dir() / "disk.flags"
    if not listing.exists():
        raise MachineError(f"{listing} does not exist: run `make` first")
    module = _disk_module()
    state = hashlib.sha256((ROOT / "test" / "disk.py").read_bytes())
    for guest, host in sorted(module.read_files(listing).items()):
        state.update(f"{guest} {module.digest(ROOT / host)}\n".encode())
    path = programs_dir() / "test" / "fresh.img"
    note = path.with_suffix(".sum")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (path.exists() and note.exists() and note.read_text() == state.hexdigest()):
            make(path)
            note.write_text(state.hexdigest())
    return path
