/*
 * Much data through pipes, by many, under kill.
 *
 * test: points=3
 */
#include "user/test/proc_util.h"

#define TOTAL (2ul << 20)

static unsigned char buffer[70000];

/* TOTAL bytes of a pattern, in pieces of all sizes. */
static int pour(void *fd)
{
    unsigned long done = 0, random = 99;

    while (done < TOTAL) {
        unsigned long n = random_next(&random) % sizeof(buffer) + 1;
        if (n > TOTAL - done)
            n = TOTAL - done;
        pattern_fill(buffer, n, 3, done);
        CHECK_IS(write((int)(long)fd, buffer, n), n);
        done += n;
    }
    return 0;
}

static int drain(int fd, unsigned long seed)
{
    unsigned long done = 0, random = seed;

    for (;;) {
        long n = read(fd, buffer, random_next(&random) % sizeof(buffer) + 1);
        if (n == 0)
            break;
        CHECK(n > 0);
        CHECK_IS(pattern_check(buffer, (unsigned long)n, 3, done), -1);
        done += (unsigned long)n;
    }
    CHECK_IS(done, TOTAL);
    return 0;
}

static int transfer(void *unused)
{
    int fds[2];
    pid_t pid;

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    pid = spawn(pour, (void *)(long)fds[1]);
    CHECK_IS(close(fds[1]), 0);
    CHECK_IS(drain(fds[0], 5), 0);
    return reap(pid);
}

/* Through a row of processes, each passing on. */
static int relay(int from, int to)
{
    long n;

    while ((n = read(from, buffer, 9000)) > 0)
        CHECK_IS(write(to, buffer, (unsigned long)n), n);
    return (int)-n;
}

static int chain(void *unused)
{
    int fds[2], from;
    pid_t pids[4];

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    pids[0] = spawn(pour, (void *)(long)fds[1]);
    for (int i = 1; i < 4; i++) {
        from = fds[0];
        CHECK_IS(close(fds[1]), 0);
        CHECK_IS(pipe(fds), 0);
        pids[i] = fork();
        if (pids[i] == 0) {
            close(fds[0]);
            _exit(relay(from, fds[1]));
        }
        CHECK_IS(close(from), 0);
    }
    CHECK_IS(close(fds[1]), 0);
    CHECK_IS(drain(fds[0], 7), 0);
    for (int i = 0; i < 4; i++)
        CHECK_IS(reap(pids[i]), 0);
    return 0;
}

/* Several readers share out what several writers give; each byte comes once. */
#define WORDS 3000

static int write_words(void *arg)
{
    int fd = (int)((long)arg & 0xff);
    unsigned base = (unsigned)((long)arg >> 8) * WORDS;

    for (unsigned i = 0; i < WORDS; i += 4) {
        unsigned words[4] = {base + i, base + i + 1, base + i + 2, base + i + 3};
        CHECK_IS(write(fd, words, sizeof(words)), sizeof(words));
    }
    return 0;
}

/* Reads words until the end; gives their number and sum. */
static int read_words(int fd, int result)
{
    unsigned words[64];
    unsigned long sums[2] = {0, 0};
    long n;

    while ((n = read(fd, words, sizeof(words))) > 0) {
        CHECK_IS(n % 16, 0);
        for (long i = 0; i < n / 4; i++)
            sums[1] += words[i];
        sums[0] += (unsigned long)n / 4;
    }
    CHECK_IS(write(result, sums, sizeof(sums)), sizeof(sums));
    return (int)-n;
}

static int crowd(void *unused)
{
    int fds[2], results[2];
    pid_t pids[7];
    unsigned long sums[2], count = 0, sum = 0, all = 3 * WORDS;

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(pipe(results), 0);
    for (long i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            close(fds[1]);
            _exit(read_words(fds[0], results[1]));
        }
    }
    for (long i = 0; i < 3; i++)
        pids[4 + i] = spawn(write_words, (void *)(i << 8 | fds[1]));
    CHECK_IS(close(fds[1]), 0);
    for (int i = 0; i < 4; i++) {
        CHECK_IS(read(results[0], sums, sizeof(sums)), sizeof(sums));
        count += sums[0];
        sum += sums[1];
    }
    for (int i = 0; i < 7; i++)
        CHECK_IS(reap(pids[i]), 0);
    CHECK_IS(count, all);
    CHECK_IS(sum, all * (all - 1) / 2);
    return 0;
}

/* Readers and writers killed while they copy: the pipe works on, nothing hangs. */
static int endless(void *fd)
{
    memset(buffer, 'e', sizeof(buffer));
    while (write((int)(long)fd, buffer, sizeof(buffer)) > 0)
        ;
    return 0;
}

static int swallow(void *fd)
{
    while (read((int)(long)fd, buffer, sizeof(buffer)) > 0)
        ;
    return 0;
}

static int under_kill(void *unused)
{
    int fds[2];
    unsigned long random = 12345;

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    for (int i = 0; i < 40; i++) {
        pid_t a = spawn(endless, (void *)(long)fds[1]), b = spawn(swallow, (void *)(long)fds[0]);
        sys_sleep(random_next(&random) % (3 * MS));
        CHECK_IS(sys_kill(H_NONE, i % 2 ? a : b, ABI_SIGKILL), 0);
        CHECK_IS(reap(i % 2 ? a : b), ABI_SIGKILL);
        sys_sleep(random_next(&random) % MS);
        CHECK_IS(sys_kill(H_NONE, i % 2 ? b : a, ABI_SIGKILL), 0);
        CHECK_IS(reap(i % 2 ? b : a), ABI_SIGKILL);
    }
    /* Empty it, and see that it still is a pipe. */
    pid_t pid = spawn(swallow, (void *)(long)fds[0]);
    CHECK(await_waiting(pid, "pipe read"));
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
    CHECK_IS(reap(pid), ABI_SIGKILL);
    CHECK_IS(write(fds[1], "still", 5), 5);
    CHECK_IS(read(fds[0], buffer, 100), 5);
    CHECK(memcmp(buffer, "still", 5) == 0);
    return 0;
}

/* More pipes at once than a table of small size, all of them full. */
static int many_pipes(void *unused)
{
    int fds[200][2];

    (void)unused;
    for (int i = 0; i < 200; i++) {
        CHECK_IS(pipe(fds[i]), 0);
        CHECK_IS(write(fds[i][1], &i, sizeof(i)), sizeof(i));
    }
    for (int i = 199; i >= 0; i--) {
        int got = -1;
        CHECK_IS(read(fds[i][0], &got, sizeof(got)), sizeof(got));
        CHECK_IS(got, i);
    }
    return 0;
}

static const struct proc_test tests[] = {
    {transfer, "megabytes, in pieces of all sizes"},
    {chain, "through a row of processes"},
    {crowd, "several readers and writers: each word once"},
    {under_kill, "readers and writers killed at random moments"},
    {many_pipes, "many pipes at once"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
