/* Cutting the power and recovering. See recovery.h. */
#include "test/host/fs_crash/judge.h"
#include "test/host/fs_crash/recovery.h"

#define PRINTED_MAX 20 /* failures that are told in full */

struct recovery_counts recovery_counts;
const char *const trouble_names[TROUBLES] = {"mount", "read",    "names",        "size",
                                             "bytes", "unmount", "e2fsck mends", "e2fsck finds"};

/* Counts what is wrong, and tells whether to print it. The first of a cut prints its name. */
static bool tell(const struct power_cut *cut, const char *by, enum trouble trouble)
{
    recovery_counts.trouble[trouble]++;
    if (recovery_counts.failed >= PRINTED_MAX)
        return false;
    printf("# CRASH_ONE=%lu:%zu:%u:%lu, recovered by %s: %s: ", (unsigned long)cut->index,
           cut->point, cut->mode, (unsigned long)cut->seed, by, trouble_names[trouble]);
    return true;
}

static bool fsck(struct run *run, const struct power_cut *cut, const char *by, const char *options,
                 int worst, enum trouble trouble)
{
    int status = bench_fsck(run->bench, options);

    if (status >= 0 && status <= worst)
        return true;
    if (tell(cut, by, trouble)) {
        printf("e2fsck %s has exit status %d\n", options, status);
        bench_print_log(run->bench);
    }
    return false;
}

/* Mounts what is on the disk, compares it with the model, unmounts. */
static bool look(struct run *run, const struct power_cut *cut, const char *by)
{
    struct disk *disk = &run->bench->disk;
    unsigned durable, begun;
    struct found found;
    char text[700] = "";
    bool good = true;
    int err = disk_mount(disk);

    if (err || fs_readonly(disk->fs)) {
        if (tell(cut, by, TROUBLE_MOUNT))
            printf("error %d%s\n", -err, err ? "" : ", read-only");
        if (!err)
            disk_unmount(disk);
        return false;
    }
    state_window(run->state, cut->point, &durable, &begun);
    err = found_read(disk, &found);
    if (err) {
        good = false;
        if (tell(cut, by, TROUBLE_READ))
            printf("%s\n", found.trouble);
    } else {
        enum verdict verdict = judge(run->state, &found, durable, begun, text, sizeof(text));

        good = verdict == VERDICT_GOOD;
        if (!good && tell(cut, by, TROUBLE_NAMES + verdict - VERDICT_NAMES))
            printf("steps %u to %u: %s\n", durable, begun, text);
    }
    found_free(&found);
    err = disk_unmount(disk);
    if (err && good) {
        good = false;
        if (tell(cut, by, TROUBLE_UNMOUNT))
            printf("error %d\n", -err);
    }
    return good;
}

/* Lets the core recover what is on the cut disk, and cuts the power in the middle of that.
 * The disk is then cut twice. */
static void cut_again(struct run *run, uint64_t seed)
{
    struct bench *bench = run->bench;
    size_t point;

    seed = seed * 0x9e3779b97f4a7c15ull | 1;
    bench_restore(bench);
    tape_clear(&bench->again);
    bench->recording = &bench->again;
    if (disk_mount(&bench->disk) == 0)
        disk_unmount(&bench->disk);
    bench->recording = NULL;
    check_random(&seed);
    point = (check_random(&seed) >> 16) % (bench->again.count + 1);
    tape_play(&bench->again, point, (check_random(&seed) >> 16) % TAPE_MODES, seed, bench->cut);
}

bool recovery_try(struct run *run, const struct power_cut *cut)
{
    struct bench *bench = run->bench;
    bool good;

    memcpy(bench->cut, bench->start, bench->disk.size);
    tape_play(&bench->tape, cut->point, cut->mode % TAPE_MODES, cut->seed, bench->cut);
    if (cut->mode >= CUT_AGAIN)
        cut_again(run, cut->seed);

    bench_restore(bench);
    good = look(run, cut, "the core") && fsck(run, cut, "the core", "-fn", 0, TROUBLE_FSCK_FINDS);

    bench_restore(bench);
    good = fsck(run, cut, "e2fsck", "-fp", 1, TROUBLE_FSCK_MENDS) &&
           fsck(run, cut, "e2fsck", "-fn", 0, TROUBLE_FSCK_FINDS) && look(run, cut, "e2fsck") &&
           good;
    recovery_counts.points++;
    recovery_counts.recoveries += 2 + (cut->mode >= CUT_AGAIN);
    recovery_counts.failed += !good;
    return good;
}
