/*
 * init, process 1: finds the devices, starts the servers and sees to it that they
 * stay, then the shell or the one command of the boot arguments; buries who dies.
 *
 * It starts with H_SYSTEM, all rights, and nothing else. It never calls a server
 * that it has started, for a call can only end when the server answers: children
 * of its own do that (children.c), and init itself waits in one place only, its own
 * port, for deaths, timers, signs of life and the requests of svc. It speaks through
 * the kernel log.
 *
 * Every handle it keeps is number KEEP or above and closed by exec, so that a
 * child's low numbers are free for what it is to have, and it has nothing more.
 */
#ifndef USER_INIT_INIT_H
#define USER_INIT_INIT_H

#include <stdbool.h>
#include "kernel/messages.h"
#include "user/include/banyan.h"

#define KEEP 64

/* Notification bits on init's port; HEART_* are others. */
#define BIT_CHILD      0  /* a child died */
#define BIT_TICK       1  /* time to ask for signs of life */
#define BIT_LAST_WORDS 2  /* they have taken long enough */
#define BIT_RESTART    16 /* and those after it: the pause before a service's start is over */

extern int init_port;

/* One line of the kernel log, without its newline; %s %d %u. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Move a handle up among those that init keeps. A negative one is returned as is. */
int keep(long handle);

/* ----------------------------------------------------------- boot arguments */

struct boot_args {
    bool marked;         /* console=marked */
    const char *command; /* what follows " -- "; 0 = none: interactive */
};

void boot_args_read(struct boot_args *args);

/* ------------------------------------------------------------------ devices */

struct device {
    int mmio; /* H_NONE: there is no such device */
    int interrupt;
    unsigned long paddr;
};

struct devices {
    struct device uart;
    struct device disk; /* the first block device by address */
    bool legacy;        /* a virtio device was seen that only speaks legacy */
};

void devices_find(struct devices *devices);

/* --------------------------------------------------------------------- line */

/* Remembers the UART's registers, of which this is the object. False: they cannot be mapped. */
bool line_watch(int uart);
/* Is there something on the line that does not leave, or has not left yet? */
bool line_busy(void);

/* ----------------------------------------------------------------- services */

enum service_id { SERVICE_TTY, SERVICE_BLK, SERVICE_FS, SERVICES };

#define GRANTS 13 /* handles from 4 on */

struct service {
    const char *name; /* also of its file in the boot image */
    unsigned heart;   /* the bit of its sign of life */
    bool vital;       /* the machine cannot go on without it */
    unsigned rights;  /* of the H_SYSTEM it gets; 0 = none */
    int port;         /* H_NONE once it was given up */
    int grants[GRANTS];
    bool line;             /* may wait for the terminal's line */
    const char *argument;  /* that its program gets; 0 = none */
    unsigned patience;     /* ticks that it may have one request for, or receive none of many */
    unsigned but;          /* a kind of request that may stay for ever, MSG_*; 0 = none */
    struct service *needs; /* the one without which it cannot start; 0 = none */
    /* What the supervisor knows of it. */
    enum service_state state;
    int pid;             /* 0: none */
    bool stop;           /* asked for: its next death is its end */
    unsigned long pause; /* ns, after which it is started again then; 0 = never */
    unsigned starts;     /* since boot */
    unsigned failures;   /* running: died of itself before it answered anything */
    unsigned quick;      /* running: died of itself within a second, though it had answered */
    bool blamed;         /* since the first of them: what it needs was started anew */
    unsigned missed;     /* heartbeats, running */
    unsigned silent;     /* since they were too many: quarters of ticks, but where it had to wait */
    unsigned long oldest; /* number of the request longest in service at the last tick */
    unsigned pending;     /* quarters of ticks since then, without those at which it had to wait */
    unsigned long needed_answered; /* by the one that it needs, at the last tick */
    unsigned long received;        /* requests, in all, at the last tick */
    unsigned unheard;              /* likewise, since it received one, though there were some */
    unsigned long since;           /* ns, monotonic: start of this instance */
    unsigned long answered;        /* by its port, when this instance started */
    char cause[80];                /* of the last death; empty: none */
};

extern struct service services[SERVICES];

/* What init's children reach the servers by; and the one that is opened as /dev/svc. */
extern int session_root, session_tty, session_svc;

/* Make all ports, sessions and what services keep; start none. False, and a line in the
 * log, if something is missing. */
bool services_prepare(const struct devices *devices, bool marked);
/* The switches of kill points, of all services (user/include/killpoint.h). */
extern struct kill_page *kill_switches;
/* Start one. 0, or a negated errno and a line in the log. */
int service_start(struct service *service);
/* Who calls it, or will, gets an error. */
void service_give_up(struct service *service);

/* --------------------------------------------------------------- supervisor */

/* Start all, and the clock of heartbeats. False if one does not start. */
bool supervisor_start(void);
/* Has pid been a service? Then see to its next start, if there is to be one. */
bool supervisor_bury(int pid, int status);
/* Notification bits that came. */
void supervisor_notified(unsigned long bits);
/* What svc may ask for, with its w[2]; 0 or a negated errno. */
int supervisor_do(struct service *service, unsigned long what, unsigned long w2);
/* Start what was stopped: the machine is to go off, and needs all. */
void supervisor_start_stopped(void);

/* svc.c: a request to init's port came, with len bytes of data. */
void svc_request(const struct message *m, const char *data, unsigned long len);

/* status.c: a wait status in words, in a static buffer. */
const char *status_words(int status);

/* ----------------------------------------------------------------- children */

/* Each forks a child of init that does one thing and exits, 0 = well; for the
 * shell and the command it becomes that program. They return its pid or a negated
 * errno. */
int child_set_up(void);                  /* until the file system answers */
int child_shell(unsigned long delay_ns); /* an interactive shell, after a pause */
int child_command(const char *command);  /* sh -c, with `run: begin` logged */
int child_drain(void);                   /* until the terminal's output has left */
int child_sync(void);                    /* stops all programs; until files, then output, are out */

#endif
