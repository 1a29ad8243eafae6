/* The terminal server, start. See tty.h. */
#include "user/tty/tty.h"
#include <string.h>

static struct tty tty;

static void echo(void *context, const char *bytes, size_t n)
{
    output_urgent(context, bytes, n); /* without room the echo is lost, not the byte */
}

static unsigned room(void *device)
{
    return uart_room(device);
}

static void put(void *device, char byte)
{
    uart_put(device, byte);
}

static int fail(const char *line)
{
    sys_system(H_SYSTEM, SYSTEM_LOG_WRITE, (long)line, (long)strlen(line), 0);
    return 1;
}

int main(int argc, char **argv)
{
    struct abi_handle_info info;
    bool marked = false;
    long address, position;

    for (int i = 1; i < argc; i++)
        marked |= strcmp(argv[i], "marked") == 0;
    if (sys_handle_info(REGISTERS, &info) || info.type != HANDLE_OBJECT || !info.size)
        return fail("tty: handle 4 is not a device's registers\n");
    address = sys_mmap(0, info.size, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED, REGISTERS, 0);
    if (address < 0)
        return fail("tty: the UART's registers cannot be mapped\n");
    if (sys_irq_bind(INTERRUPT, PORT, BIT_INTERRUPT))
        return fail("tty: the UART's interrupt cannot be bound\n");

    discipline_init(&tty.discipline, marked, echo, &tty.output);
    tty.output.discipline = &tty.discipline;
    tty.output.room = room;
    tty.output.put = put;
    tty.output.device = &tty.uart;
    tty.klog.output = &tty.output;
    tty.klog.marked = marked;
    tty.rows = 24;
    tty.columns = 80;
    uart_start(&tty.uart, (volatile void *)address);

    position = sys_system(H_SYSTEM, SYSTEM_LOG_PORT, PORT, BIT_LOG, 0);
    if (position < 0)
        return fail("tty: the kernel does not hand over its log\n");
    tty.klog.position = (unsigned long)position;
    tty.log_grew = true;
    server_run(&tty);
    return fail("tty: the port is gone\n");
}
