/* What goes by the number of names in a directory: all are links to a few files. */
#include "user/bench/bench.h"
#include <fcntl.h>
#include <sys/stat.h>

#define DIRECTORY "/tmp/grow"
#define LINKS     30000ul /* to one file: ext2 has 32,000 at most */

static char name[64];

static const char *name_of(unsigned long i)
{
    snprintf(name, sizeof(name), DIRECTORY "/name%06lu", i);
    return name;
}

static void make_file(void)
{
    int fd = open(DIRECTORY "/file", O_WRONLY | O_CREAT | O_EXCL, 0600);

    MUST(fd >= 0 && close(fd) == 0);
}

/* Names from..to - 1; every LINKS of them another file's. */
static void add_names(unsigned long from, unsigned long to)
{
    for (unsigned long i = from; i < to; i++) {
        if (i % LINKS == 0 && i > 0) {
            MUST(unlink(DIRECTORY "/file") == 0);
            make_file();
        }
        MUST(link(DIRECTORY "/file", name_of(i)) == 0);
    }
}

static void measure(unsigned long n)
{
    char row[40];
    struct stat st;
    unsigned long i = 0;
    int fd;

    snprintf(row, sizeof(row), "found@%lu", n);
    BENCH(row, 1, i = (i + 7919) % n; MUST(stat(name_of(i), &st) == 0));
    snprintf(row, sizeof(row), "missing@%lu", n);
    BENCH(row, 1, i = (i + 7919) % n; MUST(stat(name_of(i + 500000), &st) < 0 && errno == ENOENT));
    snprintf(row, sizeof(row), "create@%lu", n);
    BENCH(row, 1, fd = open(DIRECTORY "/new", O_WRONLY | O_CREAT | O_EXCL, 0600);
          MUST(fd >= 0 && close(fd) == 0 && unlink(DIRECTORY "/new") == 0));
}

int main(void)
{
    static const unsigned long sizes[] = {10, 100, 1000, 10000, 100000};
    unsigned long n = 0;

    MUST(mkdir(DIRECTORY, 0700) == 0);
    make_file();
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        add_names(n, sizes[i]);
        n = sizes[i];
        measure(n);
    }
    return 0;
}
