/*
 * sort [-bcfnru] [-k START[,END]] [-t CHAR] [-o FILE] [FILE...]: lines in order.
 *
 * All lines are held in memory. Keys that compare equal leave the order to the
 * whole line, except with -u, where such lines are one. Text is compared byte
 * by byte.
 */
#include <ctype.h>
#include <fcntl.h>

#include "user/bin/util.h"

static const char usage[] = "[-bcfnrus] [-k START[,END]] [-t CHAR] [-o FILE] [FILE...]";

struct order {
    bool blanks, fold, numeric, reverse;
};

struct key {
    unsigned long first, first_char; /* from 1 */
    unsigned long last, last_char;   /* 0: to the end of line, of field */
    struct order order;
    bool own_order; /* it was given letters of its own */
};

struct line {
    char *text;
    size_t length;
};

static struct key *keys;
static size_t key_count;
static struct order order;
static bool unique, stable;
static int separator = -1;
static struct line *lines;
static size_t line_count, line_room;

/* ------------------------------------------------------------------------ keys */

/* Letters after a key's position. */
static const char *read_letters(const char *p, struct key *key)
{
    for (; *p && *p != ','; p++) {
        if (*p == 'b')
            key->order.blanks = true;
        else if (*p == 'f')
            key->order.fold = true;
        else if (*p == 'n')
            key->order.numeric = true;
        else if (*p == 'r')
            key->order.reverse = true;
        else
            util_usage(usage);
        key->own_order = true;
    }
    return p;
}

static const char *read_position(const char *p, unsigned long *field, unsigned long *character)
{
    char *end;

    if (!isdigit((unsigned char)*p))
        util_usage(usage);
    *field = strtoul(p, &end, 10);
    if (*end == '.') {
        p = end + 1;
        if (!isdigit((unsigned char)*p))
            util_usage(usage);
        *character = strtoul(p, &end, 10);
    }
    return end;
}

static void add_key(const char *text)
{
    struct key key = {.first_char = 1};

    text = read_position(text, &key.first, &key.first_char);
    text = read_letters(text, &key);
    if (*text == ',') {
        text = read_position(text + 1, &key.last, &key.last_char);
        text = read_letters(text, &key);
        if (!key.last)
            util_usage(usage);
    }
    if (!key.first || !key.first_char || *text)
        util_usage(usage);
    keys = util_grow(keys, (key_count + 1) * sizeof(*keys));
    keys[key_count++] = key;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Offset where field number n (from 1) begins, or the line's length. Without
 * -t a field begins with the blanks before it. */
static size_t field_start(const struct line *line, unsigned long n)
{
    size_t i = 0;

    while (--n && i < line->length) {
        if (separator >= 0) {
            while (i < line->length && (unsigned char)line->text[i] != separator)
                i++;
            i += i < line->length;
        } else {
            while (i < line->length && is_blank(line->text[i]))
                i++;
            while (i < line->length && !is_blank(line->text[i]))
                i++;
        }
    }
    return i;
}

static size_t field_end(const struct line *line, unsigned long n)
{
    size_t i = field_start(line, n);

    if (separator < 0)
        while (i < line->length && is_blank(line->text[i]))
            i++;
    while (i < line->length &&
           (separator >= 0 ? (unsigned char)line->text[i] != separator : !is_blank(line->text[i])))
        i++;
    return i;
}

static size_t at_most(size_t value, size_t limit)
{
    return value < limit ? value : limit;
}

static size_t skip_blanks(const struct line *line, size_t i)
{
    while (i < line->length && is_blank(line->text[i]))
        i++;
    return i;
}

/* The part of the line that a key compares. */
static void key_range(const struct line *line, const struct key *key, const struct order *how,
                      size_t *start, size_t *end)
{
    *start = field_start(line, key->first);
    if (how->blanks)
        *start = skip_blanks(line, *start);
    *start = at_most(*start + key->first_char - 1, line->length);
    *end = line->length;
    if (key->last && key->last_char) {
        *end = field_start(line, key->last);
        if (how->blanks)
            *end = skip_blanks(line, *end);
        *end = at_most(*end + key->last_char, line->length);
    } else if (key->last) {
        *end = field_end(line, key->last);
    }
    if (*end < *start)
        *end = *start;
}

/* ------------------------------------------------------------------- comparing */

struct number {
    bool negative;
    const char *whole, *fraction;
    size_t whole_length, fraction_length; /* no leading, no trailing zeros */
};

static struct number read_number(const char *p, const char *end)
{
    struct number n = {.negative = false};

    while (p < end && is_blank(*p))
        p++;
    if (p < end && *p == '-') {
        n.negative = true;
        p++;
    }
    while (p < end && *p == '0')
        p++;
    n.whole = p;
    while (p < end && isdigit((unsigned char)*p))
        p++;
    n.whole_length = (size_t)(p - n.whole);
    n.fraction = p;
    if (p < end && *p == '.') {
        n.fraction = ++p;
        while (p < end && isdigit((unsigned char)*p))
            p++;
        n.fraction_length = (size_t)(p - n.fraction);
        while (n.fraction_length && n.fraction[n.fraction_length - 1] == '0')
            n.fraction_length--;
    }
    if (!n.whole_length && !n.fraction_length)
        n.negative = false; /* -0 is 0 */
    return n;
}

static int compare_bytes(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int result = memcmp(a, b, at_most(a_length, b_length));

    if (result)
        return result < 0 ? -1 : 1;
    return a_length < b_length ? -1 : a_length > b_length;
}

/* By digits, so that no number is too long. */
static int compare_numbers(const char *a, const char *a_end, const char *b, const char *b_end)
{
    struct number x = read_number(a, a_end), y = read_number(b, b_end);
    int result;

    if (x.negative != y.negative)
        return x.negative ? -1 : 1;
    if (x.whole_length != y.whole_length)
        result = x.whole_length < y.whole_length ? -1 : 1;
    else
        result = compare_bytes(x.whole, x.whole_length, y.whole, y.whole_length);
    if (!result)
        result = compare_bytes(x.fraction, x.fraction_length, y.fraction, y.fraction_length);
    return x.negative ? -result : result;
}

static int compare_folded(const char *a, size_t a_length, const char *b, size_t b_length)
{
    for (size_t i = 0; i < a_length && i < b_length; i++) {
        int x = toupper((unsigned char)a[i]), y = toupper((unsigned char)b[i]);

        if (x != y)
            return x < y ? -1 : 1;
    }
    return a_length < b_length ? -1 : a_length > b_length;
}

static int compare_range(const struct line *a, const struct line *b, const struct key *key)
{
    const struct order *how = key->own_order ? &key->order : &order;
    size_t a_start, a_end, b_start, b_end;
    int result;

    key_range(a, key, how, &a_start, &a_end);
    key_range(b, key, how, &b_start, &b_end);
    if (how->numeric)
        result =
            compare_numbers(a->text + a_start, a->text + a_end, b->text + b_start, b->text + b_end);
    else if (how->fold)
        result =
            compare_folded(a->text + a_start, a_end - a_start, b->text + b_start, b_end - b_start);
    else
        result =
            compare_bytes(a->text + a_start, a_end - a_start, b->text + b_start, b_end - b_start);
    return how->reverse ? -result : result;
}

static int compare_keys(const struct line *a, const struct line *b)
{
    static const struct key whole = {.first = 1, .first_char = 1};
    int result = 0;

    if (!key_count)
        return compare_range(a, b, &whole);
    for (size_t i = 0; i < key_count && !result; i++)
        result = compare_range(a, b, &keys[i]);
    return result;
}

static int compare(const struct line *a, const struct line *b)
{
    int result = compare_keys(a, b);

    if (!result && !unique && !stable) {
        result = compare_bytes(a->text, a->length, b->text, b->length);
        if (order.reverse)
            result = -result;
    }
    return result;
}

/* Merge from[start..middle) and from[middle..end) into to[start..end). */
static void merge(const struct line *from, struct line *to, size_t start, size_t middle, size_t end)
{
    size_t left = start, right = middle;

    for (size_t i = start; i < end; i++) {
        if (right == end || (left < middle && compare(&from[left], &from[right]) <= 0))
            to[i] = from[left++];
        else
            to[i] = from[right++];
    }
}

/* Lines that compare equal keep their order, for -s and -u. */
static void sort_lines(void)
{
    struct line *other = util_grow(NULL, line_count * sizeof(*other)), *swap;

    for (size_t run = 1; run < line_count; run *= 2) {
        for (size_t start = 0; start < line_count; start += 2 * run)
            merge(lines, other, start, at_most(start + run, line_count),
                  at_most(start + 2 * run, line_count));
        swap = lines;
        lines = other;
        other = swap;
    }
    free(other);
}

/* -------------------------------------------------------------- reading, writing */

static void read_lines(const char *path)
{
    FILE *file = util_open(path);
    char *text = NULL;
    size_t room = 0;
    ssize_t length;

    if (!file)
        exit(2);
    while ((length = getline(&text, &room, file)) >= 0) {
        struct line *line;

        if (length && text[length - 1] == '\n')
            length--;
        if (line_count == line_room) {
            line_room = line_room ? line_room * 2 : 256;
            lines = util_grow(lines, line_room * sizeof(*lines));
        }
        line = &lines[line_count];
        line->text = util_grow(NULL, (size_t)length + 1);
        memcpy(line->text, text, (size_t)length);
        line->length = (size_t)length;
        line_count++;
    }
    free(text);
    util_close(file, path);
    if (util_status)
        exit(2);
}

static int check_order(void)
{
    for (size_t i = 1; i < line_count; i++) {
        int result = compare(&lines[i - 1], &lines[i]);

        if (result > 0 || (unique && !compare_keys(&lines[i - 1], &lines[i]))) {
            util_warn("line %zu is out of order: %.*s", i + 1, (int)lines[i].length, lines[i].text);
            return 1;
        }
    }
    return 0;
}

static void write_lines(void)
{
    for (size_t i = 0; i < line_count; i++) {
        if (unique && i && !compare_keys(&lines[i - 1], &lines[i]))
            continue;
        fwrite(lines[i].text, 1, lines[i].length, stdout);
        putchar('\n');
    }
}

/* The output file is opened when all is read: it may be one of those read. */
static void open_output(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0) {
        util_error(path);
        exit(2);
    }
    if (fd != STDOUT_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    const char *output = NULL;
    bool check = false;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "bcfnrusk:t:o:")) != -1) {
        if (option == '?' || (option == 't' && (!optarg[0] || optarg[1])))
            util_usage(usage);
        check = check || option == 'c';
        order.blanks = order.blanks || option == 'b';
        order.fold = order.fold || option == 'f';
        order.numeric = order.numeric || option == 'n';
        order.reverse = order.reverse || option == 'r';
        unique = unique || option == 'u';
        stable = stable || option == 's';
        if (option == 'k')
            add_key(optarg);
        else if (option == 't')
            separator = (unsigned char)optarg[0];
        else if (option == 'o')
            output = optarg;
    }
    if (optind == argc)
        read_lines("-");
    for (; optind < argc; optind++)
        read_lines(argv[optind]);
    if (check)
        return check_order();
    sort_lines();
    if (output)
        open_output(output);
    write_lines();
    if (ferror(stdout) || fflush(stdout))
        util_output_failed(2);
    return 0;
}
