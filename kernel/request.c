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

/* The bytes from offset `at` of a buffer on that lie in one page. */
static uint64_t in_page(const struct buffer *b, uint64_t at)
{
    return PAGE_SIZE - ((b->frames ? at : b->addr + at) & PAGE_MASK);
}

static char *frame_byte(const struct buffer *b, uint64_t at)
{
    return (char *)frame_address(b->frames[at >> PAGE_SHIFT]) + (at & PAGE_MASK);
}

/*
 * Copies n bytes that lie in a page on either side. Two walk locks at once could deadlock: where
 * the second cannot be had at once, the source frame is held by a reference instead.
 */
static enum copy_result copy_piece(const struct buffer *to, const struct buffer *from, uint64_t at,
                                   uint64_t n)
{
    if (!from->frames && !to->frames &&
        try_copy_between(to->space, to->addr + at, from->space, from->addr + at, n))
        return COPY_DONE;
    struct frame *f = NULL;
    if (!from->frames && !(f = user_frame_ref(from->space, from->addr + at)))
        return COPY_FROM_ABSENT;
    const char *bytes = from->frames ? frame_byte(from, at)
                                     : (char *)frame_address(f) + ((from->addr + at) & PAGE_MASK);
    bool copied = true;
    if (to->frames)
        memcpy(frame_byte(to, at), bytes, n);
    else
        copied = try_copy_to_user(to->space, to->addr + at, bytes, n) == n;
    if (f)
        swap_page_unref(f);
    return copied ? COPY_DONE : COPY_TO_ABSENT;
}

enum copy_result buffer_copy(const struct buffer *to, const struct buffer *from, uint64_t n,
                             uint64_t *done)
{
    while (*done < n) {
        uint64_t piece = n - *done, room = in_page(from, *done);
        if (piece > room)
            piece = room;
        room = in_page(to, *done);
        if (piece > room)
            piece = room;
        enum copy_result result = copy_piece(to, from, *done, piece);
        if (result != COPY_DONE)
            return result;
        *done += piece;
    }
    return COPY_DONE;
}

int buffer_fault(const struct buffer *b, uint64_t offset, unsigned access, int flags)
{
    return b->frames ? 0 : user_fault(b->space, b->addr + offset, access, flags);
}
