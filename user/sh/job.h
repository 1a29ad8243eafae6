/*
 * Children: starting them, waiting for them, and whom the terminal's ^C hits.
 *
 * An interactive shell puts every pipeline in a process group of its own and
 * makes it the terminal's foreground group while it waits for it.
 */
#ifndef USER_SH_JOB_H
#define USER_SH_JOB_H

#include <stdbool.h>
#include <sys/types.h>

struct job;
struct strlist; /* arena.h */

/* The processes of one pipeline being started. */
struct job *job_create(bool background, const char *source);
/* Fork a member. In the child, 0 is returned: it is in its group, which is in
 * the foreground unless background, and job control is off. -1: a message was
 * given. A background job's first member reads /dev/null. */
pid_t job_fork(struct job *job);
/* Wait for a foreground job; returns its status, and frees it. */
int job_wait_foreground(struct job *job);
/* A background job has been started: set $!, and say so under set -b. */
void job_release(struct job *job);
/* Nothing of it could be started, or only a part: wait for that, and free. */
void job_abandon(struct job *job);

/* A process that nobody waits for (a here-document's writer): a grandchild, so
 * that init reaps it. As fork(), with a message if it fails. */
pid_t job_fork_helper(void);

/* Note which background children have ended; job_notify, at the prompt, also
 * says so under set -b. Without it nothing that was not asked for is printed. */
void job_reap(void);
void job_notify(void);

/* The builtins' part. job_wait_all: until no background job runs; 0, or a
 * status if ^C broke it off. job_wait_pid: for the job whose last process, or
 * group, is pid (or %N: -N); its status, or 127 if there is none. job_list
 * prints them. job_foreground: fg, number 0 is the newest. */
int job_wait_all(void);
int job_wait_pid(long pid);
void job_list(bool pids);
int job_foreground(int number);
/* What to kill for %number: "-GROUP", or its processes where it has no group of its own.
 * False: there is no such job, or it has ended. */
bool job_targets(int number, struct strlist *words);

/* Exit status for a wait status: the code, or 128 and the signal. */
int job_exit_status(int wait_status);

#endif
