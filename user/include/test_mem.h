/*
 * What the tests of memory share: children that must end in a given way, page
 * table entries by address, and scratch memory.
 * Prints through ktap.h.
 */
#ifndef TEST_MEM_H
#define TEST_MEM_H

#include <errno.h>
#include <ktap.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE           4096ul
#define MEM_UNUSED     __attribute__((unused))
#define MEM_PTE_V      0x01ul
#define MEM_PTE_R      0x02ul
#define MEM_PTE_W      0x04ul
#define MEM_PTE_X      0x08ul
#define MEM_PTE_U      0x10ul
#define MEM_PTE_G      0x20ul
#define MEM_MILLI      1000000ul
#define MEM_NOBODY     0x1000000000ul /* user addresses that nothing is mapped near */
#define MEM_DIRECT     0xffffffc000000000ul
#define MEM_VMALLOC    0xffffffe000000000ul
#define MEM_IMAGE      0xffffffff80000000ul
#define MEM_TRAMPOLINE 0xfffffffffffff000ul

/* In a child: fail with a remark that names the line. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            diag("%s:%d: %s", __FILE__, __LINE__, #condition);                                     \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

/* ---------------------------------------------------------------- children */

/* One result: fn ends, in a child, by that signal. */
MEM_UNUSED static int ok_dies(int (*fn)(void *), void *arg, int signal, const char *name)
{
    int status = ktap_in_child(fn, arg);
    int good = status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == signal;

    if (!ok(good, "%s", name))
        diag("wait status 0x%x, want signal %d", (unsigned)status, signal);
    return good;
}

/* One result: fn returns 0, in a child. */
MEM_UNUSED static int ok_child(int (*fn)(void *), void *arg, const char *name)
{
    int status = ktap_in_child(fn, arg);

    if (!ok(status == 0, "%s", name))
        diag("wait status 0x%x, want 0", (unsigned)status);
    return status == 0;
}

/* ------------------------------------------------------------------ memory */

MEM_UNUSED static char *map_anonymous(size_t size, int prot, int flags)
{
    void *at = mmap(0, size, prot, flags | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? 0 : at;
}

/* A private page or more that can be read and written. */
MEM_UNUSED static char *map_private(size_t size)
{
    return map_anonymous(size, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

/* The same, shared with children. */
MEM_UNUSED static char *map_shared(size_t size)
{
    return map_anonymous(size, PROT_READ | PROT_WRITE, MAP_SHARED);
}

/*
 * Touch every page of this program's own image, so that none is touched for the
 * first time between ledger_begin and ledger_end_ok. Call it last before that.
 */
MEM_UNUSED static void settle_image(void)
{
    static struct abi_region regions[64];
    long n = sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), (long)regions, 64);

    for (long i = 0; i < n && i < 64; i++) {
        const struct abi_region *r = &regions[i];
        int image = !strcmp(r->name, "text") || !strcmp(r->name, "rodata") ||
                    !strcmp(r->name, "data") || !strcmp(r->name, "bss") || !strcmp(r->name, "heap");
        if (!image)
            continue;
        for (unsigned long at = r->start; at < r->end; at += PAGE) {
            volatile char *byte = (volatile char *)at;
            char value = r->prot & ABI_PROT_READ ? *byte : 0;
            if (r->prot & ABI_PROT_WRITE)
                *byte = value;
        }
    }
}

/*
 * Make this program's text and read-only data its own anonymous memory, so that
 * they are not dropped when memory is short: what then happens to the program is
 * its doing and not that of a page that it has lost. The page that runs cannot
 * lose its right to; so there are two of these, on two pages.
 */
#define MEM_HOLD(name)                                                                             \
    MEM_UNUSED static __attribute__((noinline, aligned(4096), section(".text." #name))) void name( \
        unsigned long from, unsigned long to, int prot, unsigned long skip)                        \
    {                                                                                              \
        for (unsigned long at = from; at < to; at += PAGE) {                                       \
            if (at == skip)                                                                        \
                continue;                                                                          \
            banyan_syscall3(SYS_mprotect, (long)at, PAGE, PROT_READ | PROT_WRITE);                 \
            *(volatile char *)at = *(volatile char *)at;                                           \
            banyan_syscall3(SYS_mprotect, (long)at, PAGE, prot);                                   \
        }                                                                                          \
        __asm__ volatile("fence.i" ::: "memory");                                                  \
    }
MEM_HOLD(mem_hold_first)
MEM_HOLD(mem_hold_second)

MEM_UNUSED static void hold_image(void)
{
    static struct abi_region regions[64];
    unsigned long first = (unsigned long)mem_hold_first & ~(PAGE - 1);
    long n = sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), (long)regions, 64);

    for (long i = 0; i < n && i < 64; i++)
        if (regions[i].object && !(regions[i].prot & ABI_PROT_WRITE))
            mem_hold_first(regions[i].start, regions[i].end, (int)regions[i].prot, first);
    mem_hold_second(first, first + PAGE, PROT_READ | PROT_EXEC, 0);
}

/*
 * The ledger around a test's body; when it does not balance, which process holds
 * more pages than before is said, too: a server that has touched memory of its
 * own for the first time looks like a leak, and is none.
 */
MEM_UNUSED static struct abi_process mem_processes[64];
MEM_UNUSED static long mem_process_count;

MEM_UNUSED static void mem_begin(void)
{
    settle_image();
    ledger_begin();
    mem_process_count = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)mem_processes, 64, 0);
}

MEM_UNUSED static void mem_end_ok(const char *name)
{
    static struct abi_process now[64];

    if (ledger_end_ok(name))
        return;
    long n = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)now, 64, 0);
    for (long i = 0; i < n && i < 64; i++) {
        unsigned long before = 0;
        for (long j = 0; j < mem_process_count && j < 64; j++)
            if (mem_processes[j].pid == now[i].pid)
                before = mem_processes[j].resident_pages;
        if (before != now[i].resident_pages)
            diag("%s (%d) had %lu pages, now %lu", now[i].name, now[i].pid, before,
                 now[i].resident_pages);
    }
}

/* Pages that this process has in the region at `at`, in memory or in swap. The
 * ledger cannot tell that: its classes move with what all others do, too. */
MEM_UNUSED static unsigned long pages_at(const void *at)
{
    static struct abi_region regions[256];
    long n = sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), (long)regions, 256);

    for (long i = 0; i < n && i < 256; i++)
        if (regions[i].start <= (unsigned long)at && (unsigned long)at < regions[i].end)
            return regions[i].resident + regions[i].swapped;
    return 0;
}

MEM_UNUSED static unsigned long now_ns(void)
{
    return (unsigned long)sys_clock(ABI_CLOCK_MONOTONIC);
}

MEM_UNUSED static unsigned hart_count(void)
{
    struct abi_counters counters;

    return sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&counters, 0, 0) < 0 ? 1 : counters.harts;
}

/* -------------------------------------------------------------- page tables */

/* The last-level entry of pid for the page at va; 0 if there is none. */
MEM_UNUSED static unsigned long pte_at(int pid, const void *va)
{
    struct abi_pte found[3];
    struct abi_pte_query query = {
        .va = (unsigned long)va & ~(PAGE - 1), .room = 3, .max_level0 = 1, .out = found};
    unsigned long page = query.va;
    long n = sys_system(H_SYSTEM, SYSTEM_PTES, pid, (long)&query, 0);

    for (long i = 0; i < n && i < 3; i++)
        if (found[i].level == 0 && found[i].va == page)
            return found[i].pte;
    return 0;
}

/* The physical address of the page that pid has at va; 0 if none is mapped. */
MEM_UNUSED static unsigned long frame_at(int pid, const void *va)
{
    unsigned long pte = pte_at(pid, va);

    return pte & MEM_PTE_V ? pte >> 10 << 12 : 0;
}

/* --------------------------------------------------- meeting points of forks */

/* Counters in shared memory that processes and threads wait for. */
MEM_UNUSED static void stage_reach(volatile unsigned *stage, unsigned value)
{
    __atomic_store_n(stage, value, __ATOMIC_SEQ_CST);
    sys_futex_wake(stage, ~0u);
}

MEM_UNUSED static void stage_await(volatile unsigned *stage, unsigned value)
{
    unsigned now;

    while ((now = __atomic_load_n(stage, __ATOMIC_SEQ_CST)) < value)
        sys_futex_wait(stage, now, 100 * (long)MEM_MILLI);
}

#endif
