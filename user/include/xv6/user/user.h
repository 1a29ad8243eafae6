/*
 * xv6's user library under its own names, for programs that were written for xv6.
 *
 * What differs from POSIX lies behind names of its own (user/lib/xv6.c), which the
 * declarations bind to xv6's: a wait that gives the exit status itself, an fprintf
 * to a descriptor. The rest is the C library's. No header of the C library may be
 * included beside this one.
 */
#ifndef XV6_USER_USER_H
#define XV6_USER_USER_H

#include "xv6/kernel/types.h"

struct stat;

/* Several of the C library's names have other types in xv6. */
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"

#define XV6_NAME(name) __asm__("xv6_" #name)
#define SBRK_ERROR     ((char *)-1)

int fork(void);
int exit(int status) __attribute__((noreturn));
/* The child that ended; its exit status as it was from 0 to 254, and -1 both if it
 * was -1 and if the child was killed. */
int wait(int *status) XV6_NAME(wait);
int pipe(int *fds);
int write(int fd, const void *bytes, int count) XV6_NAME(write);
/* Of a directory: struct dirent of kernel/fs.h. */
int read(int fd, void *buffer, int count) XV6_NAME(read);
int close(int fd) XV6_NAME(close);
int kill(int pid) XV6_NAME(kill);
/* A name without a slash that is not in the working directory is looked for in PATH. */
int exec(const char *path, char **argv) XV6_NAME(exec);
int open(const char *path, int flags) XV6_NAME(open);
int mknod(const char *path, short major, short minor) XV6_NAME(mknod);
int unlink(const char *path) XV6_NAME(unlink);
int fstat(int fd, struct stat *info) XV6_NAME(fstat);
int stat(const char *path, struct stat *info) XV6_NAME(stat);
int link(const char *old, const char *name);
int mkdir(const char *path) XV6_NAME(mkdir);
int chdir(const char *path);
int dup(int fd);
int getpid(void);
char *sbrk(int bytes) XV6_NAME(sbrk);
char *sbrklazy(int bytes) XV6_NAME(sbrk);
/* Time is counted in ticks of a tenth of a second. */
int sleep(int ticks) XV6_NAME(sleep);
int pause(int ticks) XV6_NAME(sleep);
int uptime(void) XV6_NAME(uptime);

/* Written at once, so that output of several processes keeps its order. */
void fprintf(int fd, const char *format, ...) XV6_NAME(fprintf);
void printf(const char *format, ...) XV6_NAME(printf);
char *gets(char *buffer, int max) XV6_NAME(gets);
void *malloc(uint size) XV6_NAME(malloc);
void free(void *block);
int atoi(const char *text);
uint strlen(const char *text);
int strcmp(const char *a, const char *b);
char *strcpy(char *to, const char *from);
char *strchr(const char *text, char c);
void *memset(void *at, int byte, uint count) XV6_NAME(memset);
void *memmove(void *to, const void *from, int count);
void *memcpy(void *to, const void *from, uint count) XV6_NAME(memcpy);
int memcmp(const void *a, const void *b, uint count) XV6_NAME(memcmp);

#endif
