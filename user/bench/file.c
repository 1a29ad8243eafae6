/* Files that are in memory. */
#include "user/bench/bench.h"
#include <fcntl.h>
#include <sys/stat.h>

#define PAGE  4096ul
#define PAGES 64ul
#define NAME  "/tmp/bench.file"

static char data[PAGE], back[PAGE];

static void read_and_write(void)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    unsigned long page = 0;

    MUST(fd >= 0);
    for (unsigned long i = 0; i < PAGES; i++) {
        memset(data, (int)i, PAGE);
        MUST(write(fd, data, PAGE) == (long)PAGE);
    }
    MUST(fsync(fd) == 0);
    BENCH("read4k", 1, page = (page + 1) % PAGES;
          MUST(pread(fd, back, PAGE, (off_t)(page * PAGE)) == (long)PAGE);
          MUST(back[0] == (char)page && back[PAGE - 1] == (char)page));
    BENCH("read1", 1, back[0] = 1; MUST(pread(fd, back, 1, 5) == 1 && back[0] == 0));
    memset(data, 77, PAGE);
    BENCH("write4k", 1, page = (page + 1) % PAGES;
          MUST(pwrite(fd, data, PAGE, (off_t)(page * PAGE)) == (long)PAGE));
    for (unsigned long i = 0; i < PAGES; i++)
        MUST(pread(fd, back, PAGE, (off_t)(i * PAGE)) == (long)PAGE &&
             memcmp(back, data, PAGE) == 0);
    MUST(close(fd) == 0);
}

/* Appended to a file that is cut off again when it has grown. */
static void write_new(void)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

    MUST(fd >= 0);
    BENCH_BETWEEN("write4k-new", 256, MUST(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0), ,
                  for (unsigned i = 0; i < 256; i++) MUST(write(fd, data, PAGE) == (long)PAGE));
    MUST(pread(fd, back, PAGE, 255 * PAGE) == (long)PAGE && memcmp(back, data, PAGE) == 0);
    MUST(close(fd) == 0);
}

static void names(void)
{
    struct stat st;
    int fd;

    BENCH("open", 1, fd = open(NAME, O_RDONLY); MUST(fd >= 0 && close(fd) == 0));
    BENCH("stat", 1, st.st_size = 0; MUST(stat(NAME, &st) == 0 && st.st_size == 256 * PAGE));
    BENCH("create", 1, fd = open("/tmp/bench.new", O_RDWR | O_CREAT | O_EXCL, 0600);
          MUST(fd >= 0 && close(fd) == 0 && unlink("/tmp/bench.new") == 0));
}

int main(void)
{
    read_and_write();
    write_new();
    names();
    MUST(unlink(NAME) == 0);
    return 0;
}
