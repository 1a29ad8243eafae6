/* The disk driver, service: requests in, completions out. See blk.h. */
#include "user/blk/blk.h"
#include <errno.h>
#include "user/include/heart.h"

#define SECTORS_MAX (BLK_SLOT_BYTES / VIRTIO_SECTOR)

/* --------------------------------------------------------------- answers */

/* Send the answer that is held, and free its slot whatever happens: a client
 * that was killed needs none. */
static void held_send(struct driver *d)
{
    struct slot *slot = d->held;
    struct message m = {.w = {(unsigned long)d->held_status}};
    struct ipc_ext ext = {.send_addr = (unsigned long)slot->memory, .send_len = slot->bytes};

    if (d->held_status < 0)
        ext.send_len = 0;
    kill_point_at(KILL_BLK_REPLY, &m, &ext);
    due_reply(&d->due, PORT, slot->id, &m, &ext);
    slot->id = 0;
    d->held = 0;
}

/* The request in this slot is done; its answer goes out soon. */
static void slot_finish(struct driver *d, struct slot *slot, long status)
{
    if (d->held)
        held_send(d);
    slot->writes = false;
    slot->awaits = 0;
    d->held = slot;
    d->held_status = status;
}

/* Answer at once a request that needed no work of the device. */
static void answer(const struct message *request, long status, unsigned long w1, unsigned long w2)
{
    struct message m = {.w = {(unsigned long)status, w1, w2}};

    ipc_reply(PORT, request->id, &m, 0);
}

/* -------------------------------------------------------------- requests */

static DMA_TEXT void submit(struct driver *d, struct slot *slot, const struct message *m,
                            enum virtio_blk_op op, unsigned long sector, unsigned long bytes)
{
    struct virtq_segment data = {.paddr = slot->paddr, .len = (uint32_t)bytes};
    int err = virtio_blk_submit(&d->disk, (unsigned)(slot - d->slot), op, sector, &data,
                                op == VIRTIO_BLK_FLUSH ? 0 : 1);

    if (err) {
        answer(m, err, 0, 0);
        return;
    }
    slot->id = m->id;
    slot->bytes = op == VIRTIO_BLK_READ ? bytes : 0;
    slot->since = d->looks;
    slot->writes = op == VIRTIO_BLK_WRITE;
    virtio_blk_notify(&d->disk);
    kill_point(KILL_BLK_SUBMITTED);
}

/* A write has ended: flushes that waited for it alone go to the device. */
static DMA_TEXT void flushes_go(struct driver *d, const struct slot *written)
{
    for (unsigned i = 0; i < d->slots; i++) {
        struct slot *slot = &d->slot[i];
        int err = 0;

        if (!slot->awaits || (slot->awaits &= ~(1u << (written - d->slot))))
            continue;
        slot->since = d->looks;
        if (d->disk.has_flush)
            err = virtio_blk_submit(&d->disk, i, VIRTIO_BLK_FLUSH, 0, 0, 0);
        if (err || !d->disk.has_flush)
            slot_finish(d, slot, err);
        else
            virtio_blk_notify(&d->disk);
        kill_point(KILL_BLK_SUBMITTED);
    }
}

static void do_info(struct driver *d, struct slot *slot, const struct message *m, unsigned long len)
{
    (void)slot;
    if (len)
        answer(m, -EINVAL, 0, 0);
    else
        answer(m, 0, d->disk.sectors, d->disk.read_only);
}

static DMA_TEXT void do_read(struct driver *d, struct slot *slot, const struct message *m,
                             unsigned long len)
{
    if (!(m->origin & RIGHT_READ))
        answer(m, -EPERM, 0, 0);
    else if (len || !m->w[2] || m->w[2] > SECTORS_MAX)
        answer(m, -EINVAL, 0, 0);
    else
        submit(d, slot, m, VIRTIO_BLK_READ, m->w[1], m->w[2] * VIRTIO_SECTOR);
}

static DMA_TEXT void do_write(struct driver *d, struct slot *slot, const struct message *m,
                              unsigned long len)
{
    if (!(m->origin & RIGHT_WRITE))
        answer(m, -EPERM, 0, 0);
    else /* whole sectors, in range and not read-only: virtio_blk_submit's to say */
        submit(d, slot, m, VIRTIO_BLK_WRITE, m->w[1], len);
}

/* The device flushes what it has completed: writes that came before must end first, those
 * of a client that is dead, too. */
static void flush(struct driver *d, struct slot *slot, const struct message *m)
{
    unsigned awaits = 0;

    for (unsigned i = 0; i < d->slots; i++)
        if (d->slot[i].writes)
            awaits |= 1u << i;
    if (!awaits && !d->disk.has_flush) {
        answer(m, 0, 0, 0); /* no cache: what was answered is on the medium */
    } else if (!awaits) {
        submit(d, slot, m, VIRTIO_BLK_FLUSH, 0, 0);
    } else {
        slot->id = m->id;
        slot->bytes = 0;
        slot->since = d->looks;
        slot->awaits = awaits;
    }
}

static void do_flush(struct driver *d, struct slot *slot, const struct message *m,
                     unsigned long len)
{
    if (len)
        answer(m, -EINVAL, 0, 0);
    else
        flush(d, slot, m);
}

static void do_close(struct driver *d, struct slot *slot, const struct message *m,
                     unsigned long len)
{
    (void)d;
    (void)slot;
    (void)len;
    answer(m, 0, 0, 0);
}

static const struct {
    unsigned long number;
    int kernel_only;
    void (*handle)(struct driver *d, struct slot *slot, const struct message *m, unsigned long len);
} handlers[] = {
    {MSG_BLK_READ, 0, do_read}, {MSG_BLK_WRITE, 0, do_write}, {MSG_BLK_FLUSH, 0, do_flush},
    {MSG_BLK_INFO, 0, do_info}, {MSG_FSYNC, 0, do_flush},     {MSG_SYNC, 1, do_flush},
    {MSG_CLOSE, 1, do_close},
};

/* A request arrived, its data (len bytes) in the slot. */
static void dispatch(struct driver *d, struct slot *slot, const struct message *m,
                     unsigned long len)
{
    kill_point(KILL_BLK_RECEIVED);
    for (unsigned i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (handlers[i].number != m->w[0])
            continue;
        if (handlers[i].kernel_only && !(m->origin & ORIGIN_KERNEL))
            answer(m, -EPERM, 0, 0);
        else
            handlers[i].handle(d, slot, m, len);
        return;
    }
    answer(m, -ENOSYS, 0, 0);
}

/* ----------------------------------------------------------- completions */

/* The device broke the protocol or gave up. Once it is reset no request in
 * flight can touch memory any more: fail them all, and begin anew. */
static int device_recover(struct driver *d)
{
    log_line("the disk failed", "resetting it");
    if (virtio_reset(d->registers)) {
        log_line("the disk failed", "it cannot be reset");
        return -EIO;
    }
    for (unsigned i = 0; i < d->slots; i++)
        if (d->slot[i].id && &d->slot[i] != d->held)
            slot_finish(d, &d->slot[i], -EIO);
    return driver_start(d);
}

/* The interrupt came (or might have): acknowledge it, take what is complete. */
static int device_service(struct driver *d)
{
    uint32_t bits = virtio_interrupt(d->registers);
    unsigned request;
    int result, got;

    sys_irq_ack(INTERRUPT);
    while ((got = virtio_blk_poll(&d->disk, &request, &result)) > 0) {
        bool wrote = d->slot[request].writes;

        kill_point(KILL_BLK_COMPLETED);
        slot_finish(d, &d->slot[request], result ? -EIO : 0);
        if (wrote)
            flushes_go(d, &d->slot[request]);
    }
    if (got < 0 || ((bits & VIRTIO_IRQ_CONFIG) && virtio_needs_reset(d->registers)))
        return device_recover(d);
    return 0;
}

/* Does the device owe an answer for longer than any disk takes? */
static bool device_hangs(const struct driver *d)
{
    for (unsigned i = 0; i < d->slots; i++)
        if (d->slot[i].id && &d->slot[i] != d->held && d->looks - d->slot[i].since > PATIENCE_LOOKS)
            return true;
    return false;
}

/* From time to time, also if no interrupt comes: one that was lost is not missed, a
 * device that hangs is reset. */
static int device_watch(struct driver *d)
{
    int err = device_service(d);

    d->looks++;
    return err ? err : device_hangs(d) ? device_recover(d) : 0;
}

/* ------------------------------------------------------------------ loop */

static DMA_TEXT struct slot *slot_find(struct driver *d)
{
    for (unsigned i = 0; i < d->slots; i++)
        if (!d->slot[i].id)
            return &d->slot[i];
    return 0;
}

/* Every slot is with the device: wait for it alone. An interrupt may have come
 * to the clients' port already; serving the device after the move sees what it
 * announced, and its bit there is then merely one look too many. */
static int wait_for_slot(struct driver *d)
{
    struct message m;
    int err = sys_irq_bind(INTERRUPT, d->quiet_port, BIT_INTERRUPT) ? -EIO : device_service(d);

    while (!err && !d->held && !slot_find(d)) {
        sys_port_timer(d->quiet_port, BIT_WATCH, WATCH_NS);
        if (ipc_receive(d->quiet_port, &m, 0) < 0) {
            err = -EIO;
        } else if (m.w[0] & 1ul << BIT_WATCH) {
            err = device_watch(d);
            heart_beat(HEART_BLK); /* it is the device that is slow */
        } else {
            err = device_service(d);
        }
    }
    sys_port_timer(d->quiet_port, BIT_WATCH, 0);
    if (sys_irq_bind(INTERRUPT, PORT, BIT_INTERRUPT))
        err = -EIO;
    /* What completed between the last look and the move back must not wait. */
    return err ? err : device_service(d);
}

/* Wait for a request or a notification, sending the answer held on the way.
 * Returns as ipc_receive does. */
static long next_message(struct driver *d, struct slot *slot, struct message *m,
                         struct ipc_ext *ext)
{
    long id;

    *ext = (struct ipc_ext){.recv_addr = (unsigned long)slot->memory, .recv_cap = BLK_SLOT_BYTES};
    if (d->held) {
        struct slot *held = d->held;

        m->w[0] = (unsigned long)d->held_status;
        m->w[1] = m->w[2] = 0;
        ext->send_addr = (unsigned long)held->memory;
        ext->send_len = d->held_status < 0 ? 0 : held->bytes;
        kill_point_at(KILL_BLK_REPLY, m, ext);
        id = ipc_reply_receive(PORT, held->id, m, ext);
        if (id >= 0 || id == -EPIPE) { /* -EPIPE: the port is gone, and all with it */
            held->id = 0;
            d->held = 0;
            return id;
        }
        held_send(d); /* the answer did not go out: deal with that there */
        *ext =
            (struct ipc_ext){.recv_addr = (unsigned long)slot->memory, .recv_cap = BLK_SLOT_BYTES};
    }
    return ipc_receive(PORT, m, ext);
}

void server_run(struct driver *d)
{
    struct message m = {0};
    struct ipc_ext ext;

    for (;;) {
        struct slot *slot = slot_find(d);
        long id;

        if (!slot && d->held) {
            held_send(d);
            continue;
        }
        if (!slot) {
            if (wait_for_slot(d))
                return;
            continue;
        }
        id = next_message(d, slot, &m, &ext);
        if (id < 0) {
            log_line("cannot go on", "receive failed");
            return;
        }
        if (id == 0) {
            if (m.w[0] & NOTIFY_ROOM)
                due_retry(&d->due, PORT);
            if (m.w[0] == 1ul << BIT_INTERRUPT && kill_point_at(KILL_BLK_INTERRUPT, 0, 0))
                continue;
            if (m.w[0] & NOTIFY_HEARTBEAT ? device_watch(d) : device_service(d))
                return;
            heart_answer(m.w[0], HEART_BLK);
            continue;
        }
        /* Handles sent to us would pile up in our table: nobody needs them. */
        for (unsigned i = 0; i < ext.recv_handle_count; i++)
            sys_close(ext.recv_handles[i]);
        dispatch(d, slot, &m, ext.recv_len);
    }
}
