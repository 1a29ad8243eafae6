/*
 * Listings for a holder of a system handle: the SYSTEM_* operations that only
 * look. Arguments and results are as kernel/abi.h says.
 */
#ifndef KERNEL_INSPECT_H
#define KERNEL_INSPECT_H

#include <stdint.h>

int64_t inspect_processes(uint64_t to, uint64_t room, uint64_t unused);
int64_t inspect_regions(uint64_t pid, uint64_t to, uint64_t room);
int64_t inspect_ptes(uint64_t pid, uint64_t query, uint64_t unused);
int64_t inspect_memory(uint64_t to, uint64_t b, uint64_t c);
int64_t inspect_own(uint64_t pid, uint64_t to, uint64_t unused);
int64_t inspect_threads(uint64_t to, uint64_t room, uint64_t unused);
int64_t inspect_counters(uint64_t to, uint64_t b, uint64_t c);
#ifdef BENCH_COUNTERS
int64_t inspect_bench(uint64_t to, uint64_t b, uint64_t c);
#endif
int64_t inspect_drop_caches(uint64_t a, uint64_t b, uint64_t c);

#endif
