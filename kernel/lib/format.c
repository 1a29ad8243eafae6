/*
 * Formatted text into a buffer. See format.h for what is understood.
 */
#include "kernel/lib/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/lib/string.h"

#define FIELD_MAX  4095
#define DIGITS_MAX 22 /* 2^64 in octal */

struct output {
    char *buffer;
    size_t size;   /* of the buffer */
    size_t length; /* of the text so far, the part that did not fit included */
};

/* One conversion, as written between the % and its letter. */
struct conversion {
    bool left, zero, alternate;
    int width;
    int precision; /* -1: none */
    int longs;     /* 0 int, 1 long or size_t, 2 long long */
};

static void put(struct output *out, char c)
{
    if (out->length < out->size)
        out->buffer[out->length] = c;
    out->length++;
}

static void put_repeated(struct output *out, char c, int count)
{
    for (; count > 0; count--)
        put(out, c);
}

static void put_text(struct output *out, const struct conversion *spec, const char *text)
{
    size_t max = spec->precision < 0 ? SIZE_MAX : (size_t)spec->precision;
    size_t length;

    if (text == NULL)
        text = "(null)";
    length = strnlen(text, max);

    int padding = length < (size_t)spec->width ? spec->width - (int)length : 0;

    if (!spec->left)
        put_repeated(out, ' ', padding);
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    if (spec->left)
        put_repeated(out, ' ', padding);
}

static void put_char(struct output *out, const struct conversion *spec, char c)
{
    if (!spec->left)
        put_repeated(out, ' ', spec->width - 1);
    put(out, c);
    if (spec->left)
        put_repeated(out, ' ', spec->width - 1);
}

/* prefix is the sign or the mark of the base. */
static void put_number(struct output *out, const struct conversion *spec, uint64_t value,
                       unsigned base, bool upper, const char *prefix)
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[DIGITS_MAX];
    int count = 0;

    for (; value != 0; value /= base)
        digits[count++] = alphabet[value % base];

    int least = spec->precision < 0 ? 1 : spec->precision;

    if (base == 8 && spec->alternate && least <= count)
        least = count + 1;

    int zeros = count < least ? least - count : 0;
    int padding = spec->width - (int)strlen(prefix) - zeros - count;

    /* As in C: a precision or - turns the flag 0 off. */
    if (spec->zero && !spec->left && spec->precision < 0 && padding > 0) {
        zeros += padding;
        padding = 0;
    }
    if (!spec->left)
        put_repeated(out, ' ', padding);
    for (; *prefix != '\0'; prefix++)
        put(out, *prefix);
    put_repeated(out, '0', zeros);
    while (count > 0)
        put(out, digits[--count]);
    if (spec->left)
        put_repeated(out, ' ', padding);
}

/* va_list is an array on some machines and decays when passed, so that it is
 * carried in a struct. */
struct arguments {
    va_list list;
};

static void put_signed(struct output *out, const struct conversion *spec, struct arguments *args)
{
    long long value = spec->longs == 0   ? va_arg(args->list, int)
                      : spec->longs == 1 ? va_arg(args->list, long)
                                         : va_arg(args->list, long long);
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

    put_number(out, spec, magnitude, 10, false, value < 0 ? "-" : "");
}

static void put_unsigned(struct output *out, const struct conversion *spec, char letter,
                         struct arguments *args)
{
    uint64_t value = spec->longs == 0   ? va_arg(args->list, unsigned)
                     : spec->longs == 1 ? va_arg(args->list, unsigned long)
                                        : va_arg(args->list, unsigned long long);
    unsigned base = letter == 'u' ? 10 : letter == 'o' ? 8 : 16;
    const char *prefix = "";

    if (base == 16 && spec->alternate && value != 0)
        prefix = letter == 'X' ? "0X" : "0x";
    put_number(out, spec, value, base, letter == 'X', prefix);
}

static int clamp_field(long long value)
{
    return value > FIELD_MAX ? FIELD_MAX : (int)value;
}

/* A run of digits or a star; moves *at past it. */
static long long read_field(const char **at, struct arguments *args)
{
    long long value = 0;

    if (**at == '*') {
        (*at)++;
        return va_arg(args->list, int);
    }
    for (; **at >= '0' && **at <= '9'; (*at)++)
        value = clamp_field(value * 10 + (**at - '0'));
    return value;
}

/* Reads what stands between the % and the letter; returns where the letter is. */
static const char *read_conversion(const char *at, struct conversion *spec, struct arguments *args)
{
    long long field;

    *spec = (struct conversion){.precision = -1};
    for (;; at++) {
        if (*at == '-')
            spec->left = true;
        else if (*at == '0')
            spec->zero = true;
        else if (*at == '#')
            spec->alternate = true;
        else
            break;
    }
    field = read_field(&at, args);
    if (field < 0) {
        spec->left = true;
        field = -field;
    }
    spec->width = clamp_field(field);
    if (*at == '.') {
        at++;
        field = read_field(&at, args);
        spec->precision = field < 0 ? -1 : clamp_field(field);
    }
    if (*at == 'z') {
        spec->longs = 1;
        return at + 1;
    }
    for (; *at == 'l' && spec->longs < 2; at++)
        spec->longs++;
    return at;
}

/* False: the letter is not one of ours. */
static bool convert(struct output *out, const struct conversion *spec, char letter,
                    struct arguments *args)
{
    switch (letter) {
    case 'd':
    case 'i':
        put_signed(out, spec, args);
        return true;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        put_unsigned(out, spec, letter, args);
        return true;
    case 'c':
        put_char(out, spec, (char)va_arg(args->list, int));
        return true;
    case 's':
        put_text(out, spec, va_arg(args->list, const char *));
        return true;
    case 'p':
        put_number(out, spec, (uintptr_t)va_arg(args->list, void *), 16, false, "0x");
        return true;
    case '%':
        put(out, '%');
        return true;
    default:
        return false;
    }
}

int format_v(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output out = {.buffer = buffer, .size = size};
    struct arguments args;
    bool sound = true;

    va_copy(args.list, arguments);
    for (const char *at = format; *at != '\0'; at++) {
        struct conversion spec;
        const char *letter;

        if (*at != '%' || !sound) {
            put(&out, *at);
            continue;
        }
        letter = read_conversion(at + 1, &spec, &args);
        sound = convert(&out, &spec, *letter, &args);
        if (sound)
            at = letter;
        else
            put(&out, '%');
    }
    va_end(args.list);
    if (size > 0)
        buffer[out.length < size ? out.length : size - 1] = '\0';
    return out.length > INT_MAX ? INT_MAX : (int)out.length;
}

int format(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = format_v(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
