/* Kill points: see user/include/killpoint.h. */
#include "user/include/killpoint.h"
#include <stdbool.h>
#include "user/include/banyan.h"
#include "user/include/grants.h"

struct kill_page *kill_page;

void kill_points_open(void)
{
    long address =
        sys_mmap(0, PAGE_SIZE_ABI, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED, KILL_PAGE, 0);

    if (address > 0)
        kill_page = (struct kill_page *)address;
}

void kill_point_set(struct kill_page *page)
{
    if (__atomic_sub_fetch(&page->countdown, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    page->at = KILL_NOWHERE;
    if (page->action == KILL_DIE)
        sys_kill(H_NONE, (int)sys_getpid(), ABI_SIGKILL);
    while (page->action == KILL_SLEEP)
        sys_sleep(1000000000);
    for (volatile bool for_ever = true; for_ever;)
        ;
}
