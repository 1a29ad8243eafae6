/*
 * The file-system core with several threads in it at once, on a device that is
 * slow at random and a cache as small as it gets: operations on the same
 * directories and the same file overlap in every way. Nothing hangs, each
 * thread's own files are whole, and the volume is clean to e2fsck.
 *
 * host-test: user/fs/core/
 */
#include <pthread.h>
#include "test/host/fs_disk.h"

#define THREADS 6
#define STEPS   400

static struct disk disk;
static pthread_mutex_t big_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static unsigned inside, most_inside; /* threads in the device at once */
static unsigned waits;

/* The file that all write and cut; the kernel knows its size. */
static struct fs_node shared;
static uint64_t shared_size;
static uint64_t shared_cuts;   /* times that it became shorter */
static unsigned shared_stored; /* pages, so that something came of it */
#define SHARED_PAGES 100
static unsigned storing[SHARED_PAGES];        /* by which transfer; the kernel has one per page */
static uint8_t memory[SHARED_PAGES][FS_PAGE]; /* the file as the kernel has it */
static bool not_stored[SHARED_PAGES];         /* for want of space */

static void lock(void *context)
{
    (void)context;
    pthread_mutex_lock(&big_lock);
}

static void unlock(void *context)
{
    (void)context;
    pthread_mutex_unlock(&big_lock);
}

static void wait_woken(void *context)
{
    (void)context;
    waits++;
    pthread_cond_wait(&woken, &big_lock);
}

static void wake(void *context)
{
    (void)context;
    pthread_cond_broadcast(&woken);
}

static void dawdle(void)
{
    static unsigned turn;
    unsigned now = __atomic_add_fetch(&inside, 1, __ATOMIC_RELAXED);

    if (now > most_inside)
        __atomic_store_n(&most_inside, now, __ATOMIC_RELAXED);
    usleep(__atomic_fetch_add(&turn, 37, __ATOMIC_RELAXED) % 5 * 40);
    __atomic_fetch_sub(&inside, 1, __ATOMIC_RELAXED);
}

static int slow_read(void *context, uint64_t sector, unsigned count, void *buffer)
{
    int err = disk_read(context, sector, count, buffer);

    dawdle();
    return err;
}

/* With a journal, the power may fail at any moment of this: what is on the disk then is kept
 * now and then, and e2fsck makes a sound volume of it. */
#define CUT_EACH 50 /* writes */

static pthread_mutex_t medium = PTHREAD_MUTEX_INITIALIZER;
static bool cutting;
static unsigned cuts, cuts_broken;

static void cut_power(void)
{
    char path[150];
    FILE *file;

    snprintf(path, sizeof(path), "%s/cut%u", disk.folder, cuts++);
    file = fopen(path, "w");
    if (file == NULL || fwrite(disk.memory, disk.size, 1, file) != 1 || fclose(file) != 0)
        abort();
}

static void check_cuts(void)
{
    for (unsigned i = 0; i < cuts; i++)
        if (run(TOOL "e2fsck -fp %s/cut%u > /dev/null; test $? -le 1", disk.folder, i) != 0 ||
            run(TOOL "e2fsck -fn %s/cut%u", disk.folder, i) != 0)
            cuts_broken++;
}

static int slow_write(void *context, uint64_t sector, unsigned count, const void *buffer)
{
    int err;

    dawdle();
    pthread_mutex_lock(&medium);
    err = disk_write(context, sector, count, buffer);
    if (cutting && disk.writes % CUT_EACH == 0)
        cut_power();
    pthread_mutex_unlock(&medium);
    return err;
}

static int object_info(void *context, uint64_t key, struct fs_object *info)
{
    (void)context;
    if (key != shared.key)
        return -ENOENT;
    *info = (struct fs_object){.size = shared_size, .resident = 1, .cuts = shared_cuts};
    return 0;
}

static int object_resize(void *context, uint64_t key, uint64_t size)
{
    (void)context;
    if (key != shared.key)
        return -ENOENT;
    shared_cuts += size < shared_size;
    shared_size = size;
    for (uint64_t no = (size + FS_PAGE - 1) / FS_PAGE; no < SHARED_PAGES; no++) {
        storing[no] = 0; /* detached: what is under way does not matter any more */
        not_stored[no] = false;
    }
    if (size < sizeof(memory))
        memset(&memory[0][0] + size, 0, sizeof(memory) - size);
    return 0;
}

struct worker {
    pthread_t thread;
    unsigned number;
    uint64_t random;
    unsigned failures;
};

static unsigned pick(struct worker *worker, unsigned n)
{
    return check_random(&worker->random) % n;
}

static void expect_at(struct worker *worker, bool right, int line, int err)
{
    worker->failures += !right;
    if (!right)
        printf("# thread %u, line %d: unexpected, %d\n", worker->number, line, err);
}

#define expect(worker, right) expect_at(worker, right, __LINE__, err)

static bool one_of(int err, int a, int b, int c, int d)
{
    return err == 0 || err == a || err == b || err == c || err == d;
}

/* Names that all threads use: any answer that some order of events explains. */
static void common_names(struct worker *worker)
{
    char a[40], b[40];
    struct fs_node node;
    struct msg_stat stat;
    int err = 0;

    sprintf(a, "/common/%u", pick(worker, 12));
    sprintf(b, "/common/%u%s", pick(worker, 12), pick(worker, 4) ? "" : "/in");
    switch (pick(worker, 8)) {
    case 0:
        err = fs_mkdir(disk.fs, ROOT, P(a), 0755);
        expect(worker, one_of(err, -EEXIST, -ENOSPC, 0, 0));
        break;
    case 1:
        err = fs_mkdir(disk.fs, ROOT, P(b), 0755);
        expect(worker, one_of(err, -EEXIST, -ENOENT, -ENOTDIR, -ENOSPC));
        break;
    case 2:
        err = fs_unlink(disk.fs, ROOT, P(a), true);
        expect(worker, one_of(err, -ENOENT, -ENOTEMPTY, -ENOTDIR, 0));
        break;
    case 3:
        err = fs_unlink(disk.fs, ROOT, P(a), false);
        expect(worker, one_of(err, -ENOENT, -EISDIR, 0, 0));
        break;
    case 4:
        err = fs_rename(disk.fs, ROOT, P(a), P(b));
        expect(worker, one_of(err, -ENOENT, -ENOTDIR, -EISDIR, -EINVAL) || err == -ENOTEMPTY);
        break;
    case 5:
        err = fs_link(disk.fs, ROOT, P(a), P(b));
        expect(worker, one_of(err, -ENOENT, -EEXIST, -EPERM, -ENOTDIR));
        break;
    case 6:
        err = fs_stat(disk.fs, ROOT, P(b), false, &stat);
        expect(worker, one_of(err, -ENOENT, -ENOTDIR, 0, 0));
        break;
    case 7:
        err = file_open(&disk, a, FS_O_RDWR | FS_O_CREAT, &node);
        expect(worker, one_of(err, -EISDIR, -ENOSPC, 0, 0));
        if (!err) {
            file_write(&disk, &node, pick(worker, 30000), "data", 4);
            fs_unlink(disk.fs, ROOT, P(a), false);
            fs_close(disk.fs, node.ino);
        }
        break;
    }
}

/* A file that only this thread uses: whole, whatever the others do. */
static void own_file(struct worker *worker)
{
    static __thread uint8_t data[12000], back[12000];
    uint64_t offset = pick(worker, 60000);
    unsigned salt = pick(worker, 256), len = 1 + pick(worker, sizeof(data));
    struct fs_node node;
    char path[40];
    int err = 0;

    sprintf(path, "/own%u/%u", worker->number, pick(worker, 30));
    pattern(data, offset, len, salt);
    if (file_open(&disk, path, FS_O_RDWR | FS_O_CREAT | FS_O_TRUNC, &node) != 0) {
        worker->failures++;
        return;
    }
    if (file_write(&disk, &node, offset, data, len) == (long)len) {
        if (pick(worker, 3) == 0)
            expect(worker, fs_fsync(disk.fs, node.ino) == 0);
        expect(worker, file_read(&disk, &node, offset, back, len) == (long)len);
        expect(worker, memcmp(data, back, len) == 0);
        expect(worker, file_size(&disk, node.ino) == offset + len);
    }
    fs_close(disk.fs, node.ino);
    if (pick(worker, 3) == 0)
        expect(worker, fs_unlink(disk.fs, ROOT, P(path), false) == 0);
}

/* Stores some pages that nobody is storing. */
static void store_shared(struct worker *worker, uint64_t first, unsigned count)
{
    static __thread uint8_t pages[FS_PAGES_MAX * FS_PAGE];
    static unsigned transfers;
    unsigned id = ++transfers, n = 0;
    int err = 0;

    if (shared_size < (first + count) * FS_PAGE)
        shared_size = (first + count) * FS_PAGE;
    if (fs_reserve(disk.fs, shared.key, first, count, shared_size) != (long)count)
        return;
    while (n < count && (first + n) * FS_PAGE < shared_size && !storing[first + n])
        storing[first + n++] = id;
    if (n == 0)
        return;
    pattern(memory[first], first * FS_PAGE, n * FS_PAGE, id);
    if (shared_size < (first + n) * FS_PAGE)
        memset(&memory[0][0] + shared_size, 0, (first + n) * FS_PAGE - shared_size);
    do {
        uint64_t size = shared_size, cuts = shared_cuts, end = (first + n) * FS_PAGE;
        size_t len = (size < end ? size : end) - first * FS_PAGE;

        memcpy(pages, memory[first], len);
        /* The message is taken, and its server is slow. */
        pthread_mutex_unlock(&big_lock);
        dawdle();
        pthread_mutex_lock(&big_lock);
        err = fs_page_out(disk.fs, shared.key, first, n, size, cuts, pages, len);
        expect(worker, err == 0 || err == -ENOSPC || (err == -EAGAIN && cuts != shared_cuts));
        while (n > 0 && storing[first + n - 1] != id)
            n--;
    } while (err == -EAGAIN && n > 0);
    shared_stored += n;
    for (unsigned i = 0; i < n; i++) {
        not_stored[first + i] = err != 0;
        storing[first + i] = 0;
    }
}

/* The shared file: pages go out while others cut it and let it grow. */
static void shared_file(struct worker *worker)
{
    static __thread uint8_t pages[FS_PAGES_MAX * FS_PAGE];
    uint64_t first = pick(worker, 80), holes;
    unsigned count = 1 + pick(worker, FS_PAGES_MAX);
    int err;

    switch (pick(worker, 4)) {
    case 0:
        err = fs_truncate(disk.fs, shared.ino, "", 0, pick(worker, 90 * FS_PAGE));
        expect(worker, err == 0);
        break;
    case 1:
        err = fs_page_in(disk.fs, shared.key, first, count, pages, &holes);
        expect(worker, err >= 0);
        break;
    default:
        store_shared(worker, first, count);
    }
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    int err = 0;

    pthread_mutex_lock(&big_lock);
    for (unsigned i = 0; i < STEPS; i++) {
        switch (pick(worker, 8)) {
        case 0:
        case 1:
            own_file(worker);
            break;
        case 2:
        case 3:
            shared_file(worker);
            break;
        case 4:
            if (pick(worker, 8) == 0)
                expect(worker, fs_sync(disk.fs) == 0);
            else
                expect(worker, fs_write_back(disk.fs) == 0);
            break;
        default:
            common_names(worker);
        }
    }
    pthread_mutex_unlock(&big_lock);
    return NULL;
}

/* What is in the shared file is what the kernel stored last, and nothing of what was
 * cut off. */
static void check_shared(void)
{
    uint8_t page[FS_PAGE];
    uint64_t holes;

    CHECK(fs_truncate(disk.fs, shared.ino, "", 0, sizeof(memory)) == 0);
    for (uint64_t no = 0; no < SHARED_PAGES; no++) {
        CHECK(fs_page_in(disk.fs, shared.key, no, 1, page, &holes) >= 0);
        CHECK(not_stored[no] || memcmp(page, memory[no], FS_PAGE) == 0);
    }
}

static void run_threads(const char *options, unsigned kib, uint64_t seed)
{
    struct worker workers[THREADS];

    disk_make(&disk, options, kib);
    disk.params.cache_bytes = 0;
    disk.hooks.lock = lock;
    disk.hooks.unlock = unlock;
    disk.hooks.wait = wait_woken;
    disk.hooks.wake = wake;
    disk.hooks.read = slow_read;
    disk.hooks.write = slow_write;
    disk.hooks.object_info = object_info;
    disk.hooks.object_resize = object_resize;
    cutting = strstr(options, "-j") != NULL;
    cuts = 0;
    pthread_mutex_lock(&big_lock);
    CHECK(disk_mount(&disk) == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("common"), 0755) == 0);
    shared.key = 0;
    shared_size = shared_cuts = 0;
    memset(storing, 0, sizeof(storing));
    memset(memory, 0, sizeof(memory));
    memset(not_stored, 0, sizeof(not_stored));
    CHECK(file_open(&disk, "shared", FS_O_RDWR | FS_O_CREAT, &shared) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        char path[20];

        sprintf(path, "own%u", i);
        CHECK(fs_mkdir(disk.fs, ROOT, P(path), 0755) == 0);
        workers[i] = (struct worker){.number = i, .random = seed + i + 1};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    pthread_mutex_unlock(&big_lock);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].failures == 0);
    }
    pthread_mutex_lock(&big_lock);
    CHECK(shared_stored > 0);
    check_shared();
    fs_close(disk.fs, shared.ino);
    check_cuts();
    if (cutting)
        printf("# %u power cuts\n", cuts);
    CHECK(cuts_broken == 0 && (cuts > 10 || !cutting));
    disk_finish(&disk);
    pthread_mutex_unlock(&big_lock);
}

/* ------------------------------------------- a truncation that is looked at */

#define LONG_SIZE 1700000 /* takes two transactions to free, of 1 KiB blocks */

static pthread_cond_t observer_moved = PTHREAD_COND_INITIALIZER;
static enum { OBSERVER_NONE, OBSERVER_RUNS, OBSERVER_WAITS, OBSERVER_DONE } observer;
static __thread bool observing;
static pthread_t observer_thread;
static unsigned reads_left; /* of the truncation, before the observer comes; 0: no more */
static bool observer_opens;
static uint64_t observed; /* size */

static void observer_is(int state)
{
    observer = state;
    pthread_cond_broadcast(&observer_moved);
}

static void *observe(void *unused)
{
    struct msg_stat stat = {.size = 0};
    struct fs_node node = {.size = 0};

    observing = true;
    pthread_mutex_lock(&big_lock);
    if (observer_opens) {
        CHECK(file_open(&disk, "long", FS_O_RDONLY, &node) == 0);
        fs_close(disk.fs, node.ino);
    } else {
        CHECK(fs_stat(disk.fs, ROOT, P("long"), false, &stat) == 0);
    }
    observed = observer_opens ? node.size : stat.size;
    observer_is(OBSERVER_DONE);
    pthread_mutex_unlock(&big_lock);
    return unused;
}

/* A read of the truncation during which another thread looks at the file, and has
 * either seen something or waits when it ends. */
static int observed_read(void *context, uint64_t sector, unsigned count, void *buffer)
{
    if (!observing && reads_left && --reads_left == 0) {
        pthread_mutex_lock(&big_lock);
        observer_is(OBSERVER_RUNS);
        pthread_create(&observer_thread, NULL, observe, NULL);
        while (observer == OBSERVER_RUNS)
            pthread_cond_wait(&observer_moved, &big_lock);
        pthread_mutex_unlock(&big_lock);
    }
    return disk_read(context, sector, count, buffer);
}

static void observer_wait(void *context)
{
    if (observing)
        observer_is(OBSERVER_WAITS);
    wait_woken(context);
}

/* The file as it was or as it is to be, at whichever read of the truncation. */
static void test_observed(void)
{
    static uint8_t data[LONG_SIZE];
    struct fs_node node;
    unsigned waited = 0;

    disk_make(&disk, "-b 1024 -N 64", 4096);
    disk.params.cache_bytes = 0;
    disk.hooks.lock = lock;
    disk.hooks.unlock = unlock;
    disk.hooks.wait = observer_wait;
    disk.hooks.wake = wake;
    disk.hooks.read = observed_read;
    pthread_mutex_lock(&big_lock);
    for (unsigned n = 2; observer != OBSERVER_NONE || n == 2; n++) {
        CHECK(disk_mount(&disk) == 0);
        CHECK(file_open(&disk, "long", FS_O_RDWR | FS_O_CREAT, &node) == 0);
        CHECK(file_write(&disk, &node, 0, data, LONG_SIZE) == LONG_SIZE);
        fs_close(disk.fs, node.ino);
        CHECK(disk_unmount(&disk) == 0 && disk_mount(&disk) == 0);
        observer = OBSERVER_NONE;
        reads_left = n / 2;
        observer_opens = n % 2;
        CHECK(fs_truncate(disk.fs, ROOT, P("long"), 1000) == 0);
        reads_left = 0;
        waited += observer == OBSERVER_WAITS;
        pthread_mutex_unlock(&big_lock);
        if (observer != OBSERVER_NONE) {
            pthread_join(observer_thread, NULL);
            CHECK(observed == LONG_SIZE || observed == 1000);
        }
        pthread_mutex_lock(&big_lock);
        CHECK(disk_unmount(&disk) == 0);
    }
    CHECK(waited > 2);
    pthread_mutex_unlock(&big_lock);
    disk_delete(&disk);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 77;

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    alarm(300); /* a hang is a failure */
    check_plan(7);
    printf("# seed %lu\n", (unsigned long)seed);
    run_threads("-b 1024 -N 512", 8192, seed);
    check_end("1 KiB blocks");
    run_threads("-b 4096 -N 512", 8192, seed + 100);
    check_end("4 KiB blocks");
    run_threads("-b 1024 -g 1024 -N 512", 3000, seed + 200);
    check_end("a volume that runs full");
    run_threads("-b 1024 -N 512 -j", 8192, seed + 300);
    check_end("with a journal");
    run_threads("-b 1024 -g 1024 -N 512 -j", 4100, seed + 400);
    check_end("with a journal, a volume that runs full");
    CHECK(most_inside > 1 && waits > 0);
    printf("# %u threads in the device at once, %u waits\n", most_inside, waits);
    check_end("threads did overlap");
    test_observed();
    check_end("nobody is told a size in between");
    return check_exit();
}
