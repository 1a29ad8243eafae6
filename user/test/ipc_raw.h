/*
 * A message call with anything in the registers that user/include/banyan.h fills from what it is
 * sure of: for those that try bad ones.
 */
#ifndef IPC_RAW_H
#define IPC_RAW_H

#include "kernel/abi.h"
#include "user/include/ktap.h"

struct ipc_raw {
    unsigned long word; /* the first */
    unsigned long gifts, send, room, sizes;
};

/* SYS_call, SYS_receive, SYS_reply, SYS_reply_receive; id is for the replies. */
KTAP_UNUSED static long ipc_raw(long number, int handle, unsigned long id, struct ipc_raw r)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = handle;
    register unsigned long a1 __asm__("a1") = r.gifts;
    register unsigned long a2 __asm__("a2") = r.word;
    register unsigned long t3 __asm__("t3") = id;
    register unsigned long t4 __asm__("t4") = r.send;
    register unsigned long t5 __asm__("t5") = r.room;
    register unsigned long t6 __asm__("t6") = r.sizes;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(t3), "+r"(t4), "+r"(t5), "+r"(t6)
                     : "r"(a7)
                     : "a3", "a4", "a5", "a6", "t0", "t1", "t2", "memory");
    return a0;
}

#endif
