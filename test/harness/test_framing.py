"""The splitter of the marked serial line, and the run protocol on top of it."""
import pytest

from banyan.framing import LINE_MAX, Splitter
from banyan.program import Protocol

pytestmark = pytest.mark.points(0)

STREAM = (b"OpenSBI v1.1\n\x1ebanyan: hello\n\x1erun: begin\nab\x1edisk: slow\r\ncd\n"
          b"\x00\xff\x1e\x1f\r\n\x1erun: exit 3\nlate\x1epower off\n")
OUTPUT = b"abcd\n\x00\xff\x1e\r\n"


def joined(pieces, kind):
    return [what for found, what in pieces if found == kind]


def test_whole():
    pieces = Splitter().feed(STREAM)
    assert b"".join(joined(pieces, "out")) == b"OpenSBI v1.1\n" + OUTPUT + b"late"
    assert joined(pieces, "log") == ["banyan: hello", "run: begin", "disk: slow", "run: exit 3",
                                     "power off"]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pieces(size):
    """How the bytes were cut on the way must not matter."""
    splitter = Splitter()
    pieces = []
    for at in range(0, len(STREAM), size):
        pieces += splitter.feed(STREAM[at:at + size])
    assert b"".join(joined(pieces, "out")) == b"OpenSBI v1.1\n" + OUTPUT + b"late"
    assert len(joined(pieces, "log")) == 5


def test_broken_line():
    splitter = Splitter()
    assert splitter.feed(b"\x1ehalf a li\x1epanic: oh\n") == [("log", "half a li"),
                                                             ("log", "panic: oh")]
    assert splitter.feed(b"out\x1e\x1epanic: oh\n") == [("out", b"out"), ("log", "panic: oh")]


def test_unfinished_line():
    splitter = Splitter()
    assert splitter.feed(b"\x1epanic: cut") == []
    assert splitter.finish() == [("log", "panic: cut")]
    assert splitter.finish() == []


def test_endless_line_is_cut():
    splitter = Splitter()
    splitter.feed(b"\x1e" + b"x" * (3 * LINE_MAX))
    (_, line), = splitter.feed(b"\n")
    assert len(line) == LINE_MAX


def collect(stream):
    output, other = bytearray(), bytearray()
    protocol = Protocol(output.extend, other.extend)
    protocol.feed(stream)
    protocol.finish()
    return protocol, bytes(output), bytes(other)


def test_protocol():
    protocol, output, other = collect(STREAM)
    assert protocol.status == 3
    assert output == OUTPUT
    assert other == (b"OpenSBI v1.1\nbanyan: hello\nrun: begin\ndisk: slow\nrun: exit 3\n"
                     b"latepower off\n")


def test_protocol_not_fooled_by_output():
    protocol, output, _ = collect(b"\x1erun: begin\nrun: exit 0\n\x1erun: exit 5\n")
    assert (protocol.status, output) == (5, b"run: exit 0\n")


def test_protocol_first_exit_counts():
    assert collect(b"\x1erun: begin\n\x1erun: exit 5\n\x1erun: exit 0\n")[0].status == 5


def test_protocol_exit_needs_begin():
    assert collect(b"\x1erun: exit 0\n")[0].status is None


@pytest.mark.parametrize("prefix", ["", "[    0.123456] ", "[0.1 hart 1] ", "init: "])
def test_protocol_prefixes(prefix):
    stream = f"\x1e{prefix}run: begin\nx\x1e{prefix}run: exit 9\n".encode()
    protocol, output, _ = collect(stream)
    assert (protocol.status, output) == (9, b"x")
