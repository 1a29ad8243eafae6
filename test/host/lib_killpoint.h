/*
 * For host tests of a server: it has no kill points, since user/lib/killpoint.c is not there.
 */
#ifndef TEST_HOST_LIB_KILLPOINT_H
#define TEST_HOST_LIB_KILLPOINT_H

#include "user/include/killpoint.h"

struct kill_page *kill_page;

bool kill_point_set(struct kill_page *page, struct message *m, struct ipc_ext *ext)
{
    (void)page;
    (void)m;
    (void)ext;
    return false;
}

#endif
