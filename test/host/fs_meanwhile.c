/*
 * Operations while others sync. The core leaves its lock at each access to the device: there,
 * at each of those that a sync makes, this test lets another thread's operations take place
 * whole, and cuts the power at each later one. What is recovered must be sound, and have as
 * many of the operations as were committed.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_disk.h"
#include "user/fs/core/volume.h"

#define DIRS 6

static struct disk disk;
static uint8_t *cut;
static unsigned events, act_at, cut_at; /* counted from the sync's beginning; 0: never */
static bool moving; /* directories are moved, which frees nothing, and not removed and made */
static unsigned recoveries;

/* What the other thread does: takes directories away, whose blocks may be on their way, and
 * makes as many elsewhere. */
static void act(void)
{
    for (unsigned i = 0; i < DIRS; i++) {
        char old[16], new[16];

        sprintf(old, "d%u", i);
        sprintf(new, "other/e%u", i);
        if (moving) {
            CHECK(fs_rename(disk.fs, ROOT, P(old), P(new)) == 0);
        } else {
            CHECK(fs_unlink(disk.fs, ROOT, P(old), true) == 0);
            CHECK(fs_mkdir(disk.fs, ROOT, P(new), 0755) == 0);
        }
    }
}

static void event(void)
{
    if (act_at == 0)
        return;
    events++;
    if (events == cut_at)
        memcpy(cut, disk.memory, disk.size);
    if (events == act_at)
        act();
}

static int write_hook(void *context, uint64_t sector, unsigned count, const void *buffer)
{
    int err = disk_write(context, sector, count, buffer);

    event();
    return err;
}

static int flush_hook(void *context)
{
    event();
    return disk_flush(context);
}

static bool exists(const char *format, unsigned n)
{
    struct msg_stat stat;
    char path[16];

    snprintf(path, sizeof(path), format, n);
    return fs_stat(disk.fs, ROOT, P(path), true, &stat) == 0;
}

/* d0 goes, e0 comes, d1 goes, ...: some first part of that has happened; a move does both at
 * once. */
static void check_prefix(void)
{
    bool done = true;

    for (unsigned i = 0; i < DIRS; i++) {
        bool gone = !exists("d%u", i), come = exists("other/e%u", i);

        CHECK(done || !gone);
        CHECK(moving ? gone == come : gone || !come);
        done = gone && come;
    }
}

/* A log with something in it, and not all of that at home: as it is in use. */
static void prepare(void)
{
    char path[16];

    CHECK(disk_mount(&disk) == 0 && disk.fs->journal != NULL);
    CHECK(fs_mkdir(disk.fs, ROOT, P("other"), 0755) == 0);
    for (unsigned i = 0; i < DIRS; i++) {
        sprintf(path, "d%u", i);
        CHECK(fs_mkdir(disk.fs, ROOT, P(path), 0755) == 0);
    }
    CHECK(fs_fsync(disk.fs, ROOT) == 0);
    CHECK(fs_chmod(disk.fs, ROOT, P("other"), 0700) == 0);
}

/* Returns whether the sync went as far as the cut. */
static bool try_one(const uint8_t *fresh, unsigned act_event, unsigned cut_event)
{
    bool reached;

    memcpy(disk.memory, fresh, disk.size);
    prepare();
    events = 0;
    act_at = act_event;
    cut_at = cut_event;
    CHECK(fs_sync(disk.fs) == 0);
    reached = events >= cut_event;
    act_at = cut_at = 0;
    CHECK(disk_unmount(&disk) == 0);
    if (!reached)
        return false;
    CHECK(disk_check(&disk) == 0);
    memcpy(disk.memory, cut, disk.size);
    CHECK(disk_mount(&disk) == 0);
    check_prefix();
    CHECK(disk_unmount(&disk) == 0 && disk_check(&disk) == 0);
    recoveries++;
    return true;
}

static void test_meanwhile(const char *options, bool move)
{
    uint8_t *fresh;
    unsigned acts = 1, cuts;

    disk_make(&disk, options, 8192);
    disk.params.cache_bytes = 1 << 20;
    disk.hooks.write = write_hook;
    disk.hooks.flush = flush_hook;
    disk.quiet = true;
    moving = move;
    cut = malloc(disk.size);
    fresh = malloc(disk.size);
    memcpy(fresh, disk.memory, disk.size);
    do {
        cuts = acts;
        while (try_one(fresh, acts, cuts) && !check_failing)
            cuts++;
    } while (cuts > acts++ && !check_failing);
    CHECK(acts > 10);
    free(cut);
    free(fresh);
    disk_delete(&disk);
}

int main(void)
{
    static const char *const volumes[] = {"-b 1024 -g 1024 -N 400 -j", "-b 4096 -N 200 -j"};
    char text[80];

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    alarm(300); /* a hang is a failure */
    check_plan(4);
    for (unsigned i = 0; i < 4; i++) {
        test_meanwhile(volumes[i / 2], i % 2);
        snprintf(text, sizeof(text), "directories are %s, mke2fs %s", i % 2 ? "moved" : "replaced",
                 volumes[i / 2]);
        check_end(text);
    }
    printf("# %u recoveries\n", recoveries);
    return check_exit();
}
