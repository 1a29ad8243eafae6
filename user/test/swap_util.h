/*
 * What the tests of swap share: memory of a size relative to the machine's, pages
 * that tell which one they are, what the counters say has moved, and the slots in
 * the ledger.
 */
#ifndef TEST_SWAP_UTIL_H
#define TEST_SWAP_UTIL_H

#include "user/test/proc_util.h"
#include <sys/mman.h>

#define PAGE       4096ul
#define PAGE_WORDS 512

/* Slots that what is not the test's may have taken meanwhile: init, the shell. Data of the
 * test's own program may keep theirs, too. */
#define SLOTS_OF_OTHERS 200

KTAP_UNUSED static struct abi_memory swap_memory(void)
{
    struct abi_memory m;

    memset(&m, 0, sizeof(m));
    sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&m, 0, 0);
    return m;
}

/* Frames of the machine. */
KTAP_UNUSED static unsigned long frames_in_all(void)
{
    return swap_memory().total;
}

KTAP_UNUSED static struct abi_counters swap_counters(void)
{
    struct abi_counters c;

    memset(&c, 0, sizeof(c));
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&c, 0, 0);
    return c;
}

/* 0 if, since `before`, at least that many pages went out to swap and came back. */
KTAP_UNUSED static int swap_moved(const struct abi_counters *before, unsigned long outs,
                                  unsigned long ins)
{
    struct abi_counters now = swap_counters();
    unsigned long out = now.swap_outs - before->swap_outs, in = now.swap_ins - before->swap_ins;

    if (out >= outs && in >= ins)
        return 0;
    dprintf(2, "# %lu pages out and %lu in, expected %lu and %lu\n", out, in, outs, ins);
    return 1;
}

/* Private memory of that many pages, or 0. */
KTAP_UNUSED static char *take_pages(unsigned long pages)
{
    void *at = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? 0 : at;
}

/* What word i of a page says: whose page it is, which one, and of what round. */
KTAP_UNUSED static unsigned long page_word(unsigned long page, unsigned long seed, unsigned i)
{
    return ((seed << 40) + (page << 10) + i) * 0x9e3779b97f4a7c15ul;
}

/* Writes words all over the page; the others stay. */
KTAP_UNUSED static void page_write(void *at, unsigned long page, unsigned long seed)
{
    volatile unsigned long *words = at;

    for (unsigned i = 0; i < PAGE_WORDS; i += 73)
        words[i] = page_word(page, seed, i);
}

KTAP_UNUSED static int page_is(const void *at, unsigned long page, unsigned long seed)
{
    const volatile unsigned long *words = at;

    for (unsigned i = 0; i < PAGE_WORDS; i += 73)
        if (words[i] != page_word(page, seed, i)) {
            dprintf(2, "# page %lu of seed %lu is wrong at word %u: 0x%lx\n", page, seed, i,
                    words[i]);
            return 0;
        }
    return 1;
}

/* The same of a page to which nothing but such words was ever written. */
KTAP_UNUSED static int page_is_all(const void *at, unsigned long page, unsigned long seed)
{
    const volatile unsigned long *words = at;

    if (!page_is(at, page, seed))
        return 0;
    if (words[1] == 0 && words[PAGE_WORDS - 2] == 0)
        return 1;
    dprintf(2, "# page %lu of seed %lu has more than its words\n", page, seed);
    return 0;
}

KTAP_UNUSED static void pages_write(char *at, unsigned long pages, unsigned long seed)
{
    for (unsigned long p = 0; p < pages; p++)
        page_write(at + p * PAGE, p, seed);
}

KTAP_UNUSED static int pages_are(const char *at, unsigned long pages, unsigned long seed)
{
    for (unsigned long p = 0; p < pages; p++)
        if (!page_is(at + p * PAGE, p, seed))
            return 0;
    return 1;
}

/*
 * The whole of a test program: each test in a child, then the frame ledger, and the
 * slots of the swap disk, which must be as free as before.
 */
KTAP_UNUSED static int run_swap_tests(const struct proc_test *tests, int n)
{
    unsigned long before, now, kept = SLOTS_OF_OTHERS + (__end - __data_start) / PAGE;

    ktap_plan(n + 2);
    touch_program();
    ledger_begin();
    before = swap_memory().swap_free;
    for (int i = 0; i < n; i++)
        ok_child(tests[i].fn, 0, tests[i].name);
    touch_program(); /* what of it was read ahead only is nobody's, to the ledger */
    ledger_end_ok("all frames are back");
    now = swap_memory().swap_free;
    ok(before > 0 && now + kept >= before, "the slots are back: %lu of %lu are free", now, before);
    return ktap_done();
}

#define RUN_SWAP_TESTS(tests) run_swap_tests(tests, (int)(sizeof(tests) / sizeof((tests)[0])))

#endif
