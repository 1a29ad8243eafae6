/* What things cost in memory of the kernel's: frames that are its own, and what it has handed out
 * of those that it divides. One more of each, on the average of many. */
#include "user/bench/bench.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define MANY 200

/* Bytes of the kernel's, without those of pages that are a program's or a file's. */
static long kernel_bytes(void)
{
    struct abi_memory memory;
    unsigned long frames;

    MUST(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    MUST(sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0) == 0);
    frames = memory.count[FRAME_TABLE] + memory.count[FRAME_KSTACK];
    return (long)(frames * PAGE + memory.kmalloc_bytes);
}

/* Of the thing, beyond what was there before. */
static void report(const char *name, long before, unsigned long things)
{
    long bytes = kernel_bytes() - before;

    MUST(bytes > 0);
    bench_report(name, (unsigned long)bytes, things);
}

static void processes(void)
{
    static int pids[MANY];
    long before = kernel_bytes();

    for (unsigned i = 0; i < MANY; i++)
        pids[i] = bench_spawn(bench_sleep);
    sys_sleep(100000000);
    report("bytes-process", before, MANY);
    for (unsigned i = 0; i < MANY; i++)
        bench_end(pids[i]);
}

static void *sleep_in_thread(void *unused)
{
    bench_sleep();
    return unused;
}

static void threads(void)
{
    long before = kernel_bytes();
    pthread_t thread;

    for (unsigned i = 0; i < MANY; i++)
        MUST(pthread_create(&thread, 0, sleep_in_thread, 0) == 0);
    sys_sleep(100000000);
    report("bytes-thread", before, MANY);
}

static void files(void)
{
    static int fds[MANY];
    int first = open("/bin/sh", O_RDONLY);
    long before = kernel_bytes();

    for (unsigned i = 0; i < MANY; i++) {
        fds[i] = open("/bin/sh", O_RDONLY);
        MUST(fds[i] >= 0);
    }
    report("bytes-open-file", before, MANY);
    for (unsigned i = 0; i < MANY; i++)
        MUST(close(fds[i]) == 0);
    MUST(close(first) == 0);
}

static void pages(void)
{
    unsigned long count = 16384;
    long before = kernel_bytes();
    char *at = mmap(0, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    MUST(at != MAP_FAILED);
    for (unsigned long i = 0; i < count; i++)
        at[i * PAGE] = 1;
    report("bytes-page", before, count);
    MUST(munmap(at, count * PAGE) == 0);
}

int main(void)
{
    pages();
    files();
    processes();
    threads();
    return 0;
}
