/*
 * Redirections. See redirect.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/sh/expand.h"
#include "user/sh/job.h"
#include "user/sh/redirect.h"
#include "user/sh/shell.h"

#define PIPE_ROOM 512 /* bytes that any pipe holds without a reader */

struct saved_fd {
    struct saved_fd *below;
    int fd;
    int copy; /* -1: it was closed */
};

static struct saved_fd *saved;

redirect_mark redirect_begin(void)
{
    return saved;
}

/* Move fd out of the way and remember where. */
static bool save_fd(int fd)
{
    struct saved_fd *entry = malloc(sizeof(*entry));

    if (!entry)
        shell_no_memory();
    entry->fd = fd;
    entry->copy = fcntl(fd, F_DUPFD_CLOEXEC, SHELL_FD);
    if (entry->copy < 0 && errno != EBADF) {
        shell_error("%d: %s", fd, reason(errno));
        free(entry);
        return false;
    }
    entry->below = saved;
    saved = entry;
    return true;
}

void redirect_undo(redirect_mark mark)
{
    while (saved != mark) {
        struct saved_fd *entry = saved;

        if (entry->copy < 0) {
            close(entry->fd);
        } else {
            dup2(entry->copy, entry->fd);
            close(entry->copy);
        }
        saved = entry->below;
        free(entry);
    }
}

void redirect_keep(redirect_mark mark)
{
    while (saved != mark) {
        struct saved_fd *entry = saved;

        if (entry->copy >= 0)
            close(entry->copy);
        saved = entry->below;
        free(entry);
    }
}

static int open_file(const struct redirect *redirect, const char *path)
{
    struct stat info;

    switch (redirect->kind) {
    case REDIRECT_IN:
        return open(path, O_RDONLY);
    case REDIRECT_BOTH:
        return open(path, O_RDWR | O_CREAT, 0666);
    case REDIRECT_APPEND:
        return open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    case REDIRECT_OUT:
        if (shell.opt_noclobber) {
            if (!stat(path, &info) && !S_ISREG(info.st_mode))
                return open(path, O_WRONLY);
            return open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
        }
        return open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    default:
        return open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    }
}

/* A descriptor from which text can be read. A short one waits in a pipe; a
 * long one needs a child that feeds the pipe. */
static int open_document(const char *text)
{
    size_t length = strlen(text);
    int fds[2];
    pid_t pid = 1;

    if (pipe(fds)) {
        shell_error("pipe: %s", reason(errno));
        return -1;
    }
    if (length > PIPE_ROOM)
        pid = job_fork_helper();
    if (pid == 0) {
        close(fds[0]);
        shell_write(fds[1], text, length);
        _exit(0);
    }
    if (pid > 0 && length <= PIPE_ROOM)
        shell_write(fds[1], text, length);
    close(fds[1]);
    if (pid > 0)
        return fds[0];
    close(fds[0]);
    return -1;
}

/* Make fd what opened is, and close opened. */
static bool install(int opened, int fd)
{
    int result;

    if (opened == fd)
        return true;
    result = dup2(opened, fd);
    if (result < 0)
        shell_error("%d: %s", fd, reason(errno));
    close(opened);
    return result >= 0;
}

/* n>&m and n>&- */
static bool apply_dup(const struct redirect *redirect, const char *target)
{
    int from;

    if (!strcmp(target, "-")) {
        close(redirect->fd);
        return true;
    }
    from = shell_number(target);
    if (from < 0) {
        shell_error("%s: bad descriptor number", target);
        return false;
    }
    /* The shell's own descriptors cannot be named. */
    if ((from >= SHELL_FD && (fcntl(from, F_GETFD) & FD_CLOEXEC)) || dup2(from, redirect->fd) < 0) {
        shell_error("%d: %s", from, reason(EBADF));
        return false;
    }
    return true;
}

static bool apply_one(const struct redirect *redirect, bool save)
{
    char *target = expand_string(redirect->target);
    int opened;

    if (!target)
        return false;
    if (redirect->fd >= SHELL_FD) {
        shell_error("%d: %s", redirect->fd, reason(EBADF));
        return false;
    }
    if (save && !save_fd(redirect->fd))
        return false;
    if (redirect->kind == REDIRECT_DUP)
        return apply_dup(redirect, target);
    if (redirect->kind == REDIRECT_HERE) {
        opened = open_document(target);
    } else {
        opened = open_file(redirect, target);
        if (opened < 0)
            shell_error("%s: %s", target, reason(errno));
    }
    return opened >= 0 && install(opened, redirect->fd);
}

bool redirect_apply(const struct redirect *list, bool save)
{
    for (; list; list = list->next) {
        if (!apply_one(list, save))
            return false;
    }
    return true;
}
