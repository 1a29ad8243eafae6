/*
 * Guest tests in KTAP, in one header.
 *
 *      int main(void)
 *      {
 *          ktap_plan(2);
 *          ledger_begin();
 *          ok(work() == 0, "work does its work");
 *          ledger_end_ok("work gives back what it took");
 *          return ktap_done();
 *      }
 *
 * Each line is written out at once, so that a test that dies or hangs has said
 * how far it got, and so that a forked child has nothing of its parent's left to
 * print. Only the process that planned may print results. Under a grader each
 * plan and each result bears a seal (ktap_seal.h).
 */
#ifndef KTAP_H
#define KTAP_H

#include <banyan.h>
#include <ktap_seal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KTAP_UNUSED __attribute__((unused))

KTAP_UNUSED static int ktap_planned, ktap_count, ktap_failed;

/* The line under way, behind room for ktap_seal. */
KTAP_UNUSED static struct {
    uint8_t room[8];
    char text[1016];
} ktap_buffer;
KTAP_UNUSED static int ktap_length;

/* More text for the line, as far as there is room. */
KTAP_UNUSED static void ktap_add(const char *fmt, va_list ap)
{
    int room = (int)sizeof(ktap_buffer.text) - ktap_length;
    int n = vsnprintf(ktap_buffer.text + ktap_length, (size_t)room, fmt, ap);

    ktap_length += n < room ? n : room - 1;
}

KTAP_UNUSED __attribute__((format(printf, 1, 2))) static void ktap_addf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    ktap_add(fmt, ap);
    va_end(ap);
}

/* Print the line, sealed if the grader gave a key, and begin the next. */
KTAP_UNUSED static void ktap_end_line(void)
{
    uint64_t seal;

    if (ktap_seal(ktap_buffer.room, (size_t)ktap_length, &seal))
        printf("%s {%016lx}\n", ktap_buffer.text, (unsigned long)seal);
    else
        printf("%s\n", ktap_buffer.text);
    fflush(stdout);
    ktap_length = 0;
}

/* The first thing a test does: it will give n results. */
KTAP_UNUSED static void ktap_plan(int n)
{
    ktap_planned = n;
    printf("KTAP version 1\n");
    ktap_addf("1..%d", n);
    ktap_end_line();
}

KTAP_UNUSED static void ktap_line(const char *verdict, const char *fmt, va_list ap,
                                  const char *directive)
{
    ktap_addf("%s %d ", verdict, ++ktap_count);
    ktap_add(fmt, ap);
    ktap_addf("%s", directive);
    ktap_end_line();
}

/* One result. Returns what it was given, for `if (!ok(...)) return ktap_done();`. */
KTAP_UNUSED __attribute__((format(printf, 2, 3))) static int ok(int condition, const char *fmt, ...)
{
    va_list ap;

    if (!condition)
        ktap_failed++;
    va_start(ap, fmt);
    ktap_line(condition ? "ok" : "not ok", fmt, ap, "");
    va_end(ap);
    return condition;
}

/* A result that could not be had here; say why in the text. */
KTAP_UNUSED __attribute__((format(printf, 1, 2))) static void skip(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    ktap_line("ok", fmt, ap, " # SKIP");
    va_end(ap);
}

/* A remark. */
KTAP_UNUSED __attribute__((format(printf, 1, 2))) static void diag(const char *fmt, ...)
{
    va_list ap;

    printf("# ");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
}

/* ok(), and if it fails a remark with both values. */
KTAP_UNUSED static int ok_equal(long got, long want, const char *name)
{
    if (!ok(got == want, "%s", name))
        diag("got %ld (0x%lx), want %ld (0x%lx)", got, got, want, want);
    return got == want;
}

/* The status to leave main with: 0 if all that was planned came, and was ok. */
KTAP_UNUSED static int ktap_done(void)
{
    if (ktap_count != ktap_planned)
        diag("planned %d results, gave %d", ktap_planned, ktap_count);
    if (ktap_failed)
        diag("%d of %d failed", ktap_failed, ktap_count);
    return ktap_count != ktap_planned || ktap_failed ? 1 : 0;
}

/* Run fn in a child, which exits with what it returns. Returns the wait status,
 * or -1 if there is no child to be had. */
KTAP_UNUSED static int ktap_in_child(int (*fn)(void *arg), void *arg)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(fn(arg));
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

/* ------------------------------------------------------------- the ledger */

/*
 * The frame ledger before and after, class by class. What a test still holds at
 * the end it must have held at the beginning: let it run its body once before
 * ledger_begin if that makes lasting things (a heap, a server's own tables).
 */
KTAP_UNUSED static struct abi_memory ledger_before;
KTAP_UNUSED static int ledger_known;

KTAP_UNUSED static const char *const ledger_names[FRAME_CLASSES] = {
    [FRAME_FREE] = "free",       [FRAME_KERNEL] = "kernel", [FRAME_TABLE] = "table",
    [FRAME_KMALLOC] = "kmalloc", [FRAME_KSTACK] = "kstack", [FRAME_DMA] = "dma",
    [FRAME_ANON] = "anon",       [FRAME_OBJECT] = "object",
};

/* Takes what a process alone holds out of the ledger, as if it were free. */
KTAP_UNUSED static void ledger_set_aside(struct abi_memory *memory, int pid)
{
    struct abi_own own;

    if (sys_system(H_SYSTEM, SYSTEM_OWN, pid, (long)&own, 0) < 0)
        return;
    for (int i = 0; i < FRAME_CLASSES; i++) {
        memory->count[i] -= own.count[i];
        memory->count[FRAME_FREE] += own.count[i];
    }
}

/* The servers, the shell and the test itself may touch memory of theirs for the
 * first time in the course of a test: that is theirs, and no leak. What a process
 * younger than the test holds is not set aside. */
KTAP_UNUSED static void ledger_set_aside_lasting(struct abi_memory *memory)
{
    static struct abi_process list[64];
    long n = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)list, 64, 0);

    for (long i = 0; i < n && i < 64; i++)
        if (list[i].flags & PROCESS_WIRED || list[i].pid <= sys_getpid())
            ledger_set_aside(memory, list[i].pid);
}

/* The ledger with every page cleaned and every clean cached page dropped. */
KTAP_UNUSED static long ledger_read(struct abi_memory *memory)
{
    long err;

    sys_sync();
    err = sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
    if (err >= 0)
        err = sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)memory, 0, 0);
    if (err >= 0)
        ledger_set_aside_lasting(memory);
    return err;
}

/* Take the stack and the buffers that the reports below will use, now: pages
 * that a first printf touches are not a leak. */
KTAP_UNUSED __attribute__((noinline)) static void ledger_touch_stack(void)
{
    volatile char room[32768];

    for (unsigned i = 0; i < sizeof(room); i += 1024)
        room[i] = 1;
}

/* What a trial run started may still be on its way out, orphans too: wait, two
 * seconds at most, until no process is younger than we are. */
KTAP_UNUSED static void ledger_await_the_end_of_others(void)
{
    static struct abi_process list[64];

    for (int tries = 0; tries < 100; tries++) {
        long n = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)list, 64, 0);
        int younger = 0;

        for (long i = 0; i < n && i < 64; i++)
            younger += !(list[i].flags & PROCESS_WIRED) && list[i].pid > sys_getpid();
        if (!younger)
            return;
        sys_sleep(20000000);
    }
}

KTAP_UNUSED static void ledger_begin(void)
{
    long err;

    ledger_touch_stack();
    fflush(stdout);
    ledger_await_the_end_of_others();
    ledger_read(&ledger_before); /* touches what reading needs: that is in the second */
    err = ledger_read(&ledger_before);
    ledger_known = err >= 0;
    if (!ledger_known)
        diag("ledger: %s", strerror((int)-err));
}

/*
 * kmalloc's frames are slabs, and which are partly used depends on the order in
 * which objects came and went: the index of a file's pages, dropped in a shortage
 * and made anew, may end in a slab of its own. So frames of kmalloc's count as
 * more only if its bytes are more; fewer are none lost.
 */
KTAP_UNUSED static void ledger_even_out_slabs(struct abi_memory *after)
{
    unsigned long before = ledger_before.count[FRAME_KMALLOC];
    unsigned long now = after->count[FRAME_KMALLOC];

    if (now > before && after->kmalloc_bytes > ledger_before.kmalloc_bytes)
        return;
    after->count[FRAME_KMALLOC] = before;
    after->count[FRAME_FREE] += now - before;
}

KTAP_UNUSED static int ledger_same(const struct abi_memory *a, const struct abi_memory *b)
{
    return a->total == b->total && memcmp(a->count, b->count, sizeof(a->count)) == 0;
}

KTAP_UNUSED static void ledger_report(const struct abi_memory *after)
{
    unsigned long sum = 0;

    for (int i = 0; i < FRAME_CLASSES; i++) {
        long change = (long)(after->count[i] - ledger_before.count[i]);
        sum += after->count[i];
        if (change)
            diag("ledger: %-7s %6lu before, %6lu after, %+ld", ledger_names[i],
                 ledger_before.count[i], after->count[i], change);
    }
    if (after->kmalloc_bytes != ledger_before.kmalloc_bytes)
        diag("ledger: kmalloc gave out %lu bytes before, %lu after", ledger_before.kmalloc_bytes,
             after->kmalloc_bytes);
    if (sum != after->total || after->total != ledger_before.total)
        diag("ledger: classes add up to %lu of %lu frames (%lu before)", sum, after->total,
             ledger_before.total);
}

/*
 * One result: each class has the frames it had at ledger_begin. What the dead
 * leave is swept up a moment after they are waited for, and the file system has a
 * timer for five seconds after a change (some bytes of kmalloc's, seldom a slab
 * of its own), so a difference is looked at again for up to seven seconds.
 */
KTAP_UNUSED static int ledger_end_ok(const char *name)
{
    struct abi_memory after;
    long err = -1;

    if (!ledger_known)
        return ok(0, "%s: the ledger cannot be read", name);
    for (int tries = 0; tries < 140; tries++) {
        if (tries > 0)
            sys_sleep(50000000);
        err = ledger_read(&after);
        if (err >= 0)
            ledger_even_out_slabs(&after);
        if (err < 0 || ledger_same(&ledger_before, &after))
            break;
    }
    if (err < 0)
        return ok(0, "%s: the ledger cannot be read: %s", name, strerror((int)-err));
    if (!ok(ledger_same(&ledger_before, &after), "%s", name)) {
        ledger_report(&after);
        return 0;
    }
    return 1;
}

#endif
