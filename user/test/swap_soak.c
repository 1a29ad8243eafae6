/*
 * A soak, as long as one likes: random system calls, forks with a swapped-out heap, and programs
 * that check their files and memory, all at a time in less memory than they need. What each
 * reads is what it wrote, and in the end all is given back.
 *
 *   swap_soak [SECONDS]   some more, to end what has begun; 15 where none are given
 *
 * test: points=4 cpus=2,4 mem=24M swap=128M.. timeout=600
 */
#include "user/test/fuzz_util.h"
#include "user/test/swap_util.h"
#include <fcntl.h>
#include <sys/stat.h>

#define SECONDS 15
#define REPORT  10 /* seconds between two lines of progress */
#define FOLDER  "/tmp/soak"

static long end;              /* of it all, by now_ns() */
static volatile long *rounds; /* shared: that each worker has ended */

/* The child must not reach what the workers share, for it may write anywhere. */
static int fuzz(unsigned long seed)
{
    fuzz_spared = (void *)rounds;
    return fuzz_one(seed);
}

static char *heap;
static unsigned long heap_pages;

/* Finds the parent's pages, and writes each other one. */
static int heir(void *arg)
{
    unsigned long seed = (unsigned long)arg;

    CHECK(pages_are(heap, heap_pages, seed));
    for (unsigned long p = 0; p < heap_pages; p += 2)
        page_write(heap + p * PAGE, p, seed + 1);
    for (unsigned long p = 0; p < heap_pages; p++)
        CHECK(page_is(heap + p * PAGE, p, seed + (p % 2 == 0)));
    return 0;
}

/* Half of memory, and a child that changes half of that. Two do this. */
static int inherit(unsigned long seed)
{
    seed *= 2; /* the heir has the next one */
    heap_pages = frames_in_all() / 2;
    heap = take_pages(heap_pages);
    CHECK(heap);
    pages_write(heap, heap_pages, seed);
    CHECK_IS(ktap_in_child(heir, (void *)seed), 0);
    CHECK(pages_are(heap, heap_pages, seed));
    CHECK_IS(munmap(heap, heap_pages * PAGE), 0);
    return 0;
}

/* The status of a program. */
static int run(char *const *argv)
{
    pid_t pid = fork();

    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);

        dup2(null, 1);
        execv(argv[0], argv);
        _exit(127);
    }
    return reap(pid);
}

static int grind(unsigned long seed)
{
    char text[24];
    char *argv[] = {"/bin/grind", "-s", text, "-n", "300", "-p", "3", "-d", FOLDER, 0};

    snprintf(text, sizeof(text), "%lu", seed);
    CHECK_IS(run(argv), 0);
    return 0;
}

static int programs(unsigned long seed)
{
    static char *const lines[][8] = {
        {"/bin/stressfs", "-p", "3", "-k", "64", "-d", FOLDER, 0},
        {"/bin/sh", "-c", "ls -l /bin | sort -r | wc -l", 0},
        {"/bin/find", "/man", "-name", "p*", 0},
        {"/bin/forktest", "-n", "20", 0},
    };

    CHECK_IS(run(lines[seed % (sizeof(lines) / sizeof(lines[0]))]), 0);
    return 0;
}

static const struct {
    const char *name;
    int (*round)(unsigned long seed);
} workers[] = {
    {"fuzz", fuzz},   {"inherit", inherit},   {"inherit", inherit},
    {"grind", grind}, {"programs", programs},
};
#define WORKERS (sizeof(workers) / sizeof(workers[0]))

static int work(void *number)
{
    unsigned long n = (unsigned long)number;

    while (now_ns() < end) {
        CHECK_IS(workers[n].round((unsigned long)rounds[n] * WORKERS + n + 1), 0);
        rounds[n]++;
    }
    return 0;
}

static void say(const struct abi_counters *before)
{
    struct abi_counters now = swap_counters();
    long left = (end - now_ns()) / SECOND;

    diag("%ld s to go: %ld fuzzed, %ld + %ld inherited, %ld ground, %ld programs; %lu pages out, "
         "%lu in",
         left > 0 ? left : 0, rounds[0], rounds[1], rounds[2], rounds[3], rounds[4],
         now.swap_outs - before->swap_outs, now.swap_ins - before->swap_ins);
}

static int soak(void *unused)
{
    struct abi_counters before = swap_counters();
    pid_t pids[WORKERS];
    int good = 1;

    (void)unused;
    rounds = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(rounds != MAP_FAILED);
    CHECK(mkdir(FOLDER, 0755) == 0 || errno == EEXIST);
    for (unsigned long n = 0; n < WORKERS; n++)
        pids[n] = spawn(work, (void *)n);
    while (now_ns() < end) {
        long left = end - now_ns();

        sys_sleep(left > REPORT * SECOND ? REPORT * SECOND : left);
        say(&before);
    }
    for (unsigned n = 0; n < WORKERS; n++) {
        int status = reap(pids[n]);

        if (status || rounds[n] == 0) {
            diag("%s: wait status 0x%x after %ld rounds", workers[n].name, (unsigned)status,
                 rounds[n]);
            good = 0;
        }
    }
    say(&before);
    CHECK_IS(rmdir(FOLDER), 0); /* empty, then */
    CHECK(good);
    return swap_moved(&before, frames_in_all() / 4, frames_in_all() / 4);
}

static const struct proc_test tests[] = {
    {soak, "all that ran found what it had written"},
};

int main(int argc, char **argv)
{
    end = now_ns() + SECOND * (argc > 1 ? atol(argv[1]) : SECONDS);
    return RUN_SWAP_TESTS(tests);
}
