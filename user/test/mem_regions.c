/*
 * The listing of regions: what a program consists of, with the rights, names and
 * counts that vmmap shows; in order, without overlaps, and only for who may ask.
 *
 * test: points=2
 */
#include <fcntl.h>
#include <test_mem.h>

#define MOST 64

static struct abi_region regions[MOST];

static long list(int pid)
{
    return sys_system(H_SYSTEM, SYSTEM_REGIONS, pid, (long)regions, MOST);
}

/* The region that holds at; 0 if there is none. */
static const struct abi_region *region_of(int pid, const void *at)
{
    long n = list(pid);

    for (long i = 0; i < n && i < MOST; i++)
        if (regions[i].start <= (unsigned long)at && (unsigned long)at < regions[i].end)
            return &regions[i];
    return 0;
}

static int in_order(void *unused)
{
    struct abi_process processes[32];
    long count = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)processes, 32, 0);

    (void)unused;
    CHECK(count >= 4);
    for (long p = 0; p < count && p < 32; p++) {
        unsigned long end = 0, resident = 0, pages = 0;
        long n = list(processes[p].pid);
        CHECK(n > 3);
        for (long i = 0; i < n && i < MOST; i++) {
            const struct abi_region *r = &regions[i];
            CHECK(r->start >= ABI_USER_MIN && r->start >= end && r->end > r->start);
            CHECK(r->end <= ABI_USER_END && (r->start | r->end) % PAGE == 0);
            CHECK((r->prot & (ABI_PROT_WRITE | ABI_PROT_EXEC)) != (ABI_PROT_WRITE | ABI_PROT_EXEC));
            CHECK(r->resident * PAGE <= r->end - r->start && r->shared <= r->resident);
            CHECK(r->flags == ABI_MAP_SHARED || r->flags == ABI_MAP_PRIVATE);
            CHECK(memchr(r->name, 0, sizeof(r->name)) != 0 && r->name[0]);
            end = r->end;
            resident += r->resident;
            pages += (r->end - r->start) / PAGE;
        }
        if (processes[p].pid == getpid()) { /* the others do not stand still */
            CHECK(sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)processes, 32, 0) == count);
            CHECK(processes[p].resident_pages == resident);
            CHECK(processes[p].virtual_pages == pages);
        }
    }
    return 0;
}

static int named(const void *at, const char *name, unsigned prot)
{
    const struct abi_region *r = region_of(getpid(), at);

    if (!r || strcmp(r->name, name) != 0 || r->prot != prot) {
        diag("%p: %s, rights %u; want %s, %u", at, r ? r->name : "nothing", r ? r->prot : 0, name,
             prot);
        return 0;
    }
    return 1;
}

static int data_word = 5;

static int parts(void *unused)
{
    int local = data_word;
    char *block = malloc(100);

    (void)unused;
    CHECK(block);
    CHECK(named((void *)named, "text", ABI_PROT_READ | ABI_PROT_EXEC));
    CHECK(named(&data_word, "data", ABI_PROT_READ | ABI_PROT_WRITE));
    CHECK(named(block, "heap", ABI_PROT_READ | ABI_PROT_WRITE));
    CHECK(named(&local, "stack", ABI_PROT_READ | ABI_PROT_WRITE));
    CHECK(region_of(getpid(), (void *)named)->object != 0);
    CHECK(region_of(getpid(), &local)->object == 0);
    CHECK(!region_of(getpid(), 0) && !region_of(getpid(), (void *)MEM_NOBODY));
    return 0;
}

static int mappings(void *unused)
{
    char *at = map_private(8 * PAGE);
    const struct abi_region *r;

    (void)unused;
    CHECK(at);
    r = region_of(getpid(), at);
    CHECK(r && r->start == (unsigned long)at && r->end == (unsigned long)at + 8 * PAGE);
    CHECK(r->flags == ABI_MAP_PRIVATE && r->object == 0 && r->resident == 0);
    at[0] = at[5 * PAGE] = 1;
    CHECK((r = region_of(getpid(), at)) && r->resident == 2 && r->shared == 0);
    CHECK(mprotect(at + 2 * PAGE, 3 * PAGE, PROT_READ) == 0);
    CHECK((r = region_of(getpid(), at)) && r->end == (unsigned long)at + 2 * PAGE);
    CHECK((r = region_of(getpid(), at + 2 * PAGE)) && r->prot == ABI_PROT_READ);
    CHECK(r->start == (unsigned long)at + 2 * PAGE && r->end == (unsigned long)at + 5 * PAGE);
    CHECK((r = region_of(getpid(), at + 5 * PAGE)) && r->resident == 1);
    CHECK(munmap(at + 3 * PAGE, PAGE) == 0 && !region_of(getpid(), at + 3 * PAGE));
    CHECK(region_of(getpid(), at + 2 * PAGE) && region_of(getpid(), at + 4 * PAGE));
    return 0;
}

static int files(void *unused)
{
    int fd = open("/test/mem_regions", O_RDONLY);
    char *at = mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    char *other = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    const struct abi_region *r;
    unsigned long object;

    (void)unused;
    CHECK(fd >= 0 && at != MAP_FAILED && other != MAP_FAILED);
    CHECK((r = region_of(getpid(), at)) && r->offset == PAGE && r->flags == ABI_MAP_SHARED);
    object = r->object;
    CHECK(object && (r = region_of(getpid(), other)) && r->object == object && r->offset == 0);
    /* It is the file that runs here. */
    CHECK(region_of(getpid(), (void *)named)->object == object);
    return 0;
}

/* Pages that others map, too, are counted as shared. */
static int sharing(void *unused)
{
    char *private = map_private(4 * PAGE), *shared = map_shared(4 * PAGE);
    int hold[2], ready[2], status;
    const struct abi_region *r;
    char byte = 0;

    (void)unused;
    CHECK(private && shared && pipe(hold) == 0 && pipe(ready) == 0);
    memset(private, 1, 4 * PAGE);
    memset(shared, 1, 2 * PAGE);
    CHECK((r = region_of(getpid(), private)) && r->resident == 4 && r->shared == 0);
    CHECK((r = region_of(getpid(), shared)) && r->resident == 2 && r->shared == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(hold[1]);
        private[0] = 2;
        shared[0] = 2;
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        _exit((int)read(hold[0], &byte, 1));
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK((r = region_of(pid, private)) && r->resident == 4 && r->shared == 3);
    CHECK((r = region_of(getpid(), private)) && r->shared == 3);
    CHECK((r = region_of(pid, shared)) && r->resident == 1 && r->shared == 1);
    CHECK((r = region_of(getpid(), shared)) && r->resident == 2 && r->shared == 1);
    close(hold[1]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK((r = region_of(getpid(), private)) && r->shared == 0);
    return 0;
}

static int refusals(void *unused)
{
    int system = (int)sys_restrict(H_SYSTEM, RIGHT_ALL & ~RIGHT_INSPECT);
    struct abi_region two[3];
    long all = list(getpid());

    (void)unused;
    CHECK(system >= 0 && all > 3);
    CHECK(sys_system(system, SYSTEM_REGIONS, getpid(), (long)regions, MOST) == -EPERM);
    CHECK(sys_system(H_SYSTEM, SYSTEM_REGIONS, 32001, (long)regions, MOST) == -ESRCH);
    CHECK(sys_system(H_SYSTEM, SYSTEM_REGIONS, 0, (long)regions, MOST) == -ESRCH);
    CHECK(sys_system(H_SYSTEM, SYSTEM_REGIONS, -5, (long)regions, MOST) == -ESRCH);
    /* Little room: that much is filled, all are counted. */
    memset(two, 0x55, sizeof(two));
    CHECK(sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), (long)two, 2) == all);
    CHECK(two[1].start == regions[1].start && two[2].start == 0x5555555555555555ul);
    CHECK(sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), 0, 0) == all);
    CHECK(sys_close(H_SYSTEM) == 0);
    CHECK(sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), (long)regions, MOST) == -EPERM);
    return 0;
}

int main(void)
{
    ktap_plan(7);
    ktap_in_child(sharing, 0);
    mem_begin();
    ok_child(in_order, 0, "regions of every process are in order and make sense");
    ok_child(parts, 0, "a program has text, data, heap and stack");
    ok_child(mappings, 0, "mappings come, are split and go");
    ok_child(files, 0, "mappings of one file are of one object");
    ok_child(sharing, 0, "shared pages are counted, on both sides");
    ok_child(refusals, 0, "who may not ask is told nothing");
    mem_end_ok("listings keep nothing");
    return ktap_done();
}
