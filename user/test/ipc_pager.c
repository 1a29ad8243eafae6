/*
 * A pager written here: pages in and out, reservations, failures, nonsense, and
 * what happens while transfers are under way.
 *
 * test: points=6
 */
#include "user/test/ipc_util.h"
#include <pthread.h>
#include <sys/mman.h>

#define KEY   0x5a5a00000001ul
#define PAGES 40
#define SIZE  (PAGES * 4096ul - 1000) /* the last page is not whole */

/* What the pager does; set before, read by its thread. */
static struct {
    int port;
    int in_error, out_error; /* answered in place of pages; 0: none */
    long in_short;           /* bytes sent fewer than asked for */
    long reserve;            /* < 0: error; else the most pages granted at a time */
    unsigned long holes;     /* the bitmap answered */
    unsigned long delay_ns;
    volatile unsigned ins, outs, reserves, pages_in, pages_out;
    volatile int stop;
} pager;

static unsigned char store[PAGES * 2 * 4096ul];
static char room[IPC_BUFFER_MAX];

static void page_in(struct message *m, struct ipc_ext *ext)
{
    unsigned long from = m->w[2] * 4096, n = m->w[3] * 4096;

    pager.ins++;
    pager.pages_in += (unsigned)m->w[3];
    if (pager.in_error || from + n > sizeof(store)) {
        m->w[0] = (unsigned long)(pager.in_error ? pager.in_error : -EIO);
        return;
    }
    ext->send_addr = (unsigned long)store + from;
    ext->send_len = n - (unsigned long)pager.in_short;
    m->w[0] = 0;
    m->w[1] = pager.holes;
}

static void page_out(struct message *m, const struct ipc_ext *ext)
{
    pager.outs++;
    pager.pages_out += (unsigned)m->w[3];
    m->w[0] = (unsigned long)pager.out_error;
    if (!pager.out_error && m->w[2] * 4096 + ext->recv_len <= sizeof(store))
        memcpy(store + m->w[2] * 4096, room, ext->recv_len);
}

static void serve_one(struct message *m, struct ipc_ext *ext)
{
    unsigned long number = m->w[0];

    ext->send_len = 0;
    if (!(m->origin & ORIGIN_KERNEL)) {
        m->w[0] = number == MSG_FSYNC ? 0 : (unsigned long)-EPERM;
        return;
    }
    if (pager.delay_ns && number != MSG_CLOSE)
        sys_sleep(pager.delay_ns);
    if (number == MSG_PAGE_IN)
        page_in(m, ext);
    else if (number == MSG_PAGE_OUT)
        page_out(m, ext);
    else if (number == MSG_RESERVE) {
        pager.reserves++;
        m->w[0] = pager.reserve < (long)m->w[3] ? (unsigned long)pager.reserve : m->w[3];
    } else {
        m->w[0] = 0; /* close, sync */
    }
}

static void *pager_thread(void *unused)
{
    struct ipc_ext ext = {.recv_addr = (unsigned long)room, .recv_cap = sizeof(room)};
    struct message m;
    long id = ipc_receive(pager.port, &m, &ext);

    (void)unused;
    while (id >= 0 && !pager.stop) {
        if (id == 0) {
            id = ipc_receive(pager.port, &m, &ext);
            continue;
        }
        serve_one(&m, &ext);
        id = ipc_reply_receive(pager.port, m.id, &m, &ext);
    }
    return (void *)id;
}

static pthread_t thread;
static int file;

/* The pager in a thread, and a session on its one object of `size` bytes. */
static int begin(unsigned long size)
{
    memset(&pager, 0, sizeof(pager));
    pager.reserve = 1000;
    pager.port = (int)sys_port_create();
    /* Junk follows the end in the last page: the kernel must not show it. */
    memset(store, 0, sizeof(store));
    pattern_fill(store, (size + 4095) & ~4095ul, 1, 0);
    file = make_file(pager.port, KEY, size);
    CHECK(pager.port >= 0 && file >= 0);
    CHECK_IS(pthread_create(&thread, 0, pager_thread, 0), 0);
    return 0;
}

/* Everything is given up: dirty pages are forgotten with it. */
static int end(void)
{
    CHECK_IS(sys_object_discard(pager.port, KEY), 0);
    pager.stop = 1;
    CHECK_IS(sys_notify(pager.port, 1), 0);
    CHECK_IS(pthread_join(thread, 0), 0);
    CHECK_IS(sys_close(file), 0);
    CHECK_IS(sys_close(pager.port), 0);
    return 0;
}

static struct abi_object_info info(void)
{
    struct abi_object_info i = {0};

    sys_object_info(pager.port, KEY, &i);
    return i;
}

static unsigned char data[PAGES * 2 * 4096ul];

static int reading(void *unused)
{
    unsigned ins;

    (void)unused;
    CHECK_IS(begin(SIZE), 0);
    CHECK_IS(sys_read(file, data, sizeof(data)), SIZE);
    CHECK_IS(pattern_check(data, SIZE, 1, 0), -1);
    CHECK_IS(sys_read(file, data, 10), 0);
    CHECK_IS(pager.pages_in, PAGES); /* each page once */
    CHECK(pager.ins <= PAGES / 4);   /* and several at a time */
    ins = pager.ins;
    CHECK_IS(sys_pread(file, data, 5000, SIZE - 3000), 3000);
    CHECK_IS(pattern_check(data, 3000, 1, SIZE - 3000), -1);
    CHECK_IS(sys_pread(file, data, 5000, SIZE), 0);
    CHECK_IS(sys_pread(file, data, 5000, 1ul << 62), 0);
    CHECK_IS(pager.ins, ins);
    CHECK_IS(info().resident, PAGES);
    CHECK_IS(info().dirty, 0);
    CHECK_IS(info().size, SIZE);
    CHECK_IS(info().sessions, 1);
    return end();
}

static int mapping(void *unused)
{
    unsigned char *p, *q;

    (void)unused;
    CHECK_IS(begin(SIZE), 0);
    p = mmap(0, SIZE, PROT_READ, MAP_SHARED, file, 0);
    q = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    CHECK(p != MAP_FAILED && q != MAP_FAILED);
    CHECK_IS(pattern_check(p, SIZE, 1, 0), -1);
    CHECK_IS(pattern_check(q, SIZE, 1, 0), -1);
    CHECK_IS(pager.pages_in, PAGES);
    for (unsigned long i = SIZE; i < PAGES * 4096ul; i++)
        CHECK_IS(p[i], 0); /* past the end of the file, in its last page */
    q[5000] ^= 0xff;
    CHECK_IS(p[5000], pattern_byte(1, 5000));
    CHECK_IS(info().mapped, 2);
    CHECK_IS(info().dirty, 0);
    CHECK_IS(munmap(p, SIZE), 0);
    CHECK_IS(munmap(q, SIZE), 0);
    CHECK_IS(info().mapped, 0);
    return end();
}

/* Written, stored on fsync, read again from the pager. */
static int writing(void *unused)
{
    (void)unused;
    CHECK_IS(begin(SIZE), 0);
    pattern_fill(data, 10000, 2, 0);
    CHECK_IS(sys_pwrite(file, data, 10000, 3000), 10000);
    CHECK_IS(info().dirty, 4);
    CHECK_IS(pager.reserves, 0); /* inside, and no holes: nothing to ask */
    CHECK_IS(pattern_check(store + 3000, 100, 1, 3000), -1);
    CHECK_IS(sys_fsync(file), 0);
    CHECK_IS(info().dirty, 0);
    CHECK_IS(pattern_check(store + 3000, 10000, 2, 0), -1);
    CHECK_IS(pattern_check(store, 3000, 1, 0), -1);
    CHECK_IS(pattern_check(store + 13000, 10000, 1, 13000), -1);
    CHECK_IS(pager.pages_out, 4);
    CHECK_IS(sys_fsync(file), 0);
    CHECK_IS(pager.pages_out, 4); /* clean: not sent again */
    CHECK(info().mtime_ns > 0);
    return end();
}

/* The same by stores to a shared mapping: each msync stores what is new since. */
static int syncing(void *unused)
{
    unsigned char *p;

    (void)unused;
    CHECK_IS(begin(SIZE), 0);
    p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(p != MAP_FAILED);
    for (unsigned long i = 0; i < PAGES; i++)
        CHECK_IS(p[i * 4096], pattern_byte(1, i * 4096)); /* mapped by loads first */
    CHECK_IS(info().dirty, 0);
    for (unsigned round = 1; round <= 3; round++) {
        p[5000] = p[20000] = (unsigned char)(100 + round);
        CHECK_IS(info().dirty, 2);
        CHECK_IS(msync(p, SIZE, MS_SYNC), 0);
        CHECK_IS(info().dirty, 0);
        CHECK_IS(pager.pages_out, 2 * round);
        CHECK(store[5000] == 100 + round && store[20000] == 100 + round);
    }
    CHECK_IS(msync(p, SIZE, MS_SYNC), 0);
    CHECK_IS(pager.pages_out, 6);
    p[0] = 7;
    pager.out_error = -EIO;
    CHECK(msync(p, SIZE, MS_SYNC) == -1 && errno == EIO);
    CHECK_IS(info().dirty, 1);
    CHECK_IS(munmap(p, SIZE), 0);
    return end();
}

static int growing(void *unused)
{
    (void)unused;
    CHECK_IS(begin(SIZE), 0);
    pattern_fill(data, 9000, 3, 0);
    CHECK_IS(sys_pwrite(file, data, 9000, SIZE), 9000);
    CHECK(pager.reserves > 0);
    CHECK_IS(info().size, SIZE + 9000);
    CHECK_IS(sys_pwrite(file, data, 10, SIZE + 30000), 10); /* over a gap */
    CHECK_IS(sys_pread(file, data, 21000, SIZE + 9000), 21000);
    for (unsigned i = 0; i < 21000; i++)
        CHECK_IS(data[i], 0);
    CHECK_IS(sys_fsync(file), 0);
    CHECK_IS(pattern_check(store + SIZE, 9000, 3, 0), -1);
    CHECK_IS(info().size, SIZE + 30010);
    CHECK_IS(sys_pwrite(file, data, 1, 1ul << 50), -EFBIG);
    return end();
}

/* Holes and growth need blocks; the pager has few, then none. */
static int no_space(void *unused)
{
    long n;
    unsigned char *p;

    (void)unused;
    CHECK_IS(begin(4096), 0);
    pager.reserve = 3;
    CHECK_IS(sys_pwrite(file, data, 10 * 4096, 4096), 10 * 4096); /* in several goes */
    CHECK(pager.reserves >= 4);
    pager.reserve = -ENOSPC;
    n = sys_pwrite(file, data, 100, 11 * 4096 - 50);
    CHECK(n == 50 || n == -ENOSPC); /* what fits, or nothing */
    CHECK_IS(sys_pwrite(file, data, 100, 11 * 4096), -ENOSPC);
    CHECK(info().size <= 11 * 4096);
    CHECK_IS(sys_pwrite(file, data, 4096, 0), 4096); /* overwriting needs none */
    p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(p != MAP_FAILED);
    p[1] = 7;
    CHECK_IS(sys_pread(file, data, 1, 1), 1);
    CHECK_IS(data[0], 7);
    return end();
}

static int store_to_hole(void *unused)
{
    volatile char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    (void)unused;
    p[9] = 1;
    return 0;
}

/* A store to a hole of a shared mapping: granted, or SIGBUS. */
static int holes(void *unused)
{
    (void)unused;
    CHECK_IS(begin(SIZE), 0);
    pager.holes = ~0ul;
    pager.reserve = -ENOSPC;
    CHECK_IS(ktap_in_child(store_to_hole, 0), ABI_SIGBUS);
    CHECK_IS(sys_pwrite(file, data, 10, 20 * 4096), -ENOSPC);
    CHECK_IS(info().dirty, 0);
    pager.reserve = 1;
    CHECK_IS(ktap_in_child(store_to_hole, 0), 0);
    CHECK_IS(info().dirty, 1);
    CHECK_IS(sys_fsync(file), 0);
    CHECK_IS(store[9], 1);
    pager.reserve = -ENOSPC; /* the block is there now */
    CHECK_IS(ktap_in_child(store_to_hole, 0), 0);
    return end();
}

static int load_page(void *unused)
{
    volatile char *p = mmap(0, SIZE, PROT_READ, MAP_SHARED, file, 0);

    (void)unused;
    return p[4096 * 7] == (char)pattern_byte(1, 4096 * 7) ? 0 : 1;
}

static int failing(void *unused)
{
    (void)unused;
    CHECK_IS(begin(SIZE), 0);
    pager.in_error = -EIO;
    CHECK_IS(sys_read(file, data, 100), -EIO);
    CHECK_IS(ktap_in_child(load_page, 0), ABI_SIGBUS);
    CHECK_IS(info().resident, 0);
    pager.in_error = 0; /* it is asked anew */
    CHECK_IS(ktap_in_child(load_page, 0), 0);
    CHECK_IS(sys_pwrite(file, "abc", 3, 5), 3);
    pager.out_error = -EIO;
    CHECK_IS(sys_fsync(file), -EIO);
    CHECK_IS(info().dirty, 1); /* not lost */
    pager.out_error = 0;
    CHECK_IS(sys_fsync(file), 0);
    CHECK_IS(info().dirty, 0);
    CHECK(memcmp(store + 5, "abc", 3) == 0);
    return end();
}

/* A pager's answers are not believed beyond what they may be. */
static int nonsense(void *unused)
{
    static const long words[] = {-99999, -(1l << 62), -1001};

    (void)unused;
    CHECK_IS(begin(SIZE), 0);
    for (unsigned i = 0; i < 3; i++) {
        pager.in_error = words[i] < -1000000 ? -1000000000 : (int)words[i];
        CHECK_IS(sys_pread(file, data, 100, 0), -EIO);
        pager.reserve = words[i];
        CHECK_IS(sys_pwrite(file, data, 100, SIZE + 8192), -EIO);
    }
    pager.reserve = 0; /* none granted, no error: as good as no space */
    CHECK_IS(sys_pwrite(file, data, 100, SIZE + 8192), -ENOSPC);
    pager.in_error = 0;
    pager.in_short = 4096 - 100; /* what is not sent is zero */
    pager.holes = ~0ul;
    CHECK_IS(sys_pread(file, data, SIZE, 0), SIZE);
    CHECK_IS(pattern_check(data, 4096, 1, 0), -1);
    CHECK_IS(data[SIZE - 1], 0);
    return end();
}

static const struct proc_test tests[] = {
    {reading, "read: each page asked for once, several at a time"},
    {mapping, "shared and private mappings"},
    {writing, "write and fsync"},
    {syncing, "stores and msync"},
    {growing, "growth and gaps"},
    {no_space, "ENOSPC is write's"},
    {holes, "a store to a hole: reserved, or SIGBUS"},
    {failing, "a pager that fails"},
    {nonsense, "a pager that talks nonsense"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
