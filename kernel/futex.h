/* Futexes: waiting on a word of user memory. */
#ifndef KERNEL_FUTEX_H
#define KERNEL_FUTEX_H

#include <stdint.h>

void futex_init(void);
/* Sleeps if the word still holds `expected`. 0 woken; -EAGAIN it does not;
 * -ETIMEDOUT (timeout_ns from now, ~0 = none); -EFAULT; -EINTR. */
int futex_wait(uint64_t word, uint32_t expected, uint64_t timeout_ns);
/* Wakes up to n threads that wait on the word; how many. */
int64_t futex_wake(uint64_t word, uint64_t n);

#endif
