/*
 * The virtio code against QEMU's own block device, without a kernel around it.
 *
 * This file is two programs. Built for the host it compiles itself for RISC-V and
 * runs that on emulated machines without firmware, each with another kind of disk,
 * passes on what they print, and looks at the disk image afterwards. Built for
 * RISC-V (GUEST) it is the driver, alone on the machine and polling.
 */
/* host-test: */

#define SECTORS 2048u /* of the disk: 1 MiB */

/* What stands in byte i of the disk before, and in the part that is written. */
#define BEFORE(i)    ((unsigned char)((i)*13 + ((i) >> 9)))
#define AFTER(i)     ((unsigned char)((i)*29 + 7))
#define WRITTEN_FROM 100u /* sectors */
#define WRITTEN      256u

#ifndef GUEST

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "test/host/lib_scratch.h"

#define COMPILER "riscv64-unknown-elf-gcc"
#define EMULATOR "qemu-system-riscv64"

static const char *const compile = COMPILER
    " -DGUEST -std=gnu11 -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany"
    " -ffreestanding -nostdlib -static -O2 -Wall -Wextra -Werror -I."
    " -Wl,-n -Wl,--section-start=.start=0x80000000 -Wl,-Ttext=0x80000100"
    " -Wl,-e,_start -Wl,--no-warn-rwx-segments -o \"%s/guest.elf\""
    " test/host/virtq_qemu.c kernel/lib/virtq.c kernel/lib/virtq_mmio.c kernel/lib/virtq_blk.c"
    " kernel/lib/memset.S kernel/lib/memcpy.S";
static const char *const run =
    "timeout 60 " EMULATOR " -machine virt -bios none -m 32M -display none -monitor none"
    " -serial stdio -kernel guest.elf %s -append '%c' </dev/null";

static unsigned tests, failures;

static void report(int good, const char *name)
{
    printf("%sok %u %s\n", good ? "" : "not ", ++tests, name);
    failures += !good;
}

static int image_write(const char *path)
{
    FILE *image = fopen(path, "wb");

    for (unsigned i = 0; image && i < SECTORS * 512; i++)
        putc(BEFORE(i), image);
    return image && fclose(image) == 0 ? 0 : -1;
}

/* Did exactly the sectors meant change? */
static int image_check(const char *path)
{
    FILE *image = fopen(path, "rb");
    int good = image != NULL;

    for (unsigned i = 0; good && i < SECTORS * 512; i++) {
        int in = i / 512 >= WRITTEN_FROM && i / 512 < WRITTEN_FROM + WRITTEN;

        if (getc(image) != (in ? AFTER(i) : BEFORE(i))) {
            printf("# byte %u of the image is wrong\n", i);
            good = 0;
        }
    }
    if (image)
        fclose(image);
    return good;
}

/* Runs the guest; its results become ours. -1 if it did not run to its end. */
static int run_guest(const char *options, char kind)
{
    char command[1024], line[256];
    FILE *guest;
    int ended = 0, number, at;

    snprintf(command, sizeof(command), run, options, kind);
    guest = popen(command, "r");
    while (guest && fgets(line, sizeof(line), guest)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (sscanf(line, "ok %d %n", &number, &at) == 1)
            report(1, line + at);
        else if (sscanf(line, "not ok %d %n", &number, &at) == 1)
            report(0, line + at);
        else if (strcmp(line, "end") == 0)
            ended = 1;
        else
            printf("# %s\n", line);
    }
    return guest && pclose(guest) == 0 && ended ? 0 : -1;
}

int main(void)
{
    static const struct {
        char kind;
        unsigned results;
        const char *options;
    } machines[] = {
        {'w', 7,
         "-global virtio-mmio.force-legacy=false"
         " -drive if=none,id=d,format=raw,file=disk.img"
         " -device virtio-blk-device,drive=d,bus=virtio-mmio-bus.0"},
        {'r', 2,
         "-global virtio-mmio.force-legacy=false"
         " -drive if=none,id=d,format=raw,readonly=on,file=disk.img"
         " -device virtio-blk-device,drive=d,bus=virtio-mmio-bus.0"},
        {'l', 1,
         "-drive if=none,id=d,format=raw,file=disk.img"
         " -device virtio-blk-device,drive=d,bus=virtio-mmio-bus.0"},
        {'n', 1, "-global virtio-mmio.force-legacy=false"},
    };
    char folder[PATH_MAX], path[PATH_MAX], command[PATH_MAX + 1024];

    if (system("command -v " COMPILER " " EMULATOR " >/dev/null") != 0) {
        printf("KTAP version 1\n1..0 # SKIP no " COMPILER " or " EMULATOR "\n");
        return 0;
    }
    printf("KTAP version 1\n1..12\n");
    fflush(stdout);
    if (scratch_make(folder, sizeof(folder)) != 0 || realpath(folder, path) == NULL) {
        perror(folder);
        return 1;
    }
    snprintf(command, sizeof(command), compile, path);
    if (system(command) != 0 || chdir(folder) != 0 || image_write("disk.img"))
        failures++;
    for (unsigned i = 0; !failures && i < sizeof(machines) / sizeof(machines[0]); i++) {
        unsigned before = tests;

        if (run_guest(machines[i].options, machines[i].kind) ||
            tests - before != machines[i].results) {
            printf("# the guest did not come to its end\n");
            failures++;
        }
        if (i == 0)
            report(image_check("disk.img"), "the image holds what was written, and only that");
    }
    return scratch_remove(path) != 0 || failures;
}

#else

#include "kernel/errno.h"
#include "kernel/lib/virtq_blk.h"

/* QEMU's virt machine. */
#define UART        ((volatile uint8_t *)0x10000000)
#define TRANSPORT   ((volatile char *)0x10001000) /* 8 of them */
#define FINISH      ((volatile uint32_t *)0x100000)
#define FINISH_PASS 0x5555

#define REQUESTS    8
#define DESCRIPTORS 32
#define SLOT        65536u

__asm__(".section .start, \"ax\"\n"
        ".globl _start\n"
        "_start: lla sp, stack_top\n"
        "        lla t0, trapped\n"
        "        csrw mtvec, t0\n"
        "        mv a0, a1\n"
        "        call guest_main\n"
        ".balign 4\n"
        "trapped: call trap\n"
        ".bss\n.balign 16\n.skip 16384\nstack_top:\n"
        ".text\n");

static unsigned char queue[8192] __attribute__((aligned(4096)));
static unsigned char slot[REQUESTS][SLOT] __attribute__((aligned(4096)));
static struct virtio_blk blk;
static unsigned tests;
static bool failed;

static void print(const char *s)
{
    for (; *s != '\0'; s++)
        *UART = (uint8_t)*s;
}

static void print_number(unsigned long value)
{
    if (value >= 10)
        print_number(value / 10);
    print((char[]){(char)('0' + value % 10), '\0'});
}

static void finish(void)
{
    for (;;)
        *FINISH = FINISH_PASS;
}

__attribute__((used)) void trap(void)
{
    print("the guest took a trap\n");
    finish();
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print("failed: " #condition "\n");                                                     \
            failed = true;                                                                         \
        }                                                                                          \
    } while (0)

static void end_test(const char *name)
{
    print(failed ? "not ok " : "ok ");
    print_number(++tests);
    print(" ");
    print(name);
    print("\n");
    failed = false;
}

static int submit(unsigned request, enum virtio_blk_op op, uint64_t sector, uint32_t bytes)
{
    struct virtq_segment data = {.paddr = (uint64_t)slot[request], .len = bytes};

    return virtio_blk_submit(&blk, request, op, sector, &data, op != VIRTIO_BLK_FLUSH);
}

/* Polls until n requests have ended; false if one failed or the device did. */
static bool complete(unsigned n)
{
    unsigned request;
    int result, got;

    while (n) {
        got = virtio_blk_poll(&blk, &request, &result);
        if (got < 0 || (got && result))
            return false;
        n -= (unsigned)got;
    }
    return true;
}

static bool transfer(enum virtio_blk_op op, uint64_t sector, uint32_t bytes)
{
    if (submit(0, op, sector, bytes))
        return false;
    virtio_blk_notify(&blk);
    return complete(1);
}

static int start(volatile char *registers)
{
    return virtio_blk_start(&blk, registers, queue, (uint64_t)queue, REQUESTS, DESCRIPTORS);
}

/* Eight reads of 64 KiB at once, over and over: rings and indices wrap. */
static void test_many_reads(void)
{
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < REQUESTS; i++)
            CHECK(submit(i, VIRTIO_BLK_READ, (round * 3 + i * 128) % (SECTORS - 128), SLOT) == 0);
        virtio_blk_notify(&blk);
        CHECK(complete(REQUESTS));
        for (unsigned i = 0; i < REQUESTS; i++) {
            unsigned from = (round * 3 + i * 128) % (SECTORS - 128) * 512;

            for (unsigned k = 0; k < SLOT; k += 61)
                if (slot[i][k] != BEFORE(from + k)) {
                    CHECK(!"the data are wrong");
                    return;
                }
        }
    }
}

static void test_writes(void)
{
    for (unsigned i = 0; i < WRITTEN / 32; i++) {
        unsigned from = (WRITTEN_FROM + i * 32) * 512;

        for (unsigned k = 0; k < 32 * 512; k++)
            slot[i][k] = AFTER(from + k);
        CHECK(submit(i, VIRTIO_BLK_WRITE, WRITTEN_FROM + i * 32, 32 * 512) == 0);
    }
    virtio_blk_notify(&blk);
    CHECK(complete(WRITTEN / 32));
    CHECK(transfer(VIRTIO_BLK_FLUSH, 0, 0));
    CHECK(transfer(VIRTIO_BLK_READ, WRITTEN_FROM - 1, 3 * 512));
    for (unsigned k = 0; k < 3 * 512; k++) {
        unsigned at = (WRITTEN_FROM - 1) * 512 + k;

        CHECK(slot[0][k] == (k < 512 ? BEFORE(at) : AFTER(at)));
    }
}

static void test_interrupt(volatile char *registers)
{
    virtio_interrupt(registers);
    CHECK(virtio_interrupt(registers) == 0);
    CHECK(transfer(VIRTIO_BLK_READ, 0, 512));
    CHECK(virtio_interrupt(registers) == VIRTIO_IRQ_QUEUE);
    CHECK(virtio_interrupt(registers) == 0);
    CHECK(!virtio_needs_reset(registers));
}

static void test_many_segments(void)
{
    struct virtq_segment data[16];

    for (unsigned i = 0; i < 16; i++)
        data[i] = (struct virtq_segment){.paddr = (uint64_t)slot[i % REQUESTS] + i / 8 * 8192,
                                         .len = 512 * (1 + i % 2)};
    CHECK(virtio_blk_submit(&blk, 0, VIRTIO_BLK_READ, 1000, data, 16) == 0);
    virtio_blk_notify(&blk);
    CHECK(complete(1));
    for (unsigned i = 0, at = 1000 * 512; i < 16; at += data[i++].len)
        for (unsigned k = 0; k < data[i].len; k++)
            CHECK(((unsigned char *)data[i].paddr)[k] == BEFORE(at + k));
}

static void writable(volatile char *registers)
{
    CHECK(start(registers) == 0 && blk.sectors == SECTORS && !blk.read_only && blk.has_flush);
    end_test("it starts, with its capacity");
    test_many_reads();
    end_test("eight reads at once, many times");
    test_many_segments();
    end_test("one read into sixteen places");
    test_interrupt(registers);
    end_test("the interrupt is raised and acknowledged");
    CHECK(submit(0, VIRTIO_BLK_READ, SECTORS, 512) == -EINVAL);
    CHECK(submit(0, VIRTIO_BLK_READ, SECTORS - 1, 512) == 0);
    virtio_blk_notify(&blk);
    CHECK(complete(1));
    end_test("the last sector, and not the one behind it");
    CHECK(submit(1, VIRTIO_BLK_READ, 0, SLOT) == 0);
    virtio_blk_notify(&blk);
    CHECK(virtio_reset(registers) == 0 && start(registers) == 0);
    CHECK(transfer(VIRTIO_BLK_READ, 5, 512) && slot[0][0] == BEFORE(5 * 512));
    end_test("a reset with a request in flight, and a new start");
    test_writes();
    end_test("writes, a flush, and what is read then");
}

static void read_only(volatile char *registers)
{
    CHECK(start(registers) == 0 && blk.read_only);
    CHECK(submit(0, VIRTIO_BLK_WRITE, 0, 512) == -EROFS);
    end_test("a read-only disk is known as such");
    CHECK(transfer(VIRTIO_BLK_READ, WRITTEN_FROM, 512));
    for (unsigned k = 0; k < 512; k++)
        CHECK(slot[0][k] == AFTER(WRITTEN_FROM * 512 + k));
    end_test("and read");
}

/* The device tree's bytes, searched for bootargs = one letter: which machine is
 * this? The property's value follows a header with its length, 2. */
static char machine_kind(const unsigned char *tree)
{
    unsigned size = (unsigned)tree[4] << 24 | tree[5] << 16 | tree[6] << 8 | tree[7];

    for (unsigned at = 8; at + 16 <= size; at += 4)
        if (tree[at + 3] == 3 && !tree[at] && !tree[at + 2] && tree[at + 7] == 2 && !tree[at + 4] &&
            !tree[at + 5] && !tree[at + 6] && !tree[at + 13])
            for (const char *kinds = "wrln"; *kinds; kinds++)
                if (tree[at + 12] == (unsigned char)*kinds)
                    return *kinds;
    return '?';
}

__attribute__((used)) void guest_main(const unsigned char *tree)
{
    uint32_t id;
    char kind = machine_kind(tree);

    if (kind == 'w') {
        writable(TRANSPORT);
    } else if (kind == 'r') {
        read_only(TRANSPORT);
    } else if (kind == 'l') {
        CHECK(virtio_probe(TRANSPORT, &id) == VIRTIO_LEGACY && id == VIRTIO_ID_BLOCK);
        CHECK(start(TRANSPORT) == -EOPNOTSUPP);
        end_test("a legacy transport is recognised");
    } else if (kind == 'n') {
        for (unsigned i = 0; i < 8; i++)
            CHECK(virtio_probe(TRANSPORT + i * 0x1000, &id) == VIRTIO_ABSENT && id == 0);
        CHECK(start(TRANSPORT) == -ENODEV);
        end_test("empty transports");
    } else {
        print("no boot argument\n");
    }
    print("end\n");
    finish();
}

#endif
