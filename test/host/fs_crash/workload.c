/* The workloads. See workload.h. */
#include "test/host/fs_crash/workload.h"

/* What is on the volume before a short workload begins: some 10 blocks, 20 blocks with an
 * indirect one, and directories. */
static const struct operation setup[] = {
    {OP_MKDIR, "/d", NULL, {0, 0}, {0, 0}},   {OP_MKDIR, "/e", NULL, {0, 0}, {0, 0}},
    {OP_WRITE, "/f", NULL, {0, 0}, {9, 700}}, {OP_WRITE, "/g", NULL, {0, 0}, {20, 0}},
    {OP_WRITE, "/d/x", NULL, {0, 0}, {1, 0}}, {OP_SYMLINK, "/y", NULL, {0, 0}, {0, 7}},
};

/* The bounded set. */
static const struct operation set[] = {
    {OP_CREATE, "/n", NULL, {0, 0}, {0, 0}},     {OP_CREATE, "/d/n", NULL, {0, 0}, {0, 0}},
    {OP_WRITE, "/n", NULL, {0, 0}, {1, -1}},     {OP_WRITE, "/n", NULL, {0, 0}, {1, 0}},
    {OP_WRITE, "/n", NULL, {0, 0}, {1, 1}},      {OP_WRITE, "/n", NULL, {0, 0}, {14, 0}},
    {OP_APPEND, "/f", NULL, {0, 0}, {0, 100}},   {OP_APPEND, "/f", NULL, {0, 0}, {3, 1}},
    {OP_WRITE, "/f", NULL, {0, 100}, {1, 0}},    {OP_WRITE, "/g", NULL, {0, 0}, {20, 0}},
    {OP_WRITE, "/f", NULL, {13, 0}, {1, -1}},    {OP_TRUNCATE, "/f", NULL, {0, 0}, {1, 100}},
    {OP_TRUNCATE, "/f", NULL, {0, 0}, {2, 0}},   {OP_TRUNCATE, "/f", NULL, {0, 0}, {0, 0}},
    {OP_TRUNCATE, "/f", NULL, {0, 0}, {15, 17}}, {OP_TRUNCATE, "/g", NULL, {0, 0}, {0, 0}},
    {OP_TRUNCATE, "/g", NULL, {0, 0}, {13, -5}}, {OP_RENAME, "/f", "/r", {0, 0}, {0, 0}},
    {OP_RENAME, "/f", "/d/x", {0, 0}, {0, 0}},   {OP_RENAME, "/n", "/f", {0, 0}, {0, 0}},
    {OP_LINK, "/f", "/l", {0, 0}, {0, 0}},       {OP_LINK, "/f", "/d/l", {0, 0}, {0, 0}},
    {OP_UNLINK, "/f", NULL, {0, 0}, {0, 0}},     {OP_UNLINK, "/g", NULL, {0, 0}, {0, 0}},
    {OP_UNLINK, "/d/x", NULL, {0, 0}, {0, 0}},   {OP_UNLINK, "/y", NULL, {0, 0}, {0, 0}},
    {OP_HOLD, "/g", NULL, {0, 0}, {0, 0}},       {OP_HOLD, "/f", NULL, {0, 0}, {0, 0}},
    {OP_WRITE_HELD, NULL, NULL, {0, 0}, {5, 0}}, {OP_DROP, NULL, NULL, {0, 0}, {0, 0}},
    {OP_MKDIR, "/m", NULL, {0, 0}, {0, 0}},      {OP_MKDIR, "/d/m", NULL, {0, 0}, {0, 0}},
    {OP_RMDIR, "/e", NULL, {0, 0}, {0, 0}},      {OP_RMDIR, "/m", NULL, {0, 0}, {0, 0}},
    {OP_RENAME, "/d", "/o", {0, 0}, {0, 0}},     {OP_RENAME, "/e", "/d/e", {0, 0}, {0, 0}},
    {OP_RENAME, "/m", "/e", {0, 0}, {0, 0}},     {OP_SYMLINK, "/t", NULL, {0, 0}, {0, 20}},
    {OP_SYMLINK, "/z", NULL, {0, 0}, {0, 200}},  {OP_UNLINK, "/z", NULL, {0, 0}, {0, 0}},
    {OP_FSYNC, "/f", NULL, {0, 0}, {0, 0}},      {OP_FSYNC, "/n", NULL, {0, 0}, {0, 0}},
    {OP_FSYNC, "/d", NULL, {0, 0}, {0, 0}},      {OP_SYNC, NULL, NULL, {0, 0}, {0, 0}},
    {OP_WRITE_BACK, NULL, NULL, {0, 0}, {0, 0}},
};
#define SET        (sizeof(set) / sizeof(set[0]))
#define SHORT_MAX  3
#define RANDOM_OPS 60

static const struct operation sync_op = {OP_SYNC, NULL, NULL, {0, 0}, {0, 0}};
static const struct operation unmount_op = {OP_UNMOUNT, NULL, NULL, {0, 0}, {0, 0}};

uint64_t workload_short_count(unsigned operations)
{
    uint64_t count = 0, rows = 1;

    for (unsigned i = 0; i < operations; i++)
        count += rows *= SET;
    return 2 * count;
}

static bool do_short(struct run *run, uint64_t number)
{
    uint64_t row = number / 2, rows = SET;
    unsigned length = 1;
    bool good = true;

    while (length < SHORT_MAX && row >= rows) {
        row -= rows;
        rows *= SET;
        length++;
    }
    for (; length > 0 && good; length--, row /= SET)
        good = operation_do(run, &set[row % SET]);
    return good;
}

/* ---------------------------------------------------------------------- random */

static uint64_t random_state;

static unsigned pick(unsigned n)
{
    return (check_random(&random_state) >> 16) % n;
}

/* Sizes around the block's multiples. */
static struct extent any_extent(unsigned blocks)
{
    static const int bytes[] = {-1, 0, 1, 100, 511, 512};

    return (struct extent){pick(blocks), bytes[pick(6)]};
}

static const char *any_path(void)
{
    static const char *const paths[] = {"/a",   "/b",   "/c",   "/d",   "/e",   "/d/a",
                                        "/d/b", "/d/c", "/e/a", "/e/b", "/d/e", "/d/e/a"};

    return paths[pick(sizeof(paths) / sizeof(paths[0]))];
}

static bool do_random(struct run *run, uint64_t number)
{
    static const uint8_t codes[] = {
        OP_CREATE,   OP_WRITE,  OP_WRITE,      OP_WRITE,   OP_APPEND,     OP_APPEND, OP_TRUNCATE,
        OP_TRUNCATE, OP_RENAME, OP_RENAME,     OP_RENAME,  OP_LINK,       OP_UNLINK, OP_UNLINK,
        OP_MKDIR,    OP_MKDIR,  OP_RMDIR,      OP_SYMLINK, OP_HOLD,       OP_HOLD,   OP_UNLINK,
        OP_DROP,     OP_FSYNC,  OP_WRITE_HELD, OP_SYNC,    OP_WRITE_BACK,
    };
    bool good = true;

    (void)number;
    for (unsigned i = 0; i < RANDOM_OPS && good; i++) {
        struct operation op = {.code = codes[pick(sizeof(codes))],
                               .path = any_path(),
                               .to = any_path(),
                               .at = any_extent(pick(4) ? 6 : 24),
                               .length = any_extent(pick(4) ? 4 : 20)};

        good = operation_do(run, &op);
    }
    return good;
}

/* ------------------------------------------------- the journal goes round */

#define WRAP_ROUNDS 80
#define WRAP_NAMES  24

/* Every second name is a directory. */
static bool do_wrap_name(struct run *run, unsigned round, unsigned i)
{
    char path[80], other[128];
    struct operation op = {.path = path, .to = other, .length = {0, 300}};
    bool good = true;

    snprintf(path, sizeof(path), "/%c/name%03u", "de"[i / 2 % 2], (round % 5) * 40 + i);
    snprintf(other, sizeof(other), "%s.a-long-name-so-that-directories-grow", path);
    if (i % 2) {
        op.code = state_find(run->state, path) ? OP_RMDIR : OP_MKDIR;
        good = operation_do(run, &op);
    } else if (state_find(run->state, other)) {
        op.path = other;
        op.code = OP_UNLINK;
        good = operation_do(run, &op);
    } else {
        op.code = OP_WRITE;
        good = operation_do(run, &op);
        op.code = OP_RENAME;
        good = good && operation_do(run, &op);
    }
    if (good && i % 3 == 2) {
        op.code = pick(2) ? OP_SYNC : OP_FSYNC;
        op.path = "/d";
        good = operation_do(run, &op);
    }
    return good;
}

static bool do_wrap(struct run *run, uint64_t number)
{
    bool good = true;

    (void)number;
    for (unsigned round = 0; round < WRAP_ROUNDS && good; round++)
        for (unsigned i = 0; i < WRAP_NAMES && good; i++)
            good = do_wrap_name(run, round, i);
    return good;
}

/* --------------------------------------------------------- the volume runs full */

#define FULL_OPS   90
#define FULL_NAMES 16

static bool do_full(struct run *run, uint64_t number)
{
    bool good = true, fills = true;
    unsigned was = 0;

    (void)number;
    for (unsigned i = 0; i < FULL_OPS && good; i++) {
        char path[16];
        struct operation op = {.path = path, .to = path};

        snprintf(path, sizeof(path), "/%c", 'A' + pick(FULL_NAMES));
        /* Until it is full, then away with some of it, and all over again. */
        if (run->full != was && fills)
            fills = false;
        else if (!fills && pick(4) == 0)
            fills = true, was = run->full;
        op.code = pick(12) == 0   ? OP_SYNC
                  : pick(12) == 0 ? OP_WRITE_BACK
                  : fills         ? pick(2) ? OP_APPEND : OP_WRITE
                  : pick(3)       ? OP_UNLINK
                                  : OP_TRUNCATE;
        op.length = fills ? (struct extent){0, 50000 + pick(300000)} : any_extent(8);
        good = operation_do(run, &op);
    }
    return good;
}

bool workload_run(struct run *run, uint64_t index)
{
    static bool (*const doers[FAMILIES])(struct run *, uint64_t) = {
        [FAMILY_SHORT] = do_short,
        [FAMILY_RANDOM] = do_random,
        [FAMILY_WRAP] = do_wrap,
        [FAMILY_FULL] = do_full,
    };
    enum family family = index / FAMILY_SIZE;
    uint64_t number = index % FAMILY_SIZE;
    enum volume volume = family == FAMILY_FULL ? VOLUME_SMALL_1K : VOLUME_1K;
    bool good;

    random_state = (index + 1) * 0x9e3779b97f4a7c15ull;
    run->state = state_new();
    run->held_count = run->full = 0;
    if (family >= FAMILIES)
        return false;
    /* A cache as small as it gets makes blocks come and go. */
    good = bench_begin(run->bench, volume + number % 2, number % 4 / 2 ? 0 : 256 << 10) == 0;
    if (!good)
        return false;
    for (unsigned i = 0; i < sizeof(setup) / sizeof(setup[0]) && good; i++)
        good = operation_do(run, &setup[i]);
    good = good && operation_do(run, &sync_op);
    bench_record(run->bench);
    good = good && doers[family](run, number) && operation_do(run, &unmount_op);
    run->bench->recording = NULL;
    if (run->bench->disk.fs)
        disk_unmount(&run->bench->disk);
    return good;
}
