/* The hooks by which every layer waits; filled by the scheduler, or by a test. */
#include "kernel/lib/wait.h"

struct wait_hooks wait_hooks;
