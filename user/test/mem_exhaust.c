/*
 * When memory runs out: who touches too much is killed, who asks for too much is
 * refused, the rest of the system lives, and all is given back.
 *
 * test: points=4 cpus=1,2 mem=16M swap=0
 * test: points=3 cpus=2 mem=32M swap=0
 * test: points=2 cpus=2 mem=128M swap=0
 */
#include <test_mem.h>

#define RW (PROT_READ | PROT_WRITE)

static struct abi_memory memory(void)
{
    struct abi_memory m = {0};

    ledger_read(&m);
    return m;
}

static unsigned long really_free(void)
{
    struct abi_memory m = {0};

    sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&m, 0, 0);
    return m.count[FRAME_FREE];
}

static unsigned long total_bytes(void)
{
    return memory().total * PAGE;
}

/* ------------------------------------------------------------------- touching */

static int touch_all(volatile char *at, unsigned long size)
{
    CHECK(at);
    for (unsigned long i = 0; i < size; i += PAGE)
        at[i] = 1;
    return 0;
}

static int touch_private(void *size)
{
    return touch_all(map_private((unsigned long)size), (unsigned long)size);
}

static int touch_shared(void *size)
{
    return touch_all(map_shared((unsigned long)size), (unsigned long)size);
}

static int touch_heap(void *size)
{
    char *at = (char *)sys_brk(0);

    CHECK((char *)sys_brk(at + (unsigned long)size) == at + (unsigned long)size);
    return touch_all(at, (unsigned long)size);
}

#define FORK_REFUSED 7 /* exit code */

/* Copies of pages that a parent keeps: copy on write without end. */
static int touch_copies(void *size)
{
    unsigned long half = (unsigned long)size / 2;
    char *at = map_private(half);
    int status;

    CHECK(at);
    for (unsigned long i = 0; i < half / 2; i += PAGE)
        at[i] = 1;
    for (int generation = 0; generation < 8; generation++) {
        pid_t pid = fork();
        if (pid < 0)
            return FORK_REFUSED;
        if (pid > 0) {
            /* Its end is ours: a signal is passed on as it came. */
            if (waitpid(pid, &status, 0) != pid)
                return 8;
            if (WIFSIGNALED(status))
                sys_kill(H_NONE, getpid(), WTERMSIG(status));
            return WEXITSTATUS(status);
        }
        for (unsigned long i = 0; i < half / 2; i += PAGE)
            at[i]++;
    }
    return 0;
}

/* The kernel's copies fill the memory, not the program's own stores. */
static int touch_by_kernel(void *size)
{
    char *at = map_private((unsigned long)size);

    CHECK(at);
    for (unsigned long i = 0; i < (unsigned long)size; i += PAGE) {
        long r = sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)at + (long)i, 0, 0);
        if (r == -ENOMEM)
            return 55;
        CHECK(r >= 0);
    }
    return 0;
}

static int ask_for_all(void *size)
{
    struct abi_memory before = memory(), after;

    CHECK(sys_mmap(0, (unsigned long)size, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) ==
          -ENOMEM);
    CHECK(sys_mmap(0, (unsigned long)size, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) ==
          -ENOMEM);
    after = memory();
    CHECK(after.count[FRAME_ANON] < before.count[FRAME_ANON] + 16);
    CHECK(sys_object_dma(H_SYSTEM, 4ul << 20, 0) < 0);
    CHECK(sys_object_dma(H_SYSTEM, ~0ul, 0) == -EINVAL);
    return 0;
}

/* ------------------------------------------------------------------ processes */

/*
 * Forks children that hold a little memory until there is no more; all are ended
 * and waited for. They wait for the end of a pipe that this process alone writes
 * to, so that they go, too, if it should be killed.
 */
static int fork_until_refused(void *unused)
{
    int children = 0, reaped = 0, status, wrong = 0, hold[2];
    char byte;
    long pid;

    (void)unused;
    CHECK(pipe(hold) == 0);
    while ((pid = sys_fork()) > 0)
        children++;
    if (pid == 0) {
        sys_close(hold[1]);
        sys_exit((int)sys_read(hold[0], &byte, 1));
    }
    /* Refused again, and the refused ones cost nothing. */
    for (int i = 0; i < 10; i++) {
        long again = sys_fork();
        if (again == 0)
            sys_exit(0);
        if (again > 0)
            children++;
    }
    sys_close(hold[1]);
    while (sys_wait(-1, &status, 0) > 0) {
        reaped++;
        wrong += status != 0 && status != SIGKILL; /* killed for want of a page: fair */
    }
    diag("%d children, then %ld", children, pid);
    CHECK(pid == -ENOMEM || pid == -EAGAIN);
    CHECK(children >= 30 && reaped == children && wrong == 0);
    return 0;
}

/* The classic: every one of them forks, until the group is killed. */
static int fork_bomb(void *unused)
{
    volatile unsigned *count = (volatile unsigned *)map_shared(PAGE);
    int status;

    (void)unused;
    CHECK(count);
    *count = 0;
    pid_t bomb = fork();
    CHECK(bomb >= 0);
    if (bomb == 0) {
        setpgid(0, 0);
        for (;;) {
            if (sys_fork() < 0)
                sys_sleep(MEM_MILLI);
            else
                __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
        }
    }
    sys_sleep(400 * MEM_MILLI);
    /* While it rages, others still get on, if slowly. */
    CHECK(sys_getpid() > 0);
    unsigned long limit = now_ns() + 20000 * MEM_MILLI;
    CHECK(sys_kill(H_SYSTEM, -bomb, SIGKILL) == 0);
    while (sys_kill(H_SYSTEM, -bomb, 0) == 0 && now_ns() < limit)
        sys_sleep(MEM_MILLI);
    CHECK(sys_kill(H_SYSTEM, -bomb, 0) == -ESRCH);
    CHECK(waitpid(bomb, &status, 0) == bomb && status == SIGKILL);
    diag("%u forks", *count);
    CHECK(*count > 10);
    return 0;
}

/* -------------------------------------------------------------------- threads */

/* A thread that needs no stack: it waits for ever. */
void idle_thread(void *word);
__asm__(".section .text.idle_thread, \"ax\", @progbits\n"
        ".globl idle_thread\n"
        "idle_thread:\n"
        "mv s0, a0\n"
        "1: mv a0, s0\n"
        "li a1, 0\n"
        "li a2, -1\n"
        "li a7, 15\n"
        "ecall\n"
        "j 1b\n"
        ".text\n");
_Static_assert(SYS_futex_wait == 15, "idle_thread");

static int threads_until_refused(void *unused)
{
    static unsigned word;
    int threads = 0;
    long r;

    (void)unused;
    while ((r = sys_thread_create(idle_thread, (void *)ABI_USER_END, 0, &word)) > 0)
        threads++;
    CHECK(threads >= 50 && (r == -ENOMEM || r == -EAGAIN));
    return 0;
}

/* ---------------------------------------------------------- other kernel memory */

static int pipes_until_refused(void *unused)
{
    int fds[2], pipes = 0;
    long r;

    (void)unused;
    while ((r = sys_pipe(fds, 0)) == 0)
        pipes++;
    diag("%d pipes, then %ld", pipes, r);
    CHECK(pipes >= 50 && (r == -EMFILE || r == -ENOMEM));
    /* No half of a pipe is left, and what there is works. */
    CHECK(sys_write(fds[1], "x", 1) == 1 && sys_read(fds[0], &r, 1) == 1);
    return 0;
}

static int regions_until_enough(void *unused)
{
    enum { MANY = 3000 };
    char *at = map_anonymous(2 * MANY * PAGE, PROT_NONE, MAP_PRIVATE);
    int status;

    (void)unused;
    CHECK(at);
    for (unsigned long i = 0; i < MANY; i++) {
        long r = sys_mprotect(at + 2 * i * PAGE, PAGE, PROT_READ);
        if (r == -ENOMEM)
            break;
        CHECK(r == 0);
    }
    CHECK(*(volatile char *)at == 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(*(volatile char *)(at + 2 * PAGE));
    CHECK(pid > 0 ? waitpid(pid, &status, 0) == pid && status == 0 : errno == ENOMEM);
    return munmap(at, 2 * MANY * PAGE) != 0;
}

/* ------------------------------------------------------------------- afterwards */

/* Memory is back: most of what was free at the start can be had again. */
static unsigned long free_before, free_at_first;

static int as_much_again(void *unused)
{
    unsigned long size = free_at_first * PAGE / 4 * 3;

    (void)unused;
    return touch_all(map_private(size), size);
}

static void ok_back(const char *name)
{
    struct abi_memory now = {0};
    unsigned long slack = free_before / 32 + 64;

    for (int tries = 0; tries < 60; tries++) {
        now = memory();
        if (now.count[FRAME_FREE] + slack >= free_before)
            break;
        sys_sleep(50 * MEM_MILLI);
    }
    if (!ok(now.count[FRAME_FREE] + slack >= free_before, "%s", name))
        for (int i = 0; i < FRAME_CLASSES; i++)
            diag("%s: %lu before, %lu after", ledger_names[i], ledger_before.count[i],
                 now.count[i]);
}

/* Somebody who was there all the while, with memory of its own. */
static volatile unsigned *witness_stage;

static pid_t start_witness(void)
{
    pid_t pid;

    witness_stage = (volatile unsigned *)map_shared(PAGE);
    witness_stage[0] = 0;
    pid = fork();
    if (pid == 0) {
        unsigned *words = (unsigned *)map_private(64 * PAGE);
        for (unsigned i = 0; i < 64 * 1024; i++)
            words[i] = i * 7;
        while (witness_stage[0] == 0) /* without a look in between */
            sys_futex_wait(witness_stage, 0, -1);
        for (unsigned i = 0; i < 64 * 1024; i++)
            if (words[i] != i * 7)
                _exit(1);
        _exit(0);
    }
    return pid;
}

int main(void)
{
    unsigned long size = total_bytes() + (total_bytes() >> 1);
    int status;

    ktap_plan(20);
    hold_image();
    pid_t witness = start_witness();
    sys_sleep(50 * MEM_MILLI);
    mem_begin();
    free_before = ledger_before.count[FRAME_FREE]; /* what the servers have counts as free there */
    free_at_first = really_free();
    ok_dies(touch_private, (void *)size, SIGKILL, "who touches more than there is is killed");
    ok_back("and all it had is back");
    ok_dies(touch_shared, (void *)size, SIGKILL, "so with shared memory");
    ok_back("that is back, too");
    ok_dies(touch_heap, (void *)size, SIGKILL, "so with the heap");
    /* fork is refused before those that exist are refused a page: either may come first. */
    status = ktap_in_child(touch_copies, (void *)(size * 2));
    ok(status == SIGKILL || status == FORK_REFUSED << 8, "so with copies on write");
    ok_back("those are back");
    status = ktap_in_child(touch_by_kernel, (void *)size);
    ok(status == 55 << 8 || status == SIGKILL, "copies by the kernel are refused, or kill");
    ok_child(ask_for_all, (void *)size, "who asks for more than there is is refused");
    ok_back("and keeps nothing of it");
    ok_child(fork_until_refused, 0, "forks end in an error, and all children can be ended");
    ok_back("what they had is back");
    ok_child(fork_bomb, 0, "a fork bomb can be killed");
    ok_back("what it had is back");
    /* With nothing left for its own next page, it may also be killed. */
    status = ktap_in_child(threads_until_refused, 0);
    ok(status == 0 || status == SIGKILL, "threads end in an error");
    ok_back("what they had is back");
    ok_child(pipes_until_refused, 0, "pipes end in an error");
    ok_child(regions_until_enough, 0, "thousands of regions do no harm");
    ok_child(as_much_again, 0, "three quarters of what was free can be touched again");
    stage_reach(&witness_stage[0], 1);
    ok(waitpid(witness, &status, 0) == witness && status == 0,
       "a process that was there all the while has its memory");
    return ktap_done();
}
