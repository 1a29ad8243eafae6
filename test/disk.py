"""Make the disk image, or bring an old one up to date: disk.py IMAGE MANIFEST FILES.

FILES lists what the build puts into the image, words of the form /GUEST/PATH=HOST/FILE. MANIFEST
remembers (as JSON) what was put in last, so that only what changed is replaced, and what the image
looked like then (time and size), so that one which a guest has written to since is mended first.
What a user made inside the image stays; what the build gives and is missing there is put back. An
image that needs nothing is not touched. Only one that no running QEMU has open is changed: QEMU's
own locks on it say so.
"""
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

BLOCK = 4096
GROUP = 8192  # blocks: so that a small volume, too, has copies of its superblock, where fs looks
INODE = 256
JOURNAL = 4  # MiB: the least, with blocks of this size
FREE_BYTES = 96 << 20  # room for a user's files, and for programs to grow
FREE_INODES = 32768
FOLDERS = {"/": 0o755, "/bin": 0o755, "/test": 0o755, "/bench": 0o755,
           "/etc": 0o755, "/dev": 0o755, "/home": 0o755, "/man": 0o755, "/tmp": 0o1777}
# Character devices, with the numbers that Unix gives them: (mode, major, minor).
NODES = {"/dev/null": (0o666, 1, 3), "/dev/zero": (0o666, 1, 5), "/dev/full": (0o666, 1, 7),
         "/dev/tty": (0o666, 5, 0), "/dev/console": (0o600, 5, 1),
         "/dev/svc": (0o600, 10, 0)}
F_OFD_SETLK = 37  # Linux; the fcntl module of Python 3.11 does not name it


class DiskError(Exception):
    """What to tell the user."""


def run_tool(command, accept=(0,), **options):
    """Run a tool of e2fsprogs; its status and its output, errors included."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, env=dict(os.environ, LC_ALL="C"), **options)
    except FileNotFoundError as error:
        raise DiskError(f"{command[0]} is not installed: run 'make deps'") from error
    if done.returncode not in accept:
        raise DiskError(f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout}")
    return done.returncode, done.stdout


def debugfs(image, lines, writing=False):
    """Run debugfs commands on an image; its complaints, for its status is 0 come what may."""
    command = ["debugfs"] + (["-w"] if writing else []) + ["-f", "-", str(image)]
    _, said = run_tool(command, input="\n".join(lines) + "\n")
    return [line for line in said.splitlines()
            if line and not line.startswith(("debugfs: ", "debugfs 1.", "Allocated inode: "))]


def absent(image, paths):
    """Those of the paths that do not exist in the image."""
    said = debugfs(image, [f"stat {path}" for path in paths])
    return {path for path in paths if any(line.startswith(f"{path}: ") for line in said)}


def mode_of(host):
    """The mode a file has in the guest: programs are executable, whatever the umask was here."""
    return 0o755 if os.access(host, os.X_OK) else 0o644


def read_files(listing):
    """{guest path: host path} from the words of the listing."""
    files = {}
    for word in pathlib.Path(listing).read_text(encoding="utf-8").split():
        guest, _, host = word.partition("=")
        files[guest] = host
    return files


def digest(host):
    """What the manifest remembers of a file: contents and mode."""
    contents = pathlib.Path(host).read_bytes()
    return f"{mode_of(host):o} {hashlib.sha256(contents).hexdigest()}"


def stamp(image):
    """What shows that someone wrote to the image."""
    info = os.stat(image)
    return [info.st_mtime_ns, info.st_size]


class Lock:
    """Exclusive use of an image, against QEMU (which locks bytes of it) and other makes."""

    def __init__(self, image):
        self.image = image

    def __enter__(self):
        self.file = open(self.image, "r+b")
        whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        try:
            fcntl.fcntl(self.file, F_OFD_SETLK, whole)
        except OSError as error:
            self.file.close()
            raise DiskError(f"{self.image} is in use by a running QEMU: leave it first") from error

    def __exit__(self, *_):
        self.file.close()


def node_lines(nodes):
    """What debugfs is told to make device nodes."""
    lines = []
    for node in sorted(nodes):
        mode, major, minor = NODES[node]
        folder, name = os.path.split(node)
        lines += [f"cd {folder}", f"mknod {name} c {major} {minor}",
                  f"sif {node} mode 0{0o020000 | mode:o}"]
    return lines


def create(image, files):
    """A new image with the folders, the nodes and the files."""
    print(f"  MKE2FS  {image}")
    contents = sum(-(-os.path.getsize(host) // BLOCK) + 1 for host in files.values()) * BLOCK
    inodes = len(files) + len(FOLDERS) + len(NODES) + FREE_INODES
    size = contents + contents // 64 + inodes * INODE + (JOURNAL << 20) + FREE_BYTES
    blocks = -(-size // (1 << 20)) * ((1 << 20) // BLOCK)
    new = image.with_suffix(".new")
    new.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=image.parent, prefix="disk.tree.") as tree:
        for folder in FOLDERS:
            pathlib.Path(tree + folder).mkdir(parents=True, exist_ok=True)
        for guest, host in files.items():
            shutil.copyfile(host, tree + guest)
        run_tool(["mke2fs", "-q", "-F", "-t", "ext2", "-r", "1", "-b", str(BLOCK), "-g", str(GROUP),
                  "-I", str(INODE), "-N", str(inodes), "-m", "0", "-L", "banyan",
                  "-O", "none,has_journal,filetype,sparse_super,large_file",
                  "-J", f"size={JOURNAL}",
                  "-E", "root_owner=0:0,no_copy_xattrs,lazy_itable_init=0", "-d", tree,
                  str(new), str(blocks)])
    # mke2fs copied the owner and the modes from here; and only root may make nodes here.
    modes = {guest: 0o100000 | mode_of(host) for guest, host in files.items()}
    modes.update({folder: 0o040000 | mode for folder, mode in FOLDERS.items()})
    lines = node_lines(NODES)
    for path, mode in modes.items():
        lines += [f"sif {path} mode 0{mode:o}", f"sif {path} uid 0", f"sif {path} gid 0"]
    complaints = debugfs(new, lines, writing=True)
    if complaints:
        raise DiskError(f"debugfs on {new}:\n" + "\n".join(complaints))
    check(new)
    os.replace(new, image)


def check(image):
    """Fail if anything is wrong with what we made."""
    run_tool(["e2fsck", "-fn", str(image)])


def mend(image):
    """Repair what a guest that did not shut down left behind."""
    status, said = run_tool(["e2fsck", "-f", "-p", str(image)], accept=(0, 1, 2, 4))
    if status == 4:
        raise DiskError(f"{image} has damage that e2fsck -p does not mend on its own:\n{said}"
                        f"'e2fsck -f {image}' asks about each; 'make clean' discards the image")
    if status != 0:
        print(f"  MEND    {image}\n{said}", end="")


def has_journal(image):
    """Whether the volume has one; those of older builds had none."""
    with open(image, "rb") as file:
        file.seek(1024 + 92)
        return bool(file.read(1)[0] & 4)


def add_journal(image):
    """Give the volume one, if there is room for it."""
    print(f"  JOURNAL {image}")
    try:
        run_tool(["tune2fs", "-O", "has_journal", "-J", f"size={JOURNAL}", str(image)])
    except DiskError as error:
        print(f"{error}without a journal, a crash leaves {image} for e2fsck to mend")


def replace(image, files, gone):
    """Write files over those of their names in the image, and remove those in `gone`."""
    for guest in sorted(files) + sorted(gone):
        print(f"  {'UPDATE' if guest in files else 'REMOVE':8}{image}: {guest}")
    folders = {os.path.dirname(guest) for guest in files}
    missing = absent(image, {*files, *gone, *folders})
    lines = [f"rm {path}" for path in [*files, *gone] if path not in missing]
    lines += [f"mkdir {folder}" for folder in sorted(folders & missing)]
    for guest, host in files.items():
        lines += [f"cd {os.path.dirname(guest)}",
                  f"write {host} {os.path.basename(guest)}",
                  f"sif {guest} mode 0{0o100000 | mode_of(host):o}"]
    said = debugfs(image, lines, writing=True)
    with tempfile.TemporaryDirectory(dir=image.parent, prefix="disk.check.") as folder:
        debugfs(image, [f"dump {guest} {folder}/{n}" for n, guest in enumerate(files)])
        for number, (guest, host) in enumerate(files.items()):
            copy = pathlib.Path(folder, str(number))
            if not copy.exists() or copy.read_bytes() != pathlib.Path(host).read_bytes():
                raise DiskError(f"{image}: could not write {guest}:\n" + "\n".join(said) +
                                "\nif the disk is full, remove files in the guest, or the image "
                                "with 'make clean'")
    check(image)


def add_nodes(image, nodes):
    """Make device nodes that the image lacks: it is older than they are."""
    print(f"  MKNOD   {image}: {' '.join(sorted(nodes))}")
    complaints = debugfs(image, node_lines(nodes), writing=True)
    if complaints or absent(image, nodes):
        raise DiskError(f"{image}: could not make device nodes; is there a /dev?\n" +
                        "\n".join(complaints))
    check(image)


def remember(manifest, stamped, digests, settled):
    """Write the manifest; one that is not settled looks old to make, which then tries again."""
    manifest.write_text(json.dumps({"stamp": stamped, "files": digests}, indent=1),
                        encoding="utf-8")
    if not settled:
        os.utime(manifest, (0, 0))


def recall(manifest):
    """The digests and the stamp that the manifest holds."""
    try:
        known = json.loads(manifest.read_text(encoding="utf-8"))
        return known["files"], known["stamp"]
    except (OSError, ValueError, KeyError):
        return {}, None


def refresh(image, manifest, files, wanted):
    """Mend the image if it was used, then replace what changed."""
    known, stamped = recall(manifest)
    used = stamp(image) != stamped
    changed = {guest for guest in files if wanted[guest] != known.get(guest)}
    gone = [guest for guest in known if guest not in files and guest not in NODES]
    bare = not has_journal(image)
    nodes = {node for node in NODES if wanted[node] != known.get(node)}
    if not (used or changed or gone or bare or nodes):
        return
    with Lock(image):
        # Should this end halfway, the image counts as used, and what was to change as unknown.
        kept = {guest: value for guest, value in known.items() if guest not in changed}
        remember(manifest, None, kept, settled=False)
        if used:
            mend(image)
            changed |= absent(image, files)
            nodes = set(NODES)
        if bare:
            add_journal(image)
        nodes = absent(image, nodes) if nodes else nodes
        if nodes:
            add_nodes(image, nodes)
        if changed or gone:
            replace(image, {guest: files[guest] for guest in sorted(changed)}, gone)


def update(image, manifest, files):
    """Bring image and manifest up to date."""
    wanted = {guest: digest(host) for guest, host in files.items()}
    wanted.update({node: f"{mode:o} c {major} {minor}"
                   for node, (mode, major, minor) in NODES.items()})
    if image.exists():
        refresh(image, manifest, files, wanted)
    else:
        create(image, files)
    remember(manifest, stamp(image), wanted, settled=True)


def main():
    image, manifest, listing = (pathlib.Path(name) for name in sys.argv[1:])
    try:
        update(image, manifest, read_files(listing))
    except DiskError as error:
        sys.exit(f"disk.py: {error}")


if __name__ == "__main__":
    main()
