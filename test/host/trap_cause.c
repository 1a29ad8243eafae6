/*
 * trap/cause.c: every cause of the privileged specification's table has words of its own, and what
 * is reserved has others; interrupts are told from exceptions of the same number.
 * host-test: trap/cause.c
 */
#include <string.h>

#include "test/host/lib_check.h"
#include "trap/csr.h"
#include "trap/trap.h"

static const unsigned exceptions[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 15};
static const unsigned interrupts[] = {1, 5, 9};

static bool is_in(const unsigned *set, unsigned n, uint64_t code)
{
    for (unsigned i = 0; i < n; i++)
        if (set[i] == code)
            return true;
    return false;
}

/* The words of all codes from 0 to 70, each its own unless it is not in the set. */
static void check_words(uint64_t high, const unsigned *set, unsigned n)
{
    for (uint64_t code = 0; code < 70; code++) {
        const char *words = cause_name(high | code);
        CHECK((strcmp(words, "reserved cause") != 0) == is_in(set, n, code));
        for (unsigned i = 0; i < n; i++)
            CHECK(set[i] == code || strcmp(words, cause_name(high | set[i])) != 0);
    }
}

int main(void)
{
    check_plan(3);
    check_words(0, exceptions, sizeof exceptions / sizeof exceptions[0]);
    check_end("exceptions have their names");
    check_words(SCAUSE_INTERRUPT, interrupts, sizeof interrupts / sizeof interrupts[0]);
    check_end("interrupts have their names");
    CHECK(strcmp(cause_name(SCAUSE_INTERRUPT | INTERRUPT_TIMER), "timer interrupt") == 0);
    CHECK(strcmp(cause_name(CAUSE_LOAD_ACCESS), "load access fault") == 0);
    CHECK(strcmp(cause_name(~0ul), "reserved cause") == 0);
    check_end("the same number means one or the other");
    return check_exit();
}
