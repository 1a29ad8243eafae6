"""What the tools show of processes and their memory."""
import re

import pytest

pytestmark = pytest.mark.points(2)


def start_sleeper(guest):
    """A background program; its pid."""
    guest.run("sleep 1000 & echo $! >/tmp/pid", status=0)
    return int(guest.run("cat /tmp/pid", status=0))


def test_ps(guest):
    pid = start_sleeper(guest)
    lines = guest.run("ps", status=0).splitlines()
    assert any(re.search(rf"\b{pid}\b.*\bsleep\b", line) for line in lines), lines
    for name in ("init", "blk", "fs", "tty", "sh"):
        assert any(re.search(rf"\b{name}\b", line) for line in lines), (name, lines)


def test_kill(guest):
    pid = start_sleeper(guest)
    guest.run(f"kill {pid}", status=0)
    guest.run("wait")
    assert "sleep" not in guest.run("ps", status=0)
    guest.run(f"kill {pid}")
    assert guest.status != 0, "a dead process was killed again"


def test_vmmap(guest):
    pid = start_sleeper(guest)
    text = guest.run(f"vmmap {pid}", status=0)
    rows = re.findall(r"^\s*(?:0x)?([0-9a-f]+)[ -]+(?:0x)?([0-9a-f]+)\s+(\S+)", text, re.MULTILINE)
    assert len(rows) >= 3, text
    spans = [(int(low, 16), int(high, 16)) for low, high, _ in rows]
    assert all(low < high for low, high in spans), text
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:])), f"regions overlap:\n{text}"
    for name in ("text", "stack"):
        assert name in text, text
    assert not re.search(r"\bw\S?x\b|rwx", text), f"writable and executable:\n{text}"


def test_vmmap_of_nobody(guest):
    guest.run("vmmap 99999")
    assert guest.status != 0


def test_pgt(guest):
    pid = start_sleeper(guest)
    text = guest.run(f"pgt {pid}", status=0)
    assert text.count("\n") > 5, text


@pytest.mark.points(5)
def test_pgt_two(guest):
    """Two processes: below slot 256 all differs, from 256 on every word is the same."""
    first, second = start_sleeper(guest), start_sleeper(guest)
    assert first != second
    text = guest.run(f"pgt {first} {second}", status=0)
    upper = [line for line in text.splitlines() if re.match(r"\s*(25[6-9]|2[6-9]\d|[345]\d\d)\b",
                                                            line)]
    assert upper, text
    assert not any("differ" in line for line in upper), text
