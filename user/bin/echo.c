/*
 * echo [-neE] [STRING...]: the arguments on one line. -n: without the newline,
 * -e: backslash escapes in them, -E: none.
 */
#include "user/bin/util.h"

static int digit(char c, int base)
{
    int value = -1;

    if (c >= '0' && c <= '9')
        value = c - '0';
    else if (c >= 'a' && c <= 'f')
        value = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
        value = c - 'A' + 10;
    return value < base ? value : -1;
}

static int read_code(const char **text, int base, int most)
{
    int code = 0;

    for (; most && digit(**text, base) >= 0; most--)
        code = code * base + digit(*(*text)++, base);
    return code;
}

/* False after \c: nothing more is printed. */
static bool print_escaped(const char *text)
{
    static const char names[] = "abefnrtv\\", codes[] = "\a\b\033\f\n\r\t\v\\";

    while (*text) {
        int c = *text++;
        const char *name = c == '\\' && *text ? strchr(names, *text) : NULL;

        if (name) {
            c = codes[name - names];
            text++;
        } else if (c == '\\' && *text == 'c') {
            return false;
        } else if (c == '\\' && *text == '0') {
            text++;
            c = read_code(&text, 8, 3);
        } else if (c == '\\' && *text == 'x' && digit(text[1], 16) >= 0) {
            text++;
            c = read_code(&text, 16, 2);
        }
        putchar(c);
    }
    return true;
}

int main(int argc, char **argv)
{
    bool newline = true, escapes = false;
    int first = 1;

    util_begin(argv);
    for (; first < argc && argv[first][0] == '-' && argv[first][1]; first++) {
        if (argv[first][1 + strspn(argv[first] + 1, "neE")])
            break;
        for (const char *p = argv[first] + 1; *p; p++) {
            if (*p == 'n')
                newline = false;
            else
                escapes = *p == 'e';
        }
    }
    for (int i = first; i < argc; i++) {
        if (i > first)
            putchar(' ');
        if (!escapes)
            fputs(argv[i], stdout);
        else if (!print_escaped(argv[i]))
            return util_finish();
    }
    if (newline)
        putchar('\n');
    return util_finish();
}
