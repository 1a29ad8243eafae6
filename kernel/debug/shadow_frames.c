/*
 * Frames: who still reaches one that is freed, and who executes one without a fence; the
 * contract is in vm/shadow.h.
 */
#include "kernel/debug/shadow_tables.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "vm/shadow.h"
#include "vm/space.h"
#include "vm/vmalloc.h"

static struct marks {
    uint32_t reached;      /* atomic: entries of shadows that name the frame */
    uint32_t born;         /* atomic: when it was last allocated */
} * marks;                 /* for each frame */
static uint32_t clock = 1; /* atomic: allocations and fences of instructions, in order */

void shadow_frames_init(void)
{
    struct marks *all = vmalloc(frame_span * sizeof *all);
    if (!all)
        panic("no memory for shadow tables");
    marks = memset(all, 0, frame_span * sizeof *all);
}

void shadow_reach(paddr_t pa, int n)
{
    if (frame_valid(pa))
        __atomic_fetch_add(&marks[frame_of(pa) - frames].reached, (uint32_t)n, __ATOMIC_SEQ_CST);
}

/* ------------------------------------------------------------- instructions */

void shadow_fence_i(uint64_t hart_mask)
{
    for (unsigned n = 0; n < shadow_count; n++)
        if (hart_mask >> n & 1)
            __atomic_store_n(&shadow_harts[n].icache_fenced,
                             __atomic_add_fetch(&clock, 1, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

/* Every page of code comes into a frame that was allocated for it, so a hart that has not
 * fenced since may have fetched what was there before. */
void shadow_check_fetch(paddr_t pa)
{
    const struct shadow_hart *h = &shadow_harts[hart_self()->index];
    if (!frame_valid(pa))
        return;
    uint32_t born = __atomic_load_n(&marks[frame_of(pa) - frames].born, __ATOMIC_SEQ_CST);
    if ((int32_t)(__atomic_load_n(&h->icache_fenced, __ATOMIC_SEQ_CST) - born) < 0)
        panic("hart %u executes what is new in frame 0x%lx without a fence.i", hart_self()->index,
              pa);
}

/* ------------------------------------------------------------ freed frames */

/* The address at which the shadow reaches the frame, as a page or as a table; 0: it does
 * not. */
static vaddr_t reaches(paddr_t table, int level, vaddr_t at, paddr_t pa)
{
    const pte_t *entries = shadow_table(table);
    for (unsigned i = 0; i < (level == 2 ? KERNEL_ROOT_SLOT : SV39_ENTRIES); i++) {
        vaddr_t va = at + ((uint64_t)i << (PAGE_SHIFT + 9 * level));
        if (!(entries[i] & PTE_V))
            continue;
        paddr_t below = pte_paddr(entries[i]);
        if (level == 0 ? below == pa : shadow_origin(below) == pa)
            return va ? va : PAGE_SIZE;
        vaddr_t found = level > 0 ? reaches(below, level - 1, va, pa) : 0;
        if (found)
            return found;
    }
    return 0;
}

/* Must the hart empty the shadow before it uses it again? A table is used all the same while
 * satp names its space: a processor may walk it at any time. */
static bool is_disused(const struct shadow *s, unsigned hart, bool table)
{
    if (!s->context)
        return true;
    if (s->missed && table && shadow_harts[hart].current == s)
        return false;
    if (s->must_empty || s->missed)
        return true;
    if (__atomic_load_n(&s->context->active, __ATOMIC_SEQ_CST) >> hart & 1)
        return false;
    return asid_must_flush(hart) ||
           __atomic_load_n(&s->context->stale, __ATOMIC_SEQ_CST) >> hart & 1;
}

static void check_window(const struct shadow_hart *h, paddr_t pa)
{
    for (vaddr_t va = VMALLOC_BASE; va < VMALLOC_BASE + VMALLOC_SIZE; va += PAGE_SIZE) {
        paddr_t table = shadow_window(h, va);
        pte_t leaf = table ? pte_load(&shadow_table(table)[sv39_index(va, 0)]) : 0;
        if (!table)
            va += MEGAPAGE_SIZE - PAGE_SIZE;
        else if (shadow_origin(table) == pa || (leaf & PTE_V && pte_paddr(leaf) == pa))
            panic("frame 0x%lx is freed, but hart %u may reach it at 0x%lx", pa,
                  (unsigned)(h - shadow_harts), va);
    }
}

void shadow_allocated(const struct frame *f)
{
    if (marks)
        __atomic_store_n(&marks[f - frames].born, __atomic_add_fetch(&clock, 1, __ATOMIC_SEQ_CST),
                         __ATOMIC_SEQ_CST);
}

void shadow_freed(const struct frame *f)
{
    if (!marks || !__atomic_load_n(&marks[f - frames].reached, __ATOMIC_SEQ_CST))
        return;
    paddr_t pa = frame_paddr(f);
    for (unsigned n = 0; n < shadow_count; n++) {
        struct shadow_hart *h = &shadow_harts[n];
        spin_lock(&h->lock);
        for (unsigned i = 0; i < SHADOWS; i++) {
            const struct shadow *s = &h->shadows[i];
            if (!s->real || is_disused(s, n, f->class == FRAME_TABLE))
                continue;
            vaddr_t va = s->real == pa ? PAGE_SIZE : reaches(s->root, 2, 0, pa);
            if (va)
                panic("frame 0x%lx is freed, but hart %u may reach it in ASID %lu at 0x%lx", pa, n,
                      s->asid, va);
        }
        check_window(h, pa);
        spin_unlock(&h->lock);
    }
}
