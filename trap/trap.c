/* Trap entry in C, exit, and the report of a trap inside the kernel. */
#include "trap/trap.h"

#include <stddef.h>

#include "kernel/lib/counter.h"
#include "kernel/lib/hart.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/symbol.h"
#include "trap/csr.h"
#include "vm/layout.h"

_Static_assert(offsetof(struct trapframe, x) == TF_PC, "TF_PC");
_Static_assert(offsetof(struct trapframe, sstatus) == TF_SSTATUS, "TF_SSTATUS");
_Static_assert(offsetof(struct trapframe, scause) == TF_SCAUSE, "TF_SCAUSE");
_Static_assert(offsetof(struct trapframe, stval) == TF_STVAL, "TF_STVAL");
_Static_assert(sizeof(struct trapframe) == TF_SIZE && TF_SIZE % 16 == 0, "TF_SIZE");
_Static_assert(offsetof(struct hart, scratch) == HART_SCRATCH0, "HART_SCRATCH0");
_Static_assert(offsetof(struct hart, current) == HART_CURRENT, "HART_CURRENT");
_Static_assert(offsetof(struct hart, kernel_sp) == HART_KERNEL_SP, "HART_KERNEL_SP");
_Static_assert(offsetof(struct hart, emergency_sp) == HART_EMERGENCY_SP, "HART_EMERGENCY_SP");
_Static_assert(offsetof(struct hart, stack_low) == HART_STACK_LOW, "HART_STACK_LOW");
_Static_assert(offsetof(struct hart, hartid) == HART_HARTID, "HART_HARTID");
_Static_assert(CAUSE_USER_ECALL == TRAP_ECALL, "TRAP_ECALL");
_Static_assert(offsetof(struct hart, attention) == HART_ATTENTION, "HART_ATTENTION");
_Static_assert(offsetof(struct hart, counters[COUNT_SYSCALL]) == HART_SYSCALLS, "HART_SYSCALLS");
_Static_assert(offsetof(struct hart, entry) == HART_ENTRY, "HART_ENTRY");
_Static_assert(offsetof(struct entry_page, scratch) == ENTRY_SCRATCH0, "ENTRY_SCRATCH0");
_Static_assert(offsetof(struct entry_page, hart) == ENTRY_HART, "ENTRY_HART");
_Static_assert(offsetof(struct entry_page, kernel_satp) == ENTRY_KERNEL_SATP, "ENTRY_KERNEL_SATP");
_Static_assert(offsetof(struct entry_page, user_satp) == ENTRY_USER_SATP, "ENTRY_USER_SATP");
_Static_assert(offsetof(struct entry_page, fence) == ENTRY_FENCE, "ENTRY_FENCE");
_Static_assert(sizeof(struct hart) == HART_SIZE && MAX_HARTS == MAX_HARTS_ASM, "HART_SIZE");

extern const char trap_entry[], trap_entry_isolated[], trampoline_start[];
extern const char trap_return_code[], trap_return_isolated[];

/* Called by the trampoline. */
void trap_user(struct trapframe *frame) __attribute__((noreturn));
void trap_kernel(struct trapframe *frame, int overflow) __attribute__((noreturn));

void trap_init_hart(void)
{
    const char *entry = hart_self()->entry ? trap_entry_isolated : trap_entry;
    csr_write(sscratch, 0);
    csr_write(stvec, TRAMPOLINE + (uint64_t)(entry - trampoline_start));
    csr_write(sie, SIE_SSIE | SIE_STIE | SIE_SEIE);
    /* User programs may read cycle, time and instret. */
    csr_write(scounteren, 7);
}

static void interrupt(uint64_t code)
{
    count(COUNT_INTERRUPT);
    if (code == INTERRUPT_SOFTWARE)
        csr_clear(sip, SIE_SSIE);
    trap_up_interrupt(code);
}

void trap_user(struct trapframe *frame)
{
    uint64_t cause = frame->scause;
    if (cause == CAUSE_USER_ECALL) {
        TF_PC_OF(frame) += 4;
        count(COUNT_SYSCALL);
        trap_up_syscall(frame);
    } else if (cause & SCAUSE_INTERRUPT) {
        interrupt(cause & ~SCAUSE_INTERRUPT);
    } else {
        trap_up_exception(frame);
    }
    trap_return(frame);
}

void trap_return(struct trapframe *frame)
{
    trap_up_leave();
    const char *leave = hart_self()->entry ? trap_return_isolated : trap_return_code;
    uint64_t code = TRAMPOLINE + (uint64_t)(leave - trampoline_start);
    ((void (*)(struct trapframe *))code)(frame);
    __builtin_unreachable();
}

void trap_poll(void)
{
    uint64_t pending = csr_read(sip);
    if (pending & SIE_SSIE)
        interrupt(INTERRUPT_SOFTWARE);
    if (pending & SIE_STIE)
        interrupt(INTERRUPT_TIMER);
    if (pending & SIE_SEIE)
        interrupt(INTERRUPT_EXTERNAL);
}

void trap_kernel(struct trapframe *frame, int overflow)
{
    if (overflow)
        printk("kernel stack overflow: sp 0x%lx", frame->x[REG_SP]);
    printk("kernel trap: %s, pc 0x%lx, address 0x%lx, hart %u", cause_name(frame->scause),
           TF_PC_OF(frame), frame->stval, hart_self()->index);
    for (int i = 1; i < 32; i += 4)
        printk("  x%-2d %016lx  x%-2d %016lx  x%-2d %016lx  x%-2d %016lx", i, frame->x[i], i + 1,
               frame->x[i + 1], i + 2, frame->x[i + 2], i + 3, i + 3 < 32 ? frame->x[i + 3] : 0);
    backtrace_print(TF_PC_OF(frame), frame->x[REG_S0]);
    panic("%s in the kernel", cause_name(frame->scause));
}

static void print_frame(uint64_t pc)
{
    uint64_t offset;
    const char *name = symbol_find(pc, &offset);
    if (name)
        printk("  0x%lx %s+0x%lx", pc, name, offset);
    else
        printk("  0x%lx", pc);
}

/*
 * Frame pointers: -8(fp) is the return address, -16(fp) the caller's fp. A
 * chain that leaves the kernel's half or goes downwards ends there.
 */
uint64_t backtrace_step(uint64_t *fp)
{
    if (*fp < DIRECT_BASE + 16 || *fp % 8)
        return 0;
    uint64_t ra = ((uint64_t *)*fp)[-1], next = ((uint64_t *)*fp)[-2];
    if (ra < (uint64_t)kernel_start || ra >= (uint64_t)text_end)
        return 0;
    *fp = next > *fp ? next : 0;
    return ra;
}

void backtrace_print(uint64_t pc, uint64_t fp)
{
    printk("backtrace:");
    print_frame(pc);
    for (int depth = 0; depth < 24; depth++) {
        uint64_t ra = backtrace_step(&fp);
        if (!ra)
            break;
        print_frame(ra - 4);
    }
}

void backtrace_here(void)
{
    backtrace_print((uint64_t)__builtin_return_address(0), (uint64_t)__builtin_frame_address(0));
}
