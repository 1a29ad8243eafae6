/*
 * The file system has its memory before it needs it: it is in the way of those who free memory,
 * so it must not want any itself when there is none. Metadata of some megabytes pass through it,
 * and it has hardly a page more than before.
 *
 * test: points=2 mem=64M,256M
 */
#include "user/test/svc_util.h"
#include <sys/stat.h>

#define DIRECTORY   "/tmp/wired"
#define DIRECTORIES 600 /* each a block of its own */
#define A_FEW       16 /* pages: what its threads touch when they do something for the first time */

static long pages_of_fs(void)
{
    struct msg_service fs;
    struct abi_own own;

    if (service("fs", &fs) || sys_system(H_SYSTEM, SYSTEM_OWN, fs.pid, (long)&own, 0) < 0)
        return -1;
    return (long)own.count[FRAME_ANON];
}

/* Once all its threads have begun. */
static long settled_pages_of_fs(void)
{
    long last, now = -1;

    do {
        last = now;
        sys_sleep(100 * MS);
        now = pages_of_fs();
    } while (now != last);
    return now;
}

static int each(int (*fn)(const char *path))
{
    char path[40];

    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf(path, sizeof(path), DIRECTORY "/%d", i);
        CHECK_IS(fn(path), 0);
    }
    return 0;
}

static int make(const char *path)
{
    return mkdir(path, 0700);
}

static int passes(void *unused)
{
    long before, after;

    (void)unused;
    CHECK_IS(svc_start_anew(), 0);
    before = settled_pages_of_fs();
    CHECK(before > 0);
    CHECK_IS(mkdir(DIRECTORY, 0700), 0);
    CHECK_IS(each(make), 0);
    after = pages_of_fs();
    CHECK_IS(each(rmdir), 0);
    CHECK_IS(rmdir(DIRECTORY), 0);
    diag("pages of fs: %ld, then %ld", before, after);
    CHECK(after <= before + A_FEW);
    return 0;
}

static const struct proc_test tests[] = {
    {passes, "metadata pass through fs, and it takes no memory"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
