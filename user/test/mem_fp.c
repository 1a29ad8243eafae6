/*
 * Floating-point registers belong to threads: they survive switches, harts and
 * forks, and nobody starts with another's.
 *
 * test: points=3
 */
#include <pthread.h>
#include <test_mem.h>

#define TEST_PATH "/test/mem_fp"
#define STEP      0x0101010101ul /* from one register's pattern to the next */
#define SNAPSHOT  33             /* f0..f31, fcsr */

/*
 * fp_hold(seed, rounds, number, result): fills f0..f31 with seed, seed + STEP, ...
 * and fcsr from seed; does system call `number` (0: none) with a0 = 50000 as
 * often as rounds says, with some spinning; then counts the registers that are
 * not as they were filled. *result gets what the last call returned.
 */
long fp_hold(unsigned long seed, unsigned long rounds, unsigned long number, long *result);
/* fp_snapshot(to): stores f0..f31 and fcsr. Touches nothing else. */
void fp_snapshot(unsigned long *to);
/* A thread's first instructions: all registers as found to the page at a0. */
void fp_thread_start(void *to);
__asm__(".section .text.fp_hold, \"ax\", @progbits\n"
        ".globl fp_hold\n"
        "fp_hold:\n"
        "addi sp, sp, -128\n"
        "fsd fs0, 0(sp)\n fsd fs1, 8(sp)\n fsd fs2, 16(sp)\n fsd fs3, 24(sp)\n fsd fs4, 32(sp)\n"
        "fsd fs5, 40(sp)\n fsd fs6, 48(sp)\n fsd fs7, 56(sp)\n fsd fs8, 64(sp)\n"
        "fsd fs9, 72(sp)\n fsd fs10, 80(sp)\n fsd fs11, 88(sp)\n"
        "sd s0, 96(sp)\n sd s1, 104(sp)\n sd s2, 112(sp)\n sd s3, 120(sp)\n"
        "mv s0, a0\n mv s1, a1\n mv s2, a2\n mv s3, a3\n"
        "li t1, 0x0101010101\n"
        "mv t0, s0\n"
        ".irp n, "
        "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "fmv.d.x f\\n, t0\n"
        "add t0, t0, t1\n"
        ".endr\n"
        "andi t0, s0, 0x1f\n"
        "fscsr t0\n"
        "1: beqz s2, 2f\n"
        "li a0, 50000\n mv a7, s2\n"
        "ecall\n"
        "sd a0, 0(s3)\n"
        "2: li t0, 2000\n"
        "3: addi t0, t0, -1\n"
        "bnez t0, 3b\n"
        "addi s1, s1, -1\n"
        "bnez s1, 1b\n"
        "li a0, 0\n"
        "li t1, 0x0101010101\n"
        "mv t0, s0\n"
        ".irp n, "
        "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "fmv.x.d t2, f\\n\n"
        "sub t2, t2, t0\n"
        "snez t2, t2\n"
        "add a0, a0, t2\n"
        "add t0, t0, t1\n"
        ".endr\n"
        "andi t0, s0, 0x1f\n"
        "frcsr t2\n"
        "sub t2, t2, t0\n"
        "snez t2, t2\n"
        "add a0, a0, t2\n"
        "fscsr zero\n"
        "fld fs0, 0(sp)\n fld fs1, 8(sp)\n fld fs2, 16(sp)\n fld fs3, 24(sp)\n fld fs4, 32(sp)\n"
        "fld fs5, 40(sp)\n fld fs6, 48(sp)\n fld fs7, 56(sp)\n fld fs8, 64(sp)\n"
        "fld fs9, 72(sp)\n fld fs10, 80(sp)\n fld fs11, 88(sp)\n"
        "ld s0, 96(sp)\n ld s1, 104(sp)\n ld s2, 112(sp)\n ld s3, 120(sp)\n"
        "addi sp, sp, 128\n"
        "ret\n"
        ".section .text.fp_snapshot, \"ax\", @progbits\n"
        ".globl fp_snapshot\n"
        "fp_snapshot:\n"
        ".irp n, "
        "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "fsd f\\n, \\n*8(a0)\n"
        ".endr\n"
        "frcsr t0\n"
        "sd t0, 256(a0)\n"
        "ret\n"
        ".section .text.fp_thread_start, \"ax\", @progbits\n"
        ".globl fp_thread_start\n"
        ".option push\n.option norelax\n"
        "fp_thread_start:\n"
        ".irp n, 1,3,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "sd x\\n, 512+\\n*8(a0)\n"
        ".endr\n"
        "jal fp_snapshot\n"
        "addi a0, a0, 264\n"
        "1: li a7, 11\n" /* SYS_thread_exit: the word after fcsr */
        "ecall\n"
        "j 1b\n"
        ".option pop\n"
        ".text\n");
_Static_assert(SYS_thread_exit == 11, "fp_thread_start");

static int nonzero(const unsigned long *words, int n)
{
    int found = 0;

    for (int i = 0; i < n; i++)
        if (words[i]) {
            diag("word %d is 0x%lx", i, words[i]);
            found++;
        }
    return found;
}

/* -------------------------------------------------------------------- hold */

struct holder {
    unsigned long seed;
    unsigned times, rounds;
    long changed;
};

/* Each time with other values: a register left from the last time shows. */
static void *hold(void *arg)
{
    struct holder *h = arg;
    long result;

    for (unsigned i = 0; i < h->times; i++) {
        unsigned long number = i % 3 == 0 ? SYS_yield : i % 3 == 1 ? SYS_sleep : 0;
        h->changed +=
            fp_hold(h->seed + i * 0x10000000003ul, number ? h->rounds : 400, number, &result);
    }
    return 0;
}

/* Threads that do no floating point between those that do. */
static void *stir(void *arg)
{
    volatile unsigned *stop = arg;

    while (!*stop)
        sys_yield();
    return 0;
}

static int hold_in_threads(void *arg)
{
    enum { THREADS = 6 };
    pthread_t threads[THREADS], stirrer;
    struct holder holders[THREADS];
    unsigned stop = 0;
    long changed = 0;

    CHECK(pthread_create(&stirrer, 0, stir, &stop) == 0);
    for (int i = 0; i < THREADS; i++) {
        holders[i] = (struct holder){
            .seed = (unsigned long)(i + 1) << 56 | (unsigned long)arg, .times = 60, .rounds = 3};
        CHECK(pthread_create(&threads[i], 0, hold, &holders[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], 0);
        changed += holders[i].changed;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(stirrer, 0);
    if (changed)
        diag("%ld registers changed", changed);
    return changed != 0;
}

/* Works and sleeps in turn, without floating point, so that harts are now free,
 * now taken. */
static void *jostle(void *arg)
{
    volatile unsigned *stop = arg;

    for (unsigned n = (unsigned)(unsigned long)&n; !*stop; n = n * 1103515245 + 12345) {
        for (volatile unsigned i = 0; i < (n >> 16 & 0x3fff); i++)
            ;
        if (n >> 8 & 1)
            sys_sleep(n >> 12 & 0x7ffff);
        else
            sys_yield();
    }
    return 0;
}

/*
 * One thread that computes wanders over the harts while nobody else does: each
 * hart may take the registers it left there last time for its own.
 */
static int hold_while_wandering(void *unused)
{
    enum { MOST = 5 };
    unsigned others = hart_count(), stop = 0;
    pthread_t threads[MOST];
    struct holder holder = {.seed = 0x1234567800000000ul, .times = 400, .rounds = 2};

    (void)unused;
    others = others > MOST ? MOST : others;
    for (unsigned i = 0; i < others; i++)
        CHECK(pthread_create(&threads[i], 0, jostle, &stop) == 0);
    hold(&holder);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < others; i++)
        pthread_join(threads[i], 0);
    if (holder.changed)
        diag("%ld registers changed", holder.changed);
    return holder.changed != 0;
}

static int hold_in_processes(void *unused)
{
    enum { PROCESSES = 3 };
    int bad = 0, status;

    (void)unused;
    for (long i = 1; i <= PROCESSES; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            _exit(hold_in_threads((void *)(i << 44)));
    }
    for (int i = 0; i < PROCESSES; i++)
        bad += wait(&status) < 0 || status != 0;
    return bad;
}

/* -------------------------------------------------------------------- fork */

static int hold_over_fork(void *unused)
{
    (void)unused;
    for (unsigned long i = 1; i <= 8; i++) {
        long pid, changed = fp_hold(i << 40 | 0x1f, 1, SYS_fork, &pid);
        int status;
        if (pid == 0)
            _exit(changed != 0);
        CHECK(pid > 0 && waitpid((pid_t)pid, &status, 0) == pid);
        CHECK(changed == 0);
        CHECK(status == 0);
    }
    return 0;
}

/* -------------------------------------------------------------------- fresh */

/* Many threads start while others have full registers. */
static int fresh_threads(void *unused)
{
    struct holder filler = {.seed = 0x7777777700000000ul, .times = 40, .rounds = 2};
    char *page = map_private(PAGE);
    char *stack = map_private(4 * PAGE);
    pthread_t thread;

    (void)unused;
    CHECK(page && stack && pthread_create(&thread, 0, hold, &filler) == 0);
    for (int i = 0; i < 60; i++) {
        unsigned long *found = (unsigned long *)page;
        unsigned *alive = (unsigned *)(page + 264);
        memset(page, 0xee, PAGE);
        /* The creator's own registers are full, too. */
        fp_hold(0x5555555500000000ul + (unsigned long)i, 1, 0, 0);
        *alive = 1;
        CHECK(sys_thread_create(fp_thread_start, stack + 4 * PAGE, 0, page) > 0);
        while (__atomic_load_n(alive, __ATOMIC_ACQUIRE))
            sys_futex_wait(alive, 1, (long)MEM_MILLI * 1000);
        CHECK(nonzero(found, SNAPSHOT) == 0);
        /* x0 is not stored; x3 is gp, the creator's; the kernel gives sp, tp and a0. */
        found[64] = found[64 + 2] = found[64 + 3] = found[64 + 4] = found[64 + 10] = 0;
        CHECK(nonzero(found + 64, 32) == 0);
    }
    pthread_join(thread, 0);
    return filler.changed != 0;
}

static int fresh_program(void *unused)
{
    char *argv[] = {"mem_fp", "fresh", 0};

    (void)unused;
    fp_hold(0x3333333300000000ul, 1, 0, 0);
    for (int i = 0; i < 2; i++) /* not restored: the registers are full at exec */
        __asm__ volatile(
            "fmv.d.x fs0, %0\n fmv.d.x ft3, %0\n fmv.d.x fa5, %0\n fscsr %1" ::"r"(~0ul),
            "r"(0x21ul)
            : "fs0", "ft3", "fa5");
    execv(TEST_PATH, argv);
    return 99;
}

/* ---------------------------------------------------------------- arithmetic */

static double compute(unsigned seed)
{
    double x = seed, sum = 0;

    for (int i = 0; i < 2000; i++) {
        x = x * 1.0000001 + 0.5;
        sum += 1.0 / x;
        if (i % 500 == 0)
            sys_yield();
    }
    return sum;
}

struct sum {
    unsigned seed;
    double first;
    int differs;
};

static void *compute_again(void *arg)
{
    struct sum *s = arg;

    for (int i = 0; i < 10; i++)
        s->differs += compute(s->seed) != s->first;
    return 0;
}

static int same_sums(void *unused)
{
    enum { THREADS = 5 };
    pthread_t threads[THREADS];
    struct sum sums[THREADS];
    int differs = 0;

    (void)unused;
    for (unsigned i = 0; i < THREADS; i++) {
        sums[i] = (struct sum){.seed = i + 1, .first = compute(i + 1)};
        CHECK(sums[i].first > 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], 0, compute_again, &sums[i]) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], 0);
        differs += sums[i].differs;
    }
    return differs;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "fresh") == 0) {
        unsigned long found[SNAPSHOT];
        fp_snapshot(found);
        return nonzero(found, SNAPSHOT) != 0;
    }
    ktap_plan(8);
    hold_in_processes(0);
    mem_begin();
    ok_child(hold_in_threads, 0, "threads keep their registers over switches and harts");
    ok_child(hold_in_processes, 0, "so do threads of several processes");
    ok_child(hold_while_wandering, 0, "a thread that wanders finds its own registers on each hart");
    ok_child(hold_over_fork, 0, "parent and child both go on with the parent's registers");
    ok_child(fresh_threads, 0, "a thread starts with nothing of another's");
    ok_child(fresh_program, 0, "a program starts with nothing of what ran before");
    ok_child(same_sums, 0, "sums come out the same however they are interrupted");
    mem_end_ok("threads and their registers give back what they took");
    return ktap_done();
}
