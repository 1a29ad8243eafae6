/*
 * Bad pointers to every system call that takes one: kernel addresses, null,
 * unmapped and forbidden pages, ranges that run off the end of a mapping or wrap.
 * Each is refused, and nothing is done, kept or lost by it.
 *
 * test: points=4
 */
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <test_mem.h>
#include "user/test/ipc_raw.h"

/* What kinds of bad there are, for memory that the kernel reads or writes. */
static char *page_rw;       /* the last bytes of it; what follows is unmapped */
static char *page_readable; /* a page that can only be read */
static char *page_none;     /* a page that cannot be touched */
static char *page_gone;     /* an address where nothing is mapped */

#define BAD_FIXED 12
static unsigned long bad_everywhere[BAD_FIXED + 2];

static void make_pages(void)
{
    char *at = map_private(6 * PAGE);

    munmap(at + PAGE, PAGE);
    page_rw = at;
    memset(page_rw, 'w', PAGE);
    page_gone = at + PAGE;
    page_readable = at + 2 * PAGE;
    memset(page_readable, 'r', PAGE);
    mprotect(page_readable, PAGE, PROT_READ);
    page_none = at + 4 * PAGE;
    memset(page_none, 'n', PAGE);
    mprotect(page_none, PAGE, PROT_NONE);
    munmap(at + 3 * PAGE, PAGE);
    munmap(at + 5 * PAGE, PAGE);
    const unsigned long bad[] = {
        0x8,
        0xff0,
        (unsigned long)page_gone,
        (unsigned long)page_none + 16,
        ABI_USER_END,
        0x4000000000ul, /* the hole */
        0x8000000000000000ul,
        MEM_DIRECT + 0x80200000ul,
        MEM_VMALLOC + PAGE,
        MEM_IMAGE,
        MEM_TRAMPOLINE,
        ~7ul,
        MEM_NOBODY,
    };
    memcpy(bad_everywhere, bad, sizeof(bad));
}

#define BAD_COUNT (BAD_FIXED + 1)

/* ----------------------------------------------------------------- the calls */

/* One call with `bad` as the pointer in question; all else is right. `size` is
 * what the kernel wants there. */
struct attack {
    const char *name;
    long (*call)(unsigned long bad);
    unsigned size;  /* bytes at the pointer; 0: a string */
    int writes;     /* the kernel writes there, so a read-only page is bad, too */
    int null_means; /* 1: a null pointer says "none", and is not bad */
};

static int pipe_ends[2]; /* with some bytes in it */
static int port, session, object_session;
static int program; /* something that could be executed */

static long attack_exec_argv(unsigned long bad)
{
    return sys_exec(program, (char **)bad, 0);
}

static long attack_exec_envp(unsigned long bad)
{
    char *argv[] = {"x", 0};

    return sys_exec(program, argv, (char **)bad);
}

static long attack_exec_string(unsigned long bad)
{
    char *argv[] = {"x", (char *)bad, 0};

    return bad ? sys_exec(program, argv, 0) : -EFAULT; /* a null ends the vector */
}

static long attack_exec_variable(unsigned long bad)
{
    char *argv[] = {"x", 0}, *envp[] = {"A=B", (char *)bad, 0};

    return bad ? sys_exec(program, argv, envp) : -EFAULT;
}

static long attack_wait(unsigned long bad)
{
    pid_t pid = fork();
    long r;

    if (pid == 0)
        _exit(0);
    r = sys_wait(pid, (int *)bad, 0);
    if (r == -EFAULT)
        sys_wait(pid, 0, 0); /* if it is still there */
    return r;
}

static long attack_futex_wait(unsigned long bad)
{
    return sys_futex_wait((unsigned *)bad, 0, (long)MEM_MILLI);
}

static long attack_futex_wake(unsigned long bad)
{
    /* The word itself is not read: a page without rights will do. */
    if (bad >= (unsigned long)page_none && bad < (unsigned long)page_none + PAGE)
        return -EFAULT;
    return sys_futex_wake((unsigned *)bad, 1);
}

static long attack_set_name(unsigned long bad)
{
    return sys_set_name((char *)bad, 16);
}

static long attack_handle_info(unsigned long bad)
{
    return sys_handle_info(pipe_ends[0], (struct abi_handle_info *)bad);
}

static long attack_read_pipe(unsigned long bad)
{
    return sys_read(pipe_ends[0], (void *)bad, 16);
}

static long attack_write_pipe(unsigned long bad)
{
    return sys_write(pipe_ends[1], (void *)bad, 16);
}

static long attack_read_session(unsigned long bad)
{
    return sys_read(session, (void *)bad, 16);
}

static long attack_write_session(unsigned long bad)
{
    return sys_write(session, (void *)bad, 16);
}

static long attack_pread(unsigned long bad)
{
    return sys_pread(session, (void *)bad, 16, 0);
}

static long attack_pwrite(unsigned long bad)
{
    return sys_pwrite(session, (void *)bad, 16, 0);
}

static long attack_mincore(unsigned long bad)
{
    static char pages[16 * 4096];

    return sys_mincore((void *)(((unsigned long)pages + 4095) & ~4095ul), 8 * 4096ul,
                       (unsigned char *)bad);
}

static long attack_pipe(unsigned long bad)
{
    return sys_pipe((int *)bad, 0);
}

static long attack_session_create(unsigned long bad)
{
    return sys_session_create(port, (struct ipc_session *)bad);
}

static long attack_object_info(unsigned long bad)
{
    return sys_object_info(port, 77, (struct abi_object_info *)bad);
}

static long attack_object_dma(unsigned long bad)
{
    return sys_object_dma(H_SYSTEM, PAGE, (unsigned long *)bad);
}

static long attack_call_gifts(unsigned long bad)
{
    return ipc_raw(SYS_call, session, 0, (struct ipc_raw){.word = 1, .gifts = bad});
}

static long attack_call_send(unsigned long bad)
{
    struct message m = {.w = {1}};
    struct ipc_ext ext = {.send_addr = bad, .send_len = 16};

    return ipc_call(session, &m, &ext);
}

static long attack_call_receive(unsigned long bad)
{
    struct message m = {.w = {1}};
    struct ipc_ext ext = {.recv_addr = bad, .recv_cap = 16};

    return ipc_call(session, &m, &ext);
}

/* A port of which the caller is the server, and on which nothing ever comes. */
static int quiet_port;

static long attack_receive_buffer(unsigned long bad)
{
    struct message m;
    struct ipc_ext ext = {.recv_addr = bad, .recv_cap = 16};

    sys_notify(quiet_port, 1); /* so that a receive that should fail does not wait */
    return ipc_receive(quiet_port, &m, &ext);
}

/* An id that names no request is -ECANCELED, but the pointer is looked at first. */
static long attack_reply_gifts(unsigned long bad)
{
    return ipc_raw(SYS_reply, quiet_port, 1 << 16, (struct ipc_raw){.gifts = bad});
}

static long attack_reply_receive_gifts(unsigned long bad)
{
    sys_notify(quiet_port, 1);
    return ipc_raw(SYS_reply_receive, quiet_port, 1 << 16, (struct ipc_raw){.gifts = bad});
}

#define SYSTEM_ATTACK(name, op, a, b, c)                                                           \
    static long attack_##name(unsigned long bad)                                                   \
    {                                                                                              \
        return sys_system(H_SYSTEM, op, (long)(a), (long)(b), (long)(c));                          \
    }

static struct abi_pte some_ptes[8];
static struct abi_pte_query good_query = {.va = 0, .room = 8, .max_level0 = 1, .out = some_ptes};
static unsigned long log_position;
static char some_bytes[64];

SYSTEM_ATTACK(processes, SYSTEM_PROCESSES, bad, 1, 0)
SYSTEM_ATTACK(regions, SYSTEM_REGIONS, getpid(), bad, 1)
SYSTEM_ATTACK(ptes, SYSTEM_PTES, getpid(), bad, 0)
SYSTEM_ATTACK(memory, SYSTEM_MEMORY, bad, 0, 0)
SYSTEM_ATTACK(threads, SYSTEM_THREADS, bad, 1, 0)
SYSTEM_ATTACK(counters, SYSTEM_COUNTERS, bad, 0, 0)
SYSTEM_ATTACK(device, SYSTEM_DEVICE, 0, bad, 0)
SYSTEM_ATTACK(boot_file, SYSTEM_BOOT_FILE, bad, 0, 0)
SYSTEM_ATTACK(log_read, SYSTEM_LOG_READ, bad, 16, &log_position)
SYSTEM_ATTACK(log_position, SYSTEM_LOG_READ, some_bytes, 16, bad)
SYSTEM_ATTACK(boot_args, SYSTEM_BOOT_ARGS, bad, 1, 0)
SYSTEM_ATTACK(log_write, SYSTEM_LOG_WRITE, bad, 16, 0)

static long attack_ptes_out(unsigned long bad)
{
    struct abi_pte_query query = good_query;

    query.out = (struct abi_pte *)bad;
    return sys_system(H_SYSTEM, SYSTEM_PTES, getpid(), (long)&query, 0);
}

static const struct attack attacks[] = {
    {"exec: argv", attack_exec_argv, 8, 0, 1},
    {"exec: envp", attack_exec_envp, 8, 0, 1},
    {"exec: a string of argv", attack_exec_string, 0, 0, 0},
    {"exec: a string of envp", attack_exec_variable, 0, 0, 0},
    {"wait", attack_wait, sizeof(int), 1, 1},
    {"futex_wait", attack_futex_wait, 4, 0, 0},
    {"futex_wake", attack_futex_wake, 4, 0, 0},
    {"set_name", attack_set_name, 16, 0, 0},
    {"handle_info", attack_handle_info, sizeof(struct abi_handle_info), 1, 0},
    {"read from a pipe", attack_read_pipe, 16, 1, 0},
    {"write to a pipe", attack_write_pipe, 16, 0, 0},
    {"read from a server", attack_read_session, 16, 1, 0},
    {"write to a server", attack_write_session, 16, 0, 0},
    {"pread from a server", attack_pread, 16, 1, 0},
    {"pwrite to a server", attack_pwrite, 16, 0, 0},
    {"mincore", attack_mincore, 8, 1, 0},
    {"pipe", attack_pipe, 2 * sizeof(int), 1, 0},
    {"session_create", attack_session_create, sizeof(struct ipc_session), 0, 0},
    {"object_info", attack_object_info, sizeof(struct abi_object_info), 1, 0},
    {"object_dma", attack_object_dma, 8, 1, 0},
    {"call: gifts", attack_call_gifts, sizeof(struct ipc_gifts), 0, 1},
    {"call: the data sent", attack_call_send, 16, 0, 0},
    {"call: room for the reply", attack_call_receive, 16, 1, 0},
    {"receive: room", attack_receive_buffer, 16, 1, 0},
    {"reply: gifts", attack_reply_gifts, sizeof(struct ipc_gifts), 0, 1},
    {"reply_receive: gifts", attack_reply_receive_gifts, sizeof(struct ipc_gifts), 0, 1},
    {"processes", attack_processes, sizeof(struct abi_process), 1, 0},
    {"regions", attack_regions, sizeof(struct abi_region), 1, 0},
    {"page-table entries: query", attack_ptes, sizeof(struct abi_pte_query), 1, 0},
    {"page-table entries: room", attack_ptes_out, sizeof(struct abi_pte), 1, 0},
    {"memory", attack_memory, sizeof(struct abi_memory), 1, 0},
    {"threads", attack_threads, sizeof(struct abi_thread), 1, 0},
    {"counters", attack_counters, sizeof(struct abi_counters), 1, 0},
    {"device", attack_device, sizeof(struct abi_device), 1, 0},
    {"boot file", attack_boot_file, 0, 0, 0},
    {"reading the log: room", attack_log_read, 16, 1, 0},
    {"reading the log: position", attack_log_position, 8, 1, 0},
    {"boot arguments", attack_boot_args, 1, 1, 0},
    {"writing the log", attack_log_write, 16, 0, 0},
};

#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

/* -------------------------------------------------------------- the judgement */

static int handles_open(void)
{
    struct abi_handle_info info;
    int open = 0;

    for (int h = 0; h < 64; h++)
        open += sys_handle_info(h, &info) >= 0;
    return open;
}

static int judge(const struct attack *a, unsigned long bad)
{
    long r = a->call(bad);

    if (r == -EFAULT || r == -EINVAL)
        return 1;
    diag("%s: 0x%lx: %ld", a->name, bad, r);
    return 0;
}

static int attack(const struct attack *a)
{
    int good = 1, handles = handles_open();
    char before[PAGE];

    for (int i = 0; i < BAD_COUNT; i++)
        good &= judge(a, bad_everywhere[i]);
    if (!a->null_means)
        good &= judge(a, 0);
    memset(page_rw, 'w', PAGE);
    /* The last byte is not there; or the first one alone is. Words that must be
     * aligned keep to it. */
    unsigned size = a->size ? a->size : 8;
    if (size > 1) {
        unsigned step = size % 8 ? 4 : 8;
        if (size > step)
            good &= judge(a, (unsigned long)page_gone - size + step);
        good &= judge(a, (unsigned long)page_gone - (size > step ? step : 1));
        if (size > step)
            good &= judge(a, 0ul - step); /* wraps */
    }
    if (a->writes) {
        memcpy(before, page_readable, PAGE);
        good &= judge(a, (unsigned long)page_readable);
        good &= judge(a, (unsigned long)page_readable + 512);
        good &= judge(a, (unsigned long)attacks & ~7ul);          /* read-only data */
        good &= judge(a, ((unsigned long)make_pages + 7) & ~7ul); /* text */
        if (memcmp(before, page_readable, PAGE) != 0) {
            diag("%s: a page that is read-only was written", a->name);
            good = 0;
        }
    }
    if (handles_open() != handles) {
        diag("%s: %d handles were open, now %d", a->name, handles, handles_open());
        good = 0;
    }
    return ok(good, "%s", a->name);
}

/* ------------------------------------------------------------------ the server */

static unsigned served; /* requests that reached it */

/* Answers what comes until a message says otherwise. */
static void *serve(void *unused)
{
    struct message m = {.w = {0}};
    char buffer[64];

    (void)unused;
    for (;;) {
        struct ipc_ext ext = {.recv_addr = (unsigned long)buffer, .recv_cap = sizeof(buffer)};
        long id = ipc_receive(port, &m, &ext);
        if (id <= 0)
            return 0;
        unsigned long what = m.w[0];
        m.w[0] = 0;
        if (!(m.origin & ORIGIN_KERNEL)) /* closing, and syncing for the ledger */
            __atomic_add_fetch(&served, 1, __ATOMIC_RELAXED);
        ipc_reply(port, id, &m, 0);
        if (what == 4711)
            return 0;
    }
}

static int start_server(pthread_t *server)
{
    struct ipc_session spec = {.badge = 1,
                               .rights = RIGHT_READ | RIGHT_WRITE | RIGHT_CALL | RIGHT_TRANSFER};
    struct ipc_session with_object = {.badge = 2,
                                      .rights = RIGHT_READ | RIGHT_WRITE,
                                      .flags = SESSION_OBJECT,
                                      .key = 77,
                                      .size = PAGE};

    port = (int)sys_port_create();
    quiet_port = (int)sys_port_create();
    session = (int)sys_session_create(port, &spec);
    object_session = (int)sys_session_create(port, &with_object);
    return port < 0 || quiet_port < 0 || session < 0 || object_session < 0 ||
           pthread_create(server, 0, serve, 0);
}

/* A request that has reached a server stays its to answer, whatever the server
 * gets wrong in between. */
static int service_survives(void)
{
    struct message m = {.w = {0}};
    struct ipc_session spec = {.badge = 3, .rights = RIGHT_CALL};
    int mine = (int)sys_port_create(), good;
    int client = (int)sys_session_create(mine, &spec), status;
    pid_t pid = fork();

    if (pid == 0) {
        struct message question = {.w = {12}};
        struct ipc_ext ext = {.recv_addr = (unsigned long)some_bytes, .recv_cap = 8};
        sys_close(mine);
        long err = ipc_call(client, &question, &ext);
        _exit(err != 0 || question.w[0] != 34 || memcmp(some_bytes, "answered", 8) != 0);
    }
    sys_close(client);
    struct ipc_ext room = {.recv_addr = (unsigned long)some_bytes, .recv_cap = sizeof(some_bytes)};
    /* With room that cannot be written nothing is received. */
    room.recv_addr = (unsigned long)page_rw;
    mprotect(page_rw, PAGE, PROT_READ);
    good = ipc_receive(mine, &m, &room) == -EFAULT;
    mprotect(page_rw, PAGE, PROT_READ | PROT_WRITE);
    if (!good)
        diag("receive into a page that is read-only");
    long id = ipc_receive(mine, &m, &room);
    good &= id > 0 && m.w[0] == 12;
    struct ipc_ext bad = {.send_addr = (unsigned long)page_gone, .send_len = 8};
    m.w[0] = 99;
    good &= ipc_raw(SYS_reply, mine, (unsigned long)id,
                    (struct ipc_raw){.gifts = (unsigned long)page_gone}) == -EFAULT;
    good &= ipc_reply(mine, id, &m, &bad) == -EFAULT;
    bad.send_addr = MEM_IMAGE;
    good &= ipc_reply(mine, id, &m, &bad) == -EFAULT;
    bad.send_addr = (unsigned long)page_gone - 4;
    good &= ipc_reply(mine, id, &m, &bad) == -EFAULT;
    struct ipc_ext right = {.send_addr = (unsigned long)"answered", .send_len = 8};
    m.w[0] = 34;
    good &= ipc_reply(mine, id, &m, &right) == 0;
    good &= waitpid(pid, &status, 0) == pid && status == 0;
    sys_close(mine);
    return good;
}

/* ----------------------------------------------------------------------- files */

/* read and write on a file's pages take another way than messages do. */
static int file_calls(void *unused)
{
    static const char path[] = "/mem_pointers.tmp";
    char back[16];
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    (void)unused;
    CHECK(fd >= 0);
    CHECK(write(fd, "0123456789abcdef", 16) == 16);
    for (int i = 0; i < BAD_COUNT; i++) {
        void *bad = (void *)bad_everywhere[i];
        CHECK(sys_pread(fd, bad, 16, 0) == -EFAULT);
        CHECK(sys_pwrite(fd, bad, 16, 4) == -EFAULT);
        CHECK(sys_pwrite(fd, bad, 16, 100000) == -EFAULT);
    }
    CHECK(sys_pread(fd, page_readable, 16, 0) == -EFAULT && page_readable[0] == 'r');
    /* What fits is moved, and counted. */
    memset(page_rw, 'w', PAGE);
    CHECK(sys_pread(fd, page_gone - 4, 16, 0) == 4 && memcmp(page_gone - 4, "0123", 4) == 0);
    /* A write may also do nothing. */
    long moved = sys_pwrite(fd, page_gone - 4, 16, 8);
    CHECK(moved == 4 || moved == -EFAULT);
    CHECK(sys_pread(fd, back, 16, 0) == 16);
    CHECK(memcmp(back, moved == 4 ? "012345670123cdef" : "0123456789abcdef", 16) == 0);
    CHECK(lseek(fd, 0, SEEK_END) == 16);
    CHECK(close(fd) == 0 && unlink(path) == 0);
    return 0;
}

/* A thread that is told to store its last word somewhere bad just ends. */
static char small_stack[4096] __attribute__((aligned(16)));

static void leave(void *bad)
{
    sys_thread_exit(bad);
}

static int bad_last_words(void *unused)
{
    int before = handles_open();

    (void)unused;
    for (int i = 0; i < BAD_COUNT; i++) {
        CHECK(sys_thread_create(leave, small_stack + sizeof(small_stack), 0,
                                (void *)bad_everywhere[i]) > 0);
        sys_sleep(MEM_MILLI);
    }
    CHECK(sys_thread_create((void (*)(void *))MEM_IMAGE, small_stack, 0, 0) < 0);
    CHECK(sys_thread_create((void (*)(void *))MEM_TRAMPOLINE, small_stack, 0, 0) < 0);
    CHECK(sys_thread_create(leave, (void *)MEM_DIRECT, 0, 0) < 0);
    return handles_open() != before;
}

int main(void)
{
    struct message m = {.w = {4711}};
    char left[32];
    pthread_t server;

    ktap_plan(ATTACKS + 6);
    make_pages();
    program = (int)sys_system(H_SYSTEM, SYSTEM_BOOT_FILE, (long)"init", 0, 0);
    if (pipe(pipe_ends) < 0 || program < 0 || start_server(&server)) {
        diag("cannot set the scene");
        return 1;
    }
    sys_write(pipe_ends[1], "0123456789abcdef", 16);
    ktap_in_child(bad_last_words, 0);
    attack_object_dma(0);
    mem_begin();
    for (unsigned i = 0; i < ATTACKS; i++)
        attack(&attacks[i]);
    ok_equal(served, 0, "no message of them reached a server");
    long n = sys_read(pipe_ends[0], left, sizeof(left));
    ok(n == 16 && memcmp(left, "0123456789abcdef", 16) == 0, "the pipe holds what it held");
    ok(service_survives(), "a request stays in service over bad replies");
    ok_child(bad_last_words, 0, "threads with bad last words end");
    mem_end_ok("nothing is kept of what was refused");
    if (access("/", F_OK) == 0)
        ok_child(file_calls, 0, "reading and writing a file");
    else
        ok(0, "there is a file system");
    ipc_call(session, &m, 0);
    pthread_join(server, 0);
    return ktap_done();
}
