/* Page faults and mappings. */
#include "user/bench/bench.h"
#include <fcntl.h>
#include <sys/mman.h>

#define PAGE  4096ul
#define PAGES 256ul

static volatile char *pages;

static void map(int flags, int fd)
{
    pages = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    MUST(pages != MAP_FAILED);
}

static void unmap(void)
{
    MUST(munmap((void *)pages, PAGES * PAGE) == 0);
}

static void write_all(void)
{
    for (unsigned long i = 0; i < PAGES; i++)
        pages[i * PAGE] = 1;
}

static unsigned long read_all(void)
{
    unsigned long sum = 0;

    for (unsigned long i = 0; i < PAGES; i++)
        sum += (unsigned char)pages[i * PAGE];
    return sum;
}

static void sleep_for_ever(void)
{
    for (;;)
        sys_sleep(1ul << 60);
}

/* A child holds all pages, and does nothing: each write copies one. */
static int share_pages(void)
{
    write_all();
    return bench_spawn(sleep_for_ever);
}

static void write_shared(void)
{
    int child = 0;

    map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    BENCH_BETWEEN("cow", PAGES, child = share_pages(), bench_end(child), write_all());
    unmap();
}

static void read_mapped_file(void)
{
    char page[PAGE];
    int fd = open("/tmp/bench.mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);

    MUST(fd >= 0);
    memset(page, 1, PAGE);
    for (unsigned long i = 0; i < PAGES; i++)
        MUST(write(fd, page, PAGE) == (long)PAGE);
    MUST(fsync(fd) == 0);
    BENCH_BETWEEN("map-read", PAGES, map(MAP_SHARED, fd), unmap(), MUST(read_all() == PAGES));
    MUST(close(fd) == 0 && unlink("/tmp/bench.mapped") == 0);
}

int main(void)
{
    BENCH_BETWEEN("zero", PAGES, map(MAP_PRIVATE | MAP_ANONYMOUS, -1), unmap(), write_all());
    write_shared();
    BENCH("map256", 1, map(MAP_PRIVATE | MAP_ANONYMOUS, -1); write_all(); unmap());
    read_mapped_file();
    return 0;
}
