/*
 * struct dirent and DIR for <dirent.h>, whose functions picolibc declares and
 * user/lib/dir.c defines.
 */
#ifndef BANYAN_SYS_DIRENT_H
#define BANYAN_SYS_DIRENT_H

#include <sys/types.h>

#define MAXNAMLEN 255

struct dirent {
    ino_t d_ino;
    off_t d_off;             /* where to go on after this entry */
    unsigned short d_reclen; /* of this struct in use */
    unsigned char d_type;    /* DT_* */
    char d_name[MAXNAMLEN + 1];
};

typedef struct banyan_dir DIR;

/* The type bits of st_mode, shifted down; DT_UNKNOWN asks for a stat. */
#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10
#define DT_SOCK    12

#define IFTODT(mode) (((mode)&0170000) >> 12)
#define DTTOIF(type) ((type) << 12)

#endif
