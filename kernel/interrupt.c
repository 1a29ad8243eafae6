/* Interrupt objects; the contract is in interrupt.h. */
#include "kernel/interrupt.h"

#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/lib/list.h"
#include "kernel/lib/printk.h"
#include "kernel/port.h"
#include "trap/plic.h"
#include "vm/kmalloc.h"

#define LINES 128

struct interrupt {
    struct kobject object;
    uint32_t line;
    struct port *port; /* (irq lock) referenced; NULL: not bound */
    unsigned bit;      /* (irq lock) */
    bool claimed;      /* (irq lock) fired and not acknowledged */
};

static struct spinlock lock = SPINLOCK_INIT(RANK_IRQ);
static struct interrupt *lines[LINES]; /* (lock) */
static void (*handlers[LINES])(void);  /* set at boot: lines of the kernel's own */

int interrupt_open(uint32_t line, struct handle *out)
{
    if (line == 0 || line >= LINES || line > plic_sources())
        return -EINVAL;
    struct interrupt *i = kzalloc(sizeof *i);
    if (!i)
        return -ENOMEM;
    kobject_init(&i->object, HANDLE_INTERRUPT);
    i->line = line;
    spin_lock(&lock);
    bool taken = lines[line] || handlers[line];
    if (!taken)
        lines[line] = i;
    spin_unlock(&lock);
    if (taken) {
        kfree(i);
        return -EBUSY;
    }
    *out = (struct handle){&i->object, RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER, 0};
    return 0;
}

void interrupt_destroy(struct kobject *o)
{
    struct interrupt *i = container_of(o, struct interrupt, object);
    spin_lock(&lock);
    plic_disable(i->line);
    if (i->claimed)
        plic_complete(i->line);
    lines[i->line] = NULL;
    spin_unlock(&lock);
    if (i->port)
        port_unref(i->port);
    kfree(i);
}

int interrupt_bind(struct kobject *o, struct port *port, unsigned bit)
{
    struct interrupt *i = container_of(o, struct interrupt, object);
    if (bit > 63)
        return -EINVAL;
    port_ref(port);
    spin_lock(&lock);
    struct port *old = i->port;
    i->port = port;
    i->bit = bit;
    /* A driver that died has left it unacknowledged: this one must hear of the next. */
    if (i->claimed)
        plic_complete(i->line);
    i->claimed = false;
    plic_enable(i->line);
    spin_unlock(&lock);
    if (old)
        port_unref(old);
    return 0;
}

void interrupt_ack(struct kobject *o)
{
    struct interrupt *i = container_of(o, struct interrupt, object);
    spin_lock(&lock);
    if (i->claimed) {
        i->claimed = false;
        plic_complete(i->line);
    }
    spin_unlock(&lock);
}

void interrupt_claim(uint32_t line, void (*handler)(void))
{
    assert(line && line < LINES);
    handlers[line] = handler;
    plic_enable(line);
}

static void deliver(uint32_t line)
{
    struct port *port = NULL;
    unsigned bit = 0;
    if (line < LINES && handlers[line]) {
        handlers[line]();
        plic_complete(line);
        return;
    }
    spin_lock(&lock);
    struct interrupt *i = line < LINES ? lines[line] : NULL;
    if (i && i->port) {
        i->claimed = true;
        port = i->port;
        bit = i->bit;
        port_ref(port);
    } else {
        plic_disable(line);
        plic_complete(line);
    }
    spin_unlock(&lock);
    if (port) {
        port_notify(port, 1ul << bit);
        port_unref(port);
    }
}

void interrupt_deliver(void)
{
    uint32_t line;
    while ((line = plic_claim()))
        deliver(line);
}
