/*
 * exec: ELF files into address spaces.
 */
#ifndef KERNEL_EXEC_H
#define KERNEL_EXEC_H

#include <stdint.h>

#include "kernel/handle.h"

/* Replaces the current process's program by the file behind handle h, with the
 * user's argument vectors. Returns only on error: -ENOEXEC no RISC-V executable,
 * -E2BIG, -EFAULT, ... ; from the point of no return on the process dies instead. */
int exec_user(int h, uint64_t argv, uint64_t envp);
/* The first program of a process that has no space yet; takes over the handle. */
int exec_first(struct handle program, const char *name);

/* The name of the function at user address pc in the program of the current
 * process, from its symbol table; *offset in it. 0, or -errno. Sleeps. */
int exec_symbol(uint64_t pc, char *name, uint64_t size, uint64_t *offset);

#endif
