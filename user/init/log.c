/* init's voice: lines of the kernel log. */
#include "user/init/init.h"
#include <stdarg.h>

#define LINE_ROOM 256 /* what the kernel takes at once */

struct line {
    char text[LINE_ROOM];
    unsigned long len;
};

static void add(struct line *line, char c)
{
    if (line->len < LINE_ROOM - 1) /* the newline's place is kept */
        line->text[line->len++] = c;
}

static void add_number(struct line *line, unsigned long value, unsigned base)
{
    char digits[24];
    unsigned n = 0;

    do
        digits[n++] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    while (n)
        add(line, digits[--n]);
}

static void add_conversion(struct line *line, char what, va_list *args)
{
    switch (what) {
    case 's':
        for (const char *s = va_arg(*args, const char *); *s; s++)
            add(line, *s);
        break;
    case 'd': {
        int value = va_arg(*args, int);

        if (value < 0)
            add(line, '-');
        add_number(line, value < 0 ? 0ul - (unsigned long)value : (unsigned long)value, 10);
        break;
    }
    case 'u':
        add_number(line, va_arg(*args, unsigned), 10);
        break;
    case 'x':
        add_number(line, va_arg(*args, unsigned), 16);
        break;
    default:
        add(line, what);
    }
}

void say(const char *format, ...)
{
    struct line line = {.len = 0};
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%')
            add(&line, *format);
        else if (format[1])
            add_conversion(&line, *++format, &args);
    }
    va_end(args);
    line.text[line.len++] = '\n';
    sys_system(H_SYSTEM, SYSTEM_LOG_WRITE, (long)line.text, (long)line.len, 0);
}
