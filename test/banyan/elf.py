"""Function names out of an ELF file, to turn addresses into `name+0x12`."""
import bisect
import struct

SHT_SYMTAB = 2
STT_NOTYPE, STT_OBJECT, STT_FUNC = 0, 1, 2


class Symbols:
    """Names of a 64-bit little-endian ELF; empty when the file cannot be read."""

    def __init__(self, path=None):
        self._code = []  # sorted (address, size, name)
        self.address = {}  # name -> address, data included
        if path is not None:
            try:
                with open(path, "rb") as file:
                    self._load(file.read())
            except (OSError, struct.error, ValueError, IndexError):
                pass  # a report with bare addresses is better than none
        self._code.sort()
        self._starts = [start for start, _, _ in self._code]

    def _load(self, image):
        if image[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a 64-bit little-endian ELF")
        table, = struct.unpack_from("<Q", image, 0x28)
        entry_size, count = struct.unpack_from("<HH", image, 0x3a)
        sections = [struct.unpack_from("<IIQQQQIIQQ", image, table + i * entry_size)
                    for i in range(count)]
        for section in sections:
            if section[1] == SHT_SYMTAB:
                self._load_symbols(image, section, sections[section[6]])

    def _load_symbols(self, image, symtab, strtab):
        for at in range(symtab[4], symtab[4] + symtab[5], 24):
            name_at, info, _, index, value, size = struct.unpack_from("<IBBHQQ", image, at)
            kind = info & 15
            if index == 0 or kind not in (STT_NOTYPE, STT_OBJECT, STT_FUNC):
                continue
            start = strtab[4] + name_at
            name = image[start:image.index(b"\0", start)].decode("utf-8", "replace")
            if not name or name.startswith(("$", ".L")):
                continue
            self.address[name] = value
            if kind != STT_OBJECT:
                self._code.append((value, size, name))

    def name(self, address, returns=False):
        """`symbol+0x12`, or "" where no symbol covers the address.

        A return address (returns=True) belongs to the call before it, which may be the last
        instruction of its function.
        """
        inside = address - 1 if returns else address
        at = bisect.bisect_right(self._starts, inside) - 1
        if at < 0:
            return ""
        start, size, name = self._code[at]
        if inside - start >= (size or 0x10000):
            return ""
        return f"{name}+{address - start:#x}"
