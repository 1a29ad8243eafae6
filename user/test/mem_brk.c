/*
 * The break: it grows and shrinks, what it gives is zero each time, what it
 * takes is gone, and its limits hold.
 *
 * test: points=2
 */
#include <test_mem.h>

static char *break_now(void)
{
    return (char *)sys_brk(0);
}

static int all_zero(const char *from, const char *to)
{
    for (; from < to; from++)
        if (*from)
            return 0;
    return 1;
}

static int grows_and_shrinks(void *unused)
{
    /* A whole page above where it is: what lies above is then given back wholly. */
    char *start = (char *)(((unsigned long)break_now() + 2 * PAGE) & ~(PAGE - 1));

    (void)unused;
    CHECK((char *)sys_brk(start) == start);
    for (unsigned long size = 1; size < 300000; size = size * 3 + 17) {
        CHECK((char *)sys_brk(start + size) == start + size && break_now() == start + size);
        CHECK(all_zero(start, start + size));
        memset(start, 0x77, size);
        CHECK((char *)sys_brk(start) == start && break_now() == start);
    }
    return 0;
}

static int touch(void *at)
{
    *(volatile char *)at = 1;
    return 0;
}

/* In the child: give back ten pages, then touch one of them. */
static int touch_given_back(void *unused)
{
    char *start = break_now();

    (void)unused;
    CHECK((char *)sys_brk(start + 10 * PAGE) == start + 10 * PAGE);
    start[9 * PAGE] = 1;
    CHECK((char *)sys_brk(start) == start);
    return touch(start + 9 * PAGE);
}

static int touch_beyond(void *unused)
{
    char *start = break_now();

    (void)unused;
    CHECK((char *)sys_brk(start + 2 * PAGE) == start + 2 * PAGE);
    return touch(start + 4 * PAGE);
}

static int gives_frames_back(void *unused)
{
    unsigned long before, during;
    char *start = break_now();

    (void)unused;
    CHECK((char *)sys_brk(start + PAGE) == start + PAGE);
    memset(start, 1, PAGE);
    before = pages_at(start);
    CHECK((char *)sys_brk(start + 512 * PAGE) == start + 512 * PAGE);
    memset(start, 1, 512 * PAGE);
    during = pages_at(start);
    CHECK((char *)sys_brk(start + PAGE) == start + PAGE);
    CHECK(before > 0 && during == before + 511);
    CHECK(pages_at(start) == before);
    return 0;
}

static int limits(void *unused)
{
    char *start = break_now();

    (void)unused;
    *(start - 1) = 66;
    CHECK(sys_brk((void *)8) == -ENOMEM);
    CHECK(sys_brk((void *)0x10000) == -ENOMEM); /* into the text */
    CHECK(sys_brk((void *)ABI_USER_END) == -ENOMEM);
    CHECK(sys_brk((void *)MEM_DIRECT) == -ENOMEM);
    CHECK(sys_brk((void *)MEM_IMAGE) == -ENOMEM);
    CHECK(sys_brk((void *)~0ul) == -ENOMEM);
    CHECK(break_now() == start && *(start - 1) == 66);
    return 0;
}

/* It stops at a mapping, and goes on when that is gone. */
static int meets_mapping(void *unused)
{
    char *start = break_now();
    char *page = (char *)(((unsigned long)start + 64 * PAGE) & ~(PAGE - 1));

    (void)unused;
    CHECK(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
               0) == page);
    page[0] = 12;
    CHECK(sys_brk(page + PAGE) == -ENOMEM && break_now() == start);
    CHECK(sys_brk(page + 1) == -ENOMEM && page[0] == 12);
    CHECK((char *)sys_brk(page) == page);
    memset(start, 1, (unsigned long)(page - start));
    CHECK(page[0] == 12 && munmap(page, PAGE) == 0);
    CHECK((char *)sys_brk(page + PAGE) == page + PAGE && page[0] == 0);
    return 0;
}

static int own_after_fork(void *unused)
{
    char *start = break_now();
    int status;

    (void)unused;
    CHECK((char *)sys_brk(start + PAGE) == start + PAGE);
    memset(start, 5, PAGE);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int bad = break_now() != start + PAGE || start[0] != 5;
        bad |= (char *)sys_brk(start + 100 * PAGE) != start + 100 * PAGE;
        memset(start, 6, 100 * PAGE);
        _exit(bad);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(break_now() == start + PAGE && start[0] == 5);
    return touch_beyond(0) == 0; /* must not return */
}

/* The library's allocator on top: blocks do not overlap, and come back. */
static int allocator(void *unused)
{
    enum { BLOCKS = 120 };
    static unsigned char *block[BLOCKS];
    static unsigned size[BLOCKS];
    unsigned random = 12345;

    (void)unused;
    for (int round = 0; round < 2000; round++) {
        random = random * 1103515245 + 12345;
        unsigned i = random >> 16 & 127;
        if (i >= BLOCKS)
            continue;
        if (block[i]) {
            for (unsigned j = 0; j < size[i]; j += 61)
                CHECK(block[i][j] == (unsigned char)i);
            free(block[i]);
            block[i] = 0;
        } else {
            size[i] = (random >> 8) % (i % 10 == 0 ? 40000 : 900) + 1;
            block[i] = malloc(size[i]);
            CHECK(block[i]);
            memset(block[i], (int)i, size[i]);
        }
    }
    return 0;
}

int main(void)
{
    ktap_plan(9);
    ktap_in_child(grows_and_shrinks, 0);
    mem_begin();
    ok_child(grows_and_shrinks, 0, "the break moves; what it gives is zero");
    ok_dies(touch_given_back, 0, SIGSEGV, "what it takes is gone");
    ok_dies(touch_beyond, 0, SIGSEGV, "there is nothing beyond it");
    ok_child(gives_frames_back, 0, "frames go back as it shrinks");
    ok_child(limits, 0, "its limits hold");
    ok_child(meets_mapping, 0, "it stops at a mapping");
    ok_dies(own_after_fork, 0, SIGSEGV, "after fork each has its own");
    ok_child(allocator, 0, "malloc on top of it");
    mem_end_ok("the heap is given back");
    return ktap_done();
}
