/*
 * Device nodes. null, zero and full are served here; for other character devices
 * the opener gets a copy of a handle that init started us with.
 */
#include "user/fs/server.h"
#include "kernel/errno.h"
#include <string.h>
#include <sys/stat.h>

#define DEVICE(major, minor) ((major) << 8 | (minor))
#define DEVICE_NULL          DEVICE(1, 3)
#define DEVICE_ZERO          DEVICE(1, 5)
#define DEVICE_FULL          DEVICE(1, 7)

static const struct {
    uint32_t rdev;
    int handle;
} devices[] = {
    {DEVICE(5, 0), FS_TTY},  /* /dev/tty */
    {DEVICE(5, 1), FS_TTY},  /* /dev/console */
    {DEVICE(10, 0), FS_SVC}, /* /dev/svc */
};

static bool served_here(uint32_t rdev)
{
    return rdev == DEVICE_NULL || rdev == DEVICE_ZERO || rdev == DEVICE_FULL;
}

long device_open(struct request *r, const struct fs_node *node)
{
    if (!S_ISCHR(node->mode)) {
        r->opened = false;
        fs_close(volume, node->ino);
        return -ENXIO; /* nobody is behind block devices, fifos and sockets */
    }
    if (served_here(node->rdev))
        return 0;
    r->opened = false;
    fs_close(volume, node->ino);
    for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (devices[i].rdev == node->rdev) {
            r->passed = devices[i].handle;
            return 0;
        }
    }
    return -ENXIO;
}

/* The device behind the session, or a negated errno. */
static long device_of(const struct request *r)
{
    struct fs_node node;
    int err = fs_node(volume, r->ino, &node);

    if (err)
        return err;
    if (S_ISDIR(node.mode))
        return -EISDIR;
    /* Regular files are read and written through their memory objects. */
    return S_ISCHR(node.mode) && served_here(node.rdev) ? (long)node.rdev : -EINVAL;
}

long do_read(struct request *r)
{
    unsigned long n = r->message->w[1];
    long device = device_of(r);

    if (device < 0 || device == DEVICE_NULL)
        return device < 0 ? device : 0;
    if (n > IPC_BUFFER_MAX)
        n = IPC_BUFFER_MAX;
    memset(r->reply, 0, n);
    r->reply_len = n;
    return (long)n;
}

long do_write(struct request *r)
{
    long device = device_of(r);

    if (device < 0)
        return device;
    return device == DEVICE_FULL && r->len ? -ENOSPC : (long)r->len;
}
