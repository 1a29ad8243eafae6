/*
 * The file-system server: the core (core/fs.h) behind a port.
 *
 * Handles: the port, a session on the disk driver, memory for the redo ring
 * (core/redo.h), and what devices' nodes stand for (grants.h). Several threads take
 * requests from the port, each with buffers of its own; one lock, the core's big
 * lock, is held while a request is handled, and left while one waits for the
 * disk.
 *
 * A session's badge is the inode number it stands for.
 *
 * If the server dies, its next instance goes on with the same port and the same memory:
 * adopt.c.
 */
#ifndef USER_FS_SERVER_H
#define USER_FS_SERVER_H

#include "user/fs/core/fs.h"
#include "user/include/banyan.h"
#include "user/include/grants.h"
#include "user/include/killpoint.h"

#define BIT_TIMER 0 /* notification: time to write back */
#define WORKERS   4 /* threads, at most */

/* A request being handled, and the answer in the making: its first word is what the handler
 * returns. */
struct request {
    const struct message *message;
    uint32_t ino;     /* of the session */
    const char *data; /* what came with it; of a message about one name, that name */
    unsigned long len;
    int handles[IPC_HANDLES]; /* came with it; a handler that keeps one puts H_NONE */
    unsigned handle_count;

    unsigned long *words; /* of the answer, zeros at first */
    char *reply;          /* room for IPC_BUFFER_MAX bytes */
    unsigned long reply_len;
    bool opened; /* the answer makes the session below */
    bool close_on_exec;
    struct ipc_session session;
    int passed; /* a handle that the answer passes on, or H_NONE */
};

typedef long request_handler(struct request *request);

extern struct fs *volume;
extern const struct fs_hooks hooks;

/* hooks.c: the disk's size, when all that was sent to it before is done; a line to the
 * log; the big lock. */
int disk_info(struct fs_params *params);
void log_line(const char *text);
void log_error(const char *what, int err);
void lock(void);
void unlock(void);

/* worker.c: the number of the request that this thread is completing now, or 0; when it is
 * answered the core is told. */
uint64_t completing(void);
/* Sees to it that what is dirty gets written, some time from now. The big lock is held. */
void arm_timer(void);

/* adopt.c: what the last instance left is ours: sessions, requests, dirty pages. The
 * volume is mounted. 0, or a negated errno and a line in the log. */
int adopt(void);
/* Some time after: gives up what was kept for clients that are dead. The big lock is held. */
void adopt_release(void);

/* dispatch.c: finds the handler and calls it; the big lock is held. */
long dispatch(struct request *request);

/* names.c */
request_handler do_open, do_stat, do_readdir, do_mkdir, do_unlink, do_rename, do_link, do_symlink,
    do_readlink, do_truncate, do_chmod, do_utime, do_statfs, do_getcwd, do_mknod, do_access;
/* An open that was completed already: of the file with that key. */
long do_reopen(struct request *request, uint64_t key);
/* pages.c */
request_handler do_page_in, do_page_out, do_reserve, do_fsync, do_sync, do_close;
/* devices.c */
request_handler do_read, do_write;
/* Answers the opening of a character device: a session on it, or the handle that
 * stands for it. The node's session is given up if none is made. */
long device_open(struct request *request, const struct fs_node *node);

/* worker.c: takes requests for ever. */
void *worker_run(void *number);

#endif
