/*
 * The disk driver's server on a kernel, clients and a device that are played here:
 * the device's registers and memory are not (virtq_device.c has those), only the
 * requests it is given and the completions it reports.
 *
 * host-test:
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/messages.h"
#include "test/host/lib_server.h"

static long sys_irq_bind(int interrupt, int port, unsigned bit);

#include "user/lib/due.c"

#include "user/blk/server.c"

/* ------------------------------------------------------- the fake machine */

#define REQUESTS   256
#define QUIET_PORT 9
#define SECTORS    1000u
#define SLOT_PADDR 0x200000ul

static struct driver driver;
static char memory[BLK_SLOTS_MAX][BLK_SLOT_BYTES];

static struct request {
    struct message m;
    unsigned long len;
    unsigned handles;
} requests[REQUESTS];
static unsigned requests_in, requests_out;

static struct {
    bool given;
    long status;
    unsigned long w1, w2, len;
    char first;
} answers[REQUESTS];

static struct {
    bool busy;
    enum virtio_blk_op op;
    uint64_t sector;
    uint32_t bytes;
} flight[BLK_SLOTS_MAX];
static unsigned in_flight, most_in_flight, submitted, kicks, resets, starts;
static unsigned hold;    /* the device completes nothing before this many are in flight */
static int bound_port;   /* where the interrupt goes */
static bool pending[16]; /* notification bit of each port */
static bool line_raised, line_masked, breaks, needs_reset, start_fails;
static unsigned order;      /* of completion: varies */
static unsigned fails_left; /* requests that fail */
static long dead_id, refuses_id;
static unsigned closed, again_left; /* replies with data that find no room */
static bool room_asked;
static unsigned long timer_ns;
static unsigned beats, heartbeats; /* given; to be asked for yet */
static bool lost;                  /* the device does its work, and its interrupts are lost */
static bool hangs;                 /* the device does nothing */
static bool flush_hangs;           /* it does no flush */
static long flush_awaits;          /* this one is answered after the writes before it; 0: any */

static void interrupt_update(void)
{
    if (line_raised && !line_masked && !lost) {
        line_masked = true;
        pending[bound_port] = true;
    }
}

/* Has the device something to do, and does it? */
static bool works(void)
{
    for (unsigned i = 0; i < BLK_SLOTS_MAX && !hangs; i++)
        if (flight[i].busy && !(flush_hangs && flight[i].op == VIRTIO_BLK_FLUSH))
            return true;
    return false;
}

int virtio_blk_submit(struct virtio_blk *blk, unsigned request, enum virtio_blk_op op,
                      uint64_t sector, struct virtq_segment *data, unsigned count)
{
    CHECK(request < BLK_SLOTS_MAX && !flight[request].busy);
    if (op != VIRTIO_BLK_FLUSH) {
        CHECK(count == 1 && data->paddr == SLOT_PADDR + request * BLK_SLOT_BYTES);
        if (!data->len || data->len % 512 || data->len > BLK_SLOT_BYTES || sector >= blk->sectors ||
            data->len / 512 > blk->sectors - sector)
            return -EINVAL;
        if (op == VIRTIO_BLK_WRITE && blk->read_only)
            return -EROFS;
    }
    for (unsigned i = 0; op == VIRTIO_BLK_FLUSH && i < BLK_SLOTS_MAX; i++)
        if (flight[i].busy && flight[i].op == VIRTIO_BLK_WRITE)
            CHECK(driver.slot[i].id > driver.slot[request].id && driver.slot[request].id);
    flight[request].busy = true;
    flight[request].op = op;
    flight[request].sector = sector;
    flight[request].bytes = count ? data->len : 0;
    in_flight++;
    submitted++;
    if (in_flight > most_in_flight)
        most_in_flight = in_flight;
    return 0;
}

void virtio_blk_notify(struct virtio_blk *blk)
{
    (void)blk;
    kicks++;
    if (in_flight >= hold && !hangs)
        line_raised = true;
    interrupt_update();
}

int virtio_blk_poll(struct virtio_blk *blk, unsigned *request, int *result)
{
    (void)blk;
    if (breaks)
        return -EIO;
    if (!works())
        return 0;
    if (in_flight < hold || !in_flight)
        return 0;
    do
        *request = order++ * 5 % BLK_SLOTS_MAX;
    while (!flight[*request].busy || (flush_hangs && flight[*request].op == VIRTIO_BLK_FLUSH));
    flight[*request].busy = false;
    in_flight--;
    hold = 0;
    if (flight[*request].op == VIRTIO_BLK_READ)
        memset(memory[*request], (char)flight[*request].sector, flight[*request].bytes);
    *result = fails_left ? -EOPNOTSUPP : 0;
    fails_left -= fails_left > 0;
    return 1;
}

uint32_t virtio_interrupt(volatile void *registers)
{
    (void)registers;
    if (!line_raised)
        return 0;
    line_raised = false;
    return needs_reset ? VIRTIO_IRQ_CONFIG : VIRTIO_IRQ_QUEUE;
}

bool virtio_needs_reset(const volatile void *registers)
{
    (void)registers;
    return needs_reset;
}

int virtio_reset(volatile void *registers)
{
    (void)registers;
    resets++;
    memset(flight, 0, sizeof(flight));
    in_flight = 0;
    breaks = needs_reset = line_raised = hangs = false;
    return 0;
}

int driver_start(struct driver *d)
{
    (void)d;
    starts++;
    return start_fails ? -EIO : 0;
}

void log_line(const char *what, const char *why)
{
    (void)what;
    (void)why;
}

static long take_bit(int port, struct message *m)
{
    if (!pending[port])
        return -1;
    pending[port] = false;
    m->id = 0;
    m->w[0] = 1ul << BIT_INTERRUPT;
    return 0;
}

long ipc_receive(int port, struct message *m, struct ipc_ext *ext)
{
    struct request *r = &requests[requests_out];

    if (works() && (port == QUIET_PORT || requests_out == requests_in)) {
        hold = needs_reset
                   ? hold
                   : 0; /* nobody does anything else: time passes until the device is done */
        line_raised = true;
        interrupt_update();
    }
    if (take_bit(port, m) == 0)
        return 0;
    if (port == QUIET_PORT && timer_ns) { /* nothing else happens */
        timer_ns = 0;
        m->id = 0;
        m->w[0] = 1ul << BIT_WATCH;
        return 0;
    }
    if (heartbeats && requests_out == requests_in) {
        heartbeats--;
        m->id = 0;
        m->w[0] = NOTIFY_HEARTBEAT;
        return 0;
    }
    if (port == QUIET_PORT) {
        printf("Bail out! waits for an interrupt that never comes\n");
        exit(1);
    }
    if (room_asked) { /* and now there is some */
        room_asked = false;
        m->id = 0;
        m->w[0] = NOTIFY_ROOM;
        return 0;
    }
    if (requests_out == requests_in)
        return -EPIPE;                           /* the script is over: the server returns */
    for (unsigned i = 0; i < BLK_SLOTS_MAX; i++) /* not into memory the device has */
        CHECK(ext->recv_addr != (unsigned long)memory[i] || !flight[i].busy);
    CHECK(ext->recv_cap == BLK_SLOT_BYTES);
    requests_out++;
    *m = r->m;
    ext->recv_len = r->len;
    memset((void *)ext->recv_addr, 'w', r->len);
    ext->recv_handle_count = r->handles;
    for (unsigned i = 0; i < r->handles; i++)
        ext->recv_handles[i] = 70;
    return m->id;
}

long ipc_reply(int port, long id, const struct message *m, struct ipc_ext *ext)
{
    CHECK(port == PORT && id > 0 && id < REQUESTS && !answers[id].given);
    for (long i = 1; id == flush_awaits && i < id; i++)
        CHECK(answers[i].given || i == dead_id);
    if (id == dead_id)
        return -ECANCELED;
    if (id == refuses_id && ext && ext->send_len)
        return -EMSGSIZE;
    if (again_left && ext && ext->send_len) {
        again_left--;
        room_asked = true;
        return -EAGAIN;
    }
    answers[id].given = true;
    answers[id].status = (long)m->w[0];
    answers[id].w1 = m->w[1];
    answers[id].w2 = m->w[2];
    answers[id].len = ext ? ext->send_len : 0;
    answers[id].first = answers[id].len ? *(char *)ext->send_addr : 0;
    return 0;
}

long ipc_reply_receive(int port, long id, struct message *m, struct ipc_ext *ext)
{
    long err = ipc_reply(port, id, m, ext);

    return err ? err : ipc_receive(port, m, ext);
}

static long sys_irq_bind(int interrupt, int port, unsigned bit)
{
    CHECK(interrupt == INTERRUPT && bit == BIT_INTERRUPT && (port == PORT || port == QUIET_PORT));
    bound_port = port;
    return 0;
}

long sys_irq_ack(int interrupt)
{
    CHECK(interrupt == INTERRUPT);
    line_masked = false;
    interrupt_update();
    return 0;
}

long sys_notify(int port, unsigned long bits)
{
    CHECK(port == HEART && bits == 1ul << HEART_BLK);
    beats++;
    return 0;
}

long sys_port_timer(int port, unsigned bit, unsigned long ns)
{
    CHECK(port == QUIET_PORT && bit == BIT_WATCH);
    timer_ns = ns;
    return 0;
}

long sys_close(int handle)
{
    CHECK(handle == 70);
    closed++;
    return 0;
}

/* ----------------------------------------------------------------- tests */

static void fresh(void)
{
    memset(&driver, 0, sizeof(driver));
    driver.quiet_port = QUIET_PORT;
    driver.slots = BLK_SLOTS_MAX;
    for (unsigned i = 0; i < BLK_SLOTS_MAX; i++) {
        driver.slot[i].memory = memory[i];
        driver.slot[i].paddr = SLOT_PADDR + i * BLK_SLOT_BYTES;
    }
    driver.disk.sectors = SECTORS;
    driver.disk.has_flush = true;
    memset(requests, 0, sizeof(requests));
    memset(answers, 0, sizeof(answers));
    memset(flight, 0, sizeof(flight));
    memset(pending, 0, sizeof(pending));
    requests_in = requests_out = 1;
    in_flight = most_in_flight = submitted = kicks = resets = starts = hold = order = 0;
    line_raised = line_masked = breaks = needs_reset = start_fails = false;
    fails_left = closed = again_left = 0;
    room_asked = hangs = flush_hangs = false;
    flush_awaits = 0;
    beats = heartbeats = 0;
    timer_ns = 0;
    dead_id = refuses_id = 0;
    bound_port = PORT;
}

static struct request *add(unsigned long number, unsigned long w1, unsigned long w2,
                           unsigned long len)
{
    struct request *r = &requests[requests_in];

    r->m.w[0] = number;
    r->m.w[1] = w1;
    r->m.w[2] = w2;
    r->m.origin = RIGHT_READ | RIGHT_WRITE | RIGHT_CALL;
    r->m.id = (long)requests_in++;
    r->len = len;
    return r;
}

static bool answered(long id, long status, unsigned long len)
{
    bool good = answers[id].given && answers[id].status == status && answers[id].len == len;

    if (!good)
        printf("# request %ld: given %d, status %ld, %lu bytes\n", id, answers[id].given,
               answers[id].status, answers[id].len);
    return good;
}

static void test_service(void)
{
    fresh();
    add(MSG_BLK_INFO, 0, 0, 0);
    add(MSG_BLK_READ, 7, 2, 0);
    add(MSG_BLK_WRITE, 9, 0, 1024);
    add(MSG_BLK_FLUSH, 0, 0, 0);
    add(MSG_BLK_READ, SECTORS - 128, 128, 0);
    server_run(&driver);
    CHECK(answered(1, 0, 0) && answers[1].w1 == SECTORS && answers[1].w2 == 0);
    CHECK(answered(2, 0, 1024) && answers[2].first == 7);
    CHECK(answered(3, 0, 0) && answered(4, 0, 0) && answered(5, 0, BLK_SLOT_BYTES));
    CHECK(submitted == 4 && kicks == 4);
    check_end("info, read, write, flush");

    fresh();
    driver.disk.has_flush = false;
    driver.disk.read_only = true;
    add(MSG_BLK_FLUSH, 0, 0, 0);
    add(MSG_BLK_WRITE, 0, 0, 512);
    add(MSG_BLK_INFO, 0, 0, 0);
    server_run(&driver);
    CHECK(answered(1, 0, 0) && answered(2, -EROFS, 0) && answers[3].w2 == 1 && submitted == 0);
    check_end("a read-only disk without a cache");

    for (unsigned i = 0; i < 3; i++) {
        fresh();
        driver.disk.has_flush = i > 0;
        add(MSG_BLK_WRITE, 1, 0, 512);
        add(MSG_BLK_WRITE, 2, 0, 512);
        add(MSG_BLK_FLUSH, 0, 0, 0);
        add(MSG_BLK_WRITE, 3, 0, 512);
        add(MSG_BLK_READ, 7, 1, 0);
        add(MSG_FSYNC, 0, 0, 0);
        dead_id = i == 2 ? 1 : 0; /* who wrote it is dead: the flush awaits it all the same */
        hold = 4;
        flush_awaits = 3;
        server_run(&driver);
        CHECK(answered(3, 0, 0) && answered(4, 0, 0) && answered(6, 0, 0));
        CHECK(submitted == (i ? 6 : 4));
    }
    check_end("a flush waits for the writes before it");
}

static void test_malformed(void)
{
    fresh();
    add(MSG_BLK_READ, 0, 0, 0);
    add(MSG_BLK_READ, 0, 129, 0);
    add(MSG_BLK_READ, 0, ~0ul, 0);
    add(MSG_BLK_READ, SECTORS, 1, 0);
    add(MSG_BLK_READ, ~0ul, 2, 0);
    add(MSG_BLK_READ, 0, 1, 512);
    add(MSG_BLK_WRITE, 0, 0, 0);
    add(MSG_BLK_WRITE, 0, 0, 100);
    add(MSG_BLK_WRITE, SECTORS - 1, 0, 1024);
    add(MSG_BLK_FLUSH, 0, 0, 5);
    add(MSG_BLK_INFO, 0, 0, 5);
    server_run(&driver);
    for (long id = 1; id <= 11; id++)
        CHECK(answered(id, -EINVAL, 0));
    CHECK(submitted == 0);
    check_end("malformed requests are -EINVAL");

    fresh();
    add(MSG_BLK_READ, 0, 1, 0)->m.origin = RIGHT_WRITE | RIGHT_CALL;
    add(MSG_BLK_WRITE, 0, 0, 512)->m.origin = RIGHT_READ | RIGHT_CALL;
    add(MSG_CLOSE, 0, 0, 0);
    add(MSG_SYNC, 0, 0, 0);
    add(MSG_CLOSE, 0, 0, 0)->m.origin = ORIGIN_KERNEL;
    add(MSG_SYNC, 0, 0, 0)->m.origin = ORIGIN_KERNEL;
    add(MSG_OPEN, 0, 0, 100);
    add(~0ul, 0, 0, 0)->handles = 4;
    server_run(&driver);
    for (long id = 1; id <= 4; id++)
        CHECK(answered(id, -EPERM, 0));
    CHECK(answered(5, 0, 0) && answered(6, 0, 0) && submitted == 1);
    CHECK(answered(7, -ENOSYS, 0) && answered(8, -ENOSYS, 0) && closed == 4);
    check_end("rights, the kernel's own messages, and unknown ones");
}

static void test_many(void)
{
    fresh();
    hold = BLK_SLOTS_MAX; /* all slots fill before anything completes */
    for (unsigned i = 1; i < REQUESTS; i++) {
        if (i % 3)
            add(MSG_BLK_READ, i, 1 + i % 4, 0);
        else
            add(MSG_BLK_WRITE, i, 0, 512);
        if (i % 40 == 0)
            hold = BLK_SLOTS_MAX;
    }
    server_run(&driver);
    for (long id = 1; id < REQUESTS; id++)
        CHECK(id % 3 ? answered(id, 0, 512 * (1 + (unsigned long)id % 4)) &&
                           answers[id].first == (char)id
                     : answered(id, 0, 0));
    CHECK(most_in_flight == BLK_SLOTS_MAX && bound_port == PORT);
    check_end("more requests than slots: all served, each with its own data");
}

static void test_clients(void)
{
    fresh();
    dead_id = 1;
    refuses_id = 2;
    again_left = 3;
    for (unsigned i = 1; i <= 20; i++)
        add(MSG_BLK_READ, i, 1, 0);
    server_run(&driver);
    CHECK(!answers[1].given && answered(2, -EMSGSIZE, 0) && again_left == 0);
    for (long id = 3; id <= 20; id++)
        CHECK(answered(id, 0, 512));
    check_end("clients that died, gave no room, or whose data found none in the kernel");
}

static void test_device_failures(void)
{
    fresh();
    fails_left = 2;
    for (unsigned i = 1; i <= 4; i++)
        add(MSG_BLK_READ, i, 1, 0);
    hold = 4;
    server_run(&driver);
    unsigned failed = 0;
    for (long id = 1; id <= 4; id++)
        failed += answers[id].status == -EIO && answers[id].len == 0;
    CHECK(failed == 2);
    check_end("an error of the medium is the request's own");

    for (unsigned how = 0; how < 2; how++) {
        fresh();
        for (unsigned i = 1; i <= 5; i++)
            add(MSG_BLK_READ, i, 1, 0);
        hold = 6;
        breaks = how == 0;
        needs_reset = how == 1;
        server_run(&driver);
        CHECK(resets == 1 && starts == 1);
        for (long id = 1; id <= 5; id++)
            CHECK(answered(id, -EIO, 0));
    }
    check_end("a device that breaks the protocol is reset, its requests fail");

    fresh();
    add(MSG_BLK_READ, 1, 1, 0);
    breaks = start_fails = true;
    server_run(&driver);
    CHECK(resets == 1 && starts == 1);
    check_end("one that does not start again ends the driver");
}

/* Interrupts that never come, and a device that never answers. */
static void test_silence(void)
{
    for (unsigned many = 0; many < 2; many++) {
        unsigned count = many ? BLK_SLOTS_MAX + 3 : 2;
        fresh();
        lost = true;
        heartbeats = 3;
        for (unsigned i = 1; i <= count; i++)
            add(MSG_BLK_READ, i, 1, 0);
        server_run(&driver);
        lost = false;
        CHECK(resets == 0 && beats >= 3);
        for (long id = 1; id <= (long)count; id++)
            CHECK(answered(id, 0, 512));
    }
    check_end("interrupts that are lost are made up for at the next look");

    for (unsigned many = 0; many < 2; many++) {
        unsigned count = many ? BLK_SLOTS_MAX : 2;
        fresh();
        hangs = true;
        heartbeats = 33;
        for (unsigned i = 1; i <= count; i++)
            add(MSG_BLK_READ, i, 1, 0);
        server_run(&driver);
        CHECK(resets == 1 && starts == 1 && beats >= 30);
        for (long id = 1; id <= (long)count; id++)
            CHECK(answered(id, -EIO, 0));
    }
    /* Many interrupts are no long time. */
    fresh();
    driver.slots = BLK_SLOTS_MIN;
    flush_hangs = true;
    add(MSG_BLK_FLUSH, 0, 0, 0);
    for (unsigned i = 0; i < 100; i++)
        add(MSG_BLK_READ, i, 1, 0);
    server_run(&driver);
    CHECK(resets == 0);
    for (long id = 2; id <= 101; id++)
        CHECK(answered(id, 0, 512));
    check_end("a device that hangs is reset, and the driver was well all the while");
}

int main(void)
{
    check_plan(12);
    test_service();
    test_malformed();
    test_many();
    test_clients();
    test_device_failures();
    test_silence();
    return check_exit();
}
