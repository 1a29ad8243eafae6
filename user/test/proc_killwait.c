/*
 * A process can be killed whatever it waits for, and goes at once.
 *
 * test: points=5
 */
#include "user/test/proc_util.h"
#include <pthread.h>
#include <sys/mman.h>

/* Long for a kill, short for any of the waits below. */
#define AT_ONCE (2 * SECOND)

/* fn waits for what the kernel calls `wait`; kill it then. */
static int kill_in(int (*fn)(void *), void *arg, const char *wait)
{
    pid_t pid = spawn(fn, arg);
    long start;

    CHECK(await_waiting(pid, wait));
    start = now_ns();
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
    CHECK_IS(reap(pid), ABI_SIGKILL);
    CHECK(now_ns() - start < AT_ONCE);
    return 0;
}

static int in_sleep(void *unused)
{
    (void)unused;
    return kill_in(sleep_long, 0, "sleep");
}

static int sleep_and_tell(void *word)
{
    __atomic_store_n((unsigned *)word, 0, __ATOMIC_SEQ_CST); /* its next store takes no fault */
    sys_sleep(100 * SECOND);
    __atomic_store_n((unsigned *)word, 1, __ATOMIC_SEQ_CST);
    return 0;
}

/* Who is killed in a system call does not get back to its program. */
static int not_a_step_further(void *unused)
{
    unsigned *word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)unused;
    CHECK(word != MAP_FAILED);
    for (int i = 0; i < 10; i++) {
        CHECK_IS(kill_in(sleep_and_tell, word, "sleep"), 0);
        CHECK_IS(*word, 0);
    }
    return munmap(word, 4096);
}

static int wait_read(void *fds)
{
    char byte;

    return (int)read(((int *)fds)[0], &byte, 1);
}

static int wait_write(void *fds)
{
    static char data[65536];

    return (int)write(((int *)fds)[1], data, sizeof(data));
}

static int in_pipe(void *unused)
{
    int fds[2];
    char byte;

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(kill_in(wait_read, fds, "pipe read"), 0);
    CHECK_IS(kill_in(wait_write, fds, "pipe write"), 0);
    CHECK_IS(read(fds[0], &byte, 1), 1); /* the pipe works on */
    return 0;
}

static int wait_futex(void *word)
{
    return (int)sys_futex_wait(word, 0, -1);
}

static int in_futex(void *unused)
{
    unsigned own = 0;
    unsigned *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)unused;
    CHECK(shared != MAP_FAILED);
    CHECK_IS(kill_in(wait_futex, &own, "futex"), 0);
    CHECK_IS(kill_in(wait_futex, shared, "futex"), 0);
    CHECK_IS(sys_futex_wake(shared, 9), 0); /* the dead do not count */
    return 0;
}

static int wait_child(void *unused)
{
    pid_t pid = fork();

    (void)unused;
    if (pid == 0) {
        while (getppid() != 1) /* gone with its parent, for the ledger's sake */
            sys_sleep(2 * MS);
        _exit(0);
    }
    return (int)sys_wait(pid, 0, 0);
}

static int in_wait(void *unused)
{
    (void)unused;
    return kill_in(wait_child, 0, "child");
}

static int wait_call(void *session)
{
    struct message m = {.w = {1234}};

    return (int)ipc_call((int)(long)session, &m, 0);
}

static int wait_receive(void *port)
{
    struct message m;

    return (int)ipc_receive((int)(long)port, &m, 0);
}

static int in_message(void *unused)
{
    struct ipc_session spec = {.badge = 1, .rights = RIGHT_CALL};
    int port = (int)sys_port_create();
    long session = sys_session_create(port, &spec);
    struct message m = {.w = {0}};
    pid_t pid;

    (void)unused;
    CHECK(port >= 0 && session >= 0);
    CHECK_IS(kill_in(wait_call, (void *)session, "reply"), 0); /* in the queue */
    CHECK_IS(kill_in(wait_receive, (void *)(long)port, "receive"), 0);
    /* In service: the server learns of it when it answers. */
    pid = spawn(wait_call, (void *)session);
    CHECK(ipc_receive(port, &m, 0) > 0);
    CHECK_IS(m.w[0], 1234);
    CHECK(await_waiting(pid, "reply"));
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
    CHECK_IS(reap(pid), ABI_SIGKILL);
    CHECK_IS(ipc_reply(port, m.id, &m, 0), -ECANCELED);
    CHECK_IS(ipc_reply(port, m.id, &m, 0), -ECANCELED);
    return 0;
}

/* ------------------------------------------------- a file that never comes */

/* A session on an object whose pager, this process, does not answer. */
static long stuck_file(int port, unsigned long key)
{
    struct ipc_session spec = {.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC | RIGHT_CALL,
                               .flags = SESSION_OBJECT,
                               .key = key,
                               .size = 1 << 20};

    return sys_session_create(port, &spec);
}

static int wait_page(void *session)
{
    volatile char *p = mmap(0, 4096, PROT_READ, MAP_SHARED, (int)(long)session, 0);

    return p == MAP_FAILED ? 1 : p[5];
}

static int wait_file_read(void *session)
{
    char data[16];

    return (int)read((int)(long)session, data, sizeof(data));
}

static int wait_grow(void *session)
{
    char data[16] = {0};

    return (int)sys_pwrite((int)(long)session, data, sizeof(data), 2 << 20);
}

static int wait_exec(void *session)
{
    char *argv[] = {"x", 0};

    return (int)sys_exec((int)(long)session, argv, argv + 1);
}

/* A system call's own argument lies on the page that never comes. */
static int wait_argument(void *session)
{
    char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, (int)(long)session, 0);

    return p == MAP_FAILED ? 1 : (int)sys_set_name(p + 100, 4);
}

static int in_pager(void *unused)
{
    static int (*const waits[])(void *) = {wait_page, wait_file_read, wait_exec, wait_argument};
    int port = (int)sys_port_create();

    (void)unused;
    CHECK(port >= 0);
    for (unsigned i = 0; i < 4; i++) {
        long session = stuck_file(port, i);
        CHECK(session >= 0);
        CHECK_IS(kill_in(waits[i], (void *)session, "page in"), 0);
        /* A second one waits for the same page, already asked for. */
        CHECK_IS(kill_in(waits[i], (void *)session, "page in"), 0);
        CHECK_IS(sys_close((int)session), 0);
    }
    CHECK_IS(kill_in(wait_grow, (void *)stuck_file(port, 50), "reply"), 0);
    return 0;
}

/* The second writer of one file waits for the first, who waits for the pager. */
static int in_turn(void *unused)
{
    int port = (int)sys_port_create();
    long session = stuck_file(port, 1);
    pid_t first = spawn(wait_grow, (void *)session);

    (void)unused;
    CHECK(await_waiting(first, "reply"));
    CHECK_IS(kill_in(wait_grow, (void *)session, "write"), 0);
    CHECK_IS(sys_kill(H_NONE, first, ABI_SIGKILL), 0);
    CHECK_IS(reap(first), ABI_SIGKILL);
    /* The killed writer has left its mark on nothing: the next one gets its turn. */
    return kill_in(wait_grow, (void *)session, "reply");
}

/* ---------------------------------------------------------------- threads */

static void *pipe_thread(void *fds)
{
    wait_read(fds);
    return 0;
}

static void *futex_thread(void *unused)
{
    static unsigned word;

    (void)unused;
    wait_futex(&word);
    return 0;
}

static void *spin_thread(void *unused)
{
    (void)unused;
    for (volatile int i = 0;; i++)
        ;
    return 0;
}

static int many_waits(void *fds)
{
    pthread_t t;

    CHECK_IS(pthread_create(&t, 0, pipe_thread, fds), 0);
    CHECK_IS(pthread_create(&t, 0, futex_thread, 0), 0);
    CHECK_IS(pthread_create(&t, 0, spin_thread, 0), 0);
    CHECK_IS(pthread_create(&t, 0, spin_thread, 0), 0);
    return sleep_long(0);
}

static int in_threads(void *unused)
{
    int fds[2];

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    for (int i = 0; i < 5; i++)
        CHECK_IS(kill_in(many_waits, fds, i % 2 ? "pipe read" : "futex"), 0);
    return 0;
}

static int spin(void *unused)
{
    spin_thread(unused);
    return 1;
}

/* No system call, no wait: only the timer or an interrupt can end it. */
static int in_loop(void *unused)
{
    (void)unused;
    for (int i = 0; i < 8; i++) {
        pid_t pid = spawn(spin, 0);
        long start;
        sys_sleep((unsigned long)i * 3 * MS);
        start = now_ns();
        CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
        CHECK_IS(reap(pid), ABI_SIGKILL);
        CHECK(now_ns() - start < AT_ONCE);
    }
    return 0;
}

static const struct proc_test tests[] = {
    {in_sleep, "sleep"},
    {not_a_step_further, "nothing of the program runs after the call that it was killed in"},
    {in_pipe, "pipe read and pipe write"},
    {in_futex, "futex, private and shared"},
    {in_wait, "wait for a child"},
    {in_message, "call, queued and in service; receive"},
    {in_pager, "pages from a pager that never answers: load, read, exec, argument, reserve"},
    {in_turn, "the turn to write to a file"},
    {in_threads, "several threads that wait or run"},
    {in_loop, "a loop"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
