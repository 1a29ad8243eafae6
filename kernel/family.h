/*
 * The family tree of processes: pids, parents and children, groups, and who is told
 * of whose death.
 *
 * One lock, the tree lock, guards it all: pid, pgid, parent, children, zombies, sibling,
 * state, child_wait and watchers of every process. Each function here takes it.
 * A process is in the tree from family_enter until somebody has waited for it, and
 * the tree holds a reference as long.
 */
#ifndef KERNEL_FAMILY_H
#define KERNEL_FAMILY_H

#include <stdbool.h>

struct port;
struct process;

void family_init(void);
/* Gives p a pid and a place among parent's children and in its group; parent NULL:
 * p is init. -EAGAIN: too many processes; -EINTR: the parent is to die, and a kill
 * of its group may have gone by already. */
int family_enter(struct process *p, struct process *parent);
/* p has given everything back: it becomes a ZOMBIE, its children are init's, and its
 * parent and watchers are told. It may be gone on return: hold a reference. */
void family_bury(struct process *p);

/* The process with that pid and a reference, or NULL. */
struct process *family_find(int pid);
/* Calls fn for each process, in order of pid, tree lock not held. */
void family_for_each(void (*fn)(struct process *, void *), void *arg);
/* The pids of p's parent (0: none) and group. */
void family_of(const struct process *p, int *ppid, int *pgid);
/* Sleeps until a child that `pid` means (> 0: that one; 0: of one's group; -1: any;
 * < -1: of group -pid) is a ZOMBIE; its pid and *status. flags: ABI_WNOHANG, then 0 if
 * there is none yet. -ECHILD, -EINTR. */
int family_wait(int pid, int flags, int *status);

bool family_is_child(const struct process *p);
/* May the current process signal p without a handle: itself, its children, its group. */
bool family_may_signal(const struct process *p);
/* Kills every process of the group; unless `any`, only those that family_may_signal.
 * Nobody escapes by forking: what is forked meanwhile is killed, or not born. 0 if one
 * was killed, else -ESRCH or -EPERM. */
int family_kill_group(int pgid, int sig, bool any);
/* The group of pid, which is the current process or a child of it (0: itself), is its
 * own (pgid 0) or one that a relative is in. -EINVAL, -ESRCH, -EPERM. */
int family_setpgid(int pid, int pgid);
/* The group of pid (0: of the current process). -ESRCH. */
int family_getpgid(int pid);

/* Raises bit of port when p dies, at once if it is dead. -ENOMEM. */
int family_watch(struct process *p, struct port *port, unsigned bit);
/* Raises bit of port whenever a child of the current process has died, adopted ones too;
 * at once if one is to be waited for. In place of what was set before. -ENOMEM. */
int family_watch_children(struct port *port, unsigned bit);

#endif
