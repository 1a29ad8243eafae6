/*
 * free: what every frame of memory is used for. The classes are all there are,
 * so they must add up to the whole; if they do not, free says so and fails.
 */
#include <banyan.h>
#include <stdio.h>
#include <string.h>

static const char *const class_names[FRAME_CLASSES] = {
    [FRAME_FREE] = "free",       [FRAME_KERNEL] = "kernel image",  [FRAME_TABLE] = "page tables",
    [FRAME_KMALLOC] = "kmalloc", [FRAME_KSTACK] = "kernel stacks", [FRAME_DMA] = "dma",
    [FRAME_ANON] = "anonymous",  [FRAME_OBJECT] = "object pages",
};

static void print_row(const char *name, unsigned long frames)
{
    printf("%-14s %10lu %10lu\n", name, frames, frames * (PAGE_SIZE_ABI / 1024));
}

int main(void)
{
    struct abi_memory memory;
    unsigned long sum = 0;
    long err = sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0);

    if (err < 0) {
        fprintf(stderr, "free: %s\n", strerror((int)-err));
        return 1;
    }
    printf("%-14s %10s %10s\n", "", "frames", "KiB");
    for (int i = 0; i < FRAME_CLASSES; i++) {
        print_row(class_names[i], memory.count[i]);
        sum += memory.count[i];
    }
    print_row("total", memory.total);
    printf("\n%lu pinned, %lu dirty, %lu bytes in kmalloc's blocks\n", memory.pinned, memory.dirty,
           memory.kmalloc_bytes);
    if (fflush(stdout) != 0)
        return 1;
    if (sum != memory.total) {
        fprintf(stderr, "free: the classes add up to %lu frames, not %lu\n", sum, memory.total);
        return 1;
    }
    return 0;
}
