/* Refused allocations; the contract is in vm/fail.h. */
#include "vm/fail.h"

#include "kernel/lib/printk.h"
#include "kernel/lib/symbol.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "trap/trap.h"

#define PLACES 2048 /* that are told apart; beyond them nothing fails */
#define CALLS  4    /* of a chain, the allocator's caller first */

static uint64_t places[PLACES]; /* atomic: hashes of chains, 0: none */
static int armed;               /* atomic: process group */
static int refused;             /* atomic */

struct chain {
    uint64_t calls[CALLS]; /* return addresses */
};

/* Who called the allocator (fp is its frame), and who that one. */
static struct chain chain_from(uint64_t fp)
{
    struct chain c = {{0}};
    for (unsigned i = 0; i < CALLS && (i == 0 || c.calls[i - 1]); i++)
        c.calls[i] = backtrace_step(&fp);
    return c;
}

static uint64_t hash(const struct chain *c)
{
    uint64_t h = 1;
    for (unsigned i = 0; i < CALLS; i++)
        h = (h ^ c->calls[i] ^ h >> 29) * 0x9e3779b97f4a7c15ul;
    return h ? h : 1;
}

/* The place had not been seen, and has now. */
static bool first_time(uint64_t place)
{
    for (unsigned i = 0; i < PLACES; i++) {
        uint64_t *p = &places[(place + i) % PLACES], old = 0;
        if (__atomic_compare_exchange_n(p, &old, place, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return true;
        if (old == place)
            return false;
    }
    return false;
}

static void log_place(const struct chain *c)
{
    uint64_t offset[CALLS] = {0};
    const char *name[CALLS];
    for (unsigned i = 0; i < CALLS; i++) {
        name[i] = c->calls[i] ? symbol_find(c->calls[i], &offset[i]) : NULL;
        name[i] = name[i] ? name[i] : "-";
    }
    printk("refused: %s+0x%lx, %s+0x%lx, %s+0x%lx, %s+0x%lx", name[0], offset[0], name[1],
           offset[1], name[2], offset[2], name[3], offset[3]);
}

bool fail_allocation(void)
{
    const struct thread *t = thread_self();
    int group = __atomic_load_n(&armed, __ATOMIC_SEQ_CST);
    if (!group || !t || !t->process || t->process->wired ||
        __atomic_load_n(&t->process->pgid, __ATOMIC_RELAXED) != group)
        return false;
    /* From the frame of the allocator that asks. */
    uint64_t fp = (uint64_t)__builtin_frame_address(0);
    backtrace_step(&fp);
    struct chain c = chain_from(fp);
    if (!first_time(hash(&c)))
        return false;
    __atomic_fetch_add(&refused, 1, __ATOMIC_SEQ_CST);
    log_place(&c);
    return true;
}

int fail_arm(int pgid)
{
    __atomic_store_n(&armed, 0, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < PLACES; i++)
        __atomic_store_n(&places[i], 0, __ATOMIC_SEQ_CST);
    int before = __atomic_exchange_n(&refused, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&armed, pgid, __ATOMIC_SEQ_CST);
    return before;
}
