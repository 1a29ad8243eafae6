/*
 * Shadow tables (DEBUG=1): a TLB that forgets only what it is told to forget.
 *
 * QEMU hides mistakes with fences: it empties its TLB at every change of ASID, never
 * keeps an invalid entry, and sets A and D itself. The debug build therefore runs user
 * code on shadow tables, a set for each hart and ASID. A fault fills them from the real
 * tables, setting A and D there as a walker would; nothing but the kernel's own fences
 * empties them. So a fence that was left out shows: the program goes on with the old
 * entry. And a frame or table that is freed while a shadow still reaches it, by a hart
 * that may still use that shadow, is a panic.
 *
 * Likewise each hart has its own copy of the vmalloc window's tables, refreshed by that
 * hart's fences only; kernel stacks, which no fault could fill, are in it at once.
 *
 * And a hart that executes from a frame must have done a fence.i since the frame was
 * allocated: QEMU's instruction cache is never stale.
 *
 * Without DEBUG all of this is nothing. The code is kernel/debug/shadow.c. Nothing here
 * sleeps; each function takes shadow locks (RANK_SHADOW) and lets go of them.
 */
#ifndef VM_SHADOW_H
#define VM_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/layout.h"

struct asid_context;
struct frame;
struct space;

#define SHADOW_EVERY_ASID (-1)

#if defined DEBUG && !defined HOST_TEST

/* Makes the tables of `harts` harts; once, frames and ASIDs known. */
void shadow_init(unsigned harts);
/* This hart is fenced and known to others: it goes over to its own tables. */
void shadow_hart_online(void);

/* What satp is to name on this hart instead of the real root, for a space that runs as
 * asid or for the kernel's own. */
paddr_t shadow_root(paddr_t real, uint64_t asid);
/* satp names shadow_root's answer, and this hart has done all fences that it does before
 * it uses the ASID for the space. */
void shadow_enter(const struct space *s);
/* Nobody will run the space any more: what harts remember of it is never used. */
void shadow_space_gone(const struct space *s);

/* A user access at va faulted: true if the real tables allow it, and the shadow has the
 * entry now; false if the kernel must see to it. */
bool shadow_fill(vaddr_t va, bool write, bool execute);

/* This hart executes sfence.vma: by address, or (all) everything; in one ASID or in
 * SHADOW_EVERY_ASID, which covers global entries, too. */
void shadow_fence(vaddr_t va, bool all, int asid);
/* Those harts do, each for [va, va + size), size ~0: everything. */
void shadow_remote_fence(uint64_t hart_mask, vaddr_t va, uint64_t size, int asid);
/* A shootdown of the space leaves it to those harts to fence before they run it again. */
void shadow_left_stale(const struct space *s, uint64_t hart_mask);
/* It is about to mark those harts, which idle in the space, to fence when they go on. Some may
 * turn out to be awake and are fenced at once: those are trusted till they next fence the whole
 * ASID. */
void shadow_left_to_idle(const struct space *s, uint64_t hart_mask);

/* Room in each hart's copy of the window for the table that has va. */
bool shadow_window_table(vaddr_t va);
/* Kernel stacks have been mapped. */
void shadow_window_stack(vaddr_t va, uint64_t size);
/* Those harts execute fence.i. */
void shadow_fence_i(uint64_t hart_mask);

/* f, a single frame, has been allocated. */
void shadow_allocated(const struct frame *f);
/* It is about to be free: does a hart that may use it still reach it? */
void shadow_freed(const struct frame *f);

#else

static inline void shadow_init(unsigned harts)
{
    (void)harts;
}

static inline void shadow_hart_online(void)
{
}

static inline paddr_t shadow_root(paddr_t real, uint64_t asid)
{
    (void)asid;
    return real;
}

static inline void shadow_enter(const struct space *s)
{
    (void)s;
}

static inline void shadow_space_gone(const struct space *s)
{
    (void)s;
}

static inline bool shadow_fill(vaddr_t va, bool write, bool execute)
{
    (void)va;
    (void)write;
    (void)execute;
    return false;
}

static inline void shadow_fence(vaddr_t va, bool all, int asid)
{
    (void)va;
    (void)all;
    (void)asid;
}

static inline void shadow_remote_fence(uint64_t hart_mask, vaddr_t va, uint64_t size, int asid)
{
    (void)hart_mask;
    (void)va;
    (void)size;
    (void)asid;
}

static inline void shadow_left_stale(const struct space *s, uint64_t hart_mask)
{
    (void)s;
    (void)hart_mask;
}

static inline void shadow_left_to_idle(const struct space *s, uint64_t hart_mask)
{
    (void)s;
    (void)hart_mask;
}

static inline bool shadow_window_table(vaddr_t va)
{
    (void)va;
    return true;
}

static inline void shadow_window_stack(vaddr_t va, uint64_t size)
{
    (void)va;
    (void)size;
}

static inline void shadow_fence_i(uint64_t hart_mask)
{
    (void)hart_mask;
}

static inline void shadow_allocated(const struct frame *f)
{
    (void)f;
}

static inline void shadow_freed(const struct frame *f)
{
    (void)f;
}

#endif

#endif
