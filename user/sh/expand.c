/*
 * Word expansion. See expand.h.
 *
 * A word is first expanded to cells: bytes, each with the kind that later steps
 * need to know. Fields, strings and patterns are then made from the cells.
 */
#include <stdio.h>
#include <string.h>

#include "user/sh/expand.h"
#include "user/sh/glob.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

enum cell {
    CELL_PLAIN = 'p',  /* from the word itself: may be a pattern, not split */
    CELL_QUOTED = 'q', /* stands for itself */
    CELL_RESULT = 'r', /* of an expansion: may be a pattern, and is split */
    CELL_EXISTS = 'e', /* no byte: the field exists even if it is empty */
    CELL_BREAK = 'b',  /* no byte: here a field ends ("$@") */
};

struct cells {
    struct strbuf bytes, kinds; /* of one length */
};

static bool expand_parts(struct cells *cells, const struct word *word, bool result);

static void put_cell(struct cells *cells, char byte, enum cell kind)
{
    strbuf_put(&cells->bytes, byte);
    strbuf_put(&cells->kinds, (char)kind);
}

static void put_text(struct cells *cells, const char *text, enum cell kind)
{
    size_t length = strlen(text);

    if (kind == CELL_QUOTED)
        put_cell(cells, 0, CELL_EXISTS);
    if (!length)
        return;
    strbuf_add(&cells->bytes, text, length);
    memset(strbuf_room(&cells->kinds, length), kind, length);
    cells->kinds.length += length;
}

static void cells_init(struct cells *cells)
{
    strbuf_init(&cells->bytes, shell.stack);
    strbuf_init(&cells->kinds, shell.stack);
}

/* ---------------------------------------------------------------- parameters */

/* $@ and $*: the difference is what "$*" puts between them. */
static void expand_params(struct cells *cells, const struct part *part)
{
    const struct frame *frame = shell.frame;
    const char *ifs = var_get("IFS");
    bool joined = part->text[0] == '*' && part->quoted;

    if (joined)
        put_cell(cells, 0, CELL_EXISTS);
    for (size_t i = 0; i < frame->count; i++) {
        if (i && !joined)
            put_cell(cells, ' ', CELL_BREAK);
        else if (i && (!ifs || ifs[0]))
            put_cell(cells, ifs ? ifs[0] : ' ', CELL_QUOTED);
        put_text(cells, frame->params[i], part->quoted ? CELL_QUOTED : CELL_RESULT);
    }
}

/* ${name:?message} and an unset name under set -u. */
static bool report_unset(const struct part *part)
{
    const char *message = NULL;

    if (part->op == PARAM_ERROR && part->arg->parts) {
        message = expand_string(part->arg);
        if (!message)
            return false;
    }
    shell_abort("%s: %s", part->text, message ? message : "parameter not set");
    return false;
}

static bool assign_default(struct cells *cells, const struct part *part)
{
    size_t length = strlen(part->text);
    char *value;

    if (!shell_is_name(part->text, length)) {
        shell_abort("%s: cannot assign in this way", part->text);
        return false;
    }
    value = expand_string(part->arg);
    if (!value)
        return false;
    if (!var_set(part->text, value, 0)) {
        shell.unwind = UNWIND_ABORT;
        shell.status = 2;
        return false;
    }
    put_text(cells, value, part->quoted ? CELL_QUOTED : CELL_RESULT);
    return true;
}

/* ${name#pattern} and its three relatives. */
static bool expand_trimmed(struct cells *cells, const struct part *part, const char *value)
{
    bool prefix = part->op == PARAM_PREFIX || part->op == PARAM_PREFIX_L;
    bool longest = part->op == PARAM_PREFIX_L || part->op == PARAM_SUFFIX_L;
    size_t length = strlen(value), cut;
    char *text = arena_copy(shell.stack, value, length);
    const char *pattern = expand_pattern(part->arg);

    if (!pattern)
        return false;
    for (size_t i = 0; i <= length; i++) {
        /* The cut nearest to the side that makes the match shortest is tried
         * first, or last when the longest is wanted. */
        bool matched;
        char kept;

        cut = prefix == longest ? length - i : i;
        kept = text[cut];
        if (prefix) {
            text[cut] = '\0';
            matched = match(pattern, text);
            text[cut] = kept;
        } else {
            matched = match(pattern, text + cut);
        }
        if (matched && prefix)
            text += cut;
        else if (matched)
            text[cut] = '\0';
        if (matched)
            break;
    }
    put_text(cells, text, part->quoted ? CELL_QUOTED : CELL_RESULT);
    return true;
}

static bool is_list_param(const struct part *part)
{
    return part->text[0] == '@' || part->text[0] == '*';
}

/* The parameter's own value, after the operators that look at it were obeyed. */
static bool put_value(struct cells *cells, const struct part *part, const char *value)
{
    char number[24];

    if (part->op == PARAM_LENGTH) {
        snprintf(number, sizeof(number), "%zu",
                 is_list_param(part) ? shell.frame->count : strlen(value));
        put_text(cells, number, part->quoted ? CELL_QUOTED : CELL_RESULT);
        return true;
    }
    if (part->op >= PARAM_PREFIX)
        return expand_trimmed(cells, part, value);
    if (is_list_param(part))
        expand_params(cells, part);
    else
        put_text(cells, value, part->quoted ? CELL_QUOTED : CELL_RESULT);
    return true;
}

/* The word in ${name-word} and ${name+word}. */
static bool expand_alternative(struct cells *cells, const struct part *part)
{
    if (part->quoted && !part->arg->parts)
        put_cell(cells, 0, CELL_EXISTS);
    return expand_parts(cells, part->arg, !part->quoted);
}

static bool expand_param(struct cells *cells, const struct part *part)
{
    bool list = is_list_param(part);
    const char *value;
    bool have;

    if (list && part->op >= PARAM_PREFIX) {
        shell_abort("%s: cannot be trimmed", part->text);
        return false;
    }
    value = list ? (shell.frame->count ? shell.frame->params[0] : NULL)
                 : param_value(shell.stack, part->text);
    have = value && !(part->colon && !value[0] && (!list || shell.frame->count == 1));
    switch (part->op) {
    case PARAM_DEFAULT:
        return have ? put_value(cells, part, value) : expand_alternative(cells, part);
    case PARAM_ASSIGN:
        return have ? put_value(cells, part, value) : assign_default(cells, part);
    case PARAM_ERROR:
        return have ? put_value(cells, part, value) : report_unset(part);
    case PARAM_REPLACE:
        if (have)
            return expand_alternative(cells, part);
        break;
    default:
        if (!value && shell.opt_nounset && !list)
            return report_unset(part);
        if (value || list || part->op == PARAM_LENGTH)
            return put_value(cells, part, value ? value : "");
    }
    if (part->quoted)
        put_cell(cells, 0, CELL_EXISTS);
    return true;
}

/* --------------------------------------------------------------------- parts */

static bool expand_arith(struct cells *cells, const struct part *part)
{
    const char *text = expand_string(part->arg);
    char number[24];
    long value;

    if (!text || !arith_evaluate(text, &value))
        return false;
    snprintf(number, sizeof(number), "%ld", value);
    put_text(cells, number, part->quoted ? CELL_QUOTED : CELL_RESULT);
    return true;
}

/* result: plain text counts as an expansion's result (it is inside ${...}). */
static bool expand_parts(struct cells *cells, const struct word *word, bool result)
{
    for (const struct part *part = word->parts; part; part = part->next) {
        enum cell kind = part->quoted ? CELL_QUOTED : CELL_RESULT;
        const char *text;

        switch (part->kind) {
        case PART_TEXT:
            put_text(cells, part->text, part->quoted || result ? kind : CELL_PLAIN);
            break;
        case PART_TILDE:
            text = var_get("HOME");
            put_text(cells, text ? text : "~", CELL_QUOTED);
            break;
        case PART_PARAM:
            if (!expand_param(cells, part))
                return false;
            break;
        case PART_ARITH:
            if (!expand_arith(cells, part))
                return false;
            break;
        case PART_COMMAND:
            text = expand_command(part->command);
            if (!text)
                return false;
            put_text(cells, text, kind);
            break;
        }
    }
    return true;
}

/* ------------------------------------------------------ from cells to strings */

/* One field being gathered: as it is, and as a pattern. */
struct field {
    struct strbuf pattern;
    bool exists;  /* it has a byte, or something quoted */
    bool pending; /* it was ended by white space: a following delimiter that is
                     not white space belongs to that end */
};

static void add_byte(struct strbuf *pattern, char byte, char kind)
{
    if (kind == CELL_QUOTED && strchr("\\*?[]-!^", byte))
        strbuf_put(pattern, '\\');
    else if (byte == '\\')
        strbuf_put(pattern, '\\'); /* a result's own backslash is no quote */
    strbuf_put(pattern, byte);
}

static void end_field(struct field *field, struct strlist *list)
{
    const char *pattern;

    if (!field->exists)
        return;
    pattern = strbuf_text(&field->pattern);
    if (shell.opt_noglob || !glob_expand(pattern, list))
        strlist_add(list, glob_unquote(shell.stack, pattern));
    strbuf_init(&field->pattern, shell.stack);
    field->exists = false;
    field->pending = false;
}

/* A byte of IFS in a result. White space ends a field that exists; any other
 * byte ends one in any case. */
static void split_at(struct field *field, struct strlist *list, char byte)
{
    bool space = byte == ' ' || byte == '\t' || byte == '\n';
    bool existed = field->exists;

    if (space) {
        end_field(field, list);
        field->pending = field->pending || existed;
    } else if (field->pending) {
        field->pending = false;
    } else {
        field->exists = true;
        end_field(field, list);
    }
}

bool expand_fields(const struct word *word, struct strlist *list)
{
    const char *ifs = var_get("IFS");
    struct field field = {.exists = false};
    struct cells cells;

    cells_init(&cells);
    if (!expand_parts(&cells, word, false))
        return false;
    if (!ifs)
        ifs = " \t\n";
    strbuf_init(&field.pattern, shell.stack);
    for (size_t i = 0; i < cells.bytes.length; i++) {
        char byte = cells.bytes.data[i];
        char kind = cells.kinds.data[i];

        if (kind == CELL_EXISTS) {
            field.exists = true;
        } else if (kind == CELL_BREAK) {
            end_field(&field, list);
            field.pending = false;
        } else if (kind == CELL_RESULT && strchr(ifs, byte)) {
            split_at(&field, list, byte);
        } else {
            field.exists = true;
            add_byte(&field.pattern, byte, kind);
        }
    }
    end_field(&field, list);
    return true;
}

static char *expand_joined(const struct word *word, bool pattern)
{
    struct cells cells;
    struct strbuf text;

    cells_init(&cells);
    if (!expand_parts(&cells, word, false))
        return NULL;
    strbuf_init(&text, shell.stack);
    for (size_t i = 0; i < cells.bytes.length; i++) {
        char byte = cells.bytes.data[i];
        char kind = cells.kinds.data[i];

        if (kind == CELL_EXISTS)
            continue;
        if (pattern && kind == CELL_QUOTED)
            add_byte(&text, byte, kind);
        else
            strbuf_put(&text, byte);
    }
    return strbuf_text(&text);
}

char *expand_string(const struct word *word)
{
    return expand_joined(word, false);
}

char *expand_pattern(const struct word *word)
{
    return expand_joined(word, true);
}
