/* The 16550A UART: see the header. */
#include "user/tty/uart.h"
#include "user/include/uart_line.h"

/* Registers, with the divisor latch closed. */
#define DATA           0
#define INTERRUPTS     1
#define IDENTIFICATION 2 /* read */
#define FIFO_CONTROL   2 /* write */
#define LINE_CONTROL   3
#define MODEM_CONTROL  4
#define LINE_STATUS    UART_LINE_STATUS

#define INTERRUPT_RECEIVE  0x01
#define INTERRUPT_TRANSMIT 0x02
#define FIFO_ENABLE        0x01 /* with a receive trigger of one byte */
#define LINE_8N1           0x03 /* and the divisor latch closed */
#define MODEM_READY        0x0b /* DTR, RTS, and OUT2, which gates the interrupt on some */
#define STATUS_DATA        0x01
#define STATUS_THR_EMPTY   0x20 /* with FIFOs: the whole transmit FIFO is */
#define FIFO_BYTES         16

static unsigned char get(struct uart *uart, unsigned at)
{
    return uart->registers[at];
}

static void put(struct uart *uart, unsigned at, unsigned char value)
{
    uart->registers[at] = value;
}

void uart_start(struct uart *uart, volatile void *registers)
{
    uart->registers = registers;
    uart->transmit_interrupt = false;
    put(uart, LINE_CONTROL, LINE_8N1);
    put(uart, FIFO_CONTROL, FIFO_ENABLE);
    put(uart, MODEM_CONTROL, MODEM_READY);
    put(uart, INTERRUPTS, INTERRUPT_RECEIVE);
}

int uart_get(struct uart *uart)
{
    return get(uart, LINE_STATUS) & STATUS_DATA ? get(uart, DATA) : -1;
}

unsigned uart_room(struct uart *uart)
{
    return get(uart, LINE_STATUS) & STATUS_THR_EMPTY ? FIFO_BYTES : 0;
}

/* Two stores in a row, on one line of the cache: in QEMU nothing comes between two
 * instructions of one page that do not jump. With a call between them, one kill in ten
 * of a server that is printing doubled a byte. */
__attribute__((aligned(64))) void uart_put(struct uart *uart, char byte, unsigned *count)
{
    volatile unsigned char *data = &uart->registers[DATA];
    volatile unsigned *counter = count;
    unsigned next = *counter + 1;

    *data = (unsigned char)byte;
    *counter = next;
}

bool uart_idle(struct uart *uart)
{
    return get(uart, LINE_STATUS) & UART_STATUS_IDLE;
}

void uart_transmit_interrupt(struct uart *uart, bool on)
{
    if (uart->transmit_interrupt == on)
        return;
    uart->transmit_interrupt = on;
    put(uart, INTERRUPTS, INTERRUPT_RECEIVE | (on ? INTERRUPT_TRANSMIT : 0));
}

void uart_acknowledge(struct uart *uart)
{
    (void)get(uart, IDENTIFICATION);
}
