/*
 * Many address spaces, more than there are ASIDs if there are few: each sees its
 * own pages at the same addresses, whatever hart it comes to, however old what
 * that hart remembers.
 *
 * test: points=2 kargs=""
 * test: points=2 kargs="asidbits=0"
 * test: points=2 kargs="asidbits=2"
 * test: points=2 cpus=2.. kargs="asidbits=4"
 * test: points=2 cpus=2.. kargs="asidbits=2 isolation=on"
 */
#include <pthread.h>
#include <test_mem.h>

#define SPACES 24
#define ROUNDS 12
#define PAGES  8ul
#define RW     (PROT_READ | PROT_WRITE)
#define PLACE  ((volatile unsigned long *)0x2000000000ul) /* the same in all of them */

static struct abi_counters counters(void)
{
    struct abi_counters now = {0};

    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&now, 0, 0);
    return now;
}

/* What the boot arguments allow: bits, or -1 if they do not say. */
static int asid_bits(void)
{
    char args[512] = "";
    char *at;

    if (sys_system(H_SYSTEM, SYSTEM_BOOT_ARGS, (long)args, sizeof(args) - 1, 0) < 0)
        return -1;
    at = strstr(args, "asidbits=");
    return at ? atoi(at + strlen("asidbits=")) : -1;
}

/* The number of ASIDs for programs is what is left over, or none if there would
 * be no more than harts. */
static int number_is_right(void *unused)
{
    struct abi_counters now = counters();
    int bits = asid_bits();

    (void)unused;
    diag("%u harts, %u ASIDs", now.harts, now.asids);
    CHECK(now.harts >= 1);
    if (bits >= 0) {
        unsigned most = (1u << bits) - 1;
        CHECK(now.asids == (most > now.harts ? most : 0));
    } else {
        CHECK(now.asids == 0 || now.asids > now.harts);
    }
    return 0;
}

static void *place_page(void)
{
    return mmap((void *)PLACE, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* One space: writes its own pattern, goes away, and finds it again. */
static int live(unsigned long me)
{
    for (unsigned long round = 0; round < ROUNDS; round++) {
        for (unsigned long i = 0; i < PAGES; i++) {
            CHECK(round == 0 || PLACE[i * 512] == (me << 32 | (round - 1) << 16 | i));
            PLACE[i * 512] = me << 32 | round << 16 | i;
        }
        if (round % 3 == 2) { /* a fresh one: zero, not what any space had here */
            CHECK(place_page() == (void *)PLACE);
            for (unsigned long i = 0; i < PAGES; i++) {
                CHECK(PLACE[i * 512] == 0);
                PLACE[i * 512] = me << 32 | round << 16 | i;
            }
        }
        if ((me + round) % 2)
            sys_yield();
        else
            sys_sleep(MEM_MILLI / 2);
    }
    return 0;
}

static int many_spaces(void *unused)
{
    int status, bad = 0;

    (void)unused;
    CHECK(place_page() == (void *)PLACE);
    PLACE[0] = 1;
    for (unsigned long i = 1; i <= SPACES; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            if (i % 2 && place_page() != (void *)PLACE)
                _exit(1);
            _exit(live(i));
        }
    }
    for (int i = 0; i < SPACES; i++)
        bad += wait(&status) < 0 || status != 0;
    CHECK(PLACE[0] == 1);
    return bad;
}

/* With fewer ASIDs than spaces there must have been new generations. */
static int rolls_over(void *unused)
{
    struct abi_counters before = counters(), after;

    if (many_spaces(unused))
        return 1;
    after = counters();
    diag("%lu generations of ASIDs", after.asid_rollovers - before.asid_rollovers);
    if (after.asids > 0 && after.asids < SPACES)
        CHECK(after.asid_rollovers > before.asid_rollovers);
    else
        CHECK(after.asid_rollovers == before.asid_rollovers);
    return 0;
}

/*
 * A process alone changes what is at an address, goes elsewhere and comes back:
 * harts that have run it before, and were not told, must not go by what they
 * remember. Others keep the harts busy so that it wanders.
 */
static int wanders(void *unused)
{
    enum { BUSY = 4, TURNS = 150 };
    int object = (int)sys_object_create(4 * PAGE), status;
    volatile unsigned *stage = (volatile unsigned *)map_shared(PAGE);
    volatile unsigned long *all = mmap(0, 4 * PAGE, RW, MAP_SHARED, object, 0);
    int bad = 0;

    (void)unused;
    CHECK(object >= 0 && stage && all != MAP_FAILED);
    for (unsigned i = 0; i < 4; i++)
        all[i * 512] = i + 1;
    for (unsigned i = 0; i < BUSY; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            while (!stage[0]) {
                for (volatile int spin = 0; spin < 3000; spin++)
                    ;
                sys_sleep(i * 100000 + 50000);
            }
            _exit(0);
        }
    }
    for (unsigned turn = 0; turn < TURNS && !bad; turn++) {
        unsigned which = turn * 7 % 4;
        CHECK(mmap((void *)PLACE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, object,
                   (off_t)(which * PAGE)) == (void *)PLACE);
        bad |= PLACE[0] != which + 1;
        if (turn % 2)
            sys_sleep(turn % 5 * 40000);
        else
            sys_yield();
        bad |= PLACE[0] != which + 1;
    }
    stage_reach(&stage[0], 1);
    for (unsigned i = 0; i < BUSY; i++)
        bad |= wait(&status) < 0 || status != 0;
    return bad;
}

/* Short lives: an ASID is used again soon after its space is gone. */
static int short_lives(void *unused)
{
    int status;

    (void)unused;
    for (unsigned long i = 1; i <= 60; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            if (place_page() != (void *)PLACE || PLACE[0] || PLACE[512])
                _exit(1);
            PLACE[0] = PLACE[512] = i;
            _exit(PLACE[0] != i);
        }
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    return 0;
}

int main(void)
{
    ktap_plan(6);
    ktap_in_child(many_spaces, 0);
    mem_begin();
    ok_child(number_is_right, 0, "there are as many ASIDs as the boot arguments allow");
    ok_child(many_spaces, 0, "24 spaces each see their own pages at one address");
    ok_child(rolls_over, 0, "with few ASIDs they are used again, by generations");
    ok_child(wanders, 0, "what changed is seen on each hart that is come back to");
    ok_child(short_lives, 0, "a space shows nothing of the one that had its ASID before");
    mem_end_ok("spaces are given back");
    return ktap_done();
}
