"""test/arrows.py, on small trees: what points down passes, what points up is named."""
import os
import subprocess

import pytest

from arrows import fits, wrong_calls, wrong_includes

pytestmark = pytest.mark.points(0)
CROSS = os.environ.get("CROSS", "riscv64-unknown-elf-")
GOOD = {
    "kernel/abi.h": "#include <stdint.h>\n",
    "kernel/lib/list.h": "#include <stddef.h>\n",
    "kernel/lib/virtq.h": '#include "kernel/errno.h"\n',
    "kernel/errno.h": "",
    "kernel/main.c": '#include "vm/frame.h"\n#include "trap/trap.h"\n#include "main.h"\n',
    "kernel/main.h": "",
    "trap/trap.h": '#include "vm/layout.h"\n',
    "trap/entry.S": '#include "trap/trap.h"\n',
    "vm/layout.h": "",
    "vm/frame.h": '#include "trap/trap.h"\n#include "kernel/lib/list.h"\n',
    "vm/frame.c": '/*\n#include "kernel/main.h"\n*/\n#include "vm/frame.h"\n',
    "user/blk/blk.h": '#include "kernel/lib/virtq.h"\n#include <stdio.h>\n',
    "user/bin/ls.c": '#include "kernel/abi.h"\n#include <sys/stat.h>\n#include <banyan.h>\n',
    "user/include/banyan.h": '#include "kernel/abi.h"\n',
}


def make_tree(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_good(tmp_path):
    assert wrong_includes(make_tree(tmp_path, GOOD)) == []


BAD = {
    "library to memory": ("kernel/lib/list.c", '#include "vm/frame.h"\n'),
    "library to kernel": ("kernel/lib/list.c", '#include "kernel/main.h"\n'),
    "memory to kernel": ("vm/frame.c", '#include "kernel/main.h"\n'),
    "trap to memory": ("trap/trap.c", '#include "vm/frame.h"\n'),
    "trap to kernel": ("trap/entry.S", '#include "kernel/main.h"\n'),
    "kernel to program": ("kernel/main.c", '#include "user/blk/blk.h"\n'),
    "interface to kernel": ("kernel/abi.h", '#include "kernel/main.h"\n'),
    "program to kernel": ("user/bin/ls.c", '#include "kernel/main.h"\n'),
    "program to library": ("user/bin/ls.c", '#include "kernel/lib/list.h"\n'),
    "program to memory": ("user/bin/ls.c", '#include "vm/frame.h"\n'),
    "program to program": ("user/bin/ls.c", '#include "user/blk/blk.h"\n'),
    "kernel to C library": ("kernel/main.c", "#include <stdio.h>\n"),
    "in angles": ("vm/frame.c", "#include <kernel/main.h>\n"),
    "by the way round": ("vm/frame.c", '#include "../kernel/main.h"\n'),
    "with blanks": ("vm/frame.c", '  #  include   "kernel/main.h"\n'),
    "behind a comment": ("vm/frame.c", '/* why */ \n#include "kernel/main.h" /* this */\n'),
}


@pytest.mark.parametrize("file, text", BAD.values(), ids=BAD)
def test_bad(tmp_path, file, text):
    found = wrong_includes(make_tree(tmp_path, {**GOOD, file: "\n" + text}))
    line = 1 + ("\n" + text).split("#", maxsplit=1)[0].count("\n")
    assert len(found) == 1 and found[0].startswith(f"{file}:{line}: includes "), found


@pytest.mark.parametrize("path, pattern, answer", [
    ("vm/a.h", "vm/*", True), ("vm/x/a.h", "vm/*", False), ("vm/x/a.h", "vm/**", True),
    ("kernel/lib/a.h", "kernel/*", False), ("vmx/a.h", "vm/**", False),
])
def test_fits(path, pattern, answer):
    assert fits(path, pattern) == answer


def compiled(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([CROSS + "gcc", "-x", "c", "-", "-c", "-o", str(root / f"{name}.o")],
                       input=text, text=True, check=True)
    return root


def test_calls(tmp_path):
    """A call upwards is seen without any include; a hook and a call downwards are not."""
    objects = compiled(tmp_path, {
        "kernel/main.c": "void frame_init(void); int secret;"
                         "void trap_up_leave(void) {} void start(void) { frame_init(); }",
        "trap/trap.c": "void trap_up_leave(void); void leave(void) { trap_up_leave(); }",
        "vm/frame.c": "extern int secret; void leave(void);"
                      "void frame_init(void) { secret = 1; leave(); }",
        "kernel/lib/list.c": "void frame_init(void); void list(void) { frame_init(); }",
    })
    found = wrong_calls(objects, CROSS + "nm")
    assert [line.split(":")[0] for line in found] == ["kernel/lib/list.c", "vm/frame.c"], found
    assert "uses frame_init of vm/" in found[0] and "uses secret of kernel/" in found[1]
