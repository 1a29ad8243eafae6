/*
 * init, process 1: finds the devices, starts the servers, then the shell or the
 * one command of the boot arguments; buries who dies.
 *
 * It starts with H_SYSTEM, all rights, and nothing else. It never calls a server
 * that it has started, for a call can only end when the server answers: children
 * of its own do that (children.c), and init itself only ever waits for a death.
 * It speaks through the kernel log.
 *
 * Every handle it keeps is number KEEP or above and closed by exec, so that a
 * child's low numbers are free for what it is to have, and it has nothing more.
 */
#ifndef USER_INIT_INIT_H
#define USER_INIT_INIT_H

#include <stdbool.h>
#include "user/include/banyan.h"

#define KEEP 64

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

/* ----------------------------------------------------------------- services */

enum service_id { SERVICE_TTY, SERVICE_BLK, SERVICE_FS, SERVICES };

struct service {
    const char *name; /* also of its file in the boot image */
    bool vital;       /* the machine cannot go on without it */
    unsigned rights;  /* of the H_SYSTEM it gets; 0 = none */
    int port;         /* H_NONE once it was given up */
    int pid;          /* 0: not running */
};

extern struct service services[SERVICES];

/* What init's children reach the servers by. */
extern int session_root, session_control, session_tty;

/* Make all ports and sessions, start all servers. False, and a line in the log,
 * if something is missing. */
bool services_start(const struct devices *devices, bool marked);

/* Bury pid if it is a service: log its death, give up its port. Returns it, or 0. */
struct service *services_bury(int pid, int status);

/* A wait status in words, in a static buffer. */
const char *status_words(int status);

/* ----------------------------------------------------------------- children */

/* Each forks a child of init that does one thing and exits, 0 = well; for the
 * shell and the command it becomes that program. They return its pid or a negated
 * errno. */
int child_set_up(void);                  /* tells fs of the terminal devices */
int child_shell(unsigned long delay_ns); /* an interactive shell, after a pause */
int child_command(const char *command);  /* sh -c, with `run: begin` logged */
int child_drain(void);                   /* until the terminal's output has left */
int child_sync(void);                    /* stops all programs; until files, then output, are out */
int child_sleep(unsigned long ns);

#endif
