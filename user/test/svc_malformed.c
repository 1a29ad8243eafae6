/*
 * Servers and messages that no client of theirs would send: wrong numbers, wrong
 * buffers, wrong handles, and messages that only the kernel may send. Each is
 * answered with an error, and the server lives.
 *
 * test: points=5
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <sys/stat.h>

#define NAME "/tmp/svc_malformed"

static char data[IPC_BUFFER_MAX];
static char room[IPC_BUFFER_MAX];
static int file; /* a session on a file */

/* A message with so much data and room; its result. */
static long send(int session, struct message m, unsigned long send_len, unsigned long recv_cap)
{
    struct ipc_ext ext = {.send_addr = (unsigned long)data,
                          .send_len = send_len,
                          .recv_addr = (unsigned long)room,
                          .recv_cap = recv_cap};
    long rc = ipc_request(session, &m, &ext);

    for (unsigned i = 0; rc >= 0 && i < ext.recv_handle_count; i++)
        sys_close(ext.recv_handles[i]);
    return rc;
}

static int both_live(void)
{
    struct stat st;

    CHECK_IS(stat("/bin/sh", &st), 0);
    CHECK(S_ISREG(st.st_mode));
    CHECK_IS(send(H_TTY, (struct message){.w = {MSG_TTY_GETSIZE}}, 0, 0), 0);
    CHECK_IS(pwrite(file, "works", 5, 0), 5);
    CHECK_IS(fsync(file), 0);
    return 0;
}

static int begin(void)
{
    file = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0);
    CHECK_IS(write(file, "contents", 8), 8);
    return 0;
}

static int finish(void)
{
    CHECK_IS(both_live(), 0);
    CHECK_IS(close(file), 0);
    return unlink(NAME);
}

/* What only the kernel may say. */
static int forged(void *unused)
{
    static const unsigned long numbers[] = {MSG_CLOSE, MSG_SYNC, MSG_PAGE_IN, MSG_PAGE_OUT,
                                            MSG_RESERVE};
    const int sessions[] = {H_ROOT, H_CWD, H_TTY, -1};
    struct stat st;

    (void)unused;
    CHECK_IS(begin(), 0);
    for (unsigned i = 0; i < 5; i++)
        for (unsigned j = 0; j < 4; j++) {
            int session = j == 3 ? file : sessions[j];
            struct message m = {.w = {numbers[i], 2, 0, 1, 1 << 20}, .origin = ORIGIN_KERNEL};
            long rc = send(session, m, numbers[i] == MSG_PAGE_OUT ? 4096 : 0, sizeof(room));
            if (session == H_TTY && numbers[i] >= MSG_PAGE_IN)
                CHECK(rc == -EPERM || rc == -ENOSYS || rc == -EINVAL);
            else
                CHECK_IS(rc, -EPERM);
        }
    CHECK_IS(fstat(file, &st), 0);
    CHECK_IS(st.st_size, 8);
    return finish();
}

static int unknown(void *unused)
{
    static const unsigned long numbers[] = {
        0,  7,  15, 33,   47,        51,        63,  MSG_BLK_READ, MSG_BLK_WRITE,
        68, 79, 87, 1000, 1ul << 32, 1ul << 63, ~0ul};
    const int sessions[] = {H_ROOT, H_TTY, -1};

    (void)unused;
    CHECK_IS(begin(), 0);
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        for (unsigned j = 0; j < 3; j++) {
            int session = j == 2 ? file : sessions[j];
            long rc = send(session, (struct message){.w = {numbers[i], 1, 2, 3}}, 10, 100);
            CHECK(rc == -ENOSYS || rc == -EINVAL || rc == -EPERM);
        }
    return finish();
}

/* Every number of fs with data of odd lengths, of no sense, and odd words. */
static int odd_data(int session)
{
    static const unsigned long lengths[] = {0, 1, 5, 255, 256, 4095, 4096, 4097, 65536};
    static const unsigned long words[] = {0, 1, 8, ~0ul, 1ul << 31, 1ul << 63, 4097};

    for (unsigned long number = MSG_OPEN; number <= MSG_ACCESS; number++)
        for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
            for (unsigned j = 0; j < sizeof(words) / sizeof(words[0]); j++) {
                struct message m = {.w = {number, words[j], words[(i + j) % 7], words[i % 7]}};
                if (number == MSG_TRUNCATE && lengths[i] == 0)
                    continue; /* of the session's own file: allowed */
                for (unsigned long k = 0; k < lengths[i]; k++)
                    data[k] = (char)(i % 3 ? k * 7 + j + 1 : 'x');
                send(session, m, lengths[i], i % 2 ? 0 : sizeof(room));
            }
    return both_live();
}

static int to_directory(void *unused)
{
    (void)unused;
    CHECK_IS(begin(), 0);
    CHECK_IS(mkdir(NAME ".d", 0700), 0);
    int dir = open(NAME ".d", O_RDONLY);
    CHECK(dir >= 0);
    CHECK_IS(odd_data(dir), 0);
    CHECK_IS(close(dir), 0);
    CHECK_IS(finish(), 0);
    /* Some of it may have made names: they can be listed and removed. */
    return system("rm -rf " NAME ".d") == 0 ? 0 : 1;
}

static int to_file(void *unused)
{
    (void)unused;
    CHECK_IS(begin(), 0);
    CHECK_IS(odd_data(file), 0);
    return finish();
}

/* Particular lies. */
static int lies(void *unused)
{
    struct message m;

    (void)unused;
    CHECK_IS(begin(), 0);
    memcpy(data, "abcdef", 6);
    m = (struct message){.w = {MSG_RENAME, 7}}; /* a first path longer than both */
    CHECK_IS(send(H_CWD, m, 6, 0), -EINVAL);
    m = (struct message){.w = {MSG_LINK, ~0ul}};
    CHECK_IS(send(H_CWD, m, 6, 0), -EINVAL);
    m = (struct message){.w = {MSG_SYMLINK, 1ul << 40}};
    CHECK_IS(send(H_CWD, m, 6, 0), -EINVAL);
    memcpy(data, "a\0b", 3); /* a NUL in a name */
    m = (struct message){.w = {MSG_MKDIR, 0700}};
    CHECK_IS(send(H_CWD, m, 3, 0), -EINVAL);
    m = (struct message){.w = {MSG_READDIR, ~0ul, sizeof(room)}}; /* a cookie of no entry */
    CHECK(send(H_ROOT, m, 0, sizeof(room)) <= 0);
    m = (struct message){.w = {MSG_READDIR, 0, 1ul << 40}}; /* more room than there is */
    CHECK(send(H_ROOT, m, 0, 10) <= 0);
    m = (struct message){.w = {MSG_READDIR, 0, sizeof(room)}};
    CHECK_IS(send(file, m, 0, sizeof(room)), -ENOTDIR);
    m = (struct message){.w = {MSG_STATFS}};
    CHECK(send(H_ROOT, m, 0, 4) < 0); /* no room for the answer */
    for (unsigned long n = MSG_PATH_SHORT + 1; n < 256; n++) {
        m = (struct message){.w = {MSG_STAT}};
        memset(&m.w[MSG_PATH_WORD], 'x', MSG_PATH_SHORT);
        m.w[IPC_WORDS - 1] |= n << 56;
        CHECK_IS(send(H_ROOT, m, 0, 0), -EINVAL); /* a path longer than its room */
    }
    m = (struct message){.w = {MSG_TRUNCATE, 1}};
    int reader = open(NAME, O_RDONLY);
    CHECK(send(reader, m, 0, 0) < 0); /* needs WRITE */
    CHECK_IS(close(reader), 0);
    struct stat st;
    CHECK_IS(fstat(file, &st), 0);
    CHECK_IS(st.st_size, 8);
    return finish();
}

/* Handles that nobody asked for do not pile up: pipes end when we close ours. */
static int unwanted_handles(void *unused)
{
    int fds[2];
    const int sessions[] = {H_ROOT, H_TTY};

    (void)unused;
    CHECK_IS(begin(), 0);
    CHECK_IS(pipe(fds), 0);
    for (int i = 0; i < 600; i++) {
        struct message m = {.w = {i % 3 ? MSG_STATFS : MSG_ACCESS}};
        struct ipc_ext ext = {.gifts.count = 4,
                              .gifts.handles = {fds[1], fds[1], fds[1], fds[1]},
                              .recv_addr = (unsigned long)room,
                              .recv_cap = sizeof(room)};
        ipc_request(sessions[i % 2], &m, &ext);
    }
    CHECK_IS(close(fds[1]), 0);
    CHECK_IS(read(fds[0], room, 1), 0);
    CHECK_IS(close(fds[0]), 0);
    return finish();
}

static unsigned long random_state = 31337;

/* Anything at all. */
static int random_messages(void *unused)
{
    (void)unused;
    CHECK_IS(begin(), 0);
    CHECK_IS(mkdir(NAME ".d", 0700), 0);
    int dir = open(NAME ".d", O_RDONLY);
    for (int i = 0; i < 1200; i++) {
        struct message m = {.w = {random_next(&random_state) % 90}};
        int session = i % 3 == 0 ? H_TTY : i % 3 == 1 ? dir : file;
        unsigned long n = random_next(&random_state) % 3 ? random_next(&random_state) % 300 : 0;
        for (int j = 1; j < 5; j++)
            m.w[j] = random_next(&random_state) >> random_next(&random_state) % 64;
        for (unsigned long k = 0; k < n; k++)
            data[k] = (char)(random_next(&random_state) | 0x80); /* no '/': stays in there */
        for (int j = 5; j < IPC_WORDS && n == 0; j++)            /* a short path, likewise */
            m.w[j] = random_next(&random_state) | 0x8080808080808080;
        if (n == 0) {
            m.w[3] |= 0x8080808080808080;
            m.w[4] |= 0x8080808080808080;
            m.w[IPC_WORDS - 1] = m.w[IPC_WORDS - 1] << 8 >> 8 | i % 48ul << 56;
        }
        /* A read of the terminal waits for keys; its settings are left alone. */
        if (session == H_TTY && (m.w[0] == MSG_READ || m.w[0] == MSG_WRITE ||
                                 m.w[0] == MSG_TTY_SETATTR || m.w[0] == MSG_TTY_SETPGRP))
            continue;
        if (m.w[0] == MSG_TRUNCATE && n == 0 && i % 48 == 0)
            continue; /* of the session's own file */
        send(session, m, n, random_next(&random_state) % sizeof(room));
    }
    CHECK_IS(close(dir), 0);
    CHECK_IS(finish(), 0);
    return system("rm -rf " NAME ".d") == 0 ? 0 : 1;
}

static const struct proc_test tests[] = {
    {forged, "what only the kernel may send: EPERM"},
    {unknown, "numbers that nobody knows"},
    {to_directory, "odd lengths, words and data to a directory"},
    {to_file, "odd lengths, words and data to a file"},
    {lies, "messages that lie about themselves"},
    {unwanted_handles, "handles that nobody asked for"},
    {random_messages, "messages at random"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
