#!/usr/bin/python3
"""Stands in for QEMU in the tests of the harness: plays the serial line of a guest.

The word fake=SCENE on the kernel command line says what to play.
"""
import os
import socket
import sys
import threading
import time

BANNER = b"\nOpenSBI v1.1\n"


def write(data):
    os.write(1, data)


def framed(text):
    write(b"\x1e" + text.encode() + b"\n")


def begin():
    write(BANNER)
    framed("banyan: 2 harts")
    framed("run: begin")


def end(status=0):
    framed(f"run: exit {status}")
    framed("power off")


def ktap(lines):
    begin()
    for line in ["KTAP version 1", *lines]:
        write(line.encode() + b"\n")
    end()


def scene_hello():
    begin()
    write(b"hel")
    framed("disk: slow")
    write(b"lo\n\xff\x00\x1e\x1f\rend")
    end(7)


def scene_panic():
    begin()
    framed("panic: assertion failed: 1 == 2")
    time.sleep(60)


def scene_panic_off():
    begin()
    framed("panic: out of luck")


def scene_vanish():
    begin()
    write(b"partial")


def scene_never():
    write(BANNER)
    framed("no init")


def scene_die():
    begin()
    sys.stderr.write("fakeqemu: cannot go on\n")
    sys.exit(3)


def scene_killed():
    begin()
    os.kill(os.getpid(), 9)


def scene_hang():
    begin()
    write(b"last words\n")
    time.sleep(600)


def scene_disk():
    """Says nothing for longer than idle guests may, but the disk is at work; see answer()."""
    begin()
    time.sleep(8)
    end()


def scene_spin():
    begin()
    while True:
        pass


def scene_flood():
    begin()
    while True:
        write(b"y\n" * 32768)


def scene_reboot():
    begin()
    write(BANNER)
    time.sleep(60)


def scene_claims_panic():
    """A program, not the kernel, prints the word."""
    begin()
    write(b"panic: said the program\n")
    end()


def scene_ktap_good():
    ktap(["1..2", "ok 1 one", "ok 2 two # SKIP not here"])


def scene_ktap_kept():
    """What a test printed on an earlier boot."""
    ktap(["1..1 {27b09e6ebc1ff4d5}", "ok 1 one {5b8da2c100842e96}"])


def scene_ktap_bad():
    ktap(["1..2", "ok 1 one", "not ok 2 two # 3 != 4"])


def scene_drip():
    """Always says something, and never gets done."""
    begin()
    while True:
        write(b"x")
        time.sleep(0.02)


def scene_garbage():
    """What a terminal, a decoder, a framing, a parser could trip over; then a good end."""
    for byte in range(256):
        write(bytes([byte]) * 3 + b"\n")
    write(b"\x1e" * 1001 + b"\x1b[2J\x1b]0;title\x07\x9b31m\xf0\x9f\xff\xc0\x80\xed\xa0\x80\n")
    write(b"\x1e" + b"run: begin" * 100000 + b"\n")
    begin()
    write(b"x" * (8 << 20))
    write(b"\nKTAP version 1\n1..1\nok 1" + b" " * 100000 + b"#\n\x1erun: exit 999\n")
    framed("run: exit 0")


def scene_deaf():
    """Prints its prompt, and takes no input."""
    write(BANNER + b"$ ")
    time.sleep(600)


def scene_prattle():
    """Answers every line with far more than anybody asked for."""
    write(BANNER + b"$ ")
    for line in sys.stdin.buffer:
        write(line + b"y\n" * 300000 + line.replace(b"$?", b"0") + b"$ ")


def scene_echo():
    """An interactive shell that knows echo, shutdown and $?."""
    write(BANNER + b"banyan\r\n$ ")
    for line in sys.stdin.buffer:
        line = line.rstrip(b"\n")
        write(line + b"\r\n")
        if line == b"shutdown":
            write(b"power off\r\n")
            return
        if line.startswith(b"echo "):
            write(line[5:].replace(b"$?", b"0") + b"\r\n")
        write(b"$ ")


def listen(arguments):
    """As much of QMP as the harness wants: greet, agree to anything."""
    path = next(word for word in arguments if word.startswith("socket,id=qmp,"))
    path = path.split("path=")[1].split(",")[0]
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen()
    link, _ = server.accept()
    link.sendall(b'{"QMP": {}}\n')
    commands = link.makefile("rb")
    for _ in range(2):
        commands.readline()
        link.sendall(b'{"event": "RESUME"}\n{"return": {}}\n')
    if "fake=disk" in " ".join(arguments):
        threading.Thread(target=answer, args=(link, commands), daemon=True).start()
    return link


def answer(link, commands):
    """query-blockstats: each time there was another request."""
    for count, _ in enumerate(commands):
        link.sendall(b'{"return": [{"stats": {"rd_operations": %d, "wr_operations": 1, '
                     b'"flush_operations": 0}}]}\n' % count)


def main():
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print("QEMU emulator version", os.environ.get("FAKE_VERSION", "99.0"))
        return
    words = arguments[arguments.index("-append") + 1].split(" -- ")[0].split()
    scene = next(word[5:] for word in words if word.startswith("fake="))
    link = listen(arguments)
    globals()["scene_" + scene]()
    link.sendall(b'{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}\n')


if __name__ == "__main__":
    main()
