/*
 * Children and the terminal. See job.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "user/sh/job.h"
#include "user/sh/output.h"
#include "user/sh/shell.h"

#define FINISHED_MAX 256 /* ended jobs remembered for a later `wait PID` */

struct job {
    struct job *next; /* background jobs, the oldest first */
    int number;       /* %N */
    bool background;
    pid_t group; /* 0: the shell's */
    pid_t last;  /* the process whose status is the job's */
    int running; /* members not waited for yet */
    int status;  /* of last, as waitpid gives it */
    int failed;  /* pipefail: the last status that was not 0 */
    char *source;
    struct member {
        pid_t pid;
        bool ended;
    } * members;
    int count, room;
};

static struct job *jobs;
static struct termios terminal_modes; /* as they were when we took over */

/* --------------------------------------------------------------- the terminal */

/* Make group the foreground; 0: nobody. A terminal that does not know nobody
 * gets the shell's own group. */
static void set_foreground(pid_t group)
{
    if (shell.tty < 0)
        return;
    if (tcsetpgrp(shell.tty, group) && !group)
        tcsetpgrp(shell.tty, getpgrp());
}

int job_take_terminal(void)
{
    int fd = -1;

    for (int i = 0; i <= 2 && fd < 0; i += 2)
        if (isatty(i))
            fd = fcntl(i, F_DUPFD_CLOEXEC, SHELL_FD);
    if (fd < 0)
        return -1;
    shell.tty = fd;
    tcgetattr(fd, &terminal_modes);
    set_foreground(0);
    return fd;
}

void job_regain_terminal(void)
{
    set_foreground(0);
}

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

static void free_job(struct job *job)
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
    if (shell.tty >= 0)
        close(shell.tty);
    shell.tty = -1;
    while (jobs) {
        struct job *next = jobs->next;

        free_job(jobs);
        jobs = next;
    }
    output_discard();
}

static pid_t fork_or_tell(void)
{
    pid_t pid = fork();

    if (pid < 0)
        shell_error("cannot fork: %s", strerror(errno));
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
            set_foreground(job->group);
    }
    if (pid > 0) {
        add_member(job, pid);
        return pid;
    }
    become_child();
    free_job(job); /* not on the list yet: it was left out above */
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

static const char *signal_text(int signal)
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
static void note_end(struct job *job, pid_t pid, int status)
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
static void wait_members(struct job *job)
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
        note_end(job, pid, status);
        if (!WIFEXITED(status) && WTERMSIG(status) != SIGINT && WTERMSIG(status) != SIGPIPE) {
            const char *text = signal_text(WTERMSIG(status));

            shell_write(STDERR_FILENO, text, strlen(text));
            shell_write(STDERR_FILENO, "\n", 1);
        }
    }
}

/* Waited for in the foreground: take the terminal back, and see whether ^C was
 * meant for the whole line. */
static int end_foreground(struct job *job)
{
    int status = shell.opt_pipefail && job->failed ? job->failed : job->status;

    if (shell.job_control) {
        set_foreground(0);
        if (!WIFEXITED(status)) {
            tcsetattr(shell.tty, TCSADRAIN, &terminal_modes);
            if (WTERMSIG(status) == SIGINT)
                shell.unwind = UNWIND_ABORT;
        }
    }
    return job_exit_status(status);
}

int job_wait_foreground(struct job *job)
{
    int status;

    wait_members(job);
    status = end_foreground(job);
    free_job(job);
    return status;
}

void job_abandon(struct job *job)
{
    job_wait_foreground(job);
}

/* ------------------------------------------------------------ background jobs */

static void remove_job(struct job *job)
{
    struct job **link = &jobs;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    free_job(job);
}

/* Forget the oldest ended jobs when a script starts very many. */
static void limit_finished(void)
{
    struct job *job, *next;
    int finished = 0;

    for (job = jobs; job; job = job->next)
        finished += !job->running;
    for (job = jobs; job && finished > FINISHED_MAX; job = next) {
        next = job->next;
        if (!job->running) {
            remove_job(job);
            finished--;
        }
    }
}

void job_release(struct job *job)
{
    struct job **link = &jobs;
    char text[48];

    job_reap();
    limit_finished();
    job->number = 1;
    for (; *link; link = &(*link)->next)
        if ((*link)->number >= job->number)
            job->number = (*link)->number + 1;
    *link = job;
    shell.background = job->last;
    if (shell.interactive && shell.opt_notify) {
        int length = snprintf(text, sizeof(text), "[%d] %ld\n", job->number, (long)job->last);

        shell_write(STDERR_FILENO, text, (size_t)length);
    }
}

void job_reap(void)
{
    for (struct job *job = jobs; job; job = job->next) {
        for (int i = 0; i < job->count && job->running; i++) {
            int status;

            if (job->members[i].ended)
                continue;
            if (waitpid(job->members[i].pid, &status, WNOHANG) == job->members[i].pid)
                note_end(job, job->members[i].pid, status);
        }
    }
}

static void describe(const struct job *job, char *text, size_t room)
{
    if (job->running)
        snprintf(text, room, "[%d] Running", job->number);
    else if (!WIFEXITED(job->status))
        snprintf(text, room, "[%d] %s", job->number, signal_text(WTERMSIG(job->status)));
    else if (WEXITSTATUS(job->status))
        snprintf(text, room, "[%d] Exit %d", job->number, WEXITSTATUS(job->status));
    else
        snprintf(text, room, "[%d] Done", job->number);
}

void job_notify(void)
{
    struct job *job, *next;

    job_reap();
    limit_finished();
    if (!shell.opt_notify)
        return;
    for (job = jobs; job; job = next) {
        char text[64], line[200];
        int length;

        next = job->next;
        if (job->running)
            continue;
        describe(job, text, sizeof(text));
        length =
            snprintf(line, sizeof(line), "%-26s %.150s\n", text, job->source ? job->source : "");
        shell_write(STDERR_FILENO, line, (size_t)length);
        remove_job(job);
    }
}

void job_list(bool pids)
{
    struct job *job, *next;
    char text[64];

    job_reap();
    for (job = jobs; job; job = next) {
        next = job->next;
        if (pids) {
            snprintf(text, sizeof(text), "%ld\n", (long)job->last);
            output_text(text);
            continue;
        }
        describe(job, text, sizeof(text));
        output_text(text);
        for (size_t width = strlen(text); width < 27; width++)
            output_text(" ");
        output_text(job->source ? job->source : "");
        output_text("\n");
        if (!job->running)
            remove_job(job);
    }
}

/* A background job that ^C cannot reach would hold an interactive `wait` for
 * ever, so its group gets the terminal for that time. */
static void wait_background(struct job *job)
{
    if (job->running && shell.job_control && job->group)
        set_foreground(job->group);
    wait_members(job);
    end_foreground(job);
}

int job_wait_all(void)
{
    int status = 0;

    while (jobs && !shell.unwind) {
        wait_background(jobs);
        if (shell.unwind)
            status = job_exit_status(jobs->status);
        remove_job(jobs);
    }
    return status;
}

int job_wait_pid(long pid)
{
    struct job *job = jobs;
    int status;

    while (job && job->last != pid && job->group != pid && -(long)job->number != pid)
        job = job->next;
    if (!job)
        return 127;
    wait_background(job);
    status = job_exit_status(job->status);
    remove_job(job);
    return status;
}

int job_foreground(int number)
{
    struct job *job = jobs;

    while (job && (number ? job->number != number : job->next != NULL))
        job = job->next;
    if (!job) {
        shell_error("fg: no such job");
        return 1;
    }
    output_text(job->source ? job->source : "");
    output_text("\n");
    output_flush("fg");
    return job_wait_pid(job->last);
}
