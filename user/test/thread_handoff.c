/*
 * A futex word that changes, with its wake-up, just as its waiter lies down: the
 * waiter always gets on.
 *
 * test: points=2 cpus=2..
 */
#include "user/test/proc_util.h"
#include <pthread.h>

#define TURNS   30000
#define DELAY   512          /* turns of an empty loop, at most, before the word changes */
#define TIMEOUT (5 * SECOND) /* a wake-up that has not come by then is lost */

static unsigned word, waiting; /* the turn; and the one that the waiter waits for the end of */
static unsigned lost;

static void *waiter(void *unused)
{
    (void)unused;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        __atomic_store_n(&waiting, turn + 1, __ATOMIC_RELEASE);
        while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == turn)
            if (sys_futex_wait(&word, turn, TIMEOUT) == -ETIMEDOUT)
                lost += __atomic_load_n(&word, __ATOMIC_ACQUIRE) != turn;
        if (lost)
            break;
    }
    __atomic_store_n(&waiting, TURNS + 1, __ATOMIC_RELEASE);
    return 0;
}

static int handed_over(void *unused)
{
    unsigned long random = 0x2545f4914f6cdd1dul;
    pthread_t thread;

    (void)unused;
    CHECK_IS(pthread_create(&thread, 0, waiter, 0), 0);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) <= turn)
            ;
        random = random * 6364136223846793005ul + 1442695040888963407ul;
        for (volatile unsigned long n = (random >> 33) % DELAY; n; n--)
            ;
        __atomic_store_n(&word, turn + 1, __ATOMIC_RELEASE);
        sys_futex_wake(&word, 1);
    }
    CHECK_IS(pthread_join(thread, 0), 0);
    CHECK_IS(lost, 0);
    return 0;
}

static const struct proc_test tests[] = {
    {handed_over, "no wake-up is lost between look and sleep"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
