/* Delivery of the kernel log's growth; the contract is in log.h. */
#include "kernel/log.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/lib/hart.h"
#include "kernel/lib/lock.h"
#include "kernel/lib/printk.h"
#include "kernel/port.h"

static struct spinlock lock = SPINLOCK_INIT(RANK_IRQ);
static struct port *log_port; /* (lock) referenced */
static unsigned log_bit;      /* (lock) */
static uint32_t grown;        /* atomic */

static void note_growth(void)
{
    __atomic_store_n(&grown, 1u, __ATOMIC_RELEASE);
    hart_self()->attention |= ATTEND_LOG;
}

uint64_t log_set_port(struct port *port, unsigned bit)
{
    port_ref(port);
    spin_lock(&lock);
    struct port *old = log_port;
    log_port = port;
    log_bit = bit;
    spin_unlock(&lock);
    if (old)
        port_unref(old);
    return log_take_over(note_growth);
}

void log_port_closed(struct port *port)
{
    spin_lock(&lock);
    bool ours = log_port == port;
    if (ours)
        log_port = NULL;
    spin_unlock(&lock);
    if (ours) {
        log_give_back();
        port_unref(port);
    }
}

void log_deliver(void)
{
    if (!__atomic_load_n(&grown, __ATOMIC_RELAXED) ||
        !__atomic_exchange_n(&grown, 0u, __ATOMIC_ACQUIRE))
        return;
    spin_lock(&lock);
    struct port *port = log_port;
    unsigned bit = log_bit;
    if (port)
        port_ref(port);
    spin_unlock(&lock);
    if (port) {
        port_notify(port, 1ul << bit);
        port_unref(port);
    }
}
