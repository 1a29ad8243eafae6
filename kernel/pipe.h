/* Pipes: a byte stream in the kernel, with a reading and a writing end. */
#ifndef KERNEL_PIPE_H
#define KERNEL_PIPE_H

#include <stdint.h>

#include "kernel/handle.h"

/* A pipe's two ends. 0 or -ENOMEM. */
int pipe_create(struct handle *reader, struct handle *writer);
void pipe_end_destroy(struct kobject *o);
/* For the current process; killable. read: 0 at the end; write: -EPIPE when
 * nobody can read. Writes of up to 4096 bytes are not interleaved. */
int64_t pipe_read(struct kobject *end, uint64_t to, uint64_t n);
int64_t pipe_write(struct kobject *end, uint64_t from, uint64_t n);
/* Bytes waiting. */
uint64_t pipe_level(struct kobject *end);

#endif
