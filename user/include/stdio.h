/*
 * picolibc's <stdio.h> with the POSIX functions that it lacks. The streams
 * behind FILE are ours (user/lib/stream.h): buffered both ways, locked, and all
 * of them flushed at exit.
 *
 * picolibc's comes before the guard: named by its path, as a check of headers
 * does, this file is itself what include_next finds first.
 */
#ifndef BUFSIZ
#define BUFSIZ 4096
#endif

#include_next <stdio.h>

#ifndef BANYAN_STDIO_H
#define BANYAN_STDIO_H

#include <sys/types.h>

ssize_t getline(char **__restrict line, size_t *__restrict size, FILE *__restrict f);
ssize_t getdelim(char **__restrict line, size_t *__restrict size, int delim, FILE *__restrict f);
int dprintf(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int vdprintf(int fd, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void flockfile(FILE *f);
int ftrylockfile(FILE *f);
void funlockfile(FILE *f);
int getc_unlocked(FILE *f);
int putc_unlocked(int c, FILE *f);
#define getchar_unlocked()  getc_unlocked(stdin)
#define putchar_unlocked(c) putc_unlocked((c), stdout)
FILE *popen(const char *command, const char *mode);
int pclose(FILE *f);
int renameat(int old_dirfd, const char *old_path, int new_dirfd, const char *new_path);

#endif
