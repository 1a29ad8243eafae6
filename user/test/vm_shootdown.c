/*
 * What one thread takes away or changes in an address space, threads on other
 * harts must lose at once: munmap, mprotect, replacement, truncation.
 *
 * test: points=4 kargs=""
 * test: points=2 cpus=2.. kargs="asidbits=0"
 */
#include <fcntl.h>
#include <pthread.h>
#include <test_mem.h>

#define READERS 3
#define RW      (PROT_READ | PROT_WRITE)

/* Between a child that is to die at a touch and its parent. */
struct report {
    volatile unsigned ready;   /* threads that touch the page now */
    volatile unsigned gone;    /* it is gone: touches from here on are wrong */
    volatile unsigned touches; /* made after that */
    char *volatile page;
};

static struct report *report;

/* ---------------------------------------------------- taken away for good */

enum way { WAY_UNMAP, WAY_NONE, WAY_READ_ONLY, WAY_TRUNCATE, WAY_BREAK };

static volatile int stores; /* whether the threads store or load */

static __attribute__((noreturn)) void *toucher(void *unused)
{
    volatile char *page = report->page;
    int counted = 0;

    (void)unused;
    for (;;) {
        int late = report->gone; /* before the touch */
        if (stores)
            *page = 1;
        else
            (void)*page;
        if (late)
            __atomic_add_fetch(&report->touches, 1, __ATOMIC_SEQ_CST);
        if (!counted) {
            counted = 1;
            __atomic_add_fetch(&report->ready, 1, __ATOMIC_SEQ_CST);
        }
    }
}

/* Threads touch a page without pause while the main thread takes it away. The
 * process must die of it, none of them having touched it afterwards. */
static int take_away(void *how)
{
    enum way way = (enum way)(long)how;
    pthread_t thread;
    int fd = -1;

    stores = way == WAY_READ_ONLY;
    if (way == WAY_TRUNCATE) {
        fd = open("/vm_shootdown.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
        CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
        report->page = mmap(0, PAGE, RW, MAP_SHARED, fd, 0);
        CHECK(report->page != MAP_FAILED && unlink("/vm_shootdown.tmp") == 0);
    } else if (way == WAY_BREAK) {
        char *top = (char *)(((unsigned long)sys_brk(0) + 2 * PAGE) & ~(PAGE - 1));
        CHECK((char *)sys_brk(top + PAGE) == top + PAGE);
        report->page = top;
    } else {
        report->page = map_private(PAGE);
        CHECK(report->page);
    }
    *report->page = 7;
    for (int i = 0; i < READERS; i++)
        CHECK(pthread_create(&thread, 0, toucher, 0) == 0);
    while (report->ready < READERS)
        sys_yield();
    switch (way) {
    case WAY_UNMAP:
        sys_munmap(report->page, PAGE);
        break;
    case WAY_NONE:
        sys_mprotect(report->page, PAGE, PROT_NONE);
        break;
    case WAY_READ_ONLY:
        sys_mprotect(report->page, PAGE, PROT_READ);
        break;
    case WAY_TRUNCATE:
        ftruncate(fd, 0);
        break;
    case WAY_BREAK:
        sys_brk(report->page);
        break;
    }
    report->gone = 1;
    /* This hart stays busy: who touches the page now does so on another. */
    for (unsigned long end = now_ns() + 5 * MEM_MILLI; now_ns() < end;)
        ;
    sys_sleep(3000 * MEM_MILLI);
    return 0;
}

/* As often as it takes to have it happen in different orders. */
static void ok_taken(enum way way, int signal, int times, const char *name)
{
    int good = 1;

    for (int i = 0; i < times && good; i++) {
        memset(report, 0, sizeof(*report));
        int status = ktap_in_child(take_away, (void *)(long)way);
        good = status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == signal &&
               report->touches == 0;
        if (!good)
            diag("wait status 0x%x, %u touches afterwards", (unsigned)status, report->touches);
    }
    ok(good, "%s", name);
}

/* --------------------------------------------------------- replaced, and seen */

struct look {
    volatile unsigned long *page;
    volatile unsigned long *seen; /* what the thread has read last */
    volatile unsigned *stop;
};

static void *look_on(void *arg)
{
    struct look *l = arg;

    while (!*l->stop)
        *l->seen = *l->page;
    return 0;
}

/* A new page at the same address each round: all threads must see it. */
static int replaced(void *unused)
{
    volatile unsigned long *page = (volatile unsigned long *)map_private(PAGE);
    volatile unsigned long *seen = (volatile unsigned long *)map_private(PAGE);
    int object = (int)sys_object_create(2 * PAGE);
    volatile unsigned long *both = mmap(0, 2 * PAGE, RW, MAP_SHARED, object, 0);
    struct look looks[READERS];
    pthread_t threads[READERS];
    unsigned stop = 0;

    (void)unused;
    CHECK(page && seen && object >= 0 && both != MAP_FAILED);
    both[0] = 1;
    both[PAGE / sizeof(*both)] = 2;
    for (int i = 0; i < READERS; i++) {
        looks[i] = (struct look){.page = page, .seen = &seen[i], .stop = &stop};
        CHECK(pthread_create(&threads[i], 0, look_on, &looks[i]) == 0);
    }
    for (unsigned round = 0; round < 12; round++) {
        unsigned long want = 1 + round % 2;
        CHECK(mmap((void *)page, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, object,
                   (off_t)(round % 2 * PAGE)) == (void *)page);
        /* All have come round since: what they see is seen after the change. */
        unsigned long limit = now_ns() + 5000 * MEM_MILLI;
        for (int i = 0; i < READERS; i++)
            while (seen[i] != want && now_ns() < limit)
                sys_yield();
        for (int i = 0; i < READERS; i++)
            CHECK(seen[i] == want);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], 0);
    return 0;
}

/* ---------------------------------------------- what is freed is not reached */

/*
 * Threads write their own mark to pages that the main thread unmaps and maps
 * again. A frame that went back while another hart could still write it would
 * show the mark in memory that must be zero: in another process's new pages.
 */
static __attribute__((noreturn)) void *scribble(void *arg)
{
    volatile unsigned long *page = arg;

    for (;;)
        *page = 0xbadbadbadbadbadul;
}

static int scribbler(void *unused)
{
    enum { PAGES = 4 };
    pthread_t thread;

    (void)unused;
    for (int i = 0; i < PAGES; i++) {
        char *page = map_private(PAGE);
        CHECK(page && pthread_create(&thread, 0, scribble, page) == 0);
    }
    sys_sleep(5 * MEM_MILLI);
    return 0; /* the process ends with all of them at it */
}

static int freed_is_clean(void *unused)
{
    int status;

    (void)unused;
    for (int round = 0; round < 10; round++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            _exit(scribbler(0));
        unsigned long *at = (unsigned long *)map_private(128 * PAGE);
        CHECK(at);
        for (unsigned i = 0; i < 128; i++)
            at[i * 512] = i + 1;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        unsigned long *more = (unsigned long *)map_private(128 * PAGE);
        CHECK(more);
        for (unsigned i = 0; i < 128 * 512; i++) {
            CHECK(more[i] == 0);
            CHECK(at[i] == (i % 512 ? 0 : i / 512 + 1));
        }
        munmap(at, 128 * PAGE);
        munmap(more, 128 * PAGE);
    }
    return 0;
}

/* Many pages at once, over several tables: none may stay behind. */
static int large_ranges(void *unused)
{
    const unsigned long size = 6ul << 20, step = 64 * PAGE;
    struct look look;
    pthread_t thread;
    unsigned stop = 0;
    volatile unsigned long *seen = (volatile unsigned long *)map_private(PAGE);
    char *at = map_private(size);

    (void)unused;
    CHECK(at && seen);
    look = (struct look){.page = (unsigned long *)(at + step), .seen = seen, .stop = &stop};
    for (unsigned long i = 0; i < size; i += step)
        *(unsigned long *)(at + i) = 5;
    CHECK(pthread_create(&thread, 0, look_on, &look) == 0);
    for (int round = 0; round < 5; round++) {
        unsigned long limit = now_ns() + 5000 * MEM_MILLI;
        while (*seen != 5 && now_ns() < limit)
            sys_yield();
        CHECK(*seen == 5);
        CHECK(mmap(at, size, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
        while (*seen != 0 && now_ns() < limit)
            sys_yield();
        CHECK(*seen == 0);
        for (unsigned long i = 0; i < size; i += step) {
            CHECK(*(unsigned long *)(at + i) == 0);
            *(unsigned long *)(at + i) = 5;
        }
    }
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, 0);
    return 0;
}

int main(void)
{
    ktap_plan(9);
    report = (struct report *)map_shared(PAGE);
    memset(report, 0, sizeof(*report));
    ktap_in_child(take_away, (void *)(long)WAY_TRUNCATE);
    ktap_in_child(scribbler, 0);
    mem_begin();
    ok_taken(WAY_UNMAP, SIGSEGV, 4, "munmap: no thread touches the page afterwards");
    ok_taken(WAY_NONE, SIGSEGV, 4, "mprotect to nothing: nor then");
    ok_taken(WAY_READ_ONLY, SIGSEGV, 4, "mprotect to read-only: no thread stores afterwards");
    ok_taken(WAY_TRUNCATE, SIGBUS, 2, "truncation: no thread touches the page afterwards");
    ok_taken(WAY_BREAK, SIGSEGV, 2, "a break that shrinks: nor then");
    ok_child(replaced, 0, "threads on all harts see the page that replaces another");
    ok_child(large_ranges, 0, "and so over ranges of many tables");
    ok_child(freed_is_clean, 0, "freed frames are written by nobody");
    mem_end_ok("nothing is kept");
    return ktap_done();
}
