/*
 * The file system when the power fails. Workloads run on a device that records each write
 * and each flush. For points of that record disks are built as they may be if the power
 * fails there; each is recovered by the core and, apart from that, by e2fsck, and must
 * then be sound to e2fsck and hold a tree that the workload had: all that was synced, and
 * of what came after it the first so many steps.
 *
 * CRASH_COUNT is the number of cuts to try (more go on through all workloads), CRASH_SEED
 * chooses others (1), CRASH_EACH is how many there are in one short workload; 0: all, at
 * each point and in each mode. A failure prints the line CRASH_ONE=index:point:mode:seed
 * that tries it alone.
 *
 * host-test: user/fs/core/
 * host-test: -D_GNU_SOURCE
 */
#include "test/host/fs_crash/judge.h"
#include "test/host/fs_crash/recovery.h"

#define COUNT_DEFAULT 1000
#define EACH_DEFAULT  5
#define EACH_LONG     25 /* cuts of one long workload */

static struct bench bench;
static struct run run_now;
static unsigned long seed, total, each, sequences;

static unsigned long number_of(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

/* ------------------------------------------------------------------- the tape */

static void tape_of(struct tape *tape)
{
    static uint8_t data[2 * FS_SECTOR];

    /* 0: a flush. Sector 0 twice, so that one may hide the other. */
    static const uint8_t sectors[] = {1, 2, 0, 3, 4, 1, 0, 5};

    memset(tape, 0, sizeof(*tape));
    for (unsigned i = 0; i < sizeof(sectors); i++) {
        memset(data, i + 1, sizeof(data));
        if (sectors[i])
            tape_write(tape, 2 * sectors[i], 2, data);
        else
            tape_flush(tape);
    }
}

/* Plays, and gives what lies at the writes' places as digits, a sector each; only the first
 * of each two unless they differ, which is a '*'. */
static const char *played(const struct tape *tape, size_t point, enum tape_mode mode,
                          uint64_t seed_)
{
    static uint8_t disk[12 * FS_SECTOR];
    static char text[6];

    memset(disk, 0, sizeof(disk));
    tape_play(tape, point, mode, seed_, disk);
    for (unsigned i = 0; i < 5; i++) {
        const uint8_t *place = disk + (2 * i + 2) * FS_SECTOR;

        text[i] = place[0] == place[FS_SECTOR] ? '0' + place[0] : '*';
        for (unsigned j = 1; j < FS_SECTOR; j++)
            CHECK(place[j] == place[0]);
    }
    return text;
}

static void test_tape(void)
{
    struct tape tape;
    bool lost[3] = {false}, torn = false;

    tape_of(&tape);
    CHECK(tape.count == 8 && tape_settled(&tape, 2) == 0 && tape_settled(&tape, 3) == 3);
    CHECK(tape_settled(&tape, 6) == 3 && tape_settled(&tape, 8) == 7);
    CHECK(!strcmp(played(&tape, 0, TAPE_ALL, 1), "00000"));
    CHECK(!strcmp(played(&tape, 2, TAPE_NONE, 1), "00000"));
    CHECK(!strcmp(played(&tape, 2, TAPE_ALL, 1), "12000"));
    for (unsigned mode = 0; mode < TAPE_MODES; mode++) {
        CHECK(!strcmp(played(&tape, 3, mode, 1), "12000")); /* flushed: none may be lost */
        CHECK(!strcmp(played(&tape, 7, mode, 1), "62450"));
    }
    CHECK(!strcmp(played(&tape, 6, TAPE_NONE, 1), "12000"));
    CHECK(!strcmp(played(&tape, 6, TAPE_ALL, 1), "62450"));
    CHECK(!strcmp(played(&tape, 6, TAPE_LAST, 1), "62000"));
    for (uint64_t i = 0; i < 100; i++) {
        const char *text = played(&tape, 6, TAPE_ALL_BUT_ONE, i);

        CHECK((text[0] != '6') + (text[2] != '4') + (text[3] != '5') == 1);
        lost[text[0] != '6' ? 0 : text[2] != '4' ? 1 : 2] = true;
        CHECK(!strchr(played(&tape, 6, TAPE_SOME, i), '*'));
        CHECK(text[1] == '2' && text[4] == '0');
        torn |= strchr(played(&tape, 6, TAPE_TORN, i), '*') != NULL;
    }
    CHECK(lost[0] && lost[1] && lost[2] && torn);
    tape_free(&tape);
    check_end("tape_itself");
}

/* The judge must find what is wrong: a file of two writes, the second not durable. */
static void test_judge(void)
{
    struct state *state = state_new();
    struct state_node *node;
    struct found_name name = {.path = "/a", .mode = 0100644, .nlink = 1, .ino = 12, .size = 3000};
    struct found found = {.name = &name, .count = 1};
    static uint8_t data[5000];
    char text[700];

    state_begin(state, 0);
    node = state_make(state, "/a", STATE_FILE, 12, NULL);
    state_end(state, 0, false);
    for (unsigned i = 0; i < 2; i++) {
        state_begin(state, 2 * i);
        state_write(state, node, 1000 * i, 3000 + 2000 * i);
        state_end(state, 2 * i + 2, i == 0);
    }
    name.data = data;
    for (unsigned i = 0; i < 5000; i++)
        data[i] = state_byte(node, 2, i);
    CHECK(judge(state, &found, 2, 3, text, sizeof(text)) == VERDICT_GOOD);
    data[1500] = state_byte(node, 3, 1500);
    CHECK(judge(state, &found, 2, 3, text, sizeof(text)) == VERDICT_GOOD);
    CHECK(judge(state, &found, 2, 2, text, sizeof(text)) == VERDICT_BYTES);
    data[500] = 0;
    CHECK(judge(state, &found, 2, 3, text, sizeof(text)) == VERDICT_BYTES);
    data[500] = state_byte(node, 2, 500);
    name.size = 2000;
    CHECK(judge(state, &found, 2, 3, text, sizeof(text)) == VERDICT_SIZE);
    name.size = 5000;
    memset(data + 3000, 0, 2000);
    CHECK(judge(state, &found, 2, 3, text, sizeof(text)) == VERDICT_GOOD);
    CHECK(judge(state, &found, 3, 3, text, sizeof(text)) == VERDICT_BYTES);
    name.ino = 13;
    CHECK(judge(state, &found, 2, 3, text, sizeof(text)) == VERDICT_NAMES);
    found.count = 0;
    CHECK(judge(state, &found, 2, 3, text, sizeof(text)) == VERDICT_NAMES);
    CHECK(judge(state, &found, 0, 3, text, sizeof(text)) == VERDICT_GOOD);
    state_free(state);
    check_end("judge_itself");
}

/* --------------------------------------------------------------- the workloads */

static void begin_workload(uint64_t index)
{
    memset(&run_now, 0, sizeof(run_now));
    run_now.bench = &bench;
    run_now.verbose = getenv("CRASH_ONE") != NULL;
    sequences++;
    if (!workload_run(&run_now, index)) {
        printf("# workload %lu fails, power or not\n", (unsigned long)index);
        CHECK(!"workload runs");
    }
}

static void end_workload(void)
{
    state_free(run_now.state);
}

static void try_cut(const struct power_cut *cut)
{
    /* It has told what is wrong, so no CHECK. */
    if (!recovery_try(&run_now, cut))
        check_failing = true;
}

/* Every point, in every mode. */
static unsigned long try_all(uint64_t index, uint64_t cut_seed)
{
    unsigned long done = 0;

    for (size_t point = 0; point <= bench.tape.count; point++) {
        unsigned modes = tape_settled(&bench.tape, point) == point ? 1 : TAPE_MODES;

        for (unsigned mode = 0; mode < modes; mode++, done++)
            try_cut(&(struct power_cut){index, point, mode, cut_seed});
    }
    return done;
}

/* So many cuts of a workload; 0: all. Returns how many that were. */
static unsigned long try_workload(uint64_t index, unsigned long cuts, unsigned add)
{
    uint64_t random = (seed * 0x9e3779b97f4a7c15ull + index * 0xd1342543de82ef95ull) | 1;
    unsigned long done = 0;

    begin_workload(index);
    for (unsigned i = 0; i < 4; i++)
        check_random(&random);
    if (cuts == 0)
        done = try_all(index, random >> 40);
    for (; done < cuts; done++) {
        struct power_cut cut = {.index = index, .seed = check_random(&random) >> 40};

        cut.point = (check_random(&random) >> 16) % (bench.tape.count + 1);
        cut.mode = (check_random(&random) >> 16) % TAPE_MODES + add;
        try_cut(&cut);
    }
    end_workload();
    return done;
}

/* The i-th of the short workloads: each comes once in so many, and few are spread over all.
 * One in four has one operation or two. */
static uint64_t short_index(uint64_t i)
{
    uint64_t few = workload_short_count(2), all = workload_short_count(3);

    /* Primes that divide neither count; some 0.6 of it, so that steps spread. */
    i += (seed - 1) * 1009;
    if (i % 4 == 0)
        return i / 4 * 2557 % few;
    i = i / 4 * 3 + i % 4 - 1;
    return few + i * 112621 % (all - few);
}

static void test_short(unsigned long share, unsigned add, const char *name)
{
    unsigned long done = 0;

    /* With cuts in the recovery, others than without. */
    for (uint64_t i = add ? 500 : 0; done < share; i++)
        done += try_workload(short_index(i), each, add);
    check_end(name);
}

static void test_long(enum family family, unsigned long share, const char *name)
{
    unsigned long done = 0, full = 0;

    for (uint64_t i = 0; done < share || i < 2; i++) {
        unsigned long cuts = share - done;

        cuts = done >= share ? 1 : cuts < EACH_LONG ? cuts : EACH_LONG;
        /* Both block sizes by turns. */
        done += try_workload(family * FAMILY_SIZE + (seed * 10000 + i) % FAMILY_SIZE, cuts, 0);
        full += run_now.full;
    }
    CHECK(family != FAMILY_FULL || full > 0);
    check_end(name);
}

static void test_one(const char *text)
{
    unsigned long index, point, mode, cut_seed;

    if (sscanf(text, "%lu:%lu:%lu:%lu", &index, &point, &mode, &cut_seed) != 4 ||
        index >= FAMILIES * FAMILY_SIZE || mode >= 2 * TAPE_MODES) {
        printf("# CRASH_ONE=index:point:mode:seed\n");
        CHECK(!"CRASH_ONE is understood");
    } else {
        begin_workload(index);
        CHECK(point <= bench.tape.count);
        if (point <= bench.tape.count)
            try_cut(&(struct power_cut){index, point, mode, cut_seed});
        end_workload();
    }
    check_end("one");
}

static void print_counts(void)
{
    printf("# %lu points of failure in %lu sequences, %lu recoveries, %lu runs of e2fsck; "
           "%lu points failed\n",
           recovery_counts.points, sequences, recovery_counts.recoveries, bench.checks,
           recovery_counts.failed);
    for (unsigned i = 0; i < TROUBLES; i++)
        if (recovery_counts.trouble[i])
            printf("# %s: %lu\n", trouble_names[i], recovery_counts.trouble[i]);
}

int main(void)
{
    const char *one = getenv("CRASH_ONE");

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    seed = number_of("CRASH_SEED", 1);
    total = number_of("CRASH_COUNT", COUNT_DEFAULT);
    each = number_of("CRASH_EACH", EACH_DEFAULT);
    bench_init(&bench);
    check_plan(one ? 1 : 7);
    if (one) {
        test_one(one);
    } else {
        test_tape();
        test_judge();
        test_short(total * 50 / 100, 0, "sequences");
        test_long(FAMILY_RANDOM, total * 25 / 100, "random");
        test_long(FAMILY_WRAP, total * 5 / 100, "wrap");
        test_long(FAMILY_FULL, total * 5 / 100, "full_volume");
        test_short(total * 15 / 100, CUT_AGAIN, "cut_during_recovery");
    }
    print_counts();
    bench_free(&bench);
    return check_exit();
}
