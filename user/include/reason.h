/* Why a call failed, for people: what strerror says, and for what is used up where to look. */
#ifndef REASON_H
#define REASON_H

#include <errno.h>
#include <string.h>

static inline const char *reason(int error)
{
    switch (error) {
    case ENOSPC:
        return "No space left on device (df and du show what takes it)";
    case ENOMEM:
        return "Not enough memory (free and ps show what takes it)";
    default:
        return strerror(error);
    }
}

#endif
