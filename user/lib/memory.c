/*
 * The address space: mmap and its kin, and the break.
 */
#include "user/lib/glue.h"
#include "user/lib/lock.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    long r;

    if (offset < 0)
        r = -EINVAL;
    else
        r = sys_mmap(addr, len, prot, flags, flags & MAP_ANONYMOUS ? H_NONE : fd,
                     (unsigned long)offset);
    if (r < 0) {
        errno = (int)-r;
        return MAP_FAILED;
    }
    return (void *)r;
}

int munmap(void *addr, size_t len)
{
    return (int)glue_result(sys_munmap(addr, len));
}

int mprotect(void *addr, size_t len, int prot)
{
    return (int)glue_result(sys_mprotect(addr, len, prot));
}

int msync(void *addr, size_t len, int flags)
{
    if ((flags & MS_ASYNC) && (flags & MS_SYNC))
        return (int)glue_result(-EINVAL);
    /* MS_INVALIDATE asks for what is always so: mappings and file are one. */
    return (int)glue_result(sys_msync(addr, len, flags & (MS_ASYNC | MS_SYNC)));
}

int mlock(const void *addr, size_t len)
{
    return (int)glue_result(sys_mlock(addr, len));
}

int munlock(const void *addr, size_t len)
{
    return (int)glue_result(sys_munlock(addr, len));
}

int madvise(void *addr, size_t len, int advice)
{
    return (int)glue_result(sys_madvise(addr, len, advice));
}

int posix_madvise(void *addr, size_t len, int advice)
{
    /* POSIX's DONTNEED must not lose anything. */
    return (int)-sys_madvise(addr, len, advice == POSIX_MADV_DONTNEED ? MADV_NORMAL : advice);
}

int mincore(void *addr, size_t len, unsigned char *pages)
{
    return (int)glue_result(sys_mincore(addr, len, pages));
}

/* The break as the kernel last said it; 0 = not asked yet. */
static uintptr_t memory_break;

static long memory_set_break(uintptr_t to)
{
    long r = sys_brk((void *)to);

    if (r < 0)
        return r;
    if ((uintptr_t)r < to)
        return -ENOMEM;
    memory_break = (uintptr_t)r;
    return 0;
}

static long memory_know_break(void)
{
    long r = memory_break ? (long)memory_break : sys_brk(0);

    if (r > 0)
        memory_break = (uintptr_t)r;
    return r;
}

int brk(void *addr)
{
    long err;

    lock_acquire(&__lock___libc_recursive_mutex);
    err = memory_set_break((uintptr_t)addr);
    lock_release(&__lock___libc_recursive_mutex);
    return (int)glue_result(err);
}

void *sbrk(ptrdiff_t by)
{
    long old;
    long err = 0;
    uintptr_t to;

    lock_acquire(&__lock___libc_recursive_mutex);
    old = memory_know_break();
    if (old < 0)
        err = old;
    else if (by != 0) {
        if (__builtin_add_overflow((uintptr_t)old, by, &to) || to >= ABI_USER_END)
            err = -ENOMEM;
        else
            err = memory_set_break(to);
    }
    lock_release(&__lock___libc_recursive_mutex);
    if (err < 0) {
        errno = ENOMEM;
        return (void *)-1;
    }
    return (void *)old;
}
