/*
 * What the host tests of kernel/lib share: checks, KTAP, a seeded generator.
 *
 * main prints the plan with check_plan, then runs each test and names it with
 * check_end, and returns check_exit().
 */
#ifndef TEST_HOST_LIB_CHECK_H
#define TEST_HOST_LIB_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static unsigned check_count, check_planned, check_failures;
static bool check_failing; /* a check of the test under way failed */

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);                               \
            check_failing = true;                                                                  \
        }                                                                                          \
    } while (0)

static inline void check_plan(unsigned tests)
{
    printf("KTAP version 1\n1..%u\n", tests);
    check_planned = tests;
}

static inline void check_end(const char *name)
{
    printf("%sok %u %s\n", check_failing ? "not " : "", ++check_count, name);
    check_failures += check_failing;
    check_failing = false;
}

static inline int check_exit(void)
{
    return check_failures == 0 && check_count == check_planned ? 0 : 1;
}

/* xorshift: the same numbers on every run. The state is never 0. */
static inline uint64_t check_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
