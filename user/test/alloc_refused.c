/*
 * Each allocation of the kernel that other tests reach is refused once: for every program of
 * /test whose name begins as an argument says (pipe_ without one), in a process group of its own.
 * The program may say what it likes about that; the kernel must not fall and must not lose a frame,
 * and the servers and this process must not notice.
 *
 * Needs the checking kernel (DEBUG=1); on another there is nothing to be seen.
 *
 * test: points=0 cpus=1,2 mem=128M swap=128M args="pipe_ handle_"
 * test: points=0 cpus=1,2 mem=128M swap=128M args="sched_ tty_ svc_ vm_"
 * test: points=0 cpus=1,2 mem=128M swap=128M args="proc_ thread_"
 * test: points=0 cpus=1,2 mem=128M swap=128M args="ipc_"
 * test: points=0 cpus=1,2 mem=128M swap=128M args="file_ libc_"
 * test: points=0 cpus=1,2 mem=128M swap=128M args="mem_ swap_kinds swap_object swap_passed"
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

#include "user/test/proc_util.h"

#define PROGRAMS_MAX 160
#define LIMIT        (20 * SECOND) /* for one; it may well wait for what was refused */
#define TRIES        50            /* fork and exec are refused, too, and find it all in the end */

static char names[PROGRAMS_MAX][32];
static int count;

/* This one, two that are about nothing else than memory that is out, for all, and one that
 * would leave a service damaged if it were killed in the middle. */
static const char *const left_out[] = {"alloc_refused", "mem_exhaust", "mem_victim", "svc_faults"};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int wanted(const char *name, int argc, char **argv)
{
    for (unsigned i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        if (strcmp(name, left_out[i]) == 0)
            return 0;
    for (int i = 1; i < argc; i++)
        if (strncmp(name, argv[i], strlen(argv[i])) == 0)
            return 1;
    return 0;
}

static int find_programs(int argc, char **argv)
{
    DIR *dir = opendir("/test");
    const struct dirent *e;

    while (dir && (e = readdir(dir)))
        if (wanted(e->d_name, argc, argv) && count < PROGRAMS_MAX)
            strlcpy(names[count++], e->d_name, sizeof(names[0]));
    if (dir)
        closedir(dir);
    qsort(names, (size_t)count, sizeof(names[0]), by_name);
    return count;
}

/* In a process of the group, the program itself. What it prints is nobody's concern. */
static void run_program(const char *name)
{
    char path[48];
    char *args[] = {path, 0};
    int null = open("/dev/null", O_RDWR);

    snprintf(path, sizeof(path), "/test/%s", name);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    for (int i = 0; i < TRIES; i++)
        execv(path, args);
    _exit(1);
}

/* A process that begins the group, has the program run in it, no longer than the limit, and
 * ends it with all that the program may have left. */
static void lead_group(const char *name)
{
    long end = now_ns() + LIMIT;
    int status, ended = 0;
    pid_t pid = -1;

    setpgid(0, 0);
    sys_system(H_SYSTEM, SYSTEM_FAIL, getpid(), 0, 0);
    for (int i = 0; i < TRIES && pid < 0; i++)
        pid = fork();
    if (pid == 0)
        run_program(name);
    while (pid > 0 && !ended && now_ns() < end) {
        sys_sleep(10 * MS);
        ended = waitpid(pid, &status, WNOHANG) == pid;
    }
    kill(0, SIGKILL);
}

/* How many allocations were refused. */
static long try_program(const char *name)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        lead_group(name);
    waitpid(pid, &status, 0);
    return sys_system(H_SYSTEM, SYSTEM_FAIL, 0, 0, 0);
}

int main(int argc, char **argv)
{
    long refused;

    if (sys_system(H_SYSTEM, SYSTEM_FAIL, 0, 0, 0) == -ENOSYS) {
        ktap_plan(1);
        skip("the kernel refuses nothing: it is no checking kernel");
        return ktap_done();
    }
    if (argc > 1)
        find_programs(argc, argv);
    else
        find_programs(2, (char *[]){argv[0], "pipe_"});
    ktap_plan(2 * count + 1);
    if (!ok(count > 0, "%d programs", count))
        return ktap_done();
    try_program(names[0]); /* what the kernel and the servers keep from then on */
    touch_program();
    for (int i = 0; i < count; i++) {
        ledger_begin();
        diag("%s", names[i]);
        refused = try_program(names[i]);
        ok(refused > 0, "%s: %ld allocations refused", names[i], refused);
        ledger_end_ok("all frames are back");
    }
    return ktap_done();
}
