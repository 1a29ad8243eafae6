/* Reading and writing files. See vi.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/bin/vi/vi.h"
#include "user/include/reason.h"

#define BLOCK    65536
#define NEW_MODE 0666

/* All of the file in new memory; NULL with errno. */
static char *read_all(const char *path, size_t *length)
{
    int fd = open(path, O_RDONLY), error;
    struct stat info;
    char *text = NULL;
    size_t room = 0;
    ssize_t got = 1;

    *length = 0;
    if (fd < 0)
        return NULL;
    if (!fstat(fd, &info) && S_ISDIR(info.st_mode)) {
        close(fd);
        errno = EISDIR;
        return NULL;
    }
    while (got > 0) {
        if (room - *length < BLOCK) {
            char *bigger = realloc(text, room = 2 * room + BLOCK);

            if (!bigger) {
                got = -1;
                break;
            }
            text = bigger;
        }
        got = read(fd, text + *length, BLOCK);
        if (got > 0)
            *length += (size_t)got;
    }
    error = errno;
    close(fd);
    errno = error;
    if (got < 0)
        free(text);
    return got < 0 ? NULL : text;
}

/* The lines of the file below line at.line; its last newline ends the last of them. */
bool file_read(const char *path, struct place at)
{
    size_t length;
    char *text = read_all(path, &length);

    if (!text) {
        vi_say("%s: %s", path, reason(errno));
        return false;
    }
    if (length && text[length - 1] == '\n')
        length--;
    at.at = vi.buffer.lines[at.line].length;
    at = change_insert(&vi.history, at, "\n", 1);
    change_insert(&vi.history, at, text, length);
    free(text);
    vi.cursor = at;
    return true;
}

bool file_edit(const char *path)
{
    size_t length;
    char *text = read_all(path, &length), *name;

    if (!text && errno != ENOENT) {
        vi_say("%s: %s", path, reason(errno));
        return false;
    }
    name = strdup(path);
    if (!name)
        buffer_no_memory();
    history_free(&vi.history);
    buffer_free(&vi.buffer);
    buffer_init(&vi.buffer);
    if (text && length && text[length - 1] == '\n')
        length--;
    if (text)
        buffer_insert(&vi.buffer, (struct place){0, 0}, text, length);
    free(vi.path);
    vi.path = name;
    vi.cursor = (struct place){0, 0};
    vi.top = vi.left = vi.want = 0;
    vi.saved = history_state(&vi.history);
    if (text)
        vi_say("%.100s: %zu lines", path, vi.buffer.count);
    else
        vi_say("%.100s: new file", path);
    free(text);
    return true;
}

/* --------------------------------------------------------------------- writing */

static int write_all(int fd, const char *bytes, size_t count)
{
    while (count) {
        ssize_t written = write(fd, bytes, count);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

/* Lines first..last, through a block of memory that is always there. */
static int write_lines(int fd, size_t first, size_t last)
{
    static char block[BLOCK];
    size_t used = 0;

    for (size_t i = first; i <= last; i++) {
        const struct line *line = &vi.buffer.lines[i];

        if (used && line->length + 1 > BLOCK - used) {
            if (write_all(fd, block, used))
                return -1;
            used = 0;
        }
        if (line->length + 1 > BLOCK) {
            if (write_all(fd, line->bytes, line->length) || write_all(fd, "\n", 1))
                return -1;
            continue;
        }
        if (line->length)
            memcpy(block + used, line->bytes, line->length);
        used += line->length;
        block[used++] = '\n';
    }
    return used ? write_all(fd, block, used) : 0;
}

/* Write to the open file, and see it on the disk. Closes it. 0, or -1 with errno. */
static int write_and_close(int fd, size_t first, size_t last)
{
    bool nothing = vi.buffer.count == 1 && !vi.buffer.lines[0].length;
    int failed = (nothing ? 0 : write_lines(fd, first, last)) || (fsync(fd) && errno != EINVAL);
    int error = errno;

    if (close(fd) && !failed)
        return -1;
    errno = error;
    return failed ? -1 : 0;
}

/* An ordinary file is replaced when its successor is whole, so that a full disk costs
 * nothing. 1: that cannot be done here; 0; or -1 with errno. */
static int replace(const char *path, size_t first, size_t last)
{
    char fresh[PATH_MAX];
    struct stat info;
    int fd, error;

    if (lstat(path, &info) || !S_ISREG(info.st_mode) || info.st_nlink != 1 || access(path, W_OK) ||
        snprintf(fresh, PATH_MAX, "%s.vi-new", path) >= PATH_MAX)
        return 1;
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL, NEW_MODE);
    if (fd < 0)
        return 1;
    if (!fchmod(fd, info.st_mode & 07777) && !write_and_close(fd, first, last) &&
        !rename(fresh, path))
        return 0;
    error = errno;
    unlink(fresh);
    errno = error;
    return -1;
}

bool file_write(const char *path, size_t first, size_t last)
{
    int done = replace(path, first, last);

    if (done > 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, NEW_MODE);

        done = fd < 0 ? -1 : write_and_close(fd, first, last);
    }
    if (done < 0)
        vi_say("%s: %s: not written", path, reason(errno));
    else
        vi_say("%.100s: %zu lines written", path, last - first + 1);
    return !done;
}

void vi_give_up(const char *why)
{
    char path[PATH_MAX];
    int fd;

    screen_close(&vi.screen);
    snprintf(path, sizeof(path), "%s.vi-save", vi.path ? vi.path : "unnamed");
    fd = vi_modified() ? open(path, O_WRONLY | O_CREAT | O_TRUNC, NEW_MODE) : -1;
    if (fd < 0)
        dprintf(STDERR_FILENO, "vi: %s\n", why);
    else if (write_and_close(fd, 0, vi.buffer.count - 1))
        dprintf(STDERR_FILENO, "vi: %s, and %s: %s\n", why, path, reason(errno));
    else
        dprintf(STDERR_FILENO, "vi: %s; the text is saved in %s\n", why, path);
    _exit(2);
}

void buffer_no_memory(void)
{
    vi_give_up(reason(ENOMEM));
}
