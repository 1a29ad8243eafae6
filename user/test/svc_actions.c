/*
 * What a kill point does to a server (user/lib/killpoint.c), tried on this program: a bit is
 * flipped where it should be and nowhere that is spared, a message is damaged, what came is
 * ignored.
 *
 * test: points=1
 */
#include "user/test/proc_util.h"
#include <string.h>
#include <sys/mman.h>
#include "user/include/killpoint.h"

static unsigned char victim[2 * 4096] __attribute__((aligned(4096)));

static __attribute__((noinline, aligned(4096))) int three(void)
{
    return 3;
}

/* Sets the switch of a page of our own, for the next time, and comes by; whether there was
 * a fault. */
static bool fault_here(enum kill_action action, unsigned long with, struct message *m,
                       struct ipc_ext *ext, bool *ignore)
{
    unsigned long before = kill_page->faults;

    kill_page->at = KILL_BLK_REPLY;
    kill_page->action = action;
    kill_page->countdown = 1;
    kill_page->with = with;
    *ignore = kill_point_at(KILL_BLK_REPLY, m, ext);
    return kill_page->faults != before && kill_page->at == KILL_NOWHERE;
}

static bool same_ext(const struct ipc_ext *a, const struct ipc_ext *b)
{
    return a->send_addr == b->send_addr && a->send_len == b->send_len &&
           a->gifts.count == b->gifts.count && a->gifts.make_session == b->gifts.make_session &&
           memcmp(a->gifts.handles, b->gifts.handles, sizeof(a->gifts.handles)) == 0;
}

static int actions(void *unused)
{
    static const int rw = PROT_READ | PROT_WRITE, rx = PROT_READ | PROT_EXEC;
    static struct kill_page page;
    volatile unsigned char *code = (volatile unsigned char *)three, first = *code;
    struct message m = {.w = {0}};
    bool ignore;

    (void)unused;
    kill_page = &page;
    CHECK(fault_here(KILL_FLIP, KILL_FLIP_WITH(victim + 5, 6, rw), 0, 0, &ignore) && !ignore);
    CHECK_IS(victim[5], 1 << 6);
    victim[5] = 0;
    for (unsigned i = 0; i < sizeof(victim); i++)
        CHECK(!victim[i]);
    CHECK_IS(three(), 3);
    CHECK(fault_here(KILL_FLIP, KILL_FLIP_WITH(code, 0, rx), 0, 0, &ignore));
    CHECK_IS(*code ^ first, 1);
    CHECK(fault_here(KILL_FLIP, KILL_FLIP_WITH(code, 0, rx), 0, 0, &ignore));
    CHECK_IS(three(), 3); /* it can be executed again */
    kill_spare(victim + 4096, 4096);
    CHECK(!fault_here(KILL_FLIP, KILL_FLIP_WITH(victim + 4096, 0, rw), 0, 0, &ignore));
    CHECK(!fault_here(KILL_FLIP, KILL_FLIP_WITH(victim + 8191, 0, rw), 0, 0, &ignore));
    CHECK(fault_here(KILL_FLIP, KILL_FLIP_WITH(victim + 4095, 0, rw), 0, 0, &ignore));
    CHECK(!fault_here(KILL_FLIP, KILL_FLIP_WITH(16, 0, rw), 0, 0, &ignore)); /* nothing there */
    CHECK(!fault_here(KILL_GARBLE, 7, 0, 0, &ignore));
    for (unsigned long i = 0, random = 1; i < 100; i++) {
        struct message sent = m;
        struct ipc_ext ext = {.send_len = 0};
        struct ipc_ext was = ext;
        CHECK(fault_here(KILL_GARBLE, random_next(&random), &sent, &ext, &ignore) && !ignore);
        CHECK(memcmp(&sent, &m, sizeof(m)) || !same_ext(&ext, &was));
    }
    CHECK(fault_here(KILL_IGNORE, 0, 0, 0, &ignore) && ignore);
    return 0;
}

int main(void)
{
    ktap_plan(1);
    ok_child(actions, 0, "a bit flips, a message is damaged, an interrupt ignored");
    return ktap_done();
}
