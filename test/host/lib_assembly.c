/*
 * The assembly of kernel/lib (memcpy, memmove, memset, page_zero, page_copy).
 *
 * This file is two programs. Built for the host it compiles itself for RISC-V,
 * runs that on an emulated machine without any firmware, and passes on what the
 * machine prints. Built for RISC-V (GUEST) it is the test proper: each function
 * against a byte-by-byte model, over every alignment of both ends, with the bytes
 * around checked; and its instruction counts, which are what it was written for.
 * An FP instruction would trap there, the FP unit being off.
 */
/* host-test: */

#ifndef GUEST

#include <stdio.h>
#include <stdlib.h>

#define COMPILER "riscv64-unknown-elf-gcc"
#define EMULATOR "qemu-system-riscv64"

static const char *const compile =
    COMPILER " -DGUEST -std=gnu11 -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany"
             " -ffreestanding -nostdlib -static -O2 -Wall -Wextra -Werror -I."
             " -Wl,-n -Wl,--section-start=.start=0x80000000 -Wl,-Ttext=0x80000100"
             " -Wl,-e,_start -Wl,--no-warn-rwx-segments -o '%s'"
             " test/host/lib_assembly.c kernel/lib/memcpy.S kernel/lib/memset.S kernel/lib/page.S";
static const char *const run =
    "timeout 120 " EMULATOR " -machine virt -bios none -m 32M -icount shift=0 -display none"
    " -monitor none -serial stdio -kernel '%s' </dev/null";

/* Passes the guest's output on; its exit status, or -1. */
static int run_guest(const char *image)
{
    char command[1024], line[256];
    FILE *guest;

    snprintf(command, sizeof(command), compile, image);
    if (system(command) != 0) {
        fprintf(stderr, "cannot build the guest (run this from the top of the tree)\n");
        return -1;
    }
    snprintf(command, sizeof(command), run, image);
    guest = popen(command, "r");
    if (guest == NULL)
        return -1;
    while (fgets(line, sizeof(line), guest) != NULL)
        fputs(line, stdout);
    return pclose(guest);
}

int main(int argc, char **argv)
{
    char image[512];

    if (system("command -v " COMPILER " >/dev/null && command -v " EMULATOR " >/dev/null") != 0) {
        printf("KTAP version 1\n1..0 # SKIP no " COMPILER " or no " EMULATOR "\n");
        return 0;
    }
    /* The guest's image goes beside this program, under build/. */
    snprintf(image, sizeof(image), "%s.guest.elf", argc > 0 ? argv[0] : "lib_assembly");
    return run_guest(image) == 0 ? 0 : 1;
}

#else

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/lib/string.h"

/* QEMU's virt machine: the UART's data register and the register that ends it. */
#define UART        ((volatile uint8_t *)0x10000000)
#define FINISH      ((volatile uint32_t *)0x100000)
#define FINISH_PASS 0x5555
#define FINISH_FAIL 0x13333

#ifndef SIZE_STEP
#define SIZE_STEP 7 /* of the sizes above DENSE; all smaller ones are tried */
#endif
#define DENSE 72
#define LARGE 600
#define ARENA 2048
#define GUARD 64 /* checked on both sides of what is written */

__asm__(".section .start, \"ax\"\n"
        ".globl _start\n"
        "_start: lla sp, stack_top\n"
        "        lla t0, trapped\n"
        "        csrw mtvec, t0\n"
        "        csrw mstatus, zero\n"
        "        call guest_main\n"
        ".balign 4\n"
        "trapped: li a0, -1\n"
        "        call finish\n"
        ".bss\n.balign 16\n.skip 16384\nstack_top:\n"
        ".text\n");

static uint8_t arena[ARENA] __attribute__((aligned(4096)));
static uint8_t model[ARENA] __attribute__((aligned(4096)));
static uint8_t pages[2][4096] __attribute__((aligned(4096)));
static unsigned tests, failures;

static void print(const char *s)
{
    for (; *s != '\0'; s++)
        *UART = (uint8_t)*s;
}

static void print_number(uint64_t value)
{
    char digits[21];
    int at = 20;

    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    print(digits + at);
}

/* Also where a trap ends: then failed is not 0 or 1. */
__attribute__((used, noreturn)) void finish(int failed)
{
    if (failed < 0)
        print("Bail out! the guest took a trap\n");
    for (;;)
        *FINISH = failed ? FINISH_FAIL : FINISH_PASS;
}

static void report(bool good, const char *name)
{
    print(good ? "ok " : "not ok ");
    print_number(++tests);
    print(" ");
    print(name);
    print("\n");
    failures += !good;
}

static bool differs(const char *what, size_t to, size_t from, size_t n)
{
    for (size_t i = 0; i < ARENA; i++) {
        if (arena[i] == model[i])
            continue;
        print("# ");
        print(what);
        print(" to, from, size, first wrong byte: ");
        print_number(to);
        print(" ");
        print_number(from);
        print(" ");
        print_number(n);
        print(" ");
        print_number(i);
        print("\n");
        return true;
    }
    return false;
}

static void fill(uint8_t *at, size_t n)
{
    static uint32_t state = 1;

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        at[i] = (uint8_t)(state >> 24);
    }
}

/* volatile keeps the compiler from making calls of the functions under test. */
static void mirror(void)
{
    volatile uint8_t *m = model;

    for (size_t i = 0; i < ARENA; i++)
        m[i] = arena[i];
}

static void model_move(size_t to, size_t from, size_t n)
{
    volatile uint8_t *m = model;

    if (to < from) {
        for (size_t i = 0; i < n; i++)
            m[to + i] = m[from + i];
    } else {
        for (size_t i = n; i-- > 0;)
            m[to + i] = m[from + i];
    }
}

static size_t next_size(size_t n)
{
    return n < DENSE ? n + 1 : n + SIZE_STEP;
}

static bool test_memset(void)
{
    fill(arena, ARENA);
    mirror();
    for (size_t n = 0; n <= LARGE; n = next_size(n)) {
        for (size_t to = GUARD; to < GUARD + 8; to++) {
            int byte = (int)(n * 37 + to) - 300; /* only its low eight bits count */
            volatile uint8_t *m = model;

            if (n % 3 == 0)
                byte = 0;
            for (size_t i = 0; i < n; i++)
                m[to + i] = (uint8_t)byte;
            if (memset(arena + to, byte, n) != arena + to || differs("memset", to, 0, n))
                return false;
        }
    }
    return true;
}

static bool test_memcpy(void)
{
    const size_t from_base = ARENA / 2 + GUARD;

    fill(arena, ARENA);
    mirror();
    for (size_t n = 0; n <= LARGE; n = next_size(n)) {
        for (size_t to = GUARD; to < GUARD + 8; to++) {
            for (size_t from = from_base; from < from_base + 8; from++) {
                model_move(to, from, n);
                if (memcpy(arena + to, arena + from, n) != arena + to ||
                    differs("memcpy", to, from, n))
                    return false;
                arena[from] = model[from] = (uint8_t)(n + to);
            }
        }
    }
    return true;
}

/* Every alignment, and every distance up and down that matters, overlap or not. */
static bool test_memmove(void)
{
    static const int distances[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 33, 64, 100};
    const size_t base = 512;

    for (size_t n = 0; n <= LARGE; n = next_size(n)) {
        fill(arena, ARENA);
        mirror();
        for (size_t from = base; from < base + 8; from++) {
            for (size_t d = 0; d < 2 * sizeof(distances) / sizeof(distances[0]); d++) {
                size_t to = d % 2 == 0 ? from + distances[d / 2] : from - distances[d / 2];

                model_move(to, from, n);
                if (memmove(arena + to, arena + from, n) != arena + to ||
                    differs("memmove", to, from, n))
                    return false;
                arena[from] = model[from] = (uint8_t)(n + d);
            }
        }
    }
    return true;
}

static bool test_pages(void)
{
    volatile uint8_t *a = pages[0], *b = pages[1];
    bool good = true;

    fill(pages[0], sizeof(pages));
    page_copy(pages[0], pages[1]);
    for (size_t i = 0; i < 4096; i++)
        good = good && a[i] == b[i];
    page_zero(pages[0]);
    for (size_t i = 0; i < 4096; i++)
        good = good && a[i] == 0;
    fill(pages[0], sizeof(pages));
    uint8_t before = a[4095], after = b[0];
    page_zero(pages[1]);
    good = good && a[4095] == before;
    fill(pages[1], 4096);
    after = b[0];
    page_zero(pages[0]);
    return good && b[0] == after;
}

static inline uint64_t instructions(void)
{
    uint64_t value;

    __asm__ volatile("csrr %0, minstret" : "=r"(value)::"memory");
    return value;
}

#define COST(call)                                                                                 \
    ({                                                                                             \
        uint64_t start = instructions();                                                           \
        call;                                                                                      \
        instructions() - start;                                                                    \
    })

static bool within(const char *what, uint64_t cost, uint64_t limit)
{
    print("# ");
    print(what);
    print(": ");
    print_number(cost);
    print(" instructions, at most ");
    print_number(limit);
    print("\n");
    return cost <= limit;
}

/* The limits leave room for the call and the counter reads, not for a loop that
 * got worse. */
static bool test_costs(void)
{
    uint8_t *a = pages[0], *b = pages[1];
    bool good = true;

    good &= within("page_zero", COST(page_zero(a)), 560);
    good &= within("page_copy", COST(page_copy(a, b)), 1090);
    good &= within("memset of a page", COST(memset(a, 0, 4096)), 580);
    good &= within("memcpy of a page", COST(memcpy(a, b, 4096)), 1110);
    good &= within("memcpy of 8, aligned", COST(memcpy(a, b, 8)), 30);
    good &= within("memcpy of 64, aligned", COST(memcpy(a, b, 64)), 46);
    good &= within("memcpy of 5, not aligned", COST(memcpy(a + 1, b + 2, 5)), 36);
    good &= within("memcpy of 1024, skewed", COST(memcpy(a + 1, b + 2, 1024)), 900);
    good &= within("memmove of 1024, up by 8", COST(memmove(a + 8, a, 1024)), 400);
    good &= within("memset of 9", COST(memset(a + 1, 1, 9)), 32);
    return good;
}

__attribute__((used)) void guest_main(void)
{
    print("KTAP version 1\n1..5\n");
    report(test_memset(), "memset stores what and where it should");
    report(test_memcpy(), "memcpy copies at every alignment");
    report(test_memmove(), "memmove copies at every overlap");
    report(test_pages(), "page_zero and page_copy reach the whole page and no more");
    report(test_costs(), "instruction counts stay low");
    finish(failures != 0);
}

#endif
