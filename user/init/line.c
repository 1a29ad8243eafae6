/*
 * The terminal's line, as init sees it. A line that takes nothing is the one reason for which the
 * terminal server may keep a request for as long as it likes; but one that has been damaged would
 * say so for ever, and so init looks at the device itself.
 */
#include "user/init/init.h"
#include "user/include/uart_line.h"

static const volatile unsigned char *registers;

bool line_watch(int uart)
{
    long address = sys_mmap(0, PAGE_SIZE_ABI, ABI_PROT_READ, ABI_MAP_SHARED, uart, 0);

    if (address >= 0)
        registers = (const volatile unsigned char *)address;
    return address >= 0;
}

bool line_busy(void)
{
    /* What else the register tells, of bytes that came damaged, is gone then: tty has no use for
     * it. */
    return !(registers[UART_LINE_STATUS] & UART_STATUS_IDLE);
}
