/*
 * The system-call interface: the one file that the kernel and programs share.
 *
 * Convention. The number goes in a7, arguments in a0..a5, then `ecall`. The
 * result comes back in a0: zero or positive on success, a negated errno
 * (kernel/errno.h) on failure. Like a C call, a system call may change the
 * caller-saved integer registers (a1-a7, t0-t6, ra excepted) and no others; the
 * floating-point state is never changed. The four message calls return
 * registers as described below.
 *
 * Every pointer is a user address. A pointer to memory the process may not
 * touch in the way needed makes the call fail with -EFAULT (a receive only once
 * a message reaches it, behind the first page or where the thread's last one was
 * to go), and a length that is too long is
 * -EINVAL unless a call says otherwise. Sizes are in bytes.
 *
 * Handles are small integers; a file descriptor is a handle. Handles 0 and up
 * are given out lowest-free-first. Negative ones name fixed slots (H_* below),
 * inherited by fork and kept by exec like the others.
 */
#ifndef KERNEL_ABI_H
#define KERNEL_ABI_H

#define ABI_VERSION 1

#define PAGE_SIZE_ABI  4096
#define MAX_HANDLES    1024  /* handles 0..1023 */
#define IPC_BUFFER_MAX 65536 /* bytes in one message buffer, each way */
#define IPC_WORDS      8
#define IPC_HANDLES    4
#define PATH_MAX_ABI   4096   /* bytes of a path, its NUL included */
#define NAME_MAX_ABI   255    /* bytes of one name in a path */
#define ARG_MAX_ABI    131072 /* bytes of argv and envp strings and pointers */
#define MAX_HARTS_ABI  8

/* Fixed handle slots. */
#define H_ROOT   (-2)   /* session: where absolute paths start */
#define H_SYSTEM (-3)   /* system handle, if the process was given one */
#define H_TTY    (-4)   /* session: the controlling terminal, if any */
#define H_CWD    (-100) /* session: the working directory (POSIX AT_FDCWD) */
#define H_NONE   (-1)   /* no handle */

/* Rights a handle carries. An operation names the ones it needs. */
#define RIGHT_READ     0x001 /* read data, map readable, wait for a process */
#define RIGHT_WRITE    0x002 /* write data, map shared-writable */
#define RIGHT_EXEC     0x004 /* map executable, exec */
#define RIGHT_CALL     0x008 /* session: send it messages */
#define RIGHT_NOTIFY   0x010 /* port: raise notification bits on it */
#define RIGHT_OWN      0x020 /* port: receive, reply, make sessions, page */
#define RIGHT_TRANSFER 0x040 /* may be sent in a message */
#define RIGHT_SIGNAL   0x080 /* process, system: kill */
#define RIGHT_INSPECT  0x100 /* process, system: lists, counters, tables */
#define RIGHT_DEVICE   0x200 /* system: devices, boot files, DMA memory, log */
#define RIGHT_POWER    0x400 /* system: shut down, reboot */
#define RIGHT_ALL      0x7ff

/* ---------------------------------------------------------------- numbers */

/* Processes and threads */
#define SYS_getpid  1 /* () -> pid */
#define SYS_getppid 2 /* () -> pid of the parent */
#define SYS_fork    3 /* () -> child's pid; 0 in the child */
#define SYS_exec    4 /* (handle, argv, envp): only returns on error */
#define SYS_exit    5 /* (status & 0xff): the whole process */
#define SYS_wait    6 /* (pid, int *status, flags) -> pid */
#define SYS_kill    7 /* (handle, pid, sig): see below */
/* (pid, pgid): of self or a child; 0 = self. The group is its own or one that
 * the caller, a child or a sibling is in: -EPERM otherwise. */
#define SYS_setpgid 8
#define SYS_getpgid 9 /* (pid) -> pgid; 0 = self */
/* (entry, sp, tp, arg) -> tid; arg in its a0, gp as the creator's */
#define SYS_thread_create 10
#define SYS_thread_exit   11 /* (u32 *word): store 0 there, wake its futex */
#define SYS_gettid        12 /* () -> tid */
#define SYS_yield         13 /* () */
#define SYS_sleep         14 /* (ns) -> 0 */
#define SYS_futex_wait    15 /* (u32 *word, expected, timeout_ns or -1) */
#define SYS_futex_wake    16 /* (u32 *word, count) -> number woken */
#define SYS_clock         17 /* (CLOCK_*) -> ns */
#define SYS_set_name      18 /* (const char *name, len): of the process */

/* Memory */
#define SYS_mmap     20 /* (addr, len, prot, flags, handle, offset) -> addr */
#define SYS_munmap   21 /* (addr, len) */
#define SYS_mprotect 22 /* (addr, len, prot) */
#define SYS_msync    23 /* (addr, len, flags): write shared pages back */
#define SYS_brk      24 /* (addr or 0) -> the (new) break */
#define SYS_mlock    25 /* (addr, len): bring the pages in and keep them there */
#define SYS_munlock  26 /* (addr, len) */
#define SYS_madvise  27 /* (addr, len, ABI_MADV_*) */
#define SYS_mincore  28 /* (addr, len, unsigned char *): a byte per page, 1 = in memory */

/* Handles */
#define SYS_close 30 /* (handle) */
#define SYS_dup   31 /* (handle, lowest, flags) -> new handle >= lowest */
/* (handle, to, flags) -> to (0 if that is a fixed slot); closes what was there */
#define SYS_dup2         32
#define SYS_restrict     33 /* (handle, rights) -> new handle with rights & old */
#define SYS_handle_info  34 /* (handle, struct abi_handle_info *) */
#define SYS_handle_flags 35 /* (handle, set, mask) -> flags (HANDLE_*) */

/* Files: sessions and pipe ends */
#define SYS_read   40 /* (handle, buf, n) -> bytes; 0 at the end */
#define SYS_write  41 /* (handle, buf, n) -> bytes */
#define SYS_pread  42 /* (handle, buf, n, offset) -> bytes */
#define SYS_pwrite 43 /* (handle, buf, n, offset) -> bytes */
#define SYS_seek   44 /* (handle, offset, 0 set / 1 cur / 2 end) -> offset */
#define SYS_pipe   45 /* (int fds[2], flags) */
#define SYS_fsync  46 /* (handle): dirty pages, then MSG_FSYNC */
#define SYS_sync   47 /* (): every object of every port, then MSG_SYNC to each */

/* Messages (registers: see "The message calls") */
#define SYS_call           50 /* session */
#define SYS_receive        51 /* port */
#define SYS_reply          52 /* port */
#define SYS_reply_receive  53 /* port */
#define SYS_port_create    54 /* () -> handle with RIGHT_OWN|NOTIFY|TRANSFER */
#define SYS_session_create 55 /* (port, const struct ipc_session *) -> handle */
#define SYS_notify         56 /* (port, bits): raise bits on the port */
#define SYS_port_timer     57 /* (port, bit, ns from now; 0 = cancel) */
#define SYS_irq_bind       58 /* (interrupt, port, bit): deliver it there */
#define SYS_irq_ack        59 /* (interrupt): handled, let it fire again */
#define SYS_process_open   60 /* (system handle or H_NONE for a child, pid) */
/* (process, port, bit): raised at its death; H_NONE: at that of each child of the
 * caller's, adopted ones too */
#define SYS_process_watch 61
#define SYS_port_info     62 /* (port, struct abi_port_info *) */
/* (port, PORT_*, cursor, u64 *, room) -> entries, at most room; 0: no more. For a server
 * that goes on where another one died. */
#define SYS_port_list 63

/* Memory objects */
#define SYS_object_create 65 /* (size) -> handle: anonymous, shared by passing */
/* (system, size, u64 *paddr) -> handle: wired, physically contiguous, DMA-safe */
#define SYS_object_dma 66
/* (port, key, size): a paged object; pages past the new end are detached and unmapped */
#define SYS_object_resize  67
#define SYS_object_info    68 /* (port, key, struct abi_object_info *) */
#define SYS_object_discard 69 /* (port, key): forget it and its dirty pages */
/* (port, key, page, struct abi_page_run *, room) -> runs, at most room, from that page on;
 * 0: no more. The object's pages that may become dirty without a MSG_RESERVE */
#define SYS_object_pages 71

/* The system */
#define SYS_system 70 /* (system handle, SYSTEM_*, a, b, c): below */

#define SYS_MAX 72

/* ------------------------------------------------------------------- exit */

/* The status word SYS_wait stores, as POSIX's macros expect it:
 * exited: (code & 0xff) << 8; killed: the signal number in the low 7 bits. */
#define ABI_SIGHUP  1
#define ABI_SIGINT  2
#define ABI_SIGQUIT 3
#define ABI_SIGILL  4
#define ABI_SIGTRAP 5
#define ABI_SIGABRT 6
#define ABI_SIGFPE  8
#define ABI_SIGKILL 9
#define ABI_SIGBUS  10
#define ABI_SIGSEGV 11
#define ABI_SIGPIPE 13
#define ABI_SIGTERM 15
#define ABI_SIG_MAX 31

/* SYS_wait flags. pid: > 0 that child; -1 any; 0 any of my group; < -1 any of
 * group -pid. -ECHILD when there is none. status may be 0. */
#define ABI_WNOHANG 1

/* SYS_kill: handle is a process handle (pid ignored), or H_SYSTEM or another
 * system handle with RIGHT_SIGNAL and pid names the target: > 0 a process,
 * < -1 the group -pid. Without any handle (H_NONE) a process may signal only
 * itself, its children and its own group. sig 0 only checks. Signals have no
 * handlers: every one of them kills, and is the cause in the wait status. */

/* --------------------------------------------------------------- the clock */

#define ABI_CLOCK_REALTIME  0 /* ns since 1970 */
#define ABI_CLOCK_MONOTONIC 1 /* ns since boot */
#define ABI_CLOCK_PROCESS   2 /* ns of CPU time of this process */

/* ------------------------------------------------------------------ memory */

#define ABI_PROT_READ       1
#define ABI_PROT_WRITE      2
#define ABI_PROT_EXEC       4
#define ABI_MAP_SHARED      0x01
#define ABI_MAP_PRIVATE     0x02
#define ABI_MAP_FIXED       0x10 /* replaces what was there */
#define ABI_MAP_ANONYMOUS   0x20 /* handle ignored; shared across fork if SHARED */
#define ABI_MAP_POPULATE    0x40 /* fault it in now */
#define ABI_MS_ASYNC        1
#define ABI_MS_SYNC         4
#define ABI_MADV_NORMAL     0 /* of these three nothing comes */
#define ABI_MADV_RANDOM     1
#define ABI_MADV_SEQUENTIAL 2
#define ABI_MADV_WILLNEED   3 /* starts reading it */
#define ABI_MADV_DONTNEED   4 /* private memory reads as zeros again; -EINVAL if locked */
/* mmap takes as handle: a session with a memory object behind it, or a memory
 * object. offset is page aligned. PROT_WRITE with PROT_EXEC is -EACCES (W^X),
 * in mmap and mprotect. A touch past the object's last page is SIGBUS. */

/* ----------------------------------------------------------------- handles */

#define HANDLE_CLOEXEC 1 /* closed by exec */
#define HANDLE_APPEND  2 /* session: each write goes to the end */

enum abi_handle_type {
    HANDLE_PORT = 1,
    HANDLE_SESSION,
    HANDLE_OBJECT,
    HANDLE_PIPE,
    HANDLE_PROCESS,
    HANDLE_INTERRUPT,
    HANDLE_SYSTEM,
};

struct abi_handle_info {
    unsigned type;       /* enum abi_handle_type */
    unsigned rights;     /* RIGHT_* */
    unsigned flags;      /* HANDLE_* */
    unsigned has_object; /* session: a memory object is behind it */
    unsigned long size;  /* object behind it: its size; pipe: bytes waiting */
    unsigned long paddr; /* DMA object: physical address of its first byte */
};

/* -------------------------------------------------------- the message calls */

/*
 * A message is eight words in registers, up to four handles, and at most one
 * buffer each way. Words w[0..7] travel in a2 a3 a4 a5 a6 t0 t1 t2, in and
 * out. w[0] of a request is the message number (kernel/messages.h), w[0] of a
 * reply its status: >= 0 or -errno.
 *
 *              in                                     out
 * call         a0 session, a1 gifts or 0, words,      a0 0 or -errno, words, came
 *              both buffers
 * receive      a0 port, buffer for what comes         a0 id, 0 or -errno, a1 badge,
 *                                                     t3 origin, words, came
 * reply        a0 port, a1 gifts or 0, t3 id, words,  a0 0 or -errno
 *              buffer that goes
 * reply_receive  as reply, both buffers               as receive
 *
 * Buffers: t4 is the address of the one that goes with the request or reply, t5 of the one that
 * takes what comes back or in, t6 their sizes: IPC_SIZES, of which one is 0 if there is no such
 * buffer. What came: t4 = bytes | number of handles << 32; the handles, if there are any, installed
 * in the receiver, are in t5 (two, the first in the lower half) and t6.
 *
 * a0 of receive: > 0 a request, its id to be used in the reply; 0 a
 * notification, whose bits are in w[0] (and are cleared by this delivery).
 * Registers that a call does not use for a result keep their values, those of
 * the words included; after an error the words are undefined.
 *
 * t3 of receive, the origin: rights of the session used (RIGHT_*), with
 * ORIGIN_KERNEL set if the kernel itself sent the request; and from bit 32 on
 * the badge of a session that has ended, 0 if none is told of (SESSION_TOLD).
 *
 * A request stays in service until it is replied to, by any thread that holds
 * the port with RIGHT_OWN. If the process that received it dies before, while
 * somebody still holds the port so, it goes back to the head of the queue with the
 * handles that it carried, and whoever receives next gets it: its id may be another
 * then, but the upper 48 bits of an id, the request's number, are the same. (After
 * three such deaths, by the server's own fault, it ends with -EIO.) reply to a
 * client that was killed meanwhile fails with -ECANCELED (the data did not arrive;
 * the id is gone). reply_receive
 * whose reply fails returns that error and receives nothing. -EMSGSIZE: the
 * buffer sent is larger than the other side takes: given to the caller for a
 * request, to the server for a reply (the request stays in service). -EAGAIN from
 * a reply: a page of the client's buffer is away and the kernel has no room to
 * keep the data; the request stays in service, and when there is room again the
 * notification NOTIFY_ROOM comes to the port: reply again then. -EPIPE: the port
 * was given up. -EINTR: the thread is being killed; no program sees it.
 *
 * gifts, if not 0, points to a struct ipc_gifts: handles that go with the request or reply, and a
 * session that a reply makes. For reply_receive, gifts and what t4 names go with the reply; what t5
 * names takes the next request. If a receiver's handle table is full, the message fails with
 * -EMFILE at its sender and nothing is installed. */
struct ipc_session {
    unsigned long badge; /* the server's word: comes with each request */
    unsigned rights;     /* RIGHT_READ|WRITE|EXEC|CALL|TRANSFER */
    unsigned flags;      /* HANDLE_APPEND | SESSION_* */
    unsigned long key;   /* of the memory object; generation included */
    unsigned long size;  /* its size if it does not exist in the kernel yet */
};
#define SESSION_OBJECT 0x100 /* a memory object (port, key) is behind it */
/* Its end is told with the next request or notification that is received (ORIGIN_ENDED), and has no
 * message of its own unless another one is to be told of, or nobody has received since a server
 * died. The badge is 1 to 2^32 - 1. */
#define SESSION_TOLD 0x200

struct ipc_gifts {
    int handles[IPC_HANDLES]; /* need RIGHT_TRANSFER; the sender keeps its own */
    unsigned count;           /* of them */
    unsigned make_session;    /* reply only: 1 = make the session below and give the client a
                                 handle to it, which precedes the others among those it gets */
    unsigned session_flags;   /* HANDLE_CLOEXEC for that handle */
    struct ipc_session session;
};

/* t6, going in: of the buffer that goes, and of the room for what comes; each below 2^32. */
#define IPC_SIZES(send_len, recv_cap) ((send_len) | (recv_cap) << 32)

#define ORIGIN_KERNEL        0x80000000ul
#define ORIGIN_ENDED(origin) ((origin) >> 32) /* the badge of a session that has ended, or 0 */
#define NOTIFY_ROOM          (1ul << 63)      /* bit of a notification: see -EAGAIN above */

#define IPC_NUMBER(id) ((unsigned long)(id) >> 16) /* the request's, from its id */

struct abi_port_info {
    unsigned long answered; /* requests, since the port was made */
    unsigned long returned; /* requests that a dying server left to the next */
    unsigned queued, in_service;
};

/* SYS_port_list */
#define PORT_SESSIONS 1 /* badges, after the first `cursor`: of those not known to have ended */
#define PORT_OBJECTS  2 /* keys above the cursor, in order, of memory objects that are cached */
/* numbers above the cursor, in order, of queued requests that a server had received which died */
#define PORT_RETURNED   3
#define PORT_IN_SERVICE 4 /* numbers above the cursor, in order, of requests in service */
/* Or'ed to these two: but of requests whose message begins with that word, 1 to 0xffff. */
#define PORT_BUT(word) ((word) << 8)

struct abi_page_run {
    unsigned long first, count;
};

struct abi_object_info {
    unsigned long size;     /* the authoritative size while the object lives */
    unsigned long resident; /* pages in memory */
    unsigned long dirty;    /* of them, not yet written back */
    unsigned long mtime_ns; /* last write by any process, realtime; 0 = none */
    unsigned long cuts;     /* times that it became shorter */
    unsigned sessions;      /* live sessions with it behind them */
    unsigned mapped;        /* regions that map it */
};

/* --------------------------------------------------------------- SYS_system */

/* (handle, op, a, b, c). Needs the right named. Arrays are filled up to the
 * room given; the result is the number of entries there are in all. */
#define SYSTEM_PROCESSES 1 /* INSPECT: (struct abi_process *, room) */
#define SYSTEM_REGIONS   2 /* INSPECT: (pid, struct abi_region *, room) */
#define SYSTEM_PTES      3 /* INSPECT: (pid, struct abi_pte_query *) -> count */
#define SYSTEM_MEMORY    4 /* INSPECT: (struct abi_memory *) */
#define SYSTEM_THREADS   5 /* INSPECT: (struct abi_thread *, room, pid or 0: of all) */
#define SYSTEM_COUNTERS  6 /* INSPECT: (struct abi_counters *) */
/* INSPECT: () drop clean unmapped object pages, and free kernel memory that is kept for reuse */
#define SYSTEM_DROP_CACHES 7
#define SYSTEM_OWN         8 /* INSPECT: (pid, struct abi_own *) */
/* INSPECT: (pgid, or 0: no more) allocations for that group fail, once at each place; only in a
 * checking kernel, else -ENOSYS. How many had failed for the group before it */
#define SYSTEM_FAIL 9
/* DEVICE: (index, struct abi_device *) -> 0/-ENODEV: opens MMIO object and interrupt of device
 * index */
#define SYSTEM_DEVICE 10
/* DEVICE: (name) -> object handle with READ|EXEC of a file in the initial RAM image */
#define SYSTEM_BOOT_FILE 11
/* DEVICE: (buf, room, u64 *position) -> bytes of the kernel log from position, which moves on.
 * Who reads from a position says that all before it is printed: no later reader begins there */
#define SYSTEM_LOG_READ 12
/* DEVICE: (port, bit) the log goes there from now on: bit is raised when it grows; the SBI
 * console falls silent until that port's owner dies. The position it begins at */
#define SYSTEM_LOG_PORT  13
#define SYSTEM_BOOT_ARGS 14 /* INSPECT: (buf, room) -> length, NUL terminated */
#define SYSTEM_LOG_WRITE 15 /* any system handle: (buf, len <= 256) add to the kernel log */
#define SYSTEM_DUMP      16 /* INSPECT: () log every thread and what it waits for */
#define SYSTEM_BENCH     17 /* INSPECT: (struct abi_bench *); only in a kernel that counts these */
#define SYSTEM_SHUTDOWN  20 /* POWER: (0 off, 1 reboot); does not sync */

#define PROCESS_WIRED 1 /* of the initial RAM image: init and the servers */

struct abi_process {
    int pid, ppid, pgid;
    char state; /* R running or ready, S waiting, Z zombie */
    unsigned char threads;
    unsigned short flags;         /* PROCESS_* */
    unsigned long virtual_pages;  /* in regions */
    unsigned long resident_pages; /* mapped now */
    unsigned long cpu_ns;
    char name[32];
};

struct abi_thread {
    int tid, pid;
    char state;       /* R S Z */
    signed char hart; /* where it runs or ran */
    unsigned short pad;
    int holder_pid;   /* who must act for the wait to end; 0 = unknown */
    char wait[32];    /* what it waits for, in words: "pipe read" */
    unsigned long pc; /* user pc */
};

struct abi_region {
    unsigned long start, end;
    unsigned prot;                  /* ABI_PROT_* */
    unsigned flags;                 /* ABI_MAP_SHARED or PRIVATE; REGION_* */
    unsigned long offset;           /* in the object, bytes */
    unsigned long object;           /* an id of the object; 0 = anonymous */
    unsigned long resident, shared; /* pages mapped; of them, by others too */
    unsigned long swapped;          /* pages on the swap disk */
    char name[16];                  /* "text", "data", "heap", "stack", "file", "anon", ... */
};

/* Page-table entries of pid: those present from va on, leaves and tables. */
struct abi_pte {
    unsigned long va;
    unsigned long pte; /* the word itself */
    unsigned level;    /* 2 root, 1, 0 */
    unsigned refs;     /* references to the frame it names; 0 unknown */
};
struct abi_pte_query {
    unsigned long va;    /* in: start; out: where to go on; ~0 at the end */
    unsigned long root;  /* out: physical address of the root table */
    unsigned room;       /* in: entries in out[] */
    unsigned max_level0; /* in: 0 = tables and large leaves only above the
                            kernel half's start; 1 = every leaf */
    struct abi_pte *out;
};

enum abi_frame_class {
    FRAME_FREE,
    FRAME_KERNEL, /* image, boot data, reserved by the kernel */
    FRAME_TABLE,
    FRAME_KMALLOC,
    FRAME_KSTACK,
    FRAME_DMA,
    FRAME_ANON,
    FRAME_OBJECT,
    FRAME_CLASSES,
};

struct abi_memory {
    unsigned long total;                /* frames */
    unsigned long count[FRAME_CLASSES]; /* sums to total */
    unsigned long pinned;               /* of a class that never leaves memory */
    unsigned long dirty;                /* object pages */
    unsigned long kmalloc_bytes;        /* handed out */
    /* pages; all 0 without a swap disk */
    unsigned long swap_total, swap_free;
    unsigned long swap_bad;    /* the disk refused to write them */
    unsigned long swap_cached; /* that are in memory, too */
};

/* Frames that only that process holds: its tables, its unshared anonymous pages,
 * cached pages that nobody else maps. */
struct abi_own {
    unsigned long count[FRAME_CLASSES];
};

struct abi_counters {
    unsigned long zero_fills, cow_copies, object_faults, spurious_faults;
    unsigned long page_ins, page_outs; /* pages asked from / sent to servers */
    unsigned long swap_ins, swap_outs; /* pages read from / written to the swap disk */
    unsigned long swap_faults;         /* entries that named a slot and map a page again */
    unsigned long scanned, reclaimed;  /* anonymous pages looked at, evicted */
    unsigned long refaults;            /* pages asked for again soon after they left */
    unsigned long calls;               /* messages sent by call */
    unsigned long messages;            /* requests delivered in all */
    unsigned long switches, shootdowns, asid_rollovers;
    unsigned long system_calls, interrupts;
    unsigned harts, asids; /* online; number of user ASIDs in use by the
                              allocator, 0 = none */
    unsigned long timebase;
    unsigned long boot_cycle;  /* the boot hart's cycle counter at the kernel's first instruction */
    unsigned long idle_cycles; /* that passed while harts waited for an interrupt */
    unsigned long direct; /* messages, there or back, that switched straight to their receiver */
};

/* Of all harts together. */
struct abi_bench {
    unsigned long
        satp_writes;      /* that changed the space; with isolation those of traps not counted */
    unsigned long fences; /* sfence.vma, and harts that were asked for one */
    unsigned long spins;  /* looks at a lock that another hart held */
};

struct abi_device {
    char compatible[32]; /* "virtio,mmio", "ns16550a", ... first string */
    unsigned long paddr, size;
    int mmio;          /* object handle: READ|WRITE */
    int interrupt;     /* interrupt handle or H_NONE */
    unsigned clock_hz; /* clock-frequency of the node, or 0 */
};

/* ------------------------------------------------------------ program start */

/*
 * At entry sp is 16-byte aligned and points to: argc; argv[0..argc-1]; 0;
 * envp[..]; 0; auxiliary pairs (type, value) up to type 0; then the strings.
 * All other registers are 0. gp and tp are the program's own to set.
 */
#define ABI_AT_NULL     0
#define ABI_AT_PHDR     3
#define ABI_AT_PHENT    4
#define ABI_AT_PHNUM    5
#define ABI_AT_PAGESZ   6
#define ABI_AT_ENTRY    9
#define ABI_AT_TIMEBASE 0x1000 /* ticks of the time CSR per second */

/* User address space: [USER_MIN, USER_END). */
#define ABI_USER_MIN  0x1000ul
#define ABI_USER_END  0x3ffffff000ul
#define ABI_STACK_MAX (8ul << 20) /* the main stack grows to this on fault */

#endif
