/*
 * What job.c and job_list.c share: a job's inside.
 */
#ifndef USER_SH_JOB_LIST_H
#define USER_SH_JOB_LIST_H

#include <stdbool.h>
#include <sys/types.h>

#include "user/sh/job.h"

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

extern struct job *jobs;

void job_free(struct job *job);
/* A member has ended with that wait status. */
void job_note_end(struct job *job, pid_t pid, int status);
/* Wait for the members in order, telling of those that were killed. */
void job_wait_members(struct job *job);
/* The job was waited for in the foreground: take the terminal back. Its status,
 * and UNWIND_ABORT if ^C ended it. */
int job_end_foreground(struct job *job);
/* "Killed" and the like. Valid until the next call. */
const char *job_signal_text(int signal);

#endif
