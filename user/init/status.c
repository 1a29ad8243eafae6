/* Wait statuses in words. */
#include "user/init/init.h"
#include <string.h>

static const char *signal_words(int signal)
{
    switch (signal) {
    case ABI_SIGSEGV:
        return "bad memory access";
    case ABI_SIGBUS:
        return "memory that could not be supplied";
    case ABI_SIGILL:
        return "illegal instruction";
    case ABI_SIGTRAP:
        return "breakpoint";
    case ABI_SIGFPE:
        return "arithmetic error";
    case ABI_SIGABRT:
        return "it gave up";
    case ABI_SIGKILL:
        return "killed";
    case ABI_SIGINT:
        return "interrupted";
    case ABI_SIGTERM:
        return "terminated";
    default:
        return "another cause";
    }
}

static char *put_number(char *at, unsigned value)
{
    if (value >= 10)
        at = put_number(at, value / 10);
    *at++ = (char)('0' + value % 10);
    *at = '\0';
    return at;
}

const char *status_words(int status)
{
    static char words[80];
    int signal = status & 0x7f;

    if (signal) {
        strcpy(words, "signal ");
        put_number(words + strlen(words), (unsigned)signal);
        strcat(words, ", ");
        strcat(words, signal_words(signal));
    } else {
        strcpy(words, "exit status ");
        put_number(words + strlen(words), (unsigned)status >> 8 & 0xff);
    }
    return words;
}
