/*
 * Undefined behaviour (DEBUG=1): what -fsanitize=undefined calls when it meets some. Each
 * is a panic that names the line.
 *
 * The names and what is passed are the compiler's (libubsan of GCC and LLVM): a structure
 * that begins with the place in the source, and operands, which are not looked at.
 */
#include <stdint.h>

#include "kernel/lib/printk.h"

struct place {
    const char *file;
    uint32_t line, column;
};

#define HANDLER(name, words)                                                                       \
    void __ubsan_handle_##name(const struct place *at);                                            \
    void __ubsan_handle_##name(const struct place *at)                                             \
    {                                                                                              \
        panic("%s:%u: undefined: " words, at->file, at->line);                                     \
    }

HANDLER(add_overflow, "a sum is too large")
HANDLER(sub_overflow, "a difference is too large")
HANDLER(mul_overflow, "a product is too large")
HANDLER(negate_overflow, "a negated number is too large")
HANDLER(divrem_overflow, "a division by zero, or one that overflows")
HANDLER(shift_out_of_bounds, "a shift by too much, or of a negative number")
HANDLER(out_of_bounds, "an index outside the array")
HANDLER(pointer_overflow, "a pointer that goes round")
HANDLER(type_mismatch_v1, "an access by NULL, or not aligned, or past the object")
HANDLER(load_invalid_value, "a bool or enum that is none")
HANDLER(invalid_builtin, "a builtin of an argument that it has no result for")
HANDLER(nonnull_arg, "NULL where the function allows none")
HANDLER(vla_bound_not_positive, "an array of no size")
HANDLER(builtin_unreachable, "code that is not to be reached")
