/*
 * Who hears that the kernel log grew: a notification bit on a port.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdint.h>

struct port;

/* The log goes to that port's owner from now on; the position it starts at. */
uint64_t log_set_port(struct port *port, unsigned bit);
/* The port was given up: back to the SBI console, if it was the one. */
void log_port_closed(struct port *port);
/* Raises the bit if the log grew. On the way to user mode and when idle: printk
 * itself may run under any lock. */
void log_deliver(void);

#endif
