/*
 * Services killed at random moments, while files are written, read from the disk and
 * compared: nobody notices.
 *
 * svc_kills [KILLS [SEED]]
 *
 * test: points=6
 */
#include "user/test/svc_util.h"
#include <sys/mman.h>
#include <sys/stat.h>

#define WORKERS 3
#define BYTES   (96 << 10)

static const char *const names[] = {"blk", "tty", "fs"};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static unsigned kills = 60;  /* at least so many */
static unsigned killed, met; /* in this load; those that met a request in service */
static unsigned long seed = 1;
static volatile int *over; /* shared: the workers end */

/* A file stored, dropped from memory and read. */
static int keep_bytes(int fd, unsigned long key)
{
    static char data[BYTES], back[BYTES];

    pattern_fill(data, BYTES, key, 0);
    CHECK_IS(write(fd, data, BYTES), BYTES);
    CHECK_IS(fsync(fd), 0);
    sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
    CHECK_IS(pread(fd, back, BYTES, 0), BYTES);
    CHECK_IS(pattern_check(back, BYTES, key, 0), -1);
    return 0;
}

/* Each of these is done once, and said to be done: made anew, a second name, another
 * name, removed; each a second time is an error. */
static int change_names(const char *dir, unsigned long round)
{
    char a[60], b[60];
    struct stat st;
    int fd;

    snprintf(a, sizeof(a), "%s/a%lu", dir, round % 7);
    snprintf(b, sizeof(b), "%s/b%lu", dir, round % 5);
    fd = open(a, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    CHECK_IS(write(fd, a, 10), 10);
    CHECK_IS(link(a, b), 0);
    CHECK_IS(fstat(fd, &st) + (int)st.st_nlink, 2);
    CHECK_IS(rename(a, b), 0); /* two names of one file: nothing happens */
    CHECK_IS(unlink(a), 0);
    CHECK_IS(unlink(a), -1);
    CHECK_IS(errno, ENOENT);
    CHECK_IS(rename(b, a), 0);
    CHECK_IS(rename(b, a), -1);
    CHECK_IS(errno, ENOENT);
    CHECK_IS(symlink("a", b), 0);
    CHECK_IS(unlink(b), 0);
    CHECK_IS(mkdir(b, 0700), 0);
    CHECK_IS(rmdir(b), 0);
    CHECK_IS(chmod(a, 0400 | (mode_t)(round & 077)), 0);
    CHECK_IS(ftruncate(fd, 5), 0);
    CHECK_IS(unlink(a), 0);
    CHECK_IS(pread(fd, a, 20, 0), 5); /* no name, and there still */
    CHECK_IS(fstat(fd, &st) + (int)st.st_nlink, 0);
    CHECK_IS(st.st_mode & 0777, 0400 | (round & 077));
    CHECK_IS(close(fd), 0);
    return 0;
}

/* Files and names, until it is over; and one that grows by a byte each time. */
static int worker(void *number)
{
    char dir[40], path[60];
    unsigned long round;
    int log;

    snprintf(dir, sizeof(dir), "/tmp/svc_kills.%ld", (long)number);
    snprintf(path, sizeof(path), "%s/log", dir);
    CHECK_IS(mkdir(dir, 0755), 0);
    log = open(path, O_RDWR | O_CREAT | O_APPEND, 0644);
    CHECK(log >= 0);
    snprintf(path, sizeof(path), "%s/data", dir);
    for (round = 0; !*over || round < 3; round++) {
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
        CHECK(fd >= 0);
        CHECK_IS(write(log, "x", 1), 1);
        CHECK_IS(keep_bytes(fd, round * WORKERS + (unsigned long)number), 0);
        CHECK_IS(close(fd), 0);
        CHECK_IS(change_names(dir, round), 0);
        CHECK_IS(unlink(path), 0);
        CHECK_IS(unlink(path), -1); /* it was done once */
        CHECK_IS(errno, ENOENT);
    }
    CHECK_IS(lseek(log, 0, SEEK_END), round);
    CHECK_IS(close(log), 0);
    snprintf(path, sizeof(path), "%s/log", dir);
    CHECK_IS(unlink(path), 0);
    CHECK_IS(rmdir(dir), 0); /* nothing else is in it */
    return 0;
}

/* Until the service has been started so often; whether its death returned requests. */
static int await_start(const char *name, const struct msg_service *before)
{
    struct msg_service now;

    do {
        sys_sleep(MS / 4);
        CHECK_IS(service(name, &now), 0);
    } while (now.starts == before->starts || !now.pid);
    met += now.returned > before->returned;
    return 0;
}

/* At least half of the kills asked for meet a request in service: how idle a service is
 * depends on the machine's speed, so there are as many more as that needs. */
static int kill_all(void)
{
    unsigned long random = seed;

    for (killed = met = 0; killed < kills || met < (kills + 1) / 2; killed++) {
        const char *name = names[random_next(&random) % NAMES];
        struct msg_service before;
        CHECK(killed < 4 * kills); /* they do not meet requests at all */
        sys_sleep(random_next(&random) % (6 * MS));
        CHECK_IS(service(name, &before), 0);
        CHECK_IS(svc_do(name, SVC_KILL, ABI_SIGKILL), 0);
        CHECK_IS(await_start(name, &before), 0);
    }
    return 0;
}

/* Waits for what nobody types: the terminal has a request in service. */
static int reader(void *unused)
{
    char byte;
    int tty = open("/dev/tty", O_RDONLY);

    (void)unused;
    CHECK(tty >= 0);
    return (int)read(tty, &byte, 1);
}

static int load(void *unused)
{
    struct msg_service before[NAMES], after[NAMES];
    pid_t workers[WORKERS], types_nothing;
    unsigned long starts = 0;
    int status = 0;

    (void)unused;
    for (unsigned i = 0; i < NAMES; i++)
        CHECK_IS(service(names[i], &before[i]), 0);
    *over = 0;
    types_nothing = spawn(reader, 0);
    for (long i = 0; i < WORKERS; i++)
        workers[i] = spawn(worker, (void *)i);
    status |= kill_all();
    *over = 1;
    for (int i = 0; i < WORKERS; i++)
        status |= reap(workers[i]);
    CHECK_IS(sys_kill(H_NONE, types_nothing, ABI_SIGKILL), 0);
    CHECK_IS(reap(types_nothing), ABI_SIGKILL);
    CHECK_IS(status, 0);
    for (unsigned i = 0; i < NAMES; i++) {
        CHECK_IS(service(names[i], &after[i]), 0);
        starts += after[i].starts - before[i].starts;
        CHECK_IS(after[i].failures, 0); /* it was never their fault */
        diag("%s: %u starts, %lu requests returned", names[i], after[i].starts - before[i].starts,
             after[i].returned - before[i].returned);
    }
    diag("%u of %u kills met a request in service", met, killed);
    CHECK_IS(starts, killed);
    CHECK_IS(svc_start_anew(), 0);
    return 0;
}

/* What svc may not ask for. */
static int refusals(void *unused)
{
    static const struct {
        const char *name;
        unsigned long number, what, signal;
        long want;
    } bad[] = {
        {"nobody", MSG_SVC_DO, SVC_KILL, ABI_SIGKILL, -ENOENT},
        {"", MSG_SVC_DO, SVC_KILL, ABI_SIGKILL, -ENOENT},
        {"tty", MSG_SVC_DO, 0, 0, -EINVAL},
        {"tty", MSG_SVC_DO, 99, 0, -EINVAL},
        {"tty", MSG_SVC_DO, SVC_KILL, 0, -EINVAL},
        {"tty", MSG_SVC_DO, SVC_KILL, ABI_SIGSEGV, -EINVAL},
        {"tty", MSG_SVC_DO, SVC_KILL, 32, -EINVAL},
        {"tty", MSG_SVC_DO, SVC_KILL, ~0ul, -EINVAL},
        {"tty", MSG_SVC_DO, SVC_START, 0, -EBUSY},
        {"tty", MSG_READ, 0, 0, -ENOSYS},
        {"tty", MSG_CLOSE, 0, 0, -ENOSYS},
        {"a name that is much longer than any service's, and than what init takes for one",
         MSG_SVC_DO, SVC_START, 0, -EMSGSIZE},
    };
    char byte;
    int init = open("/dev/svc", O_RDWR), weak = (int)sys_restrict(init, RIGHT_CALL | RIGHT_READ);

    (void)unused;
    CHECK(init >= 0 && weak >= 0);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct message m = {.w = {bad[i].number, bad[i].what, bad[i].signal}};
        struct ipc_ext ext = {.send_addr = (unsigned long)bad[i].name,
                              .send_len = strlen(bad[i].name),
                              .gifts.count = 1,
                              .gifts.handles = {init}};
        CHECK_IS(ipc_request(init, &m, &ext), bad[i].want);
    }
    struct message m = {.w = {MSG_SVC_DO, SVC_KILL, ABI_SIGKILL}};
    struct ipc_ext ext = {.send_addr = (unsigned long)"tty", .send_len = 3};
    CHECK_IS(ipc_request(weak, &m, &ext), -EPERM);
    m.w[0] = MSG_SVC_LIST; /* without room for the answer */
    ext = (struct ipc_ext){.recv_addr = (unsigned long)&byte, .recv_cap = 1};
    CHECK_IS(ipc_request(init, &m, &ext), -EMSGSIZE);
    CHECK_IS(read(init, &byte, 1), -1);
    return 0;
}

int main(int argc, char **argv)
{
    over = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (argc > 1)
        kills = (unsigned)strtoul(argv[1], 0, 10);
    if (argc > 2)
        seed = strtoul(argv[2], 0, 10);
    ktap_plan(3);
    ok_child(refusals, 0, "what svc may not ask for is refused");
    ktap_in_child(load, 0); /* what is kept for the next time is there */
    touch_program();
    ledger_begin();
    ok_child(load, 0, "services killed at random moments, and nobody notices");
    ledger_end_ok("all frames are back");
    return ktap_done();
}
