/*
 * malloc: boundary tags and segregated free lists over sbrk; large blocks by mmap.
 *
 * A chunk is a header word, then the caller's bytes. The header is the chunk's
 * size, a multiple of 16 with the header included, and flags. A free chunk also
 * holds its neighbours in its list, and its size again in its last word, where
 * the chunk after it finds it: so free joins neighbours without a search.
 *
 *      | size+flags | caller's bytes ................... |   in use
 *      | size+flags | next | prev | ............. | size |   free
 *
 * Two free chunks never touch. The heap ends in a sentinel: a header of size 0,
 * in use. The chunk before it is given back by sbrk when it gets large.
 *
 * Lists: sizes below 1024 have one each; above, four per power of two. A bitmap
 * names the lists that hold something. A request is served from the first chunk
 * that fits in its own list, or else from any chunk of the next list that has
 * one, all of which fit.
 *
 * A block of MMAP_MIN bytes or more is a mapping of its own and returns to the
 * system when freed. The header's room before it holds its length.
 *
 * Errors of the program (a second free, a write past the end) are caught where
 * a tag shows them, and end it.
 */
#include "user/lib/glue.h"
#include "user/lib/lock.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGN     16ul
#define CHUNK_MIN 32ul
#define IN_USE    1ul /* this chunk */
#define PREV_USED 2ul /* the chunk before it; else its last word is its size */
#define MAPPED    4ul /* a mapping of its own */
#define FLAGS     15ul
#define MMAP_MIN  (256ul << 10)
#define GROW_MIN  (64ul << 10)  /* asked of sbrk at once */
#define TRIM_MIN  (256ul << 10) /* free at the heap's end before it shrinks */
#define BLOCK_MAX (1ul << 38)   /* no request above fits the address space */

#define SMALL_LISTS 64 /* sizes 0, 16, ... 1008 */
#define LISTS       128

struct chunk {
    size_t head; /* size and flags */
    /* While free: */
    struct chunk *next, *prev;
};

/* What lies before a mapped block: the mapping, then a header as others have. */
struct mapped {
    char *start;
    size_t len;
    size_t unused;
    size_t head; /* MAPPED | IN_USE */
};

static struct chunk *lists[LISTS];
static uint64_t list_used[LISTS / 64];
static struct chunk *sentinel; /* at the end of the newest stretch of heap */

static inline size_t chunk_size(const struct chunk *c)
{
    return c->head & ~FLAGS;
}

static inline struct chunk *chunk_at(struct chunk *c, size_t offset)
{
    return (struct chunk *)((char *)c + offset);
}

static inline struct chunk *chunk_after(struct chunk *c)
{
    return chunk_at(c, chunk_size(c));
}

static inline void *chunk_block(struct chunk *c)
{
    return (char *)c + sizeof(c->head);
}

static inline struct chunk *chunk_of(void *block)
{
    return (struct chunk *)((char *)block - sizeof(size_t));
}

static inline size_t *chunk_foot(struct chunk *c, size_t size)
{
    return (size_t *)((char *)c + size) - 1;
}

static void malloc_broken(const char *what)
{
    static const char prefix[] = "malloc: ";

    sys_write(2, prefix, sizeof(prefix) - 1);
    sys_write(2, what, strlen(what));
    sys_write(2, "\n", 1);
    abort();
}

/* --------------------------------------------------------------- free lists */

static unsigned list_index(size_t size)
{
    unsigned power, index;

    if (size < SMALL_LISTS * ALIGN)
        return (unsigned)(size / ALIGN);
    power = 63 - (unsigned)__builtin_clzl(size);
    index = SMALL_LISTS + (power - 10) * 4 + ((size >> (power - 2)) & 3);
    return index < LISTS ? index : LISTS - 1;
}

static void list_insert(struct chunk *c, size_t size)
{
    unsigned i = list_index(size);

    c->prev = 0;
    c->next = lists[i];
    if (c->next)
        c->next->prev = c;
    lists[i] = c;
    list_used[i / 64] |= 1ul << (i % 64);
}

static void list_remove(struct chunk *c)
{
    unsigned i = list_index(chunk_size(c));

    if ((c->next && c->next->prev != c) || (c->prev ? c->prev->next != c : lists[i] != c))
        malloc_broken("a free block was written to");
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        lists[i] = c->next;
    if (!lists[i])
        list_used[i / 64] &= ~(1ul << (i % 64));
}

/* A free chunk of at least size bytes, still in its list, or 0. */
static struct chunk *list_find(size_t size)
{
    unsigned i = list_index(size);

    for (struct chunk *c = lists[i]; c; c = c->next) {
        if (chunk_size(c) >= size)
            return c;
    }
    i++;
    for (unsigned word = i / 64; word < LISTS / 64; word++) {
        uint64_t used = list_used[word];
        if (word == i / 64)
            used &= ~0ul << (i % 64);
        if (used)
            return lists[word * 64 + (unsigned)__builtin_ctzl(used)];
    }
    return 0;
}

/* ---------------------------------------------------------------- the heap */

/* Make [c, c + size) a free chunk, joined with its neighbours, in its list. The
 * chunk before it is in use or free as c's PREV_USED says. */
static struct chunk *heap_put_back(struct chunk *c, size_t size)
{
    size_t prev_flag = c->head & PREV_USED;
    struct chunk *after = chunk_at(c, size);

    if (!prev_flag) {
        size_t before = *((size_t *)c - 1);
        c = (struct chunk *)((char *)c - before);
        if (chunk_size(c) != before)
            malloc_broken("a block was written to outside its bounds");
        list_remove(c);
        size += before;
        prev_flag = c->head & PREV_USED;
    }
    if (!(after->head & IN_USE)) {
        list_remove(after);
        size += chunk_size(after);
        after = chunk_at(c, size);
    }
    c->head = size | prev_flag;
    *chunk_foot(c, size) = size;
    after->head &= ~PREV_USED;
    list_insert(c, size);
    return c;
}

/* Get more heap, with a free chunk of at least size bytes in it. */
static int heap_grow(size_t size)
{
    size_t want = (size + 2 * sizeof(size_t) + ALIGN + GROW_MIN - 1) & ~(GROW_MIN - 1);
    struct chunk *c;
    char *start;

    if (!sentinel) /* the program may end anywhere; the heap ends on a boundary */
        want += -(uintptr_t)sbrk(0) & (ALIGN - 1);
    start = sbrk((ptrdiff_t)want);
    if (start == (char *)-1)
        return -1;
    if (sentinel && start == (char *)sentinel + sizeof(size_t)) {
        /* Goes on where the heap ended: the old sentinel starts the new chunk. */
        c = sentinel;
        size = want;
    } else {
        /* Headers lie 8 bytes below a multiple of 16, so that blocks are on one. */
        c = (struct chunk *)(((uintptr_t)start + sizeof(size_t) + ALIGN - 1) & ~(ALIGN - 1));
        c = (struct chunk *)((char *)c - sizeof(size_t));
        size = ((size_t)(start + want - (char *)c) - sizeof(size_t)) & ~(ALIGN - 1);
        c->head = PREV_USED;
    }
    sentinel = chunk_at(c, size);
    sentinel->head = IN_USE | PREV_USED;
    heap_put_back(c, size);
    return 0;
}

/* A large free chunk at the end goes back, but for a little to go on with. */
static void heap_trim(struct chunk *last)
{
    size_t size = chunk_size(last);
    size_t give = (size - GROW_MIN) & ~(GROW_MIN - 1);

    if (size < TRIM_MIN || chunk_after(last) != sentinel ||
        sbrk(0) != (char *)sentinel + sizeof(size_t))
        return;
    if (sbrk(-(ptrdiff_t)give) == (void *)-1)
        return;
    list_remove(last);
    size -= give;
    sentinel = chunk_at(last, size);
    sentinel->head = IN_USE;
    last->head = size | (last->head & PREV_USED);
    *chunk_foot(last, size) = size;
    list_insert(last, size);
}

/* Cut an in-use chunk to size; what is left over becomes free. */
static void heap_split(struct chunk *c, size_t size)
{
    size_t whole = chunk_size(c);
    struct chunk *rest = chunk_at(c, size);

    if (whole - size < CHUNK_MIN)
        return;
    c->head = size | (c->head & FLAGS);
    rest->head = PREV_USED;
    heap_put_back(rest, whole - size);
}

/* The chunk size for a request: header added, rounded up. 0 if it is too much. */
static size_t heap_request(size_t n)
{
    size_t size;

    if (n > BLOCK_MAX)
        return 0;
    size = (n + sizeof(size_t) + ALIGN - 1) & ~(ALIGN - 1);
    return size < CHUNK_MIN ? CHUNK_MIN : size;
}

static struct chunk *heap_take(size_t size)
{
    struct chunk *c = list_find(size);

    if (!c) {
        if (heap_grow(size) < 0)
            return 0;
        c = list_find(size);
    }
    list_remove(c);
    c->head |= IN_USE;
    chunk_after(c)->head |= PREV_USED;
    heap_split(c, size);
    return c;
}

/* ------------------------------------------------------------ mapped blocks */

static void *mapped_take(size_t align, size_t n)
{
    size_t len, page = PAGE_SIZE_ABI;
    struct mapped *m;
    uintptr_t block;
    char *start;

    if (n > BLOCK_MAX || align > BLOCK_MAX)
        return 0;
    len = (n + align + sizeof(*m) + page - 1) & ~(page - 1);
    start = mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return 0;
    block = ((uintptr_t)start + sizeof(*m) + align - 1) & ~(align - 1);
    m = (struct mapped *)block - 1;
    m->start = start;
    m->len = len;
    m->head = MAPPED | IN_USE;
    return (void *)block;
}

static struct mapped *mapped_of(void *block)
{
    return (struct mapped *)block - 1;
}

/* -------------------------------------------------------------- the library */

static void *no_memory(void)
{
    errno = ENOMEM;
    return 0;
}

/* malloc itself, under a name of which the compiler believes nothing: it would
 * else hold that what lies before a new block cannot be read. */
static void *take(size_t n)
{
    size_t size = heap_request(n);
    struct chunk *c;

    if (size == 0)
        return no_memory();
    if (size >= MMAP_MIN) {
        void *block = mapped_take(ALIGN, n);
        return block ? block : no_memory();
    }
    lock_acquire(&__lock___libc_recursive_mutex);
    c = heap_take(size);
    lock_release(&__lock___libc_recursive_mutex);
    return c ? chunk_block(c) : no_memory();
}

void *malloc(size_t n)
{
    return take(n);
}

void free(void *block)
{
    struct chunk *c;

    if (!block)
        return;
    c = chunk_of(block);
    if (((uintptr_t)block & (ALIGN - 1)) || !(c->head & IN_USE))
        malloc_broken("free of what is not in use");
    if (c->head & MAPPED) {
        struct mapped *m = mapped_of(block);
        sys_munmap(m->start, m->len);
        return;
    }
    lock_acquire(&__lock___libc_recursive_mutex);
    if (chunk_size(c) < CHUNK_MIN || !(chunk_after(c)->head & PREV_USED))
        malloc_broken("a block was written to outside its bounds");
    heap_trim(heap_put_back(c, chunk_size(c)));
    lock_release(&__lock___libc_recursive_mutex);
}

size_t malloc_usable_size(void *block)
{
    struct chunk *c;

    if (!block)
        return 0;
    c = chunk_of(block);
    if (c->head & MAPPED) {
        struct mapped *m = mapped_of(block);
        return (size_t)(m->start + m->len - (char *)block);
    }
    return chunk_size(c) - sizeof(c->head);
}

void *calloc(size_t count, size_t size)
{
    size_t n;
    void *block;

    if (__builtin_mul_overflow(count, size, &n))
        return no_memory();
    block = take(n);
    /* A fresh mapping is zero already. */
    if (block && !(chunk_of(block)->head & MAPPED))
        memset(block, 0, n);
    return block;
}

/* Make an in-use chunk at least size bytes where it is. True if that worked. */
static int heap_resize(struct chunk *c, size_t size)
{
    struct chunk *after = chunk_after(c);

    if (chunk_size(c) < size) {
        if ((after->head & IN_USE) || chunk_size(c) + chunk_size(after) < size)
            return 0;
        list_remove(after);
        c->head += chunk_size(after);
        chunk_after(c)->head |= PREV_USED;
    }
    heap_split(c, size);
    return 1;
}

void *realloc(void *block, size_t n)
{
    size_t size = heap_request(n);
    size_t old;
    void *moved;
    int done = 0;

    if (!block)
        return take(n);
    if (size == 0)
        return no_memory();
    if (!(chunk_of(block)->head & IN_USE))
        malloc_broken("realloc of what is not in use");
    old = malloc_usable_size(block);
    if (chunk_of(block)->head & MAPPED) {
        done = n <= old && n >= old / 2;
    } else if (size < MMAP_MIN) {
        lock_acquire(&__lock___libc_recursive_mutex);
        done = heap_resize(chunk_of(block), size);
        lock_release(&__lock___libc_recursive_mutex);
    }
    if (done)
        return block;
    moved = take(n);
    if (!moved)
        return 0;
    memcpy(moved, block, old < n ? old : n);
    free(block);
    return moved;
}

/* A chunk large enough to hold an aligned one is cut at both ends. */
static void *heap_take_aligned(size_t align, size_t size)
{
    struct chunk *c = heap_take(size + align + CHUNK_MIN);
    uintptr_t block;
    size_t skip;

    if (!c)
        return 0;
    block = ((uintptr_t)chunk_block(c) + align - 1) & ~(align - 1);
    skip = block - (uintptr_t)chunk_block(c);
    if (skip > 0 && skip < CHUNK_MIN)
        skip += align;
    if (skip > 0) {
        struct chunk *aligned = chunk_at(c, skip);
        aligned->head = (chunk_size(c) - skip) | IN_USE;
        heap_put_back(c, skip); /* clears aligned's PREV_USED */
        c = aligned;
    }
    heap_split(c, size);
    return chunk_block(c);
}

void *memalign(size_t align, size_t n)
{
    size_t size = heap_request(n);
    void *block;

    if (align & (align - 1)) {
        errno = EINVAL;
        return 0;
    }
    if (align <= ALIGN)
        return take(n);
    if (size == 0 || align > BLOCK_MAX)
        return no_memory();
    if (size + align >= MMAP_MIN) {
        block = mapped_take(align, n);
    } else {
        lock_acquire(&__lock___libc_recursive_mutex);
        block = heap_take_aligned(align, size);
        lock_release(&__lock___libc_recursive_mutex);
    }
    return block ? block : no_memory();
}

void *aligned_alloc(size_t align, size_t n)
{
    return memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    int saved = errno;
    void *block;

    if (align < sizeof(void *) || (align & (align - 1)))
        return EINVAL;
    block = memalign(align, n);
    errno = saved;
    if (!block)
        return ENOMEM;
    *out = block;
    return 0;
}
