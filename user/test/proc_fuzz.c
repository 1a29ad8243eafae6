/*
 * System calls at random: any number, any arguments, in children that have much
 * to lose. Nothing may happen to others; all is given back.
 *
 * test: points=5
 * test: points=1 cpus=2 mem=64M args="7"
 */
#include "user/test/proc_util.h"
#include <pthread.h>
#include <sys/mman.h>

#define CHILDREN 40
#define CALLS    400
#define LIFE     (3 * SECOND) /* a child that waits for ever is ended */

static unsigned long random_state;
static char *memory; /* 64 KiB to point into */
static int handles[16];

static unsigned long any(void)
{
    return random_next(&random_state);
}

static unsigned long argument(void)
{
    static const unsigned long words[] = {0,
                                          1,
                                          2,
                                          ~0ul,
                                          ~0ul - 1,
                                          -100ul,
                                          -3ul,
                                          4096,
                                          65536,
                                          65537,
                                          1ul << 31,
                                          1ul << 38,
                                          1ul << 63,
                                          -4096ul,
                                          0x3ffffff000,
                                          0x1000,
                                          -(1ul << 38),
                                          0xffffffff80000000};

    switch (any() % 8) {
    case 0:
        return words[any() % (sizeof(words) / sizeof(words[0]))];
    case 1:
    case 2:
        return (unsigned long)memory + any() % 65536;
    case 3:
        return ((unsigned long)memory + any() % 65536) & ~4095ul;
    case 4:
    case 5:
        return (unsigned long)(long)handles[any() % 16];
    case 6:
        return any() % 64;
    default:
        return any() >> any() % 64;
    }
}

/* Things to hold: pipes, a port, sessions with and without objects, memory. */
static void take_handles(void)
{
    struct ipc_session spec = {.rights = 0x4f, .badge = 9};
    int n = 0, port;

    sys_pipe(&handles[n], 0);
    n += 2;
    handles[n++] = port = (int)sys_port_create();
    handles[n++] = (int)sys_session_create(port, &spec);
    spec.flags = SESSION_OBJECT;
    spec.key = 5;
    spec.size = 100000;
    handles[n++] = (int)sys_session_create(port, &spec);
    spec.key = 6;
    spec.size = 1ul << 62;
    handles[n++] = (int)sys_session_create(port, &spec);
    handles[n++] = (int)sys_object_create(65536);
    handles[n++] = (int)sys_process_open(H_NONE, getpid());
    handles[n++] = H_ROOT;
    handles[n++] = H_CWD;
    handles[n++] = H_SYSTEM;
    while (n < 16)
        handles[n++] = (int)(any() % 40) - 8;
}

/* Numbers that would end the test and not the child: power, and what may kill. */
static int forbidden(unsigned long number, const unsigned long *a)
{
    return number == SYS_kill || number == SYS_exit || (number == SYS_thread_exit && a[1] % 8) ||
           (number == SYS_system && a[1] == SYSTEM_SHUTDOWN);
}

static void random_call(void)
{
    unsigned long number = any() % (SYS_MAX + 3), a[6];

    for (int i = 0; i < 6; i++)
        a[i] = argument();
    if (number == SYS_sleep)
        a[0] %= 1000000;
    if (number == SYS_futex_wait)
        a[2] %= 1000000;
    if (number == SYS_fork)
        a[0] = 0;
    if (forbidden(number, a))
        return;
    if (number == SYS_fork) {
        if (sys_fork() == 0)
            sys_exit(0);
        return;
    }
    /* A log port, devices and interrupts taken away would be missed by others. */
    if (number == SYS_system &&
        (a[1] == SYSTEM_LOG_PORT || a[1] == SYSTEM_DUMP || a[1] == SYSTEM_LOG_WRITE ||
         a[1] == SYSTEM_DEVICE || a[1] == SYSTEM_FAIL))
        return;
    banyan_syscall6((long)number, (long)a[0], (long)a[1], (long)a[2], (long)a[3], (long)a[4],
                    (long)a[5]);
}

static void *random_calls(void *unused)
{
    (void)unused;
    for (int i = 0; i < CALLS; i++)
        random_call();
    return 0;
}

/* Several threads of one process, so that one changes what the other uses. */
static int child(void *seed)
{
    pthread_t t;

    random_state = ((unsigned long)seed + 1) * 0x9e3779b97f4a7c15ul;
    memory = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 1;
    for (int i = 0; i < 8192; i++)
        ((unsigned long *)memory)[i] = argument();
    sys_close(0);
    sys_close(1);
    sys_close(2);
    sys_close(H_TTY);
    /* Authority over others stays outside: no signals, no power, no devices. */
    int weak = (int)sys_restrict(H_SYSTEM, RIGHT_INSPECT | RIGHT_TRANSFER);
    sys_dup2(weak, H_SYSTEM, 0);
    sys_close(weak);
    take_handles();
    for (int i = 0; i < 2; i++)
        pthread_create(&t, 0, random_calls, 0);
    random_calls(0);
    return 0;
}

/* All the children of one seed, each with a limit on its life. */
static int round_of(void *arg)
{
    unsigned long seed = (unsigned long)arg;

    for (unsigned long i = 0; i < CHILDREN; i++) {
        pid_t pid = spawn(child, (void *)(seed * 1000 + i));
        long end = now_ns() + LIFE;
        CHECK(pid > 0);
        /* What waits in a message to itself waits for ever. */
        while (sys_wait(pid, 0, ABI_WNOHANG) == 0) {
            if (now_ns() > end || (now_ns() > end - LIFE + 100 * MS && is_waiting(pid, 0)))
                sys_kill(H_NONE, pid, ABI_SIGKILL);
            sys_sleep(2 * MS);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long seed = argc > 1 ? strtoul(argv[1], 0, 10) : 1;
    int fds[2];
    char byte = 0;

    ktap_plan(3);
    struct abi_counters before, after;

    ktap_in_child(round_of, (void *)seed);
    touch_program();
    ledger_begin();
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&before, 0, 0);
    ok_child(round_of, (void *)seed, "random system calls");
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&after, 0, 0);
    diag("%lu system calls", after.system_calls - before.system_calls);
    ok(pipe(fds) == 0 && write(fds[1], "x", 1) == 1 && read(fds[0], &byte, 1) == 1 && byte == 'x',
       "the system works on");
    close(fds[0]);
    close(fds[1]);
    ledger_end_ok("all frames are back");
    return ktap_done();
}
