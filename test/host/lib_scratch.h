/*
 * A folder for what a host test makes while it runs, under build/test/host/NAME/,
 * or under $SCRATCH if that is set (the tests of a tree that is not ours).
 * Those of runs that were killed go when the same test runs next.
 */
#ifndef TEST_HOST_LIB_SCRATCH_H
#define TEST_HOST_LIB_SCRATCH_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Makes the folder, whose path from the root of the tree goes to path. Only one at a
 * time; scratch_remove takes it away. Returns 0, or -1 if that failed. */
static inline int scratch_make(char *path, size_t room)
{
    const char *slash = strrchr(__BASE_FILE__, '/');
    const char *name = slash ? slash + 1 : __BASE_FILE__;
    const char *scratch = getenv("SCRATCH");
    char command[2 * PATH_MAX + 128];
    int length;

    /* The folders are named by process, so that runs side by side do not meet. */
    if (scratch)
        length = snprintf(path, room, "%s/run.%d", scratch, getpid());
    else
        length = snprintf(path, room, "build/test/host/%.*s/run.%d", (int)strcspn(name, "."), name,
                          getpid());
    if (length < 0 || (size_t)length >= room)
        return -1;
    snprintf(command, sizeof(command),
             "mkdir -p '%s' && for d in '%s'/../run.*; do"
             " kill -0 \"${d##*.}\" 2>/dev/null || rm -rf \"$d\"; done",
             path, path);
    return system(command) ? -1 : 0;
}

static inline int scratch_remove(const char *path)
{
    char command[PATH_MAX + 16];

    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    return system(command) ? -1 : 0;
}

#endif
