/* The platform-level interrupt controller; the contract is in plic.h. */
#include "trap/plic.h"

#include <stdbool.h>

#include "kernel/lib/hart.h"
#include "kernel/lib/lock.h"
#include "kernel/lib/machine.h"

/* Register offsets in bytes (PLIC specification, memory map). */
#define PLIC_PRIORITY(source)   ((source)*4)
#define PLIC_ENABLE(context)    (0x2000 + (context)*0x80)
#define PLIC_THRESHOLD(context) (0x200000 + (context)*0x1000)
#define PLIC_CLAIM(context)     (0x200004 + (context)*0x1000)

static volatile uint32_t *registers;
static uint32_t sources;
static int contexts[MAX_HARTS];
static int route = -1; /* context that device interrupts go to: the boot hart's */
/* Guards the read-modify-write of enable words. */
static struct spinlock enable_lock = SPINLOCK_INIT(RANK_DEVICE);

static volatile uint32_t *reg(uint32_t offset)
{
    return registers + offset / 4;
}

void plic_init(const struct machine *m, volatile uint32_t *base)
{
    registers = base;
    sources = m->plic_sources;
    for (unsigned i = 0; i < m->hart_count; i++)
        contexts[i] = m->harts[i].plic_context;
    route = contexts[hart_self()->index];
    for (uint32_t s = 1; s <= sources; s++)
        *reg(PLIC_PRIORITY(s)) = 1;
}

void plic_init_hart(void)
{
    int context = contexts[hart_self()->index];
    if (!registers || context < 0)
        return;
    for (uint32_t s = 0; s <= sources; s += 32)
        *reg(PLIC_ENABLE(context) + s / 8) = 0;
    *reg(PLIC_THRESHOLD(context)) = 0;
}

uint32_t plic_sources(void)
{
    return sources;
}

static void set_enabled(uint32_t source, bool on)
{
    if (!registers || source == 0 || source > sources || route < 0)
        return;
    spin_lock(&enable_lock);
    volatile uint32_t *word = reg(PLIC_ENABLE(route) + source / 32 * 4);
    if (on)
        *word |= 1u << source % 32;
    else
        *word &= ~(1u << source % 32);
    spin_unlock(&enable_lock);
}

uint64_t plic_map_size(const struct machine *m)
{
    int last = 0;
    for (unsigned i = 0; i < m->hart_count; i++)
        if (m->harts[i].plic_context > last)
            last = m->harts[i].plic_context;
    uint64_t size = PLIC_THRESHOLD((uint64_t)last + 1);
    return size < m->plic_size ? size : m->plic_size;
}

void plic_enable(uint32_t source)
{
    set_enabled(source, true);
}

void plic_disable(uint32_t source)
{
    set_enabled(source, false);
}

uint32_t plic_claim(void)
{
    int context = contexts[hart_self()->index];
    return registers && context >= 0 ? *reg(PLIC_CLAIM(context)) : 0;
}

void plic_complete(uint32_t source)
{
    if (registers && route >= 0)
        *reg(PLIC_CLAIM(route)) = source;
}
