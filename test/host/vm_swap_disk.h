/*
 * A swap disk for the host tests of vm/: transfers that end at once, later or in another order,
 * that fail by chance or because a slot is bad, and that leave behind what a failed transfer may:
 * anything. It complains of a transfer that no kernel may start.
 *
 * A thread that waits ends transfers (pager_device); swap_disk_step ends one.
 */
#ifndef TEST_HOST_VM_SWAP_DISK_H
#define TEST_HOST_VM_SWAP_DISK_H

#include "test/host/vm_pager.h"
#include "vm/swap.h"
#include "vm/swap_slots.h"

#define SWAP_DISK_SLOTS 1024u /* at most */

static struct {
    /* How it behaves: 1 in n, 0 never. */
    unsigned fail_in, fail_out, immediate, early;
    bool bad_in[SWAP_DISK_SLOTS], bad_out[SWAP_DISK_SLOTS]; /* slots that always fail */
    /* What was asked of it. */
    uint64_t reads, writes, failed_reads, failed_writes; /* transfers */
    uint64_t pages_in, pages_out;
    /* What it holds. */
    uint32_t slots;
    unsigned char *bytes;
    bool written[SWAP_DISK_SLOTS];       /* the slot holds a page */
    bool under_way[SWAP_DISK_SLOTS];     /* a transfer that has not ended names the slot */
    uint64_t failed_at[SWAP_DISK_SLOTS]; /* failed_reads after the last one that failed there */
    uint64_t seed;
} swap_disk;

static struct swap_transfer {
    struct swap_io *io;
    unsigned char *early; /* the bytes, if the device has fetched them already */
} swap_queue[SWAP_IOS];
static unsigned swap_queued;

static inline bool swap_disk_chance(unsigned one_in)
{
    return one_in && check_random(&swap_disk.seed) % one_in == 0;
}

static inline unsigned char *swap_disk_page(uint32_t slot)
{
    return swap_disk.bytes + (size_t)slot * PAGE_SIZE;
}

static inline bool swap_disk_fails(const struct swap_io *io)
{
    if (swap_disk_chance(io->out ? swap_disk.fail_out : swap_disk.fail_in))
        return true;
    for (unsigned i = 0; i < io->count; i++)
        if ((io->out ? swap_disk.bad_out : swap_disk.bad_in)[io->first + i])
            return true;
    return false;
}

static inline void swap_disk_move(const struct swap_transfer *t, unsigned i)
{
    uint32_t slot = t->io->first + i;
    unsigned char *page = frame_address(t->io->frames[i]);
    if (t->io->out)
        memcpy(swap_disk_page(slot), t->early ? t->early + i * PAGE_SIZE : page, PAGE_SIZE);
    else
        memcpy(page, swap_disk_page(slot), PAGE_SIZE);
    swap_disk.written[slot] |= t->io->out;
}

/* Where a transfer failed, there is anything: here, half of it what it should be. */
static inline void swap_disk_spoil(const struct swap_transfer *t, unsigned i)
{
    uint32_t slot = t->io->first + i;
    if (t->io->out)
        memset(swap_disk_page(slot) + PAGE_SIZE / 2, 0xbd, PAGE_SIZE / 2);
    else
        memset(frame_address(t->io->frames[i]), 0xbd, PAGE_SIZE);
    if (t->io->out)
        swap_disk.written[slot] = false;
    else if (t->io->count == 1 || swap_disk.bad_in[slot]) /* it is known which page it was */
        swap_disk.failed_at[slot] = swap_disk.failed_reads;
}

/* Ends the transfer at place n of the queue. */
static inline void swap_disk_finish(unsigned n)
{
    struct swap_transfer t = swap_queue[n];
    memmove(&swap_queue[n], &swap_queue[n + 1], (--swap_queued - n) * sizeof t);
    bool fails = swap_disk_fails(t.io);
    if (fails)
        (*(t.io->out ? &swap_disk.failed_writes : &swap_disk.failed_reads))++;
    for (unsigned i = 0; i < t.io->count; i++) {
        swap_disk.under_way[t.io->first + i] = false;
        if (fails)
            swap_disk_spoil(&t, i);
        else
            swap_disk_move(&t, i);
    }
    free(t.early);
    swap_io_done(t.io, fails ? -EIO : 0);
}

/* Ends some transfer; false if there is none. */
static inline bool swap_disk_step(void)
{
    if (!swap_queued)
        return false;
    swap_disk_finish(check_random(&swap_disk.seed) % swap_queued);
    return true;
}

static inline void swap_disk_drain(void)
{
    while (swap_disk_step())
        ;
}

/* A transfer is of pages that are in the cache, marked, and of slots that are in use and not
 * under way already; what was never written, or could not be, is not read, and what is retired
 * is not written. */
static inline void swap_disk_judge(const struct swap_io *io)
{
    CHECK(spin_none_held());
    CHECK(io->count >= 1 && io->count <= SWAP_IO_MAX);
    CHECK(io->first < swap_disk.slots && io->count <= swap_disk.slots - io->first);
    for (unsigned i = 0; i < io->count; i++) {
        uint32_t slot = io->first + i;
        const struct frame *f = io->frames[i];
        CHECK(frame_refs(f) >= 1 && f->flags & (io->out ? PAGE_WRITEBACK : PAGE_BUSY));
        CHECK(slots_frame(slot) == f && slots_valid(slot) && !slots_retired(slot));
        CHECK(!swap_disk.under_way[slot] && (io->out || swap_disk.written[slot]));
        swap_disk.under_way[slot] = true;
    }
}

static inline void swap_disk_start(struct swap_io *io)
{
    swap_disk_judge(io);
    if (swap_queued == SWAP_IOS)
        panic("more transfers than there are");
    struct swap_transfer *t = &swap_queue[swap_queued++];
    *t = (struct swap_transfer){.io = io};
    (*(io->out ? &swap_disk.writes : &swap_disk.reads))++;
    *(io->out ? &swap_disk.pages_out : &swap_disk.pages_in) += io->count;
    if (io->out && swap_disk_chance(swap_disk.early)) {
        t->early = malloc(io->count * PAGE_SIZE);
        for (unsigned i = 0; i < io->count; i++)
            memcpy(t->early + i * PAGE_SIZE, frame_address(io->frames[i]), PAGE_SIZE);
    }
    if (swap_disk_chance(swap_disk.immediate))
        swap_disk_finish(swap_queued - 1);
}

/* Once per program. */
static inline void swap_disk_boot(void)
{
    static uint64_t table[SWAP_DISK_SLOTS];
    _Static_assert(sizeof table == SWAP_DISK_SLOTS * SWAP_SLOT_BYTES, "the table's size");
    swap_disk.seed = 0xd1b54a32d192ed03ul;
    swap_disk.slots = SWAP_DISK_SLOTS;
    swap_disk.bytes = malloc(SWAP_DISK_SLOTS * PAGE_SIZE);
    swap_start = swap_disk_start;
    pager_device = swap_disk_step;
    swap_enable(SWAP_DISK_SLOTS, table);
}

/*
 * A disk of so many slots, all of them good, in place of the one before, of which nothing is in
 * use any more. This goes behind the kernel's back, which has one swap disk in its life; only
 * what swap_totals says of bad slots goes on counting.
 */
static inline void swap_disk_replace(uint32_t slots)
{
    static uint64_t table[SWAP_DISK_SLOTS];
    uint32_t first;
    CHECK(swap_queued == 0 && slots_cached() == 0);
    /* The search for free slots goes on behind the last, and so at the first again. */
    slots_init(SWAP_DISK_SLOTS, table);
    slots_alloc(SWAP_DISK_SLOTS, &first);
    slots_init(slots, table);
    swap_disk.slots = slots;
    memset(swap_disk.written, 0, sizeof swap_disk.written);
    memset(swap_disk.bad_in, 0, sizeof swap_disk.bad_in);
    memset(swap_disk.bad_out, 0, sizeof swap_disk.bad_out);
    memset(swap_disk.failed_at, 0, sizeof swap_disk.failed_at);
}

static inline void swap_disk_halt(void)
{
    free(swap_disk.bytes);
}

#endif
