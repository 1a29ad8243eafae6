/*
 * Every message of every server: numbers, words, buffers, handles.
 *
 * w[0] of a request is its number; w[0] of the reply is >= 0 or -errno. "data"
 * is the request's buffer, "reply data" the reply's. Paths are not
 * NUL-terminated: their length is the buffer's. A server answers a number it
 * does not know, or a malformed message, with -EINVAL (-ENOSYS if it knows
 * none like it) and lives.
 *
 * A path of at most MSG_PATH_SHORT bytes may be in the words instead ("data = path",
 * and the buffer is empty): its bytes from w[3] on, and their number in the last byte
 * of w[7]. So most paths travel in registers.
 *
 * Messages marked (kernel) are honoured only with ORIGIN_KERNEL set in the
 * origin word; from a program they are answered with -EPERM.
 */
#ifndef KERNEL_MESSAGES_H
#define KERNEL_MESSAGES_H

/* ------------------------------------------------- any server with sessions */

/* (kernel) The last handle on a session with this badge is gone; w[1] is the
 * session's key or 0. One such message for each session made, but for those whose
 * end is told with another message (SESSION_TOLD). Reply: w[0]=0. */
#define MSG_CLOSE 1
/* read(2) and write(2) on a session without a memory object. The kernel sends
 * them for the program, but as the program's request (ORIGIN_KERNEL clear, so
 * that a program may send them itself). w[1] = length, w[2] = offset or ~0
 * (the server's own position). write: data. Reply w[0] = bytes; read: reply
 * data. */
#define MSG_READ  2
#define MSG_WRITE 3
/* Write what is not yet durable for this session's file. */
#define MSG_FSYNC 4
/* (kernel) The whole volume. */
#define MSG_SYNC 5

/* --------------------------------------------------------------- file names */

#define MSG_PATH_WORD  3 /* where a short path begins */
#define MSG_PATH_SHORT 39

/* Paths are relative to the directory that the session's badge names; one that
 * starts with '/' is taken from the server's root. Empty path: the session's
 * own file, where a message says that this is allowed. */

/* w[1] = O_* flags (picolibc's values), w[2] = mode for O_CREAT. data = path.
 * Reply: w[0] = 0, w[1] = file type (S_IFMT bits); a new session (rights by
 * the access mode; READ implies EXEC if the mode has an x bit), or for a device
 * a handle in its place. */
#define MSG_OPEN 16
/* w[1] = 1: do not follow a last symlink. data = path, may be empty. The words of
 * the reply are a struct msg_stat (so w[0] is not negative). */
#define MSG_STAT 17
/* w[1] = cookie (0 = start), of a directory session. Reply: w[0] = bytes,
 * w[1] = next cookie, a greater one; reply data = struct msg_dirent records, none =
 * end. The server sends what fits in the client's room, w[2] bytes. */
#define MSG_READDIR 18
/* w[1] = mode. data = path. */
#define MSG_MKDIR 19
/* w[1] = 1: remove a directory; 0: anything else. data = path. */
#define MSG_UNLINK 20
/* w[1] = length of the first path. data = old path, new path. */
#define MSG_RENAME 21
/* As MSG_RENAME: existing path, new path. Hard link. */
#define MSG_LINK 22
/* w[1] = length of the target text. data = target, path of the new link. */
#define MSG_SYMLINK 23
/* data = path. Reply: w[0] = bytes, reply data = the link's text. */
#define MSG_READLINK 24
/* w[1] = size. data = path, may be empty (the session then needs WRITE). */
#define MSG_TRUNCATE 25
/* w[1] = mode & 07777. data = path, may be empty. */
#define MSG_CHMOD 26
/* w[1], w[2] = atime, mtime in ns since 1970, ~0 = now, ~0-1 = leave. data =
 * path, may be empty. */
#define MSG_UTIME 27
/* Reply data = struct msg_statfs. */
#define MSG_STATFS 28
/* Absolute path of the directory that the session names. Reply data = path. */
#define MSG_GETCWD 29
/* w[1] = mode with S_IFCHR, w[2] = major << 8 | minor. data = path. */
#define MSG_MKNOD 30
/* w[1] = POSIX access mode bits (R_OK..). data = path, may be empty. */
#define MSG_ACCESS 31

struct msg_stat {
    unsigned long mode : 16, blksize : 48;
    unsigned long ino : 32, rdev : 32;
    unsigned long size;
    unsigned long blocks : 48, nlink : 16; /* blocks of 512 bytes */
    unsigned long atime_ns, mtime_ns, ctime_ns;
    unsigned long uid : 32, gid : 32;
};

struct msg_dirent {
    unsigned long ino;
    unsigned long cookie;  /* to continue after this entry */
    unsigned short length; /* of this record, a multiple of 8 */
    unsigned char type;    /* S_IFMT >> 12 */
    unsigned char name_len;
    char name[]; /* NUL terminated */
};

struct msg_statfs {
    unsigned long block_size, blocks, blocks_free;
    unsigned long inodes, inodes_free;
};

/* -------------------------------------------------------------------- pages */

/* (kernel) Supply pages of the object w[1] = key, from page w[2], w[3] pages
 * (1 to 16, so at most 64 KiB). Reply: w[0] = 0 or -errno; w[1] = bitmap of
 * the pages that are not wholly backed by blocks (bit i: page w[2]+i has a
 * hole); reply data = their bytes, zero-filled by the kernel where it is
 * shorter than the pages. */
#define MSG_PAGE_IN 48
/* (kernel) Store pages: w[1] = key, w[2] = first page, w[3] = pages, w[4] =
 * the file's size now, w[5] = the times that it became shorter. data = the pages,
 * cut at the size. Blocks that are missing are allocated now, out of what was
 * reserved; the data are written, then mapping and on-disk size are changed.
 * Reply: w[0] = 0 or -errno; -EAGAIN: the object became shorter since the message
 * was taken (its abi_object_info.cuts says so), and bytes that were cut off must not
 * reach the disk. What is left of the pages is sent again. */
#define MSG_PAGE_OUT 49
/* (kernel) w[1] = key, w[2] = first page, w[3] = pages that are about to
 * become dirty, w[4] = the size the file will have (at least the present one).
 * Reserve every block that they lack. Idempotent: a page already reserved is
 * not counted twice. Reply: w[0] = pages reserved (at least 1; fewer than
 * asked when space ends) or -ENOSPC, -EFBIG, -EROFS. */
#define MSG_RESERVE 50

/* ---------------------------------------------------------------------- blk */

/* Reply: w[0] = 0, w[1] = 512-byte sectors, w[2] = 1 if read-only. */
#define MSG_BLK_INFO 64
/* w[1] = first sector, w[2] = sectors (1 to 128). Reply: w[0] = 0, reply data. */
#define MSG_BLK_READ 65
/* w[1] = first sector; data, a multiple of 512. Reply: w[0] = 0. */
#define MSG_BLK_WRITE 66
/* Everything written before is on the medium. Reply: w[0] = 0. */
#define MSG_BLK_FLUSH 67

/* ---------------------------------------------------------------------- tty */

/* Reply data = struct msg_termios. */
#define MSG_TTY_GETATTR 80
/* w[1] = 0 now, 1 after output drains, 2 and input flushed. data = struct
 * msg_termios. */
#define MSG_TTY_SETATTR 81
/* w[1] = process group that ^C goes to. */
#define MSG_TTY_SETPGRP 82
/* Reply: w[0] = 0, w[1] = that group. */
#define MSG_TTY_GETPGRP 83
/* Reply: w[0] = 0, w[1] = rows, w[2] = columns. */
#define MSG_TTY_GETSIZE 84
/* w[1], w[2] = rows, columns. */
#define MSG_TTY_SETSIZE 85
/* All output has left. */
#define MSG_TTY_DRAIN 86
/* Reply: w[0] = 0, w[1] = how often ^C was typed so far with no group to kill:
 * a program that is in nobody's foreground looks whether it has grown. */
#define MSG_TTY_INTERRUPTS 87

/* -------------------------------------------------------------- supervision */

/* init raises this bit on the port of each service once a second. A service that is
 * well answers by raising its own bit on init's port (user/include/heart.h). */
#define NOTIFY_HEARTBEAT (1ul << 61)
#define HEART_TTY        8 /* those bits */
#define HEART_BLK        9
#define HEART_FS         10

/* To init, by a session that opening /dev/svc gives. Reply data = struct msg_service
 * records, one for each service. */
#define MSG_SVC_LIST 96
/* w[1] = SVC_*. w[2] = for SVC_STOP, ns after which it is started again, 0 = only when
 * that is asked for; for SVC_KILL, the signal: SIGKILL, SIGTERM, or SIGABRT as if it had
 * stalled. data = the service's name. Reply: w[0] = 0, -ENOENT no such service, -EBUSY it
 * is in that state, -EPIPE it was given up, or another error; what was asked for begins
 * then, and MSG_SVC_LIST shows its end. */
#define MSG_SVC_DO 97

#define SVC_START   1
#define SVC_STOP    2
#define SVC_RESTART 3
#define SVC_KILL    4 /* as if it had died */
/* w[2] = kill point | kill action << 8 | times << 16: the so-maniest time that it comes to
 * that point it is killed, or does what a bug might (user/include/killpoint.h); 0: nowhere */
#define SVC_KILL_AT 5
/* w[2] = what the next action that is set needs to know. Any service's name will do */
#define SVC_KILL_WITH 6

/* Reply: w[1] = the kill point that is set, 0 if none or if it has acted; w[2] = faults so
 * far (struct kill_page); data: how often each was reached, an unsigned long each. */
#define MSG_SVC_POINTS 98

enum service_state {
    SERVICE_STOPPED,
    SERVICE_STARTING, /* has not answered a heartbeat yet */
    SERVICE_RUNNING,
    SERVICE_WAITING,  /* died, is started again after a pause */
    SERVICE_GIVEN_UP, /* its port is closed: who calls it gets an error */
};

struct msg_service {
    char name[16];
    unsigned state;                   /* enum service_state */
    int pid;                          /* 0: none */
    unsigned starts;                  /* since boot */
    unsigned failures;                /* running: died of itself before it answered anything */
    unsigned long since_ns;           /* start of this instance, monotonic */
    unsigned long answered, returned; /* requests: struct abi_port_info */
    unsigned queued, in_service;
    char cause[80]; /* of the last death, in words; empty: none */
};

/* Flags as in POSIX's <termios.h>; the values are ours (user/include). */
struct msg_termios {
    unsigned iflag, oflag, cflag, lflag;
    unsigned char cc[32];
};
#define TTY_ICRNL  0x0100
#define TTY_OPOST  0x0001
#define TTY_ONLCR  0x0004
#define TTY_ISIG   0x0001
#define TTY_ICANON 0x0002
#define TTY_ECHO   0x0008
#define TTY_ECHOE  0x0010
#define TTY_ECHOK  0x0020
#define TTY_VINTR  0 /* indices in cc[] */
#define TTY_VERASE 2
#define TTY_VKILL  3
#define TTY_VEOF   4
#define TTY_VTIME  5
#define TTY_VMIN   6
#define TTY_VDUMP  16 /* dumps every thread to the log; ^P */

#endif
