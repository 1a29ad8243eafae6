/*
 * Directories with very many names.
 *
 * test: points=3 cpus=2 timeout=600
 */
#include "user/test/proc_util.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define DIR_  "/tmp/file_list"
#define FILES 10000

static const char *name_of(unsigned i)
{
    static char name[40];

    /* Not in order, and of several lengths. */
    snprintf(name, sizeof(name), "%s%u", i % 3 ? "file-with-a-longer-name-" : "f",
             i * 7919 % 20011);
    return name;
}

static int create_all(void *unused)
{
    (void)unused;
    CHECK_IS(mkdir(DIR_, 0755), 0);
    CHECK_IS(chdir(DIR_), 0);
    for (unsigned i = 0; i < FILES; i++) {
        int fd = open(name_of(i), O_WRONLY | O_CREAT | O_EXCL, 0600);
        CHECK(fd >= 0);
        CHECK_IS(close(fd), 0);
    }
    return 0;
}

/* The listing holds each name once and nothing else. */
static int list_all(void *unused)
{
    static unsigned char seen[FILES];
    static short index[20011];
    DIR *d = opendir(DIR_);
    struct dirent *e;
    unsigned n = 0, dots = 0;

    (void)unused;
    CHECK(d != 0);
    memset(index, -1, sizeof(index));
    for (unsigned i = 0; i < FILES; i++)
        index[i * 7919 % 20011] = (short)i;
    while ((e = readdir(d))) {
        const char *digits = e->d_name + strcspn(e->d_name, "0123456789");
        unsigned number = (unsigned)strtoul(digits, 0, 10);
        if (*digits == 0) {
            CHECK(strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
            dots++;
            continue;
        }
        CHECK(number < 20011 && index[number] >= 0);
        CHECK(!seen[index[number]]);
        CHECK(strcmp(e->d_name, name_of((unsigned)index[number])) == 0);
        seen[index[number]] = 1;
        n++;
    }
    CHECK_IS(closedir(d), 0);
    CHECK_IS(n, FILES);
    CHECK_IS(dots, 2);
    return 0;
}

static int find_some(void *unused)
{
    struct stat st;

    (void)unused;
    CHECK_IS(chdir(DIR_), 0);
    for (unsigned i = 0; i < FILES; i += 7)
        CHECK_IS(stat(name_of(i), &st), 0);
    for (unsigned i = 0; i < 500; i++) {
        char none[40];
        snprintf(none, sizeof(none), "none-%u", i);
        CHECK(stat(none, &st) < 0 && errno == ENOENT);
    }
    CHECK(open(name_of(77), O_CREAT | O_EXCL | O_WRONLY, 0600) < 0 && errno == EEXIST);
    return 0;
}

/* Files come and go while one lists: those that stay are listed once each. */
static int list_while_changing(void *unused)
{
    DIR *d = opendir(DIR_);
    struct dirent *e;
    unsigned others = 0, temporary = 0;
    char name[40];

    (void)unused;
    CHECK(d != 0);
    CHECK_IS(chdir(DIR_), 0);
    while ((e = readdir(d))) {
        if (strncmp(e->d_name, "temp", 4) == 0)
            continue;
        if (++others % 100 == 0) {
            snprintf(name, sizeof(name), "temp%u", temporary);
            int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
            CHECK(fd >= 0);
            CHECK_IS(close(fd), 0);
            if (temporary++) {
                snprintf(name, sizeof(name), "temp%u", temporary - 2);
                CHECK_IS(unlink(name), 0);
            }
        }
    }
    CHECK_IS(closedir(d), 0);
    CHECK_IS(others, FILES + 2);
    snprintf(name, sizeof(name), "temp%u", temporary - 1);
    return unlink(name);
}

static int delete_all(void *unused)
{
    struct stat st;

    (void)unused;
    CHECK_IS(chdir(DIR_), 0);
    CHECK(rmdir(DIR_) < 0 && errno == ENOTEMPTY);
    for (unsigned i = 0; i < FILES; i++)
        CHECK_IS(unlink(name_of(FILES - 1 - i)), 0);
    CHECK(stat(name_of(5), &st) < 0 && errno == ENOENT);
    CHECK_IS(chdir("/"), 0);
    return rmdir(DIR_);
}

int main(void)
{
    static const struct proc_test tests[] = {
        {create_all, "create 10,000 files in one directory"},
        {list_all, "list them: each once"},
        {find_some, "find some, and not others"},
        {list_while_changing, "list while others come and go"},
        {delete_all, "delete them all"},
    };

    ktap_plan(6);
    ledger_begin();
    for (int i = 0; i < 5; i++) {
        long start = now_ns();
        ok_child(tests[i].fn, 0, tests[i].name);
        diag("%ld ms", (now_ns() - start) / MS);
    }
    ledger_end_ok("all frames are back");
    return ktap_done();
}
