/*
 * Every program of /bin, the shell and the servers work as ever while others need
 * twice the memory that there is: each program's output and status, and those of a
 * script that makes, sorts, copies and removes files, are the same as before.
 *
 * test: points=5 cpus=1,2,4 mem=16M swap=64M.. timeout=600
 * test: points=2 cpus=1,2 mem=32M swap=96M.. timeout=600
 * test: points=2 cpus=1,2 mem=64M swap=192M.. timeout=600
 */
#include "user/test/swap_util.h"
#include <dirent.h>
#include <fcntl.h>

#define PROGRAMS 120
#define SHOWN    2048 /* bytes of output that are compared */
#define RUNS_MAX 20   /* of all programs, or of the script */

struct outcome {
    char name[32];
    int status;
    unsigned length;
    char output[SHOWN];
};

static struct outcome before[PROGRAMS], now;
static unsigned programs;

/* ------------------------------------------------------------------- the hogs */

#define HOGS 2

static volatile unsigned *stage; /* [0] stop; [1 + i] rounds of hog i */

/* As much as memory, gone over until told to stop, or until the parent is dead: the
 * first writes it anew each time, the second only reads. */
static int hog(void *number)
{
    unsigned long me = (unsigned long)number, pages = frames_in_all(), round = 0;
    pid_t parent = getppid();
    char *at = take_pages(pages);

    CHECK(at);
    pages_write(at, pages, me * 100000);
    while (!stage[0] && getppid() == parent) {
        for (unsigned long p = 0; p < pages && (!stage[0] || !stage[1 + me]); p++) {
            CHECK(page_is(at + p * PAGE, p, me * 100000 + round));
            if (!me)
                page_write(at + p * PAGE, p, me * 100000 + round + 1);
        }
        round += !me;
        __atomic_add_fetch(&stage[1 + me], 1, __ATOMIC_SEQ_CST);
    }
    return 0;
}

static int start_hogs(pid_t *pids)
{
    stage = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(stage != MAP_FAILED);
    for (long i = 0; i < HOGS; i++)
        pids[i] = spawn(hog, (void *)i);
    for (int i = 0; i < HOGS; i++) /* until each has gone over it once */
        while (!stage[1 + i] && sys_wait(pids[i], 0, ABI_WNOHANG) == 0)
            sys_sleep(10 * MS);
    return 0;
}

static int stop_hogs(const pid_t *pids)
{
    int bad = 0;

    stage[0] = 1;
    for (int i = 0; i < HOGS; i++)
        bad += reap(pids[i]) != 0;
    CHECK_IS(bad, 0);
    for (int i = 0; i < HOGS; i++)
        CHECK(stage[1 + i] > 0);
    return 0;
}

/* ------------------------------------------------------------------ the programs */

static void read_output(int from, struct outcome *o)
{
    long n;

    o->length = 0;
    while (o->length < SHOWN && (n = read(from, o->output + o->length, SHOWN - o->length)) > 0)
        o->length += (unsigned)n;
}

/* Runs it; whoever writes more than is looked at finds the pipe closed. */
static int run(const char *path, char *const argv[], struct outcome *o)
{
    static char *const environment[] = {"PATH=/bin", 0};
    int fds[2];
    pid_t pid;

    CHECK_IS(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        dup2(null, 0);
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        close(fds[0]);
        close(fds[1]);
        execve(path, argv, environment);
        _exit(125);
    }
    close(fds[1]);
    read_output(fds[0], o);
    close(fds[0]);
    o->status = reap(pid);
    CHECK(pid > 0);
    return 0;
}

static int run_program(const char *name, struct outcome *o)
{
    char path[64], own[32];
    char *const argv[] = {own, "--help", 0};

    snprintf(path, sizeof(path), "/bin/%.31s", name);
    snprintf(own, sizeof(own), "%.31s", name);
    return run(path, argv, o);
}

/* What these print tells of the machine's state or of time. */
static int prints_the_same(const char *name)
{
    return strcmp(name, "free") != 0 && strcmp(name, "time") != 0;
}

static int list_programs(void)
{
    DIR *dir = opendir("/bin");
    struct dirent *entry;

    CHECK(dir);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' && strlen(entry->d_name) < sizeof(before[0].name)) {
            CHECK(programs < PROGRAMS);
            strcpy(before[programs++].name, entry->d_name);
        }
    closedir(dir);
    CHECK(programs > 40);
    return 0;
}

static int same_outcome(const struct outcome *was)
{
    if (now.status == was->status &&
        (!prints_the_same(was->name) ||
         (now.length == was->length && memcmp(now.output, was->output, was->length) == 0)))
        return 1;
    dprintf(2, "# %s: status 0x%x was 0x%x; it now says: %.*s\n", was->name, now.status,
            was->status, (int)now.length, now.output);
    return 0;
}

/* Fast programs may be through before what does not fit has gone out and come back; so
 * they run again until it has, but not for ever. */
static int again(const struct abi_counters *start, int *runs)
{
    struct abi_counters moved = swap_counters();
    unsigned long excess = frames_in_all();

    return ++*runs < RUNS_MAX && (moved.swap_outs - start->swap_outs < excess ||
                                  moved.swap_ins - start->swap_ins < excess);
}

static int every_program(void *unused)
{
    struct abi_counters start;
    pid_t pids[HOGS];
    int bad = 0, runs = 0;

    (void)unused;
    CHECK_IS(list_programs(), 0);
    for (unsigned i = 0; i < programs; i++) {
        CHECK_IS(run_program(before[i].name, &before[i]), 0);
        CHECK(WIFEXITED(before[i].status) || strcmp(before[i].name, "yes") == 0);
    }
    CHECK_IS(start_hogs(pids), 0);
    start = swap_counters();
    do
        for (unsigned i = 0; i < programs && bad < 5; i++)
            bad += run_program(before[i].name, &now) || !same_outcome(&before[i]);
    while (!bad && again(&start, &runs));
    CHECK_IS(stop_hogs(pids), 0);
    CHECK_IS(bad, 0);
    return swap_moved(&start, frames_in_all(), frames_in_all());
}

/* --------------------------------------------------------------- shell and servers */

static char script[] =
    "cd /tmp && rm -rf swap_programs && mkdir swap_programs && cd swap_programs || exit 9\n"
    "for d in a b c d; do mkdir $d; seq 300 | sort -r >$d/numbers; done\n"
    "cat a/numbers b/numbers c/numbers d/numbers | sort -n | uniq -c | tail -n 2\n"
    "cp -r a e && mv e/numbers e/moved && cmp e/moved b/numbers && echo same\n"
    "find . -type f | sort | while read f; do echo \"$f $(wc -c <$f)\"; done\n"
    "sed -e 's/^9/nine/' d/numbers | grep -c nine\n"
    "ln -s a/numbers link && head -n 1 link && (echo one; echo two) | tr a-z A-Z\n"
    "i=0; while [ $i -lt 20 ]; do i=$((i + 1)); echo $i >>count; done; wc -l <count\n"
    "cd / && rm -r /tmp/swap_programs && [ ! -e /tmp/swap_programs ] && echo gone\n";

static int script_and_files(void *unused)
{
    char *const argv[] = {"sh", "-c", script, 0};
    struct abi_counters start;
    pid_t pids[HOGS];
    int bad = 0, runs = 0;

    (void)unused;
    CHECK_IS(run("/bin/sh", argv, &before[0]), 0);
    strcpy(before[0].name, "script");
    CHECK_IS(before[0].status, 0);
    CHECK(before[0].length > 10 &&
          memcmp(before[0].output + before[0].length - 5, "gone\n", 5) == 0);
    CHECK_IS(start_hogs(pids), 0);
    start = swap_counters();
    do
        bad = run("/bin/sh", argv, &now) || !same_outcome(&before[0]);
    while (!bad && again(&start, &runs));
    CHECK_IS(stop_hogs(pids), 0);
    CHECK_IS(bad, 0);
    return swap_moved(&start, frames_in_all(), frames_in_all());
}

static const struct proc_test tests[] = {
    {every_program, "every program does what it does"},
    {script_and_files, "the shell and the servers do"},
};

int main(void)
{
    return RUN_SWAP_TESTS(tests);
}
