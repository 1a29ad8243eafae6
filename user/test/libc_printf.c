/*
 * Formatting and scanning.
 *
 * test: points=2 cpus=1,2
 */
#include "user/test/proc_util.h"
#include <float.h>
#include <math.h>
#include <stdint.h>

/* The compiler checks formats and works some of them out; here the library does. */
static int formats(const char *want, const char *fmt, ...)
{
    char got[200];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(got, sizeof(got), fmt, ap);
    va_end(ap);
    if (n == (int)strlen(want) && strcmp(got, want) == 0)
        return 1;
    dprintf(2, "# \"%s\" is \"%s\" (%d), not \"%s\"\n", fmt, got, n, want);
    return 0;
}

static int integers(void *unused)
{
    (void)unused;
    CHECK(formats("0 -1 2147483647 -2147483648", "%d %i %d %d", 0, -1, INT32_MAX, INT32_MIN));
    CHECK(formats("9223372036854775807", "%ld", INT64_MAX));
    CHECK(formats("-9223372036854775808", "%lld", INT64_MIN));
    CHECK(formats("18446744073709551615", "%lu", ~0ul));
    CHECK(formats("deadbeefcafe DEADBEEFCAFE", "%lx %lX", 0xdeadbeefcafel, 0xdeadbeefcafel));
    CHECK(formats("0xff 0377 0 0XA", "%#x %#o %#x %#X", 255, 255, 0, 10));
    CHECK(formats("-1 255 -1 65535", "%hhd %hhu %hd %hu", 255, 255, 65535, 65535));
    CHECK(formats("12 -12 99", "%zu %td %jd", (size_t)12, (ptrdiff_t)-12, (intmax_t)99));
    return 0;
}

static int fields(void *unused)
{
    (void)unused;
    CHECK(formats("[   42][42   ][00042][  +42][ 42]", "[%5d][%-5d][%05d][%+5d][% d]", 42, 42, 42,
                  42, 42));
    CHECK(formats("[  007][-0042][007  ]", "[%5.3d][%05d][%-5.3d]", 7, -42, 7));
    CHECK(formats("[    x][x    ]", "[%*s][%*s]", 5, "x", -5, "x"));
    CHECK(formats("[abc][ab][][  ab]", "[%s][%.2s][%.0s][%4.*s]", "abc", "abc", "abc", 2, "abc"));
    CHECK(formats("z% ", "%c%%%c", 'z', ' '));
    CHECK(formats("(null)", "%s", (char *)0));
    CHECK(formats("0x1234", "%p", (void *)0x1234));
    return 0;
}

static int floats(void *unused)
{
    (void)unused;
    CHECK(formats(" 3.14|3.141590|-0.5", "%5.2f|%f|%.1f", 3.14159, 3.14159, -0.5));
    CHECK(formats("1.000000e+00 1.23E-05 9.9e+99", "%e %.2E %.1e", 1.0, 1.234e-5, 9.9e99));
    CHECK(formats("100000 1e+06 0.0001 1e-05 1.5", "%g %g %g %g %g", 1e5, 1e6, 1e-4, 1e-5, 1.5));
    CHECK(formats("0.1 0.3333333333", "%g %.10g", 0.1, 1.0 / 3));
    CHECK(formats("1.7976931348623157e+308", "%.17g", DBL_MAX));
    CHECK(formats("inf -inf nan INF", "%f %f %f %F", INFINITY, -INFINITY, NAN, INFINITY));
    CHECK(formats("0 -0 1.000", "%.0f %.0f %.3f", 0.0, -0.0, 0.9999999));
    CHECK(formats("00003.50 3.5     +3.5", "%08.2f %-7.1f %+.1f", 3.5, 3.5, 3.5));
    return 0;
}

static int lengths(void *unused)
{
    char b[8] = "xxxxxxx", *text;
    volatile size_t room = 4;

    (void)unused;
    CHECK_IS(snprintf(b, room, "%s", "abcdef"), 6);
    CHECK(memcmp(b, "abc\0xxx", 8) == 0);
    CHECK_IS(snprintf(0, 0, "%d-%d", 100, 200), 7);
    CHECK_IS(sprintf(b, "%d", 12), 2);
    CHECK_IS(asprintf(&text, "%0500d|%s", 7, "end"), 504);
    CHECK(strlen(text) == 504 && strcmp(text + 499, "7|end") == 0);
    free(text);
    return 0;
}

static int scanning(void *unused)
{
    int a = 0, b = 0, n = 0;
    unsigned u = 0;
    long l = 0;
    double d = 0;
    float f = 0;
    char word[16], set[16], c = 0;

    (void)unused;
    CHECK_IS(sscanf(" 12 -34,0x1f", "%d%d,%x", &a, &b, &u), 3);
    CHECK(a == 12 && b == -34 && u == 31);
    CHECK_IS(sscanf("0x10 010 9", "%i %i %ld%n", &a, &b, &l, &n), 3);
    CHECK(a == 16 && b == 8 && l == 9 && n == 10);
    CHECK_IS(sscanf("word=abc123 x", "%4s=%[a-z]%d %c", word, set, &a, &c), 4);
    CHECK(strcmp(word, "word") == 0 && strcmp(set, "abc") == 0 && a == 123 && c == 'x');
    CHECK_IS(sscanf("1.5e3 -0.25", "%lf %f", &d, &f), 2);
    CHECK(d == 1500.0 && f == -0.25f);
    CHECK_IS(sscanf("12345", "%2d%*2d%d", &a, &b), 2);
    CHECK(a == 12 && b == 5);
    CHECK_IS(sscanf("x", "%d", &a), 0);
    CHECK_IS(sscanf("", "%d", &a), EOF);
    CHECK_IS(sscanf("7 x", "%d %d", &a, &b), 1);
    return 0;
}

static int number_texts(void *unused)
{
    unsigned long state = 88172645463325252ul;
    char *end, b[40];

    (void)unused;
    CHECK(strtod("1.5e2x", &end) == 150.0 && *end == 'x');
    CHECK(strtod(" -.5", &end) == -0.5 && *end == '\0');
    CHECK(strtod("x", &end) == 0.0 && *end == 'x');
    CHECK(isinf(strtod("inf", &end)) && *end == '\0' && isnan(strtod("nan", 0)));
    CHECK(strtod("0x1.8p1", 0) == 3.0 && atof("2.25") == 2.25 && strtof("0.5", 0) == 0.5f);
    errno = 0;
    CHECK(strtod("1e999", 0) == HUGE_VAL && errno == ERANGE);
    for (int i = 0; i < 300; i++) { /* there and back is the same number */
        double d =
            (double)(long)random_next(&state) * ldexp(1.0, (int)(random_next(&state) % 200) - 100);
        snprintf(b, sizeof(b), "%.17g", d);
        CHECK(strtod(b, 0) == d);
    }
    return 0;
}

static const struct proc_test tests[] = {
    {integers, "integers of all sizes"},
    {fields, "widths, precisions, flags, strings"},
    {floats, "floating point"},
    {lengths, "snprintf cuts and counts, asprintf makes room"},
    {scanning, "sscanf"},
    {number_texts, "strtod, and there and back"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
