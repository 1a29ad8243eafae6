/*
 * What an xv6 program reads from a directory that it has opened: records of one
 * name each. Longer names are cut off.
 */
#ifndef XV6_KERNEL_FS_H
#define XV6_KERNEL_FS_H

#include "xv6/kernel/types.h"

#define DIRSIZ 14

struct dirent {
    ushort inum; /* 0: no entry */
    char name[DIRSIZ];
};

#endif
