/*
 * vmmap PID: the regions of a process's address space, and how many pages of
 * each are in memory, how many of those others use too, and how many are in swap.
 */
#include <banyan.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct abi_region *read_regions(int pid, long *count)
{
    struct abi_region *list = 0;
    long room = 64;

    for (;;) {
        struct abi_region *grown = realloc(list, (size_t)room * sizeof(*list));
        if (!grown) {
            free(list);
            *count = -ENOMEM;
            return 0;
        }
        list = grown;
        *count = sys_system(H_SYSTEM, SYSTEM_REGIONS, pid, (long)list, room);
        if (*count <= room)
            return list;
        room = *count + 16;
    }
}

static void print_region(const struct abi_region *r)
{
    printf("%011lx-%011lx %9lu %c%c%c%c %8lu %8lu %8lu  %-12.*s", r->start, r->end,
           (r->end - r->start) / 1024, r->prot & ABI_PROT_READ ? 'r' : '-',
           r->prot & ABI_PROT_WRITE ? 'w' : '-', r->prot & ABI_PROT_EXEC ? 'x' : '-',
           r->flags & ABI_MAP_SHARED ? 's' : 'p', r->resident, r->shared, r->swapped,
           (int)sizeof(r->name), r->name);
    if (r->object)
        printf(" object %lx at %lx", r->object, r->offset);
    putchar('\n');
}

int main(int argc, char **argv)
{
    unsigned long bytes = 0, resident = 0, shared = 0, swapped = 0;
    struct abi_region *list;
    char *end;
    long pid, count;

    if (argc != 2) {
        fprintf(stderr, "usage: vmmap PID\n");
        return 2;
    }
    pid = strtol(argv[1], &end, 10);
    if (end == argv[1] || *end || pid <= 0 || pid != (int)pid) {
        fprintf(stderr, "vmmap: %s: not a process\n", argv[1]);
        return 2;
    }
    list = read_regions((int)pid, &count);
    if (count < 0) {
        fprintf(stderr, "vmmap: %ld: %s\n", pid, strerror((int)-count));
        free(list);
        return 1;
    }
    printf("%-23s %9s PROT %8s %8s %8s  NAME\n", "ADDRESS", "KiB", "RESIDENT", "SHARED", "SWAPPED");
    for (long i = 0; i < count; i++) {
        print_region(&list[i]);
        bytes += list[i].end - list[i].start;
        resident += list[i].resident;
        shared += list[i].shared;
        swapped += list[i].swapped;
    }
    printf("%-23s %9lu      %8lu %8lu %8lu  pages\n", "total", bytes / 1024, resident, shared,
           swapped);
    free(list);
    return fflush(stdout) == 0 ? 0 : 1;
}
