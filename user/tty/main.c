/* The terminal server, start. See tty.h. */
#include "user/tty/tty.h"
#include <string.h>
#include "user/include/heart.h"
#include "user/include/killpoint.h"

_Static_assert(sizeof(struct tty) <= TTY_STATE_BYTES, "TTY_STATE_BYTES is too little");

static void echo(void *context, const char *bytes, size_t n)
{
    output_urgent(context, bytes, n); /* without room the echo is lost, not the byte */
}

static unsigned room(void *device)
{
    return uart_room(device);
}

static void put(void *device, char byte, unsigned *count)
{
    uart_put(device, byte, count);
}

static int fail(const char *line)
{
    sys_system(H_SYSTEM, SYSTEM_LOG_WRITE, (long)line, (long)strlen(line), 0);
    return 1;
}

/* A handle's object, mapped for reading and writing, at least `bytes`; 0 if it is none. */
static void *map(int h, unsigned long bytes, int flags)
{
    struct abi_handle_info info;
    long address;

    if (sys_handle_info(h, &info) || info.type != HANDLE_OBJECT || info.size < bytes)
        return 0;
    address = sys_mmap(0, bytes, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED | flags, h, 0);
    return address < 0 ? 0 : (void *)address;
}

/* The first one: settings as they are at boot, and the kernel's log is ours. */
static bool set_up(struct tty *tty, bool marked)
{
    long position;

    discipline_init(&tty->discipline, marked, echo, &tty->output);
    tty->klog.marked = marked;
    tty->rows = 24;
    tty->columns = 80;
    position = sys_system(H_SYSTEM, SYSTEM_LOG_PORT, PORT, BIT_LOG, 0);
    tty->klog.position = (unsigned long)position;
    return position >= 0;
}

/* What a server that died has left are values; these are our own. */
static void connect(struct tty *tty)
{
    tty->discipline.echo = echo;
    tty->discipline.context = &tty->output;
    tty->output.discipline = &tty->discipline;
    tty->output.room = room;
    tty->output.put = put;
    tty->output.device = &tty->uart;
    tty->klog.output = &tty->output;
    tty->log_grew = true;
}

int main(int argc, char **argv)
{
    bool marked = false;
    struct tty *tty = map(TTY_STATE, TTY_STATE_BYTES, ABI_MAP_POPULATE);
    void *registers = map(REGISTERS, 1, 0);

    kill_points_open();
    if (!tty)
        return fail("tty: handle 7 is not its memory\n");
    if (!registers)
        return fail("tty: handle 4 is not the UART's registers, or they cannot be mapped\n");
    for (int i = 1; i < argc; i++) {
        marked |= strcmp(argv[i], "marked") == 0;
        if (strcmp(argv[i], "fresh") == 0)
            tty->magic = 0;
    }
    if (sys_irq_bind(INTERRUPT, PORT, BIT_INTERRUPT))
        return fail("tty: the UART's interrupt cannot be bound\n");
    if (!resume(tty) && !set_up(tty, marked))
        return fail("tty: the kernel does not hand over its log\n");
    connect(tty);
    kill_spare(registers, PAGE_SIZE_ABI);
    uart_start(&tty->uart, registers);
    heart_beat(HEART_TTY);
    return fail(server_run(tty));
}
