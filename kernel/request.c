/* Requests, and copies between their buffers; the contract is in request.h. */
#include "kernel/request.h"

#include "kernel/lib/string.h"
#include "vm/frame.h"
#include "vm/swap.h"
#include "vm/usercopy.h"

void request_init(struct request *r, struct thread *client)
{
    memset(r->words, 0, sizeof r->words);
    request_init_without_words(r, client);
}

/* By name: a third of what clearing it all costs, once for each call. */
void request_init_without_words(struct request *r, struct thread *client)
{
    list_init(&r->link);
    r->state = REQUEST_IDLE;
    r->port = NULL;
    r->id = r->number = 0;
    r->server = NULL;
    r->deaths = 0;
    r->handle_count = r->recv_handle_count = r->parked.count = 0;
    r->badge = r->origin = 0;
    r->send = r->recv = (struct buffer){.frames = NULL};
    r->client = client;
    r->direct = NULL;
    r->done = NULL;
    r->refresh = NULL;
    waitq_init(&r->wait);
    r->error = 0;
    r->recv_len = 0;
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
            swap_page_unref(f);
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
