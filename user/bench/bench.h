/*
 * Measuring operations. What is counted is the hart's cycle counter, which under QEMU's
 * `-icount shift=0` is one for each instruction, the kernel's and other processes' included:
 * so a bench runs on one hart, with nothing else to do. It goes on while the hart waits, as the
 * time does; that the kernel counts, and it is taken off.
 *
 * With BENCH_MS=N in the environment it is time: a count is a picosecond of the guest's clock, what
 * passes while the hart waits included, and an average is over N milliseconds at least.
 *
 * Each row is a line "bench: NAME VALUE", VALUE in thousandths of a count for one operation.
 * test/bench.py reads them, and has what the rows mean. A kernel that was built to count them
 * (BENCH_COUNTERS) adds "counted: NAME SATP FENCES SPINS", in millionths for one operation.
 */
#ifndef USER_BENCH_H
#define USER_BENCH_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "user/include/banyan.h"

#define BENCH_LEAST bench_least() /* counts that an average is made of */
#define BENCH_PS_S  1000000000000ul
#define BENCH_PS_MS 1000000000ul

/* All must hold, or the figures mean nothing. */
#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            dprintf(2, "%s:%d: %s: errno %d\n", __FILE__, __LINE__, #cond, errno);                 \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Milliseconds that an average is over; 0: counts are not time. */
static inline unsigned long bench_ms(void)
{
    static bool known;
    static unsigned long ms;

    if (!known) {
        const char *text = getenv("BENCH_MS");

        ms = text ? strtoul(text, 0, 10) : 0;
        known = true;
    }
    return ms;
}

static inline unsigned long bench_least(void)
{
    return bench_ms() ? bench_ms() * BENCH_PS_MS : 4000000ul;
}

static inline unsigned long bench_cycle(void)
{
    unsigned long cycle;

    __asm__ volatile("rdcycle %0" : "=r"(cycle)::"memory");
    return cycle;
}

static inline unsigned long bench_ticks(void)
{
    unsigned long ticks;

    __asm__ volatile("rdtime %0" : "=r"(ticks)::"memory");
    return ticks;
}

static inline struct abi_counters bench_counters(void)
{
    struct abi_counters now;

    MUST(sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&now, 0, 0) == 0);
    return now;
}

/* What the kernel counts for benches only; an ordinary one nothing, and then it is false. */
static inline bool bench_events(struct abi_bench *now)
{
    memset(now, 0, sizeof(*now));
    return sys_system(H_SYSTEM, SYSTEM_BENCH, (long)now, 0, 0) == 0;
}

static struct abi_bench bench_seen __attribute__((unused)); /* in the spans of this row */

/* What is between start and stop is measured, these two are not. */
struct bench_span {
    unsigned long clock, idle;
    struct abi_bench events;
};

static inline struct bench_span bench_start(void)
{
    struct bench_span span = {.idle = bench_counters().idle_cycles};

    bench_events(&span.events);
    span.clock = bench_ms() ? bench_ticks() : bench_cycle();
    return span;
}

static inline unsigned long bench_stop(struct bench_span span)
{
    unsigned long counts = (bench_ms() ? bench_ticks() : bench_cycle()) - span.clock;
    struct abi_counters now = bench_counters();
    struct abi_bench events;

    bench_events(&events);
    bench_seen.satp_writes += events.satp_writes - span.events.satp_writes;
    bench_seen.fences += events.fences - span.events.fences;
    bench_seen.spins += events.spins - span.events.spins;
    return bench_ms() ? counts * (BENCH_PS_S / now.timebase)
                      : counts - (now.idle_cycles - span.idle);
}

/* What was seen so far was for warming up. */
static inline void bench_forget(void)
{
    memset(&bench_seen, 0, sizeof(bench_seen));
}

static inline void bench_report(const char *name, unsigned long counts, unsigned long operations)
{
    struct abi_bench events;

    printf("bench: %s %lu\n", name, counts * 1000 / operations);
    if (bench_events(&events))
        printf("counted: %s %lu %lu %lu\n", name, bench_seen.satp_writes * 1000000 / operations,
               bench_seen.fences * 1000000 / operations, bench_seen.spins * 1000000 / operations);
    bench_forget();
}

static unsigned long bench_rounds __attribute__((unused)); /* so far, of all BENCHes */

/* Measures `per` operations, which the statements are, again and again. The rounds that are
 * too short warm up those that count. */
#define BENCH(name, per, ...)                                                                      \
    do {                                                                                           \
        unsigned long counts_ = 0, rounds_ = 2;                                                    \
        for (; counts_ < BENCH_LEAST; rounds_ *= 2) {                                              \
            bench_forget();                                                                        \
            struct bench_span span_ = bench_start();                                               \
            for (unsigned long i_ = 0; i_ < rounds_; i_++) {                                       \
                __VA_ARGS__;                                                                       \
            }                                                                                      \
            counts_ = bench_stop(span_);                                                           \
            bench_rounds += rounds_;                                                               \
        }                                                                                          \
        bench_report(name, counts_, rounds_ / 2 * (per));                                          \
    } while (0)

/* The same with statements before and after that do not count. */
#define BENCH_BETWEEN(name, per, before, after, ...)                                               \
    do {                                                                                           \
        unsigned long counts_ = 0, rounds_ = 0;                                                    \
        for (unsigned warm_ = 0; warm_ < 2 || counts_ < BENCH_LEAST; warm_++) {                    \
            before;                                                                                \
            if (warm_ <= 2)                                                                        \
                bench_forget();                                                                    \
            struct bench_span span_ = bench_start();                                               \
            __VA_ARGS__;                                                                           \
            unsigned long took_ = bench_stop(span_);                                               \
            after;                                                                                 \
            if (warm_ >= 2) {                                                                      \
                counts_ += took_;                                                                  \
                rounds_++;                                                                         \
            }                                                                                      \
        }                                                                                          \
        bench_report(name, counts_, rounds_ *(per));                                               \
    } while (0)

/* A child that runs fn for ever, or until it returns. */
static inline int bench_spawn(void (*fn)(void))
{
    int pid = fork();

    MUST(pid >= 0);
    if (pid == 0) {
        fn();
        _exit(0);
    }
    return pid;
}

/* For bench_spawn. */
static inline void bench_sleep(void)
{
    for (;;)
        sys_sleep(1000000000000ul);
}

static inline void bench_fork_exit_wait(void)
{
    int status, pid = fork();

    if (pid == 0)
        _exit(0);
    MUST(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static inline void bench_end(int pid)
{
    int status;

    MUST(sys_kill(H_NONE, pid, ABI_SIGKILL) == 0);
    MUST(waitpid(pid, &status, 0) == pid);
}

#endif
