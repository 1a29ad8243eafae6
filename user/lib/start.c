/*
 * From _start to main, and from main's return to the end of the process.
 */
#include "user/lib/glue.h"
#include "user/lib/thread.h"

#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Defined by user.ld; the sizes are values, not places. */
extern char __tdata_start[], __tdata_size[], __tls_size[], __tls_align[];
extern void (*__preinit_array_start[])(void) __attribute__((weak));
extern void (*__preinit_array_end[])(void) __attribute__((weak));
extern void (*__init_array_start[])(void) __attribute__((weak));
extern void (*__init_array_end[])(void) __attribute__((weak));
extern void (*__fini_array_start[])(void) __attribute__((weak));
extern void (*__fini_array_end[])(void) __attribute__((weak));

/* picolibc's list of atexit functions; absent if the program has none. */
void __call_exitprocs(int code, void *unused) __attribute__((weak));

int main(int argc, char **argv, char **envp);
void start_main(unsigned long *args) __attribute__((noreturn));

static unsigned long *start_auxv;

size_t thread_tls_size(void)
{
    return (size_t)__tls_size;
}

size_t thread_tls_align(void)
{
    size_t align = (size_t)__tls_align;

    return align < 16 ? 16 : align;
}

void thread_init_tls(char *tp)
{
    size_t tdata = (size_t)__tdata_size;

    memcpy(tp, __tdata_start, tdata);
    memset(tp + tdata, 0, thread_tls_size() - tdata);
}

static void run_forward(void (**from)(void), void (**to)(void))
{
    for (; from < to; from++)
        (*from)();
}

void start_main(unsigned long *args)
{
    int argc = (int)args[0];
    char **argv = (char **)(args + 1);
    char **envp = argv + argc + 1;
    char **end = envp;
    struct thread *self = thread_self();

    memset(self, 0, sizeof(*self));
    self->alive = 1;
    thread_init_tls((char *)self + THREAD_STRUCT_SIZE);

    while (*end)
        end++;
    start_auxv = (unsigned long *)(end + 1);
    environ = envp;

    run_forward(__preinit_array_start, __preinit_array_end);
    run_forward(__init_array_start, __init_array_end);
    exit(main(argc, argv, environ));
}

void exit(int code)
{
    if (__call_exitprocs)
        __call_exitprocs(code, 0);
    for (void (**fini)(void) = __fini_array_end; fini > __fini_array_start;)
        (*--fini)();
    stream_flush_all();
    _exit(code);
}

void _exit(int code)
{
    sys_exit(code & 0xff);
}

void abort(void)
{
    /* A thread that cannot die of a signal still must not return. */
    sys_kill(H_NONE, (int)sys_getpid(), ABI_SIGABRT);
    sys_exit(127);
}

unsigned long getauxval(unsigned long type)
{
    for (unsigned long *pair = start_auxv; pair[0] != ABI_AT_NULL; pair += 2) {
        if (pair[0] == type)
            return pair[1];
    }
    errno = ENOENT;
    return 0;
}
