/*
 * Counting semaphores within a process, or between processes that share the
 * memory they lie in.
 */
#ifndef BANYAN_SEMAPHORE_H
#define BANYAN_SEMAPHORE_H

#include <time.h>

typedef struct {
    unsigned value;
    unsigned waiters;
} sem_t;

/* These return 0, or -1 with errno. */
int sem_init(sem_t *sem, int shared, unsigned value);
int sem_destroy(sem_t *sem);
int sem_wait(sem_t *sem);
int sem_trywait(sem_t *sem);
int sem_timedwait(sem_t *sem, const struct timespec *deadline);
int sem_post(sem_t *sem);
int sem_getvalue(sem_t *sem, int *value);

#endif
