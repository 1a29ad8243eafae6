/*
 * Copies between the kernel and user memory, and between two users.
 *
 * The user's page table is walked in software and the data moved through the
 * direct map; SUM is never set. A page is copied under the walk lock of its
 * table, which unmapping, write-protection and eviction take too, so a copy
 * never outlives the mapping it used. A copy to user memory checks W and sets A
 * and D in the entry it walked.
 *
 * The caller keeps the space alive.
 */
#ifndef VM_USERCOPY_H
#define VM_USERCOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/space.h"

/* Whether [va, va + n) lies in the user half. */
static inline bool user_range(vaddr_t va, uint64_t n)
{
    return va < USER_END && n <= USER_END - va;
}

/* 0 or what space_fault says (-EFAULT, ...). No lock held; may sleep. Some bytes
 * may have been copied when it fails. */
int copy_from_user(struct space *s, void *to, vaddr_t from, size_t n);
int copy_to_user(struct space *s, vaddr_t to, const void *from, size_t n);
/* As many bytes as can be had without a fault. Never sleeps. */
size_t try_copy_from_user(struct space *s, void *to, vaddr_t from, size_t n);
size_t try_copy_to_user(struct space *s, vaddr_t to, const void *from, size_t n);
/* From one user to another: n bytes that lie in a page on either side, if neither needs a fault and
 * the source's walk lock is free. Spins for the target's; never sleeps. */
bool try_copy_between(struct space *to, vaddr_t to_va, struct space *from, vaddr_t from_va,
                      size_t n);
/* What a copy that came up short does next: space_fault, but device registers,
 * which no copy touches, are -EFAULT. */
int user_fault(struct space *s, vaddr_t va, unsigned access, int flags);
/* Length of the string at va without its NUL, copied with it to `to`; -ENAMETOOLONG
 * if it does not fit in size; else as copy_from_user. */
long copy_string_from_user(struct space *s, char *to, vaddr_t from, size_t size);
/* Faults the range in for that access (ACCESS_*). */
int user_prefault(struct space *s, vaddr_t va, size_t n, unsigned access);
/* The frame that va maps readable, with a reference; NULL if that takes a fault. */
struct frame *user_frame_ref(struct space *s, vaddr_t va);

#endif
