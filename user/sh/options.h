/*
 * The options of `set` and of the shell's command line.
 */
#ifndef USER_SH_OPTIONS_H
#define USER_SH_OPTIONS_H

#include <stdbool.h>

struct option_flag {
    char letter;      /* 0: has none */
    const char *name; /* for set -o; NULL ends the table */
    bool *flag;
};

extern const struct option_flag shell_options[];

/* Turn the option of that letter or that name on or off. False: unknown. */
bool option_set_letter(char letter, bool on);
bool option_set_name(const char *name, bool on);

#endif
