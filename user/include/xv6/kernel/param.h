/*
 * The limits that xv6's programs ask for; ours are not below them.
 */
#ifndef XV6_KERNEL_PARAM_H
#define XV6_KERNEL_PARAM_H

#define NPROC   64
#define NOFILE  16
#define MAXARG  32
#define MAXPATH 128
#define BSIZE   1024

#endif
