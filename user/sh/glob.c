/*
 * File names from patterns. See glob.h.
 *
 * One component of the pattern at a time: one without anything special is put
 * on as it is, one with it is compared with every name in the directory.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "user/sh/glob.h"
#include "user/sh/shell.h"

/* A `[` that nothing closes is plain: the command `[` reads no directory. */
static bool has_special(const char *pattern, size_t length)
{
    bool bracket = false;

    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '\\')
            i++;
        else if (pattern[i] == '*' || pattern[i] == '?' || (pattern[i] == ']' && bracket))
            return true;
        else if (pattern[i] == '[')
            bracket = true;
    }
    return false;
}

static void add_unquoted(struct strbuf *path, const char *pattern, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '\\' && i + 1 < length)
            i++;
        strbuf_put(path, pattern[i]);
    }
}

char *glob_unquote(struct arena *arena, const char *pattern)
{
    struct strbuf text;

    strbuf_init(&text, arena);
    add_unquoted(&text, pattern, strlen(pattern));
    return strbuf_text(&text);
}

static void walk(struct strbuf *path, const char *pattern, struct strlist *found);

/* path is complete up to here; rest begins with the `/`s of the pattern. */
static void walk_on(struct strbuf *path, const char *rest, struct strlist *found)
{
    struct stat info;

    while (*rest == '/')
        strbuf_put(path, *rest++);
    if (*rest) {
        walk(path, rest, found);
    } else if (!lstat(strbuf_text(path), &info)) {
        strlist_add(found, arena_copy(shell.stack, path->data, path->length));
    }
}

/* The names in the directory that match, copied: the directory is closed again
 * before anything below it is opened. */
static void list_matches(const char *directory, const char *component, struct strlist *names)
{
    DIR *dir = opendir(directory[0] ? directory : ".");
    const struct dirent *entry;

    if (!dir)
        return;
    while ((entry = readdir(dir))) {
        const char *name = entry->d_name;

        if (name[0] == '.' && component[0] != '.' && strncmp(component, "\\.", 2))
            continue;
        if (match(component, name))
            strlist_add(names, arena_copy(shell.stack, name, strlen(name)));
    }
    closedir(dir);
}

static void walk(struct strbuf *path, const char *pattern, struct strlist *found)
{
    size_t length = strcspn(pattern, "/");
    size_t before = path->length;
    struct strlist names;

    if (!has_special(pattern, length)) {
        add_unquoted(path, pattern, length);
        walk_on(path, pattern + length, found);
        path->length = before;
        return;
    }
    strlist_init(&names, shell.stack);
    list_matches(strbuf_text(path), arena_copy(shell.stack, pattern, length), &names);
    for (size_t i = 0; i < names.count; i++) {
        strbuf_adds(path, names.items[i]);
        walk_on(path, pattern + length, found);
        path->length = before;
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool glob_expand(const char *pattern, struct strlist *list)
{
    struct strlist found;
    struct strbuf path;

    if (!has_special(pattern, strlen(pattern)))
        return false;
    strlist_init(&found, shell.stack);
    strbuf_init(&path, shell.stack);
    if (pattern[0] == '/')
        walk_on(&path, pattern, &found);
    else
        walk(&path, pattern, &found);
    qsort(found.items, found.count, sizeof(char *), compare);
    for (size_t i = 0; i < found.count; i++)
        strlist_add(list, found.items[i]);
    return found.count > 0;
}
