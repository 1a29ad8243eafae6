/* The system object: dispatch, devices, the log, power; listings are in inspect.c. */
#include "kernel/system.h"

#include "kernel/bootfile.h"
#include "kernel/device.h"
#include "kernel/errno.h"
#include "kernel/inspect.h"
#include "kernel/lib/machine.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/port.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "trap/sbi.h"
#include "vm/fail.h"
#include "vm/kmalloc.h"
#include "vm/usercopy.h"

static const struct machine *machine;

void system_init(const struct machine *m)
{
    machine = m;
    device_init(m);
}

int system_create(struct handle *out)
{
    struct kobject *o = kmalloc(sizeof *o);
    if (!o)
        return -ENOMEM;
    kobject_init(o, HANDLE_SYSTEM);
    *out = (struct handle){
        o, RIGHT_SIGNAL | RIGHT_INSPECT | RIGHT_DEVICE | RIGHT_POWER | RIGHT_TRANSFER, 0};
    return 0;
}

void system_destroy(struct kobject *o)
{
    kfree(o);
}

static struct space *my_space(void)
{
    return thread_self()->process->space;
}

static struct handle_table *my_handles(void)
{
    return &thread_self()->process->handles;
}

/* ---------------------------------------------------------------- devices */

static int64_t open_device(uint64_t index, uint64_t to, uint64_t unused)
{
    (void)unused;
    return device_open(index, to);
}

static int64_t open_boot_file(uint64_t name, uint64_t unused_b, uint64_t unused_c)
{
    (void)unused_b;
    (void)unused_c;
    char text[32];
    struct handle file;
    long n = copy_string_from_user(my_space(), text, name, sizeof text);
    if (n < 0)
        return n == -ENAMETOOLONG ? -ENOENT : n;
    int rc = bootfile_open(text, &file);
    return rc < 0 ? rc : handle_install(my_handles(), file, 0);
}

static int64_t boot_args(uint64_t to, uint64_t room, uint64_t unused)
{
    (void)unused;
    uint64_t n = strlen(machine->bootargs) + 1;
    int rc = copy_to_user(my_space(), to, machine->bootargs, n < room ? n : room);
    return rc < 0 ? rc : (int64_t)n - 1;
}

/* ---------------------------------------------------------------- the log */

/* Who asks for what comes next has printed what came before (abi.h). */
static int64_t read_log(uint64_t to, uint64_t room, uint64_t position)
{
    char chunk[256];
    uint64_t pos, done = 0;
    int rc = copy_from_user(my_space(), &pos, position, sizeof pos);
    if (rc == 0)
        log_was_printed(pos);
    while (rc == 0 && done < room) {
        uint64_t want = room - done < sizeof chunk ? room - done : sizeof chunk;
        uint64_t n = log_read(chunk, want, &pos);
        if (!n)
            break;
        rc = copy_to_user(my_space(), to + done, chunk, n);
        done += n;
    }
    if (rc == 0)
        rc = copy_to_user(my_space(), position, &pos, sizeof pos);
    return rc < 0 ? rc : (int64_t)done;
}

static int64_t write_log(uint64_t from, uint64_t n, uint64_t unused)
{
    (void)unused;
    char line[256];
    if (n > sizeof line)
        n = sizeof line;
    int rc = copy_from_user(my_space(), line, from, n);
    if (rc == 0 && n)
        log_write(line, n);
    return rc < 0 ? rc : (int64_t)n;
}

static int64_t set_log_port(uint64_t h, uint64_t bit, uint64_t unused)
{
    (void)unused;
    struct handle port;
    if (bit > 63)
        return -EINVAL;
    int rc = handle_get(my_handles(), (int)h, HANDLE_PORT, RIGHT_OWN, &port);
    if (rc < 0)
        return rc;
    uint64_t position = log_set_port((struct port *)port.object, (unsigned)bit);
    kobject_unref(port.object);
    return (int64_t)position;
}

static int64_t dump(uint64_t a, uint64_t b, uint64_t c)
{
    (void)a;
    (void)b;
    (void)c;
    system_dump_threads();
    return 0;
}

static int64_t fail(uint64_t pgid, uint64_t b, uint64_t c)
{
    (void)b;
    (void)c;
    return fail_arm((int)pgid);
}

static int64_t power(uint64_t reboot, uint64_t b, uint64_t c)
{
    (void)b;
    (void)c;
    sbi_shutdown(reboot == 1, 0);
}

/* --------------------------------------------------------------- dispatch */

static const struct {
    unsigned right;
    int64_t (*run)(uint64_t, uint64_t, uint64_t);
} operations[] = {
    [SYSTEM_PROCESSES] = {RIGHT_INSPECT, inspect_processes},
    [SYSTEM_REGIONS] = {RIGHT_INSPECT, inspect_regions},
    [SYSTEM_PTES] = {RIGHT_INSPECT, inspect_ptes},
    [SYSTEM_MEMORY] = {RIGHT_INSPECT, inspect_memory},
    [SYSTEM_THREADS] = {RIGHT_INSPECT, inspect_threads},
    [SYSTEM_COUNTERS] = {RIGHT_INSPECT, inspect_counters},
#ifdef BENCH_COUNTERS
    [SYSTEM_BENCH] = {RIGHT_INSPECT, inspect_bench},
#endif
    [SYSTEM_OWN] = {RIGHT_INSPECT, inspect_own},
    [SYSTEM_DROP_CACHES] = {RIGHT_INSPECT, inspect_drop_caches},
    [SYSTEM_FAIL] = {RIGHT_INSPECT, fail},
    [SYSTEM_DEVICE] = {RIGHT_DEVICE, open_device},
    [SYSTEM_BOOT_FILE] = {RIGHT_DEVICE, open_boot_file},
    [SYSTEM_LOG_READ] = {RIGHT_DEVICE, read_log},
    [SYSTEM_LOG_PORT] = {RIGHT_DEVICE, set_log_port},
    [SYSTEM_BOOT_ARGS] = {RIGHT_INSPECT, boot_args},
    [SYSTEM_LOG_WRITE] = {0, write_log},
    [SYSTEM_DUMP] = {RIGHT_INSPECT, dump},
    [SYSTEM_SHUTDOWN] = {RIGHT_POWER, power},
};

int64_t system_call(int h, uint64_t op, uint64_t a, uint64_t b, uint64_t c)
{
    if (op >= sizeof operations / sizeof operations[0] || !operations[op].run)
        return -EINVAL;
    struct handle system;
    int rc = handle_get(my_handles(), h, HANDLE_SYSTEM, operations[op].right, &system);
    if (rc < 0)
        return rc == -EBADF && h == H_SYSTEM ? -EPERM : rc;
    kobject_unref(system.object);
    return operations[op].run(a, b, c);
}
