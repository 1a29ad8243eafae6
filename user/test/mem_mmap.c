/*
 * mmap, munmap and mprotect on anonymous memory: what they give, what they
 * refuse, and that what is refused changes nothing.
 *
 * test: points=3
 */
#include <test_mem.h>

#define RW (PROT_READ | PROT_WRITE)
#define AP (MAP_ANONYMOUS | MAP_PRIVATE)

/* -------------------------------------------------------------- raw touches */

static int read_byte(void *at)
{
    return *(volatile char *)at & 0;
}

static int write_byte(void *at)
{
    *(volatile char *)at = 1;
    return 0;
}

static int run_byte(void *at)
{
    __asm__ volatile("fence.i" ::: "memory");
    ((void (*)(void))at)();
    return 0;
}

/* The load maps the page, in this very process. */
static int read_and_write(void *at)
{
    return read_byte(at) + write_byte(at);
}

/* How a touch of that page ends, in a child: 0 well, or the signal. */
static int touch(int (*how)(void *), const void *at)
{
    int status = ktap_in_child(how, (void *)at);

    return status == -1 ? -1 : WIFSIGNALED(status) ? WTERMSIG(status) : status;
}

static int can_read(const void *at)
{
    return touch(read_byte, at) == 0;
}

static int can_write(const void *at)
{
    return touch(write_byte, at) == 0;
}

static int is_gone(const void *at)
{
    return touch(read_byte, at) == SIGSEGV && touch(write_byte, at) == SIGSEGV;
}

static int all_are(const char *at, unsigned long n, char value)
{
    for (unsigned long i = 0; i < n; i++)
        if (at[i] != value)
            return 0;
    return 1;
}

/* ---------------------------------------------------------------- anonymous */

static int zero_filled(void *unused)
{
    char *at = map_private(64 * PAGE);

    (void)unused;
    CHECK(at && all_are(at, 64 * PAGE, 0));
    memset(at, 0xa5, 64 * PAGE);
    CHECK(munmap(at, 64 * PAGE) == 0);
    /* The same frames come back, and must be zero again. */
    at = map_private(64 * PAGE);
    CHECK(at && all_are(at, 64 * PAGE, 0));
    return 0;
}

static int is_lazy(void *unused)
{
    const unsigned long size = 1ul << 33;
    char *at;

    (void)unused;
    at = map_private(size);
    CHECK(at);
    for (unsigned long i = 0; i < 16; i++)
        at[i * (size / 16)] = (char)i;
    for (unsigned long i = 0; i < 16; i++)
        CHECK(at[i * (size / 16)] == (char)i && at[i * (size / 16) + 1] == 0);
    CHECK(pages_at(at) == 16);
    /* All of it goes, table by table, in no time. */
    CHECK(munmap(at, size) == 0 && is_gone(at));
    return 0;
}

static int shared_over_fork(void *unused)
{
    volatile unsigned *words = (volatile unsigned *)map_shared(8 * PAGE);
    int status;

    (void)unused;
    CHECK(words);
    words[0] = 11;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        /* A page that neither had touched at the fork is one page all the same. */
        words[1024] = 22;
        stage_reach(&words[1], 1);
        stage_await(&words[2], 1);
        _exit(words[0] != 12 || words[2048] != 33);
    }
    stage_await(&words[1], 1);
    CHECK(words[1024] == 22);
    CHECK(frame_at(pid, (void *)&words[1024]) == frame_at(getpid(), (void *)&words[1024]));
    words[0] = 12;
    words[2048] = 33;
    stage_reach(&words[2], 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int private_over_fork(void *unused)
{
    volatile unsigned *words = (volatile unsigned *)map_private(2 * PAGE);
    int status;

    (void)unused;
    CHECK(words);
    words[0] = 1;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        words[0] = 2;
        words[1024] = 2;
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(words[0] == 1 && words[1024] == 0);
    return 0;
}

static int populated(void *unused)
{
    char *at = map_anonymous(32 * PAGE, RW, MAP_PRIVATE | MAP_POPULATE);
    char *lazy = map_private(32 * PAGE);

    (void)unused;
    CHECK(at && lazy);
    for (unsigned long i = 0; i < 32; i++) {
        CHECK(frame_at(getpid(), at + i * PAGE));
        CHECK(!frame_at(getpid(), lazy + i * PAGE));
    }
    CHECK(all_are(at, 32 * PAGE, 0));
    CHECK(map_anonymous(4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_POPULATE));
    CHECK(map_anonymous(4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_POPULATE));
    CHECK(map_anonymous(4 * PAGE, PROT_EXEC, MAP_PRIVATE | MAP_POPULATE));
    return 0;
}

/* ------------------------------------------------------------------ placing */

static int hints(void *unused)
{
    char *at = map_private(4 * PAGE);

    (void)unused;
    CHECK(at && munmap(at, 4 * PAGE) == 0);
    /* Free: taken. Not page-aligned: rounded. In use, or nonsense: elsewhere. */
    CHECK(mmap(at, PAGE, RW, AP, -1, 0) == at);
    CHECK(mmap(at + PAGE + 5, PAGE, RW, AP, -1, 0) == at + PAGE);
    at[0] = 1;
    char *other = mmap(at, PAGE, RW, AP, -1, 0);
    CHECK(other != MAP_FAILED && other != at && at[0] == 1 && other[0] == 0);
    static char *const nonsense[] = {(char *)0x8, (char *)0x4000000000, (char *)MEM_IMAGE,
                                     (char *)~0xffful, (char *)0x3fffffe000};
    for (unsigned i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        other = mmap(nonsense[i], 4 * PAGE, RW, AP, -1, 0);
        CHECK(other != MAP_FAILED && (unsigned long)other < ABI_USER_END - 4 * PAGE);
        CHECK((unsigned long)other >= ABI_USER_MIN && other[4 * PAGE - 1] == 0);
    }
    return 0;
}

static int fixed_replaces(void *unused)
{
    char *at = map_private(8 * PAGE);

    (void)unused;
    CHECK(at);
    memset(at, 1, 8 * PAGE);
    CHECK(mmap(at + 2 * PAGE, 3 * PAGE, RW, AP | MAP_FIXED, -1, 0) == at + 2 * PAGE);
    CHECK(all_are(at, 2 * PAGE, 1) && all_are(at + 2 * PAGE, 3 * PAGE, 0) &&
          all_are(at + 5 * PAGE, 3 * PAGE, 1));
    memset(at + 2 * PAGE, 2, 3 * PAGE);
    /* Over several regions and a hole at once. */
    CHECK(munmap(at + PAGE, PAGE) == 0);
    CHECK(mmap(at, 7 * PAGE, PROT_READ, AP | MAP_FIXED, -1, 0) == at);
    CHECK(all_are(at, 7 * PAGE, 0) && all_are(at + 7 * PAGE, PAGE, 1));
    CHECK(!can_write(at) && !can_write(at + 6 * PAGE) && can_write(at + 7 * PAGE));
    return 0;
}

static int many_do_not_overlap(void *unused)
{
    enum { MANY = 200 };
    static char *at[MANY];

    (void)unused;
    for (int i = 0; i < MANY; i++) {
        at[i] = map_private((unsigned long)(i % 7 + 1) * PAGE);
        CHECK(at[i]);
        memset(at[i], i, (unsigned long)(i % 7 + 1) * PAGE);
    }
    for (int i = 0; i < MANY; i += 2)
        CHECK(munmap(at[i], (unsigned long)(i % 7 + 1) * PAGE) == 0);
    for (int i = 0; i < MANY; i += 2) {
        at[i] = map_private((unsigned long)(i % 5 + 1) * PAGE);
        CHECK(at[i] && all_are(at[i], PAGE, 0));
        memset(at[i], i, (unsigned long)(i % 5 + 1) * PAGE);
    }
    for (int i = 0; i < MANY; i++)
        CHECK(all_are(at[i], (unsigned long)(i % 2 ? i % 7 + 1 : i % 5 + 1) * PAGE, (char)i));
    return 0;
}

/* ----------------------------------------------------------------- refusals */

static int refused(void *addr, unsigned long len, int prot, int flags, int fd, unsigned long off,
                   long error)
{
    long r = sys_mmap(addr, len, prot, flags, fd, off);

    if (r == error)
        return 1;
    diag("mmap(%p, 0x%lx, %d, 0x%x, %d, 0x%lx) is %ld, not %ld", addr, len, prot, flags, fd, off, r,
         error);
    return 0;
}

static int refusals(void *unused)
{
    const int fixed = AP | MAP_FIXED;
    char *page = map_private(PAGE);

    (void)unused;
    CHECK(page);
    page[0] = 77;
    CHECK(refused(0, 0, RW, AP, -1, 0, -EINVAL));
    CHECK(refused(0, ~0ul, RW, AP, -1, 0, -EINVAL));
    CHECK(refused(0, ABI_USER_END + PAGE, RW, AP, -1, 0, -EINVAL));
    CHECK(refused(0, ABI_USER_END, RW, AP, -1, 0, -ENOMEM));
    CHECK(refused(0, PAGE, RW, MAP_ANONYMOUS, -1, 0, -EINVAL));
    CHECK(refused(0, PAGE, RW, AP | MAP_SHARED, -1, 0, -EINVAL));
    CHECK(refused(0, PAGE, 8, AP, -1, 0, -EINVAL));
    CHECK(refused(0, PAGE, RW | PROT_EXEC, AP, -1, 0, -EACCES));
    CHECK(refused(0, PAGE, PROT_WRITE | PROT_EXEC, AP, -1, 0, -EACCES));
    CHECK(refused(page + 1, PAGE, RW, fixed, -1, 0, -EINVAL));
    CHECK(refused(0, PAGE, RW, fixed, -1, 0, -EINVAL));
    CHECK(refused((void *)ABI_USER_END, PAGE, RW, fixed, -1, 0, -EINVAL));
    CHECK(refused((void *)(ABI_USER_END - PAGE), 2 * PAGE, RW, fixed, -1, 0, -EINVAL));
    CHECK(refused((void *)MEM_DIRECT, PAGE, RW, fixed, -1, 0, -EINVAL));
    CHECK(refused((void *)MEM_IMAGE, PAGE, RW, fixed, -1, 0, -EINVAL));
    CHECK(refused((void *)MEM_TRAMPOLINE, PAGE, RW, fixed, -1, 0, -EINVAL));
    CHECK(refused((void *)MEM_TRAMPOLINE, 2 * PAGE, RW, fixed, -1, 0, -EINVAL));
    CHECK(refused(page, ~0ul - PAGE, RW, fixed, -1, 0, -EINVAL));
    CHECK(refused(0, PAGE, RW, MAP_PRIVATE, 999, 0, -EBADF));
    CHECK(refused(0, PAGE, RW, MAP_PRIVATE, H_SYSTEM, 0, -ENODEV));
    CHECK(refused(0, PAGE, RW, MAP_PRIVATE, 999, 5, -EINVAL));
    CHECK(page[0] == 77);
    return 0;
}

/* The rights of a handle on memory bound what a mapping of it may be. */
static int rights_bound(void *unused)
{
    int all = (int)sys_object_create(2 * PAGE), reader, writer;
    char *at;

    (void)unused;
    CHECK(all >= 0);
    reader = (int)sys_restrict(all, RIGHT_READ);
    writer = (int)sys_restrict(all, RIGHT_WRITE);
    CHECK(reader >= 0 && writer >= 0);
    CHECK(refused(0, PAGE, RW, MAP_SHARED, reader, 0, -EACCES));
    CHECK(refused(0, PAGE, PROT_READ, MAP_SHARED, writer, 0, -EACCES));
    CHECK(refused(0, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, all, 0, -EACCES));
    at = mmap(0, PAGE, PROT_READ, MAP_SHARED, reader, 0);
    CHECK(at != MAP_FAILED && sys_mprotect(at, PAGE, RW) == -EACCES && !can_write(at));
    CHECK(sys_mprotect(at, PAGE, PROT_READ | PROT_EXEC) == -EACCES);
    /* A private copy of what may be read may be written. */
    char *copy = mmap(0, PAGE, RW, MAP_PRIVATE, reader, 0);
    CHECK(copy != MAP_FAILED);
    copy[0] = 9;
    CHECK(at[0] == 0);
    return 0;
}

/* -------------------------------------------------------------------- munmap */

static int unmap_middle(void *unused)
{
    char *at = map_private(9 * PAGE);

    (void)unused;
    CHECK(at);
    for (int i = 0; i < 9; i++)
        memset(at + (unsigned long)i * PAGE, i + 1, PAGE);
    CHECK(munmap(at + 3 * PAGE, 3 * PAGE) == 0);
    for (unsigned long i = 0; i < 9; i++) {
        if (i >= 3 && i < 6)
            CHECK(is_gone(at + i * PAGE));
        else
            CHECK(all_are(at + i * PAGE, PAGE, (char)(i + 1)));
    }
    /* Again, in part, and with what is left: no error, as POSIX has it. */
    CHECK(munmap(at + 3 * PAGE, 3 * PAGE) == 0);
    CHECK(munmap(at, 9 * PAGE) == 0);
    CHECK(is_gone(at) && is_gone(at + 8 * PAGE));
    CHECK(munmap(at, 9 * PAGE) == 0);
    return 0;
}

static int unmap_refusals(void *unused)
{
    char *at = map_private(2 * PAGE);

    (void)unused;
    CHECK(at);
    at[0] = 5;
    CHECK(sys_munmap(at, 0) == -EINVAL);
    CHECK(sys_munmap(at + 8, PAGE) == -EINVAL);
    CHECK(sys_munmap(at, ~0ul) == -EINVAL);
    CHECK(sys_munmap(at, ~0ul << 12) == -EINVAL);
    CHECK(sys_munmap((void *)MEM_IMAGE, PAGE) == -EINVAL);
    CHECK(sys_munmap((void *)MEM_TRAMPOLINE, PAGE) == -EINVAL);
    CHECK(sys_munmap((void *)(ABI_USER_END - PAGE), 2 * PAGE) == -EINVAL);
    CHECK(sys_munmap(0, PAGE) == -EINVAL);
    CHECK(at[0] == 5);
    return 0;
}

/* The page of the running code, stack included: the program ends, nothing else. */
static int unmap_all(void *unused)
{
    (void)unused;
    sys_munmap((void *)ABI_USER_MIN, ABI_USER_END - ABI_USER_MIN);
    return 0;
}

/* ------------------------------------------------------------------ mprotect */

static int protect_steps(void *unused)
{
    char *at = map_private(PAGE);

    (void)unused;
    CHECK(at);
    at[0] = 3;
    CHECK(mprotect(at, PAGE, PROT_READ) == 0 && can_read(at) && !can_write(at) && at[0] == 3);
    CHECK(touch(run_byte, at) == SIGSEGV);
    CHECK(mprotect(at, PAGE, PROT_NONE) == 0 && is_gone(at));
    CHECK(mprotect(at, PAGE, RW) == 0 && at[0] == 3);
    at[0] = 4;
    *(unsigned *)at = 0x00008067; /* ret */
    CHECK(mprotect(at, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK(touch(run_byte, at) == 0 && !can_write(at) && *(unsigned *)at == 0x00008067);
    CHECK(mprotect(at, PAGE, PROT_EXEC) == 0);
    CHECK(touch(run_byte, at) == 0 && !can_read(at));
    CHECK(mprotect(at, PAGE, PROT_WRITE) == 0 && can_write(at));
    at = mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED && touch(read_and_write, at) == SIGSEGV);
    return 0;
}

static int from_none(void *unused)
{
    char *at = map_anonymous(4 * PAGE, PROT_NONE, MAP_PRIVATE);

    (void)unused;
    CHECK(at && is_gone(at) && is_gone(at + 3 * PAGE));
    CHECK(mprotect(at + PAGE, 2 * PAGE, RW) == 0);
    CHECK(is_gone(at) && is_gone(at + 3 * PAGE));
    memset(at + PAGE, 6, 2 * PAGE);
    /* The kernel's own copies keep to it, too. */
    int fds[2];
    CHECK(pipe(fds) == 0);
    CHECK(sys_write(fds[1], at, 1) == -EFAULT && sys_write(fds[1], at + PAGE, 1) == 1);
    CHECK(mprotect(at + PAGE, PAGE, PROT_NONE) == 0);
    CHECK(sys_write(fds[1], at + PAGE, 1) == -EFAULT);
    CHECK(sys_read(fds[0], at + PAGE, 1) == -EFAULT);
    CHECK(mprotect(at + PAGE, PAGE, PROT_READ) == 0 && all_are(at + PAGE, 2 * PAGE, 6));
    CHECK(sys_read(fds[0], at + PAGE, 1) == -EFAULT && at[PAGE] == 6);
    return 0;
}

static int never_both(void *unused)
{
    char *at = map_private(PAGE);

    (void)unused;
    CHECK(at);
    at[0] = 1;
    CHECK(sys_mprotect(at, PAGE, RW | PROT_EXEC) == -EACCES);
    CHECK(sys_mprotect(at, PAGE, PROT_WRITE | PROT_EXEC) == -EACCES);
    CHECK(sys_mprotect(at, PAGE, 16) == -EINVAL);
    at[0] = 2;
    CHECK(touch(run_byte, at) != 0);
    return 0;
}

static int protect_parts(void *unused)
{
    char *at = map_private(8 * PAGE);

    (void)unused;
    CHECK(at);
    memset(at, 7, 8 * PAGE);
    CHECK(mprotect(at + 2 * PAGE, 2 * PAGE, PROT_READ) == 0);
    CHECK(mprotect(at + 3 * PAGE, 3 * PAGE, PROT_NONE) == 0);
    CHECK(can_write(at + PAGE) && !can_write(at + 2 * PAGE) && can_read(at + 2 * PAGE));
    CHECK(is_gone(at + 3 * PAGE) && is_gone(at + 5 * PAGE) && can_write(at + 6 * PAGE));
    CHECK(mprotect(at, 8 * PAGE, RW) == 0 && all_are(at, 8 * PAGE, 7));
    memset(at, 8, 8 * PAGE);
    CHECK(all_are(at, 8 * PAGE, 8));
    return 0;
}

/* With a hole in the range nothing changes, in front of the hole neither. */
static int protect_holes(void *unused)
{
    char *at = map_private(6 * PAGE);

    (void)unused;
    CHECK(at && munmap(at + 3 * PAGE, PAGE) == 0);
    memset(at, 9, 3 * PAGE);
    CHECK(sys_mprotect(at, 6 * PAGE, PROT_NONE) == -ENOMEM);
    CHECK(all_are(at, 3 * PAGE, 9) && can_write(at));
    CHECK(sys_mprotect(at + 3 * PAGE, PAGE, RW) == -ENOMEM);
    CHECK(sys_mprotect(at + 3 * PAGE, 2 * PAGE, PROT_NONE) == -ENOMEM && can_write(at + 4 * PAGE));
    CHECK(sys_mprotect(at + 8, PAGE, RW) == -EINVAL);
    CHECK(sys_mprotect(at, 0, RW) == -EINVAL);
    CHECK(sys_mprotect((void *)MEM_IMAGE, PAGE, RW) == -EINVAL);
    CHECK(sys_mprotect((void *)MEM_TRAMPOLINE, PAGE, RW) == -EINVAL);
    CHECK(sys_mprotect(at, ~0ul, RW) == -EINVAL);
    return 0;
}

/* Text made writable is a private copy: other processes run the old one. */
int answer(void); /* alone in its page */
__asm__(".section .text.answer, \"ax\", @progbits\n"
        ".p2align 12\n"
        ".globl answer\n"
        "answer: li a0, 41\n"
        "ret\n"
        ".p2align 12\n"
        ".text\n");

static int patch_text(void *unused)
{
    volatile unsigned *code = (volatile unsigned *)(unsigned long)answer;
    unsigned long page = (unsigned long)answer & ~(PAGE - 1);
    int status;

    (void)unused;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if (mprotect((void *)page, PAGE, RW) < 0)
            _exit(3);
        code[0] = 0x02a00513; /* li a0, 42 */
        code[1] = 0x00008067; /* ret */
        if (mprotect((void *)page, PAGE, PROT_READ | PROT_EXEC) < 0)
            _exit(4);
        __asm__ volatile("fence.i" ::: "memory");
        _exit(((int (*volatile)(void))answer)());
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHECK(((int (*volatile)(void))answer)() == 41);
    return 0;
}

static int sync_refusals(void *unused)
{
    char *at = map_private(3 * PAGE);

    (void)unused;
    CHECK(at && munmap(at + PAGE, PAGE) == 0);
    CHECK(sys_msync(at, PAGE, ABI_MS_SYNC) == 0);
    CHECK(sys_msync(at, 3 * PAGE, ABI_MS_SYNC) == -ENOMEM);
    CHECK(sys_msync(at + 1, PAGE, ABI_MS_SYNC) == -EINVAL);
    CHECK(sys_msync(at, PAGE, 0x40) == -EINVAL);
    CHECK(sys_msync((void *)MEM_IMAGE, PAGE, ABI_MS_SYNC) < 0);
    return 0;
}

int main(void)
{
    ktap_plan(23);
    ktap_in_child(many_do_not_overlap, 0);
    mem_begin();
    ok_child(zero_filled, 0, "anonymous memory is zero, used frames too");
    ok_child(is_lazy, 0, "8 GiB can be mapped: only what is touched costs a frame");
    ok_child(shared_over_fork, 0, "shared memory is one after fork, touched before or not");
    ok_child(private_over_fork, 0, "private memory is each one's own after fork");
    ok_child(populated, 0, "MAP_POPULATE brings the pages at once");
    ok_child(hints, 0, "a hint is taken if it can be");
    ok_child(fixed_replaces, 0, "MAP_FIXED replaces exactly its range");
    ok_child(many_do_not_overlap, 0, "many mappings come and go and never overlap");
    ok_child(refusals, 0, "mmap refuses what makes no sense");
    ok_child(rights_bound, 0, "a mapping can do no more than its handle");
    ok_child(unmap_middle, 0, "munmap takes the middle out, twice if asked");
    ok_child(unmap_refusals, 0, "munmap refuses what makes no sense");
    ok_dies(unmap_all, 0, SIGSEGV, "a program that unmaps itself ends");
    ok_child(protect_steps, 0, "mprotect: each right alone and back");
    ok_child(from_none, 0, "PROT_NONE, then rights; the kernel's copies obey");
    ok_child(never_both, 0, "nothing is ever writable and executable");
    ok_child(protect_parts, 0, "mprotect of parts, overlapping");
    ok_child(protect_holes, 0, "mprotect over a hole changes nothing");
    ok_child(patch_text, 0, "text made writable is a private copy");
    ok_child(sync_refusals, 0, "msync refuses what makes no sense");
    ok_child(zero_filled, 0, "and all works again afterwards");
    ok_child(is_lazy, 0, "large mappings too");
    mem_end_ok("mappings give back what they took");
    return ktap_done();
}
