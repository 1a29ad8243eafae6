/*
 * What the device tree says about the machine, as the kernel needs it.
 *
 * machine_parse reads the tree once, early, and copies all it finds, so that
 * the blob's memory is free afterwards. It needs no memory but struct machine
 * (some 4 KiB: not for a kernel stack) and never sleeps.
 */
#ifndef KERNEL_LIB_MACHINE_H
#define KERNEL_LIB_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_MAX_RANGES  16
#define MACHINE_MAX_HARTS   8
#define MACHINE_MAX_DEVICES 32

struct machine_range {
    uint64_t base, size; /* bytes, whole pages */
};

struct machine_hart {
    uint64_t hartid;
    int plic_context; /* of its S-mode in the PLIC, -1 none */
    bool sstc;        /* has the stimecmp register */
};

/* A device that some driver of ours knows: ns16550a, virtio,mmio or
 * google,goldfish-rtc. */
struct machine_device {
    char compatible[32]; /* the one of those three it was known by */
    uint64_t base, size;
    uint32_t irq;      /* its line at the PLIC, 0 none */
    uint32_t clock_hz; /* clock-frequency, 0 not said */
    bool taken;        /* the kernel drives it itself */
};

struct machine {
    /* Sorted, none overlaps or touches another. Ranges of RAM are cut to whole
     * pages, reserved ones widened. The blob itself and the initrd are not among
     * the reserved ones unless the tree says so. */
    struct machine_range ram[MACHINE_MAX_RANGES];
    unsigned ram_count;
    struct machine_range reserved[MACHINE_MAX_RANGES];
    unsigned reserved_count;

    /* In the tree's order, those only that are okay and have an MMU. */
    struct machine_hart harts[MACHINE_MAX_HARTS];
    unsigned hart_count;
    unsigned harts_ignored; /* past MACHINE_MAX_HARTS */
    uint64_t timebase_hz;   /* never 0 */

    uint64_t plic_base, plic_size; /* 0: there is none */
    uint32_t plic_sources;         /* lines 1 to plic_sources exist */

    struct machine_device devices[MACHINE_MAX_DEVICES]; /* by ascending base */
    unsigned device_count;
    int stdout_device; /* index in devices, -1 none */

    char bootargs[1024];
    bool bootargs_truncated;
    uint64_t initrd_base, initrd_size; /* bytes; size 0: none */
    uint64_t dtb_size;                 /* bytes */
};

/* Fills *m from the blob, of which at most max bytes are read. 0, or -EINVAL with
 * *why set to words: the blob is malformed, or names no RAM, no hart or no
 * timebase, or more reserved ranges than fit. Other nodes that make no sense are
 * passed over, and so are devices behind a bus that translates addresses, RAM
 * ranges past MACHINE_MAX_RANGES and devices past MACHINE_MAX_DEVICES. */
int machine_parse(struct machine *m, const void *dtb, size_t max, const char **why)
    __attribute__((warn_unused_result));

/* Looks for the word `name` or `name=value` in bootargs, before the word "--" if
 * there is one; the last such counts. Copies the value ("" for the bare word), cut
 * to fit, into the size bytes at value. False: there is no such word, and value is
 * as it was. */
bool machine_option(const struct machine *m, const char *name, char *value, size_t size);

#endif
