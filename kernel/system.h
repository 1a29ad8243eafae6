/*
 * The system object: what only a holder of a system handle may see or do.
 */
#ifndef KERNEL_SYSTEM_H
#define KERNEL_SYSTEM_H

#include <stdint.h>

#include "kernel/handle.h"

struct machine;

void system_init(const struct machine *m);
/* A handle with every right on the one system object. 0 or -ENOMEM. */
int system_create(struct handle *out);
void system_destroy(struct kobject *o);

/* SYS_system: the operations of kernel/abi.h. */
int64_t system_call(int h, uint64_t op, uint64_t a, uint64_t b, uint64_t c);

/* Writes every thread, what it waits for and who holds it to the log. */
void system_dump_threads(void);

#endif
