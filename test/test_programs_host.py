"""sed and diff on the host, against what Debian's own do, under ASan and UBSan."""
import os
import random
import re
import subprocess

import pytest

from banyan.machine import build_dir
from test_sh_host import _build

pytestmark = pytest.mark.ours

SED_TEXTS = ["a\nab\nabc\nb\n\nc a b\nAAA aab\n a/b.c\tx]\n", "one", "", "\n", "x\n" * 3,
             "aa\nbb\naa", "long " * 40 + "\n\x01\\\n"]
SED_SCRIPTS = r"""s/a*/x/g @ s/b*/<&>/2 @ s|a\|b|X| @ s/\(a\)\(b\)/\2\1/g @ s/[/]/X/ @ s/A/q/Ig @ s/a/x/2g
y/a\/b/x\ny/ @ 2!d @ $!d @ 1~2d @ 2,+1d @ 0,/a/d @ 1,/a/d @ /a/,2d @ 3,1p @ /a/I,/C/Ip @ n;d @ $!N;P;D
$!N;s/\n/-/ @ 1!G;h;$!d @ x;p;x @ H;$!d;x;s/\n/,/g @ :a;s/^\(.\{1,9\}\)$/ \1/;ta @ :a;N;$!ba;s/\n/ /g
s/a/b/;T;s/$/-/ @ /a/b end;s/$/ no/;:end;s/$/./ @ = @ l @ l 5 @ 2q5 @ 2Q3 @ /a/{/b/!{s/^/x/}} @ {;;p;};p
2,3c\@changed @ 2i\@before @ 2a\@after\@  two\\x @ 1i  one liner @ $a\  kept @ a foo\,bar @ s/[^]a]/R/g
s/\(a\|b\)\1/D/ @ s/[[:alpha:]]\{2\}/W/ @ s/\n/x/ @ s/\t/T/g @ s/.*/&\n&/;s/^/x/Mg @ /a/s//Q/g @ N;N;D
s/\(.\)\(.\)/\2\n\1/ @ 2{n;n;d} @ #n@p @ s/  *//g @ 2,4{=;n;p} @ 2,$s/^/  / @ /a/h;/b/G @ s,[,],x,g @ N;l;D
} @ {p @ k @ s/a/b @ s/a @ y/ab/c/ @ b nowhere @ : @ 1,p @ p p @ 3, @ s/\(/x/ @ s/a/\1/ @ s/a/b/0 @ 2,4q @ 0p @ a"""
ADDRESSES = ["", "1", "2", "$", "/a/", "/b/", "2,3", "/a/,/b/", "2,$", "$!", "2!", "/a/!", "1~2",
             "/b/,3"]
COMMANDS = ["p", "d", "=", "s/a/X/", "s/b*/<&>/g", "s/\\(.\\)/\\1\\1/2", "n", "N", "P", "g", "G",
            "h", "H", "x", "y/ab/ba/", "a\\\ntext\n", "i\\\nabove\n", "c\\\nnew\n", "l", "b", "bz",
            "t", "T", "{p\n", "}", "s/\\n/,/g"]


@pytest.fixture(scope="module")
def programs():
    return _build(build_dir() / "test" / "host" / "sh")


def run(program, *arguments, text=""):
    environment = dict(os.environ, LC_ALL="C", ASAN_OPTIONS="detect_leaks=0:exitcode=99")
    done = subprocess.run([program, *arguments], input=text.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment, timeout=60, check=False)
    assert done.returncode != 99, done.stderr.decode(errors="replace")
    return done.returncode, done.stdout


def compare_sed(programs, arguments, text):
    ours, theirs = (run(sed, *arguments, text=text) for sed in (programs / "sed", "/usr/bin/sed"))
    if theirs[0] in (1, 4):  # the script is refused
        assert ours[0] == 1, f"sed {arguments} took a wrong script"
    else:
        assert ours == theirs, f"sed {arguments} of {text!r}"


def test_sed_as_debian_has_it(programs):
    scripts = [script.strip().replace("\\@", "\\\n").replace("#n@", "#n\n")
               for script in re.split(r"(?<!\\)(?<!#n)@|\n", SED_SCRIPTS)]
    assert len(scripts) > 70
    for index, script in enumerate(scripts):
        for text in SED_TEXTS[index % 3::3]:
            compare_sed(programs, [["-n"], []][index % 2] + [script], text)


def test_sed_random_scripts(programs):
    source = random.Random(11)
    for _ in range(400):
        script = "".join(source.choice(ADDRESSES) + source.choice(COMMANDS) + "\n"
                         for _ in range(source.randint(1, 5)))
        script += "}\n" * max(0, script.count("{") - script.count("}")) + ":z\np\n"
        compare_sed(programs, source.choice([["-n"], []]) + [script], source.choice(SED_TEXTS))


def patched(old, diff):
    """What a unified diff makes of the lines `old`; it fails where the diff does not fit."""
    result, at = [], 0
    for hunk in re.split(r"(?m)^(?=@@ )", "".join(diff[2:]))[1:]:
        head, *rows = hunk.splitlines(True)
        numbers = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n", head)
        start, count, to, to_count = (1 if text is None else int(text) for text in numbers.groups())
        lines = []  # (sign, line)
        for row in rows:
            if row[0] == "\\":
                lines[-1] = lines[-1][0], lines[-1][1].rstrip("\n")
            else:
                lines.append((row[0], row[1:]))
        before = [line for sign, line in lines if sign in " -"]
        after = [line for sign, line in lines if sign in " +"]
        assert (len(before), len(after)) == (count, to_count), hunk
        start -= count > 0
        assert start >= at and old[start:start + count] == before, (old, diff)
        result += old[at:start]
        assert len(result) == to - (to_count > 0), hunk
        result += after
        at = start + count
    return result + old[at:]


def test_diff(programs, tmp_path):
    """Plain diffs are as short as can be, and unified ones lead from one file to the other."""
    source = random.Random(5)
    files = tmp_path / "a", tmp_path / "b"
    for _ in range(150):
        letters = "abcdefghij"[:source.choice([1, 2, 3, 10])]
        old = [source.choice(letters) + "\n" for _ in range(source.choice([0, 1, 5, 40]))]
        new = list(old)
        for _ in range(source.choice([0, 1, 5, 30])):
            place = source.randint(0, len(new))
            new[place:place + source.randint(0, 2)] = [source.choice(letters + "z") + "\n"] * \
                source.randint(0, 2)
        for path, lines in zip(files, (old, new)):
            if lines and source.random() < 0.2:
                lines[-1] = lines[-1][:-1]
            path.write_text("".join(lines))
        ours, theirs = (run(diff, *words, *files)
                        for diff, words in ((programs / "diff", []), ("/usr/bin/diff", ["-d"])))
        count = [len(re.findall(rb"^[<>]", output, re.MULTILINE)) for _, output in (ours, theirs)]
        assert (ours[0], count[0]) == (theirs[0], count[1]), (old, new, ours, theirs)
        context = source.choice("013")
        status, output = run(programs / "diff", "-U", context, *files)
        assert status == (old != new)
        assert patched(old, output.decode().splitlines(True)) == new, (old, new, output)


def test_diff_of_large_files(programs, tmp_path):
    """Thousands of lines in another order take seconds, not hours."""
    source = random.Random(6)
    lines = [f"{number}\n" for number in range(20000)]
    for name in "ab":
        source.shuffle(lines)
        (tmp_path / name).write_text("".join(lines))
    status, output = run(programs / "diff", "-U", "0", tmp_path / "a", tmp_path / "b")
    assert status == 1
    old = (tmp_path / "a").read_text().splitlines(True)
    assert patched(old, output.decode().splitlines(True)) == lines
