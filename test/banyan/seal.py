"""The key that a boot's test signs its results with; the other side of user/include/ktap_seal.h.

Each boot's key is fresh and lies only in that boot's overlay, in the slot that every program made
with <ktap.h> has in its file. What a kernel prints of its own, or has kept from another boot, bears
no seal that fits.
"""
import re
import secrets

from . import image

MARK = b"\x89KTAP key slot\r\n"
KEY_SIZE = 16
SEALED = re.compile(r"(.*) \{([0-9a-f]{16})\}", re.DOTALL)
MASK = (1 << 64) - 1


def new_key():
    """A key for one boot. All zeros mean "no key", and do not come up."""
    return secrets.token_bytes(KEY_SIZE - 1) + b"\1"


def patch(disk, program, key):
    """(offset, bytes) to be written over a copy of the raw image `disk`, so that `program` has the
    key; LookupError in words if the program has no slot for it."""
    contents = image.contents(disk, program)
    if contents is None:
        raise LookupError(f"{program} is not in the disk image")
    if contents.count(MARK) != 1:
        raise LookupError(f"{program} does not print its results with <ktap.h>: nobody can vouch "
                          f"for them")
    return image.offset(disk, program, contents.index(MARK) + len(MARK)), key


class Chain:
    """Checks the seals of one report, line by line."""

    def __init__(self, key):
        self._key, self._last = key, 0

    def open(self, line):
        """The line without its seal, or None if it bears none that fits."""
        match = SEALED.fullmatch(line)
        if not match:
            return None
        seal = self.seal(match.group(1))
        if f"{seal:016x}" != match.group(2):
            return None
        self._last = seal
        return match.group(1)

    def seal(self, text):
        """What the seal of `text` must be as the next line."""
        before = self._last.to_bytes(8, "little")
        return siphash(self._key, before + text.encode("utf-8", "replace"))


def siphash(key, data):
    """SipHash-2-4 of some bytes, as a number."""
    k0, k1 = (int.from_bytes(key[at:at + 8], "little") for at in (0, 8))
    state = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
             k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]
    whole = len(data) // 8 * 8
    words = [data[at:at + 8] for at in range(0, whole, 8)]
    words.append(data[whole:].ljust(7, b"\0") + bytes([len(data) & 0xff]))
    for word in words:
        number = int.from_bytes(word, "little")
        state[3] ^= number
        _rounds(state, 2)
        state[0] ^= number
    state[2] ^= 0xff
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rotate(word, by):
    return (word << by | word >> (64 - by)) & MASK


def _rounds(state, count):
    v0, v1, v2, v3 = state
    for _ in range(count):
        v0, v2 = (v0 + v1) & MASK, (v2 + v3) & MASK
        v1, v3 = _rotate(v1, 13) ^ v0, _rotate(v3, 16) ^ v2
        v0 = _rotate(v0, 32)
        v2, v0 = (v2 + v1) & MASK, (v0 + v3) & MASK
        v1, v3 = _rotate(v1, 17) ^ v2, _rotate(v3, 21) ^ v0
        v2 = _rotate(v2, 32)
    state[:] = v0, v1, v2, v3
