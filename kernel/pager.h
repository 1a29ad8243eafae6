/* The pager: fills vm/'s hooks with messages to servers. */
#ifndef KERNEL_PAGER_H
#define KERNEL_PAGER_H

/* Fills pager_ops and backing_ops. Once, before any object exists. */
void pager_init(void);

#endif
