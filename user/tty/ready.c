/* The ready queue: see the header. */
#include "user/tty/ready.h"

unsigned ready_room(const struct ready *ready)
{
    return READY_MAX - (ready->tail - ready->head);
}

bool ready_empty(const struct ready *ready)
{
    return ready->head == ready->tail;
}

void ready_clear(struct ready *ready)
{
    ready->head = ready->tail;
}

void ready_push(struct ready *ready, unsigned entry)
{
    ready_stage(ready, 0, entry);
    ready_commit(ready, 1);
}

void ready_stage(struct ready *ready, unsigned n, unsigned entry)
{
    ready->entry[(ready->tail + n) % READY_MAX] = (unsigned short)entry;
}

void ready_commit(struct ready *ready, unsigned count)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    ready->tail += count;
}

long ready_record(const struct ready *ready, char *buf, size_t room)
{
    unsigned at = ready->head;
    size_t n = 0;

    if (ready->entry[at % READY_MAX] == READY_EOF)
        return 0;
    while (n < room && at != ready->tail) {
        unsigned entry = ready->entry[at++ % READY_MAX];

        buf[n++] = (char)(entry & READY_BYTE);
        if (entry & READY_END)
            break;
    }
    return (long)n;
}

size_t ready_bytes(const struct ready *ready, char *buf, size_t room)
{
    size_t n = 0;

    for (unsigned at = ready->head; n < room && at != ready->tail; at++) {
        unsigned entry = ready->entry[at % READY_MAX];

        if (entry != READY_EOF)
            buf[n++] = (char)(entry & READY_BYTE);
    }
    return n;
}

void ready_consume(struct ready *ready, size_t count)
{
    if (!count && !ready_empty(ready) && ready->entry[ready->head % READY_MAX] == READY_EOF)
        ready->head++;
    while (count && !ready_empty(ready))
        if (ready->entry[ready->head++ % READY_MAX] != READY_EOF)
            count--;
}

unsigned ready_take(struct ready *ready, unsigned short *entries)
{
    unsigned count = 0;

    while (ready->head != ready->tail)
        entries[count++] = ready->entry[ready->head++ % READY_MAX];
    return count;
}

void ready_unmark(struct ready *ready, unsigned char eof)
{
    unsigned kept = ready->head;

    for (unsigned at = ready->head; at != ready->tail; at++) {
        unsigned entry = ready->entry[at % READY_MAX];

        if (entry != READY_EOF || eof)
            ready->entry[kept++ % READY_MAX] =
                (unsigned short)(entry == READY_EOF ? eof : entry & ~(unsigned)READY_END);
    }
    ready->tail = kept;
}
