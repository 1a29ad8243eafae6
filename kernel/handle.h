/*
 * Handles: a process's names for kernel objects, with the rights it has on them.
 */
#ifndef KERNEL_HANDLE_H
#define KERNEL_HANDLE_H

#include "kernel/kobject.h"
#include "kernel/lib/lock.h"

#define FIXED_HANDLES 4

/* One slot; also how handles travel in messages (with a reference). */
struct handle {
    struct kobject *object; /* NULL: free */
    uint16_t rights;        /* RIGHT_* */
    uint16_t flags;         /* HANDLE_* */
};

/* Part of struct process. */
struct handle_table {
    struct spinlock lock;
    struct handle fixed[FIXED_HANDLES]; /* (lock) H_ROOT, H_SYSTEM, H_TTY, H_CWD */
    struct handle *slots;               /* (lock) */
    unsigned capacity;                  /* (lock) */
    unsigned lowest_free;               /* (lock) no free slot below */
};

void handle_table_init(struct handle_table *t);
/* Copies every handle (fork). 0 or -ENOMEM, nothing held then. */
int handle_table_copy(struct handle_table *to, struct handle_table *from);
/* Closes those marked HANDLE_CLOEXEC, or all. */
void handle_table_close(struct handle_table *t, int only_cloexec);
/* Closes all and frees the table. */
void handle_table_destroy(struct handle_table *t);

/* The object of handle h with a reference, if its type is `type` (0: any) and it
 * has all of `rights`; *out gets the slot's contents. -EBADF no such handle or
 * another type; -EPERM rights are lacking. */
int handle_get(struct handle_table *t, int h, int type, unsigned rights, struct handle *out);
/* Puts a handle into the lowest free slot >= lowest; takes over its reference,
 * also when it fails. The number, or -EMFILE, -ENOMEM. */
int handle_install(struct handle_table *t, struct handle handle, int lowest);
/* Installs n at once or none; numbers to out. References are taken over only on
 * success. 0, -EMFILE or -ENOMEM. */
int handle_install_many(struct handle_table *t, const struct handle *handles, unsigned n, int *out);
/* Puts a handle at h, closing what is there; takes over the reference. h (0 for a
 * fixed slot), or -EBADF, -EMFILE, -ENOMEM. */
int handle_install_at(struct handle_table *t, int h, struct handle handle);
int handle_close(struct handle_table *t, int h);
/* Sets the flags in mask to set; the flags then. */
int handle_set_flags(struct handle_table *t, int h, unsigned set, unsigned mask);

/* Drops a handle that is in no table. */
void handle_drop(struct handle handle);
/* A copy that may enter a table or a message: takes a reference. */
struct handle handle_copy(struct handle handle);

#endif
