/* The services: their ports and what outlives them, their start with exactly what each
 * needs, their end. */
#include "user/init/init.h"
#include <errno.h>
#include <string.h>
#include "user/include/grants.h"
#include "user/include/killpoint.h"

#define BADGE_TTY  1
#define BADGE_BLK  1
#define BADGE_SVC  1
#define BADGE_ROOT 2ul /* the root directory's inode number */

#define FIRST_GRANT  4 /* the handle that a service has as its first; PORT is before it */
#define FAILED_OFTEN 2 /* then what a service left may be the cause: it starts without */

int init_port = H_NONE;
int session_root = H_NONE, session_tty = H_NONE, session_svc = H_NONE;

struct service services[SERVICES] = {
    [SERVICE_TTY] = {.name = "tty",
                     .heart = HEART_TTY,
                     .patience = 10,
                     .line = true,
                     .but = MSG_READ, /* which waits for people */
                     .rights = RIGHT_SIGNAL | RIGHT_DEVICE | RIGHT_INSPECT},
    /* These two: enough to write to the log. */
    [SERVICE_BLK] = {.name = "blk",
                     .heart = HEART_BLK,
                     .vital = true,
                     .patience = 75, /* its own: 30 s for writes, and for a flush behind them */
                     .rights = RIGHT_TRANSFER},
    [SERVICE_FS] = {.name = "fs",
                    .heart = HEART_FS,
                    .vital = true,
                    .patience = 30,
                    .needs = &services[SERVICE_BLK],
                    .rights = RIGHT_TRANSFER},
};

struct kill_page *kill_switches;

int keep(long handle)
{
    long high;

    if (handle < 0)
        return (int)handle;
    high = sys_dup((int)handle, KEEP, HANDLE_CLOEXEC);
    sys_close((int)handle);
    return (int)high;
}

/* ---------------------------------------------------------------- once, at boot */

static int session_make(int port, unsigned long badge, unsigned rights)
{
    struct ipc_session session = {.badge = badge, .rights = rights};

    return keep(sys_session_create(port, &session));
}

static bool make_ports(void)
{
    init_port = keep(sys_port_create());
    for (int i = 0; i < SERVICES; i++) {
        services[i].port = keep(sys_port_create());
        if (services[i].port < 0)
            return false;
        for (int grant = 0; grant < GRANTS; grant++)
            services[i].grants[grant] = H_NONE;
    }
    session_tty = session_make(services[SERVICE_TTY].port, BADGE_TTY,
                               RIGHT_READ | RIGHT_WRITE | RIGHT_CALL | RIGHT_TRANSFER);
    session_root = session_make(services[SERVICE_FS].port, BADGE_ROOT,
                                RIGHT_READ | RIGHT_EXEC | RIGHT_CALL | RIGHT_TRANSFER);
    session_svc =
        session_make(init_port, BADGE_SVC, RIGHT_READ | RIGHT_WRITE | RIGHT_CALL | RIGHT_TRANSFER);
    return init_port >= 0 && session_tty >= 0 && session_root >= 0 && session_svc >= 0;
}

static void grant(enum service_id id, int number, int handle)
{
    services[id].grants[number - FIRST_GRANT] = handle;
}

static int dma_make(unsigned long bytes)
{
    unsigned long paddr;

    return keep(sys_object_dma(H_SYSTEM, bytes, &paddr));
}

/* One object to each slot: 64 KiB in one piece can be had when 512 KiB cannot, and a
 * machine short of memory runs with fewer. */
static bool make_disk_memory(void)
{
    int queue = dma_make(blk_queue_bytes()), slots = 0;

    grant(SERVICE_BLK, BLK_QUEUE, queue);
    for (; slots < BLK_SLOTS_MAX; slots++) {
        int slot = dma_make(BLK_SLOT_BYTES);

        if (slot < 0)
            break;
        grant(SERVICE_BLK, BLK_FIRST_SLOT + slots, slot);
    }
    return queue >= 0 && slots >= BLK_SLOTS_MIN;
}

/* One page for all services: each has its own points in it. */
static bool make_kill_page(void)
{
    int page = keep(sys_object_create(PAGE_SIZE_ABI));
    long address =
        sys_mmap(0, PAGE_SIZE_ABI, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED, page, 0);

    if (address < 0)
        return false;
    kill_switches = (struct kill_page *)address;
    grant(SERVICE_FS, KILL_PAGE, page);
    grant(SERVICE_BLK, KILL_PAGE, page);
    grant(SERVICE_TTY, KILL_PAGE, page);
    return true;
}

/* The machine's memory in bytes, as text. */
static const char *memory_size(void)
{
    static char text[24];
    struct abi_memory memory = {.total = 0};
    char *at = text + sizeof(text) - 1;
    unsigned long bytes;

    sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0);
    bytes = memory.total * PAGE_SIZE_ABI;
    do
        *--at = (char)('0' + bytes % 10);
    while ((bytes /= 10) != 0);
    return at;
}

bool services_prepare(const struct devices *devices, bool marked)
{
    int heart, tty_state, fs_state, disk;

    if (!make_ports()) {
        say("init: no memory for ports and sessions");
        return false;
    }
    heart = keep(sys_restrict(init_port, RIGHT_NOTIFY | RIGHT_TRANSFER));
    tty_state = keep(sys_object_create(TTY_STATE_BYTES));
    fs_state = keep(sys_object_create(FS_STATE_BYTES));
    disk =
        session_make(services[SERVICE_BLK].port, BADGE_BLK, RIGHT_READ | RIGHT_WRITE | RIGHT_CALL);
    if (heart < 0 || tty_state < 0 || fs_state < 0 || disk < 0 || !make_disk_memory() ||
        !make_kill_page()) {
        say("init: no memory for what the services keep");
        return false;
    }
    for (int i = 0; i < SERVICES; i++)
        grant((enum service_id)i, HEART, heart);
    if (!line_watch(devices->uart.mmio)) {
        say("init: the UART's registers cannot be mapped");
        return false;
    }
    grant(SERVICE_TTY, REGISTERS, devices->uart.mmio);
    grant(SERVICE_TTY, INTERRUPT, devices->uart.interrupt);
    grant(SERVICE_TTY, TTY_STATE, tty_state);
    services[SERVICE_TTY].argument = marked ? "marked" : 0;
    services[SERVICE_FS].argument = memory_size();
    grant(SERVICE_BLK, REGISTERS, devices->disk.mmio);
    grant(SERVICE_BLK, INTERRUPT, devices->disk.interrupt);
    grant(SERVICE_FS, DISK, disk); /* it alone talks to the disk */
    grant(SERVICE_FS, FS_STATE, fs_state);
    grant(SERVICE_FS, FS_TTY, session_tty);
    grant(SERVICE_FS, FS_SVC, session_svc);
    return true;
}

/* ------------------------------------------------------------------ start */

/* In the child: become the server. Returns the error that prevented it. */
static long service_become(const struct service *service, int program)
{
    static char *const no_environment[] = {0};
    char *argv[4] = {(char *)service->name, 0, 0, 0};
    int argc = 1;
    long err = sys_dup2(service->port, PORT, 0);
    long system = H_NONE;

    for (int i = 0; i < GRANTS && err >= 0; i++)
        if (service->grants[i] != H_NONE)
            err = sys_dup2(service->grants[i], FIRST_GRANT + i, 0);
    if (err < 0)
        return err;
    system = sys_restrict(H_SYSTEM, service->rights);
    if (system < 0)
        return system;
    err = sys_dup2((int)system, H_SYSTEM, 0);
    sys_close((int)system);
    /* A group of its own: who is in init's may not signal a server. */
    if (err >= 0)
        err = sys_setpgid(0, 0);
    if (service->argument)
        argv[argc++] = (char *)service->argument;
    if (service->failures >= FAILED_OFTEN)
        argv[argc++] = "fresh";
    return err < 0 ? err : sys_exec(program, argv, no_environment);
}

int service_start(struct service *service)
{
    int program = keep(sys_system(H_SYSTEM, SYSTEM_BOOT_FILE, (long)service->name, 0, 0));
    long pid;

    if (program < 0) {
        say("init: the boot image has no program %s: error %d", service->name, -program);
        return program;
    }
    pid = sys_fork();
    if (pid == 0) {
        long err = service_become(service, program);
        say("init: cannot start %s: error %d", service->name, (int)-err); /* if it still may */
        sys_exit(127);
    }
    sys_close(program);
    if (pid < 0) {
        say("init: cannot start %s: error %d", service->name, (int)-pid);
        return (int)pid;
    }
    service->pid = (int)pid;
    return 0;
}

void service_give_up(struct service *service)
{
    sys_close(service->port);
    service->port = H_NONE;
    service->state = SERVICE_GIVEN_UP;
}
