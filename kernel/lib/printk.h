/*
 * The kernel log: a ring of bytes in memory, and the console it goes to.
 *
 * Until a terminal server takes the log over (SYSTEM_LOG_PORT), each line also
 * goes to the SBI console; afterwards the server is told that the log grew and
 * prints it. panic() always speaks through SBI.
 */
#ifndef KERNEL_LIB_PRINTK_H
#define KERNEL_LIB_PRINTK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends a line to the log. Callable anywhere, any lock held; never sleeps. */
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints the message and a backtrace of every kind we have, stops the machine. */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#define assert(cond)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            panic("assertion failed: %s at %s:%d", #cond, __FILE__, __LINE__);                     \
    } while (0)

/* Adds raw bytes to the log (SYSTEM_LOG_WRITE). */
void log_write(const char *buf, size_t n);
/* Copies at most n bytes from position *pos on, and moves it past them. If the
 * ring has overwritten that position, it first moves up to the oldest byte. */
size_t log_read(char *buf, size_t n, uint64_t *pos);
/* The log's reader says that what is before pos need not be printed again. */
void log_was_printed(uint64_t pos);

/* Where log bytes go besides the ring. */
struct log_sink {
    void (*console)(const char *buf, size_t n); /* SBI; NULL = none */
    void (*grown)(void); /* tells the terminal server; NULL = console is used */
    void (*halt)(void);  /* last act of panic */
    void (*backtrace)(void);
    bool marked; /* frame each line with 0x1e for a reading program */
};
extern struct log_sink log_sink;

/* From now on grown() is called instead of console(); the position from which
 * the new reader must print, that is from where log_was_printed() has come. */
uint64_t log_take_over(void (*grown)(void));
/* Back to the SBI console, which gets what was not printed. */
void log_give_back(void);

#endif
