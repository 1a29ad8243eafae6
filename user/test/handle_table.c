/*
 * The handle table: numbers, copies, flags, its end; what fork and close do.
 *
 * test: points=3
 */
#include "user/test/proc_util.h"

static int lowest_free(void *unused)
{
    int fds[2], a, b;

    (void)unused;
    CHECK_IS(sys_pipe(fds, 0), 0);
    CHECK_IS(fds[1], fds[0] + 1);
    a = (int)sys_dup(fds[0], 0, 0);
    CHECK_IS(a, fds[1] + 1);
    b = (int)sys_dup(fds[0], 100, 0);
    CHECK_IS(b, 100);
    CHECK_IS(sys_dup(fds[0], 100, 0), 101);
    CHECK_IS(sys_close(fds[1]), 0);
    CHECK_IS(sys_dup(fds[0], 0, 0), fds[1]); /* the hole is filled first */
    CHECK_IS(sys_close(100), 0);
    CHECK_IS(sys_close(a), 0);
    CHECK_IS(sys_dup(fds[0], 50, 0), 50);
    CHECK_IS(sys_dup(fds[0], 0, 0), a);
    CHECK_IS(sys_port_create(), a + 1);
    CHECK_IS(sys_close(100), -EBADF);
    return 0;
}

static int bad_numbers(void *unused)
{
    struct abi_handle_info info;
    static const int bad[] = {500, MAX_HANDLES, 1 << 30, -1, -5, -99, -101, -(1 << 30)};

    (void)unused;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_IS(sys_close(bad[i]), -EBADF);
        CHECK_IS(sys_dup(bad[i], 0, 0), -EBADF);
        CHECK_IS(sys_handle_info(bad[i], &info), -EBADF);
        CHECK_IS(sys_restrict(bad[i], RIGHT_ALL), -EBADF);
        CHECK_IS(sys_handle_flags(bad[i], 1, 1), -EBADF);
        CHECK_IS(sys_read(bad[i], &info, 1), -EBADF);
        CHECK_IS(sys_write(bad[i], &info, 1), -EBADF);
        CHECK_IS(sys_seek(bad[i], 0, 0), -EBADF);
        CHECK_IS(sys_fsync(bad[i]), -EBADF);
        CHECK_IS(sys_exec(bad[i], 0, 0), -EBADF);
        CHECK_IS(sys_dup2(bad[i], 10, 0), -EBADF);
    }
    CHECK_IS(sys_dup(1, -1, 0), -EINVAL);
    CHECK_IS(sys_dup(1, MAX_HANDLES, 0), -EINVAL);
    CHECK_IS(sys_dup2(1, MAX_HANDLES, 0), -EBADF);
    CHECK_IS(sys_dup2(1, -7, 0), -EBADF);
    CHECK_IS(sys_handle_info(1, (void *)-4096l), -EFAULT);
    CHECK_IS(sys_pipe((int *)-4096l, 0), -EFAULT);
    CHECK_IS(sys_dup(1, 0, 0), 3); /* nothing was left behind by all that failed */
    return 0;
}

/* dup2 closes what was there, and leaves all as it was if it fails. */
static int replace(void *unused)
{
    int a[2], b[2];
    char byte;

    (void)unused;
    CHECK_IS(sys_pipe(a, 0), 0);
    CHECK_IS(sys_pipe(b, 0), 0);
    CHECK_IS(sys_dup2(b[1], a[1], 0), a[1]); /* the only writer of a */
    CHECK_IS(sys_read(a[0], &byte, 1), 0);
    CHECK_IS(sys_write(a[1], "y", 1), 1);
    CHECK_IS(sys_read(b[0], &byte, 1), 1);
    CHECK_IS(byte, 'y');
    CHECK_IS(sys_dup2(b[1], b[1], 0), b[1]);
    CHECK_IS(sys_dup2(600, b[1], 0), -EBADF);
    CHECK_IS(sys_write(b[1], "z", 1), 1);
    CHECK_IS(sys_dup2(b[1], 1000, 0), 1000);
    CHECK_IS(sys_write(1000, "z", 1), 1);
    return 0;
}

static int flags(void *unused)
{
    int fds[2], copy;
    struct abi_handle_info info;

    (void)unused;
    CHECK_IS(sys_pipe(fds, HANDLE_CLOEXEC), 0);
    CHECK_IS(sys_handle_flags(fds[0], 0, 0), HANDLE_CLOEXEC);
    CHECK_IS(sys_handle_flags(fds[0], 0, HANDLE_CLOEXEC), 0);
    CHECK_IS(sys_handle_flags(fds[1], 0, 0), HANDLE_CLOEXEC); /* each handle has its own */
    copy = (int)sys_dup(fds[1], 0, 0);
    CHECK_IS(sys_handle_flags(copy, 0, 0), 0);
    copy = (int)sys_dup(fds[0], 0, HANDLE_CLOEXEC);
    CHECK_IS(sys_handle_flags(copy, 0, 0), HANDLE_CLOEXEC);
    CHECK_IS(sys_dup2(fds[0], copy, 0), copy);
    CHECK_IS(sys_handle_flags(copy, 0, 0), 0);
    CHECK_IS(sys_handle_flags(copy, ~0u, ~0u) & ~(HANDLE_CLOEXEC | HANDLE_APPEND), 0);
    CHECK_IS(sys_handle_info(copy, &info), 0);
    CHECK(info.flags & HANDLE_CLOEXEC);
    return 0;
}

static int information(void *unused)
{
    int fds[2], port = (int)sys_port_create(), object = (int)sys_object_create(5000);
    struct ipc_session spec = {.rights = RIGHT_READ};
    int session = (int)sys_session_create(port, &spec);
    struct abi_handle_info info;

    (void)unused;
    CHECK_IS(sys_pipe(fds, 0), 0);
    CHECK_IS(sys_write(fds[1], "hello", 5), 5);
    CHECK_IS(sys_handle_info(fds[0], &info), 0);
    CHECK(info.type == HANDLE_PIPE && info.rights == (RIGHT_READ | RIGHT_TRANSFER));
    CHECK_IS(info.size, 5);
    CHECK_IS(sys_handle_info(fds[1], &info), 0);
    CHECK(info.type == HANDLE_PIPE && info.rights == (RIGHT_WRITE | RIGHT_TRANSFER));
    CHECK_IS(sys_handle_info(port, &info), 0);
    CHECK(info.type == HANDLE_PORT && !info.has_object);
    CHECK_IS(info.rights, RIGHT_OWN | RIGHT_NOTIFY | RIGHT_TRANSFER);
    CHECK_IS(sys_handle_info(session, &info), 0);
    CHECK(info.type == HANDLE_SESSION && info.rights == RIGHT_READ && !info.has_object);
    CHECK_IS(sys_handle_info(object, &info), 0);
    CHECK(info.type == HANDLE_OBJECT && info.has_object);
    CHECK_IS(info.size, 8192);
    CHECK_IS(sys_handle_info(H_SYSTEM, &info), 0);
    CHECK_IS(info.type, HANDLE_SYSTEM);
    return 0;
}

/* A table that is full to its last place, among many of the same size: the number
 * behind the last one is nobody's, whatever lies there in memory. */
static int at_the_brim(void *unused)
{
    static const int sizes[] = {16, 32, 64, 128, 256, 512};
    struct abi_handle_info info;

    (void)unused;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int ready[2], go[2];
        pid_t pids[8];
        char byte;
        CHECK(sys_pipe(ready, 0) == 0 && sys_pipe(go, 0) == 0);
        for (int n = 0; n < 8; n++) {
            pids[n] = fork();
            if (pids[n])
                continue;
            sys_close(go[1]);
            while (sys_dup(0, 0, 0) != sizes[i] - 1)
                ;
            sys_write(ready[1], "r", 1);
            sys_read(go[0], &byte, 1);
            _exit(sys_handle_info(sizes[i], &info) == -EBADF && sys_close(sizes[i]) == -EBADF ? 0
                                                                                              : 1);
        }
        for (int n = 0; n < 8; n++)
            CHECK_IS(sys_read(ready[0], &byte, 1), 1);
        CHECK_IS(sys_close(go[1]), 0);
        for (int n = 0; n < 8; n++)
            CHECK_IS(reap(pids[n]), 0);
        CHECK(sys_close(go[0]) == 0 && sys_close(ready[0]) == 0 && sys_close(ready[1]) == 0);
    }
    return 0;
}

/* Full is full, for everything that makes handles; and nothing is lost by it. */
static int full(void *unused)
{
    struct ipc_session spec = {.rights = RIGHT_CALL};
    int port = (int)sys_port_create(), fds[2], last = 0, h;

    (void)unused;
    while ((h = (int)sys_dup(port, 0, 0)) >= 0)
        last = h;
    CHECK_IS(h, -EMFILE);
    CHECK_IS(last, MAX_HANDLES - 1);
    CHECK_IS(sys_pipe(fds, 0), -EMFILE);
    CHECK_IS(sys_port_create(), -EMFILE);
    CHECK_IS(sys_session_create(port, &spec), -EMFILE);
    CHECK_IS(sys_object_create(4096), -EMFILE);
    CHECK_IS(sys_restrict(port, RIGHT_OWN), -EMFILE);
    CHECK_IS(sys_process_open(H_NONE, getpid()), -EMFILE);
    CHECK_IS(sys_dup2(port, last, 0), last); /* takes no new place */
    CHECK_IS(sys_close(500), 0);
    CHECK_IS(sys_pipe(fds, 0), -EMFILE); /* one place is not enough for two */
    CHECK_IS(sys_dup(port, 0, 0), 500);
    CHECK_IS(sys_close(500), 0);
    CHECK_IS(sys_close(900), 0);
    CHECK_IS(sys_pipe(fds, 0), 0);
    CHECK(fds[0] == 500 && fds[1] == 900);
    return 0;
}

/* A child has the parent's handles, and from then on its own. */
static int fork_copies(void *unused)
{
    int fds[2];
    pid_t pid;
    char byte;

    (void)unused;
    CHECK_IS(sys_pipe(fds, HANDLE_CLOEXEC), 0);
    CHECK_IS(sys_dup2(fds[1], 700, 0), 700);
    pid = fork();
    if (pid == 0) {
        if (sys_handle_flags(fds[0], 0, 0) != HANDLE_CLOEXEC || sys_handle_flags(700, 0, 0) != 0 ||
            sys_write(700, "c", 1) != 1)
            _exit(1);
        _exit(sys_close(700) || sys_close(fds[1]) ? 2 : 0);
    }
    CHECK_IS(reap(pid), 0);
    CHECK_IS(sys_write(700, "p", 1), 1);
    CHECK_IS(sys_read(fds[0], &byte, 1), 1);
    CHECK_IS(byte, 'c');
    return 0;
}

/* Fixed slots: copied by fork, replaced by dup2, empty after close. */
static int fixed_slots(void *unused)
{
    int fds[2], saved;
    pid_t pid;
    char byte;
    struct abi_handle_info info;

    (void)unused;
    CHECK_IS(sys_pipe(fds, 0), 0);
    saved = (int)sys_dup(H_TTY, 0, 0);
    CHECK(saved >= 0);
    CHECK_IS(sys_dup2(fds[1], H_TTY, 0), 0);
    CHECK_IS(sys_handle_info(H_TTY, &info), 0);
    CHECK_IS(info.type, HANDLE_PIPE);
    pid = fork();
    if (pid == 0)
        _exit(sys_write(H_TTY, "t", 1) == 1 && sys_close(H_TTY) == 0 &&
                      sys_write(H_TTY, "t", 1) == -EBADF && sys_close(H_TTY) == -EBADF
                  ? 0
                  : 1);
    CHECK_IS(reap(pid), 0);
    CHECK_IS(sys_read(fds[0], &byte, 1), 1);
    CHECK_IS(sys_write(H_TTY, "t", 1), 1); /* the child closed only its own */
    CHECK_IS(sys_dup2(saved, H_TTY, 0), 0);
    CHECK_IS(sys_handle_info(H_TTY, &info), 0);
    CHECK_IS(info.type, HANDLE_SESSION);
    return 0;
}

static const struct proc_test tests[] = {
    {lowest_free, "the lowest free number is given"},
    {bad_numbers, "numbers that name nothing"},
    {replace, "dup2 replaces"},
    {flags, "flags belong to the handle"},
    {information, "handle_info tells type, rights and size"},
    {at_the_brim, "a full table ends at its last place"},
    {full, "1024 handles and no more"},
    {fork_copies, "fork copies the table"},
    {fixed_slots, "fixed slots"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
