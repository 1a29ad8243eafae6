/*
 * What one worker does alone, and what several do at the same time: `harts WORKERS [ROW...]`. Each
 * worker does the same work, in a process of its own unless the row says otherwise; a row is the
 * time from the first that began to the last that ended, by the operations of all of them. So with
 * as many harts as workers the row is half as long for two workers as for one if they do not hinder
 * each other. Counts are picoseconds (bench.h), whatever BENCH_MS is.
 */
#include "user/bench/bench.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#define PAGE        4096ul
#define WORDS       (PAGE / sizeof(unsigned long))
#define MIB         (1ul << 20)
#define WORKERS_MAX 8
#define FAULT_PAGES (64 * MIB / PAGE)
#define SWAP_PAGES  (64 * MIB / PAGE)
#define FILE_PAGES  64ul

struct job {
    unsigned worker; /* 0.. */
    volatile unsigned long *memory;
    int session, server, fd;
    char page[PAGE];
};

struct row {
    const char *name;
    unsigned long operations; /* of each worker; 0: pages that the kernel says were swapped */
    void (*prepare)(struct job *);
    void (*work)(struct job *, unsigned long operations);
    void (*finish)(struct job *);
    bool threads; /* workers are threads of one process */
    bool cold;    /* the work is not done once before it is measured */
};

static struct board {
    unsigned arrived;
    unsigned long begun[WORKERS_MAX], ended[WORKERS_MAX];
} * board; /* shared */

static int up[2], go[2]; /* from the workers, to them */
static unsigned workers;
static const struct row *row;

/* ------------------------------------------------------------------ work */

static void nothing(struct job *job)
{
    (void)job;
}

static void call_nothing(struct job *job, unsigned long operations)
{
    long pid = sys_getpid();

    (void)job;
    for (unsigned long i = 0; i < operations; i++)
        MUST(sys_getpid() == pid);
}

static void map(struct job *job)
{
    job->memory =
        mmap(0, FAULT_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(job->memory != MAP_FAILED);
}

static void unmap(struct job *job)
{
    MUST(munmap((void *)job->memory, FAULT_PAGES * PAGE) == 0);
}

static void touch(struct job *job, unsigned long operations)
{
    for (unsigned long i = 0; i < operations; i++)
        job->memory[i * WORDS] = 1;
}

/* What goes must be forgotten by the harts that run the other threads. */
static void map_and_unmap(struct job *job, unsigned long operations)
{
    (void)job;
    for (unsigned long i = 0; i < operations; i++) {
        char *page = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        MUST(page != MAP_FAILED);
        page[0] = 1;
        MUST(munmap(page, PAGE) == 0);
    }
}

static void fork_often(struct job *job, unsigned long operations)
{
    (void)job;
    for (unsigned long i = 0; i < operations; i++)
        bench_fork_exit_wait();
}

static int port;

static void serve(void)
{
    struct message m;
    long id = ipc_receive(port, &m, 0);

    while (id >= 0) {
        m.w[0] += m.w[7];
        id = ipc_reply_receive(port, id, &m, 0);
    }
}

static void start_server(struct job *job)
{
    struct ipc_session spec = {.badge = 1, .rights = RIGHT_CALL};

    port = (int)sys_port_create();
    job->session = (int)sys_session_create(port, &spec);
    MUST(port >= 0 && job->session >= 0);
    job->server = bench_spawn(serve);
}

static void call_server(struct job *job, unsigned long operations)
{
    struct message m = {.w = {0}};

    for (unsigned long i = 0; i < operations; i++) {
        m.w[0] = i;
        m.w[7] = 2;
        MUST(ipc_call(job->session, &m, 0) == 0 && m.w[0] == i + 2);
    }
}

static void end_server(struct job *job)
{
    bench_end(job->server);
    MUST(sys_close(job->session) == 0 && sys_close(port) == 0);
}

static const char *file_name(const struct job *job)
{
    static char name[40];

    snprintf(name, sizeof(name), "/tmp/bench.harts%u", job->worker);
    return name;
}

static void make_file(struct job *job)
{
    job->fd = open(file_name(job), O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(job->fd >= 0);
    for (unsigned long i = 0; i < FILE_PAGES; i++) {
        memset(job->page, (int)i, PAGE);
        MUST(write(job->fd, job->page, PAGE) == (long)PAGE);
    }
    MUST(fsync(job->fd) == 0);
}

static void read_file(struct job *job, unsigned long operations)
{
    for (unsigned long i = 0; i < operations; i++) {
        unsigned long at = i % FILE_PAGES;

        MUST(pread(job->fd, job->page, PAGE, (off_t)(at * PAGE)) == (long)PAGE);
        MUST(job->page[0] == (char)at && job->page[PAGE - 1] == (char)at);
    }
}

static void write_file(struct job *job, unsigned long operations)
{
    for (unsigned long i = 0; i < operations; i++)
        MUST(pwrite(job->fd, job->page, PAGE, (off_t)(i % FILE_PAGES * PAGE)) == (long)PAGE);
}

static void remove_file(struct job *job)
{
    MUST(close(job->fd) == 0 && unlink(file_name(job)) == 0);
}

/* Memory that there is not enough of: written, and then read in the same order, when what is asked
 * for is always what has just gone. */
static void swap(struct job *job, unsigned long unused)
{
    (void)unused;
    for (unsigned long i = 0; i < SWAP_PAGES; i++)
        job->memory[i * WORDS] = i * 3 + job->worker;
    for (unsigned long i = 0; i < SWAP_PAGES; i++)
        MUST(job->memory[i * WORDS] == i * 3 + job->worker);
}

static const struct row rows[] = {
    {"null", 500000, nothing, call_nothing, nothing, false, false},
    {"fault-processes", FAULT_PAGES, map, touch, unmap, false, false},
    {"fault-threads", FAULT_PAGES, map, touch, unmap, true, false},
    {"unmap-threads", 2000, nothing, map_and_unmap, nothing, true, false},
    {"fork", 1000, nothing, fork_often, nothing, false, false},
    {"ipc", 40000, start_server, call_server, end_server, false, false},
    {"read", 40000, make_file, read_file, remove_file, false, false},
    {"write", 40000, make_file, write_file, remove_file, false, false},
    {"swap", 0, map, swap, unmap, false, true},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* --------------------------------------------------------------- workers */

static void tell_and_wait(void)
{
    char byte;

    MUST(write(up[1], "", 1) == 1 && read(go[0], &byte, 1) == 1);
}

/* All begin at the same time, and none ends while another still works: what a process has is taken
 * down at its end. */
static void *worker(void *job_)
{
    struct job *job = job_;

    if (!row->cold) {
        row->prepare(job);
        row->work(job, row->operations);
        row->finish(job);
    }
    row->prepare(job);
    tell_and_wait();
    __atomic_add_fetch(&board->arrived, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&board->arrived, __ATOMIC_SEQ_CST) < workers)
        sched_yield();
    board->begun[job->worker] = bench_ticks();
    row->work(job, row->operations);
    board->ended[job->worker] = bench_ticks();
    tell_and_wait();
    row->finish(job);
    return 0;
}

static void await_all(void)
{
    char byte;

    for (unsigned i = 0; i < workers; i++)
        MUST(read(up[0], &byte, 1) == 1);
}

static void let_all_go(void)
{
    for (unsigned i = 0; i < workers; i++)
        MUST(write(go[1], "", 1) == 1);
}

static unsigned long swapped(void)
{
    struct abi_counters now = bench_counters();

    return now.swap_ins + now.swap_outs;
}

/* In ticks, from the first that began to the last that ended. */
static unsigned long took(void)
{
    unsigned long begun = board->begun[0], ended = board->ended[0];

    for (unsigned i = 1; i < workers; i++) {
        begun = board->begun[i] < begun ? board->begun[i] : begun;
        ended = board->ended[i] > ended ? board->ended[i] : ended;
    }
    return ended - begun;
}

static void measure(void)
{
    unsigned long operations = row->operations * workers, before;
    struct bench_span span;

    await_all();
    before = swapped();
    span = bench_start();
    let_all_go();
    await_all();
    bench_stop(span);
    if (!operations)
        operations = swapped() - before;
    MUST(operations > 0);
    bench_report(row->name, took() * (BENCH_PS_S / bench_counters().timebase), operations);
    let_all_go();
}

static struct job jobs[WORKERS_MAX];

static void in_threads(void)
{
    pthread_t threads[WORKERS_MAX];

    for (unsigned i = 0; i < workers; i++)
        MUST(pthread_create(&threads[i], 0, worker, &jobs[i]) == 0);
    measure();
    for (unsigned i = 0; i < workers; i++)
        MUST(pthread_join(threads[i], 0) == 0);
}

static void in_processes(void)
{
    int pids[WORKERS_MAX], status;

    for (unsigned i = 0; i < workers; i++) {
        pids[i] = fork();
        MUST(pids[i] >= 0);
        if (pids[i] == 0) {
            worker(&jobs[i]);
            _exit(0);
        }
    }
    measure();
    for (unsigned i = 0; i < workers; i++)
        MUST(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
}

static void run(const struct row *chosen)
{
    row = chosen;
    board->arrived = 0;
    if (row->threads)
        in_threads();
    else
        in_processes();
}

int main(int argc, char **argv)
{
    workers = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    MUST(workers >= 1 && workers <= WORKERS_MAX);
    board = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(board != MAP_FAILED && pipe(up) == 0 && pipe(go) == 0);
    for (unsigned i = 0; i < workers; i++)
        jobs[i].worker = i;
    for (unsigned i = 0; i < ROWS; i++) {
        bool wanted = argc == 2 && !rows[i].cold; /* swap is for a machine that lacks memory */

        for (int j = 2; j < argc; j++)
            wanted |= strcmp(argv[j], rows[i].name) == 0;
        if (wanted)
            run(&rows[i]);
    }
    return 0;
}
