/*
 * Several processes and one file, or one directory.
 *
 * test: points=4
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <sys/stat.h>

#define NAME    "/tmp/file_shared"
#define WRITERS 4
#define RECORDS 100

/* A record: 37 bytes, of which two tell who wrote it and which it is. */
#define RECORD 37

static void make_record(char *record, unsigned who, unsigned number)
{
    memset(record, 'a' + (int)who, RECORD);
    record[0] = (char)who;
    record[1] = (char)number;
}

static int write_records(int fd, unsigned who)
{
    char record[RECORD];

    for (unsigned i = 0; i < RECORDS; i++) {
        make_record(record, who, i);
        CHECK_IS(write(fd, record, RECORD), RECORD);
    }
    return 0;
}

/* All records of all writers are there, whole, each writer's in order. */
static int check_records(void)
{
    int fd = open(NAME, O_RDONLY);
    unsigned next[WRITERS] = {0};
    char record[RECORD], want[RECORD];

    CHECK(fd >= 0);
    for (unsigned i = 0; i < WRITERS * RECORDS; i++) {
        CHECK_IS(read(fd, record, RECORD), RECORD);
        CHECK((unsigned)record[0] < WRITERS);
        make_record(want, (unsigned)record[0], next[(unsigned)record[0]]++);
        CHECK(memcmp(record, want, RECORD) == 0);
    }
    CHECK_IS(read(fd, record, 1), 0);
    return close(fd);
}

/* Everyone opens it for himself, to append. */
static int appenders(void *unused)
{
    pid_t pids[WRITERS];

    (void)unused;
    unlink(NAME);
    for (unsigned i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            int fd = open(NAME, O_WRONLY | O_CREAT | O_APPEND, 0600);
            _exit(fd < 0 ? 1 : write_records(fd, i));
        }
    }
    for (int i = 0; i < WRITERS; i++)
        CHECK_IS(reap(pids[i]), 0);
    CHECK_IS(check_records(), 0);
    return unlink(NAME);
}

/* One open file, inherited: one offset, which moves on with each write. */
static int one_offset(void *unused)
{
    int fd = open(NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pids[WRITERS];

    (void)unused;
    CHECK(fd >= 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(write_records(fd, i));
    }
    for (int i = 0; i < WRITERS; i++)
        CHECK_IS(reap(pids[i]), 0);
    CHECK_IS(close(fd), 0);
    CHECK_IS(check_records(), 0);
    return unlink(NAME);
}

/* Readers of one offset share the file out between them. */
static int share_out(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600), results[2];
    pid_t pids[4];
    unsigned long sum = 0, all = 4000;

    (void)unused;
    CHECK(fd >= 0);
    for (unsigned i = 0; i < all; i++)
        CHECK_IS(write(fd, &i, sizeof(i)), sizeof(i));
    CHECK_IS(lseek(fd, 0, SEEK_SET), 0);
    CHECK_IS(pipe(results), 0);
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            unsigned long mine = 0;
            unsigned word;
            while (read(fd, &word, sizeof(word)) == sizeof(word))
                mine += word + 1;
            write(results[1], &mine, sizeof(mine));
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++) {
        unsigned long part;
        CHECK_IS(read(results[0], &part, sizeof(part)), sizeof(part));
        sum += part;
        CHECK_IS(reap(pids[i]), 0);
    }
    CHECK_IS(sum, all * (all + 1) / 2);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

/* Each writer's place is its own: none disturbs another's. */
static int places(void *unused)
{
    pid_t pids[WRITERS];
    static unsigned char data[20000];
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

    (void)unused;
    CHECK(fd >= 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (unsigned long at = 0; at < sizeof(data); at += 500) {
                pattern_fill(data, 500, i, at);
                if (pwrite(fd, data, 500, (off_t)(i * sizeof(data) + at)) != 500)
                    _exit(1);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++)
        CHECK_IS(reap(pids[i]), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        CHECK_IS(pread(fd, data, sizeof(data), (off_t)(i * sizeof(data))), sizeof(data));
        CHECK_IS(pattern_check(data, sizeof(data), i, 0), -1);
    }
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

/* Creating, linking, renaming and removing in one directory at once. */
static int busy_directory(unsigned who)
{
    char a[64], b[64];

    for (unsigned i = 0; i < 40; i++) {
        snprintf(a, sizeof(a), NAME ".d/%u-%u", who, i);
        snprintf(b, sizeof(b), NAME ".d/moved-%u-%u", who, i);
        int fd = open(a, O_WRONLY | O_CREAT | O_EXCL, 0600);
        CHECK(fd >= 0);
        CHECK_IS(write(fd, &i, sizeof(i)), sizeof(i));
        CHECK_IS(close(fd), 0);
        CHECK_IS(rename(a, b), 0);
        CHECK_IS(link(b, a), 0);
        CHECK_IS(unlink(b), 0);
        if (i % 2)
            CHECK_IS(unlink(a), 0);
    }
    return 0;
}

static int one_directory(void *unused)
{
    pid_t pids[WRITERS];
    char a[64];

    (void)unused;
    CHECK_IS(mkdir(NAME ".d", 0755), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(busy_directory(i));
    }
    for (int i = 0; i < WRITERS; i++)
        CHECK_IS(reap(pids[i]), 0);
    for (unsigned who = 0; who < WRITERS; who++)
        for (unsigned i = 0; i < 40; i += 2) {
            snprintf(a, sizeof(a), NAME ".d/%u-%u", who, i);
            CHECK_IS(unlink(a), 0);
        }
    return rmdir(NAME ".d");
}

/* Of all who create one name with O_EXCL one succeeds. */
static int exclusive(void *unused)
{
    pid_t pids[WRITERS];

    (void)unused;
    for (int round = 0; round < 10; round++) {
        int made = 0;
        for (int i = 0; i < WRITERS; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                int fd = open(NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);
                _exit(fd >= 0 ? 1 : errno == EEXIST ? 0 : 2);
            }
        }
        for (int i = 0; i < WRITERS; i++) {
            int status = reap(pids[i]);
            CHECK(status == 0 || status == 1 << 8);
            made += status != 0;
        }
        CHECK_IS(made, 1);
        CHECK_IS(unlink(NAME), 0);
    }
    return 0;
}

static const struct proc_test tests[] = {
    {appenders, "appending to one file: nothing is lost or torn"},
    {one_offset, "one offset, many writers: nothing is lost or torn"},
    {share_out, "one offset, many readers: each word is read once"},
    {places, "writers at places of their own"},
    {one_directory, "one directory, many who change it"},
    {exclusive, "O_EXCL: one of many makes the file"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
