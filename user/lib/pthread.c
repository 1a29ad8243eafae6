/*
 * Threads: making, ending, joining, and the data that is each one's own.
 */
#include "user/lib/glue.h"
#include "user/lib/lock.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define STACK_SIZE (256 * 1024) /* where attributes say nothing; pages come as used */

/* ------------------------------------------------------------ specific data */

struct key {
    unsigned generation; /* odd while in use, so that a reused key starts empty */
    void (*destructor)(void *);
};

struct thread_value {
    unsigned generation;
    void *value;
};

static struct key pthread_keys[PTHREAD_KEYS_MAX];

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    for (unsigned i = 0; i < PTHREAD_KEYS_MAX; i++) {
        unsigned generation = __atomic_load_n(&pthread_keys[i].generation, __ATOMIC_RELAXED);
        if ((generation & 1) == 0 &&
            __atomic_compare_exchange_n(&pthread_keys[i].generation, &generation, generation + 1, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            pthread_keys[i].destructor = destructor;
            *key = i;
            return 0;
        }
    }
    return EAGAIN;
}

int pthread_key_delete(pthread_key_t key)
{
    unsigned generation;

    if (key >= PTHREAD_KEYS_MAX)
        return EINVAL;
    generation = __atomic_load_n(&pthread_keys[key].generation, __ATOMIC_RELAXED);
    if ((generation & 1) == 0)
        return EINVAL;
    pthread_keys[key].destructor = 0;
    __atomic_store_n(&pthread_keys[key].generation, generation + 1, __ATOMIC_RELEASE);
    return 0;
}

void *pthread_getspecific(pthread_key_t key)
{
    struct thread_value *values = thread_self()->values;

    if (key >= PTHREAD_KEYS_MAX || !values ||
        values[key].generation != pthread_keys[key].generation)
        return 0;
    return values[key].value;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    struct thread *self = thread_self();

    if (key >= PTHREAD_KEYS_MAX || (pthread_keys[key].generation & 1) == 0)
        return EINVAL;
    if (!self->values) {
        self->values = calloc(PTHREAD_KEYS_MAX, sizeof(*self->values));
        if (!self->values)
            return ENOMEM;
    }
    self->values[key].generation = pthread_keys[key].generation;
    self->values[key].value = (void *)value;
    return 0;
}

/* A destructor may set values again; it is given a few rounds to have done. */
static void pthread_run_destructors(struct thread *self)
{
    int again = self->values != 0;

    for (int round = 0; again && round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
        again = 0;
        for (unsigned i = 0; i < PTHREAD_KEYS_MAX; i++) {
            void *value = pthread_getspecific(i);
            void (*destructor)(void *) = pthread_keys[i].destructor;
            self->values[i].value = 0;
            if (value && destructor) {
                destructor(value);
                again = 1;
            }
        }
    }
    free(self->values);
    self->values = 0;
}

/* ------------------------------------------------------------------- ending */

/* Where the kernel stores the 0 of a thread that nobody will join. */
static unsigned pthread_nobody;

/*
 * Unmap the stack this runs on, and end the thread: from the first call on there
 * is nothing to return to, so both are made without touching memory.
 */
static void pthread_unmap_and_exit(char *map, size_t len) __attribute__((noreturn));
static void pthread_unmap_and_exit(char *map, size_t len)
{
    register long a0 __asm__("a0") = (long)map;
    register long a1 __asm__("a1") = (long)len;
    register long s2 __asm__("s2") = (long)&pthread_nobody;

    __asm__ volatile("li a7, %2\n\t"
                     "ecall\n"
                     "1:\n\t"
                     "mv a0, %3\n\t"
                     "li a7, %4\n\t"
                     "ecall\n\t"
                     "j 1b"
                     : "+r"(a0), "+r"(a1)
                     : "i"(SYS_munmap), "r"(s2), "i"(SYS_thread_exit)
                     : "a7", "memory");
    __builtin_unreachable();
}

void pthread_exit(void *result)
{
    struct thread *self = thread_self();

    pthread_run_destructors(self);
    self->result = result;
    if (__atomic_sub_fetch(&thread_live, 1, __ATOMIC_ACQ_REL) == 0)
        exit(0);
    if (__atomic_exchange_n(&self->state, THREAD_EXITED, __ATOMIC_ACQ_REL) == THREAD_DETACHED &&
        self->map)
        pthread_unmap_and_exit(self->map, self->map_len);
    sys_thread_exit(&self->alive);
}

void thread_start(struct thread *self)
{
    pthread_exit(self->fn(self->arg));
}

/* ------------------------------------------------------------------- making */

/* Map guard, stack, control block and thread-local block: thread.h's picture. */
static struct thread *pthread_map(size_t stack_size, int state)
{
    size_t tls = thread_tls_size(), align = thread_tls_align();
    size_t page = PAGE_SIZE_ABI;
    size_t len;
    char *map, *tp;
    struct thread *thread;

    if (stack_size > ABI_USER_END / 2)
        return 0;
    len = page + stack_size + THREAD_STRUCT_SIZE + tls + align;
    len = (len + page - 1) & ~(page - 1);
    map = mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return 0;
    if (mprotect(map, page, PROT_NONE) < 0) {
        munmap(map, len);
        return 0;
    }
    tp = (char *)(((unsigned long)map + len - tls) & ~(align - 1));
    thread = (struct thread *)(tp - THREAD_STRUCT_SIZE);
    thread_init_tls(tp);
    *thread = (struct thread){.alive = 1, .state = (unsigned)state, .map = map, .map_len = len};
    return thread;
}

int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    int saved = errno;
    struct thread *thread = pthread_map(
        attr ? attr->stack_size : STACK_SIZE,
        attr && attr->detach_state == PTHREAD_CREATE_DETACHED ? THREAD_DETACHED : THREAD_JOINABLE);
    char *map;
    size_t map_len;
    long tid;

    errno = saved;
    if (!thread)
        return EAGAIN;
    thread->fn = fn;
    thread->arg = arg;
    map = thread->map;
    map_len = thread->map_len;
    *out = thread; /* before it runs: a detached one may be gone at once */
    thread_many = 1;
    __atomic_add_fetch(&thread_live, 1, __ATOMIC_ACQ_REL);
    tid = sys_thread_create(thread_entry, (void *)((unsigned long)thread & ~15ul),
                            (char *)thread + THREAD_STRUCT_SIZE, thread);
    if (tid < 0) {
        __atomic_sub_fetch(&thread_live, 1, __ATOMIC_ACQ_REL);
        munmap(map, map_len);
        errno = saved;
        return tid == -ENOMEM ? EAGAIN : (int)-tid;
    }
    return 0;
}

/* The thread has left, or will: wait until its stack is not in use. */
static void pthread_reap(struct thread *thread, void **result)
{
    while (__atomic_load_n(&thread->alive, __ATOMIC_ACQUIRE) != 0)
        sys_futex_wait(&thread->alive, 1, -1);
    if (result)
        *result = thread->result;
    if (thread->map)
        sys_munmap(thread->map, thread->map_len);
}

int pthread_join(pthread_t thread, void **result)
{
    if (thread == thread_self())
        return EDEADLK;
    if (__atomic_load_n(&thread->state, __ATOMIC_ACQUIRE) == THREAD_DETACHED)
        return EINVAL;
    pthread_reap(thread, result);
    return 0;
}

int pthread_detach(pthread_t thread)
{
    unsigned state = THREAD_JOINABLE;

    if (__atomic_compare_exchange_n(&thread->state, &state, THREAD_DETACHED, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return 0;
    if (state == THREAD_DETACHED)
        return EINVAL;
    pthread_reap(thread, 0);
    return 0;
}

pthread_t pthread_self(void)
{
    return thread_self();
}

int pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

int sched_yield(void)
{
    return (int)glue_result(sys_yield());
}

/* --------------------------------------------------------------- attributes */

int pthread_attr_init(pthread_attr_t *attr)
{
    attr->stack_size = STACK_SIZE;
    attr->detach_state = PTHREAD_CREATE_JOINABLE;
    return 0;
}

int pthread_attr_destroy(pthread_attr_t *attr)
{
    (void)attr;
    return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *attr, size_t size)
{
    if (size < PTHREAD_STACK_MIN)
        return EINVAL;
    attr->stack_size = size;
    return 0;
}

int pthread_attr_getstacksize(const pthread_attr_t *attr, size_t *size)
{
    *size = attr->stack_size;
    return 0;
}

int pthread_attr_setdetachstate(pthread_attr_t *attr, int state)
{
    if (state != PTHREAD_CREATE_JOINABLE && state != PTHREAD_CREATE_DETACHED)
        return EINVAL;
    attr->detach_state = state;
    return 0;
}

int pthread_attr_getdetachstate(const pthread_attr_t *attr, int *state)
{
    *state = attr->detach_state;
    return 0;
}
