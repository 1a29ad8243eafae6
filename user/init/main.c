/*
 * init's life: start everything, then take what comes to its port, for ever.
 *
 * What happens besides is a chain of steps, each one child; the next begins when
 * that child has ended:
 *
 *   SET_UP -> SHELL -> SHELL -> ...                     interactive
 *   SET_UP -> COMMAND -> DRAIN -> SYNC -> power off      one command
 *   any    -> LAST_WORDS -> power off                    something vital died
 */
#include "user/init/init.h"

#define SECOND                1000000000ul
#define SHELL_QUICK_DEATH     SECOND
#define SHELL_PAUSE           (SECOND / 10)
#define SHELL_PAUSE_DOUBLINGS 7
#define LAST_WORDS_LIMIT      (5 * SECOND)

enum step { SET_UP, SHELL, COMMAND, DRAIN, SYNC, LAST_WORDS };

static struct {
    struct boot_args args;
    enum step step;
    int child;     /* of this step */
    int exit_code; /* of the command */
    unsigned quick_deaths;
    unsigned long shell_start;
} life;

static __attribute__((noreturn)) void power_off(void)
{
    for (;;) {
        long err = sys_system(H_SYSTEM, SYSTEM_SHUTDOWN, 0, 0, 0);

        say("init: cannot power off: error %d", (int)-err);
        sys_sleep(SECOND);
    }
}

/* Power off when the log has left the terminal, or soon if it does not. */
static void last_words(void)
{
    life.step = LAST_WORDS;
    life.child = child_drain();
    if (life.child < 0 || sys_port_timer(init_port, BIT_LAST_WORDS, LAST_WORDS_LIMIT))
        power_off();
}

static unsigned long now(void)
{
    return (unsigned long)sys_clock(ABI_CLOCK_MONOTONIC);
}

static unsigned long shell_pause(void)
{
    unsigned doublings = life.quick_deaths - 1;

    if (!life.quick_deaths)
        return 0;
    return SHELL_PAUSE << (doublings < SHELL_PAUSE_DOUBLINGS ? doublings : SHELL_PAUSE_DOUBLINGS);
}

static void begin(enum step step)
{
    unsigned long pause = shell_pause();

    life.step = step;
    switch (step) {
    case SET_UP:
        life.child = child_set_up();
        break;
    case SHELL:
        life.shell_start = now() + pause;
        life.child = child_shell(pause);
        break;
    case COMMAND:
        life.child = child_command(life.args.command);
        break;
    case DRAIN:
        supervisor_start_stopped();
        life.child = child_drain();
        break;
    case SYNC:
        supervisor_start_stopped();
        life.child = child_sync();
        break;
    case LAST_WORDS:
        last_words();
        return;
    }
    if (life.child < 0) {
        say("init: cannot fork: error %d", -life.child);
        power_off();
    }
}

static void shell_ended(int status)
{
    if (services[SERVICE_TTY].state == SERVICE_GIVEN_UP) {
        say("init: no terminal is left");
        begin(SYNC);
        return;
    }
    say("init: sh ended: %s; starting another", status_words(status));
    life.quick_deaths = now() < life.shell_start + SHELL_QUICK_DEATH ? life.quick_deaths + 1 : 0;
    begin(SHELL);
}

/* The child of this step ended: go on with the next. */
static void step_ended(int status)
{
    switch (life.step) {
    case SET_UP:
        if (status)
            begin(LAST_WORDS);
        else
            begin(life.args.command ? COMMAND : SHELL);
        break;
    case SHELL:
        shell_ended(status);
        break;
    case COMMAND:
        life.exit_code = status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
        begin(DRAIN);
        break;
    case DRAIN: /* all that the command wrote is out */
        say("run: exit %d", life.exit_code);
        begin(SYNC);
        break;
    case SYNC:
    case LAST_WORDS:
        power_off();
    }
}

/* Something without which the machine cannot go on was given up. */
static void lost(const struct service *service)
{
    if (life.step == LAST_WORDS)
        return;
    /* fs has said what it found; what helps is known here. */
    if (life.step == SET_UP && service == &services[SERVICE_FS])
        say("init: fs could not start: is there a sound ext2 file system on the whole disk? "
            "(`make disk` mends build/disk.img, `make clean qemu` makes a new one)");
    say("init: the machine cannot go on without %s", service->name);
    begin(LAST_WORDS);
}

static void look_for_losses(void)
{
    for (int i = 0; i < SERVICES; i++)
        if (services[i].vital && services[i].state == SERVICE_GIVEN_UP)
            lost(&services[i]);
}

/* A service that is given up takes with it the child that called it; so the former is looked
 * at before what that child's end means. */
static void bury(int pid, int status)
{
    bool service = supervisor_bury(pid, status);

    look_for_losses();
    if (!service && pid == life.child)
        step_ended(status);
    /* else an orphan: it is buried, and that is all it wanted */
}

static bool start(void)
{
    struct devices devices;

    boot_args_read(&life.args);
    devices_find(&devices);
    if (devices.uart.mmio < 0) {
        say("init: no ns16550a UART: there is nothing to be a terminal on");
        return false;
    }
    if (devices.disk.mmio < 0) {
        say("init: no disk: start QEMU with a virtio-blk-device on bus virtio-mmio-bus.0 (-drive "
            "if=none,id=root,format=raw,file=build/disk.img -device "
            "virtio-blk-device,drive=root,bus=virtio-mmio-bus.0)");
        if (devices.legacy)
            say("init: there is a legacy virtio device; it also takes "
                "-global virtio-mmio.force-legacy=false");
        return false;
    }
    return services_prepare(&devices, life.args.marked) &&
           sys_process_watch(H_NONE, init_port, BIT_CHILD) == 0 && supervisor_start();
}

static void notified(unsigned long bits)
{
    int status = 0;
    long pid;

    supervisor_notified(bits);
    while (bits & 1ul << BIT_CHILD && (pid = sys_wait(-1, &status, ABI_WNOHANG)) > 0)
        bury((int)pid, status);
    if (bits & 1ul << BIT_LAST_WORDS)
        power_off();
}

int main(void)
{
    char data[64];

    begin(start() ? SET_UP : LAST_WORDS);
    for (;;) {
        struct message m;
        struct ipc_ext ext = {.recv_addr = (unsigned long)data, .recv_cap = sizeof(data)};
        long id = ipc_receive(init_port, &m, &ext);

        if (id < 0) {
            say("init: receive: error %d", (int)-id);
            power_off();
        }
        for (unsigned i = 0; id > 0 && i < ext.recv_handle_count; i++)
            sys_close(ext.recv_handles[i]); /* nobody asked for it */
        if (id == 0)
            notified(m.w[0]);
        else
            svc_request(&m, data, ext.recv_len);
        look_for_losses();
    }
}
