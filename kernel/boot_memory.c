/*
 * From the machine's RAM to the kernel's final tables and the frame allocator.
 *
 * Until the allocator runs, memory is taken from the lowest usable addresses and
 * never given back; what was taken is remembered and belongs to the kernel.
 */
#include <stdbool.h>

#include "kernel/boot.h"
#include "kernel/lib/hart.h"
#include "kernel/lib/machine.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "trap/csr.h"
#include "vm/frame.h"
#include "vm/sv39.h"

extern char trampoline_start[], rodata_start[], rodata_end[], data_start[], kernel_end[];
extern const char kernel_start[], text_end[];

#define TAKEN_MAX 8

uint64_t kernel_satp;

static const struct machine *machine;
static struct machine_range image;            /* the kernel */
static struct machine_range taken[TAKEN_MAX]; /* by boot_take */
static unsigned taken_count;

static bool overlaps(const struct machine_range *r, paddr_t at, uint64_t size)
{
    return r->size && at < r->base + r->size && r->base < at + size;
}

/* What of memory is in use, and whose it is. */
struct use {
    struct machine_range range;
    bool kernels;
};

#define USES_MAX (MACHINE_MAX_RANGES + TAKEN_MAX + 2)

/* All of it; their number. */
static unsigned uses(struct use *use)
{
    unsigned n = 0;
    for (unsigned i = 0; i < taken_count; i++)
        use[n++] = (struct use){taken[i], true};
    use[n++] = (struct use){image, true};
    for (unsigned i = 0; i < machine->reserved_count; i++)
        use[n++] = (struct use){machine->reserved[i], false};
    use[n++] = (struct use){{machine->initrd_base, machine->initrd_size}, false};
    return n;
}

/* Fits [at, at + size) between what is in use: `at`, or where to try next. */
static paddr_t skip_used(paddr_t at, uint64_t size)
{
    struct use use[USES_MAX];
    unsigned n = uses(use);
    for (bool moved = true; moved;) {
        moved = false;
        for (unsigned i = 0; i < n; i++)
            if (overlaps(&use[i].range, at, size)) {
                at = page_round_up(use[i].range.base + use[i].range.size);
                moved = true;
            }
    }
    return at;
}

/* size bytes of zeroed memory, page aligned. */
static paddr_t boot_take(uint64_t size)
{
    size = page_round_up(size);
    for (unsigned i = 0; i < machine->ram_count; i++) {
        const struct machine_range *ram = &machine->ram[i];
        paddr_t at = skip_used(ram->base, size);
        if (at < ram->base || at + size > ram->base + ram->size || at + size > DIRECT_SIZE)
            continue;
        if (taken_count && taken[taken_count - 1].base + taken[taken_count - 1].size == at)
            taken[taken_count - 1].size += size;
        else if (taken_count < TAKEN_MAX)
            taken[taken_count++] = (struct machine_range){at, size};
        else
            continue;
        memset(direct_map(at), 0, size);
        return at;
    }
    panic("not enough memory to start: give the machine at least 16 MiB");
}

static paddr_t take_table(void)
{
    return boot_take(PAGE_SIZE);
}

/* ------------------------------------------------------------- final tables */

/* Parts of RAM that the direct map treats alike. */
static uint64_t direct_flags(paddr_t at)
{
    for (unsigned i = 0; i < machine->reserved_count; i++)
        if (overlaps(&machine->reserved[i], at, 1))
            return 0; /* the firmware's: not mapped */
    uint64_t off = at - image.base;
    if (off < (uint64_t)(data_start - kernel_start))
        return PTE_KERNEL_R; /* the alias of text and rodata, too, is not writable */
    return PTE_KERNEL_RW;
}

/* The first address after `at` where direct_flags may change. */
static paddr_t next_boundary(paddr_t at, paddr_t end)
{
    paddr_t edges[2 * MACHINE_MAX_RANGES + 2];
    unsigned n = 0;
    for (unsigned i = 0; i < machine->reserved_count; i++) {
        edges[n++] = machine->reserved[i].base;
        edges[n++] = machine->reserved[i].base + machine->reserved[i].size;
    }
    edges[n++] = image.base;
    edges[n++] = image.base + (uint64_t)(data_start - kernel_start);
    for (unsigned i = 0; i < n; i++)
        if (edges[i] > at && edges[i] < end)
            end = edges[i];
    return end;
}

static void map_direct(paddr_t start, paddr_t end)
{
    while (start < end) {
        paddr_t stop = next_boundary(start, end);
        uint64_t flags = direct_flags(start);
        if (flags)
            sv39_map_boot(kernel_root, DIRECT_BASE + start, start, stop - start, flags, take_table);
        start = stop;
    }
}

static void map_image(const char *start, const char *end, uint64_t flags)
{
    sv39_map_boot(kernel_root, (vaddr_t)start, image.base + (uint64_t)(start - kernel_start),
                  (uint64_t)(end - start), flags, take_table);
}

/* With isolation: for each hart the page that its way in and out needs. */
static void map_entry_pages(void)
{
    for (unsigned i = 0; i < machine->hart_count; i++) {
        vaddr_t va = ENTRY_PAGES + i * PAGE_SIZE;
        paddr_t page = take_table();
        struct entry_page *entry = direct_map(page);
        sv39_map_boot(kernel_root, va, page, PAGE_SIZE, PTE_KERNEL_RW | PTE_G, take_table);
        entry->hart = &harts[i];
        entry->kernel_satp = SATP_SV39 | kernel_root >> PAGE_SHIFT;
        harts[i].entry = (struct entry_page *)va;
    }
}

static void make_tables(void)
{
    kernel_root = take_table();
    for (unsigned i = 0; i < machine->ram_count; i++) {
        const struct machine_range *ram = &machine->ram[i];
        paddr_t end = ram->base + ram->size;
        if (end > DIRECT_SIZE) {
            printk("memory above 0x%lx is not used", DIRECT_SIZE);
            end = DIRECT_SIZE;
        }
        map_direct(ram->base, end);
    }
    map_image(kernel_start, text_end, PTE_KERNEL_RX);
    map_image(rodata_start, rodata_end, PTE_KERNEL_R);
    map_image(data_start, kernel_end, PTE_KERNEL_RW);
    sv39_map_boot(kernel_root, TRAMPOLINE,
                  image.base + (uint64_t)(trampoline_start - (char *)kernel_start), PAGE_SIZE,
                  PTE_KERNEL_RX | PTE_G, take_table);
    if (sv39_isolated())
        map_entry_pages();
    /* The vmalloc window's root slots are fixed now, so that no root is ever
     * visited again when something is mapped there. */
    pte_t *root = direct_map(kernel_root);
    for (vaddr_t va = VMALLOC_BASE; va < VMALLOC_BASE + VMALLOC_SIZE; va += GIGAPAGE_SIZE)
        root[sv39_index(va, 2)] = pte_make(take_table(), PTE_V);
}

/* ------------------------------------------------------------------- frames */

/* Adds the whole pages of [start, end): what the kernel has, and what nobody has. */
static void add_frames(paddr_t start, paddr_t end)
{
    struct use use[USES_MAX];
    unsigned n = uses(use);
    for (paddr_t at = start, stop; at < end; at = stop) {
        bool used = false, kernels = false;
        stop = end;
        for (unsigned i = 0; i < n; i++) {
            paddr_t from = page_round_down(use[i].range.base);
            paddr_t to = page_round_up(use[i].range.base + use[i].range.size);
            if (!use[i].range.size || to <= at)
                continue;
            if (from <= at) {
                used = true;
                kernels |= use[i].kernels;
            }
            paddr_t edge = from > at ? from : to;
            stop = edge < stop ? edge : stop;
        }
        if (kernels)
            frame_add_kernel(at, stop);
        else if (!used)
            frame_add_free(at, stop);
    }
}

void boot_memory(const struct machine *m, paddr_t image_base)
{
    machine = m;
    image = (struct machine_range){image_base, (uint64_t)(kernel_end - kernel_start)};
    paddr_t low = ~0ul, high = 0;
    for (unsigned i = 0; i < m->ram_count; i++) {
        paddr_t end = m->ram[i].base + m->ram[i].size;
        if (m->ram[i].base < low)
            low = m->ram[i].base;
        if (end > high)
            high = end > DIRECT_SIZE ? DIRECT_SIZE : end;
    }
    uint64_t span = (high - low) >> PAGE_SHIFT;
    paddr_t storage = boot_take(span * sizeof(struct frame));
    make_tables();
    kernel_satp = SATP_SV39 | kernel_root >> PAGE_SHIFT;
    csr_write(satp, kernel_satp);
    asm volatile("sfence.vma" ::: "memory");
    frame_init(direct_map(storage), low >> PAGE_SHIFT, span);
    for (unsigned i = 0; i < m->ram_count; i++) {
        paddr_t end = m->ram[i].base + m->ram[i].size;
        add_frames(m->ram[i].base, end > DIRECT_SIZE ? DIRECT_SIZE : end);
    }
    frame_set_watermarks();
}

void boot_free_initrd(const struct machine *m)
{
    /* Pages that it has only a part of stay nobody's. */
    frame_add_free(m->initrd_base, m->initrd_base + m->initrd_size);
}
