/*
 * Jobs in the background: the list of them, and the builtins' part of job.h.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/sh/job_list.h"
#include "user/sh/output.h"
#include "user/sh/shell.h"
#include "user/sh/terminal.h"

#define FINISHED_MAX 256 /* ended jobs remembered for a later `wait PID` */

static void remove_job(struct job *job)
{
    struct job **link = &jobs;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    job_free(job);
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
                job_note_end(job, job->members[i].pid, status);
        }
    }
}

static void describe(const struct job *job, char *text, size_t room)
{
    if (job->running)
        snprintf(text, room, "[%d] Running", job->number);
    else if (!WIFEXITED(job->status))
        snprintf(text, room, "[%d] %s", job->number, job_signal_text(WTERMSIG(job->status)));
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
        terminal_give(job->group);
    job_wait_members(job);
    job_end_foreground(job);
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

bool job_targets(int number, struct strlist *words)
{
    struct job *job = jobs;
    char text[24];

    job_reap();
    while (job && job->number != number)
        job = job->next;
    if (!job || !job->running)
        return false;
    for (int i = 0; i < (job->group ? 1 : job->count); i++) {
        if (!job->group && job->members[i].ended)
            continue;
        snprintf(text, sizeof(text), "%ld",
                 job->group ? -(long)job->group : (long)job->members[i].pid);
        strlist_add(words, arena_copy(shell.stack, text, strlen(text)));
    }
    return true;
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
