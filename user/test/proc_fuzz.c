/*
 * System calls at random: any number, any arguments, in children that have much
 * to lose. Nothing may happen to others; all is given back.
 *
 * test: points=5
 * test: points=1 cpus=2 mem=64M args="7"
 */
#include "user/test/fuzz_util.h"

#define CHILDREN 40

/* All the children of one seed. */
static int round_of(void *arg)
{
    unsigned long seed = (unsigned long)arg;

    for (unsigned long i = 0; i < CHILDREN; i++)
        CHECK_IS(fuzz_one(seed * 1000 + i), 0);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long seed = argc > 1 ? strtoul(argv[1], 0, 10) : 1;
    int fds[2];
    char byte = 0;

    ktap_plan(3);
    struct abi_counters before, after;

    ktap_in_child(round_of, (void *)seed);
    touch_program();
    ledger_begin();
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&before, 0, 0);
    ok_child(round_of, (void *)seed, "random system calls");
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&after, 0, 0);
    diag("%lu system calls", after.system_calls - before.system_calls);
    ok(pipe(fds) == 0 && write(fds[1], "x", 1) == 1 && read(fds[0], &byte, 1) == 1 && byte == 'x',
       "the system works on");
    close(fds[0]);
    close(fds[1]);
    ledger_end_ok("all frames are back");
    return ktap_done();
}
