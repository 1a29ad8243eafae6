/*
 * ps [-t]: the processes, or with -t every thread and what it waits for.
 */
#include <banyan.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * All entries of one of the system's lists, in memory to be freed. The list may
 * grow between two looks, so each look has room to spare.
 */
static void *read_list(long op, size_t entry_size, long *count)
{
    long room = 64;
    void *list = 0;

    for (;;) {
        void *grown = realloc(list, (size_t)room * entry_size);
        if (!grown) {
            free(list);
            *count = -ENOMEM;
            return 0;
        }
        list = grown;
        *count = sys_system(H_SYSTEM, op, (long)list, room, 0);
        if (*count <= room)
            return list;
        room = *count + 16;
    }
}

static void print_processes(const struct abi_process *list, long count)
{
    printf("%5s %5s %5s S THR %8s %8s %9s NAME\n", "PID", "PPID", "PGID", "VIRT-K", "RES-K",
           "CPU-s");
    for (long i = 0; i < count; i++) {
        const struct abi_process *p = &list[i];
        printf("%5d %5d %5d %c %3u %8lu %8lu %5lu.%03lu %.*s\n", p->pid, p->ppid, p->pgid, p->state,
               p->threads, p->virtual_pages * (PAGE_SIZE_ABI / 1024),
               p->resident_pages * (PAGE_SIZE_ABI / 1024), p->cpu_ns / 1000000000,
               p->cpu_ns / 1000000 % 1000, (int)sizeof(p->name), p->name);
    }
}

static void print_threads(const struct abi_thread *list, long count)
{
    printf("%5s %5s S HART %-24s HOLDER PC\n", "PID", "TID", "WAITS FOR");
    for (long i = 0; i < count; i++) {
        const struct abi_thread *t = &list[i];
        printf("%5d %5d %c %4d %-24.*s %6d 0x%lx\n", t->pid, t->tid, t->state, t->hart,
               (int)sizeof(t->wait), t->wait, t->holder_pid, t->pc);
    }
}

int main(int argc, char **argv)
{
    int threads = 0;
    int option;
    long count;
    void *list;

    while ((option = getopt(argc, argv, "t")) != -1) {
        if (option != 't') {
            fprintf(stderr, "usage: ps [-t]\n");
            return 2;
        }
        threads = 1;
    }
    if (threads)
        list = read_list(SYSTEM_THREADS, sizeof(struct abi_thread), &count);
    else
        list = read_list(SYSTEM_PROCESSES, sizeof(struct abi_process), &count);
    if (count < 0) {
        fprintf(stderr, "ps: %s\n", strerror((int)-count));
        free(list);
        return 1;
    }
    if (threads)
        print_threads(list, count);
    else
        print_processes(list, count);
    free(list);
    return fflush(stdout) == 0 ? 0 : 1;
}
