/*
 * Names the POSIX options that Banyan has. picolibc's own headers ask for these
 * macros before they declare clock_gettime, sched_yield and their like.
 */
#ifndef BANYAN_SYS_FEATURES_H
#define BANYAN_SYS_FEATURES_H

#include_next <sys/features.h>

#define _POSIX_VERSION               200809L
#define _POSIX_TIMERS                200809L
#define _POSIX_MONOTONIC_CLOCK       200809L
#define _POSIX_CPUTIME               200809L
#define _POSIX_CLOCK_SELECTION       200809L
#define _POSIX_THREADS               200809L
#define _POSIX_THREAD_SAFE_FUNCTIONS 200809L
#define _POSIX_SEMAPHORES            200809L
#define _POSIX_BARRIERS              200809L
#define _POSIX_READER_WRITER_LOCKS   200809L
#define _POSIX_MAPPED_FILES          200809L
#define _POSIX_MEMORY_PROTECTION     200809L
#define _POSIX_FSYNC                 200809L

#endif
