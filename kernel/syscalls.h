/* The system calls by room, for the table in syscall.c. a[0..5] are a0..a5. */
#ifndef KERNEL_SYSCALLS_H
#define KERNEL_SYSCALLS_H

#include <stdint.h>

#include "kernel/process.h"
#include "kernel/thread.h"

static inline struct process *syscall_process(void)
{
    return thread_self()->process;
}

/* syscall_memory.c */
int64_t sys_mmap(const uint64_t *a);
int64_t sys_munmap(const uint64_t *a);
int64_t sys_mprotect(const uint64_t *a);
int64_t sys_msync(const uint64_t *a);
int64_t sys_mlock(const uint64_t *a);
int64_t sys_munlock(const uint64_t *a);
int64_t sys_madvise(const uint64_t *a);
int64_t sys_mincore(const uint64_t *a);
int64_t sys_brk(const uint64_t *a);
int64_t sys_object_create(const uint64_t *a);
int64_t sys_object_dma(const uint64_t *a);
int64_t sys_object_resize(const uint64_t *a);
int64_t sys_object_info(const uint64_t *a);
int64_t sys_object_discard(const uint64_t *a);
int64_t sys_object_pages(const uint64_t *a);

/* syscall_file.c */
int64_t sys_close(const uint64_t *a);
int64_t sys_dup(const uint64_t *a);
int64_t sys_dup2(const uint64_t *a);
int64_t sys_restrict(const uint64_t *a);
int64_t sys_handle_info(const uint64_t *a);
int64_t sys_handle_flags(const uint64_t *a);
int64_t sys_read(const uint64_t *a);
int64_t sys_write(const uint64_t *a);
int64_t sys_pread(const uint64_t *a);
int64_t sys_pwrite(const uint64_t *a);
int64_t sys_seek(const uint64_t *a);
int64_t sys_pipe(const uint64_t *a);
int64_t sys_fsync(const uint64_t *a);
int64_t sys_sync(const uint64_t *a);

/* syscall_port.c */
int64_t sys_port_create(const uint64_t *a);
int64_t sys_session_create(const uint64_t *a);
int64_t sys_notify(const uint64_t *a);
int64_t sys_port_timer(const uint64_t *a);
int64_t sys_irq_bind(const uint64_t *a);
int64_t sys_irq_ack(const uint64_t *a);
int64_t sys_process_open(const uint64_t *a);
int64_t sys_process_watch(const uint64_t *a);
int64_t sys_port_info(const uint64_t *a);
int64_t sys_port_list(const uint64_t *a);

#endif
