/*
 * man [SECTION] NAME, man -k WORD...: show the page of a program, a system call or
 * a subject, or name the pages whose title holds all the words.
 *
 * Pages are /man/NAME.SECTION, plain text that begins with the line NAME and one
 * that says "name, other name - what it is"; each name finds the page. At a
 * terminal they are shown by PAGER, or by less if it is there.
 */
#include <ctype.h>
#include <sys/wait.h>

#include "user/bin/walk.h"

#define FOLDER "/man"

static const char usage[] = "[SECTION] NAME | -k WORD...";

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files of the folder in order; MAN_PATH may name another folder. */
static const char *read_folder(struct walk_names *list)
{
    const char *path = getenv("MAN_PATH");
    int fd;

    if (!path)
        path = FOLDER;
    fd = open(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || walk_read(fd, list)) {
        util_error(path);
        exit(1);
    }
    close(fd);
    if (list->count)
        qsort(list->names, list->count, sizeof(char *), by_name);
    return path;
}

/* The section of a file name: what is behind its last dot; "" if it is no page. */
static const char *section_of(const char *file)
{
    const char *dot = strrchr(file, '.');

    return dot && isdigit((unsigned char)dot[1]) && !dot[2] ? dot + 1 : "";
}

/* The title of a page: its second line, blanks at both ends left out; NULL if
 * there is none. In new memory. */
static char *read_title(const char *folder, const char *file)
{
    char *path = util_join(folder, file), *title = NULL;
    FILE *page = fopen(path, "r");
    char line[512];

    if (page && fgets(line, sizeof(line), page) && fgets(line, sizeof(line), page)) {
        char *start = line + strspn(line, " \t");

        start[strcspn(start, "\n")] = '\0';
        title = util_copy(start);
    }
    if (page)
        fclose(page);
    free(path);
    return title;
}

/* Is name one of those in front of " - "? */
static bool has_name(const char *title, const char *name)
{
    const char *end = strstr(title, " - ");
    size_t length = strlen(name);

    for (const char *at = title; end && at < end; at += strcspn(at, ",") + 1) {
        at += strspn(at, " ");
        if (!strncmp(at, name, length) && (at[length] == ',' || at + length == end))
            return true;
    }
    return false;
}

/* The file of the page, or NULL. A file of that name goes before one that only
 * tells of it, and a low section before a high one. */
static char *find(const char *folder, const struct walk_names *list, const char *name,
                  const char *section)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < list->count; i++) {
        const char *found = section_of(list->names[i]);

        if (*found && (!section || !strcmp(found, section)) &&
            !strncmp(list->names[i], name, length) && list->names[i] + length + 1 == found)
            return util_copy(list->names[i]);
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *found = section_of(list->names[i]);
        char *title;
        bool match;

        if (!*found || (section && strcmp(found, section)))
            continue;
        title = read_title(folder, list->names[i]);
        match = title && has_name(title, name);
        free(title);
        if (match)
            return util_copy(list->names[i]);
    }
    return NULL;
}

static bool holds(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (; *text; text++)
        if (!strncasecmp(text, word, length))
            return true;
    return !length;
}

/* -k: the titles that hold all words, in whatever case. */
static void search(const char *folder, const struct walk_names *list, char **words)
{
    bool any = false;

    for (size_t i = 0; i < list->count; i++) {
        const char *section = section_of(list->names[i]);
        char *title = *section ? read_title(folder, list->names[i]) : NULL;
        bool all = title != NULL;

        for (char **word = words; all && *word; word++)
            all = holds(title, *word);
        if (all)
            printf("(%s) %s\n", section, title);
        any = any || all;
        free(title);
    }
    if (!any) {
        util_warn("no title holds these words; `man -k -' names all pages");
        util_status = 1;
    }
}

static void print_page(FILE *out, FILE *page, const char *file)
{
    const char *section = section_of(file);
    int stem = (int)(section - file) - 1, used, c;
    char title[64];

    used = snprintf(title, sizeof(title), "%.*s(%s)", stem > 40 ? 40 : stem, file, section);
    for (char *at = title; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    fprintf(out, "%s%*s%s\n\n", title, 72 - 2 * used, "", title);
    while ((c = getc(page)) != EOF && putc(c, out) != EOF)
        continue;
}

/* A stream into the pager, if the output is a terminal and there is one. */
static FILE *start_pager(pid_t *pid)
{
    const char *pager = getenv("PAGER");
    FILE *stream;
    int ends[2];

    *pid = -1;
    if (!pager)
        pager = "less";
    if (!isatty(STDOUT_FILENO) || pipe(ends))
        return stdout;
    fflush(stdout);
    *pid = fork();
    if (*pid == 0) {
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp(pager, pager, (char *)NULL);
        execlp("cat", "cat", (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    stream = *pid < 0 ? NULL : fdopen(ends[1], "w");
    if (!stream)
        close(ends[1]);
    return stream ? stream : stdout;
}

static void show(const char *folder, const char *file)
{
    char *path = util_join(folder, file);
    FILE *page = util_open(path), *out;
    pid_t pager;

    if (!page)
        exit(1);
    out = start_pager(&pager);
    print_page(out, page, file);
    util_close(page, path);
    free(path);
    if (out != stdout)
        fclose(out); /* that a reader who has seen enough left the rest is no error */
    if (pager >= 0)
        waitpid(pager, NULL, 0);
}

int main(int argc, char **argv)
{
    const char *section = NULL, *folder;
    struct walk_names list;
    char *file;

    util_begin(argv);
    if (argc > 2 && !strcmp(argv[1], "-k")) {
        folder = read_folder(&list);
        search(folder, &list, argv + 2);
        walk_free(&list);
        return util_finish();
    }
    if (argc == 3 && isdigit((unsigned char)argv[1][0]) && !argv[1][1])
        section = argv[1];
    if (argc != (section ? 3 : 2) || argv[1][0] == '-')
        util_usage(usage);
    folder = read_folder(&list);
    file = find(folder, &list, argv[argc - 1], section);
    walk_free(&list);
    if (!file) {
        util_warn("there is no page on %s%s%s; `man -k WORD' searches the titles", argv[argc - 1],
                  section ? " in section " : "", section ? section : "");
        return util_finish();
    }
    show(folder, file);
    free(file);
    return util_finish();
}
