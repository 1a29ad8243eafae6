/*
 * The limits of this system, in place of picolibc's, which are those of no
 * system in particular. kernel/abi.h is where the numbers come from.
 */
#ifndef _SYS_SYSLIMITS_H_
#define _SYS_SYSLIMITS_H_

#define ARG_MAX     131072
#define CHILD_MAX   1024
#define LINK_MAX    32000
#define MAX_CANON   1024
#define MAX_INPUT   1024
#define NAME_MAX    255
#define NGROUPS_MAX 1
#define OPEN_MAX    1024
#define PATH_MAX    4096
#define PIPE_BUF    4096
#define IOV_MAX     1024
#define SSIZE_MAX   __LONG_MAX__

#define PTHREAD_KEYS_MAX              64
#define PTHREAD_STACK_MIN             16384
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#define SEM_VALUE_MAX                 0x7fffffff

#define BC_BASE_MAX      99
#define BC_DIM_MAX       2048
#define BC_SCALE_MAX     99
#define BC_STRING_MAX    1000
#define COLL_WEIGHTS_MAX 0
#define EXPR_NEST_MAX    32
#define LINE_MAX         2048
#define RE_DUP_MAX       255

#endif
