/* Kernel lines: see the header. */
#include "user/tty/klog.h"

#define DELETE 0x7f

/* Control characters in a line (a program's name may hold any) must not drive
 * the terminal, nor look like a mark. */
static char printable(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == DELETE ? '?' : c;
}

static void line_end(struct klog *klog)
{
    struct discipline *d = klog->output->discipline;

    if (klog->marked) {
        output_urgent(klog->output, (char[]){MARK}, 1);
        output_urgent(klog->output, klog->line, klog->len);
        output_urgent(klog->output, "\n", 1);
    } else {
        if (d->column)
            output_urgent(klog->output, "\r\n", 2);
        output_urgent(klog->output, klog->line, klog->len);
        output_urgent(klog->output, "\r\n", 2);
        d->column = 0;
    }
    klog->len = 0;
}

void klog_take(struct klog *klog, const char *text, unsigned long n)
{
    for (; n--; text++) {
        if (*text == '\n') {
            line_end(klog);
            continue;
        }
        if (klog->len == KLOG_LINE_MAX)
            line_end(klog);
        klog->line[klog->len++] = printable(*text);
    }
}

unsigned long klog_room_needed(void)
{
    /* Each byte taken may be a line of its own with four bytes around it, and
     * with it goes what was kept from before. */
    return KLOG_LINE_MAX * 4 + KLOG_LINE_MAX + 4;
}
