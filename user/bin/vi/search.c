/* Looking for patterns. See vi.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "user/bin/vi/vi.h"

#define PATTERN_MAX 256

bool search_compile(const char *pattern)
{
    char words[100];
    int error;

    if (vi.searching)
        regfree(&vi.pattern);
    error = regcomp(&vi.pattern, pattern, 0);
    vi.searching = !error;
    if (error) {
        regerror(error, &vi.pattern, words, sizeof(words));
        vi_say("%.60s: %s", pattern, words);
    }
    return !error;
}

bool search_line(const struct line *line, size_t from, regmatch_t *matches, size_t count)
{
    static char *copy;
    static size_t room;

    if (room < line->length + 1) {
        room = 2 * line->length + 256;
        copy = buffer_memory(copy, room);
    }
    for (size_t i = 0; i < line->length; i++)
        copy[i] = line->bytes[i] ? line->bytes[i] : ' ';
    copy[line->length] = '\0';
    if (from > line->length ||
        regexec(&vi.pattern, copy + from, count, matches, from ? REG_NOTBOL : 0))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (matches[i].rm_so < 0)
            continue;
        matches[i].rm_so += (regoff_t)from;
        matches[i].rm_eo += (regoff_t)from;
    }
    return true;
}

/* The last match in the line that begins before `before`. */
static bool last_match(const struct line *line, size_t before, size_t *at)
{
    regmatch_t match;
    bool found = false;
    size_t from = 0;

    while (search_line(line, from, &match, 1) && (size_t)match.rm_so < before) {
        *at = (size_t)match.rm_so;
        found = true;
        from = *at + 1;
    }
    return found;
}

/* From the cursor on, round the end of the text, and back to where it began. */
static enum span look(bool backward, struct place *to)
{
    regmatch_t match;
    size_t line = vi.cursor.line, at;

    for (size_t i = 0; i <= vi.buffer.count; i++) {
        const struct line *here = &vi.buffer.lines[line];

        if (backward && last_match(here, i ? here->length + 1 : vi.cursor.at, &at)) {
            *to = (struct place){line, at};
            return SPAN_TO;
        }
        if (!backward && search_line(here, i ? 0 : vi.cursor.at + 1, &match, 1)) {
            *to = (struct place){line, (size_t)match.rm_so};
            return SPAN_TO;
        }
        if (backward)
            line = line ? line - 1 : vi.buffer.count - 1;
        else
            line = line + 1 < vi.buffer.count ? line + 1 : 0;
    }
    vi_say("pattern not found");
    return SPAN_NONE;
}

enum span search_again(bool other, struct place *to)
{
    if (!vi.searching) {
        vi_say("no pattern yet: type / and one");
        return SPAN_NONE;
    }
    return look(vi.backward != other, to);
}

enum span search_ask(bool backward, struct place *to)
{
    char pattern[PATTERN_MAX];
    int length = screen_ask(&vi.screen, backward ? "?" : "/", pattern, sizeof(pattern));

    if (length < 0)
        return SPAN_NONE;
    vi.backward = backward;
    vi.now.overflow = true; /* what was asked for is not recorded: `.` cannot play it */
    if (length && !search_compile(pattern))
        return SPAN_NONE;
    return search_again(false, to);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80);
}

/* The word that the cursor is on. */
enum span search_word(struct place *to)
{
    const struct line *line = vi_line();
    size_t from = vi.cursor.at, end;
    char pattern[PATTERN_MAX];

    while (from < line->length && !is_word(line->bytes[from]))
        from++;
    while (from && from < line->length && is_word(line->bytes[from - 1]))
        from--;
    for (end = from; end < line->length && is_word(line->bytes[end]); end++)
        ;
    if (end == from || end - from >= sizeof(pattern))
        return SPAN_NONE;
    memcpy(pattern, line->bytes + from, end - from);
    pattern[end - from] = '\0';
    vi.backward = false;
    return search_compile(pattern) ? look(false, to) : SPAN_NONE;
}
