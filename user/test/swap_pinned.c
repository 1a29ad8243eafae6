/*
 * What never leaves memory, while everything else does: the kernel's frames are as many as
 * before, and the pages of init and the servers are in the frames in which they were.
 *
 *   swap_pinned [EVICTIONS]   until so many pages have left; 12,000 where none are given
 *
 * test: points=3 cpus=1,2,4 mem=16M swap=64M.. timeout=300
 * test: points=1 cpus=2 mem=64M swap=192M.. timeout=300
 */
#include "user/test/swap_util.h"
#include <sys/wait.h>

#define EVICTIONS 12000
#define HOGS      2
#define SERVERS   8
#define ENTRIES   4096 /* of one server */

static unsigned long evictions;
static volatile unsigned long *rounds; /* shared: of each hog */

/* Three quarters of memory, over and over; two are half as much again as there is. */
static int hog(void *number)
{
    unsigned long me = (unsigned long)number, pages = frames_in_all() * 3 / 4;
    pid_t parent = getppid();
    char *at = take_pages(pages);

    CHECK(at);
    for (unsigned long seed = me; getppid() == parent; seed += HOGS) {
        pages_write(at, pages, seed);
        rounds[me]++;
        CHECK(pages_are(at, pages, seed));
    }
    return 0;
}

static struct server {
    int pid;
    long count;
    struct abi_pte entries[ENTRIES];
} servers[SERVERS], now;

/* All that the process has mapped. */
static int entries_of(struct server *s)
{
    struct abi_pte_query query = {.max_level0 = 1};

    s->count = 0;
    do {
        long n;

        query.out = s->entries + s->count;
        query.room = (unsigned)(ENTRIES - s->count);
        n = sys_system(H_SYSTEM, SYSTEM_PTES, s->pid, (long)&query, 0);
        CHECK(n >= 0 && n < query.room);
        s->count += n;
    } while (query.va < 1ul << 38);
    return 0;
}

static int find_servers(void)
{
    static struct abi_process all[64];
    long n = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)all, 64, 0), found = 0;

    for (long i = 0; i < n && i < 64 && found < SERVERS; i++)
        if (all[i].flags & PROCESS_WIRED) {
            servers[found].pid = all[i].pid;
            CHECK_IS(entries_of(&servers[found]), 0);
            CHECK(servers[found].count > 0);
            found++;
        }
    CHECK(found >= 4); /* init, tty, blk, fs */
    return 0;
}

static int is_page(const struct abi_pte *e)
{
    return e->level == 0 && e->pte & 1 && e->va < 1ul << 38;
}

/* The entry for va, or 0. */
static const struct abi_pte *entry_at(const struct server *s, unsigned long va)
{
    for (long i = 0; i < s->count; i++)
        if (s->entries[i].va == va && is_page(&s->entries[i]))
            return &s->entries[i];
    return 0;
}

static int servers_stayed(void)
{
    unsigned long pages = 0;

    for (unsigned i = 0; i < SERVERS && servers[i].pid; i++) {
        now.pid = servers[i].pid;
        CHECK_IS(entries_of(&now), 0);
        for (long k = 0; k < servers[i].count; k++) {
            const struct abi_pte *was = &servers[i].entries[k], *is;

            if (!is_page(was))
                continue;
            is = entry_at(&now, was->va);
            if (!is || is->pte >> 10 != was->pte >> 10) {
                diag("page 0x%lx of process %d was 0x%lx and is 0x%lx", was->va, now.pid, was->pte,
                     is ? is->pte : 0);
                return 1;
            }
            pages++;
        }
    }
    diag("%lu pages of servers", pages);
    return 0;
}

static unsigned long left(void)
{
    return swap_counters().reclaimed;
}

/* The classes that do not change while no process begins, ends or maps anything. */
static int same_kernel(const struct abi_memory *before)
{
    static const int classes[] = {FRAME_KERNEL, FRAME_TABLE, FRAME_KSTACK, FRAME_DMA};
    struct abi_memory m = swap_memory();

    for (unsigned i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        CHECK_IS(m.count[classes[i]], before->count[classes[i]]);
    CHECK(m.count[FRAME_KMALLOC] <= before->count[FRAME_KMALLOC] + 8);
    return 0;
}

static int under_pressure(void *unused)
{
    struct abi_memory before;
    unsigned long end;
    pid_t pids[HOGS];
    int status;

    (void)unused;
    rounds = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(rounds != MAP_FAILED);
    for (unsigned long i = 0; i < HOGS; i++)
        pids[i] = spawn(hog, (void *)i);
    /* All that they will map is mapped, and what the kernel needs for that is there. */
    while (rounds[0] < 2 || rounds[1] < 2) {
        CHECK_IS(waitpid(-1, &status, WNOHANG), 0);
        sys_sleep(10 * MS);
    }
    CHECK_IS(find_servers(), 0);
    before = swap_memory();
    for (end = left() + evictions; left() < end; sys_sleep(10 * MS)) {
        CHECK_IS(waitpid(-1, &status, WNOHANG), 0);
        CHECK_IS(same_kernel(&before), 0);
    }
    CHECK_IS(servers_stayed(), 0);
    for (unsigned i = 0; i < HOGS; i++) {
        CHECK_IS(sys_kill(H_NONE, pids[i], ABI_SIGKILL), 0);
        CHECK_IS(reap(pids[i]), ABI_SIGKILL);
    }
    return 0;
}

static const struct proc_test tests[] = {
    {under_pressure, "the kernel's frames and the servers' pages stay where they are"},
};

int main(int argc, char **argv)
{
    evictions = argc > 1 ? strtoul(argv[1], 0, 10) : EVICTIONS;
    return RUN_SWAP_TESTS(tests);
}
