/*
 * malloc and its kin: contents, alignment, threads, what goes back to the system,
 * and what a program's errors lead to.
 *
 * test: points=3 cpus=1,2 mem=32M..
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>

#define BLOCKS 200

struct block {
    unsigned char *at;
    size_t size;
};

/* Mostly small, some of a few pages, a few that are mappings of their own. */
static size_t random_size(unsigned long *state)
{
    unsigned long kind = random_next(state) % 32;

    return random_next(state) % (kind == 0 ? 400000 : kind < 4 ? 20000 : 300);
}

/* A look at some of the bytes, the last one included. */
static int intact(const struct block *b, unsigned char mark, size_t n)
{
    for (size_t i = 0; i < n; i += 1 + n / 16)
        if (b->at[i] != mark)
            return 0;
    return n == 0 || b->at[n - 1] == mark;
}

/* One block is freed, or got anew by one of the ways to get it. */
static int change(struct block *b, unsigned char mark, unsigned long *state)
{
    size_t size = random_size(state), align = 16;
    unsigned long way = random_next(state) % 8;

    if (way < 5) {
        free(b->at);
        *b = (struct block){0};
        if (way < 2)
            return 0;
        b->at = way == 4 ? calloc(1, size) : malloc(size);
        CHECK(b->at && (way != 4 || intact(b, 0, size)));
    } else if (way < 7) {
        size_t kept = b->size < size ? b->size : size;
        b->at = realloc(b->at, size ? size : 1);
        CHECK(b->at && intact(b, mark, kept));
    } else {
        free(b->at);
        align = 16ul << (random_next(state) % 10);
        b->at = memalign(align, size);
        CHECK(b->at);
    }
    CHECK_IS((uintptr_t)b->at % align, 0);
    CHECK(malloc_usable_size(b->at) >= size);
    b->size = size;
    memset(b->at, mark, size);
    return 0;
}

static int stress(unsigned long seed, int changes)
{
    struct block *blocks = calloc(BLOCKS, sizeof(*blocks));
    unsigned long state = seed;

    CHECK(blocks);
    for (int i = 0; i < changes; i++) {
        unsigned k = (unsigned)(random_next(&state) % BLOCKS);
        unsigned char mark = (unsigned char)(k * 7 + seed + 1);
        CHECK(!blocks[k].at || intact(&blocks[k], mark, blocks[k].size));
        CHECK_IS(change(&blocks[k], mark, &state), 0);
    }
    for (int k = 0; k < BLOCKS; k++)
        free(blocks[k].at);
    free(blocks);
    return 0;
}

static int alone(void *unused)
{
    char *before = sbrk(0);

    (void)unused;
    CHECK_IS(stress(1, 8000), 0);
    CHECK_IS(stress(2, 8000), 0);
    CHECK((char *)sbrk(0) - before < 1 << 20); /* all was freed: little may stay */
    return 0;
}

static void *stress_thread(void *seed)
{
    return stress((unsigned long)seed, 2500) == 0 ? seed : 0;
}

static int threads(void *unused)
{
    pthread_t threads[4];
    void *result;

    (void)unused;
    for (unsigned long i = 0; i < 4; i++)
        CHECK_IS(pthread_create(&threads[i], 0, stress_thread, (void *)(i + 10)), 0);
    for (unsigned long i = 0; i < 4; i++) {
        CHECK_IS(pthread_join(threads[i], &result), 0);
        CHECK_IS(result, i + 10);
    }
    return 0;
}

static void *churn(void *stop)
{
    while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
        free(malloc(100));
    return 0;
}

/* The heap of a child is whole, whatever a thread of its parent was at. */
static int fork_among_threads(void *unused)
{
    pthread_t thread;
    int stop = 0;

    (void)unused;
    CHECK_IS(pthread_create(&thread, 0, churn, &stop), 0);
    for (int i = 0; i < 15; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(stress(3, 100));
        CHECK_IS(reap(pid), 0);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    return pthread_join(thread, 0);
}

static volatile size_t huge = (size_t)-6, half = (size_t)1 << 63, zero;

static int edges(void *unused)
{
    char *p = calloc(1000, 7), *q;
    void *out = p;

    (void)unused;
    CHECK(p);
    for (int i = 0; i < 7000; i++)
        CHECK_IS(p[i], 0);
    errno = 0;
    CHECK(!calloc(half, 2) && errno == ENOMEM);
    errno = 0;
    CHECK(!malloc(huge) && errno == ENOMEM);
    CHECK(!realloc(p, half >> 2) && p[6999] == 0); /* the old block stays */
    CHECK(!memalign(24, 10) && errno == EINVAL);
    CHECK(posix_memalign(&out, 3, 10) == EINVAL && posix_memalign(&out, 64, huge) == ENOMEM);
    CHECK(out == p && posix_memalign(&out, 4096, 10) == 0 && (uintptr_t)out % 4096 == 0);
    free(out);
    q = malloc(zero);
    out = malloc(zero);
    CHECK(q && out && q != out);
    free(q);
    free(out);
    free(0);
    p = realloc(p, 10);
    q = realloc(0, 20);
    CHECK(p && q);
    free(p);
    free(q);
    return 0;
}

/* A large block is a mapping, and goes back at free. */
static int large_blocks_go_back(void *unused)
{
    char *before = sbrk(0), *p;

    (void)unused;
    for (int i = 0; i < 40; i++) { /* together more than the machine has */
        p = malloc(8 << 20);
        CHECK(p);
        memset(p, 1, 8 << 20);
        p = realloc(p, 9 << 20);
        CHECK(p && p[(8 << 20) - 1] == 1);
        free(p);
    }
    CHECK((char *)sbrk(0) - before < 1 << 18);
    return 0;
}

static int free_twice(void *unused)
{
    void *volatile p = malloc(100), *volatile keep = malloc(100);

    (void)unused;
    dup2(open("/dev/null", O_WRONLY), 2);
    free(p);
    free(p);
    return keep == 0;
}

static int write_past_the_end(void *unused)
{
    char *volatile p = malloc(40);
    size_t n = malloc_usable_size(p);

    (void)unused;
    dup2(open("/dev/null", O_WRONLY), 2);
    for (size_t i = 0; i < n + sizeof(size_t); i++)
        ((volatile char *)p)[i] = 0;
    free(p);
    return 0;
}

static int errors_end_the_program(void *unused)
{
    (void)unused;
    CHECK_IS(ktap_in_child(free_twice, 0), SIGABRT);
    CHECK_IS(ktap_in_child(write_past_the_end, 0), SIGABRT);
    return 0;
}

static const struct proc_test tests[] = {
    {alone, "random blocks keep their contents, and the heap stays small"},
    {threads, "four threads at once"},
    {fork_among_threads, "fork while another thread is in malloc"},
    {edges, "nothing, too much, alignments"},
    {large_blocks_go_back, "large blocks go back to the system"},
    {errors_end_the_program, "a second free and a write past the end are caught"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
