/*
 * diff [-biNqruw] [-U LINES] FILE FILE: what makes the first file the second.
 * Of a folder and a file, the file of that name in the folder is meant; two
 * folders are compared name by name, with -r to their depth. Status 0 if all is
 * equal, 1 if not, 2 after an error.
 */
#include <fcntl.h>
#include <time.h>

#include "user/bin/diff/diff.h"
#include "user/bin/walk.h"

static const char usage[] = "[-biNqruw] [-U LINES] FILE FILE";
struct options options = {.context = 3};
static char *command; /* "diff -u": what is said of each pair under -r */

void *diff_grow(void *old, size_t size)
{
    return util_grow(old, size);
}

static void differ(void)
{
    if (!util_status)
        util_status = 1;
}

static void trouble(const char *path)
{
    util_error(path);
    util_status = 2;
}

/* "path<tab>time" as the head of a unified diff has it, in new memory. */
static char *label(const char *path, const struct stat *info)
{
    char *text = util_grow(NULL, strlen(path) + 64), when[40] = "1970-01-01 00:00:00";
    struct tm tm;

    if (gmtime_r(&info->st_mtim.tv_sec, &tm))
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
    sprintf(text, "%s\t%s.%09ld +0000", path, when, (long)info->st_mtim.tv_nsec);
    return text;
}

static bool any_changed(const struct side *side)
{
    for (long i = 0; i < side->count; i++)
        if (side->lines[i].changed)
            return true;
    return false;
}

static void compare_contents(struct side sides[2], char *const paths[2], const struct stat infos[2],
                             bool tell_pair)
{
    char *labels[2];

    if (sides[0].size == sides[1].size &&
        (!sides[0].size || !memcmp(sides[0].bytes, sides[1].bytes, sides[0].size)))
        return;
    if (options.brief || files_is_binary(&sides[0]) || files_is_binary(&sides[1])) {
        printf("%s %s and %s differ\n", options.brief ? "Files" : "Binary files", paths[0],
               paths[1]);
        differ();
        return;
    }
    files_cut(sides);
    compare_lines(sides);
    if (!any_changed(&sides[0]) && !any_changed(&sides[1]))
        return; /* but for what the options let pass */
    labels[0] = label(paths[0], &infos[0]);
    labels[1] = label(paths[1], &infos[1]);
    if (tell_pair)
        printf("%s %s %s\n", command, paths[0], paths[1]);
    print_changes(sides, labels);
    free(labels[0]);
    free(labels[1]);
    differ();
}

/* Open one of a pair: its descriptor, -1 after an error, -2 for a file that is
 * absent and counts as empty. */
static int open_side(const char *path, struct stat *info)
{
    int fd = strcmp(path, "-") ? open(path, O_RDONLY) : dup(STDIN_FILENO);

    if (fd < 0 && errno == ENOENT && options.absent_empty) {
        *info = (struct stat){.st_mode = S_IFREG};
        return -2;
    }
    if (fd < 0 || fstat(fd, info)) {
        trouble(path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static void compare_files(char *const paths[2], bool tell_pair)
{
    struct side sides[2] = {{NULL, 0, NULL, 0}, {NULL, 0, NULL, 0}};
    struct stat infos[2];
    bool failed = false;

    for (int s = 0; s < 2 && !failed; s++) {
        int fd = open_side(paths[s], &infos[s]);

        if (fd >= 0 && files_read(fd, &sides[s])) {
            trouble(paths[s]);
            failed = true;
        }
        failed = failed || fd == -1;
        if (fd >= 0)
            close(fd);
    }
    if (!failed)
        compare_contents(sides, paths, infos, tell_pair);
    files_free(&sides[0]);
    files_free(&sides[1]);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(const char *path, struct walk_names *list)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY), failed = 0;

    *list = (struct walk_names){NULL, 0};
    if (fd < 0 && errno == ENOENT && options.absent_empty)
        return 0;
    failed = fd < 0 || walk_read(fd, list);
    if (failed)
        trouble(path);
    if (fd >= 0)
        close(fd);
    if (list->count)
        qsort(list->names, list->count, sizeof(char *), by_name);
    return failed;
}

static bool is_folder(const char *path)
{
    struct stat info;

    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

static bool exists(const char *path)
{
    struct stat info;

    return !lstat(path, &info);
}

static void compare_folders(char *const paths[2]);

/* What stands under a name in both folders, or in one of them. */
static void compare_entry(char *const folders[2], const char *name)
{
    char *paths[2] = {util_join(folders[0], name), util_join(folders[1], name)};
    bool there[2] = {exists(paths[0]), exists(paths[1])};
    bool folder[2] = {is_folder(paths[0]), is_folder(paths[1])};

    if (!(there[0] && there[1]) && !options.absent_empty) {
        printf("Only in %s: %s\n", folders[there[0] ? 0 : 1], name);
        differ();
    } else if (there[0] && there[1] && folder[0] != folder[1]) {
        printf("File %s is a %s while file %s is a %s\n", paths[0],
               folder[0] ? "directory" : "regular file", paths[1],
               folder[1] ? "directory" : "regular file");
        differ();
    } else if (!folder[0] && !folder[1]) {
        compare_files(paths, true);
    } else if (options.recursive) {
        compare_folders(paths);
    } else {
        printf("Common subdirectories: %s and %s\n", paths[0], paths[1]);
    }
    free(paths[0]);
    free(paths[1]);
}

static void compare_folders(char *const paths[2])
{
    struct walk_names lists[2];
    size_t i = 0, j = 0;
    bool failed = read_names(paths[0], &lists[0]);

    failed = read_names(paths[1], &lists[1]) || failed;
    while (!failed && (i < lists[0].count || j < lists[1].count)) {
        int order = i == lists[0].count   ? 1
                    : j == lists[1].count ? -1
                                          : strcmp(lists[0].names[i], lists[1].names[j]);

        compare_entry(paths, order <= 0 ? lists[0].names[i] : lists[1].names[j]);
        i += order <= 0;
        j += order >= 0;
    }
    walk_free(&lists[0]);
    walk_free(&lists[1]);
}

/* "diff" and the options as they were given. */
static char *make_command(int argc, char **argv)
{
    size_t size = 16;
    char *text;

    for (int i = 1; i < argc; i++)
        size += strlen(argv[i]) + 1;
    text = util_grow(NULL, size);
    strcpy(text, "diff");
    for (int i = 1; i < argc; i++)
        strcat(strcat(text, " "), argv[i]);
    return text;
}

static void read_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "abiNqruwU:")) != -1) {
        if (option == '?' || (option == 'U' && !util_number(optarg, &options.context)) ||
            options.context > 1000000000) {
            fprintf(stderr, "usage: %s %s\n", util_name, usage);
            exit(2);
        }
        options.blanks_vary = options.blanks_vary || option == 'b';
        options.blanks_vanish = options.blanks_vanish || option == 'w';
        options.ignore_case = options.ignore_case || option == 'i';
        options.absent_empty = options.absent_empty || option == 'N';
        options.brief = options.brief || option == 'q';
        options.recursive = options.recursive || option == 'r';
        options.unified = options.unified || option == 'u' || option == 'U';
    }
}

int main(int argc, char **argv)
{
    char *paths[2], *joined = NULL;
    bool folder[2];

    util_begin(argv);
    read_options(argc, argv);
    if (argc - optind != 2)
        util_usage(usage);
    command = make_command(optind, argv);
    for (int s = 0; s < 2; s++) {
        paths[s] = argv[optind + s];
        folder[s] = is_folder(paths[s]);
    }
    if (folder[0] && folder[1]) {
        compare_folders(paths);
    } else {
        for (int s = 0; s < 2; s++) {
            if (folder[s]) {
                char *name = util_last_name(paths[!s]);

                paths[s] = joined = util_join(paths[s], name);
                free(name);
            }
        }
        compare_files(paths, false);
    }
    free(joined);
    free(command);
    if (ferror(stdout) || fflush(stdout))
        util_output_failed(2);
    return util_status;
}
