/* The disk under test. See bench.h. */
#include <spawn.h>

#include "test/host/fs_crash/bench.h"

#define KIB_MAX 10240
#define FOLDER  "/dev/shm/banyan_fs_crash"

static const struct {
    const char *options;
    unsigned kib, block;
} volumes[VOLUMES] = {
    [VOLUME_1K] = {"-b 1024 -I 256 -N 384 -O has_journal -J size=1", KIB_MAX, 1024},
    [VOLUME_4K] = {"-b 4096 -I 256 -N 384 -O has_journal -J size=4", KIB_MAX, 4096},
    /* The smallest that have room for a journal. */
    [VOLUME_SMALL_1K] = {"-b 1024 -I 128 -N 128 -O has_journal -J size=1", 3000, 1024},
    [VOLUME_SMALL_4K] = {"-b 4096 -I 128 -N 128 -O has_journal -J size=4", 9216, 4096},
};

static int record_write(void *context, uint64_t sector, unsigned count, const void *buffer)
{
    struct bench *bench = context;
    int err = disk_write(context, sector, count, buffer);

    if (!err && bench->recording)
        tape_write(bench->recording, sector, count, buffer);
    return err;
}

static int record_flush(void *context)
{
    struct bench *bench = context;
    int err = disk_flush(context);

    if (!err && bench->recording)
        tape_flush(bench->recording);
    return err;
}

static void *get(size_t bytes)
{
    void *memory = malloc(bytes);

    if (memory == NULL)
        abort();
    return memory;
}

/* Images in memory, if there is a file system for that. */
static void choose_folder(void)
{
    if (getenv("SCRATCH") == NULL && access("/dev/shm", W_OK) == 0)
        setenv("SCRATCH", FOLDER, 1);
}

void bench_init(struct bench *bench)
{
    char path[1024], time[32];

    memset(bench, 0, sizeof(*bench));
    choose_folder();
    for (unsigned i = 0; i < VOLUMES; i++) {
        struct disk *disk = &bench->made[i];

        disk_make(disk, volumes[i].options, volumes[i].kib);
        bench->fresh[i] = get(disk->size);
        memcpy(bench->fresh[i], disk->memory, disk->size);
        disk_delete(disk);
        disk->hooks.write = record_write;
        disk->hooks.flush = record_flush;
        disk->quiet = true;
    }
    bench->start = get(KIB_MAX * 1024);
    bench->cut = get(KIB_MAX * 1024);
    bench->disk = bench->made[0];
    if (scratch_make(bench->disk.folder, sizeof(bench->disk.folder)) != 0)
        abort();
    bench->image = open(bench->disk.image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (bench->image < 0 || ftruncate(bench->image, KIB_MAX * 1024) != 0)
        abort();
    bench->disk.memory =
        mmap(NULL, KIB_MAX * 1024, PROT_READ | PROT_WRITE, MAP_SHARED, bench->image, 0);
    if (bench->disk.memory == MAP_FAILED)
        abort();
    snprintf(bench->log, sizeof(bench->log), "%s/e2fsck.txt", bench->disk.folder);
    snprintf(path, sizeof(path), "%s:/sbin:/usr/sbin", getenv("PATH") ? getenv("PATH") : "/bin");
    setenv("PATH", path, 1);
    /* So that e2fsck finds no time that is to come. */
    snprintf(time, sizeof(time), "%lu", DISK_TIME + 3600);
    setenv("E2FSPROGS_FAKE_TIME", time, 1);
}

void bench_free(struct bench *bench)
{
    for (unsigned i = 0; i < VOLUMES; i++)
        free(bench->fresh[i]);
    free(bench->start);
    free(bench->cut);
    tape_free(&bench->tape);
    tape_free(&bench->again);
    munmap(bench->disk.memory, KIB_MAX * 1024);
    close(bench->image);
    if (scratch_remove(bench->disk.folder) != 0)
        abort();
    rmdir(FOLDER); /* unless others are in it */
}

int bench_begin(struct bench *bench, enum volume volume, size_t cache_bytes)
{
    struct disk old = bench->disk;

    bench->disk = bench->made[volume];
    bench->disk.memory = old.memory;
    bench->disk.params.cache_bytes = cache_bytes;
    bench->block = volumes[volume].block;
    bench->recording = NULL;
    tape_clear(&bench->tape);
    if (old.size != bench->disk.size && ftruncate(bench->image, bench->disk.size) != 0)
        abort();
    memcpy(bench->disk.memory, bench->fresh[volume], bench->disk.size);
    return disk_mount(&bench->disk);
}

void bench_record(struct bench *bench)
{
    memcpy(bench->start, bench->disk.memory, bench->disk.size);
    tape_clear(&bench->tape);
    bench->recording = &bench->tape;
}

void bench_restore(struct bench *bench)
{
    memcpy(bench->disk.memory, bench->cut, bench->disk.size);
    bench->disk.now = DISK_TIME * 1000000000ul;
}

/* Thousands of them are run: a spawned child does not copy the tables of a process under
 * AddressSanitizer, as fork would. */
int bench_fsck(struct bench *bench, const char *options)
{
    char *argv[] = {"e2fsck", (char *)options, bench->disk.image, NULL};
    posix_spawn_file_actions_t actions;
    int status;
    pid_t pid;

    bench->checks++;
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 1, bench->log, O_WRONLY | O_CREAT | O_TRUNC,
                                         0600) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, 1, 2) != 0)
        abort();
    status = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void bench_print_log(const struct bench *bench)
{
    char line[256];
    FILE *file = fopen(bench->log, "r");
    unsigned lines = 0;

    while (file && fgets(line, sizeof(line), file))
        if (line[0] != '\n' && lines++ < 12)
            printf("#     %.*s\n", (int)strcspn(line, "\n"), line);
    if (file)
        fclose(file);
}
