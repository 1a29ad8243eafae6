/*
 * The random test of swap (vm_swap.c), its choices made by the bytes of an input (lib_corpus.h).
 */
/* host-test: vm/space.c vm/region.c vm/fault.c vm/usercopy.c vm/object.c vm/object_page.c */
/* host-test: vm/prune.c vm/pageindex.c vm/asid.c */
/* host-test: vm/swap.c vm/swap_cache.c vm/swap_in.c vm/swap_out.c vm/swap_slots.c */
/* host-test: vm/reclaim.c vm/object_swap.c vm/object_reclaim.c */
/* host-test: vm/sv39.c vm/kmalloc.c vm/frame.c kernel/lib/lock.c kernel/lib/string.c */
/* host-test: kernel/lib/wait.c -DDEBUG -DHOST_WRAP -DHOST_FRAMES=1000 */
/* host-test: -Wl,--wrap=frame_alloc -Wl,--wrap=frame_alloc_zeroed,--wrap=kmalloc,--wrap=kzalloc */
#include "test/host/lib_corpus.h"
#include "test/host/vm_swap_ops.h"
#include "vm/kmalloc.h"

/* Each input starts from the same state, but for what no operation can see: which frames are
 * free, where the scans for slots go on. */
static void start_over(void)
{
    seed = 0x9e3779b97f4a7c15ul;
    tlb_seed = 1442695040888963407ul;
    pager_seed = 0x853c49e6748fea9bul;
    swap_disk.seed = 0xd1b54a32d192ed03ul;
    host_refuse_seed = 88172645463325252ul;
    host_fence = fence_and_speculate;
}

void input_run(const unsigned char *bytes, size_t size)
{
    uint64_t tables = host_class_count(FRAME_TABLE);
    start_over();
    choices = bytes;
    choices_end = bytes + size;
    round_begin();
    for (unsigned step = 0; choices < choices_end && !check_failing; step++) {
        swap_step();
        if (step % 64 == 0)
            check_slots();
    }
    choices = NULL;
    round_end();
    CHECK(host_class_count(FRAME_TABLE) == tables);
}

void input_boot(void)
{
    host_boot(HARTS);
    kmalloc_init();
    tlb_boot();
    asid_init(ASID_BITS, HARTS);
    pager_boot();
    pager_ops.make_room = swap_make_room;
    swap_disk_boot();
}

#ifndef LIBFUZZER

int main(int argc, char **argv)
{
    check_plan(1);
    input_boot();
    for (int i = 1; i < argc; i++)
        corpus_file(argv[i]);
    if (argc == 1)
        CHECK(corpus_folder("vm_swap") >= 20);
    /* They are worth keeping: pages go and come, and are refused. */
    printf("# %lu pages out, %lu in, %lu writes failed, %lu reads\n", swap_disk.pages_out,
           swap_disk.pages_in, swap_disk.failed_writes, swap_disk.failed_reads);
    CHECK(argc > 1 || (swap_disk.pages_out > 100 && swap_disk.pages_in > 100 &&
                       swap_disk.failed_writes > 0 && swap_disk.failed_reads > 0));
    check_end("the inputs that are kept agree with a model");
    swap_disk_halt();
    host_halt();
    return check_exit();
}

#endif
