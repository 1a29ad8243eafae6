/*
 * kernel/lib/format against the C library's snprintf, over every combination of
 * what format understands; then what it does with what it does not.
 */
/* host-test: kernel/lib/format.c kernel/lib/string.c -Wno-format -Wno-format-security */
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lib/format.h"
#include "test/host/lib_check.h"

/* Both, into buffers of exactly size bytes; true if they did the same. */
static bool agrees(size_t size, const char *form, ...)
{
    char *ours = malloc(size + (size == 0)), *theirs = malloc(size + (size == 0));
    va_list arguments;
    int our_length, their_length;
    bool same;

    memset(ours, '#', size + (size == 0));
    memset(theirs, '#', size + (size == 0));
    va_start(arguments, form);
    our_length = format_v(ours, size, form, arguments);
    va_end(arguments);
    va_start(arguments, form);
    their_length = vsnprintf(theirs, size, form, arguments);
    va_end(arguments);
    same = our_length == their_length && memcmp(ours, theirs, size + (size == 0)) == 0;
    if (!same)
        printf("# \"%s\", %zu bytes: %d \"%.*s\", should be %d \"%.*s\"\n", form, size, our_length,
               (int)size, ours, their_length, (int)size, theirs);
    free(ours);
    free(theirs);
    return same;
}

static const char *const flags[] = {"", "-", "0", "-0", "#", "#0", "#-"};
static const char *const widths[] = {"", "1", "5", "12", "30"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".4", ".25"};

#define EACH(i, list) (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++)

/* Every form "%<flags><width><precision><length><letter>" on one kind of value. */
static void test_numbers(const char *lengths, const char *letters, unsigned long long value)
{
    bool wide = lengths[0] != '\0';
    char form[32];

    for
        EACH(f, flags)
        {
        for
            EACH(w, widths)
            {
            for
                EACH(p, precisions)
                {
                    for (const char *letter = letters; *letter != '\0'; letter++) {
                        snprintf(form, sizeof(form), "<%%%s%s%s%s%c>", flags[f], widths[w],
                                 precisions[p], lengths, *letter);
                        /* # with d, i, u means nothing in C. */
                        if (flags[f][0] == '#' && strchr("diu", *letter) != NULL)
                            continue;
                        if (wide)
                            CHECK(agrees(64, form, value));
                        else
                            CHECK(agrees(64, form, (unsigned)value));
                    }
                }
            }
        }
}

static void test_integers(void)
{
    static const unsigned long long values[] = {
        0,          1,        7,         8,          42,         255,    0x7fffffff,
        0x80000000, UINT_MAX, LLONG_MAX, 1ull << 63, ULLONG_MAX, -42ull, 0123456701234567,
    };
    static const char *const lengths[] = {"", "l", "ll", "z"};

    for
        EACH(v, values)
        {
        for
            EACH(l, lengths)
        test_numbers(lengths[l], "diuxXo", values[v]);
        }
}

static void test_text(void)
{
    static const char *const texts[] = {"", "x", "hello", "a longer line of text than that"};
    char form[32];

    for (size_t f = 0; f < 2; f++) { /* 0 and # mean nothing with s and c */
        for
            EACH(w, widths)
            {
                snprintf(form, sizeof(form), "<%%%s%sc>", flags[f], widths[w]);
                CHECK(agrees(64, form, 'q'));
                snprintf(form, sizeof(form), "<%%%s%sp>", flags[f], widths[w]);
                CHECK(agrees(64, form, (void *)0x80201234));
            for
                EACH(p, precisions)
                {
                    snprintf(form, sizeof(form), "<%%%s%s%ss>", flags[f], widths[w], precisions[p]);
                for
                    EACH(t, texts)
                CHECK(agrees(64, form, texts[t]));
                }
            }
    }
    CHECK(agrees(64, "%d%% of %s", 50, "it"));
    CHECK(agrees(64, "no conversion"));
    CHECK(agrees(64, ""));
    CHECK(agrees(64, "%s", (char *)NULL));
    /* A precision bounds what is read: this has no NUL. */
    char *open = malloc(3);

    memcpy(open, "abc", 3);
    CHECK(agrees(64, "%.*s|%.3s", 2, open, open));
    free(open);
}

static void test_stars(void)
{
    for (int width = -12; width <= 12; width++) {
        CHECK(agrees(64, "<%*d>", width, -42));
        CHECK(agrees(64, "<%0*x>", width, 42));
        CHECK(agrees(64, "<%*.*s>", width, width / 2, "hello"));
        CHECK(agrees(64, "<%.*d>", width, 42));
    }
}

static void test_cut(void)
{
    for (size_t size = 0; size < 24; size++)
        CHECK(agrees(size, "%s %d %8x %c", "text", -12345, 0xbeef, '!'));
    char buffer[8] = "#######";

    CHECK(format(buffer, 4, "%d", 123456) == 6);
    CHECK(memcmp(buffer, "123\0###", 8) == 0);
    CHECK(format(NULL, 0, "%d", 123456) == 6);
    CHECK(agrees(8000, "%4000d%-3999s", 1, "x"));
    CHECK(format(buffer, 8, "%2147483647d", 1) == 4095);
    CHECK(format(buffer, 8, "%*d", INT_MIN, 1) == 4095);
    CHECK(format(buffer, 8, "%99999999999999999999d", 1) == 4095);
}

/* A letter that is not ours: the rest is copied, and no argument is taken. */
static void test_unknown(void)
{
    char buffer[64];

    format(buffer, sizeof(buffer), "%d %f %s", 1, 2.0, "x");
    CHECK(strcmp(buffer, "1 %f %s") == 0);
    format(buffer, sizeof(buffer), "%d %5.2hd", 1, 2);
    CHECK(strcmp(buffer, "1 %5.2hd") == 0);
    format(buffer, sizeof(buffer), "end %");
    CHECK(strcmp(buffer, "end %") == 0);
    format(buffer, sizeof(buffer), "end %-08.3l");
    CHECK(strcmp(buffer, "end %-08.3l") == 0);
    format(buffer, sizeof(buffer), "%n %d", (int *)NULL, 1);
    CHECK(strcmp(buffer, "%n %d") == 0);
}

int main(void)
{
    check_plan(5);
    test_integers();
    check_end("integers agree with snprintf");
    test_text();
    check_end("text, characters and pointers agree with snprintf");
    test_stars();
    check_end("width and precision may be arguments");
    test_cut();
    check_end("what does not fit is cut and counted");
    test_unknown();
    check_end("an unknown conversion is printed as it stands");
    return check_exit();
}
