/*
 * What page tables look like from outside: two roots that share every word of
 * the kernel half and none of the user half; nothing writable and executable; no
 * kernel leaf for programs; one frame for one page of a program or a file. With
 * isolation=on nothing of the kernel half but the trampoline's slot.
 *
 * test: points=3 cpus=1,2 mem=32M..256M
 * test: points=1 cpus=1 mem=2G
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <test_mem.h>

#define TEST_PATH "/test/vm_roots"
#define SLOTS     512
#define KERNEL    256 /* the first slot of the shared half */
#define ENTRIES   4096

#define PTE_FLAGS 0x3fful
#define PTE_AD    0xc0ul

static struct abi_pte entries[ENTRIES], other_entries[ENTRIES];

struct tables {
    struct abi_pte *entry;
    long count;
    unsigned long root;
};

/* All of a process's entries; kernel tables and large leaves only, or all. */
static int read_tables(int pid, int all, struct tables *t)
{
    struct abi_pte_query query = {.max_level0 = (unsigned)all};

    t->count = 0;
    while (query.va != ~0ul) {
        query.out = t->entry + t->count;
        query.room = (unsigned)(ENTRIES - t->count);
        long n = sys_system(H_SYSTEM, SYSTEM_PTES, pid, (long)&query, 0);
        CHECK(n >= 0 && t->count + n <= ENTRIES);
        if (n == 0 && query.va != ~0ul) {
            diag("more than %d entries", ENTRIES);
            return 1;
        }
        t->count += n;
    }
    t->root = query.root;
    return 0;
}

static int isolated(void)
{
    static char args[256];

    return sys_system(H_SYSTEM, SYSTEM_BOOT_ARGS, (long)args, sizeof(args), 0) > 0 &&
           strstr(args, "isolation=on");
}

static int is_leaf(unsigned long pte)
{
    return (pte & (MEM_PTE_R | MEM_PTE_W | MEM_PTE_X)) != 0;
}

static unsigned slot_of(const struct abi_pte *e)
{
    return e->va >> 30 & 511;
}

/* A table may be listed again where a query goes on: the words stay the same. */
static void root_words(const struct tables *t, unsigned long words[SLOTS])
{
    memset(words, 0, SLOTS * sizeof(words[0]));
    for (long i = 0; i < t->count; i++)
        if (t->entry[i].level == 2)
            words[slot_of(&t->entry[i])] = t->entry[i].pte;
}

/* ------------------------------------------------------------ a quiet sibling */

/* Another process of the same program, by exec, that waits to be let go. */
static pid_t start_instance(int hold[2])
{
    int ready[2];
    char byte;

    if (pipe(hold) < 0 || pipe(ready) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {"vm_roots", "wait", 0};
        dup2(hold[0], 0);
        dup2(ready[1], 1);
        close(hold[1]);
        execv(TEST_PATH, argv);
        _exit(99);
    }
    close(hold[0]);
    close(ready[1]);
    if (pid > 0 && read(ready[0], &byte, 1) != 1) {
        waitpid(pid, 0, 0);
        pid = -1;
    }
    close(ready[0]);
    return pid;
}

static int end_instance(pid_t pid, const int hold[2])
{
    int status;

    close(hold[1]);
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

/* ---------------------------------------------------------------------- tests */

static int compare_roots(int pid)
{
    static unsigned long mine[SLOTS], others[SLOTS];
    struct tables a = {.entry = entries}, b = {.entry = other_entries};
    int direct = 0, kernel = 0, user = 0;

    CHECK(read_tables(getpid(), 0, &a) == 0 && read_tables(pid, 0, &b) == 0);
    CHECK(a.root && b.root && a.root != b.root);
    root_words(&a, mine);
    root_words(&b, others);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (i >= KERNEL) {
            kernel += mine[i] != 0;
            direct += i < 384 && mine[i] != 0;
            CHECK((mine[i] & ~PTE_AD) == (others[i] & ~PTE_AD));
        } else if (mine[i] || others[i]) {
            user++;
            CHECK(mine[i] != others[i]);
            CHECK(!is_leaf(mine[i]) && !is_leaf(others[i]));
        }
    }
    if (isolated()) {
        CHECK(kernel == 1 && mine[511] && user >= 2);
        return 0;
    }
    /* Direct map, vmalloc, image and trampoline are there, and we are. */
    CHECK(direct && mine[384] && mine[510] && mine[511]);
    CHECK(kernel >= 4 && user >= 2);
    return 0;
}

/* The process of that name, or -1. */
static int pid_of(const char *name)
{
    static struct abi_process all[64];
    long n = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)all, 64, 0);

    for (long i = 0; i < n && i < 64; i++)
        if (strcmp(all[i].name, name) == 0)
            return all[i].pid;
    return -1;
}

static int against_init_and_sibling(void *pid)
{
    return compare_roots(1) || compare_roots(pid_of("fs")) || compare_roots((int)(long)pid);
}

/* Tables that user slots lead to belong to one process alone. */
static int no_table_shared(void *pid)
{
    struct tables a = {.entry = entries}, b = {.entry = other_entries};

    CHECK(read_tables(getpid(), 1, &a) == 0 && read_tables((int)(long)pid, 1, &b) == 0);
    for (long i = 0; i < a.count; i++)
        for (long j = 0; j < b.count; j++) {
            const struct abi_pte *x = &a.entry[i], *y = &b.entry[j];
            if (slot_of(x) < KERNEL && slot_of(y) < KERNEL && !is_leaf(x->pte) && !is_leaf(y->pte))
                CHECK(x->pte >> 10 != y->pte >> 10);
        }
    return 0;
}

static int rights_are_right(void *unused)
{
    struct tables t = {.entry = entries};
    int kernel_leaves = 0, user_leaves = 0;
    const struct abi_pte *writable = 0;

    (void)unused;
    CHECK(read_tables(getpid(), 1, &t) == 0);
    for (long i = 0; i < t.count; i++) {
        const struct abi_pte *e = &t.entry[i];
        unsigned long pte = e->pte;
        CHECK(pte & MEM_PTE_V);
        CHECK(pte >> 54 == 0);
        if (!is_leaf(pte)) {
            CHECK((pte & PTE_FLAGS) == MEM_PTE_V); /* D, A, U and G there are reserved */
            CHECK(e->level > 0);
            continue;
        }
        CHECK(!(pte & MEM_PTE_W) || pte & MEM_PTE_R);
        CHECK(!(pte & MEM_PTE_W && pte & MEM_PTE_X));
        if (slot_of(e) >= KERNEL) {
            kernel_leaves++;
            CHECK(!(pte & MEM_PTE_U) && pte & MEM_PTE_G);
        } else {
            user_leaves++;
            CHECK(!(pte & MEM_PTE_G) && e->level == 0);
            CHECK(e->va >= ABI_USER_MIN && e->va < ABI_USER_END);
            if (pte & MEM_PTE_W)
                writable = e;
        }
    }
    /* Isolated: the trampoline, and a page for each hart. */
    CHECK(isolated() ? kernel_leaves == 1 + (int)hart_count() : kernel_leaves > 4);
    CHECK(user_leaves > 4 && writable);
    return 0;
}

/* Frames of the kernel image that are executable or read-only through slot 510
 * are not writable through the direct map. */
static int aliases_obey(void *unused)
{
    struct tables t = {.entry = entries};
    int checked = 0;

    (void)unused;
    if (isolated()) /* no process has an alias of anything */
        return 0;
    CHECK(read_tables(getpid(), 1, &t) == 0);
    for (long i = 0; i < t.count; i++) {
        const struct abi_pte *e = &t.entry[i];
        if (slot_of(e) < 510 || !is_leaf(e->pte) || e->pte & MEM_PTE_W)
            continue;
        unsigned long size = PAGE << 9 * e->level, pa = e->pte >> 10 << 12;
        for (long j = 0; j < t.count; j++) {
            const struct abi_pte *d = &t.entry[j];
            unsigned long alias = d->pte >> 10 << 12, span = PAGE << 9 * d->level;
            if (slot_of(d) < KERNEL || !is_leaf(d->pte) || alias + span <= pa || alias >= pa + size)
                continue;
            checked++;
            CHECK(!(d->pte & MEM_PTE_W));
        }
    }
    CHECK(checked > 4);
    return 0;
}

/* The direct map: all RAM, by large leaves where it is not the image. */
static int direct_map_is_whole(void *unused)
{
    struct tables t = {.entry = entries};
    struct abi_memory memory;
    unsigned long mapped = 0, large = 0;

    (void)unused;
    CHECK(sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0) >= 0);
    CHECK(read_tables(getpid(), 1, &t) == 0);
    for (long i = 0; i < t.count; i++) {
        const struct abi_pte *e = &t.entry[i];
        if (slot_of(e) < KERNEL || slot_of(e) >= 384 || !is_leaf(e->pte))
            continue;
        CHECK(e->va - MEM_DIRECT == e->pte >> 10 << 12);
        CHECK(!(e->pte & MEM_PTE_X));
        mapped += 1ul << 9 * e->level;
        large += e->level > 0 ? 1ul << 9 * e->level : 0;
    }
    diag("%lu frames in the direct map, %lu by large leaves; %lu frames in all", mapped, large,
         memory.total);
    if (isolated()) {
        CHECK(mapped == 0);
        return 0;
    }
    CHECK(mapped >= memory.total && large >= mapped / 2);
    return 0;
}

/* The pages of the program's text that both have touched are the same frames;
 * those of its data are not. */
static int text_is_shared(void *pid)
{
    static struct abi_region regions[64];
    long n = sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), (long)regions, 64);
    int text = 0, data = 0;

    for (long i = 0; i < n && i < 64; i++) {
        int is_text = regions[i].prot & ABI_PROT_EXEC;
        int is_data = regions[i].prot & ABI_PROT_WRITE;
        for (unsigned long at = regions[i].start; at < regions[i].end; at += PAGE) {
            unsigned long mine = frame_at(getpid(), (void *)at);
            unsigned long others = frame_at((int)(long)pid, (void *)at);
            if (!mine || !others)
                continue;
            text += is_text && mine == others;
            data += is_data && mine == others && pte_at(getpid(), (void *)at) & MEM_PTE_W;
            CHECK(!is_text || mine == others);
        }
    }
    diag("%d pages of text are one frame", text);
    CHECK(text >= 2 && data == 0);
    return 0;
}

#define FILE_PATH  "/vm_roots.tmp"
#define FILE_PAGES 3ul

/* Two processes that map one file, at different addresses, have its frames. */
static int file_frames(void *private)
{
    int flags = private ? MAP_PRIVATE : MAP_SHARED, status;
    int fd = open(FILE_PATH, O_RDWR | O_CREAT | O_TRUNC, 0600);
    volatile unsigned *stage = (volatile unsigned *)map_shared(PAGE);
    char *at;

    CHECK(fd >= 0 && stage && ftruncate(fd, FILE_PAGES * PAGE) == 0);
    CHECK(pwrite(fd, "filled", 6, PAGE) == 6);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int own = open(FILE_PATH, O_RDWR);
        map_private(7 * PAGE); /* so that the address differs */
        at = mmap(0, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, flags, own, 0);
        if (at == MAP_FAILED || memcmp(at + PAGE, "filled", 6) != 0 || at[0] || at[2 * PAGE])
            _exit(1);
        *(char *volatile *)(stage + 16) = at;
        stage_reach(&stage[0], 1);
        stage_await(&stage[1], 1);
        _exit(0);
    }
    at = mmap(0, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    CHECK(at != MAP_FAILED);
    stage_await(&stage[0], 1);
    char *other = *(char *volatile *)(stage + 16);
    CHECK(other != at);
    for (unsigned long i = 0; i < FILE_PAGES; i++) {
        CHECK(*(volatile char *)(at + i * PAGE) == (i == 1 ? 'f' : 0));
        CHECK(frame_at(getpid(), at + i * PAGE) != 0);
        CHECK(frame_at(getpid(), at + i * PAGE) == frame_at(pid, other + i * PAGE));
    }
    at[PAGE] = 'X';
    int same = frame_at(getpid(), at + PAGE) == frame_at(pid, other + PAGE);
    stage_reach(&stage[1], 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(same == !private);
    char byte;
    CHECK(pread(fd, &byte, 1, PAGE) == 1 && byte == (private ? 'f' : 'X'));
    CHECK(close(fd) == 0 && unlink(FILE_PATH) == 0);
    return 0;
}

static int bad_queries(void *unused)
{
    struct abi_pte_query query = {.room = 2, .out = entries};

    (void)unused;
    CHECK(sys_system(H_SYSTEM, SYSTEM_PTES, getpid(), (long)&query, 0) == -EINVAL);
    query.room = 8;
    CHECK(sys_system(H_SYSTEM, SYSTEM_PTES, 32000, (long)&query, 0) == -ESRCH);
    CHECK(sys_system(H_SYSTEM, SYSTEM_PTES, -1, (long)&query, 0) == -ESRCH);
    query.va = ~0ul;
    CHECK(sys_system(H_SYSTEM, SYSTEM_PTES, getpid(), (long)&query, 0) == 0);
    for (unsigned long va = 1; va; va <<= 1) { /* any start is good for an answer */
        query.va = va;
        long n = sys_system(H_SYSTEM, SYSTEM_PTES, getpid(), (long)&query, 0);
        CHECK(n >= 0 && n <= 8 && (query.va > va || query.va == ~0ul));
    }
    int system = (int)sys_restrict(H_SYSTEM, RIGHT_DEVICE | RIGHT_POWER);
    CHECK(system >= 0 && sys_system(system, SYSTEM_PTES, getpid(), (long)&query, 0) == -EPERM);
    return 0;
}

static int ledger_adds_up(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20; i++) {
        struct abi_memory m;
        unsigned long sum = 0;
        CHECK(sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&m, 0, 0) >= 0);
        for (int class = 0; class < FRAME_CLASSES; class ++)
            sum += m.count[class];
        CHECK(sum == m.total && m.total > 0);
        free(malloc(100000));
    }
    return 0;
}

static int wait_for_end(void)
{
    char byte = 1;

    if (write(1, &byte, 1) != 1)
        return 1;
    return read(0, &byte, 1) != 0;
}

int main(int argc, char **argv)
{
    int hold[2];
    pid_t pid;

    if (argc > 1 && strcmp(argv[1], "wait") == 0)
        return wait_for_end();
    ktap_plan(12);
    pid = start_instance(hold);
    if (pid < 0 || end_instance(pid, hold)) {
        diag("cannot run %s", TEST_PATH);
        return 1;
    }
    ktap_in_child(file_frames, 0);
    mem_begin();
    pid = start_instance(hold);
    ok_child(against_init_and_sibling, (void *)(long)pid,
             "roots share the kernel half, word for word, and nothing else");
    ok_child(no_table_shared, (void *)(long)pid, "no table of the user half is shared");
    ok_child(rights_are_right, 0, "no leaf is writable and executable, no kernel leaf a program's");
    ok_child(aliases_obey, 0, "the direct map's alias of the image is not writable");
    ok_child(direct_map_is_whole, 0, "the direct map holds all RAM, by large leaves");
    ok_child(text_is_shared, (void *)(long)pid, "two that run one program have its frames");
    ok(pid > 0 && end_instance(pid, hold) == 0, "the other instance ends");
    ok_child(file_frames, 0, "two that map one file shared have its frames");
    ok_child(file_frames, (void *)1, "mapped private they have them until they write");
    ok_child(bad_queries, 0, "queries that make no sense are refused, odd ones answered");
    ok_child(ledger_adds_up, 0, "the ledger's classes add up");
    mem_end_ok("tables and instances are given back");
    return ktap_done();
}
