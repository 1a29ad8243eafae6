/* System calls on ports, interrupts and process handles. */
#include "kernel/errno.h"
#include "kernel/family.h"
#include "kernel/interrupt.h"
#include "kernel/port.h"
#include "kernel/session.h"
#include "kernel/syscalls.h"
#include "vm/kmalloc.h"
#include "vm/usercopy.h"

static struct handle_table *table(void)
{
    return &syscall_process()->handles;
}

int64_t sys_port_create(const uint64_t *a)
{
    (void)a;
    struct port *p = port_create();
    if (!p)
        return -ENOMEM;
    struct handle h = {&p->object, RIGHT_OWN | RIGHT_NOTIFY | RIGHT_TRANSFER, 0};
    return handle_install(table(), h, 0);
}

int64_t sys_session_create(const uint64_t *a)
{
    struct ipc_session spec;
    struct handle port, session;
    int rc = copy_from_user(syscall_process()->space, &spec, a[1], sizeof spec);
    if (rc == 0)
        rc = handle_get(table(), (int)a[0], HANDLE_PORT, RIGHT_OWN, &port);
    if (rc < 0)
        return rc;
    rc = session_create((struct port *)port.object, &spec, &session);
    kobject_unref(port.object);
    return rc < 0 ? rc : handle_install(table(), session, 0);
}

int64_t sys_notify(const uint64_t *a)
{
    struct handle port;
    int rc = handle_get(table(), (int)a[0], HANDLE_PORT, RIGHT_NOTIFY, &port);
    if (rc < 0)
        return rc;
    if (a[1])
        port_notify((struct port *)port.object, a[1]);
    kobject_unref(port.object);
    return 0;
}

int64_t sys_port_timer(const uint64_t *a)
{
    struct handle port;
    if (a[1] > 63)
        return -EINVAL;
    int rc = handle_get(table(), (int)a[0], HANDLE_PORT, RIGHT_OWN, &port);
    if (rc < 0)
        return rc;
    rc = port_timer((struct port *)port.object, (unsigned)a[1], a[2]);
    kobject_unref(port.object);
    return rc;
}

int64_t sys_irq_bind(const uint64_t *a)
{
    struct handle irq, port;
    int rc = handle_get(table(), (int)a[0], HANDLE_INTERRUPT, RIGHT_READ, &irq);
    if (rc < 0)
        return rc;
    rc = handle_get(table(), (int)a[1], HANDLE_PORT, RIGHT_OWN, &port);
    if (rc == 0) {
        rc = a[2] > 63 ? -EINVAL
                       : interrupt_bind(irq.object, (struct port *)port.object, (unsigned)a[2]);
        kobject_unref(port.object);
    }
    kobject_unref(irq.object);
    return rc;
}

int64_t sys_irq_ack(const uint64_t *a)
{
    struct handle irq;
    int rc = handle_get(table(), (int)a[0], HANDLE_INTERRUPT, RIGHT_WRITE, &irq);
    if (rc < 0)
        return rc;
    interrupt_ack(irq.object);
    kobject_unref(irq.object);
    return 0;
}

int64_t sys_process_open(const uint64_t *a)
{
    int h = (int)a[0];
    struct handle system;
    if (h != H_NONE) {
        int rc = handle_get(table(), h, HANDLE_SYSTEM, RIGHT_SIGNAL | RIGHT_INSPECT, &system);
        if (rc < 0)
            return rc == -EBADF && h == H_SYSTEM ? -EPERM : rc;
        kobject_unref(system.object);
    }
    struct process *p = family_find((int)a[1]);
    if (!p)
        return -ESRCH;
    if (h == H_NONE && p != syscall_process() && !family_is_child(p)) {
        kobject_unref(&p->kobject);
        return -EPERM;
    }
    unsigned rights = RIGHT_READ | RIGHT_SIGNAL | RIGHT_INSPECT | RIGHT_TRANSFER;
    return handle_install(table(), (struct handle){&p->kobject, (uint16_t)rights, 0}, 0);
}

int64_t sys_process_watch(const uint64_t *a)
{
    struct handle process, port;
    bool children = (int)a[0] == H_NONE;
    if (a[2] > 63)
        return -EINVAL;
    int rc = children ? 0 : handle_get(table(), (int)a[0], HANDLE_PROCESS, RIGHT_READ, &process);
    if (rc < 0)
        return rc;
    rc = handle_get(table(), (int)a[1], HANDLE_PORT, RIGHT_OWN, &port);
    if (rc == 0) {
        struct port *p = (struct port *)port.object;
        rc = children ? family_watch_children(p, (unsigned)a[2])
                      : family_watch(container_of(process.object, struct process, kobject), p,
                                     (unsigned)a[2]);
        kobject_unref(port.object);
    }
    if (!children)
        kobject_unref(process.object);
    return rc;
}

#define LIST_MAX 32 /* entries at a time */

int64_t sys_port_list(const uint64_t *a)
{
    uint64_t entries[LIST_MAX];
    struct handle port;
    uint64_t what = a[1] & 0xff, but = a[1] >> 8;
    if (what < PORT_SESSIONS || what > PORT_IN_SERVICE || but > (what < PORT_RETURNED ? 0 : 0xffff))
        return -EINVAL;
    int rc = handle_get(table(), (int)a[0], HANDLE_PORT, RIGHT_OWN, &port);
    if (rc < 0)
        return rc;
    unsigned n = port_list((struct port *)port.object, (unsigned)a[1], a[2], entries,
                           a[4] < LIST_MAX ? (unsigned)a[4] : LIST_MAX);
    kobject_unref(port.object);
    rc = copy_to_user(syscall_process()->space, a[3], entries, n * sizeof entries[0]);
    return rc < 0 ? rc : (int64_t)n;
}

int64_t sys_port_info(const uint64_t *a)
{
    struct abi_port_info info;
    struct handle port;
    int rc = handle_get(table(), (int)a[0], HANDLE_PORT, RIGHT_OWN, &port);
    if (rc < 0)
        return rc;
    port_info((struct port *)port.object, &info);
    kobject_unref(port.object);
    return copy_to_user(syscall_process()->space, a[1], &info, sizeof info);
}
