/* Shadow tables, and a hart's pool of them; the contract is in shadow_tables.h. */
#include "kernel/debug/shadow_tables.h"

#include "kernel/lib/string.h"

struct shadow_hart shadow_harts[MAX_HARTS];
unsigned shadow_count;

void shadow_pool_put(struct shadow_hart *h, paddr_t table)
{
    struct frame *f = frame_of(table);
    f->index = h->pool;
    h->pool = table;
    h->pool_count++;
}

/* An empty table that stands for the real one. The pool is not empty. */
paddr_t shadow_pool_take(struct shadow_hart *h, paddr_t real)
{
    paddr_t table = h->pool;
    h->pool = shadow_origin(table);
    h->pool_count--;
    memset(shadow_table(table), 0, PAGE_SIZE);
    frame_of(table)->index = real;
    shadow_reach(real, 1);
    return table;
}

void shadow_forget_leaf(pte_t *leaf)
{
    pte_t old = pte_load(leaf);
    pte_store(leaf, 0);
    if (old & PTE_V)
        shadow_reach(pte_paddr(old), -1);
}

/* Empties the table, and those below it. level: 2 for a root. */
static void forget_table(struct shadow_hart *h, paddr_t table, int level)
{
    pte_t *entries = shadow_table(table);
    for (unsigned i = 0; i < (level == 2 ? KERNEL_ROOT_SLOT : SV39_ENTRIES); i++) {
        pte_t entry = entries[i];
        if (!(entry & PTE_V))
            continue;
        if (level == 0) {
            shadow_forget_leaf(&entries[i]);
            continue;
        }
        pte_store(&entries[i], 0);
        forget_table(h, pte_paddr(entry), level - 1);
        shadow_reach(shadow_origin(pte_paddr(entry)), -1);
        shadow_pool_put(h, pte_paddr(entry));
    }
}

void shadow_forget(struct shadow_hart *h, struct shadow *s)
{
    if (s->real) {
        forget_table(h, s->root, 2);
        shadow_reach(s->real, -1);
        s->real = 0;
    }
    s->must_empty = false;
    s->missed = false;
}

/* The leaf for va; NULL if the shadow has no table for it. */
static pte_t *find_leaf(paddr_t root, vaddr_t va)
{
    paddr_t table = root;
    for (int level = 2; level > 0; level--) {
        pte_t entry = shadow_table(table)[sv39_index(va, level)];
        if (!(entry & PTE_V))
            return NULL;
        table = pte_paddr(entry);
    }
    return &shadow_table(table)[sv39_index(va, 0)];
}

void shadow_forget_page(const struct shadow *s, vaddr_t va)
{
    pte_t *leaf = s->real && va < USER_END ? find_leaf(s->root, va) : NULL;
    if (leaf)
        shadow_forget_leaf(leaf);
}
