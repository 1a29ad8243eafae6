/*
 * Matching, and the command s.
 *
 * Lines may hold NUL bytes, so expressions are matched between two offsets
 * (REG_STARTEND) and not up to the first NUL.
 */
#include <string.h>

#include "user/bin/sed/sed.h"

static const regex_t *last_used;

/* Match text from offset `at` on; the groups into found. */
static bool match(const regex_t *regex, const struct text *text, size_t at, regmatch_t *found)
{
    int error;
    char message[128];

    found[0].rm_so = (regoff_t)at;
    found[0].rm_eo = (regoff_t)text->length;
    error = regexec(regex, text->bytes, GROUPS, found, REG_STARTEND | (at ? REG_NOTBOL : 0));
    if (error && error != REG_NOMATCH) {
        regerror(error, regex, message, sizeof(message));
        sed_fail("a regular expression cannot be matched: %s", message);
    }
    return !error;
}

static const regex_t *choose(const regex_t *regex)
{
    if (regex)
        last_used = regex;
    if (!last_used)
        sed_fail("an empty regular expression, and none was used before");
    return last_used;
}

bool subst_matches(const regex_t *regex, const struct text *text)
{
    regmatch_t found[GROUPS];

    return match(choose(regex), text, 0, found);
}

static void add_replacement(const struct substitution *s, const struct text *text,
                            const regmatch_t *found, struct text *result)
{
    for (size_t i = 0; i < s->piece_count; i++) {
        const struct piece *piece = &s->pieces[i];

        if (piece->group < 0) {
            text_add(result, piece->text.bytes, piece->text.length);
        } else if (found[piece->group].rm_so >= 0) {
            const regmatch_t *part = &found[piece->group];

            text_add(result, text->bytes + part->rm_so, (size_t)(part->rm_eo - part->rm_so));
        }
    }
}

bool subst_run(const struct substitution *s, struct text *text)
{
    static struct text result;
    const regex_t *regex = choose(s->regex);
    size_t at = 0, copied = 0;  /* where to look on; what is in the result already */
    size_t before = (size_t)-1; /* the end of the match before */
    unsigned long count = 0;
    regmatch_t found[GROUPS];
    bool changed = false;

    text_clear(&result);
    while (at <= text->length && match(regex, text, at, found)) {
        size_t start = (size_t)found[0].rm_so, end = (size_t)found[0].rm_eo;

        at = end > start ? end : end + 1;
        if (start == end && start == before)
            continue; /* nothing, right behind a match: that does not count */
        before = end;
        if (++count < s->first)
            continue;
        text_add(&result, text->bytes + copied, start - copied);
        add_replacement(s, text, found, &result);
        copied = end;
        changed = true;
        if (!s->all)
            break;
    }
    if (!changed)
        return false;
    text_add(&result, text->bytes + copied, text->length - copied);
    text_swap(&result, text);
    return true;
}
