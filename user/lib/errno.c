/*
 * Compile-time proof that the kernel's numbers and picolibc's are the same, so
 * that errno needs no table. Nothing here is in any program.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/termios.h>
#include <sys/wait.h>
#include <unistd.h>
#include <limits.h>

#include "kernel/abi.h"
#include "kernel/messages.h"

/* picolibc's values, kept before the kernel's header names the same macros. */
enum {
#define LIBC(name) libc_##name = (name)
    LIBC(EPERM),
    LIBC(ENOENT),
    LIBC(ESRCH),
    LIBC(EINTR),
    LIBC(EIO),
    LIBC(ENXIO),
    LIBC(E2BIG),
    LIBC(ENOEXEC),
    LIBC(EBADF),
    LIBC(ECHILD),
    LIBC(EAGAIN),
    LIBC(ENOMEM),
    LIBC(EACCES),
    LIBC(EFAULT),
    LIBC(EBUSY),
    LIBC(EEXIST),
    LIBC(EXDEV),
    LIBC(ENODEV),
    LIBC(ENOTDIR),
    LIBC(EISDIR),
    LIBC(EINVAL),
    LIBC(ENFILE),
    LIBC(EMFILE),
    LIBC(ENOTTY),
    LIBC(ETXTBSY),
    LIBC(EFBIG),
    LIBC(ENOSPC),
    LIBC(ESPIPE),
    LIBC(EROFS),
    LIBC(EMLINK),
    LIBC(EPIPE),
    LIBC(EDOM),
    LIBC(ERANGE),
    LIBC(ENOSYS),
    LIBC(ENOTEMPTY),
    LIBC(ENAMETOOLONG),
    LIBC(ELOOP),
    LIBC(EOPNOTSUPP),
    LIBC(EMSGSIZE),
    LIBC(ETIMEDOUT),
    LIBC(EOVERFLOW),
    LIBC(ECANCELED)
#undef LIBC
};

#undef EPERM
#undef ENOENT
#undef ESRCH
#undef EINTR
#undef EIO
#undef ENXIO
#undef E2BIG
#undef ENOEXEC
#undef EBADF
#undef ECHILD
#undef EAGAIN
#undef ENOMEM
#undef EACCES
#undef EFAULT
#undef EBUSY
#undef EEXIST
#undef EXDEV
#undef ENODEV
#undef ENOTDIR
#undef EISDIR
#undef EINVAL
#undef ENFILE
#undef EMFILE
#undef ENOTTY
#undef ETXTBSY
#undef EFBIG
#undef ENOSPC
#undef ESPIPE
#undef EROFS
#undef EMLINK
#undef EPIPE
#undef EDOM
#undef ERANGE
#undef ENOSYS
#undef ENOTEMPTY
#undef ENAMETOOLONG
#undef ELOOP
#undef EOPNOTSUPP
#undef EMSGSIZE
#undef ETIMEDOUT
#undef EOVERFLOW
#undef ECANCELED
#include "kernel/errno.h"

#define SAME(name) _Static_assert(libc_##name == name, "errno " #name " differs from picolibc's")
SAME(EPERM);
SAME(ENOENT);
SAME(ESRCH);
SAME(EINTR);
SAME(EIO);
SAME(ENXIO);
SAME(E2BIG);
SAME(ENOEXEC);
SAME(EBADF);
SAME(ECHILD);
SAME(EAGAIN);
SAME(ENOMEM);
SAME(EACCES);
SAME(EFAULT);
SAME(EBUSY);
SAME(EEXIST);
SAME(EXDEV);
SAME(ENODEV);
SAME(ENOTDIR);
SAME(EISDIR);
SAME(EINVAL);
SAME(ENFILE);
SAME(EMFILE);
SAME(ENOTTY);
SAME(ETXTBSY);
SAME(EFBIG);
SAME(ENOSPC);
SAME(ESPIPE);
SAME(EROFS);
SAME(EMLINK);
SAME(EPIPE);
SAME(EDOM);
SAME(ERANGE);
SAME(ENOSYS);
SAME(ENOTEMPTY);
SAME(ENAMETOOLONG);
SAME(ELOOP);
SAME(EOPNOTSUPP);
SAME(EMSGSIZE);
SAME(ETIMEDOUT);
SAME(EOVERFLOW);
SAME(ECANCELED);

#define EQUAL(a, b) _Static_assert((a) == (b), #a " differs from " #b)

/* Signals and the wait status. */
EQUAL(SIGHUP, ABI_SIGHUP);
EQUAL(SIGINT, ABI_SIGINT);
EQUAL(SIGQUIT, ABI_SIGQUIT);
EQUAL(SIGILL, ABI_SIGILL);
EQUAL(SIGTRAP, ABI_SIGTRAP);
EQUAL(SIGABRT, ABI_SIGABRT);
EQUAL(SIGFPE, ABI_SIGFPE);
EQUAL(SIGKILL, ABI_SIGKILL);
EQUAL(SIGBUS, ABI_SIGBUS);
EQUAL(SIGSEGV, ABI_SIGSEGV);
EQUAL(SIGPIPE, ABI_SIGPIPE);
EQUAL(SIGTERM, ABI_SIGTERM);
EQUAL(NSIG - 1, ABI_SIG_MAX);
EQUAL(WNOHANG, ABI_WNOHANG);
EQUAL(WEXITSTATUS(7 << 8), 7);
EQUAL(WIFEXITED(7 << 8), 1);
EQUAL(WIFSIGNALED(7 << 8), 0);
EQUAL(WIFSIGNALED(ABI_SIGSEGV), 1);
EQUAL(WTERMSIG(ABI_SIGSEGV), ABI_SIGSEGV);

/* Memory. */
EQUAL(PROT_READ, ABI_PROT_READ);
EQUAL(PROT_WRITE, ABI_PROT_WRITE);
EQUAL(PROT_EXEC, ABI_PROT_EXEC);
EQUAL(MAP_SHARED, ABI_MAP_SHARED);
EQUAL(MAP_PRIVATE, ABI_MAP_PRIVATE);
EQUAL(MAP_FIXED, ABI_MAP_FIXED);
EQUAL(MAP_ANONYMOUS, ABI_MAP_ANONYMOUS);
EQUAL(MAP_POPULATE, ABI_MAP_POPULATE);
EQUAL(MS_ASYNC, ABI_MS_ASYNC);
EQUAL(MS_SYNC, ABI_MS_SYNC);

/* Files: the open flags travel to the server as picolibc has them. */
EQUAL(FD_CLOEXEC, HANDLE_CLOEXEC);
EQUAL(O_RDONLY, 0);
EQUAL(O_WRONLY, 1);
EQUAL(O_RDWR, 2);
EQUAL(O_CREAT, 0x40);
EQUAL(O_TRUNC, 0x200);
EQUAL(O_APPEND, 0x400);
EQUAL(O_EXCL, 0x800);
EQUAL(O_CLOEXEC, 0x40000);
EQUAL(O_NOFOLLOW, 0x100000);
EQUAL(O_DIRECTORY, 0x200000);
EQUAL(SEEK_SET, 0);
EQUAL(SEEK_CUR, 1);
EQUAL(SEEK_END, 2);
EQUAL(sizeof(off_t), 8);
EQUAL(sizeof(struct msg_stat), IPC_WORDS * sizeof(unsigned long));
EQUAL(PATH_MAX, PATH_MAX_ABI);
EQUAL(NAME_MAX, NAME_MAX_ABI);
EQUAL(ARG_MAX, ARG_MAX_ABI);
EQUAL(OPEN_MAX, MAX_HANDLES);

/* The terminal. */
EQUAL(sizeof(struct termios), sizeof(struct msg_termios));
EQUAL(__builtin_offsetof(struct termios, c_cc), __builtin_offsetof(struct msg_termios, cc));
EQUAL(__builtin_offsetof(struct termios, c_lflag), __builtin_offsetof(struct msg_termios, lflag));
EQUAL(ICRNL, TTY_ICRNL);
EQUAL(OPOST, TTY_OPOST);
EQUAL(ONLCR, TTY_ONLCR);
EQUAL(ISIG, TTY_ISIG);
EQUAL(ICANON, TTY_ICANON);
EQUAL(ECHO, TTY_ECHO);
EQUAL(ECHOE, TTY_ECHOE);
EQUAL(ECHOK, TTY_ECHOK);
EQUAL(VINTR, TTY_VINTR);
EQUAL(VERASE, TTY_VERASE);
EQUAL(VKILL, TTY_VKILL);
EQUAL(VEOF, TTY_VEOF);
EQUAL(VTIME, TTY_VTIME);
EQUAL(VMIN, TTY_VMIN);
EQUAL(VDUMP, TTY_VDUMP);
