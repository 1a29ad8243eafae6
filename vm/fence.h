/*
 * Fences, and the register that names the root (privileged spec v1.12, sections
 * 4.1.11 and 4.2.1): every instruction of vm/ that C cannot express. A host test
 * defines these functions itself and so sees each fence that the code issues.
 *
 * All of them act on the hart they run on.
 */
#ifndef VM_FENCE_H
#define VM_FENCE_H

#include "vm/layout.h"

#ifdef HOST_TEST
uint64_t satp_read(void);
void satp_write(uint64_t satp);
void tlb_fence_page(vaddr_t va);
void tlb_fence_page_asid(vaddr_t va, uint64_t asid);
void tlb_fence_asid(uint64_t asid);
void tlb_fence_all(void);
void icache_fence(void);
#else
#include "kernel/lib/counter.h"
#include "kernel/lib/hart.h"
#include "trap/csr.h"
#include "vm/shadow.h"

static inline uint64_t satp_read(void)
{
    return csr_read(satp);
}

static inline void satp_write(uint64_t satp)
{
    csr_write(satp, satp);
}

/* The leaf that maps va: in every address space, global entries too; or in one,
 * global entries excepted. */
static inline void tlb_fence_page(vaddr_t va)
{
    shadow_fence(va, false, SHADOW_EVERY_ASID);
    bench_count(COUNT_FENCE);
    asm volatile("sfence.vma %0, zero" ::"r"(va) : "memory");
}

static inline void tlb_fence_page_asid(vaddr_t va, uint64_t asid)
{
    shadow_fence(va, false, (int)asid);
    bench_count(COUNT_FENCE);
    asm volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
}

/* All that is not global in one address space; and everything. */
static inline void tlb_fence_asid(uint64_t asid)
{
    shadow_fence(0, true, (int)asid);
    bench_count(COUNT_FENCE);
    asm volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
}

static inline void tlb_fence_all(void)
{
    shadow_fence(0, true, SHADOW_EVERY_ASID);
    bench_count(COUNT_FENCE);
    asm volatile("sfence.vma zero, zero" ::: "memory");
}

/* Instructions fetched after it are not older than the stores before it. */
static inline void icache_fence(void)
{
    shadow_fence_i(1ul << hart_self()->index);
    asm volatile("fence.i" ::: "memory");
}
#endif

#endif
