/*
 * The kernel log on its way to the line. Lines are taken from the log only as
 * far as the output's urgent queue has room; the rest waits in the kernel.
 *
 * Marked, a line goes out as MARK, its text, a newline, so that whoever reads the
 * line can tell it from program output. Not marked, it is a line for people: it
 * begins in column 0 and ends in CR LF whatever a program has set.
 */
#ifndef USER_TTY_KLOG_H
#define USER_TTY_KLOG_H

#include "user/tty/output.h"

#define KLOG_LINE_MAX 512 /* a longer one goes out in pieces */

struct klog {
    struct output *output;
    bool marked;
    unsigned long position; /* in the log, of what was not taken yet */
    unsigned len;
    char line[KLOG_LINE_MAX]; /* begun, its newline has not come yet */
};

/* A piece of the log: complete lines go to the output, the rest is kept. The
 * output must have klog_room_needed() urgent bytes free for n up to KLOG_LINE_MAX. */
void klog_take(struct klog *klog, const char *text, unsigned long n);
unsigned long klog_room_needed(void);

#endif
