/*
 * Copy on write: after a fork each process has its own memory, whoever writes
 * first and by whatever means, over many generations, with threads on other
 * harts; and no more is copied than must be.
 *
 * test: points=4
 */
#include <pthread.h>
#include <test_mem.h>

#define WORDS (PAGE / sizeof(unsigned long))

static volatile unsigned *stage; /* shared: where the processes are */

static void restart(void)
{
    memset((void *)stage, 0, PAGE);
}

static struct abi_counters counters(void)
{
    struct abi_counters now = {0};

    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&now, 0, 0);
    return now;
}

static int same_words(const volatile unsigned long *at, unsigned long pages, unsigned long value)
{
    for (unsigned long i = 0; i < pages; i++)
        if (at[i * WORDS] != value + i || at[i * WORDS + WORDS - 1] != ~(value + i))
            return 0;
    return 1;
}

static void fill(volatile unsigned long *at, unsigned long pages, unsigned long value)
{
    for (unsigned long i = 0; i < pages; i++) {
        at[i * WORDS] = value + i;
        at[i * WORDS + WORDS - 1] = ~(value + i);
    }
}

/* -------------------------------------------------------------- generations */

#define DEPTH       14
#define DEPTH_PAGES 24ul

/* Each generation changes one page, forks the next, and looks again when all
 * that come after it are gone. */
static int generation(volatile unsigned long *at, unsigned n)
{
    int status = 0;

    for (unsigned i = 0; i < DEPTH_PAGES; i++)
        CHECK(at[i * WORDS] == (i < n ? 1000 + i : i));
    at[n * WORDS] = 1000 + n;
    if (n + 1 < DEPTH) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            _exit(generation(at, n + 1));
        CHECK(waitpid(pid, &status, 0) == pid);
    }
    for (unsigned i = 0; i < DEPTH_PAGES; i++)
        CHECK(at[i * WORDS] == (i <= n ? 1000 + i : i));
    return status != 0;
}

static int generations(void *unused)
{
    volatile unsigned long *at = (volatile unsigned long *)map_private(DEPTH_PAGES * PAGE);

    (void)unused;
    CHECK(at);
    for (unsigned i = 0; i < DEPTH_PAGES; i++)
        at[i * WORDS] = i;
    return generation(at, 0);
}

#define BROTHERS      12
#define BROTHER_PAGES 16ul

static int brothers(void *unused)
{
    volatile unsigned long *at = (volatile unsigned long *)map_private(BROTHER_PAGES * PAGE);
    int status, bad = 0;

    (void)unused;
    CHECK(at);
    restart();
    fill(at, BROTHER_PAGES, 7);
    for (unsigned long me = 1; me <= BROTHERS; me++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            for (unsigned long round = 0; round < 4; round++) {
                fill(at, BROTHER_PAGES, me << 20 | round << 10);
                sys_sleep(MEM_MILLI);
                if (!same_words(at, BROTHER_PAGES, me << 20 | round << 10))
                    _exit(1);
            }
            _exit(0);
        }
        CHECK(same_words(at, BROTHER_PAGES, 6 + me));
        fill(at, BROTHER_PAGES, 7 + me); /* the parent goes on writing, too */
    }
    for (int i = 0; i < BROTHERS; i++)
        bad += wait(&status) < 0 || status != 0;
    CHECK(same_words(at, BROTHER_PAGES, 7 + BROTHERS));
    return bad;
}

/* -------------------------------------------------------------- which frames */

static int frames(void *unused)
{
    volatile char *at = map_private(2 * PAGE);
    int me = getpid(), status;

    (void)unused;
    CHECK(at);
    restart();
    at[0] = at[PAGE] = 'p';
    unsigned long old = frame_at(me, (void *)at);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        stage_await(&stage[0], 1);
        at[0] = 'c';
        stage_reach(&stage[1], 1);
        stage_await(&stage[0], 2);
        _exit(at[0] != 'c' || at[PAGE] != 'p');
    }
    /* One frame, that neither may write. */
    CHECK(old && frame_at(me, (void *)at) == old && frame_at(pid, (void *)at) == old);
    CHECK(!(pte_at(me, (void *)at) & MEM_PTE_W) && !(pte_at(pid, (void *)at) & MEM_PTE_W));
    stage_reach(&stage[0], 1);
    stage_await(&stage[1], 1);
    /* The child has its own now; the page it left alone is still one. */
    CHECK(frame_at(me, (void *)at) == old && frame_at(pid, (void *)at) != old);
    CHECK(pte_at(pid, (void *)at) & MEM_PTE_W && at[0] == 'p');
    CHECK(frame_at(me, (void *)(at + PAGE)) == frame_at(pid, (void *)(at + PAGE)));
    stage_reach(&stage[0], 2);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    /* Alone again, the parent needs no copy to write. */
    at[0] = at[PAGE] = 'q';
    CHECK(frame_at(me, (void *)at) == old);
    return 0;
}

#define COUNTED 256ul

/* What the rest of the system copies meanwhile is far less than COUNTED. */
static int copies_counted(void *unused)
{
    volatile unsigned long *at = (volatile unsigned long *)map_private(COUNTED * PAGE);
    struct abi_counters before, after;
    int status;

    (void)unused;
    CHECK(at);
    fill(at, COUNTED, 1);
    before = counters();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) { /* reads all, writes half */
        if (!same_words(at, COUNTED, 1))
            _exit(1);
        fill(at, COUNTED / 2, 2);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    after = counters();
    unsigned long copies = after.cow_copies - before.cow_copies;
    if (copies < COUNTED / 2 || copies > COUNTED / 2 + 64)
        diag("%lu copies", copies);
    CHECK(copies >= COUNTED / 2 && copies <= COUNTED / 2 + 64);
    before = counters();
    fill(at, COUNTED, 3); /* the only owner again */
    after = counters();
    CHECK(after.cow_copies - before.cow_copies < 32);
    return 0;
}

/* ------------------------------------------------------------- kernel copies */

/* The kernel writes to pages that are shared since the fork: by pipe, by wait
 * status, by listings. Only the process that asked sees it. */
static int kernel_writes(volatile char *at, const int fds[2])
{
    int status = -1;

    CHECK(sys_write(fds[1], "new", 3) == 3);
    CHECK(sys_read(fds[0], (void *)at, 3) == 3);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(5);
    CHECK(sys_wait(pid, (int *)(at + PAGE), 0) == pid);
    CHECK(sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)(at + 2 * PAGE), 0, 0) >= 0);
    CHECK(sys_pipe((int *)(at + 3 * PAGE), 0) == 0);
    CHECK(memcmp((void *)at, "new", 3) == 0 && at[3] == 'o');
    memcpy(&status, (void *)(at + PAGE), sizeof(status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    CHECK(at[2 * PAGE - 1] == 'o' && at[4 * PAGE - 1] == 'o');
    return 0;
}

static int all_old(volatile char *at)
{
    for (unsigned long i = 0; i < 4 * PAGE; i++)
        CHECK(at[i] == 'o');
    return 0;
}

static int kernel_copies(void *parent_writes)
{
    volatile char *at = map_private(4 * PAGE);
    int fds[2], status;

    CHECK(at && pipe(fds) == 0);
    restart();
    memset((void *)at, 'o', 4 * PAGE);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if (parent_writes) {
            stage_await(&stage[0], 1);
            _exit(all_old(at));
        }
        _exit(kernel_writes(at, fds));
    }
    int bad = parent_writes ? kernel_writes(at, fds) : 0;
    stage_reach(&stage[0], 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return bad || (!parent_writes && all_old(at));
}

/* A copy that starts in a page of its own and ends in one that is shared, and
 * one that lies in many. */
static int long_copies(void *unused)
{
    enum { LENGTH = 10000 };
    static char data[LENGTH];
    char *at = map_private(4 * PAGE);
    int fds[2], status;

    (void)unused;
    CHECK(at && pipe(fds) == 0);
    memset(at, 'o', 4 * PAGE);
    for (int i = 0; i < LENGTH; i++)
        data[i] = (char)(i * 7);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        at[0] = 'c';
        if (sys_write(fds[1], data, LENGTH) != LENGTH)
            _exit(1);
        long got = 0;
        while (got < LENGTH) {
            long n = sys_read(fds[0], at + 100 + got, (unsigned long)(LENGTH - got));
            if (n <= 0)
                _exit(2);
            got += n;
        }
        _exit(memcmp(at + 100, data, LENGTH) != 0 || at[0] != 'c' || at[1] != 'o' ||
              at[100 + LENGTH] != 'o');
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    for (unsigned long i = 0; i < 4 * PAGE; i++)
        CHECK(at[i] == 'o');
    return 0;
}

/* ------------------------------------------------------------------- threads */

#define WRITERS 3

struct writer {
    volatile unsigned long *page; /* [0] then [1] count up together */
    volatile unsigned *stop;
    unsigned long written;
};

static void *write_on(void *arg)
{
    struct writer *w = arg;

    while (!*w->stop) {
        w->written++;
        w->page[0] = w->written;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        w->page[1] = w->written;
    }
    return 0;
}

/* What a child sees of pages that were being written at the fork: one moment,
 * that stays. */
static int frozen(volatile unsigned long *pages)
{
    unsigned long seen[WRITERS][2];

    for (int i = 0; i < WRITERS; i++)
        for (int j = 0; j < 2; j++)
            seen[i][j] = pages[(unsigned)i * WORDS + (unsigned)j];
    for (int i = 0; i < WRITERS; i++)
        CHECK(seen[i][0] == seen[i][1] || seen[i][0] == seen[i][1] + 1);
    sys_sleep(2 * MEM_MILLI);
    for (int i = 0; i < WRITERS; i++)
        for (int j = 0; j < 2; j++)
            CHECK(pages[(unsigned)i * WORDS + (unsigned)j] == seen[i][j]);
    return 0;
}

static int fork_while_writing(void *unused)
{
    volatile unsigned long *pages = (volatile unsigned long *)map_private(WRITERS * PAGE);
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    unsigned stop = 0;
    int status, bad = 0;

    (void)unused;
    CHECK(pages);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.page = &pages[i * WORDS], .stop = &stop};
        CHECK(pthread_create(&threads[i], 0, write_on, &writers[i]) == 0);
    }
    for (int i = 0; i < 12; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            _exit(frozen(pages));
        if (i % 3 == 0)
            sys_sleep(MEM_MILLI);
        bad += waitpid(pid, &status, 0) != pid || status != 0;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], 0);
        /* No write was lost to a page that somebody else kept. */
        CHECK(pages[i * WORDS] == writers[i].written && pages[i * WORDS + 1] == writers[i].written);
    }
    return bad;
}

/*
 * fork_and_freeze(flag): forks; the parent then stores nothing and makes no call
 * until *flag is set. So nothing but the fork itself can make other harts forget
 * that they may write what is now shared. Returns what fork does.
 */
long fork_and_freeze(volatile unsigned *flag);
__asm__(".section .text.fork_and_freeze, \"ax\", @progbits\n"
        ".globl fork_and_freeze\n"
        "fork_and_freeze:\n"
        "addi sp, sp, -16\n"
        "sd s0, 0(sp)\n"
        "mv s0, a0\n"
        "li a7, 3\n"
        "ecall\n"
        "blez a0, 2f\n"
        "1: lw t0, 0(s0)\n"
        "beqz t0, 1b\n"
        "2: ld s0, 0(sp)\n"
        "addi sp, sp, 16\n"
        "ret\n"
        ".text\n");
_Static_assert(SYS_fork == 3, "fork_and_freeze");

/* As above, with the parent's main thread out of the way: a hart that was not
 * told of the fork writes on to the child's page. */
static int fork_is_told(void *unused)
{
    volatile unsigned long *page = (volatile unsigned long *)map_private(PAGE);
    unsigned stop = 0;
    struct writer writer = {.page = page, .stop = &stop};
    pthread_t thread;
    int status, bad = 0;

    (void)unused;
    CHECK(page && pthread_create(&thread, 0, write_on, &writer) == 0);
    for (int i = 0; i < 6; i++) {
        restart();
        while (__atomic_load_n(&page[0], __ATOMIC_RELAXED) == 0)
            sys_yield();
        long pid = fork_and_freeze(&stage[0]);
        CHECK(pid >= 0);
        if (pid == 0) {
            int wrong = 0;
            unsigned long seen = page[0];
            for (unsigned long end = now_ns() + 5 * MEM_MILLI; now_ns() < end;)
                wrong |= page[0] != seen;
            stage_reach(&stage[0], 1);
            _exit(wrong);
        }
        bad += waitpid((pid_t)pid, &status, 0) != pid || status != 0;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, 0);
    return bad;
}

struct reader {
    volatile unsigned long *word, *seen;
    volatile unsigned *stop;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;

    while (!*r->stop)
        *r->seen = *r->word;
    return 0;
}

/* A thread that reads the old frame on another hart must see the copy, once the
 * writer has one. */
static int readers_follow(void *unused)
{
    volatile unsigned long *word = (volatile unsigned long *)map_private(PAGE);
    volatile unsigned long *seen = (volatile unsigned long *)map_private(PAGE);
    unsigned stop = 0;
    struct reader reader = {.word = word, .seen = seen, .stop = &stop};
    pthread_t thread;
    int status;

    (void)unused;
    CHECK(word && seen);
    *word = 1;
    CHECK(pthread_create(&thread, 0, read_on, &reader) == 0);
    for (unsigned long round = 1; round <= 8; round++) {
        restart();
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) { /* holds on to the old frame */
            stage_await(&stage[0], 1);
            _exit(*word != round);
        }
        unsigned long limit = now_ns() + 5000 * MEM_MILLI;
        while (*seen != round && now_ns() < limit)
            sys_yield();
        CHECK(*seen == round);
        *word = round + 1;
        while (*seen != round + 1 && now_ns() < limit)
            sys_yield();
        CHECK(*seen == round + 1);
        stage_reach(&stage[0], 1);
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, 0);
    return 0;
}

/* Threads break the same pages at the same time: one copy each, none lost. */
struct breaker {
    volatile unsigned char *at;
    unsigned me;
    volatile unsigned *go;
};

#define BREAK_PAGES 16u

static void *break_all(void *arg)
{
    struct breaker *b = arg;

    while (!__atomic_load_n(b->go, __ATOMIC_ACQUIRE))
        ;
    for (unsigned i = 0; i < BREAK_PAGES; i++)
        b->at[i * PAGE + b->me] = (unsigned char)(b->me + i);
    return 0;
}

static int break_together(void *unused)
{
    enum { BREAKERS = 4 };
    volatile unsigned char *at = (volatile unsigned char *)map_private(BREAK_PAGES * PAGE);
    int status;

    (void)unused;
    CHECK(at);
    memset((void *)at, 200, BREAK_PAGES * PAGE);
    for (int round = 0; round < 3; round++) {
        restart();
        memset((void *)at, 200, BREAK_PAGES * PAGE);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            stage_await(&stage[0], 1);
            for (unsigned long i = 0; i < BREAK_PAGES * PAGE; i++)
                if (at[i] != 200)
                    _exit(1);
            _exit(0);
        }
        pthread_t threads[BREAKERS];
        struct breaker breakers[BREAKERS];
        unsigned go = 0;
        for (unsigned i = 0; i < BREAKERS; i++) {
            breakers[i] = (struct breaker){.at = at, .me = i, .go = &go};
            CHECK(pthread_create(&threads[i], 0, break_all, &breakers[i]) == 0);
        }
        sys_sleep(MEM_MILLI);
        __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
        for (unsigned i = 0; i < BREAKERS; i++)
            pthread_join(threads[i], 0);
        for (unsigned i = 0; i < BREAK_PAGES; i++) {
            for (unsigned j = 0; j < BREAKERS; j++)
                CHECK(at[i * PAGE + j] == (unsigned char)(j + i));
            CHECK(at[i * PAGE + BREAKERS] == 200);
        }
        stage_reach(&stage[0], 1);
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    return 0;
}

int main(void)
{
    ktap_plan(12);
    stage = (volatile unsigned *)map_shared(PAGE);
    restart();
    /* Warm up: as many processes and threads at a time as there will be. */
    ktap_in_child(generations, 0);
    ktap_in_child(brothers, 0);
    mem_begin();
    ok_child(generations, 0, "each of 14 generations has its own memory");
    ok_child(brothers, 0, "so have 12 children of a parent that writes on");
    ok_child(frames, 0, "one frame until it is written, then two; alone, no copy");
    ok_child(copies_counted, 0, "what is only read is not copied");
    ok_child(kernel_copies, 0, "what the kernel writes for a child the parent does not see");
    ok_child(kernel_copies, (void *)1, "and the other way about");
    ok_child(long_copies, 0, "copies over several pages break each of them");
    ok_child(fork_while_writing, 0, "a child has one moment of pages that others write");
    ok_child(fork_is_told, 0, "harts that write are told of a fork");
    ok_child(readers_follow, 0, "threads on other harts follow to the copy");
    ok_child(break_together, 0, "threads that break the same pages lose nothing");
    mem_end_ok("forks give back what they took");
    return ktap_done();
}
