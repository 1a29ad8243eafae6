/*
 * The machine that the host tests of vm/ run on: RAM that is a buffer, harts that
 * are numbers, panics that a test can expect, allocations that can be made to
 * fail, and a ledger that is checked against the frames themselves.
 *
 * A test that wants refusals is linked with HOST_WRAP's flags; one that wants to
 * see fences sets host_fence. Everything runs on one thread; host_hart says on
 * which hart.
 */
#ifndef TEST_HOST_VM_HOST_H
#define TEST_HOST_VM_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lib/hart.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "test/host/lib_check.h"
#include "vm/fence.h"
#include "vm/frame.h"

/* Not on a 4 MiB boundary, and not a whole number of 4 MiB runs. */
#define HOST_RAM_BASE (0x80000000ul + 5 * PAGE_SIZE)
#ifndef HOST_FRAMES
#define HOST_FRAMES 4099ul
#endif
#define HOST_KERNEL_FRAMES 3ul /* of them, at the start */
#define HOST_RAM_END       (HOST_RAM_BASE + HOST_FRAMES * PAGE_SIZE)
#define HOST_POISON        0xdb /* what a debug build leaves in a free frame */

struct hart harts[MAX_HARTS];
unsigned hart_count = 1;
struct hart *host_hart = &harts[0];

static char *host_ram; /* byte 0 is physical address HOST_RAM_BASE */

static inline void host_run_on(unsigned hart)
{
    host_hart = &harts[hart];
}

/* ----------------------------------------------------------------- panics */

static jmp_buf host_panic_exit;
static bool host_panic_expected;
static char host_panic_text[200];

void panic(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(host_panic_text, sizeof host_panic_text, fmt, args);
    va_end(args);
    if (host_panic_expected)
        longjmp(host_panic_exit, 1);
    printf("# panic: %s\n", host_panic_text);
    fflush(stdout);
    abort();
}

void printk(const char *fmt, ...)
{
    (void)fmt;
}

/* The statement must panic with a text that holds `words`. The locks it held are
 * released: nothing of the panicked state is used otherwise. */
#define CHECK_PANICS(statement, words)                                                             \
    do {                                                                                           \
        host_panic_expected = true;                                                                \
        host_panic_text[0] = 0;                                                                    \
        if (setjmp(host_panic_exit) == 0) {                                                        \
            statement;                                                                             \
        }                                                                                          \
        host_panic_expected = false;                                                               \
        host_release_locks();                                                                      \
        if (!strstr(host_panic_text, words)) {                                                     \
            printf("# expected a panic with \"%s\", got \"%s\"\n", words, host_panic_text);        \
            CHECK(!"it panics");                                                                   \
        }                                                                                          \
    } while (0)

static inline void host_release_locks(void)
{
    while (host_hart->lock_depth)
        ((struct spinlock *)host_hart->locks[--host_hart->lock_depth])->owner = 0;
}

/* ----------------------------------------------------------------- memory */

/* True only while frame_free poisons the frame it has just taken. */
static inline bool host_being_freed(void)
{
    struct abi_memory m;
    frame_ledger(&m);
    return m.count[FRAME_FREE] != frame_free_count();
}

void *direct_map(paddr_t pa)
{
    if (pa < HOST_RAM_BASE || pa >= HOST_RAM_END)
        panic("physical address %#lx is no RAM", pa);
    if (frame_of(pa)->class == FRAME_FREE && !host_being_freed())
        panic("free frame %#lx is used", pa);
    return host_ram + (pa - HOST_RAM_BASE);
}

paddr_t direct_unmap(const void *va)
{
    uint64_t offset = (uint64_t)va - (uint64_t)host_ram;
    if (offset >= HOST_FRAMES * PAGE_SIZE)
        panic("%p is not in the direct map", va);
    return HOST_RAM_BASE + offset;
}

void page_zero(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

void page_copy(void *restrict dst, const void *restrict src)
{
    memcpy(dst, src, PAGE_SIZE);
}

/* RAM of HOST_FRAMES, the first few the kernel's. Once per program. */
static inline void host_boot(unsigned online)
{
    for (unsigned i = 0; i < MAX_HARTS; i++) {
        harts[i].index = i;
        harts[i].online = i < online;
    }
    hart_count = online;
    host_ram = aligned_alloc(PAGE_SIZE, HOST_FRAMES * PAGE_SIZE);
    memset(host_ram, HOST_POISON, HOST_FRAMES * PAGE_SIZE);
    frame_init(calloc(HOST_FRAMES, sizeof(struct frame)), HOST_RAM_BASE >> PAGE_SHIFT, HOST_FRAMES);
    paddr_t first_free = HOST_RAM_BASE + HOST_KERNEL_FRAMES * PAGE_SIZE;
    frame_add_kernel(HOST_RAM_BASE, first_free);
    frame_add_free(first_free, HOST_RAM_END);
    frame_set_watermarks();
}

/* The end of every test program: the frames were the last thing in use. */
static inline void host_halt(void)
{
    free(frames);
    free(host_ram);
}

/* Free + each class = total, and each count is what the frames say. */
static inline bool host_ledger_balanced(void)
{
    struct abi_memory m;
    uint64_t sum = 0, counted[FRAME_CLASSES] = {0};
    frame_ledger(&m);
    for (uint64_t i = 0; i < frame_span; i++)
        counted[frames[i].class]++;
    for (unsigned c = 0; c < FRAME_CLASSES; c++) {
        sum += m.count[c];
        if (m.count[c] != counted[c]) {
            printf("# class %u: ledger %lu, frames %lu\n", c, m.count[c], counted[c]);
            return false;
        }
    }
    return sum == m.total && m.total == frame_total() && m.count[FRAME_FREE] == frame_free_count();
}

/* Frames of one class. */
static inline uint64_t host_class_count(enum abi_frame_class class)
{
    struct abi_memory m;
    frame_ledger(&m);
    return m.count[class];
}

/* No free frame was written to: each still holds the poison. */
static inline bool host_free_frames_untouched(void)
{
    static unsigned char poison[PAGE_SIZE];
    memset(poison, HOST_POISON, PAGE_SIZE);
    for (uint64_t i = 0; i < frame_span; i++)
        if (frames[i].class == FRAME_FREE &&
            memcmp(host_ram + i * PAGE_SIZE, poison, PAGE_SIZE) != 0) {
            printf("# free frame %lu was written to\n", i);
            return false;
        }
    return true;
}

static inline void host_flush_caches(void)
{
    struct hart *before = host_hart;
    for (unsigned i = 0; i < MAX_HARTS; i++) {
        host_run_on(i);
        frame_flush_cache();
    }
    host_hart = before;
}

/* ----------------------------------------------------------------- fences */

enum host_fence_kind {
    HOST_FENCE_PAGE,      /* va, every address space */
    HOST_FENCE_PAGE_ASID, /* va of one, not global */
    HOST_FENCE_ASID,      /* one, not global */
    HOST_FENCE_ALL,
    HOST_FENCE_ICACHE,
    HOST_SATP, /* satp was written */
};

static uint64_t host_satp[MAX_HARTS];
static uint64_t host_satp_bits = ~0ul; /* bits of satp that can be written */
/* Called on the hart that fences (host_hart), after its effect on satp. */
static void (*host_fence)(enum host_fence_kind kind, vaddr_t va, uint64_t asid);
/* Called for a remote fence, instead of host_fence on each hart. */
static void (*host_remote)(void);

static inline void host_fence_call(enum host_fence_kind kind, vaddr_t va, uint64_t asid)
{
    if (host_fence)
        host_fence(kind, va, asid);
}

uint64_t satp_read(void)
{
    return host_satp[host_hart->index];
}

void satp_write(uint64_t satp)
{
    host_satp[host_hart->index] = satp & host_satp_bits;
    host_fence_call(HOST_SATP, 0, 0);
}

void tlb_fence_page(vaddr_t va)
{
    host_fence_call(HOST_FENCE_PAGE, va, 0);
}

void tlb_fence_page_asid(vaddr_t va, uint64_t asid)
{
    host_fence_call(HOST_FENCE_PAGE_ASID, va, asid);
}

void tlb_fence_asid(uint64_t asid)
{
    host_fence_call(HOST_FENCE_ASID, 0, asid);
}

void tlb_fence_all(void)
{
    host_fence_call(HOST_FENCE_ALL, 0, 0);
}

void icache_fence(void)
{
    host_fence_call(HOST_FENCE_ICACHE, 0, 0);
}

/* The firmware: it answers at once, on every hart named. */
void sbi_remote_fence(uint64_t hart_mask, uint64_t va, uint64_t size, int asid)
{
    struct hart *caller = host_hart;
    if (host_remote)
        host_remote();
    for (unsigned i = 0; i < MAX_HARTS; i++) {
        if (!(hart_mask >> i & 1))
            continue;
        host_run_on(i);
        if (size == ~0ul && asid < 0)
            tlb_fence_all();
        else if (size == ~0ul)
            tlb_fence_asid((uint64_t)asid);
        else
            for (uint64_t off = 0; off < size; off += PAGE_SIZE) {
                if (asid < 0)
                    tlb_fence_page(va + off);
                else
                    tlb_fence_page_asid(va + off, (uint64_t)asid);
            }
    }
    host_hart = caller;
}

void sbi_remote_fence_i(uint64_t hart_mask)
{
    struct hart *caller = host_hart;
    for (unsigned i = 0; i < MAX_HARTS; i++) {
        host_run_on(i);
        if (hart_mask >> i & 1)
            icache_fence();
    }
    host_hart = caller;
}

/* ------------------------------------------------------ refused allocations */

/*
 * HOST_WRAP: with the linker flags --wrap for frame_alloc, frame_alloc_zeroed,
 * kmalloc and kzalloc, the allocations that one file of vm/ asks another for
 * come here. host_refuse_after n: the n-th from now on is refused, once; 0 never.
 * host_refuse_one_in n: each with probability 1/n; 0 never.
 */
#ifdef HOST_WRAP
static uint64_t host_refuse_after, host_refuse_one_in, host_refusals, host_allocations;
static uint64_t host_refuse_seed = 88172645463325252ul;

static inline bool host_refused(void)
{
    host_allocations++;
    bool now = host_refuse_after && --host_refuse_after == 0;
    if (host_refuse_one_in && check_random(&host_refuse_seed) % host_refuse_one_in == 0)
        now = true;
    host_refusals += now;
    return now;
}

struct frame *__real_frame_alloc(enum abi_frame_class class, unsigned order,
                                 enum frame_priority priority);
struct frame *__wrap_frame_alloc(enum abi_frame_class class, unsigned order,
                                 enum frame_priority priority)
{
    return host_refused() ? NULL : __real_frame_alloc(class, order, priority);
}

struct frame *__real_frame_alloc_zeroed(enum abi_frame_class class, enum frame_priority priority);
struct frame *__wrap_frame_alloc_zeroed(enum abi_frame_class class, enum frame_priority priority)
{
    return host_refused() ? NULL : __real_frame_alloc_zeroed(class, priority);
}

void *__real_kmalloc(size_t size);
void *__wrap_kmalloc(size_t size)
{
    return host_refused() ? NULL : __real_kmalloc(size);
}

void *__real_kzalloc(size_t size);
void *__wrap_kzalloc(size_t size)
{
    return host_refused() ? NULL : __real_kzalloc(size);
}
#endif

#endif
