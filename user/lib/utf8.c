/* UTF-8: see <utf8.h>. */
#include "user/include/utf8.h"

struct range {
    long first, last;
};

/* Marks that join the character before them, and characters without any shape. */
static const struct range no_cell[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},   {0x064b, 0x065f},
    {0x06d6, 0x06dc}, {0x0900, 0x0902}, {0x093a, 0x093a}, {0x093c, 0x093c},   {0x0941, 0x0948},
    {0x094d, 0x094d}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e},   {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},   {0x20d0, 0x20f0},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef},
};

/* East Asian and pictures: as wide as two letters. */
static const struct range two_cells[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
    {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
    {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

size_t utf8_decode(const char *text, size_t length, long *code)
{
    static const long smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)text[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    long value = size > 1 ? lead & (0x7f >> size) : lead;

    *code = UTF8_INVALID;
    if (size == 0 || size > length || lead >= 0xf8)
        return 1;
    for (size_t i = 1; i < size; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 1;
    *code = value;
    return size;
}

size_t utf8_encode(char bytes[UTF8_MAX], long code)
{
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    if (size == 1) {
        bytes[0] = (char)code;
        return 1;
    }
    for (size_t i = size; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(0xf00 >> size | code);
    return size;
}

size_t utf8_next(const char *text, size_t length, size_t at)
{
    long code;

    return at + utf8_decode(text + at, length - at, &code);
}

size_t utf8_previous(const char *text, size_t at)
{
    /* A character of n bytes ends here if it decodes to just that. */
    for (size_t size = UTF8_MAX; size > 1; size--) {
        long code;

        if (size <= at && utf8_decode(text + at - size, size, &code) == size)
            return at - size;
    }
    return at - 1;
}

static int is_in(const struct range *ranges, size_t count, long code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return 1;
    return 0;
}

unsigned utf8_width(long code)
{
    if (code < 0x300)
        return 1;
    if (is_in(no_cell, sizeof(no_cell) / sizeof(no_cell[0]), code))
        return 0;
    return is_in(two_cells, sizeof(two_cells) / sizeof(two_cells[0]), code) ? 2 : 1;
}
