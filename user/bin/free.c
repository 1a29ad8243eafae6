/*
 * free [-b | -k | -m | -g | -h]: memory and swap in total, and what every frame of memory
 * is used for. The classes are all there are, so they must add up to the whole; if they
 * do not, free says so and fails.
 */
#include <banyan.h>

#include "user/bin/util.h"

static const char *const class_names[FRAME_CLASSES] = {
    [FRAME_FREE] = "free",       [FRAME_KERNEL] = "kernel image",  [FRAME_TABLE] = "page tables",
    [FRAME_KMALLOC] = "kmalloc", [FRAME_KSTACK] = "kernel stacks", [FRAME_DMA] = "dma",
    [FRAME_ANON] = "anonymous",  [FRAME_OBJECT] = "object pages",
};

static const struct unit {
    char option;
    const char *name;
    unsigned shift;
} units[] = {{'b', "bytes", 0}, {'k', "KiB", 10}, {'m', "MiB", 20}, {'g', "GiB", 30}};

static const struct unit *unit = &units[1];
static bool readable; /* -h: each number in the unit that suits it */

/* So many pages in the unit, for a column ten wide. */
static void print_amount(unsigned long pages)
{
    unsigned long bytes = pages * PAGE_SIZE_ABI;
    char text[24];
    int i = 1;

    if (!readable) {
        printf(" %10lu", bytes >> unit->shift);
        return;
    }
    while (i < 3 && bytes >> units[i + 1].shift)
        i++;
    if (i == 1)
        snprintf(text, sizeof(text), "%lu%s", bytes >> 10, units[i].name);
    else
        snprintf(text, sizeof(text), "%lu.%lu%s", bytes >> units[i].shift,
                 (bytes >> (units[i].shift - 10)) % 1024 * 10 / 1024, units[i].name);
    printf(" %10s", text);
}

static void print_row(const char *name, unsigned long frames)
{
    printf("%-14s %10lu", name, frames);
    print_amount(frames);
    putchar('\n');
}

static void print_summary(const struct abi_memory *memory)
{
    unsigned long free = memory->count[FRAME_FREE], cached = memory->count[FRAME_OBJECT];
    unsigned long memory_row[] = {memory->total, memory->total - free - cached, free, cached};
    unsigned long swap_row[] = {memory->swap_total,
                                memory->swap_total - memory->swap_free - memory->swap_bad,
                                memory->swap_free, memory->swap_cached, memory->swap_bad};

    printf("%-7s %10s %10s %10s %10s %10s\n", readable ? "" : unit->name, "total", "used", "free",
           "cached", "bad");
    printf("%-7s", "Mem:");
    for (unsigned i = 0; i < sizeof(memory_row) / sizeof(memory_row[0]); i++)
        print_amount(memory_row[i]);
    printf("\n%-7s", "Swap:");
    for (unsigned i = 0; i < sizeof(swap_row) / sizeof(swap_row[0]); i++)
        print_amount(swap_row[i]);
    printf("\n\n");
}

static void read_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "bkmgh")) != -1) {
        const struct unit *chosen = units;

        while (chosen < units + 4 && chosen->option != option)
            chosen++;
        readable = option == 'h';
        if (chosen < units + 4)
            unit = chosen;
        else if (!readable)
            util_usage("[-b | -k | -m | -g | -h]");
    }
    if (optind < argc)
        util_usage("[-b | -k | -m | -g | -h]");
}

int main(int argc, char **argv)
{
    struct abi_memory memory;
    unsigned long sum = 0;
    long err;

    util_begin(argv);
    read_options(argc, argv);
    err = sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0);
    if (err < 0) {
        util_warn("the system does not show its memory: %s", strerror((int)-err));
        return util_finish();
    }
    print_summary(&memory);
    printf("%-14s %10s %10s\n", "", "frames", readable ? "size" : unit->name);
    for (int i = 0; i < FRAME_CLASSES; i++) {
        print_row(class_names[i], memory.count[i]);
        sum += memory.count[i];
    }
    print_row("total", memory.total);
    printf("\n%lu pinned, %lu dirty, %lu bytes in kmalloc's blocks\n", memory.pinned, memory.dirty,
           memory.kmalloc_bytes);
    if (sum != memory.total)
        util_warn("the classes add up to %lu frames, not %lu", sum, memory.total);
    if (memory.swap_free + memory.swap_bad > memory.swap_total)
        util_warn("%lu free and %lu bad pages of swap are more than all %lu", memory.swap_free,
                  memory.swap_bad, memory.swap_total);
    return util_finish();
}
