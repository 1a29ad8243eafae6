/*
 * Pathname patterns: POSIX's glob, over fnmatch and readdir.
 */
#ifndef BANYAN_GLOB_H
#define BANYAN_GLOB_H

#include <stddef.h>

typedef struct {
    size_t gl_pathc; /* paths found */
    char **gl_pathv; /* gl_offs null pointers, the paths, one null pointer */
    size_t gl_offs;
} glob_t;

#define GLOB_APPEND   0x01 /* add to what an earlier call found */
#define GLOB_DOOFFS   0x02 /* honour gl_offs */
#define GLOB_ERR      0x04 /* stop at a directory that cannot be read */
#define GLOB_MARK     0x08 /* a slash after each directory */
#define GLOB_NOCHECK  0x10 /* the pattern itself if nothing matches */
#define GLOB_NOSORT   0x20
#define GLOB_NOESCAPE 0x40 /* a backslash is an ordinary character */

#define GLOB_NOSPACE 1
#define GLOB_ABORTED 2
#define GLOB_NOMATCH 3

/* 0 or one of the three above. */
int glob(const char *__restrict pattern, int flags, int (*errfunc)(const char *path, int err),
         glob_t *__restrict result);
void globfree(glob_t *result);

#endif
