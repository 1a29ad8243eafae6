/* What a word may be: a name, a number; contracts in shell.h. */
#include <limits.h>

#include "user/sh/shell.h"

bool shell_is_name(const char *text, size_t length)
{
    if (!length || (text[0] >= '0' && text[0] <= '9'))
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (c != '_' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return false;
    }
    return true;
}

int shell_number(const char *text)
{
    long number = 0;

    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        number = number * 10 + (*text - '0');
        if (number > INT_MAX)
            return -1;
    }
    return (int)number;
}
