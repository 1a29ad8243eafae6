/*
 * Interrupt objects: a line of the interrupt controller that a driver waits for
 * as a notification on its port, and acknowledges.
 */
#ifndef KERNEL_INTERRUPT_H
#define KERNEL_INTERRUPT_H

#include <stdint.h>

#include "kernel/handle.h"

struct port;

/* The line as an object: 0, -EINVAL, -EBUSY (somebody has it), -ENOMEM. */
int interrupt_open(uint32_t line, struct handle *out);
void interrupt_destroy(struct kobject *o);
/* Delivers it as that bit of the port, from now on. */
int interrupt_bind(struct kobject *o, struct port *port, unsigned bit);
/* The driver has handled it: it may fire again. */
void interrupt_ack(struct kobject *o);
/* The line is the kernel's own: handler is called with no lock held whenever it
 * fires. Once, at boot. */
void interrupt_claim(uint32_t line, void (*handler)(void));
/* An external interrupt came: claims and delivers all that pend. No lock held. */
void interrupt_deliver(void);

#endif
