/*
 * vm/asid.c: harts that switch between spaces and change entries at the same time,
 * each with a translation cache that keeps what it read until it is fenced. No
 * hart may ever be able to use a translation of another space, or one older than
 * the last shootdown that ended.
 *
 * Harts take turns at every lock, fence and write of satp: there the test lets
 * another hart do something in the middle. Each configuration runs in a process
 * of its own, for asid_init is called once.
 */
/* host-test: vm/asid.c vm/space.c vm/region.c vm/object.c vm/object_page.c vm/pageindex.c */
/* host-test: vm/prune.c vm/fault.c vm/sv39.c vm/reclaim.c vm/swap.c vm/swap_cache.c */
/* host-test: vm/swap_in.c vm/swap_out.c vm/swap_slots.c */
/* host-test: vm/object_swap.c vm/object_reclaim.c */
/* host-test: vm/kmalloc.c vm/frame.c kernel/lib/lock.c kernel/lib/string.c */
/* host-test: kernel/lib/wait.c */
/* host-test: -DDEBUG -Wl,--wrap=spin_lock,--wrap=spin_unlock,--wrap=spin_trylock */
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/lib/counter.h"
#include "test/host/vm_tlb.h"
#include "vm/asid.h"
#include "vm/kmalloc.h"
#include "vm/space.h"

#define SPACES        14
#define PAGES         6
#define NEST_MAX      2
#define PAGE_VA(page) (0x400000ul + (page)*PAGE_SIZE)

static uint64_t seed;
static unsigned online;
static bool running; /* harts take turns */
static unsigned depth;
static bool busy[MAX_HARTS]; /* in the middle of an operation */

/* A page's entry holds a number in place of an address: version << 8 | space. The
 * version grows with each change. */
static struct model {
    struct space *space;
    unsigned serial; /* of this space, never used again */
    uint64_t version[PAGES];
    uint64_t oldest[PAGES]; /* that a hart may still use */
} models[SPACES];
static unsigned next_serial = 1;
static paddr_t dying_root;

static pte_t entry_of(unsigned serial, uint64_t version)
{
    return pte_make((version << 12 | serial) << PAGE_SHIFT, PTE_V | PTE_R | PTE_U | PTE_A);
}

static struct model *model_of_root(paddr_t root)
{
    for (unsigned i = 0; i < SPACES; i++)
        if (models[i].space && models[i].space->root == root)
            return &models[i];
    return NULL;
}

/* What the hart could use right now is right. */
static void check_hart(unsigned hart)
{
    struct model *m = model_of_root(tlb_root(hart));
    if (!m) {
        CHECK(tlb_root(hart) == kernel_root || tlb_root(hart) == dying_root);
        return;
    }
    for (unsigned page = 0; page < PAGES; page++) {
        struct tlb_entry *e = tlb_find(hart, PAGE_VA(page));
        if (!e)
            continue;
        uint64_t number = pte_paddr(e->pte) >> PAGE_SHIFT;
        if ((number & 0xfff) != m->serial || number >> 12 < m->oldest[page]) {
            printf(
                "# hart %u, asid %lu, page %u: space %lu version %lu; is space %u, at least %lu\n",
                hart, tlb_asid(hart), page, number & 0xfff, number >> 12, m->serial,
                m->oldest[page]);
            CHECK(!"a stale translation is usable");
        }
    }
}

static void check_all(void)
{
    for (unsigned h = 0; h < online; h++) {
        CHECK(frame_of(tlb_root(h))->class == FRAME_TABLE);
        if (!busy[h] && !harts[h].idling)
            check_hart(h);
    }
}

/* Hardware reads ahead, on any hart, whatever satp names. */
static void speculate(void)
{
    for (unsigned n = 0; n < 3; n++)
        tlb_fill(check_random(&seed) % online, PAGE_VA(check_random(&seed) % PAGES));
}

static void step(unsigned hart);

/* A point at which harts take turns. */
static void turn(void)
{
    if (!running)
        return;
    speculate();
    if (depth >= NEST_MAX || !spin_none_held() || check_random(&seed) % 3)
        return;
    unsigned hart = check_random(&seed) % online;
    if (busy[hart])
        return;
    struct hart *before = host_hart;
    depth++;
    step(hart);
    depth--;
    host_hart = before;
}

static void fence_and_turn(enum host_fence_kind kind, vaddr_t va, uint64_t asid)
{
    tlb_fence(kind, va, asid);
    turn();
}

void __real_spin_lock(struct spinlock *l);
bool __real_spin_trylock(struct spinlock *l);
void __real_spin_unlock(struct spinlock *l);

void __wrap_spin_lock(struct spinlock *l)
{
    turn();
    __real_spin_lock(l);
}

/* It may be taken at any time. */
bool __wrap_spin_trylock(struct spinlock *l)
{
    turn();
    return check_random(&seed) % 4 && __real_spin_trylock(l);
}

void __wrap_spin_unlock(struct spinlock *l)
{
    __real_spin_unlock(l);
    turn();
}

/* An idle hart that is called leaves a dying space. */
void sbi_send_ipi(uint64_t hart_mask)
{
    struct hart *caller = host_hart;
    for (unsigned h = 0; h < MAX_HARTS; h++)
        if (hart_mask >> h & 1) {
            busy[h] = true;
            host_run_on(h);
            space_switch(NULL);
            busy[h] = false;
        }
    host_hart = caller;
}

/* ------------------------------------------------------------- operations */

static void change_page(struct model *m, unsigned page)
{
    uint64_t version = ++m->version[page];
    pte_t *pte = sv39_walk(m->space->root, PAGE_VA(page), true);
    pte_exchange(pte, check_random(&seed) % 4 ? entry_of(m->serial, version) : 0);
    unsigned first = page;
    uint64_t n = 1;
    if (check_random(&seed) % 8 == 0) {
        first = 0;
        n = check_random(&seed) % 2 ? PAGES : 4096;
    }
    if (n > PAGES && check_random(&seed) % 2)
        space_shootdown_tables(m->space);
    else
        space_shootdown(m->space, PAGE_VA(first), n * PAGE_SIZE);
    if (m->oldest[page] < version)
        m->oldest[page] = version;
}

static void create(struct model *m)
{
    m->serial = next_serial++ & 0xfff;
    struct space *s = space_create();
    for (unsigned page = 0; page < PAGES; page++) {
        m->version[page] = m->oldest[page] = 1;
        pte_store(sv39_walk(s->root, PAGE_VA(page), true), entry_of(m->serial, 1));
    }
    m->space = s;
}

/* Only with nothing else under way: who works on a space holds a reference. */
static void destroy(struct model *m)
{
    if (host_hart->space == m->space)
        space_switch(NULL);
    struct space *s = m->space;
    dying_root = s->root;
    m->space = NULL; /* nobody enters it any more */
    space_unref(s);
    dying_root = 0;
}

static void step(unsigned hart)
{
    struct model *m = &models[check_random(&seed) % SPACES];
    unsigned what = check_random(&seed) % 16;
    busy[hart] = true;
    host_run_on(hart);
    if (depth == 0 && !m->space)
        create(m);
    if (host_hart->idling) {
        __atomic_store_n(&host_hart->idling, false, __ATOMIC_SEQ_CST);
        turn();
        host_run_on(hart);
        /* What runs next may be another space's. */
        if ((m->space && what >= 9) || check_random(&seed) % 2)
            space_switch(host_hart->space);
        host_run_on(hart);
    }
    if (!m->space || what == 0)
        space_switch(NULL);
    else if (what < 9)
        space_switch(m->space);
    else if (what < 15 || depth)
        change_page(m, check_random(&seed) % PAGES);
    else
        destroy(m);
    busy[hart] = false;
    host_run_on(hart);
    check_hart(hart);
    if (check_random(&seed) % 3 == 0)
        __atomic_store_n(&host_hart->idling, true, __ATOMIC_SEQ_CST);
}

static void run(unsigned steps)
{
    host_fence = fence_and_turn;
    running = true;
    for (unsigned i = 0; i < steps; i++) {
        step(check_random(&seed) % online);
        speculate();
        check_all();
        if (check_failing)
            break;
    }
    running = false;
    for (unsigned h = 0; h < online; h++) {
        host_run_on(h);
        host_hart->idling = false;
        space_switch(NULL);
        CHECK(tlb_root(h) == kernel_root && tlb_asid(h) == 0 && !host_hart->space);
    }
    for (unsigned i = 0; i < SPACES; i++)
        if (models[i].space)
            destroy(&models[i]);
}

/* ----------------------------------------------------------- configurations */

static struct config {
    const char *name;
    unsigned hardware; /* ASIDLEN */
    int limit;         /* asidbits= */
    unsigned harts, count;
} configs[] = {
    {"16 bits, 4 harts", 16, -1, 4, 65535},
    {"16 bits limited to 3", 16, 3, 4, 7},
    {"3 bits of hardware", 3, -1, 4, 7},
    {"as many ASIDs as harts and one", 3, -1, 6, 7},
    {"as many ASIDs as harts", 3, 3, 7, 0},
    {"2 bits for 2 harts", 9, 2, 2, 3},
    {"2 bits for 1 hart", 16, 2, 1, 3},
    {"1 bit", 16, 1, 4, 0},
    {"no ASIDs in hardware", 0, -1, 4, 0},
    {"no ASIDs wanted", 16, 0, 8, 0},
    {"8 harts", 4, -1, 8, 15},
};

static void test_config(const struct config *c)
{
    online = c->harts;
    host_boot(c->harts);
    kmalloc_init();
    tlb_boot();
    host_satp_bits = ~(SATP_ASID_MASK << SATP_ASID_SHIFT) | ((1ul << c->hardware) - 1)
                                                                << SATP_ASID_SHIFT;
    uint64_t satp = host_satp[0];
    asid_init(c->limit, c->harts);
    CHECK(host_satp[0] == satp && asid_count() == c->count);
    uint64_t tables = host_class_count(FRAME_TABLE);
    run(6000);
    CHECK(c->count != 7 || counter_sum(COUNT_ROLLOVER) > 100);
    CHECK(check_failing || host_class_count(FRAME_TABLE) == tables);
    CHECK(host_ledger_balanced() && host_free_frames_untouched());
}

/* With ASIDs enough, going to and fro between spaces empties nothing. */
static void test_no_fences(void)
{
    online = 1;
    host_boot(1);
    kmalloc_init();
    tlb_boot();
    asid_init(-1, 1);
    create(&models[0]);
    create(&models[1]);
    for (unsigned i = 0; i < 4; i++)
        space_switch(models[i % 2].space);
    uint64_t fences = tlb_fences;
    for (unsigned i = 0; i < 100; i++)
        space_switch(models[i % 2].space);
    CHECK(tlb_fences == fences);
    /* A shootdown of a few pages fences those, where the space runs. */
    space_switch(models[0].space);
    space_shootdown(models[0].space, PAGE_VA(0), 3 * PAGE_SIZE);
    CHECK(tlb_fences == fences + 3);
    space_switch(NULL);
    destroy(&models[0]);
    destroy(&models[1]);
}

/* Stale instructions: a hart that may run a space after space_icache_sync has
 * fenced them, at once if it is in the space, else on its way in. */
static uint64_t icache_fences[MAX_HARTS];

static void count_icache(enum host_fence_kind kind, vaddr_t va, uint64_t asid)
{
    (void)va;
    (void)asid;
    icache_fences[host_hart->index] += kind == HOST_FENCE_ICACHE;
}

static void test_icache(void)
{
    online = 3;
    host_boot(3);
    kmalloc_init();
    tlb_boot();
    asid_init(-1, 3);
    host_fence = count_icache;
    create(&models[0]);
    create(&models[1]);
    host_run_on(1);
    space_switch(models[0].space);
    host_run_on(2);
    space_switch(models[1].space);
    host_run_on(0);
    space_icache_sync(models[0].space);
    CHECK(icache_fences[0] == 1 && icache_fences[1] == 1 && icache_fences[2] == 0);
    host_run_on(2);
    space_switch(models[0].space);
    CHECK(icache_fences[2] == 1);
    space_switch(NULL);
    space_switch(models[0].space);
    CHECK(icache_fences[2] == 1);
    /* A child has the parent's pages, and what the parent's harts are still to do. */
    host_run_on(0);
    space_icache_sync(models[0].space);
    struct space *child = space_fork(models[0].space);
    CHECK(child);
    host_run_on(1);
    uint64_t before = icache_fences[1];
    space_switch(child);
    CHECK(icache_fences[1] == before + 1);
    space_switch(NULL);
    space_unref(child);
    for (unsigned h = 0; h < 3; h++) {
        host_run_on(h);
        space_switch(NULL);
    }
    destroy(&models[0]);
    destroy(&models[1]);
}

/* A hart that idles in a space is not called for a shootdown, and fences before it goes on. */
static uint64_t remote_fences;

static void count_remote(void)
{
    remote_fences++;
}

static void fence_and_count(enum host_fence_kind kind, vaddr_t va, uint64_t asid)
{
    count_icache(kind, va, asid);
    tlb_fence(kind, va, asid);
}

static void test_idle(const struct config *c)
{
    online = 3;
    host_boot(3);
    kmalloc_init();
    tlb_boot();
    asid_init(c->limit, 3);
    host_remote = count_remote;
    host_fence = fence_and_count;
    create(&models[0]);
    for (unsigned h = 0; h < 3; h++) {
        host_run_on(h);
        space_switch(models[0].space);
        tlb_fill(h, PAGE_VA(1));
    }
    harts[1].idling = true;
    harts[2].idling = true;
    host_run_on(0);
    change_page(&models[0], 1);
    space_icache_sync(models[0].space);
    CHECK(remote_fences == 0 && tlb_find(1, PAGE_VA(1)) && !tlb_find(0, PAGE_VA(1)));
    for (unsigned h = 1; h < 3; h++) {
        host_run_on(h);
        host_hart->idling = false;
        icache_fences[h] = 0;
        space_switch(models[0].space);
        CHECK(icache_fences[h] == 1 && !tlb_find(h, PAGE_VA(1)));
    }
    host_run_on(1);
    host_hart->idling = true;
    host_run_on(0);
    change_page(&models[0], 2); /* hart 2 is called, hart 1 is not */
    CHECK(remote_fences == 1);
    host_run_on(1);
    host_hart->idling = false;
    tlb_fill(1, PAGE_VA(2));
    space_switch(models[0].space);
    CHECK(!tlb_find(1, PAGE_VA(2)));
    /* Tables are to be freed: nobody is spared. */
    host_hart->idling = true;
    tlb_fill(1, PAGE_VA(3));
    host_run_on(0);
    space_shootdown_tables(models[0].space);
    CHECK(remote_fences == 2 && !tlb_find(1, PAGE_VA(3)));
    harts[1].idling = false;
    for (unsigned h = 0; h < 3; h++) {
        host_run_on(h);
        space_switch(NULL);
    }
    destroy(&models[0]);
}

/* Runs a test in a process of its own. */
static void in_child(void (*test)(const struct config *), const struct config *c, const char *name)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        test(c);
        fflush(stdout);
        host_halt();
        exit(check_failing);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_end(name);
}

static void no_fences(const struct config *c)
{
    (void)c;
    test_no_fences();
}

static void icache(const struct config *c)
{
    (void)c;
    test_icache();
}

int main(void)
{
    unsigned n = sizeof configs / sizeof configs[0];
    check_plan(n + 4);
    in_child(no_fences, NULL, "switches need no fence while there are ASIDs");
    in_child(test_idle, &configs[0], "idle harts are not called, and fence later");
    in_child(test_idle, &configs[9], "the same without ASIDs");
    in_child(icache, NULL, "stale instructions are fenced before a space runs");
    for (unsigned i = 0; i < n; i++) {
        seed = 0x9e3779b97f4a7c15ul + i;
        in_child(test_config, &configs[i], configs[i].name);
    }
    return check_exit();
}
