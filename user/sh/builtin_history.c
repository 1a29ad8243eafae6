/*
 * history [-c] [N]: the lines typed before, the last N or all. See builtin.h.
 */
#include <stdio.h>
#include <string.h>

#include "user/sh/builtin.h"
#include "user/sh/history.h"
#include "user/sh/output.h"
#include "user/sh/shell.h"

int builtin_history(int argc, char **argv)
{
    size_t count = history_count(), shown = count;

    if (argc == 2 && !strcmp(argv[1], "-c")) {
        history_forget();
        return 0;
    }
    if (argc > 2 || (argc == 2 && shell_number(argv[1]) < 0)) {
        shell_error("history: usage: history [-c] [NUMBER OF LINES]");
        return 2;
    }
    if (argc == 2 && (size_t)shell_number(argv[1]) < count)
        shown = (size_t)shell_number(argv[1]);
    for (size_t i = count - shown; i < count; i++) {
        char number[32];

        snprintf(number, sizeof(number), "%5zu  ", history_number(i));
        output_text(number);
        output_text(history_line(i));
        output_text("\n");
    }
    return 0;
}
