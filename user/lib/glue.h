/*
 * What the files of this library share among themselves: errno translation and
 * requests about names. No program includes this.
 */
#ifndef LIB_GLUE_H
#define LIB_GLUE_H

#include <banyan.h>
#include <errno.h>
#include <string.h>
#include <sys/types.h>

/* A system call's result as C wants it: itself, or -1 with errno set. */
static inline long glue_result(long r)
{
    if (r >= 0)
        return r;
    errno = (int)-r;
    return -1;
}

/* A request with up to two words after its number; the others are 0. */
#define GLUE_MESSAGE(number, w1, w2)                                                               \
    {                                                                                              \
        .w = {(number), (unsigned long)(w1), (unsigned long)(w2) }                                 \
    }

/*
 * Send m, a GLUE_MESSAGE, about a path relative to the directory dirfd (AT_FDCWD or a
 * handle). ext carries what else goes along and comes back; where the path goes is set here.
 * 0 for ext: nothing else. An empty path is -ENOENT, as POSIX has it. Returns
 * w[0] of the reply or a negated errno, and does not touch errno.
 */
long glue_path_request(int dirfd, const char *path, struct message *m, struct ipc_ext *ext);

/* The same about the file that fd itself is open on. */
long glue_handle_request(int fd, struct message *m, struct ipc_ext *ext);

/*
 * Send m with two texts in one buffer and the length of the first in w[1]. Both
 * together must fit in a message. Returns as glue_path_request.
 */
long glue_two_texts(int handle, struct message *m, const char *first, const char *second);

/* The handle that a path relative to dirfd is looked up with: AT_FDCWD is the
 * working directory's slot, a path from the root goes to the root's. */
int glue_directory(int dirfd, const char *path);

/* 0, -ENOENT for an empty path, -ENAMETOOLONG, or -EFAULT for none at all. */
long glue_check_path(const char *path, size_t *len);

/* open without errno: a new handle or a negated errno. mode is taken as it is,
 * umask and all. */
long glue_open(int dirfd, const char *path, int flags, unsigned mode);

/* The mode that a new file gets for the one that was asked for. */
unsigned glue_apply_umask(unsigned mode);

/* stdio's part in exit and fork: write out what is buffered; hold the list of
 * streams still across a fork, and in the child free what other threads held. */
void stream_flush_all(void);
void stream_fork_begin(void);
void stream_fork_end(int in_child);

#endif
