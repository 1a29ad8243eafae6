/*
 * Processes and threads come and go by the hundred, end in the middle of things,
 * and leave nothing behind: the ledger balances class by class.
 *
 * test: points=4 mem=32M..
 * test: points=2 cpus=2 mem=16M
 */
#include <fcntl.h>
#include <pthread.h>
#include <test_mem.h>

#define TEST_PATH "/test/mem_storm"
#define AT_ONCE   6 /* children at a time: what they need stays in pools */

static int sum_is_right(void)
{
    struct abi_memory m;
    unsigned long sum = 0;

    CHECK(sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&m, 0, 0) >= 0);
    for (int class = 0; class < FRAME_CLASSES; class ++)
        sum += m.count[class];
    if (sum != m.total)
        diag("classes add up to %lu of %lu", sum, m.total);
    CHECK(sum == m.total);
    return 0;
}

/* Runs fn in `times` children, AT_ONCE at a time; kills each third if told to.
 * Their exit status must be 0, or the signal. */
static int storm(int (*fn)(unsigned), unsigned times, int kill_some)
{
    pid_t pids[AT_ONCE] = {0};
    int status, bad = 0;

    for (unsigned i = 0; i < times + AT_ONCE; i++) {
        pid_t *slot = &pids[i % AT_ONCE];
        if (*slot) {
            CHECK(waitpid(*slot, &status, 0) == *slot);
            bad += status != 0 && !(kill_some && status == SIGKILL);
            *slot = 0;
        }
        if (i >= times)
            continue;
        *slot = fork();
        CHECK(*slot >= 0);
        if (*slot == 0)
            _exit(fn(i));
        if (kill_some && i % 3 == 0) {
            if (i % 2)
                sys_sleep(i * 7919 % 3000000);
            sys_kill(H_NONE, *slot, SIGKILL);
        }
    }
    return bad;
}

/* ---------------------------------------------------------------- what they do */

static int just_exit(unsigned i)
{
    (void)i;
    return 0;
}

static int exec_self(unsigned i)
{
    char *argv[] = {"mem_storm", i % 2 ? "deep" : "exit", 0};

    execv(TEST_PATH, argv);
    return 99;
}

static int exec_fails(unsigned i)
{
    char *argv[] = {"x", 0};
    int fd = open(i % 2 ? "/test" : "/mem_storm.tmp", i % 2 ? O_RDONLY : O_RDWR | O_CREAT, 0755);

    if (i % 2 == 0)
        CHECK(write(fd, "\177ELF and then nothing of the kind", 33) == 33);
    CHECK(sys_exec(fd, argv, argv) < 0);
    CHECK(sys_exec(999, argv, argv) < 0);
    return 0;
}

/* Mappings of every kind, left to the end of the process to take down. */
static int map_things(unsigned i)
{
    char *own = map_private(40 * PAGE), *shared = map_shared(40 * PAGE);
    int fd = open(TEST_PATH, O_RDONLY), object = (int)sys_object_create(8 * PAGE);
    int status;

    CHECK(own && shared && fd >= 0 && object >= 0);
    for (unsigned long at = i % 3 * PAGE; at < 40 * PAGE; at += 3 * PAGE)
        own[at] = shared[at] = 1;
    char *file = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *mine = mmap(0, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    CHECK(file != MAP_FAILED && mine != MAP_FAILED);
    file[0] = file[PAGE] + mine[0];
    mine[PAGE] = 1;
    CHECK(mprotect(own + 7 * PAGE, 3 * PAGE, PROT_READ) == 0);
    CHECK(munmap(shared + 5 * PAGE, 9 * PAGE) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        own[0] = shared[0] = mine[2 * PAGE] = 2;
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static void *idle(void *unused)
{
    (void)unused;
    for (;;)
        sys_sleep(100000 * MEM_MILLI);
    return 0;
}

static void *finish(void *unused)
{
    return unused;
}

/* Threads that have ended, that wait, and that run, at the process's end. */
static int leave_threads(unsigned i)
{
    pthread_t thread;

    for (unsigned n = 0; n < 3; n++) {
        CHECK(pthread_create(&thread, 0, finish, 0) == 0);
        if ((n + i) % 2)
            pthread_join(thread, 0);
        CHECK(pthread_create(&thread, 0, idle, 0) == 0);
    }
    return 0;
}

/* For being killed in the middle: of faults, forks, pipes, files, messages. */
static int busy(unsigned i)
{
    int fds[2], fd = open(TEST_PATH, O_RDONLY), status;
    static char bytes[3 * PAGE];
    unsigned long end = now_ns() + 8 * MEM_MILLI;

    CHECK(fd >= 0 && pipe(fds) == 0);
    do {
        char *at = map_private(30 * PAGE);
        CHECK(at);
        memset(at, (int)i, 30 * PAGE);
        CHECK(pread(fd, at, 3 * PAGE, 0) > 0);
        CHECK(write(fds[1], bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
        CHECK(read(fds[0], at + PAGE, sizeof(bytes)) == (ssize_t)sizeof(bytes));
        if (i % 4 == 0) {
            pid_t pid = fork();
            CHECK(pid >= 0);
            if (pid == 0)
                _exit(0);
            CHECK(waitpid(pid, &status, 0) == pid);
        }
        CHECK(munmap(at, 30 * PAGE) == 0);
    } while (now_ns() < end);
    /* Some wait for what never comes, and are killed there. */
    return i % 3 == 0 ? (int)read(fds[0], bytes, 1) : 0;
}

/* Died of a fault with others of its threads at work. */
static void *run_wild(void *unused)
{
    sys_sleep(MEM_MILLI);
    *(volatile int *)unused = 1;
    return 0;
}

static int fault_in_thread(unsigned i)
{
    pthread_t thread;

    (void)i;
    for (int n = 0; n < 2; n++)
        CHECK(pthread_create(&thread, 0, n ? run_wild : idle, 0) == 0);
    for (;;)
        sys_yield();
}

static int faults(void)
{
    int status, bad = 0;

    for (unsigned i = 0; i < 12; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            _exit(fault_in_thread(i));
        CHECK(waitpid(pid, &status, 0) == pid);
        bad += !WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV;
    }
    return bad;
}

/* ------------------------------------------------------------------------ main */

static int recurse(int n)
{
    volatile char room[3000];

    room[0] = (char)n;
    return n ? recurse(n - 1) + room[0] * 0 : 0;
}

static int run_all(int report)
{
    static const struct {
        int (*fn)(unsigned);
        unsigned times;
        int kill_some;
        const char *name;
    } storms[] = {
        {just_exit, 150, 0, "150 forks and exits"},
        {exec_self, 30, 0, "30 programs"},
        {exec_fails, 12, 0, "12 programs that cannot be run"},
        {map_things, 40, 0, "40 processes with mappings of every kind"},
        {leave_threads, 24, 0, "24 processes that end with threads"},
        {busy, 40, 1, "40 busy processes, each third killed"},
    };
    int bad = 0;

    for (unsigned i = 0; i < sizeof(storms) / sizeof(storms[0]); i++) {
        int wrong =
            storm(storms[i].fn, report ? storms[i].times : AT_ONCE * 2, storms[i].kill_some);
        bad += wrong;
        if (report)
            ok(wrong == 0, "%s", storms[i].name);
    }
    int wrong = faults();
    if (report)
        ok(wrong == 0, "processes that die by one thread's fault");
    unlink("/mem_storm.tmp");
    return bad + wrong;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return strcmp(argv[1], "deep") == 0 ? recurse(100) : 0;
    ktap_plan(9);
    run_all(0);
    mem_begin();
    run_all(1);
    mem_end_ok("the ledger balances after the storms");
    ok(sum_is_right() == 0, "and its classes add up");
    return ktap_done();
}
