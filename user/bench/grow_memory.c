/* What goes by the size of memory: fork, the end of a process, munmap. */
#include "user/bench/bench.h"
#include <sys/mman.h>

#define PAGE 4096ul
#define MIB  (1ul << 20)

static char *touched(unsigned long bytes)
{
    char *at = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    MUST(at != MAP_FAILED);
    for (unsigned long i = 0; i < bytes; i += PAGE)
        at[i] = 1;
    return at;
}

static void reap_well(int pid)
{
    int status;

    MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

/* A child that has so much of its own ends. */
static void exits(const char *name, unsigned long bytes)
{
    unsigned long counts = 0, rounds = 0;
    int go[2], ready[2];
    char byte;

    MUST(pipe(go) == 0 && pipe(ready) == 0);
    for (; counts < BENCH_LEAST; rounds++) {
        struct bench_span span;
        int pid = fork();

        MUST(pid >= 0);
        if (pid == 0) {
            if (bytes)
                touched(bytes);
            MUST(write(ready[1], "", 1) == 1 && read(go[0], &byte, 1) == 1);
            _exit(0);
        }
        MUST(read(ready[0], &byte, 1) == 1);
        span = bench_start();
        MUST(write(go[1], "", 1) == 1);
        reap_well(pid);
        counts += bench_stop(span);
    }
    bench_report(name, counts, rounds);
    for (unsigned i = 0; i < 2; i++)
        MUST(close(go[i]) == 0 && close(ready[i]) == 0);
}

int main(void)
{
    static const unsigned long heaps[] = {0, 1, 4, 16, 64, 256};
    static const unsigned long pages[] = {1, 16, 256, 4096, 65536};
    char row[40], *at;

    for (unsigned i = 0; i < sizeof(heaps) / sizeof(heaps[0]); i++) {
        unsigned long bytes = heaps[i] * MIB;

        at = bytes ? touched(bytes) : 0;
        snprintf(row, sizeof(row), "fork@%lu", heaps[i]);
        BENCH(row, 1, bench_fork_exit_wait());
        MUST(!bytes || munmap(at, bytes) == 0);
        snprintf(row, sizeof(row), "exit@%lu", heaps[i]);
        exits(row, bytes);
    }
    for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        snprintf(row, sizeof(row), "munmap@%lu", pages[i]);
        BENCH_BETWEEN(row, 1, at = touched(pages[i] * PAGE), ,
                      MUST(munmap(at, pages[i] * PAGE) == 0));
    }
    return 0;
}
