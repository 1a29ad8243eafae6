/*
 * The output buffer of builtins. See output.h.
 */
#include <string.h>
#include <unistd.h>

#include "user/sh/output.h"
#include "user/sh/shell.h"

static char buffer[2048];
static size_t filled;
static int error; /* of a write made because the buffer was full; 0 = none */

static void write_out(void)
{
    int result = shell_write(STDOUT_FILENO, buffer, filled);

    if (result && !error)
        error = result;
    filled = 0;
}

void output_bytes(const char *bytes, size_t count)
{
    while (count) {
        size_t part = sizeof(buffer) - filled;

        if (part > count)
            part = count;
        memcpy(buffer + filled, bytes, part);
        filled += part;
        bytes += part;
        count -= part;
        if (filled == sizeof(buffer))
            write_out();
    }
}

void output_text(const char *text)
{
    output_bytes(text, strlen(text));
}

bool output_flush(const char *name)
{
    int result;

    if (filled)
        write_out();
    result = error;
    error = 0;
    if (result)
        shell_error("%s: write error: %s", name, reason(-result));
    return !result;
}

void output_discard(void)
{
    filled = 0;
    error = 0;
}
