/* A power cut, and what comes back after it: by the core, and by e2fsck. */
#ifndef TEST_HOST_FS_CRASH_RECOVERY_H
#define TEST_HOST_FS_CRASH_RECOVERY_H

#include "test/host/fs_crash/workload.h"

#define CUT_AGAIN TAPE_MODES /* added to a mode: the power fails once more in the recovery */

struct power_cut {
    uint64_t index; /* of the workload */
    size_t point;   /* events done */
    unsigned mode;  /* a tape_mode, perhaps + CUT_AGAIN */
    uint64_t seed;  /* for what the mode leaves open */
};

enum trouble {
    TROUBLE_MOUNT,
    TROUBLE_READ,
    TROUBLE_NAMES,
    TROUBLE_SIZE,
    TROUBLE_BYTES,
    TROUBLE_UNMOUNT,
    TROUBLE_FSCK_MENDS, /* e2fsck -fp with another status than 0 and 1 */
    TROUBLE_FSCK_FINDS, /* e2fsck -fn not 0 after a recovery */
    TROUBLES
};

struct recovery_counts {
    unsigned long points, recoveries, failed, trouble[TROUBLES];
};
extern struct recovery_counts recovery_counts;
extern const char *const trouble_names[TROUBLES];

/* Tries one cut of the workload that has run. What is wrong is printed, and false returned. */
bool recovery_try(struct run *run, const struct power_cut *cut);

#endif
