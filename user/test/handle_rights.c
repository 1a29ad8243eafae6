/*
 * Rights: each operation needs the ones it names, whatever the handle.
 *
 * test: points=4 cpus=2
 */
#include "user/test/ipc_util.h"
#include <fcntl.h>
#include <sys/mman.h>

#define NAME "/tmp/handle_rights"

static int strip(int handle, unsigned rights)
{
    return (int)sys_restrict(handle, RIGHT_ALL & ~rights);
}

static int shrink_only(void *unused)
{
    int port = (int)sys_port_create(), weak, weaker;
    struct abi_handle_info info;

    (void)unused;
    weak = (int)sys_restrict(port, RIGHT_OWN | RIGHT_POWER | RIGHT_READ);
    CHECK_IS(sys_handle_info(weak, &info), 0);
    CHECK_IS(info.rights, RIGHT_OWN); /* none that was not there */
    weaker = (int)sys_restrict(weak, RIGHT_ALL);
    CHECK_IS(sys_handle_info(weaker, &info), 0);
    CHECK_IS(info.rights, RIGHT_OWN);
    weaker = (int)sys_dup(sys_restrict(weak, 0), 0, 0);
    CHECK_IS(sys_handle_info(weaker, &info), 0);
    CHECK_IS(info.rights, 0);
    CHECK_IS(sys_close(weaker), 0); /* to close needs none */
    return 0;
}

static int pipes(void *unused)
{
    int fds[2];
    char byte = 'x';

    (void)unused;
    CHECK_IS(sys_pipe(fds, 0), 0);
    CHECK_IS(sys_write(strip(fds[1], RIGHT_WRITE), &byte, 1), -EBADF);
    CHECK_IS(sys_write(fds[1], &byte, 1), 1);
    CHECK_IS(sys_read(strip(fds[0], RIGHT_READ), &byte, 1), -EBADF);
    CHECK_IS(sys_read(strip(fds[0], RIGHT_WRITE), &byte, 1), 1);
    return 0;
}

static int files(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0700), blind, fixed;
    char byte = 'x';
    struct message m = {.w = {MSG_STAT}};

    (void)unused;
    CHECK(fd >= 0);
    CHECK_IS(write(fd, "data", 4), 4);
    blind = strip(fd, RIGHT_READ);
    fixed = strip(fd, RIGHT_WRITE);
    CHECK_IS(sys_pread(blind, &byte, 1, 0), -EBADF);
    CHECK_IS(sys_pwrite(fixed, &byte, 1, 0), -EBADF);
    CHECK_IS(sys_pwrite(blind, &byte, 1, 0), 1);
    CHECK_IS(sys_pread(fixed, &byte, 1, 0), 1);
    CHECK_IS(sys_mmap(0, 4096, PROT_READ, MAP_SHARED, blind, 0), -EACCES);
    CHECK_IS(sys_mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fixed, 0), -EACCES);
    CHECK(sys_mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fixed, 0) > 0);
    CHECK_IS(sys_mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, strip(fd, RIGHT_EXEC), 0),
             -EACCES);
    CHECK_IS(sys_mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, 0), -EACCES);
    CHECK_IS(sys_exec(strip(fd, RIGHT_EXEC), 0, 0), -EACCES);
    CHECK_IS(ipc_call(strip(fd, RIGHT_CALL), &m, 0), -EPERM);
    CHECK(ftruncate(fixed, 0) < 0); /* the server sees the handle's rights */
    CHECK_IS(lseek(fd, 0, SEEK_END), 4);
    m = (struct message){.w = {MSG_WRITE, 1, ~0ul}}; /* nor by message */
    struct ipc_ext ext = {.send_addr = (unsigned long)&byte, .send_len = 1};
    CHECK(ipc_request(fixed, &m, &ext) < 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static int ports(void *unused)
{
    int port = (int)sys_port_create(), mute = strip(port, RIGHT_OWN);
    int session = make_session(port, 1, RIGHT_CALL | RIGHT_TRANSFER);
    struct message m = {.w = {0}};
    struct ipc_session spec = {.rights = RIGHT_CALL};
    struct abi_object_info info;

    (void)unused;
    CHECK_IS(ipc_receive(mute, &m, 0), -EPERM);
    CHECK_IS(ipc_reply(mute, 1, &m, 0), -EPERM);
    CHECK_IS(ipc_reply_receive(mute, 1, &m, 0), -EPERM);
    CHECK_IS(sys_session_create(mute, &spec), -EPERM);
    CHECK_IS(sys_port_timer(mute, 1, MS), -EPERM);
    CHECK_IS(sys_object_resize(mute, 1, 1), -EPERM);
    CHECK_IS(sys_object_info(mute, 1, &info), -EPERM);
    CHECK_IS(sys_object_discard(mute, 1), -EPERM);
    CHECK_IS(sys_object_info(port, 1, &info), -ENOENT);
    CHECK_IS(sys_object_resize(port, 1, 1), -ENOENT);
    CHECK_IS(sys_notify(strip(port, RIGHT_NOTIFY), 1), -EPERM);
    CHECK_IS(ipc_call(strip(session, RIGHT_CALL), &m, 0), -EPERM);
    CHECK_IS(sys_notify(session, 1), -EBADF);
    CHECK_IS(sys_irq_ack(port), -EBADF);
    CHECK_IS(sys_irq_bind(port, port, 1), -EBADF);
    return 0;
}

static int objects(void *unused)
{
    int object = (int)sys_object_create(4096);

    (void)unused;
    CHECK(object >= 0);
    CHECK_IS(sys_mmap(0, 4096, PROT_READ, MAP_SHARED, strip(object, RIGHT_READ), 0), -EACCES);
    CHECK_IS(sys_mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, strip(object, RIGHT_WRITE), 0),
             -EACCES);
    CHECK_IS(sys_mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, object, 0), -EACCES);
    CHECK_IS(sys_mmap(0, 4096, PROT_READ, MAP_SHARED, 999, 0), -EBADF);
    CHECK_IS(sys_read(object, &object, 1), -EBADF);
    CHECK_IS(sys_object_create(0), -EINVAL);
    CHECK_IS(sys_object_create(~0ul), -EINVAL);
    return 0;
}

/* The system's parts, each behind its own right. */
static int system_rights(void *unused)
{
    static const struct {
        long op;
        unsigned right;
    } ops[] = {
        {SYSTEM_PROCESSES, RIGHT_INSPECT},   {SYSTEM_REGIONS, RIGHT_INSPECT},
        {SYSTEM_PTES, RIGHT_INSPECT},        {SYSTEM_MEMORY, RIGHT_INSPECT},
        {SYSTEM_THREADS, RIGHT_INSPECT},     {SYSTEM_COUNTERS, RIGHT_INSPECT},
        {SYSTEM_DROP_CACHES, RIGHT_INSPECT}, {SYSTEM_OWN, RIGHT_INSPECT},
        {SYSTEM_DEVICE, RIGHT_DEVICE},       {SYSTEM_BOOT_FILE, RIGHT_DEVICE},
        {SYSTEM_LOG_READ, RIGHT_DEVICE},     {SYSTEM_LOG_PORT, RIGHT_DEVICE},
        {SYSTEM_BOOT_ARGS, RIGHT_INSPECT},   {SYSTEM_DUMP, RIGHT_INSPECT},
        {SYSTEM_FAIL, RIGHT_INSPECT},        {SYSTEM_SHUTDOWN, RIGHT_POWER},
    };
    unsigned long paddr;
    int port = (int)sys_port_create(), saved = (int)sys_dup(H_SYSTEM, 0, 0);

    (void)unused;
    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        CHECK_IS(sys_system(strip(saved, ops[i].right), ops[i].op, 0, 0, 0), -EPERM);
        CHECK_IS(sys_system(port, ops[i].op, 0, 0, 0), -EBADF);
    }
    for (long op = -1; op < 40; op++)
        if ((op < SYSTEM_PROCESSES || op > SYSTEM_FAIL) &&
            (op < SYSTEM_DEVICE || op > SYSTEM_DUMP) && op != SYSTEM_SHUTDOWN)
            CHECK_IS(sys_system(saved, op, 0, 0, 0), -EINVAL);
    CHECK_IS(sys_object_dma(strip(saved, RIGHT_DEVICE), 4096, &paddr), -EPERM);
    CHECK_IS(sys_kill(strip(saved, RIGHT_SIGNAL), getppid(), 0), -EPERM);
    CHECK_IS(sys_close(H_SYSTEM), 0); /* who holds none has no authority */
    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        CHECK_IS(sys_system(H_SYSTEM, ops[i].op, 0, 0, 0), -EPERM);
    CHECK_IS(sys_object_dma(H_SYSTEM, 4096, &paddr), -EPERM);
    return 0;
}

static const struct proc_test tests[] = {
    {shrink_only, "rights shrink and never grow"},
    {pipes, "pipes: READ, WRITE"},
    {files, "files: READ, WRITE, EXEC, CALL"},
    {ports, "ports and sessions: OWN, NOTIFY, CALL"},
    {objects, "memory objects: READ, WRITE, EXEC"},
    {system_rights, "the system: SIGNAL, INSPECT, DEVICE, POWER"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
