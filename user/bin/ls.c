/*
 * ls [-1aACdFhilrRStU] [PATH...]: names, and what is known of them.
 *
 * One name a line; -C puts them in columns as wide as the terminal. What needs
 * no more than names makes no stat of each file.
 */
#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "user/bin/util.h"

static struct {
    bool all, almost_all, columns, directory, classify, human, inode, details, reverse, recursive,
        by_size, by_time, unsorted;
} want;

struct entry {
    char *name;
    char *path; /* to stat it by */
    bool known; /* info is valid */
    struct stat info;
};

struct list {
    struct entry *entries;
    size_t count, room;
};

static bool need_stat(void)
{
    return want.details || want.inode || want.recursive || want.classify || want.by_size ||
           want.by_time;
}

/* Returns NULL if a stat was needed and failed. name and path now belong to
 * the list. */
static struct entry *add(struct list *list, char *name, char *path, bool follow)
{
    struct entry *entry;

    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->entries = util_grow(list->entries, list->room * sizeof(*entry));
    }
    entry = &list->entries[list->count];
    *entry = (struct entry){.name = name, .path = path};
    if (need_stat()) {
        if (follow ? stat(path, &entry->info) && lstat(path, &entry->info)
                   : lstat(path, &entry->info)) {
            util_error(path);
            free(name);
            free(path);
            return NULL;
        }
        entry->known = true;
    }
    list->count++;
    return entry;
}

static void free_list(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].name);
        free(list->entries[i].path);
    }
    free(list->entries);
    *list = (struct list){NULL, 0, 0};
}

static int compare_times(const struct stat *a, const struct stat *b)
{
    if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
        return a->st_mtim.tv_sec > b->st_mtim.tv_sec ? -1 : 1;
    if (a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
        return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec ? -1 : 1;
    return 0;
}

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = 0;

    if (want.by_time)
        order = compare_times(&a->info, &b->info);
    else if (want.by_size && a->info.st_size != b->info.st_size)
        order = a->info.st_size > b->info.st_size ? -1 : 1;
    if (!order)
        order = strcmp(a->name, b->name);
    return want.reverse ? -order : order;
}

static void sort_list(struct list *list)
{
    if (!want.unsorted && list->count)
        qsort(list->entries, list->count, sizeof(list->entries[0]), compare);
}

/* ------------------------------------------------------------------- printing */

static char type_letter(mode_t mode)
{
    static const char letters[] = "?pc?d?b?-?l?s???";

    return letters[(mode & S_IFMT) >> 12];
}

static void print_mode(mode_t mode)
{
    char text[11] = {type_letter(mode)};

    for (int i = 0; i < 9; i++)
        text[1 + i] = mode & (0400 >> i) ? "rwxrwxrwx"[i] : '-';
    if (mode & S_ISUID)
        text[3] = mode & 0100 ? 's' : 'S';
    if (mode & S_ISGID)
        text[6] = mode & 0010 ? 's' : 'S';
    if (mode & S_ISVTX)
        text[9] = mode & 0001 ? 't' : 'T';
    fputs(text, stdout);
}

static void format_size(char *text, size_t room, unsigned long size)
{
    static const char units[] = "BKMGTP";
    unsigned unit = 0;
    unsigned long tenths;

    if (!want.human || size < 1024) {
        snprintf(text, room, "%lu", size);
        return;
    }
    while (size >= 1024UL * 1024) {
        size = (size + 1023) / 1024;
        unit++;
    }
    unit++;
    tenths = (size * 10 + 1023) / 1024;
    if (tenths < 100)
        snprintf(text, room, "%lu.%lu%c", tenths / 10, tenths % 10, units[unit]);
    else
        snprintf(text, room, "%lu%c", (tenths + 9) / 10, units[unit]);
}

static void print_owner(unsigned id)
{
    if (id)
        printf(" %-5u", id);
    else
        printf(" root ");
}

/* The year in place of the hour when it is more than half a year away. */
static void print_time(time_t when)
{
    time_t now = time(NULL);
    bool near = when <= now + 3600 && when > now - 182L * 86400;
    struct tm tm;
    char text[32];

    if (!localtime_r(&when, &tm) ||
        !strftime(text, sizeof(text), near ? "%b %e %H:%M" : "%b %e  %Y", &tm))
        snprintf(text, sizeof(text), "%12lld", (long long)when);
    printf(" %s ", text);
}

static void print_name(const struct entry *entry)
{
    bool terminal = isatty(STDOUT_FILENO);
    const char *letters = "\0|\0\0/\0\0\0\0\0@\0=\0\0\0";

    for (const char *p = entry->name; *p; p++) {
        /* A name cannot send the terminal commands. */
        bool plain = !terminal || ((unsigned char)*p >= ' ' && *p != 0x7f);

        putchar(plain ? *p : '?');
    }
    if (want.classify && entry->known) {
        mode_t mode = entry->info.st_mode;
        char letter = letters[(mode & S_IFMT) >> 12];

        if (S_ISREG(mode) && (mode & 0111))
            letter = '*';
        if (letter)
            putchar(letter);
    }
}

static void print_link_target(const struct entry *entry)
{
    char target[4096];
    ssize_t length = readlink(entry->path, target, sizeof(target) - 1);

    if (length < 0) {
        util_error(entry->path);
        return;
    }
    target[length] = '\0';
    printf(" -> %s", target);
}

struct widths {
    int links, size, inode;
};

static int digits(unsigned long number)
{
    int count = 1;

    while (number >= 10) {
        number /= 10;
        count++;
    }
    return count;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static struct widths measure(const struct list *list)
{
    struct widths widths = {1, 1, 1};

    for (size_t i = 0; i < list->count && need_stat(); i++) {
        const struct stat *info = &list->entries[i].info;
        char text[32];

        format_size(text, sizeof(text), (unsigned long)info->st_size);
        widths.links = larger(widths.links, digits(info->st_nlink));
        widths.size = larger(widths.size, (int)strlen(text));
        widths.inode = larger(widths.inode, digits(info->st_ino));
    }
    return widths;
}

static void print_entry(const struct entry *entry, const struct widths *widths)
{
    const struct stat *info = &entry->info;
    char size[32];

    if (want.inode)
        printf("%*lu ", widths->inode, (unsigned long)info->st_ino);
    if (!want.details) {
        print_name(entry);
        return;
    }
    print_mode(info->st_mode);
    printf(" %*lu", widths->links, (unsigned long)info->st_nlink);
    print_owner(info->st_uid);
    print_owner(info->st_gid);
    if (S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode))
        snprintf(size, sizeof(size), "%u,%u", (unsigned)info->st_rdev >> 8,
                 (unsigned)info->st_rdev & 0xff);
    else
        format_size(size, sizeof(size), (unsigned long)info->st_size);
    printf(" %*s", widths->size, size);
    print_time(info->st_mtim.tv_sec);
    print_name(entry);
    if (S_ISLNK(info->st_mode))
        print_link_target(entry);
}

static int terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < 2)
        return 80;
    return size.ws_col;
}

/* Down the columns, as many as fit. */
static void print_columns(const struct list *list, const struct widths *widths)
{
    size_t longest = 1, across, rows;

    for (size_t i = 0; i < list->count; i++) {
        size_t length = strlen(list->entries[i].name) + want.classify;

        longest = length > longest ? length : longest;
    }
    longest += 2 + (want.inode ? (size_t)widths->inode + 1 : 0);
    across = (size_t)terminal_width() / longest;
    across = across ? across : 1;
    rows = (list->count + across - 1) / across;
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = row; i < list->count; i += rows) {
            const struct entry *entry = &list->entries[i];
            size_t used = strlen(entry->name) + (want.inode ? (size_t)widths->inode + 1 : 0);

            print_entry(entry, widths);
            if (i + rows < list->count)
                printf("%*s", (int)(longest - used), "");
        }
        putchar('\n');
    }
}

static void print_list(const struct list *list)
{
    struct widths widths = measure(list);

    if (want.columns && !want.details) {
        print_columns(list, &widths);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        print_entry(&list->entries[i], &widths);
        putchar('\n');
    }
}

/* ----------------------------------------------------------------- directories */

static bool is_dots(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

static bool read_directory(const char *path, struct list *list)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;

    if (!dir) {
        util_error(path);
        return false;
    }
    while (errno = 0, (entry = readdir(dir))) {
        const char *name = entry->d_name;

        if (name[0] == '.' && !want.all && (!want.almost_all || is_dots(name)))
            continue;
        add(list, util_copy(name), util_join(path, name), false);
    }
    if (errno)
        util_error(path);
    closedir(dir);
    return true;
}

static unsigned long total_blocks(const struct list *list)
{
    unsigned long blocks = 0;

    for (size_t i = 0; i < list->count; i++)
        blocks += (unsigned long)list->entries[i].info.st_blocks;
    return (blocks + 1) / 2;
}

static void list_directory(const char *path, bool title)
{
    static bool printed;
    struct list list = {NULL, 0, 0};

    if (!read_directory(path, &list))
        return;
    if (title)
        printf("%s%s:\n", printed ? "\n" : "", path);
    printed = true;
    sort_list(&list);
    if (want.details)
        printf("total %lu\n", total_blocks(&list));
    print_list(&list);
    for (size_t i = 0; want.recursive && i < list.count; i++) {
        const struct entry *entry = &list.entries[i];

        if (S_ISDIR(entry->info.st_mode) && !is_dots(entry->name))
            list_directory(entry->path, true);
    }
    free_list(&list);
}

/* Sort the operands into files, listed now, and directories, listed after. */
static void list_operands(int count, char **paths)
{
    struct list files = {NULL, 0, 0}, directories = {NULL, 0, 0};
    struct stat info;

    for (int i = 0; i < count; i++) {
        bool follow = !want.details || paths[i][strlen(paths[i]) - !!*paths[i]] == '/';

        if (lstat(paths[i], &info)) {
            util_error(*paths[i] ? paths[i] : "''");
            continue;
        }
        if (follow && S_ISLNK(info.st_mode) && !want.directory)
            stat(paths[i], &info);
        add(S_ISDIR(info.st_mode) && !want.directory ? &directories : &files, util_copy(paths[i]),
            util_copy(paths[i]), follow && !want.directory);
    }
    sort_list(&files);
    print_list(&files);
    sort_list(&directories);
    for (size_t i = 0; i < directories.count; i++) {
        if (!i && files.count)
            putchar('\n');
        list_directory(directories.entries[i].path, count > 1 || want.recursive);
    }
    free_list(&files);
    free_list(&directories);
}

int main(int argc, char **argv)
{
    static const struct {
        char letter;
        bool *flag;
    } options[] = {
        {'a', &want.all},       {'A', &want.almost_all}, {'C', &want.columns},
        {'d', &want.directory}, {'F', &want.classify},   {'h', &want.human},
        {'i', &want.inode},     {'l', &want.details},    {'r', &want.reverse},
        {'R', &want.recursive}, {'S', &want.by_size},    {'t', &want.by_time},
        {'U', &want.unsorted},
    };
    static char here[] = ".";
    char *paths[] = {here};
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "1aACdFhilrRStU")) != -1) {
        if (option == '?')
            util_usage("[-1aACdFhilrRStU] [PATH...]");
        if (option == '1')
            want.columns = false;
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
            if (options[i].letter == option)
                *options[i].flag = true;
    }
    if (optind < argc)
        list_operands(argc - optind, argv + optind);
    else
        list_operands(1, paths);
    return util_finish();
}
