/*
 * A thread's control block, and where it lies.
 *
 *      low                                                     high
 *      guard page | stack ... | struct thread | thread-local block
 *                             ^ sp at start   ^ tp
 *
 * tp points to the thread-local block, as the RISC-V ABI wants it, and the
 * control block ends where that begins, so that neither needs a pointer to the
 * other. The main thread's are at the top of the process's first stack.
 */
#ifndef LIB_THREAD_H
#define LIB_THREAD_H

#define THREAD_STRUCT_SIZE 96 /* room below tp for struct thread */

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <sys/types.h>

/*
 * Life of a thread: JOINABLE or DETACHED from the start; detach moves JOINABLE
 * to DETACHED. At its end a thread swaps in EXITED: one that was JOINABLE
 * leaves its memory to whoever joins or detaches it, one that was DETACHED
 * unmaps itself.
 */
enum thread_state {
    THREAD_JOINABLE,
    THREAD_DETACHED,
    THREAD_EXITED,
};

struct thread_value;

struct thread {
    unsigned alive; /* 1; the kernel stores 0 when the thread has left its stack */
    unsigned state; /* enum thread_state, atomic */
    void *(*fn)(void *);
    void *arg;
    void *result;
    char *map; /* what to unmap; 0 for the main thread */
    size_t map_len;
    struct thread_value *values; /* of keys, allocated when first set */
};

_Static_assert(sizeof(struct thread) <= THREAD_STRUCT_SIZE, "thread block outgrew its room");

static inline struct thread *thread_self(void)
{
    char *tp;

    __asm__("mv %0, tp" : "=r"(tp));
    return (struct thread *)(tp - THREAD_STRUCT_SIZE);
}

/* In crt0.S: a thread's first instruction; goes on in thread_start. */
void thread_entry(void *self);
void thread_start(struct thread *self) __attribute__((noreturn));

/* Threads that have not ended; the last one to end ends the process. */
extern unsigned thread_live;

/* True from the first pthread_create on, for good. Locks cost nothing before. */
extern int thread_many;

/* Fill a thread-local block at tp from the program's template. */
void thread_init_tls(char *tp);

/* Bytes and alignment (at least 16) of a thread-local block. */
size_t thread_tls_size(void);
size_t thread_tls_align(void);

#endif
#endif
