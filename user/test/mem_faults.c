/*
 * What a program may not do with memory and instructions, and how it ends if it
 * tries; what the processor gives it all the same; and that a trap leaves every
 * register as it was.
 *
 * test: points=3
 */
#include <test_mem.h>

typedef void (*code)(void);

static const unsigned rodata_word = 0x12345678;
static unsigned data_code[2] = {0x00008067, 0x00008067}; /* ret */

static void fence_i(void)
{
    __asm__ volatile("fence.i" ::: "memory");
}

/* ------------------------------------------------------------------ touching */

static int load(void *at)
{
    (void)*(volatile char *)at;
    return 0;
}

static int store(void *at)
{
    *(volatile char *)at = 1;
    return 0;
}

static int jump(void *at)
{
    fence_i();
    ((code)at)();
    return 0;
}

static int jump_stack(void *unused)
{
    unsigned ret[2] = {0x00008067, 0x00008067};

    (void)unused;
    __asm__ volatile("" ::"r"(ret) : "memory");
    return jump(ret);
}

static int jump_heap(void *unused)
{
    unsigned *ret = malloc(64);

    (void)unused;
    CHECK(ret);
    ret[0] = ret[1] = 0x00008067;
    return jump(ret);
}

static int jump_mapping(void *unused)
{
    unsigned *ret = (unsigned *)map_private(PAGE);

    (void)unused;
    CHECK(ret);
    ret[0] = ret[1] = 0x00008067;
    return jump(ret);
}

/* Tells that jump() itself works: the same bytes, in a page that may be run. */
static int jump_allowed(void *unused)
{
    unsigned *ret = (unsigned *)map_private(PAGE);

    (void)unused;
    CHECK(ret);
    ret[0] = ret[1] = 0x00008067;
    CHECK(mprotect(ret, PAGE, PROT_READ | PROT_EXEC) == 0);
    return jump(ret);
}

/* One result for one way to touch all of these. */
static void ok_all_die(int (*touch)(void *), const unsigned long *at, int n, const char *name)
{
    int good = 0;

    for (int i = 0; i < n; i++) {
        int status = ktap_in_child(touch, (void *)at[i]);
        if (status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
            good++;
        else
            diag("0x%lx: wait status 0x%x", at[i], (unsigned)status);
    }
    ok(good == n, "%s", name);
}

static void touch_kernel(void)
{
    static const unsigned long at[] = {
        0x3ffffff000ul, /* just above the user half */
        0x3ffffffff8ul, /* its last words */
        0x4000000000ul, /* the hole */
        0x8000000000000000ul,
        MEM_DIRECT, /* the direct map's first byte, and RAM in it */
        MEM_DIRECT + 0x80000000ul,
        MEM_DIRECT + 0x80400000ul,
        MEM_VMALLOC + PAGE, /* a kernel stack */
        MEM_IMAGE,          /* the kernel's text */
        MEM_IMAGE + 0x80000,
        MEM_TRAMPOLINE, /* executable, but not for programs */
        ~7ul,
    };
    const int n = sizeof(at) / sizeof(at[0]);

    ok_all_die(load, at, n, "kernel addresses cannot be read");
    ok_all_die(store, at, n, "kernel addresses cannot be written");
    ok_all_die(jump, at, n, "kernel addresses cannot be run");
}

static void touch_null(void)
{
    static const unsigned long at[] = {0, 8, 0xff8};

    ok_all_die(load, at, 3, "page 0 cannot be read");
    ok_all_die(store, at, 3, "page 0 cannot be written");
    ok_all_die(jump, at, 3, "page 0 cannot be run");
}

/* ------------------------------------------------------------- instructions */

#define INSTRUCTION(name, text)                                                                    \
    static int name(void *unused)                                                                  \
    {                                                                                              \
        (void)unused;                                                                              \
        __asm__ volatile(text ::: "t0", "memory");                                                 \
        return 0;                                                                                  \
    }

INSTRUCTION(run_zero, ".2byte 0")
INSTRUCTION(run_ones, ".4byte 0xffffffff")
INSTRUCTION(run_sstatus, "csrr t0, sstatus")
INSTRUCTION(run_write_cycle, "csrw 0xc00, zero")
INSTRUCTION(run_satp, "csrw satp, zero")
INSTRUCTION(run_fence, "sfence.vma")
INSTRUCTION(run_sret, "sret")
INSTRUCTION(run_mret, "mret")
INSTRUCTION(run_wfi, "wfi")
INSTRUCTION(run_ebreak, ".option push\n.option norvc\nebreak\n.option pop")
INSTRUCTION(run_c_ebreak, "c.ebreak")

static int run_misaligned_amo(void *at)
{
    unsigned long old;

    __asm__ volatile("amoadd.d %0, zero, (%1)" : "=r"(old) : "r"((char *)at + 4) : "memory");
    return 0;
}

static int run_misaligned_reserve(void *at)
{
    unsigned long old;

    __asm__ volatile("lr.w %0, (%1)" : "=r"(old) : "r"((char *)at + 2) : "memory");
    return 0;
}

/* A word at each offset around a page boundary, both pages fresh. */
static int misaligned_words(void *unused)
{
    (void)unused;
    for (unsigned offset = 0; offset < 8; offset++) {
        char *at = map_private(2 * PAGE);
        CHECK(at);
        volatile unsigned long *word = (volatile unsigned long *)(at + PAGE - offset);
        CHECK(*word == 0);
        *word = 0x1122334455667788ul;
        CHECK(*word == 0x1122334455667788ul);
        for (unsigned i = 0; i < 8; i++)
            CHECK((unsigned char)at[PAGE - offset + i] == 0x88 - 0x11 * i);
        CHECK(munmap(at, 2 * PAGE) == 0);
    }
    return 0;
}

static int straddle(void *unused)
{
    char *at = map_private(2 * PAGE);

    (void)unused;
    CHECK(at && munmap(at + PAGE, PAGE) == 0);
    *(volatile unsigned long *)(at + PAGE - 3) = 1;
    return 0;
}

static int read_counters(void *unused)
{
    unsigned long cycle[2], instret[2], time[2], ns[2];
    struct abi_counters counters;

    (void)unused;
    CHECK(sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&counters, 0, 0) >= 0);
    for (int i = 0; i < 2; i++) {
        __asm__ volatile("rdcycle %0" : "=r"(cycle[i]));
        __asm__ volatile("rdinstret %0" : "=r"(instret[i]));
        __asm__ volatile("rdtime %0" : "=r"(time[i]));
        ns[i] = now_ns();
        sys_sleep(i ? 0 : 20 * MEM_MILLI);
    }
    CHECK(cycle[1] > cycle[0] && instret[1] > instret[0] && time[1] > time[0]);
    unsigned long by_time = (time[1] - time[0]) * 1000 / (counters.timebase / 1000000);
    unsigned long by_clock = ns[1] - ns[0];
    CHECK(by_clock >= 20 * MEM_MILLI && by_time >= 20 * MEM_MILLI);
    /* The two are read one after the other: some slack. */
    unsigned long apart = by_time > by_clock ? by_time - by_clock : by_clock - by_time;
    CHECK(apart < 200 * MEM_MILLI);
    return 0;
}

/* ---------------------------------------------------------------- registers */

/*
 * registers_survive(buf, spins, number): fills every integer register but sp,
 * a0 = buf (a page not yet touched), a1 = spins and a7 = number, with its own
 * pattern; spins, so that timer interrupts come; does system call `number` if it
 * is not 0, then stores all registers to buf, the first of which faults.
 */
void registers_survive(unsigned long *buf, unsigned long spins, unsigned long number);
__asm__(".section .text.registers_survive, \"ax\", @progbits\n"
        ".globl registers_survive\n"
        "registers_survive:\n"
        "addi sp, sp, -128\n"
        "sd ra, 0(sp)\n sd gp, 8(sp)\n sd tp, 16(sp)\n"
        "sd s0, 24(sp)\n sd s1, 32(sp)\n sd s2, 40(sp)\n sd s3, 48(sp)\n sd s4, 56(sp)\n"
        "sd s5, 64(sp)\n sd s6, 72(sp)\n sd s7, 80(sp)\n sd s8, 88(sp)\n sd s9, 96(sp)\n"
        "sd s10, 104(sp)\n sd s11, 112(sp)\n"
        "mv a7, a2\n"
        ".option push\n.option norelax\n"
        ".irp n, 1,3,4,5,6,7,8,9,12,13,14,15,16,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "li x\\n, 0x5a0000 + \\n\n"
        ".endr\n"
        "1: addi a1, a1, -1\n"
        "bnez a1, 1b\n"
        "beqz a7, 2f\n"
        "mv s1, a0\n"
        "ecall\n"
        "mv a0, s1\n"
        "li s1, 0x5a0009\n"
        "2:\n"
        ".irp n, 1,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "sd x\\n, \\n*8(a0)\n"
        ".endr\n"
        ".option pop\n"
        "ld ra, 0(sp)\n ld gp, 8(sp)\n ld tp, 16(sp)\n"
        "ld s0, 24(sp)\n ld s1, 32(sp)\n ld s2, 40(sp)\n ld s3, 48(sp)\n ld s4, 56(sp)\n"
        "ld s5, 64(sp)\n ld s6, 72(sp)\n ld s7, 80(sp)\n ld s8, 88(sp)\n ld s9, 96(sp)\n"
        "ld s10, 104(sp)\n ld s11, 112(sp)\n"
        "addi sp, sp, 128\n"
        "ret\n"
        ".text\n");

/* Spins for ever, with another pattern in every register but sp. */
void registers_rival(void) __attribute__((noreturn));
__asm__(
    ".section .text.registers_rival, \"ax\", @progbits\n"
    ".globl registers_rival\n"
    "registers_rival:\n"
    ".option push\n.option norelax\n"
    ".irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
    "li x\\n, 0x330000 + \\n\n"
    ".endr\n"
    "1: j 1b\n"
    ".option pop\n"
    ".text\n");

/* Registers that differ from their pattern; those in `free` may. */
static int registers_changed(const unsigned long *buf, unsigned free)
{
    int changed = 0;

    for (unsigned n = 1; n < 32; n++) {
        if (n == 2 || n == 10 || n == 11 || n == 17 || free >> n & 1)
            continue;
        if (buf[n] != 0x5a0000 + n) {
            diag("x%u is 0x%lx", n, buf[n]);
            changed++;
        }
    }
    return changed;
}

static int registers_over_traps(void *unused)
{
    (void)unused;
    for (int i = 0; i < 8; i++) {
        unsigned long *buf = (unsigned long *)map_private(PAGE);
        CHECK(buf);
        registers_survive(buf, 4000000, 0);
        CHECK(registers_changed(buf, 0) == 0);
        munmap(buf, PAGE);
    }
    return 0;
}

/* The kernel need not touch a register for it to be lost: another thread does. */
static int registers_over_switches(void *unused)
{
    pid_t rivals[4];

    (void)unused;
    for (int i = 0; i < 4; i++) {
        rivals[i] = fork();
        if (rivals[i] == 0)
            registers_rival();
    }
    for (int i = 0; i < 8; i++) {
        unsigned long *buf = (unsigned long *)map_private(PAGE);
        CHECK(buf);
        registers_survive(buf, 10000000, 0);
        CHECK(registers_changed(buf, 0) == 0);
        munmap(buf, PAGE);
    }
    for (int i = 0; i < 4; i++) {
        int status;
        CHECK(sys_kill(H_NONE, rivals[i], ABI_SIGKILL) == 0);
        CHECK(waitpid(rivals[i], &status, 0) == rivals[i] && status == ABI_SIGKILL);
    }
    return 0;
}

/* A system call keeps ra, sp, gp, tp and s0..s11, and what it changes tells nothing of the kernel.
 */
static int registers_over_calls(void *unused)
{
    static const int calls[] = {SYS_getpid, SYS_yield, SYS_gettid, SYS_clock, SYS_MAX};
    unsigned caller_saved = 0xf003fce0; /* t0-t2, a0-a7, t3-t6 */

    (void)unused;
    for (int i = 0; i < 20; i++) {
        unsigned long *buf = (unsigned long *)map_private(PAGE);
        CHECK(buf);
        registers_survive(buf, 1, calls[i % 5]);
        CHECK(registers_changed(buf, caller_saved) == 0);
        for (unsigned n = 3; n < 32; n++)
            CHECK(n == 10 || n == 11 || n == 17 || buf[n] == 0x5a0000 + n ||
                  (caller_saved >> n & 1 && buf[n] == 0));
        munmap(buf, PAGE);
    }
    return 0;
}

static int unknown_calls(void *unused)
{
    static const long numbers[] = {0,
                                   19,
                                   29,
                                   48,
                                   64,
                                   SYS_MAX,
                                   SYS_MAX + 1,
                                   4096,
                                   -1,
                                   -57,
                                   0x7fffffffffffffffl,
                                   (long)0x8000000000000001ul};

    (void)unused;
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (banyan_syscall6(numbers[i], -1, -1, -1, -1, -1, -1) != -ENOSYS) {
            diag("system call %ld exists", numbers[i]);
            return 1;
        }
    return 0;
}

int main(void)
{
    char *page = map_private(PAGE);

    ktap_plan(35);
    ktap_in_child(load, 0);
    mem_begin();
    touch_null();
    touch_kernel();
    ok_dies(store, (void *)load, SIGSEGV, "text cannot be written");
    ok_dies(store, (void *)&rodata_word, SIGSEGV, "read-only data cannot be written");
    ok(rodata_word == 0x12345678, "read-only data is as it was");
    ok_dies(jump, data_code, SIGSEGV, "data cannot be run");
    ok_dies(jump_stack, 0, SIGSEGV, "the stack cannot be run");
    ok_dies(jump_heap, 0, SIGSEGV, "the heap cannot be run");
    ok_dies(jump_mapping, 0, SIGSEGV, "a writable mapping cannot be run");
    ok_child(jump_allowed, 0, "an executable mapping can be run");
    ok_dies(run_zero, 0, SIGILL, "the zero instruction is illegal");
    ok_dies(run_ones, 0, SIGILL, "an instruction of ones is illegal");
    ok_dies(run_sstatus, 0, SIGILL, "sstatus is not for programs");
    ok_dies(run_satp, 0, SIGILL, "satp is not for programs");
    ok_dies(run_write_cycle, 0, SIGILL, "cycle cannot be written");
    ok_dies(run_fence, 0, SIGILL, "sfence.vma is not for programs");
    ok_dies(run_sret, 0, SIGILL, "sret is not for programs");
    ok_dies(run_mret, 0, SIGILL, "mret is not for programs");
    ok_dies(run_wfi, 0, SIGILL, "wfi is not for programs");
    ok_dies(run_ebreak, 0, SIGTRAP, "ebreak is a trap");
    ok_dies(run_c_ebreak, 0, SIGTRAP, "c.ebreak is a trap");
    ok_dies(run_misaligned_amo, page, SIGBUS, "a misaligned atomic is a bus error");
    ok_dies(run_misaligned_reserve, page, SIGBUS, "a misaligned load-reserved is a bus error");
    ok_child(misaligned_words, 0, "misaligned words work, over page boundaries too");
    ok_dies(straddle, 0, SIGSEGV, "a word half in an unmapped page is a fault");
    ok_child(read_counters, 0, "programs read cycle, time and instret");
    ok_child(unknown_calls, 0, "unknown system calls are refused");
    ok_child(registers_over_traps, 0, "faults and interrupts keep all registers");
    ok_child(registers_over_switches, 0, "and so do switches to threads that use them all");
    ok_child(registers_over_calls, 0, "system calls keep what a call keeps");
    mem_end_ok("the dead give back all they had");
    return ktap_done();
}
