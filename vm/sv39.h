/*
 * Sv39 page tables (privileged spec v1.12, section 4.4): entries, the walk, and
 * the kernel half that every root shares.
 */
#ifndef VM_SV39_H
#define VM_SV39_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/lib/hart.h"
#include "vm/frame.h"
#include "vm/layout.h"

typedef uint64_t pte_t;

#define PTE_V         (1ul << 0)
#define PTE_R         (1ul << 1)
#define PTE_W         (1ul << 2)
#define PTE_X         (1ul << 3)
#define PTE_U         (1ul << 4)
#define PTE_G         (1ul << 5)
#define PTE_A         (1ul << 6)
#define PTE_D         (1ul << 7)
#define PTE_WIRED     (1ul << 8) /* of the bits for software: the page stays mapped */
#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK  ((1ul << 44) - 1)

/* Kernel leaves: A and D set ahead, so that no walker needs to, and global. With
 * isolation they are not in every space, so only those of the trampoline's root slot
 * are global. */
#define PTE_KERNEL_R  (PTE_V | PTE_R | pte_global | PTE_A)
#define PTE_KERNEL_RW (PTE_V | PTE_R | PTE_W | pte_global | PTE_A | PTE_D)
#define PTE_KERNEL_RX (PTE_V | PTE_R | PTE_X | pte_global | PTE_A)

static inline pte_t pte_make(paddr_t pa, uint64_t flags)
{
    return pa >> PAGE_SHIFT << PTE_PPN_SHIFT | flags;
}

static inline paddr_t pte_paddr(pte_t pte)
{
    return (pte >> PTE_PPN_SHIFT & PTE_PPN_MASK) << PAGE_SHIFT;
}

static inline bool pte_leaf(pte_t pte)
{
    return pte & (PTE_R | PTE_W | PTE_X);
}

/* PTEs are read and stored as one aligned 64-bit access (section 4.3.1). */
static inline pte_t pte_load(const pte_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void pte_store(pte_t *p, pte_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELEASE);
}

/* Read-modify-write is atomic against a walker that sets A and D. */
static inline pte_t pte_exchange(pte_t *p, pte_t value)
{
    return __atomic_exchange_n(p, value, __ATOMIC_ACQ_REL);
}

static inline pte_t pte_clear_bits(pte_t *p, uint64_t bits)
{
    return __atomic_fetch_and(p, ~bits, __ATOMIC_ACQ_REL);
}

static inline pte_t pte_set_bits(pte_t *p, uint64_t bits)
{
    return __atomic_fetch_or(p, bits, __ATOMIC_ACQ_REL);
}

/* PTE_G, or with isolation 0: roots of processes have no kernel half but the slot of the
 * trampoline. Set before the first table is made. */
extern uint64_t pte_global;

static inline bool sv39_isolated(void)
{
    return !pte_global;
}

/* Root table of the kernel itself: no user half. */
extern paddr_t kernel_root;

/* The part of sv39_walk that makes tables. */
pte_t *sv39_make_tables(paddr_t root, vaddr_t va);

/*
 * The last-level entry for va under root; NULL if a table on the way is missing
 * (and create is false, or no frame could be had) or a larger leaf covers it.
 * Creating needs whatever lock serialises changes of that root's tables. Never
 * sleeps. A user table may go when nothing is mapped in what it maps (vm/prune.h).
 * So the pointer is good while the caller holds the space's lock, or an object's
 * that has a region there attached; without them, between walk_begin and walk_end.
 */
static inline pte_t *sv39_walk(paddr_t root, vaddr_t va, bool create)
{
    paddr_t table = root;
    for (int level = 2; level > 0; level--) {
        pte_t pte = pte_load((pte_t *)direct_map(table) + sv39_index(va, level));
        if ((pte & (PTE_V | PTE_R | PTE_W | PTE_X)) != PTE_V)
            return create ? sv39_make_tables(root, va) : NULL;
        table = pte_paddr(pte);
    }
    return (pte_t *)direct_map(table) + sv39_index(va, 0);
}

/* This hart looks at tables that only it keeps from going. A short time: others spin.
 * With the walk lock of a table held whose entry is in use, it stays without that. */
static inline void walk_begin(void)
{
    struct hart *h = hart_self();
    __atomic_store_n(&h->walks, h->walks + 1, __ATOMIC_RELAXED);
    /* Before any entry is read; who unlinks a table fences between that and the look here. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void walk_end(void)
{
    struct hart *h = hart_self();
    __atomic_store_n(&h->walks, h->walks + 1, __ATOMIC_RELEASE);
}

/* Every other hart has ended the walk that it was in. Spins; no walk lock is held. */
void walk_wait_others(void);

/* The walk lock of the table that holds *pte. */
static inline struct spinlock *sv39_lock(pte_t *pte)
{
    return &frame_of(direct_unmap(pte))->lock;
}

/* A root with the kernel's upper half, or what isolation leaves of it, and nothing
 * else; 0 if no frame is free. */
paddr_t sv39_root_create(void);
/* Frees root and its user tables, whose leaves must all be gone. */
void sv39_root_destroy(paddr_t root);

/* Boot only: maps [va, va + size) to pa with the largest leaves that fit, taking
 * tables (one zeroed page each, by physical address) from alloc. */
void sv39_map_boot(paddr_t root, vaddr_t va, paddr_t pa, uint64_t size, uint64_t flags,
                   paddr_t (*alloc)(void));

#endif
