/*
 * The disk that workloads and recoveries run on: an image in memory that e2fsck can check,
 * a device that records on a tape, and volumes to begin with.
 */
#ifndef TEST_HOST_FS_CRASH_BENCH_H
#define TEST_HOST_FS_CRASH_BENCH_H

#include "test/host/fs_crash/tape.h"
#include "test/host/fs_disk.h"

/* Volumes, each with a journal of 1024 blocks. */
enum volume { VOLUME_1K, VOLUME_4K, VOLUME_SMALL_1K, VOLUME_SMALL_4K, VOLUMES };

struct bench {
    struct disk disk; /* the first: the hooks' context is this */
    struct tape *recording;
    struct tape tape;  /* of the workload */
    struct tape again; /* of a recovery */
    unsigned block;    /* size, of the volume at hand */
    int image;
    uint8_t *start; /* what was on the disk at the tape's start */
    uint8_t *cut;   /* what is on it after a power cut */
    struct disk made[VOLUMES];
    uint8_t *fresh[VOLUMES]; /* as mke2fs made them */
    char log[160];           /* what e2fsck said */
    unsigned long checks;    /* runs of e2fsck */
};

void bench_init(struct bench *bench);
void bench_free(struct bench *bench);
/* A fresh volume, mounted. Returns what fs_mount does. */
int bench_begin(struct bench *bench, enum volume volume, size_t cache_bytes);
/* What is on the disk now is the tape's start. */
void bench_record(struct bench *bench);
/* What is on the disk is what bench->cut holds. */
void bench_restore(struct bench *bench);
/* Runs e2fsck with one word of options. Returns its exit status, or -1. */
int bench_fsck(struct bench *bench, const char *options);
/* Prints what it said last, as comments. */
void bench_print_log(const struct bench *bench);

#endif
