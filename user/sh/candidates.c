/*
 * Completion: what a word can become. See complete.h.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/sh/builtin.h"
#include "user/sh/complete.h"
#include "user/sh/exec.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

struct search {
    const char *beginning;
    struct strlist *list;
};

static void offer(const char *name, void *context)
{
    const struct search *search = context;

    if (!strncmp(name, search->beginning, strlen(search->beginning)))
        strlist_add(search->list, arena_copy(search->list->arena, name, strlen(name)));
}

/* directory/name, which is where the file is. */
static char *join(const char *directory, const char *name)
{
    struct strbuf path;

    strbuf_init(&path, shell.stack);
    strbuf_adds(&path, directory);
    if (path.length && path.data[path.length - 1] != '/')
        strbuf_put(&path, '/');
    strbuf_adds(&path, name);
    return strbuf_text(&path);
}

/* Files of the directory whose names begin right; want: folders only, or programs
 * only, or all. Hidden files are for those who ask for them. */
static void offer_files(const char *directory, struct search *search, enum complete_kind want)
{
    size_t length = strlen(search->beginning);
    DIR *dir = opendir(directory);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        const char *name = entry->d_name, *path;
        struct stat info;

        if (strncmp(name, search->beginning, length) || (name[0] == '.' && !length) ||
            !strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        path = join(directory, name);
        if (stat(path, &info)) {
            if (want == COMPLETE_FILE) /* a link to nowhere is a name all the same */
                offer(name, search);
        } else if (S_ISDIR(info.st_mode)) {
            if (want != COMPLETE_COMMAND)
                offer(join(name, ""), search);
        } else if (want == COMPLETE_FILE || (want == COMPLETE_COMMAND && !access(path, X_OK))) {
            offer(name, search);
        }
    }
    if (dir)
        closedir(dir);
}

static void offer_commands(struct search *search)
{
    static const char *const words[] = {"case", "do", "done", "elif", "else",  "esac", "fi",
                                        "for",  "if", "in",   "then", "until", "while"};
    const char *dirs = var_get("PATH");

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        offer(words[i], search);
    for (size_t i = 0; builtin_name(i); i++)
        offer(builtin_name(i), search);
    function_each(offer, search);
    while (dirs && *dirs) {
        size_t length = strcspn(dirs, ":");

        offer_files(length ? arena_copy(shell.stack, dirs, length) : ".", search, COMPLETE_COMMAND);
        dirs += length + (dirs[length] != '\0');
    }
}

/* The folder that the word's file lies in: what is before its last slash, ~ resolved. */
static const char *folder_of(const char *text)
{
    const char *slash = strrchr(text, '/'), *home = var_get("HOME");
    char *folder;

    if (!slash)
        return ".";
    folder = arena_copy(shell.stack, text, (size_t)(slash - text) + 1);
    if (folder[0] == '~' && folder[1] == '/' && home)
        return join(home, folder + 2);
    return folder;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_and_unite(struct strlist *list)
{
    size_t kept = 0;

    if (list->count)
        qsort(list->items, list->count, sizeof(*list->items), compare);
    for (size_t i = 0; i < list->count; i++)
        if (!kept || strcmp(list->items[kept - 1], list->items[i]))
            list->items[kept++] = list->items[i];
    list->count = kept;
}

void complete_candidates(const struct complete_word *word, struct strlist *list)
{
    struct search search = {word->text, list};

    if (word->kind == COMPLETE_VARIABLE) {
        vars_each(offer, &search);
    } else if (word->kind == COMPLETE_COMMAND) {
        offer_commands(&search);
    } else {
        search.beginning = word->text + strlen(word->text) - complete_typed(word);
        offer_files(folder_of(word->text), &search, word->kind);
    }
    sort_and_unite(list);
}
