/*
 * The stack by steps of every size, the pages that a step leaves out, and system
 * calls whose buffers, names and results lie on pages of it never touched.
 *
 * test: points=2
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <test_mem.h>

#define MIB  (1ul << 20)
#define NAME "/tmp/mem_growth"

/* The first byte of the page that many bytes below the stack's top. */
static char *below_top(unsigned long bytes)
{
    return (char *)(ABI_USER_END - bytes);
}

/* Down to 7 MiB by steps of that size: each new page is zero when it is first read,
 * and what was stored on the way is there at the end. */
static int by_steps_of(void *step)
{
    unsigned long size = (unsigned long)step, n = 0;

    for (unsigned long at = MIB / 4; at < 7 * MIB; at += size) {
        volatile unsigned long *word = (volatile unsigned long *)below_top(at);
        CHECK(*word == 0);
        *word = ++n;
    }
    n = 0;
    for (unsigned long at = MIB / 4; at < 7 * MIB; at += size)
        CHECK(*(volatile unsigned long *)below_top(at) == ++n);
    return 0;
}

/* A step over many pages makes none of them: memory is for what is touched. */
static int leaves_pages_out(void *unused)
{
    char *low = below_top(6 * MIB);

    (void)unused;
    *(volatile char *)low = 1;
    CHECK(frame_at(getpid(), low) != 0);
    for (unsigned long at = PAGE; at < 5 * MIB; at += 37 * PAGE)
        CHECK(frame_at(getpid(), low + at) == 0);
    CHECK(pages_at(low) < 64);
    /* Between, up and down, as a program uses an array. */
    for (unsigned long i = 0; i < 200; i++)
        low[(i * 7919 % 1280) * PAGE] = (char)i;
    for (unsigned long i = 0; i < 200; i++)
        CHECK(low[(i * 7919 % 1280) * PAGE] == (char)i);
    return 0;
}

/* A frame of megabytes at once, as a function with a large array has. */
static __attribute__((noinline)) int sum_of_large(unsigned char start)
{
    volatile unsigned char array[5 * MIB];
    unsigned sum = 0;

    for (unsigned long i = 0; i < sizeof(array); i += 1000)
        array[i] = (unsigned char)(start + i);
    for (unsigned long i = 0; i < sizeof(array); i += 1000)
        sum += array[i] == (unsigned char)(start + i);
    return sum == (sizeof(array) + 999) / 1000 ? 0 : 1;
}

static int large_frame(void *unused)
{
    (void)unused;
    return sum_of_large(3) + sum_of_large(8);
}

/* ------------------------------------------------------------------ the stack pointer */

/* A stack pointer that is no address: the kernel takes no harm from it, the next
 * push ends the program. `how` is what sp becomes. */
static int call_without_stack(void *sp)
{
    register long number __asm__("a7") = SYS_getpid;
    register long pid __asm__("a0");

    __asm__ volatile("mv s2, sp\n"
                     "mv sp, %2\n"
                     "ecall\n"
                     "mv sp, s2"
                     : "=r"(pid), "+r"(number)
                     : "r"(sp)
                     : "s2", "t6", "a1", "a2", "a3", "a4", "a5", "a6", "t0", "t1", "t2", "t3", "t4",
                       "t5", "memory");
    return pid != getpid();
}

static int push_without_stack(void *sp)
{
    __asm__ volatile("mv t6, sp\n"
                     "mv sp, %0\n"
                     "sd t6, -8(sp)\n"
                     "mv sp, t6"
                     :
                     : "r"(sp)
                     : "t6", "memory");
    return 0;
}

/* --------------------------------------------------------------- system calls */

/* Read into pages that are not there yet, from one that is. */
static int read_into(void *unused)
{
    static char buffer[16 * PAGE];
    char *low = below_top(3 * MIB), *there = low + 15 * PAGE;
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

    (void)unused;
    for (unsigned long i = 0; i < sizeof(buffer); i++)
        buffer[i] = (char)(i * 31 >> 3);
    CHECK(fd >= 0 && write(fd, buffer, sizeof(buffer)) == (ssize_t)sizeof(buffer));
    *(volatile char *)there = 1;
    CHECK(pread(fd, low + 5, sizeof(buffer), 0) == (ssize_t)sizeof(buffer));
    CHECK(memcmp(low + 5, buffer, sizeof(buffer)) == 0 && low[4] == 0);
    CHECK(close(fd) == 0);
    return unlink(NAME);
}

/* What was never touched is written as zeros. */
static int write_from(void *unused)
{
    static char got[2 * PAGE];
    char *low = below_top(4 * MIB);
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

    (void)unused;
    memset(got, 1, sizeof(got));
    CHECK(fd >= 0 && write(fd, low + 100, 2 * PAGE) == (ssize_t)(2 * PAGE));
    CHECK(pread(fd, got, 2 * PAGE, 0) == (ssize_t)(2 * PAGE));
    for (unsigned long i = 0; i < sizeof(got); i++)
        CHECK(got[i] == 0);
    CHECK(close(fd) == 0);
    return unlink(NAME);
}

/* Results on a page of their own each, and one that lies across two. */
static int results(void *unused)
{
    int *status = (int *)(void *)below_top(2 * MIB);
    int *fds = (int *)(void *)below_top(3 * MIB);
    struct abi_memory *memory = (struct abi_memory *)(void *)below_top(4 * MIB);
    struct stat *stat_ = (struct stat *)(void *)(below_top(5 * MIB) - 64);
    char *name = below_top(6 * MIB) - 3;
    pid_t pid = fork();

    (void)unused;
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(42);
    CHECK(waitpid(pid, status, 0) == pid && WEXITSTATUS(*status) == 42);
    CHECK(sys_pipe(fds, 0) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
    CHECK(sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)memory, 0, 0) >= 0 && memory->total > 0);
    CHECK(sizeof(*stat_) > 64 && stat("/bin/sh", stat_) == 0 && stat_->st_size > 1000);
    /* An empty name, of a page never touched; then one across two pages. */
    CHECK(open(name + PAGE, O_RDONLY) < 0);
    memcpy(name, "/bin/sh", 8);
    int fd = open(name, O_RDONLY);
    CHECK(fd >= 0);
    return close(fd);
}

/* At the limit: what lies below it is no buffer, also if it begins above. */
static int at_the_limit(void *unused)
{
    char *lowest = below_top(ABI_STACK_MAX);
    int fds[2];

    (void)unused;
    CHECK(pipe(fds) == 0 && sys_write(fds[1], "abcdef", 6) == 6);
    CHECK(sys_read(fds[0], lowest - 1, 1) == -EFAULT);
    CHECK(sys_read(fds[0], lowest, 3) == 3 && memcmp(lowest, "abc", 3) == 0);
    CHECK(sys_write(fds[1], lowest - 1, 1) == -EFAULT);
    CHECK(sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)(lowest - 64), 0, 0) == -EFAULT);
    CHECK(sys_read(fds[0], lowest, 3) == 3 && memcmp(lowest, "def", 3) == 0);
    return 0;
}

int main(void)
{
    static char *const names[] = {"a page", "three pages and a bit", "a quarter of a megabyte",
                                  "two megabytes"};
    static const unsigned long steps[] = {PAGE, 3 * PAGE + 8, MIB / 4, 2 * MIB};
    static const unsigned long bad[] = {0, 8, MEM_NOBODY, MEM_DIRECT + 0x200000, ~7ul};

    ktap_plan(4 + 2 + 2 + 4 + 1);
    ktap_in_child(read_into, 0);
    mem_begin();
    for (int i = 0; i < 4; i++) {
        int status = ktap_in_child(by_steps_of, (void *)steps[i]);
        ok(status == 0, "down by steps of %s", names[i]);
    }
    ok_child(leaves_pages_out, 0, "pages that nobody touched are not made");
    ok_child(large_frame, 0, "an array of 5 MiB");
    int good = 0, died = 0;
    for (int i = 0; i < 5; i++) {
        int status = ktap_in_child(push_without_stack, (void *)bad[i]);
        good += ktap_in_child(call_without_stack, (void *)bad[i]) == 0;
        died += status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
    }
    ok(good == 5, "system calls need no stack pointer");
    ok(died == 5, "a push without a stack ends the program");
    ok_child(read_into, 0, "read into pages of the stack that are not there yet");
    ok_child(write_from, 0, "write from them: zeros");
    ok_child(results, 0, "names and results there");
    ok_child(at_the_limit, 0, "and none below the limit");
    mem_end_ok("stacks are given back");
    return ktap_done();
}
