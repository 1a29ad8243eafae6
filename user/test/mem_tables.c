/*
 * Page tables come and go with what is mapped: munmap, brk and madvise give back those
 * in which nothing is mapped any more, and no others, also while other threads have the
 * kernel copy to and from such places.
 *
 * test: points=3 cpus=1,2,4 mem=32M..
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "user/test/proc_util.h"

#define PAGE     4096ul
#define MEGAPAGE (1ul << 21)
#define GIGAPAGE (1ul << 30)
#define PLACES   40

/* Page tables of this process. */
static unsigned long tables(void)
{
    struct abi_own own;

    memset(&own, 0, sizeof(own));
    sys_system(H_SYSTEM, SYSTEM_OWN, getpid(), (long)&own, 0);
    return own.count[FRAME_TABLE];
}

/* Zeroed pages there, or anywhere (0), every `step` bytes of them touched; or 0. */
static char *place(unsigned long at, unsigned long size, unsigned long step)
{
    char *p = mmap((void *)at, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

    if (p == MAP_FAILED)
        return 0;
    for (unsigned long off = 0; off < size; off += step)
        p[off] = (char)(off / step + 1);
    return p;
}

/* The address space above what the program has, in a root slot of its own. */
static unsigned long empty_gigapage(unsigned n)
{
    return (64 + n) * GIGAPAGE;
}

static int unmapped(void *unused)
{
    unsigned long before = tables(), all;
    unsigned long at = empty_gigapage(0);

    (void)unused;
    CHECK(before >= 3);
    for (unsigned i = 0; i < PLACES; i++)
        CHECK(place(at + i * MEGAPAGE + i * PAGE, PAGE, PAGE));
    all = tables();
    CHECK_IS(all, before + PLACES + 1);
    for (unsigned i = 0; i < PLACES; i += 2)
        CHECK_IS(munmap((void *)(at + i * MEGAPAGE + i * PAGE), PAGE), 0);
    CHECK_IS(tables(), all - PLACES / 2);
    for (unsigned i = 1; i < PLACES; i += 2)
        CHECK_IS(*(char *)(at + i * MEGAPAGE + i * PAGE), 1);
    CHECK_IS(munmap((void *)at, PLACES * MEGAPAGE), 0);
    CHECK_IS(tables(), before);
    return 0;
}

/* A table stays as long as anything else lies in what it maps. */
static int neighbours(void *unused)
{
    unsigned long before = tables(), at = empty_gigapage(1);
    char *low = place(at + 5 * PAGE, PAGE, PAGE), *high = place(at + 300 * PAGE, PAGE, PAGE);

    (void)unused;
    CHECK(low && high);
    CHECK_IS(tables(), before + 2);
    CHECK_IS(munmap(low, PAGE), 0);
    CHECK_IS(tables(), before + 2);
    CHECK_IS(*high, 1);
    CHECK_IS(munmap(high, PAGE), 0);
    CHECK_IS(tables(), before);
    return 0;
}

/* Several gigapages at once, of which the ends are only partly in the range. */
static int far_apart(void *unused)
{
    unsigned long before = tables(), first = empty_gigapage(2);

    (void)unused;
    for (unsigned i = 0; i < 4; i++)
        CHECK(place(first + i * GIGAPAGE + GIGAPAGE / 2, PAGE, PAGE));
    CHECK_IS(tables(), before + 8);
    CHECK_IS(munmap((void *)(first + GIGAPAGE), 2 * GIGAPAGE), 0);
    CHECK_IS(tables(), before + 4);
    CHECK_IS(*(char *)(first + GIGAPAGE / 2), 1);
    CHECK_IS(*(char *)(first + 3 * GIGAPAGE + GIGAPAGE / 2), 1);
    CHECK_IS(munmap((void *)first, 4 * GIGAPAGE), 0);
    CHECK_IS(tables(), before);
    return 0;
}

/* What is given up by madvise is still mapped; its whole tables are not needed until it
 * is touched again. */
static int given_up(void *unused)
{
    unsigned long before = tables(), at = empty_gigapage(3), all;
    char *p = place(at + MEGAPAGE / 2, 4 * MEGAPAGE, 16 * PAGE);

    (void)unused;
    CHECK(p);
    all = tables();
    CHECK_IS(all, before + 6);
    CHECK_IS(madvise(p, 4 * MEGAPAGE, MADV_DONTNEED), 0);
    CHECK_IS(tables(), all - 3);
    for (unsigned long off = 0; off < 4 * MEGAPAGE; off += 16 * PAGE)
        CHECK_IS(p[off], 0);
    CHECK_IS(tables(), all);
    CHECK_IS(munmap(p, 4 * MEGAPAGE), 0);
    CHECK_IS(tables(), before);
    return 0;
}

static int heap(void *unused)
{
    unsigned long before = tables();
    char *old = sbrk(8 * MEGAPAGE);

    (void)unused;
    CHECK(old != (char *)-1);
    for (unsigned long off = 0; off < 8 * MEGAPAGE; off += MEGAPAGE)
        old[off] = 1;
    CHECK(tables() >= before + 7);
    CHECK(sbrk(-8 * (long)MEGAPAGE) != (char *)-1);
    CHECK_IS(tables(), before);
    return 0;
}

/* A mapping of a file has tables of its own until it goes, too. */
static int of_file(void *unused)
{
    unsigned long before = tables();
    int fd = open("/bin/ls", O_RDONLY);
    char *at = mmap((void *)empty_gigapage(8), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);

    (void)unused;
    CHECK(fd >= 0 && at != MAP_FAILED);
    CHECK_IS(at[1], 'E');
    CHECK_IS(tables(), before + 2);
    CHECK_IS(madvise(at, PAGE, MADV_DONTNEED), 0);
    CHECK_IS(at[1], 'E');
    CHECK_IS(munmap(at, PAGE), 0);
    CHECK_IS(tables(), before);
    return close(fd);
}

/* -------------------------------------------------------- copies meanwhile */

#define ROUNDS 300

static volatile int over;
static volatile unsigned under_way; /* futex: the thread has copied */

/* Has the kernel copy to and from where another thread maps and unmaps: it may succeed
 * or fail, but what it finds there is that place's. */
static void *copy_there(void *arg)
{
    unsigned long at = (unsigned long)arg, bad = 0, good = 0;
    int ends[2];
    char byte;

    if (pipe(ends) < 0) {
        under_way = 1;
        sys_futex_wake(&under_way, 1);
        return (void *)1;
    }
    while (!over) {
        long n = write(ends[1], (void *)at, 1);
        bad += n != 1 && (n != -1 || errno != EFAULT);
        if (n == 1) {
            good++;
            bad += read(ends[0], &byte, 1) != 1 || (byte != 0 && byte != 1 && byte != 'x');
        }
        byte = 'x';
        bad += write(ends[1], &byte, 1) != 1;
        n = read(ends[0], (void *)at, 1);
        bad += n != 1 && (n != -1 || errno != EFAULT);
        if (n != 1)
            bad += read(ends[0], &byte, 1) != 1;
        if (!under_way) {
            under_way = 1;
            sys_futex_wake(&under_way, 1);
        }
    }
    close(ends[0]);
    close(ends[1]);
    return (void *)(good ? bad : 1000000);
}

static int copies_meanwhile(void *unused)
{
    unsigned long before = tables(), at = empty_gigapage(9) + 7 * PAGE;
    char *other = place(0, 64 * PAGE, PAGE);
    pthread_t thread;
    void *bad;

    (void)unused;
    CHECK(other && place(at, PAGE, PAGE));
    before = tables() - 2;
    CHECK(pthread_create(&thread, 0, copy_there, (void *)at) == 0);
    while (!under_way)
        sys_futex_wait(&under_way, 0, ~0ul);
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_IS(munmap((void *)at, PAGE), 0);
        /* Takes the frames that the tables were in, and puts into them what looks like
         * entries that map everything. */
        unsigned long *taken =
            mmap(0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(taken != MAP_FAILED);
        for (unsigned k = 0; k < 3 * PAGE / 8; k++)
            taken[k] = (0x80200000ul >> 12 << 10) | 0xdf;
        CHECK_IS(munmap(taken, 3 * PAGE), 0);
        CHECK(place(at, PAGE, PAGE));
    }
    over = 1;
    CHECK(pthread_join(thread, &bad) == 0);
    CHECK_IS(bad, 0);
    for (unsigned i = 0; i < 64; i++)
        CHECK_IS(other[i * PAGE], i + 1);
    CHECK_IS(munmap((void *)at, PAGE), 0);
    CHECK(tables() <= before + 2); /* the thread's stack is cached */
    return 0;
}

static const struct proc_test tests[] = {
    {unmapped, "munmap gives back tables in which nothing is left"},
    {neighbours, "and none in which there is"},
    {far_apart, "over several gigabytes, those of the level above, too"},
    {given_up, "madvise gives back those that it empties"},
    {heap, "brk, too"},
    {of_file, "a mapping of a file keeps its own until it goes"},
    {copies_meanwhile, "the kernel copies to and from there meanwhile"},
};

int main(void)
{
    return run_tests(tests, (int)(sizeof(tests) / sizeof(tests[0])));
}
