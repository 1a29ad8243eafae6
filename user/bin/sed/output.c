/*
 * What sed writes. An error in writing ends it: half a file is no result.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/bin/sed/sed.h"
#include "user/include/reason.h"

static struct out standard = {.path = "standard output"};
struct out *output = &standard;

static struct out **opened;
static size_t opened_count;

void output_begin(void)
{
    standard.file = stdout;
}

static void fail(const struct out *out)
{
    sed_fail("%s: write error: %s", out->path, reason(errno));
}

struct out *output_open(const char *path)
{
    struct out *out;

    if (!strcmp(path, "/dev/stdout"))
        return NULL; /* whatever `output` is when it is written to */
    for (size_t i = 0; i < opened_count; i++)
        if (!strcmp(opened[i]->path, path))
            return opened[i];
    opened = sed_grow(opened, (opened_count + 1) * sizeof(struct out *));
    out = sed_grow(NULL, sizeof(*out));
    *out = (struct out){.path = path, .file = fopen(path, "w")};
    if (!out->file)
        sed_fail("%s: %s", path, reason(errno));
    opened[opened_count++] = out;
    return out;
}

void output_bytes(struct out *out, const char *bytes, size_t length)
{
    if (!out)
        out = output;
    if (out->open_line && length && putc('\n', out->file) == EOF)
        fail(out);
    if (length)
        out->open_line = false;
    if (fwrite(bytes, 1, length, out->file) != length)
        fail(out);
}

void output_line(struct out *out, const struct text *text, bool newline)
{
    if (!out)
        out = output;
    if (out->open_line && putc('\n', out->file) == EOF)
        fail(out);
    out->open_line = !newline;
    if (fwrite(text->bytes, 1, text->length, out->file) != text->length ||
        (newline && putc('\n', out->file) == EOF))
        fail(out);
    if (out != output && fflush(out->file)) /* r may read it in the next line */
        fail(out);
}

void output_visibly(const struct text *text, unsigned long width)
{
    static const char letters[] = "\\\\\aa\bb\ff\nn\rr\tt\vv";
    struct text line = {0};
    size_t used = 0;

    text_clear(&line);
    for (size_t i = 0; i < text->length; i++) {
        unsigned char c = (unsigned char)text->bytes[i];
        char shown[8] = {(char)c, '\0'};

        for (const char *pair = letters; *pair; pair += 2)
            if (c == (unsigned char)*pair)
                snprintf(shown, sizeof(shown), "\\%c", pair[1]);
        if (c < ' ' || c > '~')
            if (shown[0] != '\\')
                snprintf(shown, sizeof(shown), "\\%03o", c);
        if (width > 1 && used + strlen(shown) > width - 1) {
            text_add(&line, "\\\n", 2);
            used = 0;
        }
        text_add(&line, shown, strlen(shown));
        used += strlen(shown);
    }
    text_add_char(&line, '$');
    output_line(output, &line, true);
    free(line.bytes);
}

void output_flush(struct out *out)
{
    if (ferror(out->file) || fflush(out->file))
        fail(out);
}

void output_end(void)
{
    output_flush(&standard);
    for (size_t i = 0; i < opened_count; i++)
        if (fclose(opened[i]->file))
            fail(opened[i]);
}
