/*
 * grep [-EFchilnqrsvwx] [-e PATTERN]... [-f FILE] [PATTERN] [FILE...]: lines
 * that match. Status 0 if one did, 1 if none, 2 after an error.
 *
 * Patterns are <regex.h>'s; -F patterns are plain text and are searched as such.
 * NUL bytes in a line end it for the pattern, not for what is printed.
 */
#include <ctype.h>
#include <regex.h>

#include "user/bin/walk.h"

static const char usage[] = "[-EFchilnqrsvwx] [-e PATTERN]... [PATTERN] [FILE...]";

static struct {
    bool extended, fixed, count, no_names, ignore_case, list, numbers, quiet, recursive, silent,
        invert, word, whole, names;
} want;

struct pattern {
    const char *text; /* -F */
    size_t length;
    regex_t regex; /* otherwise */
};

static struct pattern *patterns;
static size_t pattern_count;
static bool found_any, failed;

static void add_pattern(const char *text, size_t length)
{
    int flags = (want.extended ? REG_EXTENDED : 0) | (want.ignore_case ? REG_ICASE : 0);
    char message[128];
    char *copy = util_grow(NULL, length + 1);
    struct pattern *pattern;
    int error;

    memcpy(copy, text, length);
    copy[length] = '\0';
    patterns = util_grow(patterns, (pattern_count + 1) * sizeof(*patterns));
    pattern = &patterns[pattern_count++];
    pattern->text = copy;
    pattern->length = length;
    if (want.fixed)
        return;
    /* Not every regcomp takes an empty pattern; this one also matches all. */
    error = regcomp(&pattern->regex, length ? copy : "^", flags);
    if (error) {
        regerror(error, &pattern->regex, message, sizeof(message));
        util_warn("%s: %s", copy, message);
        exit(2);
    }
}

/* A pattern argument: one pattern on each of its lines. */
static void add_patterns(const char *text)
{
    for (;;) {
        size_t length = strcspn(text, "\n");

        add_pattern(text, length);
        if (!text[length])
            return;
        text += length + 1;
    }
}

static bool is_word(char c)
{
    return c == '_' || isalnum((unsigned char)c);
}

/* -w and -x: may a match from start to end of the line count? */
static bool fits(const char *line, size_t length, size_t start, size_t end)
{
    if (want.whole && (start > 0 || end < length))
        return false;
    if (want.word && start > 0 && is_word(line[start - 1]))
        return false;
    if (want.word && end < length && is_word(line[end]))
        return false;
    return true;
}

static bool same_text(const char *a, const char *b, size_t length)
{
    if (!want.ignore_case)
        return !memcmp(a, b, length);
    for (size_t i = 0; i < length; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    return true;
}

static bool match_fixed(const struct pattern *pattern, const char *line, size_t length)
{
    for (size_t start = 0; start + pattern->length <= length; start++) {
        if (same_text(line + start, pattern->text, pattern->length) &&
            fits(line, length, start, start + pattern->length))
            return true;
    }
    return false;
}

static bool match_regex(const struct pattern *pattern, const char *line, size_t length)
{
    size_t offset = 0;
    regmatch_t match;

    while (!regexec(&pattern->regex, line + offset, 1, &match, offset ? REG_NOTBOL : 0)) {
        if (fits(line, length, offset + (size_t)match.rm_so, offset + (size_t)match.rm_eo))
            return true;
        /* Look for another place; each try begins further right. */
        offset += (size_t)match.rm_so + 1;
        if (offset > length)
            break;
    }
    return false;
}

static bool match_line(const char *line, size_t length)
{
    for (size_t i = 0; i < pattern_count; i++) {
        if (want.fixed ? match_fixed(&patterns[i], line, length)
                       : match_regex(&patterns[i], line, length))
            return true;
    }
    return false;
}

static void print_line(const char *name, unsigned long number, const char *line, size_t length)
{
    if (want.names)
        printf("%s:", name);
    if (want.numbers)
        printf("%lu:", number);
    fwrite(line, 1, length, stdout);
    putchar('\n');
}

static void tell_error(const char *path)
{
    failed = true;
    if (!want.silent)
        util_error(path);
}

static void search(FILE *file, const char *name)
{
    unsigned long number = 0, matches = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    while ((length = getline(&line, &room, file)) >= 0) {
        number++;
        if (length && line[length - 1] == '\n')
            line[--length] = '\0';
        if (match_line(line, (size_t)length) == want.invert)
            continue;
        matches++;
        if (want.quiet || want.list)
            break;
        if (!want.count)
            print_line(name, number, line, (size_t)length);
    }
    if (ferror(file))
        tell_error(name);
    free(line);
    found_any = found_any || matches;
    if (want.quiet)
        return;
    if (want.count && want.names)
        printf("%s:", name);
    if (want.count)
        printf("%lu\n", matches);
    if (want.list && matches)
        printf("%s\n", name);
}

static void search_entry(int dir, const char *name, const char *path);

static void search_directory(int fd, const char *path)
{
    struct walk_names list;

    if (walk_read(fd, &list))
        tell_error(path);
    for (size_t i = 0; i < list.count; i++) {
        char *inner = util_join(path, list.names[i]);

        search_entry(fd, list.names[i], inner);
        free(inner);
    }
    walk_free(&list);
}

/* name in the directory dir; path is what it is called in the output. Of what
 * -r finds, only files and directories are opened: no link is followed, and no
 * pipe waited for. */
static void search_entry(int dir, const char *name, const char *path)
{
    struct stat info;
    FILE *file;
    int fd;

    if (dir != AT_FDCWD && !fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) &&
        !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return;
    fd = openat(dir, name, O_RDONLY);
    if (fd < 0 || fstat(fd, &info)) {
        tell_error(path);
        if (fd >= 0)
            close(fd);
        return;
    }
    if (S_ISDIR(info.st_mode)) {
        if (!want.recursive) {
            failed = true;
            if (!want.silent)
                util_warn("%s: is a directory", path);
        } else {
            search_directory(fd, path);
        }
        close(fd);
        return;
    }
    file = fdopen(fd, "r");
    if (!file) {
        tell_error(path);
        close(fd);
        return;
    }
    search(file, path);
    fclose(file);
}

static void set_option(int option)
{
    static const struct {
        char letter;
        bool *flag;
    } options[] = {
        {'E', &want.extended},    {'F', &want.fixed},  {'c', &want.count},   {'h', &want.no_names},
        {'i', &want.ignore_case}, {'l', &want.list},   {'n', &want.numbers}, {'q', &want.quiet},
        {'r', &want.recursive},   {'s', &want.silent}, {'v', &want.invert},  {'w', &want.word},
        {'x', &want.whole},
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].letter == option)
            *options[i].flag = true;
}

int main(int argc, char **argv)
{
    static char here[] = ".";
    char **given = util_grow(NULL, (size_t)argc * sizeof(char *));
    int option, count = 0;

    util_begin(argv);
    while ((option = getopt(argc, argv, "EFchilnqrsvwxe:")) != -1) {
        if (option == '?')
            util_usage(usage);
        if (option == 'e')
            given[count++] = optarg; /* compiled when all options are known */
        set_option(option);
    }
    if (!count) {
        if (optind == argc)
            util_usage(usage);
        given[count++] = argv[optind++];
    }
    for (int i = 0; i < count; i++)
        add_patterns(given[i]);
    free(given);
    want.names = (argc - optind > 1 || want.recursive) && !want.no_names;
    if (optind == argc && want.recursive)
        search_entry(AT_FDCWD, here, here);
    else if (optind == argc)
        search(stdin, "(standard input)");
    for (; optind < argc && !(want.quiet && found_any); optind++) {
        if (strcmp(argv[optind], "-"))
            search_entry(AT_FDCWD, argv[optind], argv[optind]);
        else
            search(stdin, "(standard input)");
    }
    if (ferror(stdout) || fflush(stdout))
        util_output_failed(2);
    if (failed && !(want.quiet && found_any))
        return 2;
    return !found_any;
}
