/* The system object: dispatch, devices, the log, power; listings are in inspect.c. */
#include "kernel/system.h"

#include "kernel/bootfile.h"
#include "kernel/errno.h"
#include "kernel/inspect.h"
#include "kernel/interrupt.h"
#include "kernel/lib/machine.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/memobj.h"
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
    if (index >= machine->device_count)
        return -ENODEV;
    const struct machine_device *d = &machine->devices[index];
    if (d->taken)
        return -EBUSY;
    struct abi_device out = {.paddr = d->base,
                             .size = d->size,
                             .clock_hz = d->clock_hz,
                             .mmio = H_NONE,
                             .interrupt = H_NONE};
    strlcpy(out.compatible, d->compatible, sizeof out.compatible);
    struct object *o =
        object_create_physical(page_round_down(d->base),
                               page_round_up(d->base + d->size) - page_round_down(d->base), NULL);
    struct handle mmio, irq;
    int rc = o ? memobj_create(o, RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER, &mmio) : -ENOMEM;
    if (rc < 0)
        return rc;
    out.mmio = handle_install(my_handles(), mmio, 0);
    if (out.mmio < 0)
        return out.mmio;
    /* Without a line, or while another holds it, the device comes without. */
    rc = interrupt_open(d->irq, &irq);
    if (rc == 0)
        out.interrupt = handle_install(my_handles(), irq, 0);
    rc = out.interrupt < H_NONE ? out.interrupt : copy_to_user(my_space(), to, &out, sizeof out);
    if (rc < 0) {
        handle_close(my_handles(), out.mmio);
        if (out.interrupt >= 0)
            handle_close(my_handles(), out.interrupt);
    }
    return rc;
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

static int64_t read_log(uint64_t to, uint64_t room, uint64_t position)
{
    char chunk[256];
    uint64_t pos, done = 0;
    int rc = copy_from_user(my_space(), &pos, position, sizeof pos);
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
