/*
 * glob: one path component at a time, from left to right. A component without
 * wildcards is taken as it stands; one with them is matched against the names
 * in the directory so far. Names that start with a dot are matched only by a
 * pattern that does.
 */
#include "user/lib/glue.h"

#include <dirent.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

struct search {
    int flags;
    int (*errfunc)(const char *path, int err);
    glob_t *result;
    size_t before; /* paths there before this call */
    char path[PATH_MAX_ABI];
};

static int glob_expand(struct search *search, size_t len, const char *pattern);

static int glob_add(struct search *search, const char *path)
{
    glob_t *g = search->result;
    size_t offs = search->flags & GLOB_DOOFFS ? g->gl_offs : 0;
    char **grown = realloc(g->gl_pathv, (offs + g->gl_pathc + 2) * sizeof(*grown));
    char *copy;

    if (!grown)
        return GLOB_NOSPACE;
    if (!g->gl_pathv)
        memset(grown, 0, (offs + 1) * sizeof(*grown));
    g->gl_pathv = grown;
    copy = strdup(path);
    if (!copy)
        return GLOB_NOSPACE;
    grown[offs + g->gl_pathc++] = copy;
    grown[offs + g->gl_pathc] = 0;
    return 0;
}

/* True if text, up to end, has a character that makes it a pattern. */
static int glob_is_pattern(const struct search *search, const char *text, const char *end)
{
    for (; text < end; text++) {
        if (*text == '*' || *text == '?' || *text == '[')
            return 1;
        if (*text == '\\' && !(search->flags & GLOB_NOESCAPE))
            return 1;
    }
    return 0;
}

/* The whole pattern is used up: path names something, or nothing. */
static int glob_found(struct search *search, size_t len)
{
    struct stat st;

    search->path[len] = '\0';
    if (lstat(search->path, &st) < 0)
        return 0;
    if ((search->flags & GLOB_MARK) && len > 0 && search->path[len - 1] != '/' &&
        len + 1 < sizeof(search->path) && stat(search->path, &st) == 0 && S_ISDIR(st.st_mode)) {
        search->path[len] = '/';
        search->path[len + 1] = '\0';
    }
    return glob_add(search, search->path);
}

static int glob_failed(struct search *search, const char *path, int err)
{
    if (search->errfunc && search->errfunc(path, err))
        return GLOB_ABORTED;
    return search->flags & GLOB_ERR ? GLOB_ABORTED : 0;
}

/* Try every name of the directory path[0..len) against one component. */
static int glob_match(struct search *search, size_t len, const char *component, const char *rest)
{
    int fn_flags = FNM_PERIOD | (search->flags & GLOB_NOESCAPE ? FNM_NOESCAPE : 0);
    struct dirent *entry;
    int result = 0;
    DIR *dir;

    search->path[len] = '\0';
    dir = opendir(len ? search->path : ".");
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ? 0 : glob_failed(search, search->path, errno);
    errno = 0;
    while (result == 0 && (entry = readdir(dir))) {
        size_t name_len = strlen(entry->d_name);
        /* A pattern with a slash after it can only mean a directory. */
        if (*rest && entry->d_type != DT_DIR && entry->d_type != DT_LNK &&
            entry->d_type != DT_UNKNOWN)
            continue;
        if (fnmatch(component, entry->d_name, fn_flags) != 0 ||
            len + name_len + 1 >= sizeof(search->path))
            continue;
        memcpy(search->path + len, entry->d_name, name_len);
        result = glob_expand(search, len + name_len, rest);
        errno = 0;
    }
    if (result == 0 && !entry && errno) {
        search->path[len] = '\0';
        result = glob_failed(search, search->path, errno);
    }
    closedir(dir);
    return result;
}

/* path[0..len) is settled; go on with the rest of the pattern. */
static int glob_expand(struct search *search, size_t len, const char *pattern)
{
    char component[NAME_MAX_ABI + 1];
    const char *end;
    size_t n;

    while (*pattern == '/') {
        if (len + 1 >= sizeof(search->path))
            return 0;
        search->path[len++] = *pattern++;
    }
    if (!*pattern)
        return glob_found(search, len);
    end = pattern + strcspn(pattern, "/");
    n = (size_t)(end - pattern);
    if (!glob_is_pattern(search, pattern, end)) {
        if (len + n >= sizeof(search->path))
            return 0;
        memcpy(search->path + len, pattern, n);
        return glob_expand(search, len + n, end);
    }
    if (n >= sizeof(component))
        return 0; /* longer than any name */
    memcpy(component, pattern, n);
    component[n] = '\0';
    return glob_match(search, len, component, end);
}

static int glob_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int glob(const char *restrict pattern, int flags, int (*errfunc)(const char *path, int err),
         glob_t *restrict result)
{
    struct search *search = malloc(sizeof(*search));
    size_t offs = flags & GLOB_DOOFFS ? result->gl_offs : 0;
    int err;

    if (!(flags & GLOB_APPEND)) {
        result->gl_pathc = 0;
        result->gl_pathv = 0;
    }
    if (!search)
        return GLOB_NOSPACE;
    search->flags = flags;
    search->errfunc = errfunc;
    search->result = result;
    search->before = result->gl_pathc;
    err = *pattern ? glob_expand(search, 0, pattern) : 0;
    if (err == 0 && result->gl_pathc == search->before)
        err = flags & GLOB_NOCHECK ? glob_add(search, pattern) : GLOB_NOMATCH;
    else if (err == 0 && !(flags & GLOB_NOSORT))
        qsort(result->gl_pathv + offs + search->before, result->gl_pathc - search->before,
              sizeof(char *), glob_compare);
    free(search);
    return err;
}

void globfree(glob_t *result)
{
    char **paths = result->gl_pathv;

    /* The leading places are null; where the paths start is not remembered. */
    for (size_t i = 0, freed = 0; paths && freed < result->gl_pathc; i++) {
        if (paths[i]) {
            free(paths[i]);
            freed++;
        }
    }
    free(paths);
    result->gl_pathv = 0;
    result->gl_pathc = 0;
}
