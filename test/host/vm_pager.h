/*
 * A pager and a scheduler for the host tests of vm/: files whose pages are read
 * and stored sooner or later, or not at all, and threads that wait.
 *
 * A transfer that was started stays in a queue until pager_step ends it. A thread
 * that waits makes steps, so that whatever may happen while it sleeps does; if
 * nothing is left to happen and nobody woke it, it would sleep for ever: panic.
 */
#ifndef TEST_HOST_VM_PAGER_H
#define TEST_HOST_VM_PAGER_H

#include "kernel/errno.h"
#include "test/host/vm_host.h"
#include "vm/object.h"
#include "vm/space.h"

#define PAGER_FILES     6
#define FILE_PAGES      80
#define PAGER_QUEUE_MAX 64

/* A file as its server has it. */
static struct file {
    uint64_t size;
    unsigned char bytes[FILE_PAGES * PAGE_SIZE];
    bool backed[FILE_PAGES];   /* blocks exist */
    bool reserved[FILE_PAGES]; /* blocks are promised */
    unsigned cut[FILE_PAGES];  /* times the page was cut off by truncation */
    unsigned stored;           /* pages that came in, in all */
} files[PAGER_FILES];

/* How the pager behaves: 1 in n, 0 never. */
static struct {
    unsigned fail_in, fail_out, fail_start, fail_reserve, kill;
    unsigned immediate; /* a transfer ends before start returns */
    bool hold;          /* nothing ends, and who waits for it is killed */
    bool garbage;       /* the last page comes with bytes behind the end */
    unsigned early;     /* the server reads its disk at once, and answers later */
    unsigned partial_reserve;
    unsigned room;      /* times that make_room finds some */
    unsigned die_after; /* the server dies when it has reserved so often */
} pager;

static struct transfer {
    struct page_io *io;
    unsigned cut[PAGE_IO_MAX];
    unsigned char *early; /* the bytes, if the server has read them already */
} pager_queue[PAGER_QUEUE_MAX];
static unsigned pager_queued;
static uint64_t pager_ios, pager_ports, pager_started, pager_seed = 0x853c49e6748fea9bul;
static uint64_t pager_clock = 1, pager_deaths;
static void (*pager_meanwhile)(void); /* what else happens while a thread waits */
static bool (*pager_device)(void);    /* ends a transfer of another device; false: there is none */

static inline bool pager_chance(unsigned one_in)
{
    return one_in && check_random(&pager_seed) % one_in == 0;
}

static inline void *pager_port(void)
{
    return &pager_ports;
}

/* What the server reads of a page: to the end of the file, then zeros. */
static inline void pager_page(const struct file *f, uint64_t page, void *to)
{
    uint64_t at = page << PAGE_SHIFT, n = at < f->size ? f->size - at : 0;
    memset(to, 0, PAGE_SIZE);
    if (page < FILE_PAGES && f->backed[page])
        memcpy(to, f->bytes + at, n < PAGE_SIZE ? n : PAGE_SIZE);
}

static inline uint64_t pager_read(struct transfer *t)
{
    struct page_io *io = t->io;
    struct file *f = &files[io->object->key];
    uint64_t holes = 0;
    for (unsigned i = 0; i < io->count; i++) {
        uint64_t page = io->first + i;
        if (page >= FILE_PAGES || !f->backed[page])
            holes |= 1ul << i;
        if (t->early)
            memcpy(frame_address(io->frames[i]), t->early + i * PAGE_SIZE, PAGE_SIZE);
        else
            pager_page(f, page, frame_address(io->frames[i]));
        if (pager.garbage && f->size >> PAGE_SHIFT == page)
            memset((char *)frame_address(io->frames[i]) + (f->size & PAGE_MASK), 0xee,
                   PAGE_SIZE - (f->size & PAGE_MASK));
    }
    return holes;
}

static inline void pager_write(struct transfer *t)
{
    struct page_io *io = t->io;
    struct file *f = &files[io->object->key];
    for (unsigned i = 0; i < io->count; i++) {
        uint64_t page = io->first + i, at = page << PAGE_SHIFT;
        if (page >= FILE_PAGES || t->cut[i] != f->cut[page] || at >= f->size)
            continue;
        uint64_t n = f->size - at < PAGE_SIZE ? f->size - at : PAGE_SIZE;
        memcpy(f->bytes + at, frame_address(io->frames[i]), n);
        CHECK(f->backed[page] || f->reserved[page]);
        f->backed[page] = true;
        f->reserved[page] = false;
        f->stored++;
    }
}

/* Ends the transfer at place n of the queue. */
static inline void pager_finish(unsigned n, int error)
{
    struct transfer t = pager_queue[n];
    uint64_t holes = 0;
    memmove(&pager_queue[n], &pager_queue[n + 1], (--pager_queued - n) * sizeof t);
    if (!error && t.io->out)
        pager_write(&t);
    else if (!error)
        holes = pager_read(&t);
    free(t.early);
    object_io_done(t.io, error, holes);
}

/* Ends some transfer, well or not; false if there is none. */
static inline bool pager_step(void)
{
    if (!pager_queued)
        return false;
    unsigned n = check_random(&pager_seed) % pager_queued;
    bool fails = pager_chance(pager_queue[n].io->out ? pager.fail_out : pager.fail_in);
    pager_finish(n, fails ? -EIO : 0);
    return true;
}

static inline void pager_drain(void)
{
    while (pager_step() || (pager_device && pager_device()))
        ;
}

/* --------------------------------------------------- what vm/ asks of a kernel */

static inline struct page_io *pager_io_alloc(void)
{
#ifdef HOST_WRAP
    if (host_refused())
        return NULL;
#endif
    pager_ios++;
    return malloc(sizeof(struct page_io));
}

static inline void pager_io_free(struct page_io *io)
{
    pager_ios--;
    free(io);
}

static inline int pager_start(struct page_io *io)
{
    CHECK(spin_none_held());
    CHECK(io->count >= 1 && io->count <= PAGE_IO_MAX);
    CHECK(!io->out || io->first << PAGE_SHIFT < io->object->size);
    for (unsigned i = 0; i < io->count; i++) {
        unsigned flag = io->out ? PAGE_WRITEBACK : PAGE_BUSY;
        CHECK(frame_refs(io->frames[i]) >= 1 && io->frames[i]->flags & flag);
        CHECK(io->frames[i]->class == FRAME_OBJECT);
    }
    if (pager_chance(pager.fail_start) || pager_queued == PAGER_QUEUE_MAX)
        return -EIO;
    pager_started++;
    struct transfer *t = &pager_queue[pager_queued++];
    t->io = io;
    for (unsigned i = 0; i < io->count; i++)
        t->cut[i] = io->first + i < FILE_PAGES ? files[io->object->key].cut[io->first + i] : 0;
    t->early = !io->out && pager_chance(pager.early) ? malloc(io->count * PAGE_SIZE) : NULL;
    for (unsigned i = 0; t->early && i < io->count; i++)
        pager_page(&files[io->object->key], io->first + i, t->early + i * PAGE_SIZE);
    if (pager_chance(pager.immediate))
        pager_finish(pager_queued - 1, 0);
    return 0;
}

static inline uint64_t pager_deaths_so_far(void *port)
{
    (void)port;
    return pager_deaths;
}

/* The server dies; the next one reserves again what the object's pages may need. */
static inline void pager_die(struct object *o)
{
    struct abi_page_run runs[2];
    uint64_t from = 0;
    unsigned n;
    pager_deaths++;
    memset(files[o->key].reserved, 0, sizeof files[o->key].reserved);
    while ((n = object_dirtyable(o, from, runs, 2)) > 0)
        for (unsigned i = 0; i < n; i++)
            for (from = runs[i].first; from < runs[i].first + runs[i].count; from++)
                if (from < FILE_PAGES)
                    files[o->key].reserved[from] = true;
}

static inline int pager_reserve(struct object *o, uint64_t first, unsigned count, uint64_t size)
{
    (void)size;
    CHECK(spin_none_held());
    struct file *f = &files[o->key];
    unsigned n = count;
    if (pager_chance(pager.fail_reserve))
        return -ENOSPC;
    if (pager_chance(pager.partial_reserve))
        n = 1 + check_random(&pager_seed) % count;
    for (unsigned i = 0; i < n && first + i < FILE_PAGES; i++)
        f->reserved[first + i] = true;
    if (pager.die_after && --pager.die_after == 0)
        pager_die(o);
    return (int)n;
}

static inline void pager_port_ref(void *port)
{
    ++*(uint64_t *)port;
}

static inline void pager_port_unref(void *port)
{
    CHECK(*(uint64_t *)port > 0);
    --*(uint64_t *)port;
}

static inline uint64_t pager_now_ns(void)
{
    return pager_clock;
}

/* One round of the scan for old pages. */
static inline uint64_t pager_drop_old(uint64_t n)
{
    unsigned scanned = 0;
    return object_drop_old(n, &scanned);
}

/* What a shortage does: rounds of the scan until up to n pages have grown old and left. */
static inline uint64_t pager_press(uint64_t n)
{
    uint64_t done = object_drop_unused(n);
    for (int round = 0; round < 6 && done < n; round++)
        done += pager_drop_old(n - done);
    return done;
}

static inline int pager_make_room(void)
{
    CHECK(spin_none_held());
    pager_press(8);
    if (pager.room == 0)
        return -ENOMEM;
    pager.room--;
    return 0;
}

static inline void pager_store_one(struct object *o, void *unused)
{
    (void)unused;
    object_writeback(o, 0);
}

static inline int pager_throttle(void)
{
    CHECK(spin_none_held());
    object_for_each(pager_port(), pager_store_one, NULL);
    pager_drain();
    return 0;
}

/* ---------------------------------------------------------------- sleeping */

struct sleeper {
    struct list link;
    bool woken;
};

static inline int pager_wait(struct waitq *q, struct spinlock *lock, int flags, uint64_t deadline,
                             const char *what)
{
    struct sleeper me = {.woken = false};
    unsigned hart = host_hart->index;
    (void)deadline;
    list_push_back(&q->waiters, &me.link);
    spin_unlock(lock);
    CHECK(spin_none_held());
    int rc = pager.hold && flags & WAIT_KILLABLE ? -EINTR : 0;
    while (!me.woken && rc == 0) {
        bool more = pager_step();
        more = (pager_device && pager_device()) || more;
        if (pager_meanwhile)
            pager_meanwhile();
        if (!me.woken && flags & WAIT_KILLABLE && pager_chance(pager.kill))
            rc = -EINTR;
        if (!more && !me.woken && rc == 0)
            panic("waits for ever: %s", what);
    }
    host_run_on(hart);
    spin_lock(lock);
    if (!me.woken)
        list_remove(&me.link);
    return rc;
}

static inline unsigned pager_wake(struct waitq *q, unsigned n)
{
    unsigned woken = 0;
    struct list *l;
    while (woken < n && (l = list_pop(&q->waiters))) {
        container_of(l, struct sleeper, link)->woken = true;
        woken++;
    }
    return woken;
}

/* What keeps a mapped file alive; counted, so that none is lost. */
static uint64_t pager_backings;

static inline void pager_backing_ref(void *backing)
{
    ++*(uint64_t *)backing;
}

static inline void pager_backing_unref(void *backing)
{
    CHECK(*(uint64_t *)backing > 0);
    --*(uint64_t *)backing;
}

static inline void pager_boot(void)
{
    pager_ops = (struct pager_ops){
        .io_alloc = pager_io_alloc,
        .io_free = pager_io_free,
        .start = pager_start,
        .reserve = pager_reserve,
        .deaths = pager_deaths_so_far,
        .port_ref = pager_port_ref,
        .port_unref = pager_port_unref,
        .now_ns = pager_now_ns,
        .make_room = pager_make_room,
        .throttle = pager_throttle,
    };
    wait_hooks = (struct wait_hooks){.wait = pager_wait, .wake = pager_wake};
    backing_ops = (struct backing_ops){.ref = pager_backing_ref, .unref = pager_backing_unref};
}

/* ------------------------------------------------------------------- files */

/* A new file of that size, its bytes from a seed, every `hole`-th page not backed. */
static inline void file_make(unsigned n, uint64_t size, uint64_t seed, unsigned hole)
{
    struct file *f = &files[n];
    memset(f, 0, sizeof *f);
    f->size = size;
    for (uint64_t page = 0; page << PAGE_SHIFT < size; page++) {
        f->backed[page] = !hole || page % hole;
        for (uint64_t i = 0; f->backed[page] && i < PAGE_SIZE; i += 8) {
            uint64_t word = check_random(&seed);
            memcpy(f->bytes + (page << PAGE_SHIFT) + i, &word, 8);
        }
    }
    memset(f->bytes + size, 0, sizeof f->bytes - size);
}

static inline struct object *file_open(unsigned n)
{
    return object_open(pager_port(), n, files[n].size);
}

/* What the server does for ftruncate: first its own blocks, then the cache. */
static inline void file_resize(unsigned n, struct object *o, uint64_t size)
{
    struct file *f = &files[n];
    for (uint64_t page = page_round_up(size) >> PAGE_SHIFT; page < FILE_PAGES; page++) {
        f->backed[page] = f->reserved[page] = false;
        f->cut[page]++;
    }
    if (size < f->size)
        memset(f->bytes + size, 0, f->size - size);
    f->size = size;
    if (o)
        object_resize(o, size);
}

/* Writes as the kernel's write does: pages brought in, blocks reserved, marked
 * dirty under the lock, the file grown by what was written. 0 or -errno. */
static inline int file_write(unsigned n, struct object *o, uint64_t at, const void *from,
                             uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        uint64_t index = (at + done) >> PAGE_SHIFT, in = (at + done) & PAGE_MASK;
        uint64_t step = PAGE_SIZE - in < size - done ? PAGE_SIZE - in : size - done;
        spin_lock(&o->lock);
        struct frame *f = object_lookup_locked(o, index);
        bool fresh = !f && index >= object_pages(o) && !pageindex_get(&o->pages, index);
        bool granted = index < FILE_PAGES && (files[n].reserved[index] || files[n].backed[index]);
        int rc = 0;
        if (fresh && granted && !(f = object_add_zero_locked(o, index)))
            rc = -ENOMEM;
        if (f && !granted)
            f = NULL;
        if (f) {
            f->flags |= files[n].reserved[index] ? PAGE_GRANTED : 0;
            object_mark_dirty_locked(o, f);
            memcpy((char *)frame_address(f) + in, (const char *)from + done, step);
            done += step;
            if (at + done > o->size)
                o->size = files[n].size = at + done;
        }
        spin_unlock(&o->lock);
        if (f)
            continue;
        if (!granted)
            rc = object_prepare_write(o, index, 1, at + size, 0);
        else if (rc == 0)
            rc = object_bring(o, index, 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

#endif
