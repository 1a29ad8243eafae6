/*
 * Directories as lists of names, read whole before anything in them changes,
 * and walked by descriptor: a path longer than the system takes is no obstacle,
 * only more levels than there are descriptors.
 */
#ifndef USER_BIN_WALK_H
#define USER_BIN_WALK_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/bin/util.h"

struct walk_names {
    char **names; /* without "." and ".." */
    size_t count;
};

/* The names in the directory that fd is open on; fd stays open and usable.
 * Returns 0, or -1 with errno. */
UTIL int walk_read(int fd, struct walk_names *list)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    size_t room = 0;
    int error;

    *list = (struct walk_names){NULL, 0};
    if (!dir) {
        error = errno;
        if (copy >= 0)
            close(copy);
        errno = error;
        return -1;
    }
    while (errno = 0, (entry = readdir(dir))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (list->count == room) {
            room = room ? room * 2 : 64;
            list->names = util_grow(list->names, room * sizeof(char *));
        }
        list->names[list->count++] = util_copy(entry->d_name);
    }
    error = errno;
    closedir(dir);
    errno = error;
    return error ? -1 : 0;
}

UTIL void walk_free(struct walk_names *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct walk_names){NULL, 0};
}

#endif
