/*
 * Memory that processes share is swapped like any other: objects passed on in
 * messages, twice as much as there is memory, and a mapping shared by a family.
 *
 * test: points=4 cpus=1,2,4 mem=16M swap=64M..
 * test: points=2 cpus=1,2,4 mem=32M swap=96M..
 * test: points=2 cpus=1,2 mem=64M swap=192M..
 */
#include "user/test/ipc_util.h"
#include "user/test/swap_util.h"

#define OBJECTS 64
#define MAKERS  2
#define READERS 3

/* Requests: w[1] is the object's number. */
#define PUT 1 /* comes with the object */
#define GET 2 /* is answered with it */

static int port, session;
static unsigned long pages; /* of an object */
static int objects[OBJECTS];

/* What a page holds: made, then written by the reader whose turn it is. */
static unsigned long seed_of(unsigned long object, unsigned reader)
{
    return object * 10 + reader;
}

static char *map_object(int object)
{
    void *at = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);

    return at == MAP_FAILED ? 0 : at;
}

/* Makes every other object, sends it off and keeps nothing of it. */
static int maker(void *number)
{
    for (unsigned long i = (unsigned long)number; i < OBJECTS; i += MAKERS) {
        struct message m = {.w = {PUT, i}};
        struct ipc_ext ext = {.gifts.count = 1};
        int object = (int)sys_object_create(pages * PAGE);
        char *at = map_object(object);

        CHECK(object >= 0 && at);
        pages_write(at, pages, seed_of(i, 0));
        ext.gifts.handles[0] = object;
        CHECK_IS(ipc_request(session, &m, &ext), 0);
        CHECK_IS(munmap(at, pages * PAGE), 0);
        CHECK_IS(sys_close(object), 0);
    }
    return 0;
}

/* Page p of each object is for the reader p % READERS + 1 to write. Mine is not yet
 * written; another's is, or is not, or is being written now. */
static int object_is(const char *at, unsigned long object, unsigned long me)
{
    for (unsigned long p = 0; p < pages; p++) {
        const volatile unsigned long *words = (const unsigned long *)(at + p * PAGE);
        unsigned writer = p % READERS + 1;
        if (writer == me)
            CHECK(page_is(at + p * PAGE, p, seed_of(object, 0)));
        for (unsigned i = 0; i < PAGE_WORDS; i += 73) {
            unsigned long word = words[i];
            CHECK(word == page_word(p, seed_of(object, 0), i) ||
                  word == page_word(p, seed_of(object, writer), i));
        }
    }
    return 0;
}

static int reader(void *number)
{
    unsigned long me = (unsigned long)number;

    for (unsigned long n = 0; n < OBJECTS; n++) {
        unsigned long i = (n + me * 7) % OBJECTS;
        struct message m = {.w = {GET, i}};
        struct ipc_ext ext = {0};
        char *at;

        CHECK_IS(ipc_request(session, &m, &ext), 0);
        CHECK_IS(ext.recv_handle_count, 1);
        at = map_object(ext.recv_handles[0]);
        CHECK(at);
        CHECK_IS(sys_close(ext.recv_handles[0]), 0);
        CHECK_IS(object_is(at, i, me), 0);
        for (unsigned long p = me - 1; p < pages; p += READERS)
            page_write(at + p * PAGE, p, seed_of(i, (unsigned)me));
        CHECK_IS(munmap(at, pages * PAGE), 0);
    }
    return 0;
}

/* Answers one request for number `number`. */
static int answer(unsigned long number, long id, struct message *m, struct ipc_ext *ext)
{
    unsigned long i = m->w[1];

    CHECK(m->w[0] == number && i < OBJECTS);
    m->w[0] = 0;
    if (number == PUT) {
        CHECK_IS(ext->recv_handle_count, 1);
        objects[i] = ext->recv_handles[0];
        return ipc_reply(port, id, m, 0) != 0;
    }
    *ext = (struct ipc_ext){.gifts.count = 1, .gifts.handles = {objects[i]}};
    return ipc_reply(port, id, m, ext) != 0;
}

/* Serves n children until the last has ended. A child that fails ends all. */
static int serve(unsigned long number, pid_t *pids, int n)
{
    int left = n, bad = 0;

    while (left && !bad) {
        struct ipc_ext ext = {0};
        struct message m;
        long id = ipc_receive(port, &m, &ext);

        if (id > 0)
            bad = answer(number, id, &m, &ext);
        for (int i = 0; id == 0 && i < n; i++) {
            int status;
            if (pids[i] && sys_wait(pids[i], &status, ABI_WNOHANG) == pids[i]) {
                bad |= status != 0;
                pids[i] = 0;
                left--;
            }
        }
        bad |= id < 0;
    }
    return bad;
}

static int with_children(int (*fn)(void *), int n, unsigned long first, unsigned long number)
{
    pid_t pids[READERS];
    int bad;

    for (long i = 0; i < n; i++) {
        int process;
        pids[i] = spawn(fn, (void *)((long)first + i));
        process = (int)sys_process_open(H_NONE, pids[i]);
        CHECK(process >= 0);
        CHECK_IS(sys_process_watch(process, port, 1), 0);
        CHECK_IS(sys_close(process), 0);
    }
    bad = serve(number, pids, n);
    for (int i = 0; i < n; i++)
        if (pids[i]) {
            sys_kill(H_NONE, pids[i], ABI_SIGKILL);
            reap(pids[i]);
        }
    return bad;
}

static int passed_on(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long total = frames_in_all();

    (void)unused;
    pages = 2 * total / OBJECTS;
    port = (int)sys_port_create();
    session = make_session(port, 1, RIGHT_CALL | RIGHT_TRANSFER);
    CHECK(port >= 0 && session >= 0);
    CHECK_IS(with_children(maker, MAKERS, 0, PUT), 0);
    CHECK_IS(with_children(reader, READERS, 1, GET), 0);
    for (unsigned long i = 0; i < OBJECTS; i++) {
        char *at = map_object(objects[i]);
        CHECK(at);
        for (unsigned long p = 0; p < pages; p++)
            CHECK(page_is(at + p * PAGE, p, seed_of(i, (unsigned)(p % READERS + 1))));
        CHECK_IS(munmap(at, pages * PAGE), 0);
        CHECK_IS(sys_close(objects[i]), 0);
    }
    /* Written, read by three who write it, too, and read again. */
    return swap_moved(&before, 3 * total / 2, 3 * total / 2);
}

/* ----------------------------------------------------------------------- a family */

static char *common;
static unsigned long common_pages;
static volatile unsigned *stage;

static unsigned long owner_of(unsigned long page)
{
    return page % READERS;
}

static int all_common_is(unsigned long round)
{
    for (unsigned long p = 0; p < common_pages; p++)
        CHECK(page_is(common + p * PAGE, p, round * 10 + owner_of(p)));
    return 0;
}

static void meet(unsigned which)
{
    __atomic_add_fetch(&stage[which], 1, __ATOMIC_SEQ_CST);
    while (stage[which] < READERS && !stage[0])
        sys_sleep(2 * MS);
}

/* Writes its pages, waits for the others, reads all: twice. */
static int member(void *number)
{
    unsigned long me = (unsigned long)number;
    int bad = 0;

    for (unsigned round = 1; round <= 2; round++) {
        for (unsigned long p = me; p < common_pages; p += READERS)
            page_write(common + p * PAGE, p, round * 10 + me);
        meet(2 * round - 1);
        bad |= all_common_is(round);
        stage[0] |= (unsigned)bad; /* the others need not wait */
        meet(2 * round);
    }
    return bad;
}

static int family(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long total = frames_in_all(), slots;
    pid_t pids[READERS];
    int bad = 0;

    (void)unused;
    common_pages = total + total / 2;
    common =
        mmap(0, common_pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    stage = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(common != MAP_FAILED && stage != MAP_FAILED);
    for (long i = 0; i < READERS; i++)
        pids[i] = spawn(member, (void *)i);
    for (int i = 0; i < READERS; i++)
        if (reap(pids[i]) != 0) {
            bad = 1;
            stage[0] = 1;
        }
    CHECK_IS(bad, 0);
    CHECK_IS(all_common_is(2), 0);
    CHECK_IS(swap_moved(&before, total, 3 * total / 2), 0);
    /* Its slots go with it. */
    slots = swap_memory().swap_free;
    CHECK_IS(munmap(common, common_pages * PAGE), 0);
    CHECK(swap_memory().swap_free >= slots + total / 2);
    return 0;
}

static const struct proc_test tests[] = {
    {passed_on, "objects of twice memory, passed on in messages"},
    {family, "one and a half times memory, shared by a family"},
};

int main(void)
{
    return RUN_SWAP_TESTS(tests);
}
