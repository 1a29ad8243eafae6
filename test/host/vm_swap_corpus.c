/*
 * The random test of swap (vm_swap.c), its choices made by the bytes of an input. `make fuzz` links
 * it with libFuzzer, to look for inputs that go where none went before; as a host test it goes
 * through those kept in test/data/vm_swap, or the files that are its arguments.
 */
/* host-test: vm/space.c vm/region.c vm/fault.c vm/usercopy.c vm/object.c vm/object_page.c */
/* host-test: vm/prune.c vm/pageindex.c vm/asid.c */
/* host-test: vm/swap.c vm/swap_cache.c vm/swap_in.c vm/swap_out.c vm/swap_slots.c */
/* host-test: vm/reclaim.c vm/object_swap.c vm/object_reclaim.c */
/* host-test: vm/sv39.c vm/kmalloc.c vm/frame.c kernel/lib/lock.c kernel/lib/string.c */
/* host-test: kernel/lib/wait.c -DDEBUG -DHOST_WRAP -DHOST_FRAMES=1000 */
/* host-test: -Wl,--wrap=frame_alloc -Wl,--wrap=frame_alloc_zeroed,--wrap=kmalloc,--wrap=kzalloc */
#include <dirent.h>
#include <limits.h>

#include "test/host/vm_swap_ops.h"
#include "vm/kmalloc.h"

#define INPUT_MAX 65536u

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

static void run_input(const unsigned char *bytes, size_t size)
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

static void boot(void)
{
    host_boot(HARTS);
    kmalloc_init();
    tlb_boot();
    asid_init(ASID_BITS, HARTS);
    pager_boot();
    pager_ops.make_room = swap_make_room;
    swap_disk_boot();
}

#ifdef LIBFUZZER

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    boot();
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    if (size)
        run_input(bytes, size);
    if (check_failing)
        abort();
    return 0;
}

#else

static void run_file(const char *path)
{
    static unsigned char bytes[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    CHECK(size > 0);
    if (file)
        fclose(file);
    if (size)
        run_input(bytes, size);
    if (check_failing)
        printf("# input %s\n", path);
}

/* The folder beside this one's parent, whatever the current folder is. */
static unsigned run_corpus(void)
{
    char folder[PATH_MAX], path[PATH_MAX + 256];
    unsigned n = 0;
    const char *name = strrchr(__FILE__, '/');
    snprintf(folder, sizeof folder, "%.*s/../data/vm_swap", (int)(name - __FILE__), __FILE__);
    /* In the order of their names: what one input does may depend a little on those before. */
    struct dirent **names;
    int found = scandir(folder, &names, NULL, alphasort);
    CHECK(found > 0);
    for (int i = 0; i < found; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && !check_failing) {
            run_file(path);
            n++;
        }
        free(names[i]);
    }
    if (found > 0)
        free(names);
    return n;
}

int main(int argc, char **argv)
{
    check_plan(1);
    boot();
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    if (argc == 1)
        CHECK(run_corpus() >= 20);
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
