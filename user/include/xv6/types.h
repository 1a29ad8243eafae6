/* For programs that name xv6's header without its folder. */
#include "xv6/kernel/types.h"
