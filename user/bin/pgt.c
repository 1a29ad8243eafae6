/*
 * pgt [-a] PID: a process's page table as a tree, the kernel's half included.
 * pgt PID PID: two tables side by side: what differs, and what is one frame.
 *
 * Below root slot 256 a process is alone: no word of two roots is the same.
 * From 256 on every word is, for those subtrees are the kernel's and shared by
 * all. With two PIDs this is checked word by word; the exit status is 1 if it
 * does not hold. In the kernel's half only tables and large leaves are listed,
 * with -a every leaf.
 */
#include <banyan.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS       512
#define KERNEL_SLOT 256
#define PAGE_SHIFT  12
#define LEVEL_BITS  9

/* The bits of a page-table entry (privileged specification, "Sv39"). */
#define PTE_V    0x01ul
#define PTE_R    0x02ul
#define PTE_W    0x04ul
#define PTE_X    0x08ul
#define PTE_U    0x10ul
#define PTE_G    0x20ul
#define PTE_A    0x40ul
#define PTE_D    0x80ul
#define PTE_LEAF (PTE_R | PTE_W | PTE_X)

struct table {
    int pid;
    unsigned long root; /* physical address */
    struct abi_pte *entries;
    size_t count, room;
};

static unsigned long pte_frame(unsigned long pte)
{
    return (pte >> 10 & ((1ul << 44) - 1)) << PAGE_SHIFT;
}

static int pte_is_leaf(unsigned long pte)
{
    return (pte & PTE_LEAF) != 0;
}

static unsigned entry_slot(const struct abi_pte *e)
{
    return (unsigned)(e->va >> (PAGE_SHIFT + LEVEL_BITS * e->level)) & (SLOTS - 1);
}

static unsigned root_slot(const struct abi_pte *e)
{
    return (unsigned)(e->va >> (PAGE_SHIFT + LEVEL_BITS * 2)) & (SLOTS - 1);
}

static const char *pte_flags(unsigned long pte)
{
    static char text[9];
    static const char letters[] = "vrwxugad";

    for (int i = 0; i < 8; i++)
        text[i] = pte & (1ul << i) ? letters[i] : '-';
    return text;
}

/* --------------------------------------------------------------- reading it */

static int table_grow(struct table *t)
{
    size_t room = t->room ? t->room * 2 : 1024;
    struct abi_pte *grown = realloc(t->entries, room * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    t->entries = grown;
    t->room = room;
    return 0;
}

/* By address, and a table before what it holds. */
static int compare_entries(const void *a, const void *b)
{
    const struct abi_pte *x = a, *y = b;

    if (x->va != y->va)
        return x->va < y->va ? -1 : 1;
    return x->level < y->level ? 1 : x->level > y->level ? -1 : 0;
}

/* An answer may repeat the tables on the way to where it goes on. */
static void table_sort(struct table *t)
{
    size_t kept = 0;

    qsort(t->entries, t->count, sizeof(t->entries[0]), compare_entries);
    for (size_t i = 0; i < t->count; i++) {
        if (kept == 0 || compare_entries(&t->entries[kept - 1], &t->entries[i]) != 0)
            t->entries[kept++] = t->entries[i];
    }
    t->count = kept;
}

static long table_read(struct table *t, int every_leaf)
{
    struct abi_pte_query query = {.max_level0 = (unsigned)every_leaf};
    long got = 0;

    do {
        unsigned long from = query.va;
        if (t->room - t->count < 512 && table_grow(t) < 0)
            return -ENOMEM;
        query.out = t->entries + t->count;
        query.room = (unsigned)(t->room - t->count);
        got = sys_system(H_SYSTEM, SYSTEM_PTES, t->pid, (long)&query, 0);
        if (got < 0)
            return got;
        if (got > (long)query.room || (query.va != ~0ul && query.va <= from))
            return -EIO; /* an answer that leads nowhere */
        t->count += (size_t)got;
        t->root = query.root;
    } while (query.va != ~0ul);
    table_sort(t);
    return 0;
}

/* ---------------------------------------------------------------- one table */

static void print_entry(const struct abi_pte *e)
{
    int depth = 2 - (int)e->level;

    printf("%*s[%3u] %016lx %s ", 2 * depth, "", entry_slot(e), e->va, pte_flags(e->pte));
    if (!pte_is_leaf(e->pte))
        printf("table at %lx", pte_frame(e->pte));
    else
        printf("%s at %lx",
               e->level == 2   ? "1 GiB"
               : e->level == 1 ? "2 MiB"
                               : "page",
               pte_frame(e->pte));
    if (e->refs)
        printf(" refs %u", e->refs);
    putchar('\n');
}

static void print_tree(const struct table *t)
{
    size_t pages[3] = {0}, tables = 1;

    printf("process %d, root at %lx\n", t->pid, t->root);
    for (size_t i = 0; i < t->count; i++) {
        const struct abi_pte *e = &t->entries[i];
        if (i == 0 || (root_slot(e) >= KERNEL_SLOT) != (root_slot(e - 1) >= KERNEL_SLOT))
            printf("%s half\n", root_slot(e) >= KERNEL_SLOT ? "kernel" : "user");
        print_entry(e);
        if (pte_is_leaf(e->pte))
            pages[e->level > 2 ? 2 : e->level]++;
        else
            tables++;
    }
    printf("%zu tables, %zu pages, %zu of 2 MiB, %zu of 1 GiB\n", tables, pages[0], pages[1],
           pages[2]);
}

/* --------------------------------------------------------------- two tables */

/* The words of a root, by slot; 0 where there is none. */
static void root_words(const struct table *t, unsigned long words[SLOTS])
{
    memset(words, 0, SLOTS * sizeof(words[0]));
    for (size_t i = 0; i < t->count; i++) {
        if (t->entries[i].level == 2)
            words[root_slot(&t->entries[i])] = t->entries[i].pte;
    }
}

/* Both roots, word by word. Returns 1 if each half is as it must be. */
static int compare_roots(const struct table *a, const struct table *b)
{
    unsigned long x[SLOTS], y[SLOTS];
    unsigned same_user = 0, user = 0, differ_kernel = 0, kernel = 0;

    root_words(a, x);
    root_words(b, y);
    printf("%-5s %16s %16s\n", "slot", "first", "second");
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        /* Accessed and dirty are the hardware's notes, not part of the mapping. */
        int same = (x[slot] & ~(PTE_A | PTE_D)) == (y[slot] & ~(PTE_A | PTE_D));
        if (!x[slot] && !y[slot])
            continue;
        printf("[%3u] %16lx %16lx %s\n", slot, x[slot], y[slot], same ? "same word" : "differs");
        if (slot < KERNEL_SLOT) {
            user++;
            same_user += (unsigned)same;
        } else {
            kernel++;
            differ_kernel += (unsigned)!same;
        }
    }
    printf("user half: %u words in use, %u the same\n", user, same_user);
    printf("kernel half: %u words in use, %u differ\n", kernel, differ_kernel);
    return same_user == 0 && differ_kernel == 0 && kernel > 0 && a->root != b->root;
}

static int compare_frames(const void *a, const void *b)
{
    const struct abi_pte *x = *(const struct abi_pte *const *)a;
    const struct abi_pte *y = *(const struct abi_pte *const *)b;
    unsigned long fx = pte_frame(x->pte), fy = pte_frame(y->pte);

    if (fx != fy)
        return fx < fy ? -1 : 1;
    return x->va < y->va ? -1 : x->va > y->va;
}

/* The user leaves of t by frame, to be freed. */
static const struct abi_pte **user_leaves(const struct table *t, size_t *count)
{
    const struct abi_pte **leaves = malloc((t->count + 1) * sizeof(struct abi_pte *));

    *count = 0;
    if (!leaves)
        return 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct abi_pte *e = &t->entries[i];
        if (root_slot(e) < KERNEL_SLOT && e->level == 0 && pte_is_leaf(e->pte))
            leaves[(*count)++] = e;
    }
    qsort(leaves, *count, sizeof(struct abi_pte *), compare_frames);
    return leaves;
}

/* Every user page that both map, wherever each has it. */
static int print_shared(const struct table *a, const struct table *b)
{
    size_t na, nb, shared = 0;
    const struct abi_pte **x = user_leaves(a, &na);
    const struct abi_pte **y = user_leaves(b, &nb);

    if (!x || !y) {
        free(x);
        free(y);
        return -ENOMEM;
    }
    printf("\nuser pages that are one frame\n%-12s %16s %16s\n", "frame", "first", "second");
    for (size_t i = 0, j = 0; i < na && j < nb;) {
        unsigned long fx = pte_frame(x[i]->pte), fy = pte_frame(y[j]->pte);
        if (fx == fy) {
            printf("%-12lx %16lx", fx, x[i]->va);
            printf(" %16lx %s\n", y[j]->va,
                   x[i]->pte & PTE_W || y[j]->pte & PTE_W ? "writable" : "");
            shared++;
        }
        i += fx <= fy;
        j += fy <= fx;
    }
    printf("%zu of %zu and %zu user pages are one frame\n", shared, na, nb);
    free(x);
    free(y);
    return 0;
}

/* Returns 1 if the two are as the tables of two processes must be. */
static int print_both(const struct table *a, const struct table *b)
{
    int good = compare_roots(a, b);

    if (print_shared(a, b) < 0) {
        fprintf(stderr, "pgt: %s\n", strerror(ENOMEM));
        return 0;
    }
    if (!good)
        printf("the two roots are not as two processes' must be\n");
    return good;
}

/* --------------------------------------------------------------------- main */

static int usage(void)
{
    fprintf(stderr, "usage: pgt [-a] PID [PID]\n");
    return 2;
}

static int read_argument(struct table *t, const char *text, int every_leaf)
{
    char *end;
    long pid = strtol(text, &end, 10);
    long err;

    if (end == text || *end || pid <= 0 || pid != (int)pid) {
        fprintf(stderr, "pgt: %s: not a process\n", text);
        return -1;
    }
    t->pid = (int)pid;
    err = table_read(t, every_leaf);
    if (err < 0)
        fprintf(stderr, "pgt: %s: %s\n", text, strerror((int)-err));
    return err < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct table tables[2] = {0};
    int every_leaf = 0;
    int option, good = 1;

    while ((option = getopt(argc, argv, "a")) != -1) {
        if (option != 'a')
            return usage();
        every_leaf = 1;
    }
    argc -= optind;
    argv += optind;
    if (argc != 1 && argc != 2)
        return usage();
    for (int i = 0; i < argc && good; i++)
        good = read_argument(&tables[i], argv[i], every_leaf) == 0;
    if (good && argc == 1)
        print_tree(&tables[0]);
    else if (good)
        good = print_both(&tables[0], &tables[1]);
    free(tables[0].entries);
    free(tables[1].entries);
    return fflush(stdout) == 0 && good ? 0 : 1;
}
