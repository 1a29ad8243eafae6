/*
 * What xv6's stat and fstat tell of a file. user/lib/xv6.c fills it in.
 */
#ifndef XV6_KERNEL_STAT_H
#define XV6_KERNEL_STAT_H

#include "xv6/kernel/types.h"

#define T_DIR    1
#define T_FILE   2
#define T_DEVICE 3

struct stat {
    int dev;
    uint ino;
    short type;
    short nlink;
    uint64 size;
};

#endif
