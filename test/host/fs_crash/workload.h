/*
 * Workloads, each named by a number, which tells all of it.
 *
 * In the family FAMILY_SHORT they are all rows of up to three operations out of a bounded
 * set. In the others the number is a seed.
 */
#ifndef TEST_HOST_FS_CRASH_WORKLOAD_H
#define TEST_HOST_FS_CRASH_WORKLOAD_H

#include "test/host/fs_crash/operation.h"

enum family {
    FAMILY_SHORT,
    FAMILY_RANDOM, /* 60 operations */
    FAMILY_WRAP,   /* so many changes that a log of 1024 blocks goes round several times */
    FAMILY_FULL,   /* the volume is filled, emptied and filled again */
    FAMILIES
};

#define FAMILY_SIZE 1000000000ul /* index / this: the family; odd: blocks of 4 KiB, not 1 */

/* How many rows there are of one or two operations, and of up to three. They have the
 * indices from 0 on. */
uint64_t workload_short_count(unsigned operations);
/* Does a workload, from mke2fs to fs_unmount, its tape in run->bench and its model in
 * run->state, which is made. Returns false if an operation failed. */
bool workload_run(struct run *run, uint64_t index);

#endif
