/* fork, exec, exit, wait: with heaps that were touched once, and that are written between
 * two forks. */
#include "user/bench/bench.h"
#include <sys/mman.h>

#define PAGE 4096ul
#define MIB  (1ul << 20)

static char *heap;
static unsigned long heap_bytes;

static void touch_heap(void)
{
    for (unsigned long at = 0; at < heap_bytes; at += PAGE)
        heap[at] = (char)(heap[at] + 1);
}

static void fork_exit_wait(void)
{
    int status, pid = fork();

    if (pid == 0)
        _exit(7);
    MUST(pid > 0 && waitpid(pid, &status, 0) == pid && status == 7 << 8);
}

static void forks(const char *name, unsigned long bytes)
{
    char row[40];
    struct bench_span span;

    heap_bytes = bytes;
    if (bytes) {
        heap = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(heap != MAP_FAILED);
        touch_heap();
    }
    snprintf(row, sizeof(row), "%s-first", name);
    span = bench_start();
    fork_exit_wait();
    bench_report(row, bench_stop(span), 1);
    BENCH(name, 1, fork_exit_wait());
    if (!bytes)
        return;
    snprintf(row, sizeof(row), "%s-written", name);
    BENCH_BETWEEN(row, 1, touch_heap(), , fork_exit_wait());
    MUST(munmap(heap, bytes) == 0);
}

static void fork_exec_wait(void)
{
    static char *argv[] = {"/bin/true", 0};
    int status, pid = fork();

    if (pid == 0) {
        execv("/bin/true", argv);
        _exit(1);
    }
    MUST(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    forks("fork", 0);
    forks("fork-1m", MIB);
    forks("fork-16m", 16 * MIB);
    forks("fork-64m", 64 * MIB);
    BENCH("exec", 1, fork_exec_wait());
    return 0;
}
