/*
 * What programs do in the random tests of vm/: loads, stores and fetches as a hart does them,
 * through a cache of translations that keeps what it read until it is fenced, and the kernel's
 * copies for them; each compared at once with the spaces of vm_model.h.
 *
 * What is done is up to a seed, or to the bytes of a fuzzer. An operation that fails must have a
 * reason: `excused` knows those that all tests share, host_judge those of a test that has more.
 */
#ifndef TEST_HOST_VM_ACCESS_H
#define TEST_HOST_VM_ACCESS_H

#ifndef HOST_WRAP
#define HOST_WRAP /* allocations are refused: its users link with --wrap, see vm_host.h */
#endif
#include "test/host/vm_model.h"
#include "test/host/vm_pager.h"
#include "test/host/vm_tlb.h"
#include "vm/usercopy.h"

#define HARTS     3u
#define ASID_BITS 3 /* fewer than spaces come and go */

static uint64_t seed;
static bool hardware_marks; /* harts set A and D themselves (Svadu) */
static bool troubled;       /* memory is refused, pagers fail, threads are killed */

/* A fuzzer's bytes; when they are used up, every choice is the first. NULL: the seed chooses. */
static const unsigned char *choices, *choices_end;

static inline unsigned below(unsigned n)
{
    if (!choices)
        return check_random(&seed) % n;
    unsigned word = 0;
    for (unsigned left = n - 1; left && choices < choices_end; left >>= 8)
        word = word << 8 | *choices++;
    return word % n;
}

/* Harts that idle in a dying space leave it. */
void sbi_send_ipi(uint64_t hart_mask)
{
    struct hart *caller = host_hart;
    for (unsigned h = 0; h < HARTS; h++) {
        host_run_on(h);
        if (hart_mask >> h & 1)
            space_switch(NULL);
    }
    host_hart = caller;
}

static inline void trouble(bool on)
{
    troubled = on;
    host_refuse_one_in = on ? 12 : 0;
    pager.fail_in = pager.fail_out = pager.fail_start = pager.fail_reserve = on ? 25 : 0;
    pager.kill = on ? 40 : 0;
    pager.room = on ? below(2) : 3;
}

/* An error that only trouble explains, or memory that is really short. */
static inline bool excused(int rc)
{
    if (rc == -ENOMEM && frame_low())
        return true;
    return troubled && (rc == -ENOMEM || rc == -EIO || rc == -ENOSPC || rc == -EINTR);
}

/* What a test says of an error of an access to `page` that should have gone well. */
static bool (*host_judge)(const struct mspace *m, unsigned page, int rc);

static inline bool access_excused(const struct mspace *m, unsigned page, int rc)
{
    return host_judge ? host_judge(m, page, rc) : excused(rc);
}

/* -------------------------------------------------------------- speculation */

static inline void speculate(void)
{
    unsigned hart = below(HARTS);
    if (tlb_root(hart) != kernel_root)
        tlb_fill(hart, va_of(below(PAGES)));
}

static inline void fence_and_speculate(enum host_fence_kind kind, vaddr_t va, uint64_t asid)
{
    tlb_fence(kind, va, asid);
    /* The cache must be right when the fence is done, whatever is read around it. */
    if (kind != HOST_SATP)
        speculate();
}

/* ----------------------------------------------------------------- programs */

static inline bool permits(pte_t pte, unsigned access)
{
    uint64_t need = PTE_V | PTE_U | PTE_A;
    need |= access == ACCESS_WRITE ? PTE_W | PTE_D : access == ACCESS_EXEC ? PTE_X : PTE_R;
    return (pte & need) == need;
}

/* The walker sets A and D where the entry still allows the access (section 4.3.1: it checks V and
 * the rights in the same step). False: that is software's part, or the entry has changed. */
static inline bool mark(struct tlb_entry *e, unsigned hart, unsigned access)
{
    uint64_t marks = PTE_A | (access == ACCESS_WRITE ? PTE_D : 0);
    paddr_t root = tlb_root(hart);
    if (!hardware_marks || !permits(e->pte | marks, access))
        return false;
    pte_t *pte = sv39_walk(root, e->va, false);
    if (!pte || (pte_load(pte) | marks) != (e->pte | marks))
        return false;
    pte_set_bits(pte, marks);
    e->pte |= marks;
    return true;
}

/* A program's load, store or fetch, as a hart does it: through its cache, else
 * through the tables, else by a fault. */
static inline int user_access(struct space *s, vaddr_t va, unsigned access, uint64_t *value)
{
    for (unsigned faults = 0; faults < 40; faults++) {
        space_switch(s);
        struct tlb_entry *e = tlb_fill(host_hart->index, va);
        if (e && (permits(e->pte, access) || mark(e, host_hart->index, access))) {
            char *byte = (char *)direct_map(pte_paddr(e->pte)) + (va & PAGE_MASK);
            if (access == ACCESS_WRITE)
                memcpy(byte, value, sizeof *value);
            else
                memcpy(value, byte, sizeof *value);
            return 0;
        }
        int rc = space_fault(s, va, access, 0);
        if (rc < 0)
            return rc;
    }
    struct tlb_entry *e = tlb_find(host_hart->index, va);
    panic("access %u to %#lx faults for ever: cached %#lx, entry %#lx", access, va, e ? e->pte : 0,
          tlb_walk(s->root, va));
}

static struct mspace *op_space;  /* the operation under way is about it */
static bool op_copies;           /* and copies page after page, which the model learns at its end */
static struct mspace *op_barred; /* an operation that waits is about it: others keep off */
static bool op_shy;              /* and may write to objects: others do not */

/* One that is in use, other than `not`; NULL if there is none. */
static inline struct mspace *other_space(const struct mspace * not )
{
    for (unsigned i = 0, at = below(SPACES); i < SPACES; i++, at++) {
        struct mspace *m = &mspaces[at % SPACES];
        if (m->space && m != not )
            return m;
    }
    return NULL;
}

static inline struct mspace *some_space(void)
{
    return op_space = other_space(op_barred);
}

static inline void op_access(void)
{
    static const unsigned kinds[] = {ACCESS_READ, ACCESS_READ, ACCESS_WRITE, ACCESS_WRITE,
                                     ACCESS_EXEC};
    struct mspace *m = some_space();
    unsigned page = below(PAGES), cell = below(CELLS), access = kinds[below(5)];
    if (!m || (op_shy && m->page[page].shared && access == ACCESS_WRITE))
        return;
    uint64_t value = check_random(&seed);
    int want = model_access(m, page, access), tell;
    uint64_t wrote = value;
    tell = user_access(m->space, va_of(page) + cell_offset(cell), access, &value);
    CHECK(tell == want || (want == 0 && access_excused(m, page, tell)));
    if (tell == 0 && want == 0) {
        if (access == ACCESS_WRITE)
            model_write(m, page, cell, wrote);
        else
            CHECK(value == *model_cell(m, page, cell));
    }
}

/* A copy from or to some pages in a row: from one cell to another. */
static inline void op_copy(void)
{
    static unsigned char bytes[4 * PAGE_SIZE];
    struct mspace *m = some_space();
    /* What has been written when it fails half-way, the model does not know. */
    bool write = below(2), whole = troubled || (write && host_judge);
    unsigned page = below(PAGES), n = 1 + (whole ? 0 : below(4)), from = below(CELLS);
    if (page + n > arena_end(page))
        n = arena_end(page) - page;
    unsigned to = n == 1 ? from : below(CELLS);
    int want = 0;
    unsigned good = 0;
    uint64_t values[4][CELLS];
    memset(bytes, 0, sizeof bytes);
    for (; good < n; good++)
        if ((want = model_access(m, page + good, write ? ACCESS_WRITE : ACCESS_READ)) != 0)
            break;
    for (unsigned i = 0; i < n; i++)
        for (unsigned c = 0; c < CELLS; c++) {
            values[i][c] = check_random(&seed);
            if (write)
                memcpy(bytes + i * PAGE_SIZE + cell_offset(c), &values[i][c], 8);
        }
    vaddr_t va = va_of(page) + cell_offset(from);
    size_t size = va_of(page) + (n - 1) * PAGE_SIZE + cell_offset(to) + 8 - va;
    if (below(2))
        space_switch(NULL);
    op_copies = true;
    int rc = write ? copy_to_user(m->space, va, bytes + cell_offset(from), size)
                   : copy_from_user(m->space, bytes + cell_offset(from), va, size);
    op_copies = false;
    CHECK(rc == want || (good && access_excused(m, page, rc)));
    if (rc != want)
        return;
    for (unsigned i = 0; i < good; i++)
        for (unsigned c = 0; c < CELLS; c++) {
            if ((i == 0 && c < from) || (i == n - 1 && c > to))
                continue;
            if (write)
                model_write(m, page + i, c, values[i][c]);
            else
                CHECK(memcmp(bytes + i * PAGE_SIZE + cell_offset(c), model_cell(m, page + i, c),
                             8) == 0);
        }
}

#endif
