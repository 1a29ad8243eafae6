/*
 * The file-system server whole, all its threads, on a kernel and a disk driver
 * that are played here: what each message is answered, who may send it, what
 * becomes of handles and sessions when an answer fails; and that nothing a client
 * sends, whatever it is, does harm.
 *
 * host-test: user/fs/core/
 */
#include <pthread.h>
#include "test/host/fs_disk.h"
#include "test/host/lib_killpoint.h"
#include "kernel/abi.h"
#include "user/include/message.h"

/* In place of user/include/banyan.h. */
#define BANYAN_H

static long ipc_receive(int port, struct message *m, struct ipc_ext *ext);
static long ipc_reply(int port, long id, const struct message *m, struct ipc_ext *ext);
static long ipc_reply_receive(int port, long id, struct message *m, struct ipc_ext *ext);
static long ipc_request(int session, struct message *m, struct ipc_ext *ext);
static long sys_system(int system, long op, long a, long b, long c);
static long sys_clock(int clock);
static long sys_sleep(unsigned long ns);
static long sys_port_timer(int port, unsigned bit, unsigned long ns);
static long sys_close(int handle);
static long sys_notify(int port, unsigned long bits);
static long sys_object_info(int port, unsigned long key, struct abi_object_info *info);
static long sys_object_resize(int port, unsigned long key, unsigned long size);
static long sys_object_discard(int port, unsigned long key);
static long sys_port_list(int port, unsigned what, unsigned long cursor, unsigned long *entries,
                          unsigned room);
static long sys_object_pages(int port, unsigned long key, unsigned long page,
                             struct abi_page_run *runs, unsigned room);
static void sys_exit(int status) __attribute__((noreturn));

#include "user/lib/due.c"

#include "user/fs/adopt.c"
#include "user/fs/hooks.c"
#include "user/fs/devices.c"
#include "user/fs/dispatch.c"
#include "user/fs/names.c"
#include "user/fs/pages.c"
#include "user/fs/worker.c"

struct fs *volume;
#define THREADS 4
#define RW      (RIGHT_READ | RIGHT_WRITE)
#define ANY     (RIGHT_READ | RIGHT_EXEC | RIGHT_CALL)

/* ------------------------------------------------------------ the port, played */

struct call {
    struct call *next;
    struct message message;
    const void *data;
    unsigned long len;
    int handles[IPC_HANDLES];
    unsigned handle_count;
    unsigned long room;   /* for the answer */
    unsigned long number; /* of a request that comes again; 0: it is a new one */
    long fail;            /* what the first try to answer meets */
    int again;            /* -EAGAIN: how many do */
    bool taken, done;
    /* The answer: */
    unsigned long w[IPC_WORDS];
    uint8_t reply[IPC_BUFFER_MAX];
    unsigned long reply_len;
    bool opened;
    struct ipc_session session;
    unsigned session_flags;
    int passed;
};

static pthread_mutex_t port_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t port_changed = PTHREAD_COND_INITIALIZER;
static struct call *calls;
static unsigned long port_bits;
static long next_id = 1;

static struct disk disk;
static unsigned handles_closed, timers, discards;
static int last_closed;
static struct abi_object_info object; /* the only one, of object_key */
static unsigned long object_key;

static void sys_exit(int status)
{
    printf("# the server exits with %d\n", status);
    abort();
}

static long ipc_receive(int port, struct message *m, struct ipc_ext *ext)
{
    long id;

    CHECK(port == PORT && ext->recv_cap == IPC_BUFFER_MAX);
    pthread_mutex_lock(&port_mutex);
    for (;;) {
        struct call *call = calls;

        if (port_bits) {
            m->w[0] = port_bits;
            port_bits = 0;
            id = 0;
            break;
        }
        while (call && call->taken)
            call = call->next;
        if (call) {
            call->taken = true;
            *m = call->message;
            id = m->id = (call->number ? (long)call->number : next_id++) << 16;
            call->message.id = id;
            if (call->len)
                memcpy((void *)ext->recv_addr, call->data, call->len);
            ext->recv_len = call->len;
            ext->recv_handle_count = call->handle_count;
            memcpy(ext->recv_handles, call->handles, sizeof(call->handles));
            break;
        }
        pthread_cond_wait(&port_changed, &port_mutex);
    }
    pthread_mutex_unlock(&port_mutex);
    return id;
}

static long answer(struct call *call, const struct message *m, const struct ipc_ext *ext)
{
    long fail = call->fail;

    if (fail == -EAGAIN && call->again--) {
        port_bits |= NOTIFY_ROOM; /* it will be so again until the tries are used up */
        return fail;
    }
    call->fail = 0;
    if (fail && fail != -EAGAIN)
        return fail;
    if (ext && ext->send_len > call->room)
        return -EMSGSIZE;
    memcpy(call->w, m->w, sizeof(call->w));
    if (ext) {
        if (ext->send_len)
            memcpy(call->reply, (void *)ext->send_addr, ext->send_len);
        call->reply_len = ext->send_len;
        call->opened = ext->gifts.make_session;
        call->session = ext->gifts.session;
        call->session_flags = ext->gifts.session_flags;
        call->passed = ext->gifts.count ? ext->gifts.handles[0] : H_NONE;
    }
    return 0;
}

/* The kernel makes an object of the size that the answer names, if it has none: all its
 * pages have been stored and dropped by then. Sizes by inode, of what was stored. */
static unsigned long stored[1024];
static bool slow_opens;

static long ipc_reply(int port, long id, const struct message *m, struct ipc_ext *ext)
{
    struct call *call;
    long err = -ECANCELED;
    bool makes = ext && ext->gifts.make_session && ext->gifts.session.flags & SESSION_OBJECT;

    CHECK(port == PORT);
    if (makes && slow_opens)
        usleep(200);
    pthread_mutex_lock(&port_mutex);
    if (makes && slow_opens)
        CHECK(ext->gifts.session.size >= stored[ext->gifts.session.badge % 1024]);
    for (call = calls; call && call->message.id != id;)
        call = call->next;
    if (call && !call->done) {
        if (call->message.w[0] == MSG_PAGE_OUT && m->w[0] == 0 &&
            stored[(uint32_t)call->message.w[1] % 1024] < call->message.w[4])
            stored[(uint32_t)call->message.w[1] % 1024] = call->message.w[4];
        err = answer(call, m, ext);
        call->done = err == 0 || err == -ECANCELED;
        pthread_cond_broadcast(&port_changed);
    }
    pthread_mutex_unlock(&port_mutex);
    return err;
}

static long ipc_reply_receive(int port, long id, struct message *m, struct ipc_ext *ext)
{
    long err = ipc_reply(port, id, m, ext);

    return err ? err : ipc_receive(port, m, ext);
}

/* Sends the call and waits for its answer; returns w[0]. */
static long send_call(struct call *call)
{
    struct call **at = &calls;

    pthread_mutex_lock(&port_mutex);
    call->next = calls;
    calls = call;
    call->passed = H_NONE;
    pthread_cond_broadcast(&port_changed);
    while (!call->done)
        pthread_cond_wait(&port_changed, &port_mutex);
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    pthread_mutex_unlock(&port_mutex);
    return (long)call->w[0];
}

/* ----------------------------------------------------- the rest of the machine */

static long ipc_request(int session, struct message *m, struct ipc_ext *ext)
{
    CHECK(session == DISK);
    switch (m->w[0]) {
    case MSG_BLK_INFO:
        m->w[1] = disk.size / FS_SECTOR;
        m->w[2] = 0;
        return 0;
    case MSG_BLK_READ:
        usleep(50);
        ext->recv_len = m->w[2] * FS_SECTOR;
        CHECK(ext->recv_len == ext->recv_cap);
        return disk_read(&disk, m->w[1], m->w[2], (void *)ext->recv_addr);
    case MSG_BLK_WRITE:
        usleep(50);
        return disk_write(&disk, m->w[1], ext->send_len / FS_SECTOR, (void *)ext->send_addr);
    case MSG_BLK_FLUSH:
        return disk_flush(&disk);
    }
    return -ENOSYS;
}

static long sys_system(int system, long op, long a, long b, long c)
{
    (void)system, (void)c;
    CHECK(op == SYSTEM_LOG_WRITE);
    if (!disk.quiet)
        printf("# %.*s", (int)b, (char *)a);
    return 0;
}

static long sys_clock(int clock)
{
    CHECK(clock == ABI_CLOCK_REALTIME);
    return __atomic_add_fetch(&disk.now, 1000003, __ATOMIC_RELAXED);
}

static long sys_sleep(unsigned long ns)
{
    usleep(ns / 1000);
    return 0;
}

static long sys_port_timer(int port, unsigned bit, unsigned long ns)
{
    CHECK(port == PORT && bit == BIT_TIMER && ns > 0);
    timers++;
    return 0;
}

static volatile unsigned beats;

static long sys_notify(int port, unsigned long bits)
{
    CHECK(port == HEART && bits == 1ul << HEART_FS);
    beats++;
    return 0;
}

static long sys_close(int handle)
{
    handles_closed++;
    last_closed = handle;
    return 0;
}

static long sys_object_info(int port, unsigned long key, struct abi_object_info *info)
{
    CHECK(port == PORT);
    if (key != object_key)
        return -ENOENT;
    *info = object;
    return 0;
}

static long sys_object_resize(int port, unsigned long key, unsigned long size)
{
    CHECK(port == PORT);
    if (key != object_key)
        return -ENOENT;
    object.size = size;
    return 0;
}

static long sys_object_discard(int port, unsigned long key)
{
    CHECK(port == PORT);
    discards++;
    if (key != object_key)
        return -ENOENT;
    object_key = 0;
    return 0;
}

/* ------------------------------------------------------------------- client */

static struct call last;

/* Puts a path into the message, and every other time into its words if it may be there. */
static void set_path(struct call *call, const char *path)
{
    static bool in_words;
    unsigned long number = call->message.w[0];
    bool two = number == MSG_RENAME || number == MSG_LINK || number == MSG_SYMLINK;

    call->data = path;
    call->len = strlen(path);
    if (two || call->len > MSG_PATH_SHORT || !(in_words = !in_words))
        return;
    memcpy(&call->message.w[MSG_PATH_WORD], path, call->len);
    call->message.w[IPC_WORDS - 1] |= call->len << 56;
    call->len = 0;
}

/* One message on a session, with a path. */
static long send_path(unsigned long badge, unsigned long origin, unsigned long number,
                      const char *path, unsigned long w1, unsigned long w2)
{
    memset(&last, 0, sizeof(last));
    last.message = (struct message){.w = {number, w1, w2}, .badge = badge, .origin = origin};
    last.room = IPC_BUFFER_MAX;
    set_path(&last, path);
    return send_call(&last);
}

static const struct msg_stat *told(void)
{
    return (const struct msg_stat *)last.w;
}

static long send_stat(unsigned long badge, const char *path, bool nofollow)
{
    long w0 = send_path(badge, ANY, MSG_STAT, path, nofollow, 0);

    CHECK(last.reply_len == 0);
    CHECK(w0 < 0 || (told()->ino > 0 && told()->blksize == 1024));
    return w0 < 0 ? w0 : 0;
}

/* One message of the kernel's. */
static long send_kernel(unsigned long number, unsigned long w1, unsigned long w2, unsigned long w3,
                        unsigned long w4, const void *data, unsigned long len)
{
    memset(&last, 0, sizeof(last));
    last.message = (struct message){.w = {number, w1, w2, w3, w4}, .origin = ORIGIN_KERNEL};
    last.data = data;
    last.len = len;
    last.room = IPC_BUFFER_MAX;
    return send_call(&last);
}

static void close_session(unsigned long badge)
{
    memset(&last, 0, sizeof(last));
    last.message = (struct message){.w = {MSG_CLOSE}, .badge = badge, .origin = ORIGIN_KERNEL};
    CHECK(send_call(&last) == 0);
}

#define OPEN(path, flags) send_path(2, ANY, MSG_OPEN, path, flags, 0644)

static void test_open(void)
{
    struct ipc_session file;

    CHECK(OPEN("f", FS_O_RDWR | FS_O_CREAT | FS_O_APPEND | FS_O_CLOEXEC) == 0);
    file = last.session;
    CHECK(last.opened && last.w[1] == 0100000 && last.session_flags == HANDLE_CLOEXEC);
    CHECK(file.flags == (SESSION_OBJECT | SESSION_TOLD | HANDLE_APPEND) && file.size == 0);
    CHECK(file.rights == (RW | RIGHT_CALL | RIGHT_TRANSFER));
    CHECK(file.badge == (uint32_t)file.key);
    CHECK(OPEN("f", FS_O_WRONLY) == 0 && last.session.key == file.key);
    CHECK(last.session.rights == (RIGHT_WRITE | RIGHT_CALL | RIGHT_TRANSFER));
    CHECK(last.session.flags == (SESSION_OBJECT | SESSION_TOLD) && last.session_flags == 0);
    close_session(file.badge);
    CHECK(send_path(file.badge, ANY, MSG_CHMOD, "", 0755, 0) == 0);
    CHECK(OPEN("f", FS_O_RDONLY) == 0);
    CHECK(last.session.rights == (RIGHT_READ | RIGHT_EXEC | RIGHT_CALL | RIGHT_TRANSFER));
    close_session(file.badge);
    close_session(file.badge);
    CHECK(OPEN("none", 0) == -ENOENT && !last.opened);
    CHECK(OPEN("/", FS_O_DIRECTORY) == 0 && last.opened && last.w[1] == 0040000);
    CHECK(!(last.session.flags & SESSION_OBJECT) && last.session.badge == 2);
    close_session(2);
    CHECK(send_path(2, ANY, MSG_UNLINK, "f", 0, 0) == 0);
}

static void test_names(void)
{
    CHECK(send_path(2, ANY, MSG_MKDIR, "d", 0755, 0) == 0);
    CHECK(send_path(2, ANY, MSG_SYMLINK, "targetd/s", 6, 0) == 0);
    CHECK(send_path(2, ANY, MSG_SYMLINK, "targetd/s", 10, 0) == -EINVAL);
    CHECK(send_path(2, ANY, MSG_READLINK, "d/s", 0, 0) == 6);
    CHECK(last.reply_len == 6 && memcmp(last.reply, "target", 6) == 0);
    CHECK(send_path(2, ANY, MSG_RENAME, "d/sd/t", 3, 0) == 0);
    CHECK(send_path(2, ANY, MSG_RENAME, "d/sd/t", 7, 0) == -EINVAL);
    CHECK(send_path(2, ANY, MSG_LINK, "d/td/u", 3, 0) == 0);
    CHECK(send_path(2, ANY, MSG_LINK, "d/td/u", ~0ul, 0) == -EINVAL);
    CHECK(send_stat(2, "d/u", true) == 0 && told()->nlink == 2 && told()->size == 6);
    CHECK(send_stat(2, "d/u", false) == -ENOENT);
    CHECK(send_stat(2, "", false) == 0 && told()->ino == 2);
    CHECK(send_stat(2, "", false) == 0 && told()->ino == 2);                     /* the other way */
    CHECK(send_stat(2, "d/./././././././././././././././././././", false) == 0); /* 40 bytes */
    CHECK(send_stat(2, "d/./././././././././././././././././././././.", false) == 0);
    CHECK(send_path(2, ANY, MSG_ACCESS, "d", 7, 0) == 0);
    CHECK(send_path(2, ANY, MSG_ACCESS, "d", 8, 0) == -EINVAL);
    CHECK(send_path(2, ANY, MSG_UTIME, "d", 1000000000, 2000000000) == 0);
    CHECK(send_stat(2, "d", false) == 0 && told()->mtime_ns == 2000000000);
    CHECK(send_path(told()->ino, ANY, MSG_GETCWD, "", 0, 0) == 2 && last.reply_len == 2);
    CHECK(memcmp(last.reply, "/d", 2) == 0);
    CHECK(send_path(2, ANY, MSG_STATFS, "", 0, 0) == 0);
    CHECK(last.reply_len == sizeof(struct msg_statfs));
    CHECK(send_path(2, ANY, MSG_READDIR, "", 0, 4096) > 0 && last.w[1] > 0);
    CHECK(last.w[0] == last.reply_len);
    CHECK(send_path(2, RIGHT_CALL, MSG_READDIR, "", 0, 4096) == -EBADF);
    CHECK(send_path(2, ANY, MSG_READDIR, "", 0, 5) == -EINVAL);
    CHECK(send_path(2, ANY, MSG_UNLINK, "d/t", 0, 0) == 0);
    CHECK(send_path(2, ANY, MSG_UNLINK, "d/u", 0, 0) == 0);
    CHECK(send_path(2, ANY, MSG_UNLINK, "d", 1, 0) == 0);
    CHECK(send_path(2, ANY, 77, "", 0, 0) == -ENOSYS && send_path(2, ANY, 0, "", 0, 0) == -ENOSYS);
}

/* Who may send what. */
static void test_rights(void)
{
    static const unsigned long kernels[] = {MSG_CLOSE, MSG_SYNC, MSG_PAGE_IN, MSG_PAGE_OUT,
                                            MSG_RESERVE};
    unsigned long file;

    for (unsigned i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
        CHECK(send_path(2, ANY | RIGHT_WRITE, kernels[i], "", 2, 1) == -EPERM);
    CHECK(OPEN("f", FS_O_RDWR | FS_O_CREAT) == 0);
    file = last.session.badge;
    CHECK(send_path(file, RIGHT_CALL | RIGHT_READ, MSG_TRUNCATE, "", 100, 0) == -EBADF);
    CHECK(send_path(file, RIGHT_CALL | RIGHT_WRITE, MSG_TRUNCATE, "", 100, 0) == 0);
    CHECK(send_path(file, RW, MSG_READ, "", 100, 0) == -EINVAL);
    CHECK(send_path(file, RIGHT_WRITE, MSG_READ, "", 100, 0) == -EBADF);
    CHECK(send_path(2, RW, MSG_READ, "", 100, 0) == -EISDIR);
    CHECK(send_path(file, RIGHT_CALL, MSG_FSYNC, "", 0, 0) == 0);
    close_session(file);
    CHECK(send_path(2, ANY, MSG_UNLINK, "f", 0, 0) == 0);
}

static void test_pages(void)
{
    static uint8_t pages[16 * FS_PAGE];
    unsigned long key;

    CHECK(OPEN("f", FS_O_RDWR | FS_O_CREAT) == 0);
    key = last.session.key;
    object_key = key;
    object = (struct abi_object_info){.size = 50000, .dirty = 13, .sessions = 1};
    pattern(pages, 0, sizeof(pages), 4);
    CHECK(send_kernel(MSG_RESERVE, key, 0, 13, 50000, "", 0) == 13);
    CHECK(send_kernel(MSG_PAGE_OUT, key, 0, 13, 50000, pages, 50000) == 0);
    object.dirty = 0;
    CHECK(send_kernel(MSG_PAGE_IN, key, 0, 16, 0, "", 0) == 0);
    CHECK(last.reply_len == 50000 && memcmp(last.reply, pages, 50000) == 0);
    CHECK(last.w[1] >> 13 == 7); /* holes behind the end */
    CHECK(send_kernel(MSG_PAGE_IN, key, 0, 0, 0, "", 0) == -EINVAL);
    CHECK(send_kernel(MSG_PAGE_IN, key, 0, 17, 0, "", 0) == -EINVAL);
    CHECK(send_kernel(MSG_PAGE_IN, key, 1ul << 50, 1, 0, "", 0) == -EINVAL);
    CHECK(send_kernel(MSG_PAGE_OUT, key, 0, 17, 50000, pages, 50000) == -EINVAL);
    CHECK(send_kernel(MSG_PAGE_OUT, key, 0, 1, 50000, pages, 5000) == -EINVAL);
    CHECK(send_kernel(MSG_PAGE_OUT, key + (1ul << 32), 0, 1, 4096, pages, 4096) == -ENOENT);
    CHECK(send_kernel(MSG_RESERVE, key, 0, 1, 1ul << 60, "", 0) == -EFBIG);
    CHECK(send_kernel(MSG_RESERVE, 2, 0, 1, 1, "", 0) < 0);
    discards = 0;
    CHECK(send_path(2, ANY, MSG_UNLINK, "f", 0, 0) == 0 && discards == 0);
    CHECK(send_kernel(MSG_PAGE_IN, key, 0, 1, 0, "", 0) == 0);
    close_session((uint32_t)key);
    CHECK(discards == 1 && object_key == 0);
    CHECK(send_kernel(MSG_PAGE_IN, key, 0, 1, 0, "", 0) == -ENOENT);
    CHECK(send_kernel(MSG_SYNC, 0, 0, 0, 0, "", 0) == 0);
}

static void test_devices(void)
{
    CHECK(send_path(2, ANY, MSG_MKNOD, "null", 0020666, 1 << 8 | 3) == 0);
    CHECK(send_path(2, ANY, MSG_MKNOD, "zero", 0020666, 1 << 8 | 5) == 0);
    CHECK(send_path(2, ANY, MSG_MKNOD, "full", 0020666, 1 << 8 | 7) == 0);
    CHECK(send_path(2, ANY, MSG_MKNOD, "tty", 0020666, 5 << 8) == 0);
    CHECK(send_path(2, ANY, MSG_MKNOD, "disk", 0060666, 5 << 8) == 0);
    CHECK(send_path(2, ANY, MSG_MKNOD, "far", 0020666, 1ul << 40) == -EINVAL);
    CHECK(send_path(2, ANY, MSG_MKNOD, "svc", 0020666, 10 << 8) == 0);
    CHECK(send_path(2, ANY, MSG_MKNOD, "other", 0020666, 6 << 8) == 0);
    CHECK(OPEN("other", FS_O_RDWR) == -ENXIO && OPEN("disk", FS_O_RDWR) == -ENXIO);
    CHECK(OPEN("tty", FS_O_RDWR) == 0 && !last.opened && last.passed == FS_TTY);
    CHECK(OPEN("svc", FS_O_RDWR) == 0 && !last.opened && last.passed == FS_SVC);
    CHECK(OPEN("null", FS_O_RDWR) == 0 && last.opened);
    CHECK(!(last.session.flags & SESSION_OBJECT));
    CHECK(send_path(last.session.badge, RW, MSG_READ, "", 10, 0) == 0 && last.reply_len == 0);
    CHECK(OPEN("zero", FS_O_RDWR) == 0);
    CHECK(send_path(last.session.badge, RW, MSG_READ, "", 10, 0) == 10 && last.reply_len == 10);
    CHECK(OPEN("zero", FS_O_RDWR) == 0);
    CHECK(send_path(last.session.badge, RW, MSG_READ, "", ~0ul, 0) == IPC_BUFFER_MAX);
    CHECK(OPEN("full", FS_O_RDWR) == 0);
    CHECK(send_path(last.session.badge, RW, MSG_WRITE, "data", 4, 0) == -ENOSPC);
    CHECK(OPEN("null", FS_O_RDWR) == 0);
    CHECK(send_path(last.session.badge, RW, MSG_WRITE, "data", 4, 0) == 4);
}

/* Sends an open whose first answer meets an error. */
static long open_failing(const char *path, long fail)
{
    memset(&last, 0, sizeof(last));
    last.message =
        (struct message){.w = {MSG_OPEN, FS_O_RDWR | FS_O_CREAT, 0644}, .badge = 2, .origin = ANY};
    set_path(&last, path);
    last.fail = fail;
    return send_call(&last);
}

static unsigned long inodes_free(void)
{
    CHECK(send_path(2, ANY, MSG_STATFS, "", 0, 0) == 0);
    return ((struct msg_statfs *)last.reply)->inodes_free;
}

/* Answers that do not arrive leave nothing behind. */
static void test_failed_answers(void)
{
    unsigned long before = inodes_free(), ino;

    open_failing("f", -ECANCELED); /* killed: the kernel tells of the session's end */
    CHECK(send_stat(2, "f", false) == 0);
    ino = told()->ino;
    CHECK(send_path(2, ANY, MSG_UNLINK, "f", 0, 0) == 0 && inodes_free() == before - 1);
    close_session(ino);
    CHECK(inodes_free() == before);
    CHECK(open_failing("f", -EMFILE) == -EMFILE && !last.opened);
    CHECK(send_path(2, ANY, MSG_UNLINK, "f", 0, 0) == 0);
    close_session(ino);
    CHECK(inodes_free() == before);
    CHECK(open_failing("f", -ENOMEM) == -ENOMEM); /* no session was made */
    CHECK(send_path(2, ANY, MSG_UNLINK, "f", 0, 0) == 0);
    CHECK(inodes_free() == before);
    /* Data that the client has no room for, and a kernel short of frames. */
    memset(&last, 0, sizeof(last));
    last.message = (struct message){.w = {MSG_STATFS}, .badge = 2, .origin = ANY};
    last.room = 10;
    last.data = "";
    CHECK(send_call(&last) == -EMSGSIZE && last.reply_len == 0);
    memset(&last, 0, sizeof(last));
    last.message = (struct message){.w = {MSG_STATFS}, .badge = 2, .origin = ANY};
    last.room = 1000;
    last.data = "";
    last.fail = -EAGAIN;
    last.again = 5;
    CHECK(send_call(&last) == 0 && last.reply_len == sizeof(struct msg_statfs));
}

/* Another message tells that a session has ended, and what that holds is free before it is
 * handled. */
static void test_told(void)
{
    unsigned long before = inodes_free(), ino;

    CHECK(OPEN("f", FS_O_RDWR | FS_O_CREAT) == 0);
    ino = last.session.badge;
    CHECK(send_path(2, ANY, MSG_UNLINK, "f", 0, 0) == 0);
    CHECK(inodes_free() == before - 1);
    CHECK(send_path(2, ANY | ino << 32, MSG_ACCESS, "f", 0, 0) == -ENOENT);
    CHECK(inodes_free() == before);
}

/* What a short path may be. */
static void test_short_paths(void)
{
    static const char longest[] = "abcdefghijklmnopqrstuvwxyz_0123456789_-";
    struct call call = {.data = "", .room = IPC_BUFFER_MAX};

    CHECK(strlen(longest) == MSG_PATH_SHORT);
    for (unsigned long len = 0; len < 256; len++) {
        call.message = (struct message){.w = {MSG_MKDIR, 0755}, .badge = 2, .origin = ANY};
        memcpy(&call.message.w[MSG_PATH_WORD], longest, sizeof(longest));
        call.message.w[IPC_WORDS - 1] |= len << 56;
        call.taken = call.done = false;
        CHECK(send_call(&call) == (len == 0 ? -ENOENT : len <= MSG_PATH_SHORT ? 0 : -EINVAL));
    }
    for (unsigned len = MSG_PATH_SHORT; len > 0; len--) {
        char name[MSG_PATH_SHORT + 1] = "";

        memcpy(name, longest, len);
        CHECK(send_stat(2, name, false) == 0);
        CHECK(send_path(2, ANY, MSG_UNLINK, name, 1, 0) == 0);
        CHECK(send_stat(2, name, false) == -ENOENT);
    }
}

/* What was changed is on the disk some time later. */
static void test_timer(void)
{
    unsigned before, writes;

    CHECK(send_kernel(MSG_SYNC, 0, 0, 0, 0, "", 0) == 0);
    pthread_mutex_lock(&port_mutex);
    port_bits = 1ul << BIT_TIMER; /* whatever was armed is over */
    pthread_cond_broadcast(&port_changed);
    pthread_mutex_unlock(&port_mutex);
    usleep(20000);
    before = timers;
    writes = disk.writes;
    CHECK(send_path(2, ANY, MSG_MKDIR, "later", 0755, 0) == 0);
    CHECK(send_path(2, ANY, MSG_MKDIR, "later/on", 0755, 0) == 0);
    CHECK(timers == before + 1 && disk.writes == writes);
    pthread_mutex_lock(&port_mutex);
    port_bits = 1ul << BIT_TIMER;
    pthread_cond_broadcast(&port_changed);
    pthread_mutex_unlock(&port_mutex);
    for (int i = 0; i < 200 && disk.writes == writes; i++)
        usleep(5000);
    usleep(20000);
    CHECK(disk.writes > writes && timers == before + 1);
}

/* Opens one file over and over, while its pages are stored as it grows. */
static void *reopen(void *over)
{
    struct call call;

    while (!__atomic_load_n((bool *)over, __ATOMIC_ACQUIRE)) {
        call = (struct call){.message = {.w = {MSG_OPEN, FS_O_RDWR}, .badge = 2, .origin = ANY},
                             .data = "grows",
                             .len = 5,
                             .room = IPC_BUFFER_MAX};
        CHECK(send_call(&call) == 0 && call.opened);
        call = (struct call){
            .message = {.w = {MSG_CLOSE}, .badge = call.session.badge, .origin = ORIGIN_KERNEL}};
        CHECK(send_call(&call) == 0);
    }
    return NULL;
}

/* The size that an open answers is not older than what was stored before the answer. */
static void test_open_size(void)
{
    static char page[4096];
    pthread_t thread;
    bool over = false;
    unsigned long key;

    CHECK(send_path(2, ANY, MSG_OPEN, "grows", FS_O_CREAT | FS_O_RDWR, 0644) == 0 && last.opened);
    key = last.session.key;
    object_key = 0; /* the kernel has none: each open makes it */
    stored[(uint32_t)key % 1024] = 0;
    slow_opens = true;
    pthread_create(&thread, NULL, reopen, &over);
    for (unsigned long size = 1; size <= 400; size++) {
        struct call call = {
            .message = {.w = {MSG_PAGE_OUT, key, 0, 1, size}, .origin = ORIGIN_KERNEL},
            .data = page,
            .len = size,
            .room = IPC_BUFFER_MAX};
        CHECK(send_call(&call) == 0);
    }
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    slow_opens = false;
    close_session((uint32_t)key);
}

/* A sign of life is given when it is asked for, but not while the lock is held. */
static void test_heartbeat(void)
{
    unsigned before = beats;

    lock();
    pthread_mutex_lock(&port_mutex);
    port_bits = NOTIFY_HEARTBEAT;
    pthread_cond_broadcast(&port_changed);
    pthread_mutex_unlock(&port_mutex);
    usleep(50000);
    CHECK(beats == before);
    unlock();
    for (int i = 0; i < 200 && beats == before; i++)
        usleep(5000);
    CHECK(beats == before + 1);
}

/* ------------------------------------------------------------- another instance */

static unsigned long badges[64], returned[64]; /* what the kernel lists */
static unsigned badge_count, returned_count;
static struct abi_page_run runs[40]; /* of object_key */
static unsigned run_count;

static long sys_port_list(int port, unsigned what, unsigned long cursor, unsigned long *entries,
                          unsigned room)
{
    unsigned n = 0;

    CHECK(port == PORT && room > 0);
    if (what == PORT_SESSIONS)
        for (unsigned i = cursor; i < badge_count && n < room; i++)
            entries[n++] = badges[i];
    for (unsigned i = 0; what == PORT_RETURNED && i < returned_count && n < room; i++)
        if (returned[i] > cursor)
            entries[n++] = returned[i];
    if (what == PORT_OBJECTS && object_key > cursor)
        entries[n++] = object_key;
    return n;
}

static long sys_object_pages(int port, unsigned long key, unsigned long page,
                             struct abi_page_run *out, unsigned room)
{
    unsigned n = 0;

    CHECK(port == PORT && key == object_key);
    for (unsigned i = 0; i < run_count && n < room; i++)
        if (runs[i].first >= page)
            out[n++] = runs[i];
    return n;
}

static uint8_t state[64 << 10], killed[sizeof(state)];
static struct fs *dead[4]; /* their memory is never given back */
static unsigned deaths;

/* The server dies, as far as its memory is concerned, and the next one starts. */
static void restart(void)
{
    struct fs_params params = {.cache_bytes = 400 << 10,
                               .index_bytes = 1 << 20,
                               .sectors = disk.size / FS_SECTOR,
                               .state = state,
                               .state_bytes = sizeof(state)};

    lock();
    dead[deaths++] = volume;
    CHECK(fs_mount(&hooks, NULL, &params, &volume) == 0);
    unlock();
    CHECK(adopt() == 0);
}

static void test_restart(void)
{
    struct call again;
    unsigned long ino, key, before;

    CHECK(send_kernel(MSG_SYNC, 0, 0, 0, 0, "", 0) == 0);
    restart(); /* from now on with memory for the next one */
    CHECK(send_path(2, ANY, MSG_MKDIR, "once", 0755, 0) == 0);
    again = last;
    again.number = IPC_NUMBER(last.message.id);
    again.done = again.taken = false;
    /* Killed right then: these threads, which live on, would note that it was answered. */
    memcpy(killed, state, sizeof(state));
    for (unsigned i = 0; i < 50; i++)
        CHECK(send_stat(2, "once", false) == 0);
    memcpy(state, killed, sizeof(state));
    restart();
    CHECK(send_call(&again) == 0); /* it was done, and perhaps not answered */
    CHECK(send_path(2, ANY, MSG_MKDIR, "once", 0755, 0) == -EEXIST);
    /* A file without a name, one session on it, a page to be stored, and two more. */
    CHECK(OPEN("nameless", FS_O_RDWR | FS_O_CREAT) == 0);
    ino = last.session.badge;
    object_key = key = last.session.key;
    object = (struct abi_object_info){.size = 3 * 4096, .dirty = 3, .sessions = 1};
    CHECK(send_path(2, ANY, MSG_UNLINK, "nameless", 0, 0) == 0);
    CHECK(send_kernel(MSG_RESERVE, key, 0, 3, 3 * 4096, "", 0) == 3);
    CHECK(send_path(2, ANY, MSG_STATFS, "", 0, 0) == 0);
    before = ((struct msg_statfs *)last.reply)->blocks_free;
    for (badge_count = 0; badge_count < 40; badge_count++)
        badges[badge_count] = 2;
    badges[badge_count++] = ino;
    runs[0] = (struct abi_page_run){0, 1};
    runs[1] = (struct abi_page_run){1, 2};
    run_count = 2;
    restart();
    CHECK(send_path(2, ANY, MSG_STATFS, "", 0, 0) == 0);
    CHECK(((struct msg_statfs *)last.reply)->blocks_free == before);
    CHECK(send_stat(ino, "", false) == 0 && told()->nlink == 0);
    discards = 0;
    close_session(ino);
    CHECK(discards == 1 && send_stat(ino, "", false) == -ENOENT);
    CHECK(send_kernel(MSG_SYNC, 0, 0, 0, 0, "", 0) == 0);
}

/* Messages of random content, from programs and from a kernel that lies. */
struct fuzzer {
    pthread_t thread;
    uint64_t random;
};

static void *fuzz(void *arg)
{
    struct fuzzer *fuzzer = arg;
    struct call *call = malloc(sizeof(*call));
    static const char text[] = "/ab.d\0..//laterfull";
    char data[300];

    for (int i = 0; i < 3000; i++) {
        uint64_t *r = &fuzzer->random;

        memset(call, 0, sizeof(*call));
        for (unsigned w = 0; w < IPC_WORDS; w++)
            call->message.w[w] = check_random(r) % 3 ? check_random(r) % 30 : check_random(r);
        call->message.w[0] = check_random(r) % 60;
        call->message.badge = check_random(r) % 4 ? check_random(r) % 40 : check_random(r);
        call->message.origin = check_random(r) % 5 ? ANY | RIGHT_WRITE : ORIGIN_KERNEL;
        if (call->message.w[0] == MSG_CLOSE)
            call->message.badge = 2; /* the kernel does not lie about those */
        for (unsigned k = 0; k < sizeof(data); k++)
            data[k] = text[check_random(r) % sizeof(text)];
        call->data = data;
        call->len = check_random(r) % (check_random(r) % 2 ? 10 : sizeof(data));
        call->room = check_random(r) % 3 ? IPC_BUFFER_MAX : check_random(r) % 200;
        call->handle_count = check_random(r) % 5 ? 0 : check_random(r) % 4;
        send_call(call);
        if (call->opened) {
            unsigned long badge = call->session.badge;

            memset(call, 0, sizeof(*call));
            call->message =
                (struct message){.w = {MSG_CLOSE}, .badge = badge, .origin = ORIGIN_KERNEL};
            call->data = "";
            send_call(call);
        }
    }
    free(call);
    return NULL;
}

static void test_fuzz(void)
{
    struct fuzzer fuzzers[6];

    disk.quiet = true;
    for (unsigned i = 0; i < 6; i++) {
        fuzzers[i].random = 99 + i;
        pthread_create(&fuzzers[i].thread, NULL, fuzz, &fuzzers[i]);
    }
    for (unsigned i = 0; i < 6; i++)
        pthread_join(fuzzers[i].thread, NULL);
    CHECK(send_stat(2, "later", false) <= 0);
    CHECK(send_kernel(MSG_SYNC, 0, 0, 0, 0, "", 0) == 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"open and close", test_open},
    {"names", test_names},
    {"who may send what", test_rights},
    {"pages", test_pages},
    {"devices", test_devices},
    {"answers that fail", test_failed_answers},
    {"ends that are told", test_told},
    {"short paths", test_short_paths},
    {"timer", test_timer},
    {"sign of life", test_heartbeat},
    {"the size of what is opened", test_open_size},
    {"the next instance", test_restart},
    {"random messages", test_fuzz},
};

int main(void)
{
    enum { TESTS = sizeof(tests) / sizeof(tests[0]) };
    struct fs_params params = {.cache_bytes = 400 << 10, .index_bytes = 1 << 20};
    pthread_t threads[THREADS];

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    alarm(300); /* a hang is a failure */
    check_plan(TESTS + 1);
    disk_make(&disk, "-b 1024 -N 400", 8192);
    CHECK(disk_info(&params) == 0 && params.sectors == 16384 && !params.readonly);
    lock();
    CHECK(fs_mount(&hooks, NULL, &params, &volume) == 0);
    unlock();
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, worker_run, (void *)(unsigned long)i);
    for (unsigned i = 0; i < TESTS; i++) {
        tests[i].run();
        check_end(tests[i].name);
    }
    /* The threads wait for messages; there are no more. */
    lock();
    disk.fs = volume;
    disk_finish(&disk);
    unlock();
    check_end("the volume is clean");
    return check_exit();
}
