/* Kernel lines: see the header. */
#include "user/tty/klog.h"
#include <string.h>

#define DELETE 0x7f
/* Each byte taken may be a line of its own with four bytes around it. */
#define ROOM (KLOG_LINE_MAX * 5 + 4)
_Static_assert(ROOM <= URGENT_MAX, "an empty queue has room for what is read at once");

/* Lines in the making. */
struct lines {
    char bytes[ROOM];
    unsigned long len;
};

static void put(struct lines *lines, const char *bytes, unsigned long n)
{
    memcpy(lines->bytes + lines->len, bytes, n);
    lines->len += n;
}

/* Control characters in a line (a program's name may hold any) must not drive
 * the terminal, nor look like a mark. */
static char printable(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == DELETE ? '?' : c;
}

static void put_line(const struct klog *klog, struct lines *lines, const char *text,
                     unsigned long n)
{
    if (klog->marked)
        put(lines, (char[]){MARK}, 1);
    else if (!lines->len && klog->output->discipline->column)
        put(lines, "\r\n", 2);
    for (unsigned long i = 0; i < n; i++)
        put(lines, (char[]){printable(text[i])}, 1);
    put(lines, klog->marked ? "\n" : "\r\n", klog->marked ? 1 : 2);
}

unsigned long klog_take(struct klog *klog, const char *text, unsigned long n)
{
    struct output *o = klog->output;
    struct lines lines = {.len = 0};
    unsigned long taken = 0;

    while (taken < n) {
        const char *line = text + taken, *end = memchr(line, '\n', n - taken);
        unsigned long bytes = end ? (unsigned long)(end - line) : n - taken;

        if (!end && bytes < KLOG_LINE_MAX)
            break; /* the rest of it has not come yet */
        put_line(klog, &lines, line, bytes);
        taken += bytes + (end != 0);
    }
    if (!taken)
        return 0;
    klog->next_position = klog->position + taken;
    klog->next_urgent = o->urgent_in + lines.len;
    output_urgent(o, lines.bytes, lines.len);
    if (!klog->marked)
        o->discipline->column = 0;
    klog->position = klog->next_position;
    return taken;
}

void klog_resume(struct klog *klog, const struct output *output)
{
    if ((long)(output->urgent_in - klog->next_urgent) >= 0 && klog->position < klog->next_position)
        klog->position = klog->next_position;
    klog->next_position = klog->position; /* nothing is under way */
}
