/* Buffers of messages and their copies; the contract is in request.h. */
#include "kernel/request.h"

#include "kernel/errno.h"
#include "kernel/lib/string.h"
#include "vm/frame.h"
#include "vm/kmalloc.h"
#include "vm/usercopy.h"

#define PARKED_MAX 64 /* frames parked at a time, in all */

static unsigned parked_frames; /* atomic */

void request_init(struct request *r, struct thread *client)
{
    memset(r, 0, sizeof *r);
    list_init(&r->link);
    waitq_init(&r->wait);
    r->client = client;
}

/*
 * The source frame is held by a reference, so that only the target's walk lock
 * is held while the bytes move: two walk locks at once could deadlock.
 */
enum copy_result buffer_copy(const struct buffer *to, const struct buffer *from, uint64_t n,
                             uint64_t *done)
{
    while (*done < n) {
        uint64_t src = from->frames ? *done : from->addr + *done;
        uint64_t step = PAGE_SIZE - (src & PAGE_MASK);
        if (step > n - *done)
            step = n - *done;
        struct frame *f;
        if (from->frames)
            f = from->frames[src >> PAGE_SHIFT];
        else if (!(f = user_frame_ref(from->space, src)))
            return COPY_FROM_ABSENT;
        const char *bytes = (const char *)frame_address(f) + (src & PAGE_MASK);
        uint64_t moved = 0;
        if (!to->frames) {
            moved = try_copy_to_user(to->space, to->addr + *done, bytes, step);
        } else {
            while (moved < step) {
                uint64_t dst = *done + moved, room = PAGE_SIZE - (dst & PAGE_MASK);
                uint64_t part = step - moved < room ? step - moved : room;
                memcpy((char *)frame_address(to->frames[dst >> PAGE_SHIFT]) + (dst & PAGE_MASK),
                       bytes + moved, part);
                moved += part;
            }
        }
        if (!from->frames)
            frame_unref(f);
        *done += moved;
        if (moved < step)
            return COPY_TO_ABSENT;
    }
    return COPY_DONE;
}

int buffer_fault(const struct buffer *b, uint64_t offset, unsigned access, int flags)
{
    return b->frames ? 0 : user_fault(b->space, b->addr + offset, access, flags);
}

void parked_free(struct parked *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < p->count; i++)
        frame_unref(p->frames[i]);
    __atomic_fetch_sub(&parked_frames, p->count, __ATOMIC_RELAXED);
    kfree(p);
}

struct parked *park(const struct buffer *b, uint64_t n, bool own, int *error)
{
    struct parked *p = kzalloc(sizeof *p);
    *error = -ENOMEM;
    if (!p)
        return NULL;
    unsigned count = page_round_up(n) >> PAGE_SHIFT;
    while (p->count < count) {
        if (__atomic_add_fetch(&parked_frames, 1, __ATOMIC_RELAXED) > PARKED_MAX ||
            !(p->frames[p->count] = frame_alloc(FRAME_KMALLOC, 0, FRAME_NORMAL))) {
            __atomic_fetch_sub(&parked_frames, 1, __ATOMIC_RELAXED);
            parked_free(p);
            *error = -EAGAIN;
            return NULL;
        }
        p->count++;
    }
    struct buffer to = {.frames = p->frames, .size = n};
    uint64_t done = 0;
    while (buffer_copy(&to, b, n, &done) != COPY_DONE) {
        int rc = buffer_fault(b, done, ACCESS_READ, own ? 0 : FAULT_NOWAIT);
        if (rc < 0) {
            parked_free(p);
            *error = rc;
            return NULL;
        }
    }
    p->size = n;
    return p;
}
