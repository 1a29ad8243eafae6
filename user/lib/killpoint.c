/* Kill points: see user/include/killpoint.h. */
#include "user/include/killpoint.h"
#include "user/include/banyan.h"
#include "user/include/grants.h"

#define SPARED_MAX 8
#define PAGE_MASK  (~(PAGE_SIZE_ABI - 1ul))

struct kill_page *kill_page;

static struct {
    unsigned long start, end;
} spared[SPARED_MAX];
static unsigned spared_count;

void kill_points_open(void)
{
    long address =
        sys_mmap(0, PAGE_SIZE_ABI, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED, KILL_PAGE, 0);

    if (address > 0)
        kill_page = (struct kill_page *)address;
}

void kill_spare(const volatile void *start, unsigned long bytes)
{
    if (spared_count == SPARED_MAX)
        return;
    spared[spared_count].start = (unsigned long)start;
    spared[spared_count].end = (unsigned long)start + bytes;
    spared_count++;
}

static bool is_spared(unsigned long address)
{
    for (unsigned i = 0; i < spared_count; i++)
        if (address >= spared[i].start && address < spared[i].end)
            return true;
    return (address & PAGE_MASK) == (unsigned long)kill_page;
}

/* A page cannot be executed while it can be written, so not the one that this function is
 * in: one, by its alignment. */
static __attribute__((noinline, aligned(256))) bool flip(unsigned long with)
{
    unsigned long address = with << 4 >> 7, page = address & PAGE_MASK;

    if (page == ((unsigned long)flip & PAGE_MASK) || is_spared(address))
        return false;
    if (sys_mprotect((void *)page, PAGE_SIZE_ABI, ABI_PROT_READ | ABI_PROT_WRITE))
        return false;
    *(volatile unsigned char *)address ^= (unsigned char)(1u << (with & 7));
    return sys_mprotect((void *)page, PAGE_SIZE_ABI, (int)(with >> 60)) == 0;
}

/* One of 2^bits values, by a linear congruential generator (Knuth's constants). */
static unsigned long next(unsigned long *seed, unsigned bits)
{
    *seed = *seed * 6364136223846793005ul + 1442695040888963407ul;
    return *seed >> (64 - bits);
}

/* Damages a word: a bit of it, its size, or all. */
static unsigned long damaged(unsigned long word, unsigned long *seed)
{
    switch (next(seed, 2)) {
    case 0:
        return word ^ 1ul << next(seed, 6);
    case 1:
        return word + next(seed, 8) - 128;
    case 2:
        return -next(seed, 8); /* an error, perhaps */
    default:
        return next(seed, 64);
    }
}

/* One thing of a message that is to be sent, or two, are not what they should be. */
static bool garble(unsigned long seed, struct message *m, struct ipc_ext *ext)
{
    if (!m)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        unsigned long what = next(&seed, 4);

        if (what < IPC_WORDS || !ext)
            m->w[what % 3] = damaged(m->w[what % 3], &seed);
        else if (what < 10)
            ext->send_len = damaged(ext->send_len, &seed);
        else if (what < 12)
            ext->send_addr = damaged(ext->send_addr, &seed);
        else if (what == 12)
            ext->gifts.count = (unsigned)damaged(ext->gifts.count, &seed);
        else if (what == 13)
            ext->gifts.handles[ext->gifts.count++ % IPC_HANDLES] = (int)next(&seed, 5);
        else
            ext->gifts.make_session = (unsigned)damaged(ext->gifts.make_session, &seed);
    }
    return true;
}

static void stall(bool sleeps)
{
    for (volatile bool for_ever = true; for_ever;)
        if (sleeps)
            sys_sleep(1000000000);
}

bool kill_point_set(struct kill_page *page, struct message *m, struct ipc_ext *ext)
{
    unsigned long action = page->action, with = page->with;
    bool done = action == KILL_IGNORE;

    if (__atomic_sub_fetch(&page->countdown, 1, __ATOMIC_ACQ_REL) != 0)
        return false;
    page->at = KILL_NOWHERE;
    if (action == KILL_DIE)
        sys_kill(H_NONE, (int)sys_getpid(), ABI_SIGKILL);
    if (action == KILL_SLEEP || action == KILL_LOOP)
        stall(action == KILL_SLEEP);
    if (action == KILL_FLIP)
        done = flip(with);
    if (action == KILL_GARBLE)
        done = garble(with, m, ext);
    page->faults += done;
    return action == KILL_IGNORE;
}
