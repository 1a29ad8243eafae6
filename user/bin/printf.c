/*
 * printf FORMAT [ARG...]: arguments as the format says, which is used again
 * while there are any left. Knows %d %i %o %u %x %X %c %s %b %%, flags, width and
 * precision, * included, and the escapes of echo -e in the format and in %b.
 */
#include <limits.h>

#include "user/bin/util.h"

static char **args;  /* those not used yet */
static bool stopped; /* \c was met */

/* After a backslash at **p. Returns the byte, or -1 for \c. */
static int read_escape(const char **p, bool zero_first)
{
    static const char names[] = "abefnrtv\\\"'", codes[] = "\a\b\033\f\n\r\t\v\\\"'";
    const char *name = **p ? strchr(names, **p) : NULL;
    int code = 0, most = zero_first && **p == '0' ? 4 : 3;

    if (name) {
        (*p)++;
        return (unsigned char)codes[name - names];
    }
    if (**p == 'c') {
        (*p)++;
        return -1;
    }
    if (**p < '0' || **p > '7')
        return '\\';
    for (; most && **p >= '0' && **p <= '7'; most--)
        code = code * 8 + *(*p)++ - '0';
    return code & 0xff;
}

/* text with its escapes undone, in new memory; *length is its length. */
static char *unescape(const char *text, size_t *length)
{
    char *result = util_grow(NULL, strlen(text) + 1);

    *length = 0;
    while (*text && !stopped) {
        int c = (unsigned char)*text++;

        if (c == '\\')
            c = read_escape(&text, true);
        if (c < 0)
            stopped = true;
        else
            result[(*length)++] = (char)c;
    }
    return result;
}

static const char *next_arg(void)
{
    return *args ? *args++ : "";
}

static long next_number(void)
{
    const char *text = next_arg();
    unsigned long value;
    char *end;

    if (*text == '\'' || *text == '"')
        return (unsigned char)text[1];
    errno = 0;
    value = strchr(text, '-') ? (unsigned long)strtol(text, &end, 0) : strtoul(text, &end, 0);
    if (*end || errno)
        util_warn("%s: not a number", text);
    return (long)value;
}

/* Pad bytes to width, as %s would if they could hold NULs. */
static void print_bytes(const char *bytes, size_t length, bool left, int width, int precision)
{
    int padding;

    if (precision >= 0 && (size_t)precision < length)
        length = (size_t)precision;
    padding = length < (size_t)width ? width - (int)length : 0;
    if (!left)
        printf("%*s", padding, "");
    fwrite(bytes, 1, length, stdout);
    if (left)
        printf("%*s", padding, "");
}

static int read_size(const char **p)
{
    long number = 0;

    if (**p == '*') {
        (*p)++;
        number = next_number();
    } else {
        while (**p >= '0' && **p <= '9' && number < INT_MAX)
            number = number * 10 + *(*p)++ - '0';
    }
    return number > 65536 ? 65536 : number < -65536 ? -65536 : (int)number;
}

static void print_number(const char *flags, int width, int precision, char kind)
{
    long number = next_number();
    char format[32];

    snprintf(format, sizeof(format), "%%%s*%sl%c", flags, precision < 0 ? "" : ".*", kind);
    if (precision < 0)
        printf(format, width, number);
    else
        printf(format, width, precision, number);
}

/* After a % at *p. */
static void convert(const char **p)
{
    char flags[8] = "", *bytes;
    size_t count = 0, length;
    int width, precision = -1;
    bool left = false;
    const char *text;
    char kind;

    while (**p && strchr("-+ #0", **p)) {
        left = left || **p == '-';
        if (count < sizeof(flags) - 1 && !strchr(flags, **p))
            flags[count++] = **p;
        (*p)++;
    }
    width = read_size(p);
    if (width < 0) {
        left = true;
        if (!strchr(flags, '-'))
            flags[count++] = '-';
        width = -width;
    }
    if (**p == '.') {
        (*p)++;
        precision = read_size(p);
    }
    kind = **p;
    if (kind)
        (*p)++;
    if (kind && strchr("diouxX", kind)) {
        print_number(flags, width, precision, kind);
    } else if (kind == 's' || kind == 'c') {
        text = next_arg();
        print_bytes(text, kind == 'c' ? !!*text : strlen(text), left, width, precision);
    } else if (kind == 'b') {
        bytes = unescape(next_arg(), &length);
        print_bytes(bytes, length, left, width, precision);
        free(bytes);
    } else if (kind == '%') {
        putchar('%');
    } else {
        util_warn("%%%c: unknown conversion", kind ? kind : ' ');
        stopped = true;
    }
}

static void print_once(const char *p)
{
    while (*p && !stopped) {
        int c = (unsigned char)*p++;

        if (c == '%') {
            convert(&p);
            continue;
        }
        if (c == '\\')
            c = read_escape(&p, false);
        if (c < 0)
            stopped = true;
        else
            putchar(c);
    }
}

int main(int argc, char **argv)
{
    const char *format;
    char **before;
    int first = 1;

    util_begin(argv);
    if (argc > 1 && !strcmp(argv[1], "--"))
        first++;
    if (first >= argc)
        util_usage("FORMAT [ARG...]");
    format = argv[first];
    args = argv + first + 1;
    do {
        before = args;
        print_once(format);
    } while (*args && args != before && !stopped);
    return util_finish();
}
