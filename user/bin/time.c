/*
 * time COMMAND [ARGUMENT...]: run it, then say on stderr how long it took and
 * how much of the processor it used itself (its children's time is not kept).
 * The exit status is the command's.
 *
 * The time of a process is lost when it is waited for. So its death is awaited
 * on a port, the time of the zombie read, and only then is it reaped. The
 * child must not die before its death is watched: it starts when a pipe closes.
 */
#include <banyan.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_FOUND 127
#define NOT_RUN   126
#define BY_SIGNAL 128

static void run_child(int go[2], char **argv)
{
    char byte;

    close(go[1]);
    while (read(go[0], &byte, 1) > 0)
        ;
    close(go[0]);
    execvp(argv[0], argv);
    fprintf(stderr, "time: %s: %s\n", argv[0], strerror(errno));
    _exit(errno == ENOENT ? NOT_FOUND : NOT_RUN);
}

/* A port that will hear of pid's death, or a negated errno. */
static long watch(int pid)
{
    long port = sys_port_create();
    long process, err;

    if (port < 0)
        return port;
    process = sys_process_open(H_NONE, pid);
    err = process < 0 ? process : sys_process_watch((int)process, (int)port, 0);
    if (process >= 0)
        sys_close((int)process);
    if (err < 0) {
        sys_close((int)port);
        return err;
    }
    return port;
}

/* CPU time of the process pid in ns, or a negated errno. */
static long cpu_time(int pid)
{
    struct abi_process *list = 0;
    long room = 64, count, found = -ESRCH;

    for (;;) {
        struct abi_process *grown = realloc(list, (size_t)room * sizeof(*list));
        if (!grown) {
            free(list);
            return -ENOMEM;
        }
        list = grown;
        count = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)list, room, 0);
        if (count <= room)
            break;
        room = count + 16;
    }
    if (count < 0)
        found = count;
    for (long i = 0; i < count; i++) {
        if (list[i].pid == pid)
            found = (long)list[i].cpu_ns;
    }
    free(list);
    return found;
}

static void report(const char *name, long ns)
{
    fprintf(stderr, "%-5s %ld.%03ld s\n", name, ns / 1000000000, ns / 1000000 % 1000);
}

int main(int argc, char **argv)
{
    int go[2], status;
    long begin, end, port, cpu = -1;
    struct message m;
    pid_t pid;

    if (argc < 2) {
        fprintf(stderr, "usage: time COMMAND [ARGUMENT...]\n");
        return 2;
    }
    if (pipe(go) < 0 || (pid = fork()) < 0) {
        perror("time");
        return 1;
    }
    if (pid == 0)
        run_child(go, argv + 1);
    close(go[0]);
    port = watch(pid);
    begin = sys_clock(ABI_CLOCK_MONOTONIC);
    close(go[1]);
    if (port >= 0 && ipc_receive((int)port, &m, 0) == 0)
        cpu = cpu_time(pid);
    if (waitpid(pid, &status, 0) < 0) {
        perror("time");
        return 1;
    }
    end = sys_clock(ABI_CLOCK_MONOTONIC);
    report("real", end - begin);
    if (cpu >= 0)
        report("cpu", cpu);
    return WIFSIGNALED(status) ? BY_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}
