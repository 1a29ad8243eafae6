/*
 * The kernel log on its way to the line. Lines are taken from the log only when those
 * before them are out, for that is what reading on tells the kernel (SYSTEM_LOG_READ): a
 * server whose state is lost thereby loses no line. The rest waits in the kernel.
 *
 * Marked, a line goes out as MARK, its text, a newline, so that whoever reads the
 * line can tell it from program output, in which MARK goes out as MARK, MARK_AS_BYTE: a
 * MARK alone and a line after it are a line begun twice, as by a server that died at its
 * first byte. Not marked, it is a line for people: it begins in column 0 and ends in CR
 * LF whatever a program has set.
 *
 * Only whole lines are taken, and with the same store that puts them into the output
 * the place in the log moves on: a server that is killed leaves neither half a line nor
 * one that its successor takes again.
 */
#ifndef USER_TTY_KLOG_H
#define USER_TTY_KLOG_H

#include "user/tty/output.h"

#define KLOG_LINE_MAX 512 /* a longer one goes out in pieces */

struct klog {
    struct output *output;
    bool marked;
    unsigned long position; /* in the log, of what was not taken yet */
    /* Once the output has come to next_urgent, the position is next_position. */
    unsigned long next_urgent, next_position;
};

/* The log from its position on, n bytes, at most KLOG_LINE_MAX: the whole lines in it go
 * to the output, which must have no urgent bytes waiting; one that fills all of n goes as
 * it is. Returns the bytes taken; position moves on by so many. */
unsigned long klog_take(struct klog *klog, const char *text, unsigned long n);

/* Where a server that died has left it. */
void klog_resume(struct klog *klog, const struct output *output);

#endif
