/*
 * The virtio code against a device in C that keeps to the specification, and one
 * that does not: every register access and every descriptor goes through here, so
 * that what the driver may not do is an error, and what the device may do is no
 * crash.
 *
 * host-test: kernel/lib/virtq.c kernel/lib/virtq_mmio.c kernel/lib/virtq_blk.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/errno.h"
#include "kernel/lib/virtq_blk.h"

static unsigned tests, failures, plan_failed;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);                               \
            plan_failed = 1;                                                                       \
        }                                                                                          \
    } while (0)

static void end_test(const char *name)
{
    printf("%sok %u %s\n", plan_failed ? "not " : "", ++tests, name);
    failures += plan_failed;
    plan_failed = 0;
}

/* ------------------------------------------------------- the fake machine */

#define RAM_BASE  0x123456000ull /* no pointer looks like this */
#define RAM_BYTES (1u << 20)
#define SECTORS   64u
#define QUEUE_MAX 128u

static unsigned char ram[RAM_BYTES] __attribute__((aligned(4096)));
static unsigned char medium[SECTORS * 512];

static void *ram_at(uint64_t paddr, uint64_t len)
{
    if (paddr < RAM_BASE || paddr - RAM_BASE > RAM_BYTES || len > RAM_BYTES - (paddr - RAM_BASE)) {
        printf("Bail out! the driver gave the device address %#llx\n", (unsigned long long)paddr);
        exit(1);
    }
    return ram + (paddr - RAM_BASE);
}

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

static struct device {
    uint32_t magic, version, id, status, queue_ready, queue_size, queue_max, interrupt;
    uint32_t features_at, driver_at, generation;
    uint64_t offered, accepted, sectors;
    uint64_t desc, driver, device;
    uint16_t seen, used;
    unsigned notified, resets;
    /* faults to inject */
    bool refuses_features, ignores_reset, unstable_config, lazy;
    uint8_t answer;     /* status byte for every request */
    bool silent_status; /* does not write the status byte */
    uint32_t short_by;  /* reports this much less than it wrote */
} dev;

static void device_work(void);

uint32_t virtio_read(const volatile void *registers, unsigned offset)
{
    (void)registers;
    switch (offset) {
    case VIRTIO_MAGIC:
        return dev.magic;
    case VIRTIO_VERSION:
        return dev.version;
    case VIRTIO_DEVICE_ID:
        return dev.id;
    case VIRTIO_DEVICE_FEATURES:
        return dev.features_at ? (uint32_t)(dev.offered >> 32) : (uint32_t)dev.offered;
    case VIRTIO_QUEUE_SIZE_MAX:
        return dev.queue_max;
    case VIRTIO_QUEUE_READY:
        return dev.queue_ready;
    case VIRTIO_INTERRUPT_STATUS:
        return dev.interrupt;
    case VIRTIO_STATUS:
        return dev.status;
    case VIRTIO_GENERATION:
        return dev.unstable_config ? dev.generation++ : dev.generation;
    case VIRTIO_CONFIG:
        return (uint32_t)dev.sectors;
    case VIRTIO_CONFIG + 4:
        return (uint32_t)(dev.sectors >> 32);
    }
    printf("Bail out! read of register %#x\n", offset);
    exit(1);
}

static void status_write(uint32_t value)
{
    if (value == 0) {
        dev.resets++;
        if (dev.ignores_reset)
            return;
        dev.queue_ready = dev.interrupt = 0;
        dev.seen = dev.used = 0;
        dev.accepted = 0;
    }
    CHECK(!(value & VIRTIO_DRIVER_OK) || dev.queue_ready);
    if ((value & VIRTIO_FEATURES_OK) && dev.refuses_features)
        value &= ~VIRTIO_FEATURES_OK;
    dev.status = value;
}

static void set_half(uint64_t *word, bool high, uint32_t value)
{
    *word =
        high ? (*word & 0xffffffffull) | (uint64_t)value << 32 : (*word & ~0xffffffffull) | value;
}

void virtio_write(volatile void *registers, unsigned offset, uint32_t value)
{
    (void)registers;
    switch (offset) {
    case VIRTIO_DEVICE_FEATURES_AT:
        dev.features_at = value;
        return;
    case VIRTIO_DRIVER_FEATURES_AT:
        dev.driver_at = value;
        return;
    case VIRTIO_DRIVER_FEATURES:
        set_half(&dev.accepted, dev.driver_at, value);
        return;
    case VIRTIO_QUEUE_AT:
        CHECK(value == 0);
        return;
    case VIRTIO_QUEUE_SIZE:
        dev.queue_size = value;
        return;
    case VIRTIO_QUEUE_READY:
        dev.queue_ready = value;
        return;
    case VIRTIO_QUEUE_NOTIFY:
        CHECK(value == 0 && (dev.status & VIRTIO_DRIVER_OK));
        dev.notified++;
        if (!dev.lazy)
            device_work();
        return;
    case VIRTIO_INTERRUPT_ACK:
        dev.interrupt &= ~value;
        return;
    case VIRTIO_STATUS:
        status_write(value);
        return;
    case VIRTIO_QUEUE_DESC:
    case VIRTIO_QUEUE_DESC + 4:
        set_half(&dev.desc, offset & 4, value);
        return;
    case VIRTIO_QUEUE_DRIVER:
    case VIRTIO_QUEUE_DRIVER + 4:
        set_half(&dev.driver, offset & 4, value);
        return;
    case VIRTIO_QUEUE_DEVICE:
    case VIRTIO_QUEUE_DEVICE + 4:
        set_half(&dev.device, offset & 4, value);
        return;
    }
    printf("Bail out! write of register %#x\n", offset);
    exit(1);
}

static uint16_t *driver_ring(void)
{
    return ram_at(dev.driver, 4 + 2 * dev.queue_size);
}

static void device_complete(uint32_t id, uint32_t len)
{
    unsigned char *ring = ram_at(dev.device, 4 + 8 * dev.queue_size);
    uint32_t entry[2] = {id, len};

    memcpy(ring + 4 + 8 * (dev.used % dev.queue_size), entry, 8);
    dev.used++;
    memcpy(ring + 2, &dev.used, 2);
    dev.interrupt |= VIRTIO_IRQ_QUEUE;
}

/* Carry out one request as section 5.2.6 says. */
static void device_request(uint16_t head)
{
    struct desc *table = ram_at(dev.desc, 16 * dev.queue_size);
    struct desc *d = &table[head];
    uint32_t type, written = 0;
    uint64_t sector;
    unsigned char *header = ram_at(d->addr, d->len);
    uint8_t status = dev.answer;

    CHECK(d->len == 16 && (d->flags & 3) == 1);
    memcpy(&type, header, 4);
    memcpy(&sector, header + 8, 8);
    for (d = &table[d->next]; d->flags & 1; d = &table[d->next]) {
        void *data = ram_at(d->addr, d->len);

        CHECK(type != 4 && (d->flags & 2) == (type == 0 ? 2 : 0));
        if (status == 0 && sector * 512 + d->len <= sizeof(medium)) {
            if (type == 0)
                memcpy(data, medium + sector * 512, d->len);
            else
                memcpy(medium + sector * 512, data, d->len);
        }
        sector += d->len / 512;
        written += type == 0 ? d->len : 0;
    }
    CHECK(d->len == 1 && (d->flags & 3) == 2);
    if (!dev.silent_status)
        memcpy(ram_at(d->addr, 1), &status, 1);
    device_complete(head, written + 1 - dev.short_by);
}

static void device_work(void)
{
    uint16_t *ring = driver_ring();

    while (dev.seen != ring[1])
        device_request(ring[2 + dev.seen++ % dev.queue_size]);
}

/* ---------------------------------------------------------------- set-up */

static struct virtio_blk blk;
static char window[4]; /* its address is all that matters */

#define REQUESTS    8
#define DESCRIPTORS 32
#define DATA        (64u << 10) /* where data buffers begin in ram */

static void device_new(void)
{
    dev = (struct device){.magic = VIRTIO_MAGIC_VALUE,
                          .version = 2,
                          .id = VIRTIO_ID_BLOCK,
                          .queue_max = QUEUE_MAX,
                          .sectors = SECTORS,
                          .offered = VIRTIO_F_VERSION_1 | VIRTIO_BLK_F_FLUSH | 1u << 28 | 1u << 29 |
                                     1ull << 34 | 0x46};
    memset(ram, 0xa5, sizeof(ram));
}

static int start(void)
{
    return virtio_blk_start(&blk, window, ram, RAM_BASE, REQUESTS, DESCRIPTORS);
}

static int submit(unsigned request, enum virtio_blk_op op, uint64_t sector, unsigned slot,
                  uint32_t bytes)
{
    struct virtq_segment data = {.paddr = RAM_BASE + DATA + slot * 65536ull, .len = bytes};
    int err = virtio_blk_submit(&blk, request, op, sector, &data, op != VIRTIO_BLK_FLUSH);

    if (!err)
        virtio_blk_notify(&blk);
    return err;
}

static unsigned char *slot_memory(unsigned slot)
{
    return ram + DATA + slot * 65536u;
}

/* ----------------------------------------------------------------- tests */

static void test_start(void)
{
    device_new();
    CHECK(start() == 0);
    CHECK(dev.accepted == (VIRTIO_F_VERSION_1 | VIRTIO_BLK_F_FLUSH));
    CHECK(dev.status ==
          (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK));
    CHECK(dev.queue_size == DESCRIPTORS && dev.desc == RAM_BASE);
    CHECK(dev.driver % 2 == 0 && dev.device % 4 == 0 && dev.device > dev.driver);
    CHECK(blk.sectors == SECTORS && !blk.read_only && blk.has_flush);
    for (size_t i = virtio_blk_bytes(REQUESTS, DESCRIPTORS); i < DATA; i++)
        if (ram[i] != 0xa5) {
            CHECK(!"wrote outside the memory given");
            break;
        }
    end_test("start negotiates VERSION_1 and FLUSH and nothing else");

    device_new();
    dev.offered |= VIRTIO_BLK_F_RO;
    dev.offered &= ~VIRTIO_BLK_F_FLUSH;
    CHECK(start() == 0 && blk.read_only && !blk.has_flush);
    CHECK(submit(0, VIRTIO_BLK_WRITE, 0, 0, 512) == -EROFS);
    CHECK(submit(0, VIRTIO_BLK_READ, 0, 0, 512) == 0);
    end_test("a read-only disk is read and not written");
}

static void test_start_refuses(void)
{
    uint32_t id;

    device_new();
    dev.magic = 0;
    CHECK(start() == -ENODEV && virtio_probe(window, &id) == VIRTIO_ABSENT && id == 0);
    device_new();
    dev.id = 0;
    CHECK(start() == -ENODEV && virtio_probe(window, &id) == VIRTIO_ABSENT);
    device_new();
    dev.id = 1;
    CHECK(start() == -ENODEV && virtio_probe(window, &id) == VIRTIO_MODERN && id == 1);
    device_new();
    dev.version = 1;
    CHECK(start() == -EOPNOTSUPP && virtio_probe(window, &id) == VIRTIO_LEGACY);
    CHECK(strstr(virtio_explain(-EOPNOTSUPP), "force-legacy=false"));
    CHECK(dev.resets == 0);
    end_test("what is no modern block device is not touched");

    device_new();
    dev.offered &= ~VIRTIO_F_VERSION_1;
    CHECK(start() == -EOPNOTSUPP && (dev.status & VIRTIO_FAILED));
    device_new();
    dev.refuses_features = true;
    CHECK(start() == -EIO && (dev.status & VIRTIO_FAILED));
    device_new();
    dev.queue_max = DESCRIPTORS - 1;
    CHECK(start() == -EINVAL && (dev.status & VIRTIO_FAILED) && !dev.queue_ready);
    device_new();
    dev.ignores_reset = true;
    dev.status = VIRTIO_DRIVER_OK;
    CHECK(start() == -EIO);
    device_new();
    dev.unstable_config = true;
    CHECK(start() == -EIO && !(dev.status & VIRTIO_DRIVER_OK));
    device_new();
    CHECK(virtio_blk_start(&blk, window, ram, RAM_BASE, 0, 32) == -EINVAL);
    CHECK(virtio_blk_start(&blk, window, ram, RAM_BASE, VIRTIO_BLK_REQUESTS + 1, 32) == -EINVAL);
    CHECK(virtio_blk_start(&blk, window, ram, RAM_BASE, 8, 24) == -EINVAL);
    CHECK(virtio_blk_start(&blk, window, ram, RAM_BASE, 8, 2 * VIRTQ_MAX) == -EINVAL);
    end_test("a device that misbehaves at the start is given up");
}

static void test_data(void)
{
    unsigned request = 99;
    int result = 99;

    device_new();
    CHECK(start() == 0);
    for (unsigned i = 0; i < sizeof(medium); i++)
        medium[i] = (unsigned char)(i * 7 + i / 512);
    CHECK(virtio_blk_poll(&blk, &request, &result) == 0);
    CHECK(submit(3, VIRTIO_BLK_READ, 5, 1, 4 * 512) == 0);
    CHECK(virtio_interrupt(window) == VIRTIO_IRQ_QUEUE && dev.interrupt == 0);
    CHECK(virtio_blk_poll(&blk, &request, &result) == 1 && request == 3 && result == 0);
    CHECK(memcmp(slot_memory(1), medium + 5 * 512, 4 * 512) == 0);
    CHECK(slot_memory(1)[4 * 512] == 0xa5);
    memset(slot_memory(2), 0x5a, 1024);
    CHECK(submit(7, VIRTIO_BLK_WRITE, SECTORS - 2, 2, 1024) == 0);
    CHECK(virtio_blk_poll(&blk, &request, &result) == 1 && request == 7 && result == 0);
    CHECK(memcmp(medium + sizeof(medium) - 1024, slot_memory(2), 1024) == 0);
    CHECK(submit(0, VIRTIO_BLK_FLUSH, 0, 0, 0) == 0);
    CHECK(virtio_blk_poll(&blk, &request, &result) == 1 && request == 0 && result == 0);
    CHECK(virtio_blk_poll(&blk, &request, &result) == 0);
    end_test("read, write and flush");
}

static void test_segments(void)
{
    struct virtq_segment data[VIRTIO_BLK_SEGMENTS + 1];
    unsigned request;
    int result;

    device_new();
    CHECK(start() == 0);
    for (unsigned i = 0; i < VIRTIO_BLK_SEGMENTS + 1; i++)
        data[i] = (struct virtq_segment){.paddr = RAM_BASE + DATA + i * 8192ull, .len = 512};
    CHECK(virtio_blk_submit(&blk, 0, VIRTIO_BLK_READ, 1, data, 20) == 0);
    virtio_blk_notify(&blk);
    CHECK(virtio_blk_poll(&blk, &request, &result) == 1 && result == 0);
    for (unsigned i = 0; i < 20; i++)
        CHECK(memcmp(ram + DATA + i * 8192, medium + (1 + i) * 512, 512) == 0);
    CHECK(virtio_blk_submit(&blk, 0, VIRTIO_BLK_READ, 1, data, VIRTIO_BLK_SEGMENTS + 1) == -EINVAL);
    CHECK(virtio_blk_submit(&blk, 0, VIRTIO_BLK_READ, 1, data, VIRTIO_BLK_SEGMENTS) == -EINVAL);
    end_test("one request over many pieces of memory");
}

static void test_bad_requests(void)
{
    struct virtq_segment odd[2] = {{RAM_BASE + DATA, 256, false}, {RAM_BASE + DATA, 512, false}};

    device_new();
    CHECK(start() == 0);
    CHECK(submit(0, VIRTIO_BLK_READ, SECTORS, 0, 512) == -EINVAL);
    CHECK(submit(0, VIRTIO_BLK_READ, SECTORS - 1, 0, 1024) == -EINVAL);
    CHECK(submit(0, VIRTIO_BLK_READ, ~0ull, 0, 1024) == -EINVAL);
    CHECK(submit(0, VIRTIO_BLK_WRITE, 0, 0, 0) == -EINVAL);
    CHECK(submit(0, VIRTIO_BLK_WRITE, 0, 0, 511) == -EINVAL);
    CHECK(submit(REQUESTS, VIRTIO_BLK_READ, 0, 0, 512) == -EINVAL);
    CHECK(submit(~0u, VIRTIO_BLK_READ, 0, 0, 512) == -EINVAL);
    CHECK(virtio_blk_submit(&blk, 0, VIRTIO_BLK_READ, 0, odd, 2) == -EINVAL);
    CHECK(virtio_blk_submit(&blk, 0, VIRTIO_BLK_FLUSH, 0, odd, 1) == -EINVAL);
    CHECK(virtio_blk_submit(&blk, 0, VIRTIO_BLK_READ, 0, odd, 0) == -EINVAL);
    dev.lazy = true;
    CHECK(submit(0, VIRTIO_BLK_READ, 0, 0, 512) == 0);
    CHECK(submit(0, VIRTIO_BLK_READ, 0, 0, 512) == -EBUSY);
    CHECK(blk.queue.in_flight == 1 && blk.queue.free_count == DESCRIPTORS - 3);
    end_test("bad requests are refused and cost nothing");
}

/* Many in flight, completed in other orders, round and round the rings. */
static void test_out_of_order(void)
{
    unsigned seen = 0, request, wrong = 0;
    uint16_t heads[REQUESTS];
    int result;

    device_new();
    CHECK(start() == 0);
    dev.lazy = true;
    for (unsigned round = 0; round < 20000; round++) {
        uint16_t *ring = driver_ring();
        unsigned n = 1 + round % REQUESTS;

        for (unsigned i = 0; i < n; i++)
            wrong += submit(i, VIRTIO_BLK_READ, (round + i) % SECTORS, i, 512) != 0;
        for (unsigned i = 0; i < n; i++)
            heads[i] = ring[2 + dev.seen++ % dev.queue_size];
        for (unsigned i = 0; i < n; i++) /* a permutation that differs by round */
            device_request(heads[(round + (round & 8 ? n - 1 - i : i)) % n]);
        for (unsigned i = 0, mask = 0; i < n; i++, seen++) {
            wrong += virtio_blk_poll(&blk, &request, &result) != 1 || result || mask >> request & 1;
            mask |= 1u << request;
            wrong += memcmp(slot_memory(request), medium + (round + request) % SECTORS * 512, 512);
            if (wrong)
                break;
        }
        if (wrong)
            break;
    }
    CHECK(wrong == 0);
    CHECK(seen > 80000 && blk.queue.free_count == DESCRIPTORS && blk.queue.in_flight == 0);
    end_test("completion in any order, with wrapping indices");
}

static void test_descriptors_run_out(void)
{
    unsigned request;
    int result, got = 0;

    device_new();
    CHECK(virtio_blk_start(&blk, window, ram, RAM_BASE, REQUESTS, 8) == 0);
    dev.lazy = true;
    CHECK(submit(0, VIRTIO_BLK_READ, 0, 0, 512) == 0);
    CHECK(submit(1, VIRTIO_BLK_READ, 1, 1, 512) == 0);
    CHECK(submit(2, VIRTIO_BLK_READ, 2, 2, 512) == -EAGAIN);
    CHECK(submit(2, VIRTIO_BLK_FLUSH, 0, 0, 0) == 0);
    device_work();
    while (virtio_blk_poll(&blk, &request, &result) == 1)
        got += result == 0;
    CHECK(got == 3 && submit(2, VIRTIO_BLK_READ, 2, 2, 512) == 0);
    end_test("short of descriptors: -EAGAIN, then it goes on");
}

static void test_no_notify(void)
{
    uint16_t quiet = 1;

    device_new();
    CHECK(start() == 0);
    memcpy(ram_at(dev.device, 2), &quiet, 2);
    CHECK(submit(0, VIRTIO_BLK_READ, 0, 0, 512) == 0 && dev.notified == 0);
    quiet = 0;
    memcpy(ram_at(dev.device, 2), &quiet, 2);
    CHECK(submit(1, VIRTIO_BLK_READ, 0, 1, 512) == 0 && dev.notified == 1);
    end_test("the doorbell is left alone when the device says so");
}

static int one_read(void)
{
    unsigned request;
    int result = 1;

    CHECK(submit(0, VIRTIO_BLK_READ, 0, 0, 512) == 0);
    CHECK(virtio_blk_poll(&blk, &request, &result) == 1 && request == 0);
    return result;
}

static void test_device_errors(void)
{
    device_new();
    CHECK(start() == 0);
    dev.answer = 1;
    CHECK(one_read() == -EIO);
    dev.answer = 2;
    CHECK(one_read() == -EOPNOTSUPP);
    dev.answer = 77;
    CHECK(one_read() == -EIO);
    dev.answer = 0;
    dev.silent_status = true;
    CHECK(one_read() == -EIO);
    dev.silent_status = false;
    dev.short_by = 2;
    CHECK(one_read() == -EIO);
    dev.short_by = 0;
    CHECK(one_read() == 0);
    end_test("errors of the medium are the request's own");
}

/* One request in flight, then the device says this of it. */
static int garbage(uint32_t id, uint32_t len, unsigned times)
{
    unsigned request;
    int result, got = 0;

    device_new();
    CHECK(start() == 0);
    dev.lazy = true;
    CHECK(submit(0, VIRTIO_BLK_READ, 0, 0, 512) == 0);
    while (times--)
        device_complete(id, len);
    for (unsigned i = 0; i < 4 && (got = virtio_blk_poll(&blk, &request, &result)) > 0; i++)
        ;
    CHECK(got < 0 ? submit(1, VIRTIO_BLK_READ, 0, 1, 512) == -EIO : true);
    CHECK(got < 0 ? virtio_blk_poll(&blk, &request, &result) == -EIO : true);
    return got;
}

static void test_garbage(void)
{
    unsigned char noise[65536];

    CHECK(garbage(0, 513, 1) == 0);     /* as it should be */
    CHECK(garbage(1, 513, 1) == -EIO);  /* not a head */
    CHECK(garbage(5, 513, 1) == -EIO);  /* not in use */
    CHECK(garbage(32, 513, 1) == -EIO); /* out of the table */
    CHECK(garbage(~0u, 513, 1) == -EIO);
    CHECK(garbage(65536, 513, 1) == -EIO);
    CHECK(garbage(0, 514, 1) == -EIO); /* more than the buffers hold */
    CHECK(garbage(0, ~0u, 1) == -EIO);
    CHECK(garbage(0, 513, 2) == -EIO); /* twice */
    CHECK(garbage(0, 513, 40000) == -EIO);
    end_test("garbage ids, lengths and indices: -EIO, and no more");

    CHECK(virtio_reset(window) == 0);
    dev.lazy = false;
    CHECK(start() == 0 && one_read() == 0);
    end_test("after a reset and a new start the disk works");

    for (unsigned round = 0; round < 300; round++) {
        unsigned request;
        int result;

        device_new();
        CHECK(start() == 0);
        dev.lazy = true;
        for (unsigned i = 0; i < REQUESTS; i++)
            CHECK(submit(i, VIRTIO_BLK_READ, i, i, 512) == 0);
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (unsigned char)(rand() >> 8);
        /* The device scribbles over all it shares with us. */
        memcpy(ram, noise, virtio_blk_bytes(REQUESTS, DESCRIPTORS));
        for (unsigned i = 0; i < 100; i++)
            if (virtio_blk_poll(&blk, &request, &result) == 1)
                CHECK(request < REQUESTS);
        if (!blk.queue.broken)
            for (unsigned i = 0; i < REQUESTS; i++)
                submit(i, VIRTIO_BLK_WRITE, i, i, 512);
    }
    end_test("shared memory full of noise harms nobody");
}

int main(void)
{
    printf("KTAP version 1\n1..14\n");
    test_start();
    test_start_refuses();
    test_data();
    test_segments();
    test_bad_requests();
    test_out_of_order();
    test_descriptors_run_out();
    test_no_notify();
    test_device_errors();
    test_garbage();
    return failures ? 1 : 0;
}
