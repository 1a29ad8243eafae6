#!/usr/bin/python3
"""`make coverage`: run the tests with a kernel that counts, and show which lines they reached.

The kernel's counts come out of each guest's memory (test/banyan/gcov.py), those of the host tests
from the files that they write themselves. Both are joined by lcov:

    index.html      the source, line by line
    summary.txt     a table per folder
    uncovered.txt   the lines of vm/ and trap/ that no test reached

under build/coverage/. T=NAME counts only those tests. A test that fails is reported as `make
grade` does, and its counts are taken all the same; the exit status then is 1.
"""
import collections
import os
import pathlib
import shutil
import subprocess
import sys

from banyan import gcov
from banyan.machine import ROOT, Machine, MachineError, build_dir, run_tool

# These boot no kernel of ours, or build others.
LEFT_OUT = ["test/harness", "test/system/test_build.py", "test/system/test_tree.py",
            "test/system/test_source.py", "test/test_sh_host.py"]
CROSS_GCOV = os.environ.get("CROSS", "riscv64-unknown-elf-") + "gcov"
QUIET = ["-q", "--rc", "lcov_branch_coverage=0"]
LISTED = ("vm", "trap")  # folders of uncovered.txt


def clear(build):
    """Away with what an earlier run counted."""
    shutil.rmtree(build / "counts", ignore_errors=True)
    shutil.rmtree(build / "html", ignore_errors=True)
    for file in [*build.rglob("*.gcda"), *build.glob("*.info")]:
        file.unlink()


def run_tests():
    words = [f"--ignore={ROOT / name}" for name in LEFT_OUT]
    return subprocess.run([sys.executable, str(ROOT / "test" / "grade.py"), *words],
                          check=False).returncode


def capture(name, folder, tool):
    """The tracefile build/coverage/NAME.info of the counts under `folder`; None if there are none.

    Only the system's own sources are kept: not the tests, nor the headers of the compiler."""
    if not any(folder.rglob("*.gcda")):
        return None
    out = build_dir() / f"{name}.info"
    run_tool(["lcov", *QUIET, "--capture", "--directory", folder, "--base-directory", ROOT,
              "--gcov-tool", tool, "--output-file", out])
    kept = [str(ROOT / part / "*") for part in ("kernel", "vm", "trap", "user")]
    run_tool(["lcov", *QUIET, "--extract", out, *kept, "--output-file", out])
    return out if out.stat().st_size else None


def join(parts):
    out = build_dir() / "all.info"
    words = [word for part in parts for word in ("--add-tracefile", part)]
    run_tool(["lcov", *QUIET, *words, "--output-file", out])
    return out


def read_lines(info):
    """{file, from the root: {line: count}} of a tracefile."""
    found, lines = {}, {}
    for record in info.read_text().splitlines() if info else []:
        kind, _, rest = record.partition(":")
        if kind == "SF":
            lines = found.setdefault(os.path.relpath(rest, ROOT), {})
        elif kind == "DA":
            number, count = rest.split(",")[:2]
            lines[int(number)] = lines.get(int(number), 0) + int(count)
    return found


def by_folder(files):
    """{folder: (lines reached, lines)}"""
    sums = collections.defaultdict(lambda: [0, 0])
    for file, lines in files.items():
        entry = sums[str(pathlib.PurePath(file).parent)]
        entry[0] += sum(count > 0 for count in lines.values())
        entry[1] += len(lines)
    return sums


def table(everything, guest, host):
    """A line per folder: lines, and the share that all tests, guests' and the host's reached."""
    columns = [by_folder(files) for files in (everything, guest, host)]
    rows = [f"{'folder':20} {'lines':>6} {'reached':>8} {'by guests':>10} {'on the host':>12}"]
    total = [[0, 0], [0, 0], [0, 0]]

    def share(pair):
        return f"{100 * pair[0] / pair[1]:.1f} %" if pair[1] else "-"

    def row(name, pairs):
        return (f"{name:20} {pairs[0][1]:6} {share(pairs[0]):>8} {share(pairs[1]):>10} "
                f"{share(pairs[2]):>12}")

    for folder in sorted(columns[0]):
        pairs = [column[folder] for column in columns]
        rows.append(row(folder, pairs))
        for sums, pair in zip(total, pairs):
            sums[0] += pair[0]
            sums[1] += pair[1]
    return "\n".join(rows + [row("all", total)]) + "\n"


def uncovered(files):
    """`file:first-last` of each run of lines that nothing reached, with the first line's text."""
    out = []
    for file in sorted(files):
        if file.split("/")[0] not in LISTED:
            continue
        lines, text = files[file], (ROOT / file).read_text().splitlines()
        numbers = sorted(lines)
        missed = [number for number in numbers if lines[number] == 0]
        runs = []
        for number in missed:
            if runs and numbers.index(number) == numbers.index(runs[-1][1]) + 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        for first, last in runs:
            where = f"{first}" if first == last else f"{first}-{last}"
            out.append(f"{file}:{where}: {text[first - 1].strip()}")
    return "\n".join(out) + "\n"


def report(build):
    kernel = Machine.from_env().kernel
    counted = sorted((build / "counts").glob("*")) if (build / "counts").is_dir() else []
    if counted:
        gcov.write_data(kernel, counted)
    guest = capture("guest", kernel.parent / "kernel", CROSS_GCOV)
    host = capture("host", build / "test" / "host", "gcov")
    parts = [part for part in (guest, host) if part]
    if not parts:
        raise MachineError("nothing was counted: no chosen test boots our kernel or is a host test")
    everything = join(parts)
    run_tool(["genhtml", "-q", "--prefix", ROOT, "--title", "Banyan", "--no-branch-coverage",
              "--output-directory", build / "html", everything])
    (build / "index.html").unlink(missing_ok=True)
    (build / "index.html").write_text(
        '<meta http-equiv="refresh" content="0; url=html/index.html">\n')
    files = read_lines(everything)
    summary = table(files, read_lines(guest), read_lines(host))
    (build / "summary.txt").write_text(summary)
    (build / "uncovered.txt").write_text(uncovered(files))
    print(f"\n{len(counted)} boots\n{summary}"
          f"\nline by line: {os.path.relpath(build)}/index.html, "
          f"vm/ and trap/: {os.path.relpath(build)}/uncovered.txt")


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    if not gcov.wanted():
        raise MachineError("this is for a build that counts: run `make coverage`")
    build = build_dir()
    clear(build)
    status = run_tests()
    if status not in (0, 1):  # 1: tests failed
        return status
    report(build)
    return status


if __name__ == "__main__":
    try:
        code = main()
    except (MachineError, gcov.GcovError) as error:
        code = f"coverage: {error}"
    sys.exit(code)
