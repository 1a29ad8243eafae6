/*
 * The main stack grows by faults to its limit and no further, keeps a guard page
 * to whatever lies below, and grows for the kernel's copies too; threads' stacks
 * end in a guard.
 *
 * test: points=2
 */
#include <pthread.h>
#include <test_mem.h>

#define MIB (1ul << 20)

static volatile unsigned sink;

/* Use depth bytes of stack, a page's worth of frame at a time, and see at the way
 * back that nothing changed. */
static __attribute__((noinline)) int descend(unsigned long depth)
{
    volatile unsigned long room[256];

    for (unsigned i = 0; i < 256; i++)
        room[i] = depth ^ i;
    if (depth > sizeof(room) && descend(depth - sizeof(room)))
        return 1;
    for (unsigned i = 0; i < 256; i++)
        if (room[i] != (depth ^ i))
            return 1;
    sink += (unsigned)room[0];
    return 0;
}

static int descend_by(void *depth)
{
    return descend((unsigned long)depth);
}

/* The stack's region, as the system lists it. */
static int stack_region(struct abi_region *out)
{
    struct abi_region regions[64];
    long n = sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), (long)regions, 64);

    for (long i = 0; i < n && i < 64; i++)
        if (strcmp(regions[i].name, "stack") == 0) {
            *out = regions[i];
            return 0;
        }
    diag("no stack among %ld regions", n);
    return 1;
}

static int starts_small(void *unused)
{
    struct abi_region before, after;

    (void)unused;
    CHECK(stack_region(&before) == 0);
    CHECK(before.end == ABI_USER_END && before.end - before.start < MIB);
    CHECK(before.prot == (ABI_PROT_READ | ABI_PROT_WRITE));
    CHECK(descend(2 * MIB) == 0);
    CHECK(stack_region(&after) == 0);
    CHECK(after.start <= before.start - 2 * MIB && after.end == before.end);
    CHECK(after.resident * PAGE >= 2 * MIB);
    return 0;
}

/* One touch far below: the stack comes down to it at once. */
static int touch_below_top(void *bytes)
{
    volatile char *at = (volatile char *)(ABI_USER_END - (unsigned long)bytes);

    *at = 7;
    return *at != 7;
}

/* ------------------------------------------------------------------- guards */

#define NEIGHBOUR (MIB / 2) /* below the stack's present start */

static char *map_neighbour(void)
{
    struct abi_region stack;
    char *want, *at;

    if (stack_region(&stack))
        return 0;
    want = (char *)stack.start - NEIGHBOUR;
    at = mmap(want, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return at == want ? at : 0;
}

static int touch_above_guard(void *unused)
{
    volatile char *at = map_neighbour();

    (void)unused;
    CHECK(at);
    at[0] = 1;
    at[2 * PAGE] = 2;
    return at[0] != 1 || at[2 * PAGE] != 2;
}

static int touch_guard(void *unused)
{
    volatile char *at = map_neighbour();

    (void)unused;
    CHECK(at);
    at[PAGE] = 1;
    return 0;
}

static int run_into_guard(void *unused)
{
    (void)unused;
    CHECK(map_neighbour());
    return descend(2 * MIB);
}

/* The neighbour's last word must not be written by a stack that runs into it. */
static int neighbour_unharmed(void *unused)
{
    struct abi_region stack;
    char *want, *at;
    int status;
    pid_t pid;

    (void)unused;
    CHECK(stack_region(&stack) == 0);
    want = (char *)stack.start - NEIGHBOUR;
    at = mmap(want, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(at == want);
    memset(at, 0x5a, PAGE);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(descend(2 * MIB));
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    for (unsigned i = 0; i < PAGE; i++)
        CHECK(at[i] == 0x5a);
    return 0;
}

/* ------------------------------------------------------------ kernel copies */

static int copy_grows(void *unused)
{
    struct abi_region stack;
    int fds[2];

    (void)unused;
    CHECK(stack_region(&stack) == 0 && pipe(fds) == 0);
    char *inside = (char *)stack.start - MIB;
    char *outside = (char *)(ABI_USER_END - ABI_STACK_MAX) - 16;
    CHECK(sys_write(fds[1], "0123456789abcdef", 16) == 16);
    CHECK(sys_read(fds[0], inside, 8) == 8 && memcmp(inside, "01234567", 8) == 0);
    CHECK(sys_read(fds[0], outside, 8) == -EFAULT);
    CHECK(sys_write(fds[1], outside, 8) == -EFAULT);
    CHECK(sys_read(fds[0], inside, 8) == 8 && memcmp(inside, "89abcdef", 8) == 0);
    return 0;
}

/* ------------------------------------------------------------ fork, mprotect */

static int child_grows(void *unused)
{
    int status;
    pid_t pid;

    (void)unused;
    CHECK(descend(MIB) == 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(descend(4 * MIB));
    CHECK(descend(3 * MIB) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

/* A page of the stack gets other rights and its old ones back: it grows on. */
static int protect_and_grow(void *unused)
{
    struct abi_region stack;

    (void)unused;
    CHECK(descend(MIB) == 0 && stack_region(&stack) == 0);
    char *page = (char *)stack.start + 16 * PAGE;
    CHECK(mprotect(page, PAGE, PROT_READ) == 0);
    CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
    return descend(4 * MIB);
}

/* ------------------------------------------------------------------ threads */

static void *thread_descends(void *depth)
{
    return (void *)(long)descend((unsigned long)depth);
}

static int in_thread(void *depth)
{
    pthread_attr_t attr;
    pthread_t thread;
    void *result = (void *)1;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, MIB);
    CHECK(pthread_create(&thread, &attr, thread_descends, depth) == 0);
    pthread_join(thread, &result);
    return result != 0;
}

/* The main stack is not its creator's alone: another thread may grow it. */
static void *touch_main(void *at)
{
    *(volatile char *)at = 3;
    return 0;
}

static int other_thread_grows(void *unused)
{
    struct abi_region stack;
    pthread_t thread;

    (void)unused;
    CHECK(stack_region(&stack) == 0);
    char *at = (char *)stack.start - 8 * PAGE;
    CHECK(pthread_create(&thread, 0, touch_main, at) == 0);
    pthread_join(thread, 0);
    return *(volatile char *)at != 3;
}

int main(void)
{
    ktap_plan(15);
    ktap_in_child(in_thread, (void *)MIB);
    mem_begin();
    ok_child(starts_small, 0, "the stack starts small and grows as it is used");
    ok_child(descend_by, (void *)(7 * MIB), "recursion over 7 MiB of stack works");
    ok_dies(descend_by, (void *)(9 * MIB), SIGSEGV, "recursion beyond the limit ends the program");
    ok_child(touch_below_top, (void *)ABI_STACK_MAX, "the limit's lowest byte can be touched");
    ok_dies(touch_below_top, (void *)(ABI_STACK_MAX + 1), SIGSEGV, "the byte below it cannot");
    ok_child(touch_above_guard, 0, "the stack grows to one page above its neighbour");
    ok_dies(touch_guard, 0, SIGSEGV, "that page stays unmapped: the guard");
    ok_dies(run_into_guard, 0, SIGSEGV, "a stack that meets its neighbour ends the program");
    ok_child(neighbour_unharmed, 0, "the neighbour is not harmed");
    ok_child(copy_grows, 0, "the kernel's copies grow it, within the limit");
    ok_child(child_grows, 0, "after fork both grow on");
    ok_child(protect_and_grow, 0, "it grows after mprotect of a part");
    ok_dies(in_thread, (void *)(2 * MIB), SIGSEGV,
            "a thread that overflows its stack ends in a guard");
    ok_child(other_thread_grows, 0, "another thread grows the main stack");
    mem_end_ok("stacks are given back");
    return ktap_done();
}
