/* The kernel log; the contract is in printk.h. */
#include "kernel/lib/printk.h"

#include "kernel/lib/format.h"
#include "kernel/lib/lock.h"
#include "kernel/lib/string.h"

#define LOG_SIZE 16384 /* bytes; a power of two */

struct log_sink log_sink;

static struct spinlock log_lock = SPINLOCK_INIT(RANK_LOG);
static char log_ring[LOG_SIZE]; /* (log_lock) */
static uint64_t log_end;        /* (log_lock) bytes ever written */
static uint64_t log_printed;    /* (log_lock) of them, those a terminal server has printed */
static uint32_t panicking;      /* atomic; a word: the A extension has no byte exchange */

static void log_append_locked(const char *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        log_ring[(log_end + i) % LOG_SIZE] = buf[i];
    log_end += n;
}

/* The console takes lines framed when a program reads the serial line. */
static void log_console(const char *buf, size_t n)
{
    if (!log_sink.console)
        return;
    bool marked = log_sink.marked && n && buf[n - 1] == '\n';
    if (marked)
        log_sink.console("\x1e", 1);
    log_sink.console(buf, n);
}

void log_write(const char *buf, size_t n)
{
    spin_lock(&log_lock);
    log_append_locked(buf, n);
    void (*grown)(void) = log_sink.grown;
    if (!grown)
        log_console(buf, n);
    spin_unlock(&log_lock);
    if (grown)
        grown();
}

size_t log_read(char *buf, size_t n, uint64_t *pos)
{
    spin_lock(&log_lock);
    if (*pos > log_end)
        *pos = log_end;
    if (log_end - *pos > LOG_SIZE)
        *pos = log_end - LOG_SIZE;
    size_t have = log_end - *pos;
    if (n > have)
        n = have;
    for (size_t i = 0; i < n; i++)
        buf[i] = log_ring[(*pos + i) % LOG_SIZE];
    *pos += n;
    spin_unlock(&log_lock);
    return n;
}

void log_was_printed(uint64_t pos)
{
    spin_lock(&log_lock);
    if (pos > log_end)
        pos = log_end;
    if (pos > log_printed)
        log_printed = pos;
    spin_unlock(&log_lock);
}

uint64_t log_take_over(void (*grown)(void))
{
    spin_lock(&log_lock);
    if (!log_sink.grown)
        log_printed = log_end;
    log_sink.grown = grown;
    uint64_t pos = log_printed;
    spin_unlock(&log_lock);
    return pos;
}

/* What no terminal server has said that it printed, line by line. At a panic the lock
 * may be held by whom it interrupted: other harts are not waited for. */
static void log_flush_unprinted(void)
{
    char line[256];
    size_t n = 0;
    if (!log_sink.grown)
        return;
    if (log_end - log_printed > LOG_SIZE)
        log_printed = log_end - LOG_SIZE;
    while (log_printed < log_end) {
        line[n++] = log_ring[log_printed++ % LOG_SIZE];
        if (line[n - 1] == '\n' || n == sizeof line) {
            log_console(line, n);
            n = 0;
        }
    }
}

void log_give_back(void)
{
    spin_lock(&log_lock);
    log_flush_unprinted();
    log_sink.grown = NULL;
    spin_unlock(&log_lock);
}

/* One line: prefix, the formatted text cut to fit, a newline. */
static void log_format(const char *prefix, const char *fmt, va_list ap,
                       void (*out)(const char *, size_t))
{
    char line[256];
    size_t len = strlen(prefix);
    memcpy(line, prefix, len);
    size_t room = sizeof line - 1 - len;
    int n = format_v(line + len, room, fmt, ap);
    if (n > 0)
        len += (size_t)n < room ? (size_t)n : room - 1;
    line[len++] = '\n';
    out(line, len);
}

void printk(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_format("", fmt, ap, panicking ? log_console : log_write);
    va_end(ap);
}

void panic(const char *fmt, ...)
{
    /* One hart reports; others that fall meanwhile stay silent. */
    if (__atomic_exchange_n(&panicking, 1u, __ATOMIC_ACQ_REL)) {
        for (;;)
            asm volatile("" ::: "memory");
    }
    log_flush_unprinted();
    va_list ap;
    va_start(ap, fmt);
    log_format("panic: ", fmt, ap, log_console);
    va_end(ap);
    if (log_sink.backtrace)
        log_sink.backtrace();
    if (log_sink.halt)
        log_sink.halt();
    for (;;)
        asm volatile("" ::: "memory");
}
