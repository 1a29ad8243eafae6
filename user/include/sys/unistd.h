/*
 * picolibc's <unistd.h>, with the calls that it shows to _GNU_SOURCE only, or
 * not at all.
 */
#ifndef BANYAN_SYS_UNISTD_H
#define BANYAN_SYS_UNISTD_H

#include_next <sys/unistd.h>

int brk(void *addr);
int pipe2(int fds[2], int flags);
int dup3(int from, int to, int flags);
int execvpe(const char *file, char *const argv[], char *const envp[]);
int fexecve(int fd, char *const argv[], char *const envp[]);
int openat(int dirfd, const char *path, int flags, ...);
int faccessat(int dirfd, const char *path, int mode, int flags);
int unlinkat(int dirfd, const char *path, int flags);
int linkat(int old_dirfd, const char *old_path, int new_dirfd, const char *new_path, int flags);
int symlinkat(const char *target, int dirfd, const char *path);
ssize_t readlinkat(int dirfd, const char *__restrict path, char *__restrict buf, size_t size);
int renameat(int old_dirfd, const char *old_path, int new_dirfd, const char *new_path);

#endif
