/* Whether what is found after a power cut is what a file system with a journal promises. */
#ifndef TEST_HOST_FS_CRASH_JUDGE_H
#define TEST_HOST_FS_CRASH_JUDGE_H

#include "test/host/fs_crash/found.h"
#include "test/host/fs_crash/state.h"

enum verdict { VERDICT_GOOD, VERDICT_NAMES, VERDICT_SIZE, VERDICT_BYTES };

/*
 * Looks for a step k from `durable` to `begun` such that
 * - the names, their types and inodes, and the texts of symlinks are those after step k;
 * - the size of each file is that after step k, or one on the way from there to that after
 *   step k + 1, if that step is a write or a cut of several pages;
 * - each byte of it is as after step k (data are on the disk before what tells of them), or a
 *   later step wrote it, or it is zero and the file ended there since.
 * If there is no such k, text says what is wrong with the one that comes nearest.
 */
enum verdict judge(const struct state *state, const struct found *found, unsigned durable,
                   unsigned begun, char *text, size_t room);

#endif
