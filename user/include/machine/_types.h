/*
 * Widens the types that picolibc sizes for machines without a file system: its
 * 16-bit ino_t cannot name the files of a disk. No object of picolibc that a
 * program links holds one of these types, so the two sides cannot disagree.
 */
#ifndef BANYAN_MACHINE_TYPES_H
#define BANYAN_MACHINE_TYPES_H

#include_next <machine/_types.h>

#define __machine_ino_t_defined
typedef unsigned long __ino_t;

#define __machine_dev_t_defined
typedef unsigned int __dev_t;

#endif
