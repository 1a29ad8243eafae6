/*
 * Children that make system calls at random: any number, any arguments, in several threads,
 * with much to lose and no authority over others.
 */
#ifndef TEST_FUZZ_UTIL_H
#define TEST_FUZZ_UTIL_H

#include "user/test/proc_util.h"
#include <pthread.h>
#include <sys/mman.h>

#define FUZZ_CALLS 400          /* of each thread */
#define FUZZ_LIFE  (3 * SECOND) /* a child that waits for ever is ended */

static void *fuzz_spared; /* a page that is shared with others: a child gives it up first */
static unsigned long fuzz_state;
static char *fuzz_memory; /* 64 KiB to point into */
static int fuzz_handles[16];

static unsigned long fuzz_any(void)
{
    return random_next(&fuzz_state);
}

static unsigned long fuzz_argument(void)
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

    switch (fuzz_any() % 8) {
    case 0:
        return words[fuzz_any() % (sizeof(words) / sizeof(words[0]))];
    case 1:
    case 2:
        return (unsigned long)fuzz_memory + fuzz_any() % 65536;
    case 3:
        return ((unsigned long)fuzz_memory + fuzz_any() % 65536) & ~4095ul;
    case 4:
    case 5:
        return (unsigned long)(long)fuzz_handles[fuzz_any() % 16];
    case 6:
        return fuzz_any() % 64;
    default:
        return fuzz_any() >> fuzz_any() % 64;
    }
}

/* Things to hold: pipes, a port, sessions with and without objects, memory. */
static void fuzz_take_handles(void)
{
    struct ipc_session spec = {.rights = 0x4f, .badge = 9};
    int n = 0, port;

    sys_pipe(&fuzz_handles[n], 0);
    n += 2;
    fuzz_handles[n++] = port = (int)sys_port_create();
    fuzz_handles[n++] = (int)sys_session_create(port, &spec);
    spec.flags = SESSION_OBJECT;
    spec.key = 5;
    spec.size = 100000;
    fuzz_handles[n++] = (int)sys_session_create(port, &spec);
    spec.key = 6;
    spec.size = 1ul << 62;
    fuzz_handles[n++] = (int)sys_session_create(port, &spec);
    fuzz_handles[n++] = (int)sys_object_create(65536);
    fuzz_handles[n++] = (int)sys_process_open(H_NONE, getpid());
    fuzz_handles[n++] = H_ROOT;
    fuzz_handles[n++] = H_CWD;
    fuzz_handles[n++] = H_SYSTEM;
    while (n < 16)
        fuzz_handles[n++] = (int)(fuzz_any() % 40) - 8;
}

/* Numbers that would end the test and not the child: power, and what may kill. */
static int fuzz_forbidden(unsigned long number, const unsigned long *a)
{
    return number == SYS_kill || number == SYS_exit || (number == SYS_thread_exit && a[1] % 8) ||
           (number == SYS_system && a[1] == SYSTEM_SHUTDOWN);
}

static void fuzz_call(void)
{
    unsigned long number = fuzz_any() % (SYS_MAX + 3), a[6];

    for (int i = 0; i < 6; i++)
        a[i] = fuzz_argument();
    if (number == SYS_sleep)
        a[0] %= 1000000;
    if (number == SYS_futex_wait)
        a[2] %= 1000000;
    if (number == SYS_fork)
        a[0] = 0;
    if (fuzz_forbidden(number, a))
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

static void *fuzz_calls(void *unused)
{
    (void)unused;
    for (int i = 0; i < FUZZ_CALLS; i++)
        fuzz_call();
    return 0;
}

/* Several threads of one process, so that one changes what the other uses. */
static int fuzz_child(void *seed)
{
    pthread_t t;

    fuzz_state = ((unsigned long)seed + 1) * 0x9e3779b97f4a7c15ul;
    if (fuzz_spared)
        munmap(fuzz_spared, 4096);
    fuzz_memory = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fuzz_memory == MAP_FAILED)
        return 1;
    for (int i = 0; i < 8192; i++)
        ((unsigned long *)fuzz_memory)[i] = fuzz_argument();
    sys_close(0);
    sys_close(1);
    sys_close(2);
    sys_close(H_TTY);
    /* Authority over others stays outside: no signals, no power, no devices. */
    int weak = (int)sys_restrict(H_SYSTEM, RIGHT_INSPECT | RIGHT_TRANSFER);
    sys_dup2(weak, H_SYSTEM, 0);
    sys_close(weak);
    fuzz_take_handles();
    for (int i = 0; i < 2; i++)
        pthread_create(&t, 0, fuzz_calls, 0);
    fuzz_calls(0);
    return 0;
}

/* Does it wait for what may be itself? */
static int fuzz_stuck(pid_t pid)
{
    static const char *const waits[] = {"reply",     "receive",    "room for a message", "child",
                                        "pipe read", "pipe write", "other threads"};

    for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        if (is_waiting(pid, waits[i]))
            return 1;
    return 0;
}

/* One such child, with a limit on its life: what waits for itself waits for ever. Returns 0 when
 * it has ended. */
static int fuzz_one(unsigned long seed)
{
    pid_t pid = spawn(fuzz_child, (void *)seed);
    long end = now_ns() + FUZZ_LIFE;

    CHECK(pid > 0);
    while (sys_wait(pid, 0, ABI_WNOHANG) == 0) {
        if (now_ns() > end || (now_ns() > end - FUZZ_LIFE + 100 * MS && fuzz_stuck(pid)))
            sys_kill(H_NONE, pid, ABI_SIGKILL);
        sys_sleep(2 * MS);
    }
    return 0;
}

#endif
