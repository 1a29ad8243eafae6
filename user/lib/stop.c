/* Stopping every program; the contract is in user/include/stop.h. */
#include "user/include/stop.h"
#include <errno.h>
#include "user/include/banyan.h"

#define ROOM  64      /* processes looked at at a time */
#define PAUSE 1000000 /* ns between two looks */
#define LOOKS 5000

/* Kills those that may go. How many there were, or a negated errno. */
static int kill_all(void)
{
    static struct abi_process list[ROOM];
    long n = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)list, ROOM, 0);
    int alive = 0;

    for (long i = 0; i < n && i < ROOM; i++) {
        const struct abi_process *p = &list[i];

        if (p->pid == sys_getpid() || p->flags & PROCESS_WIRED || p->state == 'Z')
            continue;
        sys_kill(H_SYSTEM, p->pid, ABI_SIGKILL);
        alive++;
    }
    return n < 0 ? (int)n : alive + (n > ROOM ? (int)(n - ROOM) : 0);
}

int stop_programs(void)
{
    for (int i = 0; i < LOOKS; i++) {
        int alive = kill_all();

        if (alive <= 0)
            return alive;
        sys_sleep(PAUSE);
    }
    return -ETIMEDOUT;
}
