/*
 * Supervisor control and status registers (privileged spec v1.12, chapter 4):
 * names of their bits and accessors.
 */
#ifndef TRAP_CSR_H
#define TRAP_CSR_H

#define SSTATUS_SIE      (1 << 1)
#define SSTATUS_SPIE     (1 << 5)
#define SSTATUS_SPP      (1 << 8)
#define SSTATUS_FS_SHIFT 13
#define SSTATUS_FS       (3 << SSTATUS_FS_SHIFT)
#define SSTATUS_FS_OFF   (0 << SSTATUS_FS_SHIFT)
#define SSTATUS_FS_CLEAN (2 << SSTATUS_FS_SHIFT)
#define SSTATUS_FS_DIRTY (3 << SSTATUS_FS_SHIFT)

#define SIE_SSIE (1 << 1) /* software: another hart's call */
#define SIE_STIE (1 << 5) /* timer */
#define SIE_SEIE (1 << 9) /* external: the PLIC */

#define SATP_SV39       (8ul << 60)
#define SATP_ASID_SHIFT 44
#define SATP_ASID_MASK  0xfffful

#define SCAUSE_INTERRUPT (1ul << 63)

#define CSR_STIMECMP 0x14d /* Sstc; by number, for assemblers that lack the name */

#ifndef __ASSEMBLER__
#include <stdint.h>

#define csr_read(csr)                                                                              \
    ({                                                                                             \
        uint64_t csr_value_;                                                                       \
        asm volatile("csrr %0, " #csr : "=r"(csr_value_)::"memory");                               \
        csr_value_;                                                                                \
    })
#define csr_write(csr, value) asm volatile("csrw " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
#define csr_set(csr, value)   asm volatile("csrs " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
#define csr_clear(csr, value) asm volatile("csrc " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
#endif

#endif
