/* What goes by the number of files that a process has open. */
#include "user/bench/bench.h"
#include <fcntl.h>

#define NAME "/tmp/grow.file"

int main(void)
{
    static const unsigned long counts[] = {1, 10, 100, 1000};
    unsigned long open_now = 0;
    char row[40], byte = 'x';
    int fd;

    fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(fd >= 0 && write(fd, &byte, 1) == 1);
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (; open_now < counts[i]; open_now++)
            MUST(open(NAME, O_RDONLY) >= 0);
        snprintf(row, sizeof(row), "open@%lu", counts[i]);
        BENCH(row, 1, fd = open(NAME, O_RDONLY); MUST(fd >= 0 && close(fd) == 0));
        fd = open(NAME, O_RDONLY);
        snprintf(row, sizeof(row), "read1@%lu", counts[i]);
        BENCH(row, 1, byte = 0; MUST(pread(fd, &byte, 1, 0) == 1 && byte == 'x'));
        MUST(close(fd) == 0);
    }
    MUST(unlink(NAME) == 0);
    return 0;
}
