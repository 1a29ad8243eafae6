/*
 * Traps: where every exception and interrupt enters C.
 */
#ifndef TRAP_TRAP_H
#define TRAP_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "trap/frame_offsets.h"

/* What a trap saves. x[0], which register x0 does not need, is the pc. */
struct trapframe {
    uint64_t x[32];
    uint64_t sstatus, scause, stval;
    uint64_t pad;
};

#define TF_PC_OF(tf) ((tf)->x[0])
#define REG_RA       1
#define REG_SP       2
#define REG_GP       3
#define REG_TP       4
#define REG_T0       5
#define REG_T1       6
#define REG_T2       7
#define REG_S0       8
#define REG_A0       10
#define REG_A1       11
#define REG_A7       17
#define REG_T3       28
#define REG_T4       29
#define REG_T5       30
#define REG_T6       31

/* Causes without the interrupt bit (privileged spec table 4.2). */
enum trap_cause {
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_USER_ECALL = 8,
    CAUSE_SUPERVISOR_ECALL = 9,
    CAUSE_FETCH_PAGE_FAULT = 12,
    CAUSE_LOAD_PAGE_FAULT = 13,
    CAUSE_STORE_PAGE_FAULT = 15,
};
enum trap_interrupt {
    INTERRUPT_SOFTWARE = 1,
    INTERRUPT_TIMER = 5,
    INTERRUPT_EXTERNAL = 9,
};

/* The cause in words, interrupts included; never NULL. */
const char *cause_name(uint64_t scause);

/* Points this hart's stvec at the trampoline and lets its interrupt sources
 * pend. Call once on each hart, with its struct hart in tp. */
void trap_init_hart(void);
/* Enters user mode with frame's registers. Interrupts must be off. */
void trap_return(struct trapframe *frame) __attribute__((noreturn));
/* Serves every interrupt that is pending on this hart (the idle loop polls). */
void trap_poll(void);
/* One step up a call chain: where the function with frame pointer *fp returns to, and *fp is its
 * caller's; 0 at the end of the chain. */
uint64_t backtrace_step(uint64_t *fp);
/* Prints a call chain: kernel frames from frame pointer fp, starting at pc. */
void backtrace_print(uint64_t pc, uint64_t fp);
/* The same for the caller. */
void backtrace_here(void);

/* ---- what trap/ calls upwards; the kernel above defines them ---- */

/* A system call from user mode. */
void trap_up_syscall(struct trapframe *frame);
/* An exception from user mode that is none: page faults and fatal causes. */
void trap_up_exception(struct trapframe *frame);
/* The timer fired; a call from another hart came; the PLIC has something. */
void trap_up_interrupt(enum trap_interrupt kind);
/* The last thing before user mode: preemption, death, what the hart shall attend to. */
void trap_up_leave(void);
/* The system calls that the trampoline makes itself, by number: what they need is their
 * arguments, in a row, and they return what goes into a0. NULL: trap_up_syscall makes it. */
extern int64_t (*const trap_up_calls[])(const uint64_t *arguments);

#endif
