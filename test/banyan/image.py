"""Disk images on the host: making odd ones for tests, and judging one after a run."""
import os
import pathlib
import shutil

from .machine import MachineError, build_dir, make_overlay, run_tool

TOOL_PATH = "/usr/sbin:/sbin"  # where e2fsprogs lie, and not on every user's PATH


def _environment():
    return dict(os.environ, PATH=os.environ.get("PATH", "") + ":" + TOOL_PATH)


def to_raw(overlay, raw):
    """The whole contents of a qcow2 overlay, as a (sparse) raw image."""
    run_tool(["qemu-img", "convert", "-O", "raw", str(overlay), str(raw)])


def check(overlay):
    """None if e2fsck finds nothing to complain of in the overlay, else what it says."""
    overlay = pathlib.Path(overlay)
    raw = overlay.with_suffix(".raw")
    to_raw(overlay, raw)
    try:
        return check_raw(raw)
    finally:
        raw.unlink(missing_ok=True)


def check_raw(raw):
    """As check(), for a raw image."""
    try:
        text = run_tool(["e2fsck", "-fn", str(raw)], env=_environment())
    except MachineError as error:
        return str(error)
    if "UNEXPECTED INCONSISTENCY" in text or "Fix? no" in text:
        return text
    return None


def listing(overlay, command):
    """What debugfs prints for one command on the overlay."""
    overlay = pathlib.Path(overlay)
    raw = overlay.with_suffix(".debugfs.raw")
    to_raw(overlay, raw)
    try:
        return run_tool(["debugfs", "-R", command, str(raw)], env=_environment())
    finally:
        raw.unlink(missing_ok=True)


def extract(disk, folder):
    """Copy the tree inside a raw ext2 image into an empty folder on the host."""
    pathlib.Path(folder).mkdir(parents=True)
    run_tool(["debugfs", "-R", f"rdump / {folder}", str(disk)], env=_environment())
    lost = pathlib.Path(folder) / "lost+found"
    if lost.is_dir():
        shutil.rmtree(lost)


def make(path, folder, size, block_size=4096, inodes=None):
    """An ext2 image of `size` bytes with the contents of `folder`."""
    argv = ["mke2fs", "-q", "-F", "-t", "ext2", "-b", str(block_size)]
    if inodes:
        argv += ["-N", str(inodes)]
    argv += ["-d", str(folder), str(path), f"{size // 1024}k"]
    run_tool(argv, env=_environment())


def remake(disk, path, size, block_size=4096, inodes=None, scratch=None):
    """An image like `disk` but of another size or block size."""
    scratch = pathlib.Path(scratch or build_dir() / "test" / "remake")
    folder = scratch / (pathlib.Path(path).stem + ".tree")
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        extract(disk, folder)
        make(path, folder, size, block_size, inodes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def overlay_on(backing, path):
    """A fresh overlay on a raw image; an old one of that name goes."""
    path = pathlib.Path(path)
    path.unlink(missing_ok=True)
    make_overlay(path, backing)
    return path
