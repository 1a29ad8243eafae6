/*
 * Memory and strings, characters, numbers from text, sorting, mathematics.
 *
 * test: points=2 cpus=1,2
 */
#include "user/test/proc_util.h"
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <strings.h>

/* Text, and a number, of which the compiler knows nothing. */
static const char *text(const char *s)
{
    __asm__("" : "+r"(s));
    return s;
}

static double number(double d)
{
    __asm__("" : "+f"(d));
    return d;
}

#define ROOM 200

/* Every alignment of both sides, lengths around a word and more. */
static int copies(void *unused)
{
    static unsigned char a[ROOM], b[ROOM];
    static const int lengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127};

    (void)unused;
    for (int from = 0; from < 9; from++)
        for (int to = 0; to < 9; to++)
            for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
                int n = lengths[i];
                pattern_fill(a, ROOM, 1, 0);
                memset(b, 0xee, ROOM);
                CHECK(memcpy(b + to, a + from, (size_t)n) == b + to);
                CHECK_IS(pattern_check(b + to, (unsigned long)n, 1, (unsigned long)from), -1);
                CHECK(b[to + n] == 0xee && (to == 0 || b[to - 1] == 0xee));
                memmove(a + to, a + from, (size_t)n); /* over itself */
                CHECK_IS(memcmp(a + to, b + to, (size_t)n), 0);
                CHECK_IS(pattern_check(a + to + n, (unsigned long)(ROOM - to - n), 1,
                                       (unsigned long)(to + n)),
                         -1);
                memset(b + to, n, (size_t)n);
                CHECK((n == 0 || (b[to] == n && b[to + n - 1] == n)) && b[to + n] == 0xee);
            }
    CHECK(memcmp(text("ab\x80"), "ab\x01", 3) > 0 && memcmp(text("abc"), "abd", 2) == 0);
    CHECK(memchr(a, a[50], 10) == 0 || (unsigned char *)memchr(a, a[50], 10) < a + 10);
    return 0;
}

static int strings(void *unused)
{
    char b[20], *p, *state;
    const char *s = text("hello, world");

    (void)unused;
    CHECK(strlen(s) == 12 && strnlen(s, 5) == 5);
    CHECK(strcmp(s, "hello") > 0 && strcmp(text("\x80"), "\x7f") > 0 && strncmp(s, "help", 3) == 0);
    CHECK(strcasecmp(s, "HELLO, World") == 0 && strncasecmp(s, "HELP", 4) < 0);
    CHECK(strchr(s, 'o') == s + 4 && strrchr(s, 'o') == s + 8 && !strchr(s, 'x'));
    CHECK(strchr(s, '\0') == s + 12 && strpbrk(s, ", ") == s + 5);
    CHECK(strstr(s, "o, w") == s + 4 && strstr(s, "") == s && !strstr(s, "worlds"));
    CHECK(strspn(s, "ehl") == 4 && strcspn(s, ",") == 5 && strcspn(s, "") == 12);
    CHECK(strcpy(b, s) == b && strcat(b, "!") == b && strcmp(b, "hello, world!") == 0);
    CHECK(strncpy(b, text("ab"), 5) == b && memcmp(b, "ab\0\0\0,", 6) == 0);
    CHECK(strncat(b, s, 3) == b && strcmp(b, "abhel") == 0);
    CHECK(strlcpy(b, s, 6) == 12 && strcmp(b, "hello") == 0);
    CHECK(strlcat(b, s, 8) == 17 && strcmp(b, "hellohe") == 0);
    p = strdup(s);
    CHECK(p && p != s && strcmp(p, s) == 0);
    free(p);
    p = strndup(s, 4);
    CHECK(p && strcmp(p, "hell") == 0);
    free(p);
    strcpy(b, "a,,b c");
    CHECK(strcmp(strtok_r(b, ", ", &state), "a") == 0);
    CHECK(strcmp(strtok_r(0, ", ", &state), "b") == 0);
    CHECK(strcmp(strtok_r(0, ", ", &state), "c") == 0 && !strtok_r(0, ", ", &state));
    strcpy(b, "a,,b");
    p = b;
    CHECK(strcmp(strsep(&p, ","), "a") == 0 && *strsep(&p, ",") == '\0');
    CHECK(strcmp(strsep(&p, ","), "b") == 0 && !p && !strsep(&p, ","));
    return 0;
}

/* A string or a block that ends right before a page that is not there. */
static int page_edges(void *unused)
{
    char *heap = sbrk(0), *top = heap + (-(unsigned long)heap & 4095), *end;

    (void)unused;
    CHECK_IS(brk(top + 4096), 0);
    end = top + 4096;
    for (int n = 0; n < 20; n++) {
        char *s = end - n - 1, copy[32];
        memset(s, 'q', (size_t)n);
        s[n] = '\0';
        CHECK(strlen(text(s)) == (size_t)n && !strchr(text(s), 'z') && strcmp(text(s), s) == 0);
        strcpy(copy, text(s));
        CHECK(memcmp(copy, text(s), (size_t)n + 1) == 0 && memchr(text(s), 0, 99) == s + n);
        memcpy(text(s) == s ? s : copy, copy, (size_t)n + 1);
        memset(s, 0, (size_t)n + 1);
    }
    return 0;
}

#define YES(is) ((is) != 0)

static int characters(void *unused)
{
    (void)unused;
    for (int c = -1; c < 256; c++) {
        int low = c >= 'a' && c <= 'z', up = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
        CHECK(YES(islower(c)) == low && YES(isupper(c)) == up && YES(isdigit(c)) == digit);
        CHECK(YES(isalpha(c)) == (low || up) && YES(isalnum(c)) == (low || up || digit));
        CHECK(YES(isspace(c)) == (c == ' ' || (c >= 9 && c <= 13)));
        CHECK(YES(isblank(c)) == (c == ' ' || c == 9) && YES(isprint(c)) == (c >= 32 && c < 127));
        CHECK(YES(isgraph(c)) == (c > 32 && c < 127) &&
              YES(iscntrl(c)) == ((c >= 0 && c < 32) || c == 127));
        CHECK(YES(ispunct(c)) == (isgraph(c) && !isalnum(c)));
        CHECK(YES(isxdigit(c)) == (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
        CHECK(tolower(c) == (up ? c + 32 : c) && toupper(c) == (low ? c - 32 : c));
    }
    return 0;
}

static int to_numbers(void *unused)
{
    char *end;

    (void)unused;
    CHECK(strtol(" -42x", &end, 10) == -42 && *end == 'x');
    CHECK(strtol("0x1F", &end, 0) == 31 && *end == '\0' && strtol("017", 0, 0) == 15);
    CHECK(strtol("zz", 0, 36) == 35 * 36 + 35 && strtol("102", &end, 2) == 2 && *end == '2');
    CHECK(strtol("+", &end, 10) == 0 && *end == '+' && strtol("0x", &end, 16) == 0 && *end == 'x');
    errno = 0;
    CHECK(strtol("9223372036854775807", 0, 10) == LONG_MAX && errno == 0);
    CHECK(strtol("9223372036854775808", &end, 10) == LONG_MAX && errno == ERANGE && *end == '\0');
    errno = 0;
    CHECK(strtol("-9223372036854775808", 0, 10) == LONG_MIN && errno == 0);
    CHECK(strtol("-9223372036854775809", 0, 10) == LONG_MIN && errno == ERANGE);
    errno = 0;
    CHECK(strtoul("18446744073709551615", 0, 10) == ULONG_MAX && errno == 0);
    CHECK(strtoul("18446744073709551616", 0, 10) == ULONG_MAX && errno == ERANGE);
    CHECK(strtoul("-1", 0, 10) == ULONG_MAX && strtoll("-7", 0, 10) == -7 &&
          strtoull("7", 0, 8) == 7);
    CHECK(atoi(" 12x") == 12 && atol("-5") == -5 && abs(-3) == 3 && labs(-4) == 4);
    CHECK(div(-7, 2).quot == -3 && div(-7, 2).rem == -1 && ldiv(9, 4).rem == 1);
    return 0;
}

struct item {
    int key, place;
};

static int by_key(const void *a, const void *b)
{
    int x = ((const struct item *)a)->key, y = ((const struct item *)b)->key;

    return x < y ? -1 : x > y;
}

#define ITEMS 1000

/* Random, sorted, reversed and nearly all equal; nothing is lost or doubled. */
static int sorting(void *unused)
{
    static struct item items[ITEMS];
    unsigned long state = 42;

    (void)unused;
    for (int kind = 0; kind < 4; kind++) {
        static char seen[ITEMS];
        for (int i = 0; i < ITEMS; i++) {
            int random = (int)(random_next(&state) % 5000);
            items[i].key = kind == 0 ? random : kind == 1 ? i : kind == 2 ? -i : random % 3;
            items[i].place = i;
        }
        qsort(items, ITEMS, sizeof(items[0]), by_key);
        memset(seen, 0, sizeof(seen));
        for (int i = 0; i < ITEMS; i++) {
            CHECK(i == 0 || items[i - 1].key <= items[i].key);
            CHECK_IS(seen[items[i].place]++, 0);
        }
        for (int i = 0; i < ITEMS; i += 37) {
            struct item *found = bsearch(&items[i], items, ITEMS, sizeof(items[0]), by_key);
            CHECK(found && found->key == items[i].key);
        }
        CHECK(!bsearch(&(struct item){9999, 0}, items, ITEMS, sizeof(items[0]), by_key));
        CHECK(!bsearch(&items[0], items, 0, sizeof(items[0]), by_key));
    }
    return 0;
}

static int repeated_random(void *unused)
{
    int first[20], differ = 0;

    (void)unused;
    srand(7);
    for (int i = 0; i < 20; i++) {
        first[i] = rand();
        CHECK(first[i] >= 0);
    }
    srand(7);
    for (int i = 0; i < 20; i++) {
        CHECK_IS(rand(), first[i]);
        differ += first[i] != first[0];
    }
    CHECK(differ > 15);
    return 0;
}

static int near(double got, double want)
{
    if (fabs(got - want) <= 1e-14 * fmax(1.0, fabs(want)))
        return 1;
    dprintf(2, "# got %.17g, want %.17g\n", got, want);
    return 0;
}

static int mathematics(void *unused)
{
    double whole;
    int power;

    (void)unused;
    CHECK(sqrt(number(2)) == 1.4142135623730951 && isnan(sqrt(number(-1))));
    CHECK(near(sin(number(1)), 0.8414709848078965) && near(cos(number(1)), 0.5403023058681398));
    CHECK(near(tan(number(1)), 1.5574077246549023) && near(atan2(number(1), -1), 3 * M_PI / 4));
    CHECK(near(sin(number(1e6)), -0.34999350217129294)); /* far from zero */
    CHECK(near(exp(number(1)), M_E) && near(log(number(10)), M_LN10) && log10(number(1000)) == 3);
    CHECK(near(log2(number(8)), 3) && near(pow(number(2), 0.5), M_SQRT2) &&
          pow(number(2), 10) == 1024);
    CHECK(near(cbrt(number(27)), 3) && hypot(number(3), 4) == 5 && fmod(number(7.5), 2) == 1.5);
    CHECK(floor(number(-1.5)) == -2 && ceil(number(-1.5)) == -1 && trunc(number(-1.5)) == -1);
    CHECK(round(number(2.5)) == 3 && rint(number(2.5)) == 2 && lround(number(-2.5)) == -3);
    CHECK(ldexp(number(0.75), 4) == 12 && frexp(number(12), &power) == 0.75 && power == 4);
    CHECK(modf(number(-3.25), &whole) == -0.25 && whole == -3);
    CHECK(isinf(number(1) / number(0)) && isnan(number(0) / number(0)) && signbit(number(-0.0)));
    CHECK(copysign(number(3), -1) == -3 && fmin(number(NAN), 2) == 2 && fma(number(2), 3, 1) == 7);
    CHECK(near(sinh(number(1)), 1.1752011936438014) && near(asin(number(0.5)), M_PI / 6));
    CHECK(near(tgamma(number(5)), 24) && near(erf(number(0.5)), 0.5204998778130465));
    CHECK(sqrtf((float)number(9)) == 3.0f && powf((float)number(2), 3) == 8.0f);
    return 0;
}

static const struct proc_test tests[] = {
    {copies, "memcpy, memmove, memset, memcmp at every alignment"},
    {strings, "strings"},
    {page_edges, "nothing is read behind a string's last page"},
    {characters, "ctype, all characters"},
    {to_numbers, "strtol and its kin, with their limits"},
    {sorting, "qsort and bsearch"},
    {repeated_random, "rand repeats by its seed"},
    {mathematics, "mathematics"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
