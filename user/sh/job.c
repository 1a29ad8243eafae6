/*
 * Starting children and waiting for those in the foreground. See job.h; what
 * runs in the background is job_list.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/sh/job_list.h"
#include "user/sh/output.h"
#include "user/sh/shell.h"
#include "user/sh/terminal.h"
#include "user/sh/trap.h"

struct job *jobs;

/* ------------------------------------------------------------------- starting */

struct job *job_create(bool background, const char *source)
{
    struct job *job = calloc(1, sizeof(*job));

    if (!job)
        shell_no_memory();
    job->background = background;
    if (source)
        job->source = strdup(source);
    return job;
}

void job_free(struct job *job)
{
    free(job->source);
    free(job->members);
    free(job);
}

static void add_member(struct job *job, pid_t pid)
{
    job->members[job->count].pid = pid;
    job->members[job->count].ended = false;
    job->count++;
    job->running++;
    job->last = pid;
}

static void reserve_member(struct job *job)
{
    int room = job->room ? job->room * 2 : 4;
    struct member *bigger;

    if (job->count < job->room)
        return;
    bigger = realloc(job->members, (size_t)room * sizeof(*bigger));
    if (!bigger)
        shell_no_memory();
    job->members = bigger;
    job->room = room;
}

/* Standard input of a background job: never the terminal. Where there is no
 * null device, a pipe without a writer is as empty. */
static void read_nothing(void)
{
    int fd = open("/dev/null", O_RDONLY);
    int fds[2];

    if (fd < 0 && !pipe(fds)) {
        close(fds[1]);
        fd = fds[0];
    }
    if (fd > 0) {
        dup2(fd, STDIN_FILENO);
        close(fd);
    } else if (fd < 0) {
        close(STDIN_FILENO);
    }
}

/* What a subshell is no longer: interactive, and the parent of our jobs. */
static void become_child(void)
{
    shell.interactive = false;
    shell.job_control = false;
    shell.loops = 0;
    terminal_forget();
    trap_forget();
    while (jobs) {
        struct job *next = jobs->next;

        job_free(jobs);
        jobs = next;
    }
    output_discard();
}

static pid_t fork_or_tell(void)
{
    pid_t pid = fork();

    if (pid < 0)
        shell_error("cannot fork: %s", reason(errno));
    return pid;
}

pid_t job_fork(struct job *job)
{
    bool first = !job->count;
    bool background = job->background;
    pid_t pid;

    reserve_member(job);
    pid = fork_or_tell();
    if (pid < 0)
        return -1;
    /* Parent and child both do this: whichever is first, it is done when
     * either goes on. */
    if (shell.job_control) {
        pid_t member = pid ? pid : getpid();

        if (first)
            job->group = member;
        setpgid(member, job->group);
        if (first && !background)
            terminal_give(job->group);
    }
    if (pid > 0) {
        add_member(job, pid);
        return pid;
    }
    become_child();
    job_free(job); /* not on the list yet: it was left out above */
    if (background && first)
        read_nothing();
    return 0;
}

pid_t job_fork_helper(void)
{
    pid_t pid = fork_or_tell();
    int status = 0;

    if (pid == 0) {
        become_child();
        pid = fork_or_tell();
        if (pid)
            _exit(pid < 0);
        return 0;
    }
    if (pid > 0)
        waitpid(pid, &status, 0);
    return status ? -1 : pid;
}

/* -------------------------------------------------------------------- waiting */

int job_exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *job_signal_text(int signal)
{
    static const struct {
        int signal;
        const char *text;
    } texts[] = {
        {SIGHUP, "Hangup"},
        {SIGINT, "Interrupt"},
        {SIGQUIT, "Quit"},
        {SIGILL, "Illegal instruction"},
        {SIGTRAP, "Breakpoint trap"},
        {SIGABRT, "Aborted"},
        {SIGFPE, "Arithmetic error"},
        {SIGKILL, "Killed"},
        {SIGBUS, "Bus error"},
        {SIGSEGV, "Segmentation fault"},
        {SIGPIPE, "Broken pipe"},
        {SIGTERM, "Terminated"},
    };
    static char number[24];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].signal == signal)
            return texts[i].text;
    snprintf(number, sizeof(number), "Signal %d", signal);
    return number;
}

/* A member has ended with that wait status. */
void job_note_end(struct job *job, pid_t pid, int status)
{
    for (int i = 0; i < job->count; i++)
        if (job->members[i].pid == pid)
            job->members[i].ended = true;
    job->running--;
    if (pid == job->last)
        job->status = status;
    if (status)
        job->failed = status;
}

/* Wait for the job's members in order, telling of those that were killed:
 * ^C and a reader that went away are not worth a line. */
void job_wait_members(struct job *job)
{
    for (int i = 0; i < job->count; i++) {
        pid_t pid = job->members[i].pid;
        int status = 0;

        if (job->members[i].ended)
            continue;
        while (waitpid(pid, &status, 0) < 0) {
            if (errno != EINTR) {
                status = 127 << 8; /* not our child any more: gone */
                break;
            }
        }
        job_note_end(job, pid, status);
        if (!WIFEXITED(status) && WTERMSIG(status) != SIGINT && WTERMSIG(status) != SIGPIPE) {
            const char *text = job_signal_text(WTERMSIG(status));

            shell_write(STDERR_FILENO, text, strlen(text));
            shell_write(STDERR_FILENO, "\n", 1);
        }
    }
}

/* Waited for in the foreground: take the terminal back, and see whether ^C was
 * meant for the whole line. */
int job_end_foreground(struct job *job)
{
    int status = shell.opt_pipefail && job->failed ? job->failed : job->status;

    if (shell.job_control) {
        terminal_give(0);
        if (!WIFEXITED(status))
            terminal_reset_modes();
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) {
            shell.unwind = UNWIND_ABORT;
        } else if (terminal_interrupted()) { /* it had just ended */
            shell.unwind = UNWIND_ABORT;
            status = SIGINT;
        }
    }
    return job_exit_status(status);
}

int job_wait_foreground(struct job *job)
{
    int status;

    job_wait_members(job);
    status = job_end_foreground(job);
    job_free(job);
    return status;
}

void job_abandon(struct job *job)
{
    job_wait_foreground(job);
}
