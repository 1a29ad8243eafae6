/*
 * Ports: where a server receives messages.
 *
 * A port is given up when the last handle with RIGHT_OWN goes: all that wait for
 * an answer get -EPIPE, and so does whoever sends later. It outlives any one
 * server as long as somebody (init) keeps such a handle: what a dead server had in
 * service goes back to the head of the queue, handles and all, for the next one.
 */
#ifndef KERNEL_PORT_H
#define KERNEL_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/kobject.h"
#include "kernel/lib/lock.h"
#include "kernel/lib/wait.h"
#include "kernel/request.h"
#include "trap/trap.h"

#define PORT_FEW 8 /* requests in service for which a port needs no more memory */

struct port {
    struct kobject object;
    struct spinlock lock;
    struct list queue;        /* (lock) requests not yet received */
    struct waitq receivers;   /* (lock) */
    struct request **service; /* (lock) requests in service, by slot */
    unsigned service_size;    /* (lock) */
    unsigned service_used;    /* (lock) slots */
    unsigned service_hint;    /* (lock) where the search for a free slot starts */
    struct list serving;      /* (lock) requests in service, in the order of their receipt */
    struct list sessions;     /* (lock) on it, until their server knows of their end */
    uint32_t ended;           /* (lock) badge of a session that the next message tells of; or 0 */
    uint64_t last_number;     /* (lock) of a request */
    uint64_t answered;        /* (lock) requests, so far */
    uint64_t returned;        /* (lock) requests put back because their server died, so far */
    uint64_t pending;         /* (lock) notification bits raised */
    uint32_t owners;          /* atomic: handles with RIGHT_OWN */
    bool closed;              /* (lock) given up */
    int server_pid;        /* who received last, so who must act for a caller to go on; 0: dead */
    uint64_t deaths;       /* atomic: of servers, so far */
    bool synced;           /* some session has a memory object: MSG_SYNC goes here */
    struct list all_link;  /* (ports lock) */
    struct list room_link; /* (parked lock) its server waits for NOTIFY_ROOM */
    bool awaits_room;      /* (parked lock) */
    struct port_timer *timers;      /* (lock) */
    struct port_timer *spare_timer; /* (lock) for the next; NULL: it is in use */
    struct request *few[PORT_FEW];  /* (lock) */
};

struct port *port_create(void);
void port_destroy(struct kobject *o);

static inline void port_ref(struct port *p)
{
    kobject_ref(&p->object);
}

static inline void port_unref(struct port *p)
{
    kobject_unref(&p->object);
}

void port_owner_add(struct port *p);
void port_owner_remove(struct port *p);

/* Raises bits; a receiver gets them as a notification. */
void port_notify(struct port *p, uint64_t bits);
/* Raises bit after ns, in place of when it was to come; 0 cancels. 0, or -ENOMEM, which leaves
 * things as they are: never if the port has no other timer. */
int port_timer(struct port *p, unsigned bit, uint64_t ns);
/* Stops timers that have been taken off their port. */
void port_timers_stop(struct port_timer *list);
/* One that a new port begins with. NULL: no memory. */
struct port_timer *port_timer_spare(void);

/*
 * Sends the current thread's request and waits for the answer; killable. words,
 * buffers, handles, badge and origin are set; the caller keeps the port alive.
 * 0: r->words and the rest are the answer; -EPIPE; -EMSGSIZE; -EINTR; ...
 * Takes over the request's handles in every case.
 */
int port_call(struct port *p, struct request *r);
/* Sends a request of the kernel's own; r->done is called when it has ended. 0, or
 * -EPIPE (done is not called). Never sleeps. */
int port_send(struct port *p, struct request *r);

/* What receive hands out. */
struct received {
    uint64_t id, badge, origin; /* id 0: a notification */
    uint64_t words[IPC_WORDS];  /* words[0]: its bits */
    uint64_t recv_len;
    int handles[IPC_HANDLES];
    unsigned handle_count;
};
/* The next request or notification, its data in `into`. Killable. */
int port_receive(struct port *p, const struct buffer *into, struct received *out);

/* The current thread waited on p, and will not take what may be there: another one may. */
void port_pass_on(struct port *p);

/* The answer to request id. */
struct reply {
    uint64_t words[IPC_WORDS];
    struct buffer send;                     /* in the caller's memory */
    struct handle handles[IPC_HANDLES + 1]; /* taken over on success only */
    unsigned handle_count;
};
/* 0; -ECANCELED; -EMSGSIZE, -EMFILE, -EFAULT: it stays in service; -EAGAIN: so it
 * does, and NOTIFY_ROOM will say when to try again. */
int port_reply(struct port *p, uint64_t id, struct reply *reply);

/* A process that has received requests has no thread any more: what it did not answer
 * goes back to the head of its port's queue. own_fault: nobody killed it; a request
 * that three such deaths have met ends with -EIO instead. Never sleeps. */
void port_server_died(const struct process *server, bool own_fault);

void port_info(struct port *p, struct abi_port_info *out);
/* Up to room entries of what PORT_* names, as SYS_port_list says. Their number. Never
 * sleeps. */
unsigned port_list(struct port *p, unsigned what, uint64_t cursor, uint64_t *out, unsigned room);
/* Calls fn for every port, with a reference, no lock held. */
void port_for_each(void (*fn)(struct port *, void *), void *arg);

#endif
