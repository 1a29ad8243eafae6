/*
 * The message calls on ports and sessions. What each means, which rights it needs and how it fails
 * is said once, in kernel/abi.h; struct message and struct ipc_ext are in user/include/message.h.
 * The ext argument may be 0: no buffers, no handles.
 */
#ifndef USER_IPC_H
#define USER_IPC_H

#include "kernel/abi.h"
#include "user/include/ecall.h"
#include "user/include/message.h"

#define BANYAN_LOAD_WORDS(m)                                                                       \
    register unsigned long a2 __asm__("a2") = (m)->w[0];                                           \
    register unsigned long a3 __asm__("a3") = (m)->w[1];                                           \
    register unsigned long a4 __asm__("a4") = (m)->w[2];                                           \
    register unsigned long a5 __asm__("a5") = (m)->w[3];                                           \
    register unsigned long a6 __asm__("a6") = (m)->w[4];                                           \
    register unsigned long t0 __asm__("t0") = (m)->w[5];                                           \
    register unsigned long t1 __asm__("t1") = (m)->w[6];                                           \
    register unsigned long t2 __asm__("t2") = (m)->w[7]

#define BANYAN_WORD_OPERANDS                                                                       \
    "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(t0), "+r"(t1), "+r"(t2)

#define BANYAN_STORE_WORDS(m)                                                                      \
    do {                                                                                           \
        (m)->w[0] = a2;                                                                            \
        (m)->w[1] = a3;                                                                            \
        (m)->w[2] = a4;                                                                            \
        (m)->w[3] = a5;                                                                            \
        (m)->w[4] = a6;                                                                            \
        (m)->w[5] = t0;                                                                            \
        (m)->w[6] = t1;                                                                            \
        (m)->w[7] = t2;                                                                            \
    } while (0)

/* The gifts, buffers and their sizes as the message calls take them, in registers. A size that is
 * too large is so for the kernel, too. */
BANYAN_INLINE unsigned long banyan_size(unsigned long bytes)
{
    return bytes < 0xffffffff ? bytes : 0xffffffff;
}

/* What an ext says is read before the first register variable is set: an expression in between
 * could call a function, which does not know of them (GCC manual, "Local Register Variables"). */
#define BANYAN_READ_EXT(ext)                                                                       \
    unsigned long gifts = (ext) && ((ext)->gifts.count || (ext)->gifts.make_session)               \
                              ? (unsigned long)&(ext)->gifts                                       \
                              : 0;                                                                 \
    unsigned long from = (ext) ? (ext)->send_addr : 0;                                             \
    unsigned long to = (ext) ? (ext)->recv_addr : 0;                                               \
    unsigned long sizes =                                                                          \
        (ext) ? IPC_SIZES(banyan_size((ext)->send_len), banyan_size((ext)->recv_cap)) : 0

#define BANYAN_LOAD_EXT                                                                            \
    register unsigned long a1 __asm__("a1") = gifts;                                               \
    register unsigned long t4 __asm__("t4") = from;                                                \
    register unsigned long t5 __asm__("t5") = to;                                                  \
    register unsigned long t6 __asm__("t6") = sizes

#define BANYAN_EXT_OPERANDS "+r"(a1), "+r"(t4), "+r"(t5), "+r"(t6)

/* What came, if the call succeeded. */
BANYAN_INLINE void banyan_came(struct ipc_ext *ext, unsigned long t4, unsigned long t5,
                               unsigned long t6)
{
    unsigned n = (unsigned)(t4 >> 32);

    ext->recv_len = t4 & 0xffffffff;
    ext->recv_handle_count = n;
    if (n) {
        ext->recv_handles[0] = (int)t5;
        ext->recv_handles[1] = (int)(t5 >> 32);
        ext->recv_handles[2] = (int)t6;
        ext->recv_handles[3] = (int)(t6 >> 32);
    }
}

/* Send m on a session and wait for the answer, which replaces m->w. Returns 0
 * or the negated errno of the delivery; the server's own verdict is m->w[0]. */
BANYAN_INLINE long ipc_call(int session, struct message *m, struct ipc_ext *ext)
{
    BANYAN_READ_EXT(ext);
    BANYAN_LOAD_WORDS(m);
    BANYAN_LOAD_EXT;
    register long a7 __asm__("a7") = SYS_call;
    register long a0 __asm__("a0") = session;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a7), BANYAN_WORD_OPERANDS, BANYAN_EXT_OPERANDS
                     :
                     : "t3", "memory");
    BANYAN_STORE_WORDS(m);
    if (ext && a0 == 0)
        banyan_came(ext, t4, t5, t6);
    return a0;
}

/* As ipc_call, and the server's verdict is folded in: returns the negated errno
 * of the delivery, or else w[0] of the reply. */
BANYAN_INLINE long ipc_request(int session, struct message *m, struct ipc_ext *ext)
{
    long err = ipc_call(session, m, ext);

    return err < 0 ? err : (long)m->w[0];
}

/* Wait for a request or a notification on a port. Returns the request's id
 * (> 0), 0 for a notification, or a negated errno; all of m is set. */
BANYAN_INLINE long ipc_receive(int port, struct message *m, struct ipc_ext *ext)
{
    unsigned long to = ext ? ext->recv_addr : 0;
    unsigned long sizes = ext ? IPC_SIZES(0ul, banyan_size(ext->recv_cap)) : 0;
    register long a7 __asm__("a7") = SYS_receive;
    register long a0 __asm__("a0") = port;
    register unsigned long a1 __asm__("a1");
    register unsigned long a2 __asm__("a2");
    register unsigned long a3 __asm__("a3");
    register unsigned long a4 __asm__("a4");
    register unsigned long a5 __asm__("a5");
    register unsigned long a6 __asm__("a6");
    register unsigned long t0 __asm__("t0");
    register unsigned long t1 __asm__("t1");
    register unsigned long t2 __asm__("t2");
    register unsigned long t3 __asm__("t3");
    register unsigned long t4 __asm__("t4");
    register unsigned long t5 __asm__("t5") = to;
    register unsigned long t6 __asm__("t6") = sizes;
    __asm__ volatile("ecall"
                     : "+r"(a0), "=r"(a1), "+r"(a7), "=r"(a2), "=r"(a3), "=r"(a4), "=r"(a5),
                       "=r"(a6), "=r"(t0), "=r"(t1), "=r"(t2), "=r"(t3), "=r"(t4), "+r"(t5),
                       "+r"(t6)
                     :
                     : "memory");
    BANYAN_STORE_WORDS(m);
    m->badge = a1;
    m->origin = t3;
    m->id = a0;
    if (ext && a0 >= 0)
        banyan_came(ext, t4, t5, t6);
    return a0;
}

/* Answer request id with m->w. Returns 0 or a negated errno; on -EMSGSIZE,
 * -EAGAIN and -EFAULT the request is still in service. */
BANYAN_INLINE long ipc_reply(int port, long id, const struct message *m, struct ipc_ext *ext)
{
    BANYAN_READ_EXT(ext);
    BANYAN_LOAD_WORDS(m);
    BANYAN_LOAD_EXT;
    register long a7 __asm__("a7") = SYS_reply;
    register long a0 __asm__("a0") = port;
    register long t3 __asm__("t3") = id;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a7), "+r"(t3), BANYAN_WORD_OPERANDS, BANYAN_EXT_OPERANDS
                     :
                     : "memory");
    return a0;
}

/* Answer request id with m->w, then wait as ipc_receive does; all of m is set.
 * A reply that fails returns its error and nothing was received. */
BANYAN_INLINE long ipc_reply_receive(int port, long id, struct message *m, struct ipc_ext *ext)
{
    BANYAN_READ_EXT(ext);
    BANYAN_LOAD_WORDS(m);
    BANYAN_LOAD_EXT;
    register long a7 __asm__("a7") = SYS_reply_receive;
    register long a0 __asm__("a0") = port;
    register long t3 __asm__("t3") = id;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a7), "+r"(t3), BANYAN_WORD_OPERANDS, BANYAN_EXT_OPERANDS
                     :
                     : "memory");
    BANYAN_STORE_WORDS(m);
    m->badge = a1;
    m->origin = (unsigned long)t3;
    m->id = a0;
    if (ext && a0 >= 0)
        banyan_came(ext, t4, t5, t6);
    return a0;
}

#undef BANYAN_LOAD_WORDS
#undef BANYAN_STORE_WORDS
#undef BANYAN_WORD_OPERANDS
#undef BANYAN_READ_EXT
#undef BANYAN_LOAD_EXT
#undef BANYAN_EXT_OPERANDS

#endif
