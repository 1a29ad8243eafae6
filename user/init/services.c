/* The servers: their ports, their start with exactly what each needs, their death. */
#include "user/init/init.h"
#include <errno.h>
#include <string.h>

#define BADGE_TTY     1
#define BADGE_BLK     1
#define BADGE_ROOT    2ul /* the root directory's inode number */
#define BADGE_CONTROL (1ul << 63 | BADGE_ROOT)

/* What a server finds under which number. */
#define HANDLE_FIRST 3 /* its port */
#define GRANTS       2 /* further ones, from 4 on */

struct service services[SERVICES] = {
    [SERVICE_TTY] = {"tty", false, RIGHT_SIGNAL | RIGHT_DEVICE | RIGHT_INSPECT, H_NONE, 0},
    [SERVICE_BLK] = {"blk", true, RIGHT_DEVICE, H_NONE, 0},
    [SERVICE_FS] = {"fs", true, RIGHT_TRANSFER, H_NONE, 0}, /* enough to write to the log */
};

int session_root = H_NONE, session_control = H_NONE, session_tty = H_NONE;
static int session_blk = H_NONE;

int keep(long handle)
{
    long high;

    if (handle < 0)
        return (int)handle;
    high = sys_dup((int)handle, KEEP, HANDLE_CLOEXEC);
    sys_close((int)handle);
    return (int)high;
}

/* ------------------------------------------------------------------ start */

/* In the child: become the server. Returns the error that prevented it. */
static long service_become(const struct service *service, const int grants[GRANTS], int program,
                           char *const argv[])
{
    static char *const no_environment[] = {0};
    long err = sys_dup2(service->port, HANDLE_FIRST, 0);
    long system = H_NONE;

    for (int i = 0; i < GRANTS && err >= 0; i++)
        if (grants[i] != H_NONE)
            err = sys_dup2(grants[i], HANDLE_FIRST + 1 + i, 0);
    if (err < 0)
        return err;
    if (service->rights) {
        system = sys_restrict(H_SYSTEM, service->rights);
        if (system < 0)
            return system;
        err = sys_dup2((int)system, H_SYSTEM, 0);
        sys_close((int)system);
    } else {
        err = sys_close(H_SYSTEM);
    }
    /* A group of its own: who is in init's may not signal a server. */
    if (err >= 0)
        err = sys_setpgid(0, 0);
    return err < 0 ? err : sys_exec(program, argv, no_environment);
}

static bool service_start(struct service *service, int grant4, int grant5, char *option)
{
    char *argv[] = {(char *)service->name, option, 0};
    int grants[GRANTS] = {grant4, grant5};
    int program = keep(sys_system(H_SYSTEM, SYSTEM_BOOT_FILE, (long)service->name, 0, 0));
    long pid;

    if (program < 0) {
        say("init: the boot image has no program %s: error %d", service->name, -program);
        return false;
    }
    pid = sys_fork();
    if (pid == 0) {
        long err = service_become(service, grants, program, argv);
        say("init: cannot start %s: error %d", service->name, (int)-err); /* if it still may */
        sys_exit(127);
    }
    sys_close(program);
    if (pid < 0) {
        say("init: cannot start %s: error %d", service->name, (int)-pid);
        return false;
    }
    service->pid = (int)pid;
    return true;
}

static int session_make(enum service_id id, unsigned long badge, unsigned rights)
{
    struct ipc_session session = {.badge = badge, .rights = rights};

    return keep(sys_session_create(services[id].port, &session));
}

static bool connect(void)
{
    for (int i = 0; i < SERVICES; i++) {
        services[i].port = keep(sys_port_create());
        if (services[i].port < 0)
            return false;
    }
    session_tty = session_make(SERVICE_TTY, BADGE_TTY,
                               RIGHT_READ | RIGHT_WRITE | RIGHT_CALL | RIGHT_TRANSFER);
    session_blk = session_make(SERVICE_BLK, BADGE_BLK, RIGHT_READ | RIGHT_WRITE | RIGHT_CALL);
    session_root =
        session_make(SERVICE_FS, BADGE_ROOT, RIGHT_READ | RIGHT_EXEC | RIGHT_CALL | RIGHT_TRANSFER);
    session_control = session_make(SERVICE_FS, BADGE_CONTROL, RIGHT_CALL);
    return session_tty >= 0 && session_blk >= 0 && session_root >= 0 && session_control >= 0;
}

bool services_start(const struct devices *devices, bool marked)
{
    bool started;

    if (!connect()) {
        say("init: no memory for ports and sessions");
        return false;
    }
    started =
        service_start(&services[SERVICE_TTY], devices->uart.mmio, devices->uart.interrupt,
                      marked ? "marked" : 0) &&
        service_start(&services[SERVICE_BLK], devices->disk.mmio, devices->disk.interrupt, 0) &&
        service_start(&services[SERVICE_FS], session_blk, H_NONE, 0);
    /* fs alone talks to the disk now; a second holder could only do harm. */
    sys_close(session_blk);
    session_blk = H_NONE;
    return started;
}

/* ------------------------------------------------------------------ death */

static const char *signal_words(int signal)
{
    switch (signal) {
    case ABI_SIGSEGV:
        return "bad memory access";
    case ABI_SIGBUS:
        return "memory that could not be supplied";
    case ABI_SIGILL:
        return "illegal instruction";
    case ABI_SIGTRAP:
        return "breakpoint";
    case ABI_SIGFPE:
        return "arithmetic error";
    case ABI_SIGABRT:
        return "it gave up";
    case ABI_SIGKILL:
        return "killed";
    case ABI_SIGINT:
        return "interrupted";
    case ABI_SIGTERM:
        return "terminated";
    default:
        return "another cause";
    }
}

static char *put_number(char *at, unsigned value)
{
    if (value >= 10)
        at = put_number(at, value / 10);
    *at++ = (char)('0' + value % 10);
    *at = '\0';
    return at;
}

const char *status_words(int status)
{
    static char words[80];
    int signal = status & 0x7f;

    if (signal) {
        strcpy(words, "signal ");
        put_number(words + strlen(words), (unsigned)signal);
        strcat(words, ", ");
        strcat(words, signal_words(signal));
    } else {
        strcpy(words, "exit status ");
        put_number(words + strlen(words), (unsigned)status >> 8 & 0xff);
    }
    return words;
}

struct service *services_bury(int pid, int status)
{
    for (int i = 0; i < SERVICES; i++) {
        if (services[i].pid != pid)
            continue;
        say("init: %s died: %s", services[i].name, status_words(status));
        sys_close(services[i].port); /* who waits for it, or will, gets an error */
        services[i].port = H_NONE;
        services[i].pid = 0;
        return &services[i];
    }
    return 0;
}
