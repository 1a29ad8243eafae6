/*
 * A 16550A UART with byte-wide registers one byte apart. Polled reads and writes;
 * when to look again is told by its interrupt. Line speed stays as the firmware
 * set it.
 */
#ifndef USER_TTY_UART_H
#define USER_TTY_UART_H

#include <stdbool.h>

struct uart {
    volatile unsigned char *registers;
    bool transmit_interrupt;
};

/* Take it over: 8N1, FIFOs on, an interrupt for each byte that comes in. */
void uart_start(struct uart *uart, volatile void *registers);

/* The next byte that came in, or -1. */
int uart_get(struct uart *uart);

/* How many bytes uart_put takes now without looking again. */
unsigned uart_room(struct uart *uart);
/* Gives it a byte, and adds one to *count. Who is killed has done both or neither, as
 * nearly as a processor without such an instruction can. */
void uart_put(struct uart *uart, char byte, unsigned *count);

/* Has the last bit left? */
bool uart_idle(struct uart *uart);

/* Interrupt when there is room again? One comes at once if there is now. */
void uart_transmit_interrupt(struct uart *uart, bool on);

/* The interrupt came: quench its transmit half. uart_get until -1 quenches the
 * other. */
void uart_acknowledge(struct uart *uart);

#endif
