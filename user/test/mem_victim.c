/*
 * Who is killed when memory and swap are out: the one that has the most, whoever it
 * is that needs the page that is not there.
 *
 * test: points=3 cpus=2,4 mem=16M,32M swap=16M timeout=120
 */
#include "user/test/proc_util.h"
#include <sys/mman.h>

#define PAGE  4096ul
#define SMALL 4 /* processes that need a page now and then */

static volatile unsigned *stop; /* shared */

static char *take(unsigned long pages)
{
    return mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static unsigned long memory_pages(void)
{
    struct abi_memory m;

    sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&m, 0, 0);
    return m.total + m.swap_total;
}

/* Takes all there is and keeps it. */
static void hog(void)
{
    unsigned long pages = 2 * memory_pages();
    char *at = take(pages);

    for (unsigned long p = 0; p < pages; p++)
        at[p * PAGE] = 1;
    _exit(0);
}

/* Takes 16 pages, gives them back and takes them again, until it is told to stop. */
static void modest(void)
{
    while (!*stop) {
        char *at = take(16);
        if (at == MAP_FAILED)
            _exit(2);
        for (unsigned long p = 0; p < 16; p++)
            at[p * PAGE] = (char)(p + 1);
        for (unsigned long p = 0; p < 16; p++)
            if (at[p * PAGE] != (char)(p + 1))
                _exit(3);
        munmap(at, 16 * PAGE);
    }
    _exit(0);
}

static pid_t start(void (*what)(void))
{
    pid_t pid = fork();

    if (pid == 0)
        what();
    return pid;
}

static int the_largest_goes(void *unused)
{
    pid_t small[SMALL];
    int status;

    (void)unused;
    *stop = 0;
    for (int i = 0; i < SMALL; i++)
        CHECK((small[i] = start(modest)) > 0);
    for (int round = 0; round < 3; round++) {
        pid_t big = start(hog);
        CHECK(big > 0);
        CHECK(waitpid(big, &status, 0) == big);
        CHECK_IS(status, SIGKILL);
    }
    *stop = 1;
    for (int i = 0; i < SMALL; i++) {
        CHECK(waitpid(small[i], &status, 0) == small[i]);
        CHECK_IS(status, 0);
    }
    return 0;
}

int main(void)
{
    ktap_plan(2);
    stop = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *stop = 0;
    touch_program();
    ledger_begin();
    ok_child(the_largest_goes, 0, "the largest is killed, and nobody else");
    *stop = 0; /* mapped again: what a process has mapped is its own */
    ledger_end_ok("all frames are back");
    return ktap_done();
}
