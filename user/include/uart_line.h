/*
 * What tells of a 16550A UART whether its line is idle: for its driver, and for init, which looks
 * whether the driver is right.
 */
#ifndef USER_UART_LINE_H
#define USER_UART_LINE_H

#define UART_LINE_STATUS 5    /* a register */
#define UART_STATUS_IDLE 0x40 /* its bit: the last bit has left */

#endif
