/*
 * What the system has and allows, for programs that ask.
 */
#include "user/lib/glue.h"

#include <limits.h>
#include <time.h>
#include <unistd.h>

/* These two need the system handle; without it they are unknown. */
static long sysconf_harts(void)
{
    struct abi_counters counters;
    long err = sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&counters, 0, 0);

    return err < 0 ? err : (long)counters.harts;
}

static long sysconf_frames(int only_free)
{
    struct abi_memory memory;
    long err = sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0);

    if (err < 0)
        return err;
    return (long)(only_free ? memory.count[FRAME_FREE] : memory.total);
}

long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return PAGE_SIZE_ABI;
    case _SC_OPEN_MAX:
    case _SC_STREAM_MAX:
        return OPEN_MAX;
    case _SC_ARG_MAX:
        return ARG_MAX;
    case _SC_CLK_TCK:
        return CLOCKS_PER_SEC;
    case _SC_NGROUPS_MAX:
        return NGROUPS_MAX;
    case _SC_VERSION:
    case _SC_THREADS:
    case _SC_MONOTONIC_CLOCK:
    case _SC_MAPPED_FILES:
    case _SC_FSYNC:
    case _SC_TIMERS:
    case _SC_SEMAPHORES:
        return _POSIX_VERSION;
    case _SC_THREAD_KEYS_MAX:
        return PTHREAD_KEYS_MAX;
    case _SC_THREAD_STACK_MIN:
        return PTHREAD_STACK_MIN;
    case _SC_LINE_MAX:
        return LINE_MAX;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return glue_result(sysconf_harts());
    case _SC_PHYS_PAGES:
        return glue_result(sysconf_frames(0));
    case _SC_AVPHYS_PAGES:
        return glue_result(sysconf_frames(1));
    default:
        return glue_result(-EINVAL);
    }
}

static long sysconf_path(int name)
{
    switch (name) {
    case _PC_PATH_MAX:
        return PATH_MAX;
    case _PC_NAME_MAX:
        return NAME_MAX;
    case _PC_PIPE_BUF:
        return PIPE_BUF;
    case _PC_LINK_MAX:
        return LINK_MAX;
    case _PC_NO_TRUNC:
        return 1;
    default:
        return glue_result(-EINVAL);
    }
}

long pathconf(const char *path, int name)
{
    (void)path;
    return sysconf_path(name);
}

long fpathconf(int fd, int name)
{
    (void)fd;
    return sysconf_path(name);
}

int getpagesize(void)
{
    return PAGE_SIZE_ABI;
}

int getdtablesize(void)
{
    return OPEN_MAX;
}

int gethostname(char *name, size_t size)
{
    static const char host[] = "banyan";

    if (size < sizeof(host))
        return (int)glue_result(-ENAMETOOLONG);
    memcpy(name, host, sizeof(host));
    return 0;
}
