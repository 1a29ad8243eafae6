/*
 * Here-documents: the bodies are read when the line that names them ends.
 */
#include <string.h>

#include "user/sh/lex.h"
#include "user/sh/shell.h"

/* The delimiter is taken as written, quotes removed and nothing expanded. */
void lex_add_heredoc(struct lexer *lx, struct redirect *redirect, const struct word *delimiter,
                     bool strip_tabs)
{
    struct heredoc *doc = arena_zalloc(lx->arena, sizeof(*doc));
    struct strbuf text;

    strbuf_init(&text, lx->arena);
    for (const struct part *part = delimiter->parts; part; part = part->next) {
        if (part->quoted && part->kind == PART_TEXT)
            doc->quoted = true;
        if (part->kind == PART_TEXT) {
            strbuf_adds(&text, part->text);
        } else if (part->kind == PART_TILDE) {
            strbuf_put(&text, '~');
        } else {
            lex_error(lx, "a here-document's delimiter cannot be an expansion");
            return;
        }
    }
    doc->redirect = redirect;
    doc->delimiter = strbuf_text(&text);
    doc->strip_tabs = strip_tabs;
    *lx->heredocs_end = doc;
    lx->heredocs_end = &doc->next;
}

/* Read one line into text, its newline included. In a document that is
 * expanded, a line that ends in an odd number of backslashes goes on. */
static bool read_line(struct lexer *lx, const struct heredoc *doc, struct strbuf *text)
{
    bool any = false, escaped = false;
    int c;

    while ((c = lex_raw(lx)) >= 0) {
        any = true;
        strbuf_put(text, (char)c);
        if (c == '\n' && escaped)
            text->length -= 2;
        else if (c == '\n')
            break;
        escaped = c == '\\' && !escaped && !doc->quoted;
    }
    return any;
}

static void strip_leading_tabs(struct strbuf *text, size_t start)
{
    size_t tabs = 0;

    while (start + tabs < text->length && text->data[start + tabs] == '\t')
        tabs++;
    memmove(text->data + start, text->data + start + tabs, text->length - start - tabs);
    text->length -= tabs;
}

static struct word *literal_word(struct lexer *lx, struct strbuf *text)
{
    struct word *word = arena_zalloc(lx->arena, sizeof(*word));
    struct part *part = arena_zalloc(lx->arena, sizeof(*part));

    part->kind = PART_TEXT;
    part->quoted = true;
    part->text = strbuf_text(text);
    word->parts = part;
    return word;
}

static void read_body(struct lexer *lx, const struct heredoc *doc)
{
    size_t delimiter_length = strlen(doc->delimiter);
    struct strbuf text;

    strbuf_init(&text, lx->arena);
    for (;;) {
        size_t start = text.length;
        size_t length;

        if (!read_line(lx, doc, &text))
            break; /* the end of the input ends the document too */
        if (doc->strip_tabs)
            strip_leading_tabs(&text, start);
        length = text.length - start;
        if (length && text.data[text.length - 1] == '\n')
            length--;
        if (length == delimiter_length && !memcmp(text.data + start, doc->delimiter, length)) {
            text.length = start;
            break;
        }
    }
    if (doc->quoted)
        doc->redirect->target = literal_word(lx, &text);
    else
        doc->redirect->target = lex_document(lx, strbuf_text(&text), text.length);
}

void lex_read_heredocs(struct lexer *lx)
{
    while (lx->heredocs && !lx->failed) {
        struct heredoc *doc = lx->heredocs;

        lx->heredocs = doc->next;
        if (!lx->heredocs)
            lx->heredocs_end = &lx->heredocs;
        read_body(lx, doc);
    }
}
