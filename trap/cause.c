/* Words for scause (privileged spec v1.12, table 4.2). */
#include <stddef.h>

#include "trap/csr.h"
#include "trap/trap.h"

static const char *const exceptions[] = {
    [CAUSE_FETCH_MISALIGNED] = "misaligned instruction",
    [CAUSE_FETCH_ACCESS] = "instruction access fault",
    [CAUSE_ILLEGAL] = "illegal instruction",
    [CAUSE_BREAKPOINT] = "breakpoint",
    [CAUSE_LOAD_MISALIGNED] = "misaligned load",
    [CAUSE_LOAD_ACCESS] = "load access fault",
    [CAUSE_STORE_MISALIGNED] = "misaligned store",
    [CAUSE_STORE_ACCESS] = "store access fault",
    [CAUSE_USER_ECALL] = "system call",
    [CAUSE_SUPERVISOR_ECALL] = "supervisor call",
    [CAUSE_FETCH_PAGE_FAULT] = "instruction page fault",
    [CAUSE_LOAD_PAGE_FAULT] = "load page fault",
    [CAUSE_STORE_PAGE_FAULT] = "store page fault",
};

static const char *const interrupts[] = {
    [INTERRUPT_SOFTWARE] = "software interrupt",
    [INTERRUPT_TIMER] = "timer interrupt",
    [INTERRUPT_EXTERNAL] = "external interrupt",
};

const char *cause_name(uint64_t scause)
{
    uint64_t code = scause & ~SCAUSE_INTERRUPT;
    const char *name = NULL;
    if (scause & SCAUSE_INTERRUPT) {
        if (code < sizeof interrupts / sizeof interrupts[0])
            name = interrupts[code];
    } else if (code < sizeof exceptions / sizeof exceptions[0]) {
        name = exceptions[code];
    }
    return name ? name : "reserved cause";
}
