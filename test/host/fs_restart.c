/*
 * The file-system server dies and another instance goes on: sequences of operations in
 * which it is killed at some step, on volumes with a journal and without. Every step at
 * which it asks anything of the world counts, those of its restart too. The programs of
 * the sequence must not be able to tell: all answers, the whole tree, and the free blocks
 * and inodes are those of the same sequence without a kill, and the volume is sound.
 *
 * RESTART_COUNT is the number of sequences with a kill (more: other sequences, too).
 *
 * host-test: user/fs/core/
 * host-test: test/host/fs_crash/found.c -D_GNU_SOURCE
 */
#include <setjmp.h>
#include "test/host/fs_served.h"
#include "test/host/fs_crash/found.h"
#include "user/fs/core/redo.h"

#define COUNT_DEFAULT 1800
#define STEPS         30 /* operations of a sequence */
#define HANDLES       4
#define TEXT_MAX      (256 << 10)

static struct disk disk;
static uint8_t *fresh; /* the volume as mke2fs made it */
static uint64_t seed;
static const char *volume;
static size_t state_bytes;

/* What programs saw, in words. */
static char *text;
static size_t text_len;

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_len += vsnprintf(text + text_len, TEXT_MAX - text_len, format, args);
    va_end(args);
    if (text_len >= TEXT_MAX - 1024)
        abort();
}

static unsigned pick(unsigned n)
{
    return check_random(&seed) % n;
}

/* ------------------------------------------------------------------- programs */

static struct handle {
    bool open;
    struct fs_node node;
} handles[HANDLES];

static char path_text[2][40];

/* Few names, so that they meet. */
static const char *path(unsigned which)
{
    static const char *const dirs[] = {"", "/d", "/d/e", "/f"};
    unsigned dir = pick(6);

    snprintf(path_text[which], sizeof(path_text[0]), "%s/%c", dirs[dir < 4 ? dir : 0],
             "abcd"[pick(4)]);
    return path_text[which];
}

static const char *dir_path(void)
{
    static const char *const dirs[] = {"/d", "/d/e", "/f", "/a"};

    return dirs[pick(4)];
}

static void close_handle(struct handle *h)
{
    if (h->open)
        served_close(&h->node);
    h->open = false;
}

static void step_open(void)
{
    static const int flags[] = {FS_O_CREAT | FS_O_EXCL, FS_O_CREAT, FS_O_CREAT | FS_O_TRUNC,
                                FS_O_TRUNC, 0};
    struct handle *h = &handles[pick(HANDLES)];
    int with = flags[pick(5)] | FS_O_RDWR;
    const char *name = path(0);
    long err;

    close_handle(h);
    err = served_open(name, with, &h->node);
    h->open = err == 0;
    tell("open %s %x: %ld", name, with, err);
    if (h->open)
        tell(", %lu bytes", (unsigned long)object_open(&h->node)->size);
    tell("\n");
}

static void step_write(void)
{
    static uint8_t data[24000];
    struct handle *h = &handles[pick(HANDLES)];
    size_t len = 1 + pick(pick(3) ? 3000 : sizeof(data));
    uint64_t offset = pick(20000);

    pattern(data, offset, len, pick(256));
    if (!h->open)
        return;
    if (pick(3) == 0)
        offset = object_open(&h->node)->size;
    tell("write %lu+%lu: %ld\n", (unsigned long)offset, (unsigned long)len,
         object_write(&disk, object_open(&h->node), offset, data, len));
}

static void step_read(void)
{
    static uint8_t data[50000];
    struct handle *h = &handles[pick(HANDLES)];
    uint64_t sum = 0;
    long got;

    if (!h->open)
        return;
    got = object_read(&disk, object_open(&h->node), 0, data, sizeof(data));
    for (long i = 0; i < got; i++)
        sum = sum * 31 + data[i];
    tell("read: %ld, %lx\n", got, (unsigned long)sum);
}

static void step_resize(void)
{
    struct handle *h = &handles[pick(HANDLES)];
    unsigned size = pick(pick(2) ? 30000 : 3000);

    if (h->open)
        tell("resize to %u: %ld\n", size, served_ftruncate(&h->node, size));
}

static void step_store(void)
{
    CHECK(objects_store(&disk) == 0);
    if (pick(2))
        for (struct object *object = objects; object; object = object->next)
            object_drop_pages(object, pick(4), false);
}

static void step_names(void)
{
    const char *name = path(0), *other = path(1);
    unsigned what = pick(8), size = pick(3) ? pick(20000) : 0;
    long err;

    switch (what) {
    case 0:
    case 1:
        err = served_unlink(name, false);
        break;
    case 2:
    case 3:
        err = served_rename(name, other);
        break;
    case 4:
        err = served_link(name, other);
        break;
    case 5:
        err = served_symlink(pick(2) ? "a target" : dir_path(), other);
        break;
    case 6:
        err = served_chmod(name, size & 0777);
        break;
    default:
        err = served_truncate(name, size);
        tell("to %u, ", size);
        break;
    }
    tell("%u %s %s: %ld\n", what, name, other, err);
}

static void step_dirs(void)
{
    const char *name = dir_path();
    bool make = pick(3) > 0;

    tell("%s %s: %ld\n", make ? "mkdir" : "rmdir", name,
         make ? served_mkdir(name) : served_unlink(name, true));
}

static void step_durable(void)
{
    switch (pick(3)) {
    case 0:
        CHECK(served_fsync(FS_ROOT_INO) == 0);
        break;
    case 1:
        CHECK(served_sync() == 0);
        break;
    default:
        CHECK(served_write_back() == 0);
        break;
    }
}

static void step(void)
{
    switch (pick(13)) {
    case 0:
    case 1:
    case 2:
        step_open();
        break;
    case 3:
    case 4:
        step_write();
        break;
    case 5:
        step_read();
        break;
    case 6:
        step_store();
        break;
    case 7:
        step_dirs();
        break;
    case 8:
        step_durable();
        break;
    case 9:
        close_handle(&handles[pick(HANDLES)]);
        break;
    case 10:
        step_resize();
        break;
    default:
        step_names();
        break;
    }
}

/* ------------------------------------------------------------------ sequences */

static void tell_tree(void)
{
    struct msg_statfs info;
    struct found found;

    CHECK(found_read(&disk, &found) == 0);
    for (unsigned i = 0; i < found.count; i++) {
        const struct found_name *name = &found.name[i];
        uint64_t sum = 0;

        for (uint64_t j = 0; name->data && j < name->size; j++)
            sum = sum * 31 + name->data[j];
        tell("%s %o %u links, %lu bytes, %lx\n", name->path, name->mode, name->nlink,
             (unsigned long)((name->mode & 0170000) == 0040000 ? 0 : name->size),
             (unsigned long)sum);
    }
    found_free(&found);
    fs_statfs(disk.fs, &info);
    tell("free: %lu blocks, %lu inodes\n", (unsigned long)info.blocks_free,
         (unsigned long)info.inodes_free);
}

/* Runs the sequence of that seed, killing at these steps. What programs saw is in text. */
static void run_sequence(uint64_t with, unsigned long kill_at, unsigned long kill_again)
{
    text_len = 0;
    seed = with;
    memcpy(disk.memory, fresh, disk.size);
    served_begin(&disk, state_bytes, kill_at, kill_again);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    for (unsigned i = 0; i < HANDLES; i++)
        close_handle(&handles[i]);
    CHECK(objects_store(&disk) == 0);
    CHECK(served_sync() == 0);
    served_end();
    objects_forget();
    CHECK(disk_unmount(&disk) == 0);
    disk.params.state = NULL;
    CHECK(disk_mount(&disk) == 0);
    tell_tree();
    CHECK(disk_unmount(&disk) == 0);
    if (kill_at == 0 || check_failing || with % 16 == 0)
        CHECK(disk_check(&disk) == 0);
}

static void print_difference(const char *expected)
{
    unsigned line = 1;
    size_t at = 0, start = 0;

    for (; text[at] && text[at] == expected[at]; at++)
        if (text[at] == '\n') {
            line++;
            start = at + 1;
        }
    printf("# line %u: %.*s\n#   and not: %.*s\n", line, (int)strcspn(text + start, "\n"),
           text + start, (int)strcspn(expected + start, "\n"), expected + start);
}

/* One sequence, killed once or twice, in a process of its own: what the dead instance had
 * in memory is never given back. Returns whether programs saw nothing of it. */
static bool try_kill(uint64_t with, unsigned long kill_at, unsigned long again,
                     const char *expected)
{
    int status = 1;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        check_failing = false;
        run_sequence(with, kill_at, again);
        if (strcmp(text, expected) != 0) {
            print_difference(expected);
            check_failing = true;
        }
        if (check_failing)
            printf("# %s: sequence %lu, killed at %lu and %lu after it\n", volume,
                   (unsigned long)with, kill_at, again);
        fflush(stdout);
        _exit(check_failing);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* A sequence with a kill at each of `kills` of its steps. Returns how many that were. */
static unsigned long try_sequence(uint64_t with, unsigned long kills)
{
    char *expected;
    unsigned long steps, every;

    run_sequence(with, 0, 0);
    expected = strdup(text);
    steps = served_steps;
    every = steps > kills ? steps / kills : 1;
    for (unsigned long at = 1 + with % every; at <= steps; at += every)
        if (!try_kill(with, at, at % 2 ? 0 : 1 + at / 2 % 60, expected))
            check_failing = true;
    free(expected);
    return steps / every;
}

static void test_volume(const char *options, unsigned long kib, size_t state, unsigned long count)
{
    unsigned long done = 0;

    volume = options;
    state_bytes = state;
    disk_make(&disk, options, kib);
    fresh = malloc(disk.size);
    memcpy(fresh, disk.memory, disk.size);
    disk.quiet = true;
    for (uint64_t with = 1; done < count; with++)
        done += try_sequence(with * 0x9e3779b97f4a7c15ul >> 20 | 1, 60);
    free(fresh);
    disk_delete(&disk);
    check_end(options);
}

/* ------------------------------------------------------------- spoiled records */

static struct redo_head *head_of(void *state)
{
    return state;
}

/* Three directories, of which the last two are only in the ring. Returns where the last
 * one's record begins. */
static uint64_t three_records(void)
{
    uint64_t position;

    memcpy(disk.memory, fresh, disk.size);
    served_begin(&disk, 72 << 10, 0, 0);
    CHECK(served_mkdir("/a") == 0 && served_sync() == 0);
    CHECK(served_mkdir("/b") == 0);
    position = head_of(served_state)->head;
    CHECK(served_mkdir("/c") == 0);
    return position;
}

static bool exists(const char *name)
{
    struct msg_stat stat;

    return fs_stat(disk.fs, FS_ROOT_INO, P(name), false, &stat) == 0;
}

/* Mounts as the next instance does. Whether the volume is read-only, without what was
 * done last, and without the one before if that is lost, too. */
static bool set_aside(bool two)
{
    uint64_t key;

    CHECK(disk_mount(&disk) == 0 && fs_adopted(disk.fs) == 0);
    return fs_readonly(disk.fs) && exists("/a") && exists("/b") == !two && !exists("/c") &&
           !fs_completed(disk.fs, served_last, &key) &&
           fs_mkdir(disk.fs, FS_ROOT_INO, P("/e"), 0755) == -EROFS;
}

static void test_spoiled(void)
{
    struct redo_head *head;
    uint64_t position;

    disk_make(&disk, "-b 1024 -I 256 -N 128 -O has_journal -J size=1", 3000);
    fresh = malloc(disk.size);
    memcpy(fresh, disk.memory, disk.size);
    disk.quiet = true;
    for (unsigned word = 0; word < 20; word++) {
        position = three_records();
        head = head_of(served_state);
        CHECK(head->head > position + 20);
        ((uint64_t *)(head + 1))[(position + word) & (head->words - 1)] ^= 1ul << word * 3;
        CHECK(set_aside(false));
        CHECK(set_aside(false)); /* and for good */
    }
    check_end("a record that is spoiled is set aside");
    position = three_records();
    head = head_of(served_state);
    head->applying = position; /* two instances died of it, but not of themselves */
    head->tries = 1;
    CHECK(disk_mount(&disk) == 0 && !fs_readonly(disk.fs) && exists("/c"));
    disk.params.distrust = true;
    head->applying = position; /* one of it, and two of something else */
    head->tries = 0;
    CHECK(disk_mount(&disk) == 0 && !fs_readonly(disk.fs) && exists("/c"));
    head->applying = position;
    head->tries = 1;
    CHECK(set_aside(false));
    disk.params.distrust = false;
    CHECK(set_aside(false));
    check_end("one that kills is set aside at the third start, not before");
    three_records();
    head = head_of(served_state);
    head->tail = head->head + 1;
    CHECK(set_aside(true));
    CHECK(set_aside(true));
    three_records();
    head = head_of(served_state);
    head->magic ^= 1ul << 40;
    CHECK(set_aside(true));
    check_end("if the ring itself is spoiled all of it is lost, and the volume read-only");
    free(fresh);
    disk_delete(&disk);
}

/* Without a journal freed blocks are given out at once. What the records did to one that is
 * a file's by now must not be written, also if the new instance has to write back before it
 * comes to the record that freed it: it has a smaller cache here. */
static void test_reused(void)
{
    static uint8_t data[1 << 20], back[1 << 20];
    struct fs_node node;
    char name[20];
    long len;

    disk_make(&disk, "-b 1024 -I 128 -N 256", 1000);
    disk.quiet = true;
    disk.params.cache_bytes = 512 << 10;
    served_begin(&disk, 1 << 20, 0, 0);
    CHECK(served_mkdir("/x") == 0);
    for (unsigned i = 0; i < 90; i++) {
        snprintf(name, sizeof(name), "/d%u", i);
        CHECK(served_mkdir(name) == 0);
    }
    CHECK(served_unlink("/x", true) == 0);
    CHECK(served_open("/f", FS_O_CREAT | FS_O_RDWR, &node) == 0);
    pattern(data, 0, sizeof(data), 1);
    len = object_write(&disk, object_open(&node), 0, data, sizeof(data));
    CHECK(len > 500000 && len < (long)sizeof(data)); /* all that was free */
    CHECK(objects_store(&disk) == 0);
    objects_forget();
    disk.params.cache_bytes = 0;
    CHECK(disk_mount(&disk) == 0 && fs_adopted(disk.fs) == 0);
    CHECK(file_read(&disk, &node, 0, back, sizeof(back)) == len);
    CHECK(memcmp(data, back, len) == 0);
    disk_finish(&disk);
    check_end("what a block was before it was freed does no harm to its next owner");
}

static unsigned long free_inodes(void)
{
    struct msg_statfs info;

    fs_statfs(disk.fs, &info);
    return info.inodes_free;
}

/* A file that was opened for a request which was not answered is kept, without a name, too:
 * until it is opened again, or the client is known to be dead. */
static void test_kept(void)
{
    uint64_t key, numbers[] = {76, 77, 78};
    struct fs_node node;
    unsigned long before;

    disk_make(&disk, "-b 1024 -I 128 -N 128 -O has_journal -J size=1", 3000);
    disk.quiet = true;
    served_begin(&disk, 72 << 10, 0, 0);
    before = free_inodes();
    for (unsigned dead = 0; dead < 2; dead++) {
        uint64_t number = served_number = 77 + dead;

        CHECK(file_open(&disk, "/a", FS_O_CREAT | FS_O_EXCL | FS_O_RDWR, &node) == 0);
        served_number = 0;
        CHECK(disk_mount(&disk) == 0);
        CHECK(fs_completed(disk.fs, number, &key) && key == node.key);
        CHECK(fs_adopt_request(disk.fs, number) == 0 && fs_adopted(disk.fs) == 0);
        CHECK(fs_unlink(disk.fs, FS_ROOT_INO, P("/a"), false) == 0);
        fs_release_requests(disk.fs, numbers, 3);
        CHECK(free_inodes() == before - 1);
        if (dead) {
            fs_release_requests(disk.fs, numbers, 2);
        } else {
            CHECK(fs_reopen(disk.fs, number, key, FS_O_RDWR, &node) == 0);
            fs_release_requests(disk.fs, numbers, 0);
            CHECK(free_inodes() == before - 1);
            fs_close(disk.fs, node.ino);
        }
        CHECK(free_inodes() == before);
        fs_answered(disk.fs, number);
        CHECK(!fs_completed(disk.fs, number, &key));
    }
    disk_finish(&disk);
    check_end("a file that a request had opened is kept until it is asked for again");
}

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1; /* what the dead had is never given back */
}

int main(void)
{
    const char *count = getenv("RESTART_COUNT");
    unsigned long total = count ? strtoul(count, NULL, 0) : COUNT_DEFAULT;

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    text = malloc(TEXT_MAX);
    check_plan(8);
    test_volume("-b 1024 -I 256 -N 128 -O has_journal -J size=1", 3000, 72 << 10, total / 3);
    /* Rings that are full all the time. */
    test_volume("-b 4096 -I 128 -N 128 -O has_journal -J size=4", 9216, 12 << 10, total / 3);
    test_volume("-b 1024 -I 128 -N 128", 2000, 12 << 10, total / 3);
    test_spoiled();
    test_reused();
    test_kept();
    free(text);
    return check_exit();
}
