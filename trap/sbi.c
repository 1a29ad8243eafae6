/* Calls into the machine-mode firmware; the contract is in sbi.h. */
#include "trap/sbi.h"

#include <stdbool.h>

#include "kernel/lib/hart.h"
#include "kernel/lib/lock.h"

#define EXT_LEGACY_PUTCHAR 0x01
#define EXT_BASE           0x10
#define EXT_TIME           0x54494d45
#define EXT_IPI            0x735049
#define EXT_RFENCE         0x52464e43
#define EXT_HSM            0x48534d
#define EXT_SRST           0x53525354
#define EXT_DBCN           0x4442434e

#define BASE_PROBE         3
#define RFENCE_FENCE_I     0
#define RFENCE_SFENCE_VMA  1
#define RFENCE_SFENCE_ASID 2
#define DBCN_WRITE_BYTE    2

struct sbi_result {
    long error, value;
};

static bool has_dbcn;

static struct sbi_result sbi_call(long ext, long fn, uint64_t x0, uint64_t x1, uint64_t x2,
                                  uint64_t x3, uint64_t x4)
{
    register uint64_t a0 asm("a0") = x0;
    register uint64_t a1 asm("a1") = x1;
    register uint64_t a2 asm("a2") = x2;
    register uint64_t a3 asm("a3") = x3;
    register uint64_t a4 asm("a4") = x4;
    register long a6 asm("a6") = fn;
    register long a7 asm("a7") = ext;
    asm volatile("ecall"
                 : "+r"(a0), "+r"(a1)
                 : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
                 : "memory");
    return (struct sbi_result){(long)a0, (long)a1};
}

void sbi_init(void)
{
    struct sbi_result r = sbi_call(EXT_BASE, BASE_PROBE, EXT_DBCN, 0, 0, 0, 0);
    has_dbcn = r.error == 0 && r.value != 0;
}

void sbi_console_write(const char *buf, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (has_dbcn)
            sbi_call(EXT_DBCN, DBCN_WRITE_BYTE, (unsigned char)buf[i], 0, 0, 0, 0);
        else
            sbi_call(EXT_LEGACY_PUTCHAR, 0, (unsigned char)buf[i], 0, 0, 0, 0);
    }
}

void sbi_set_timer(uint64_t when)
{
    sbi_call(EXT_TIME, 0, when, 0, 0, 0, 0);
}

/*
 * SBI's masks hold hart ids relative to a base. One call serves harts whose ids
 * lie within 64 of each other; the loop covers ids that lie further apart.
 */
static void for_mask(uint64_t mask, void (*call)(uint64_t ids, uint64_t base, void *arg), void *arg)
{
    while (mask) {
        uint64_t base = ~0ul, ids = 0;
        for (unsigned i = 0; i < MAX_HARTS; i++)
            if (mask & 1ul << i && harts[i].hartid < base)
                base = harts[i].hartid;
        for (unsigned i = 0; i < MAX_HARTS; i++)
            if (mask & 1ul << i && harts[i].hartid - base < 64) {
                ids |= 1ul << (harts[i].hartid - base);
                mask &= ~(1ul << i);
            }
        call(ids, base, arg);
    }
}

static void ipi_call(uint64_t ids, uint64_t base, void *arg)
{
    (void)arg;
    sbi_call(EXT_IPI, 0, ids, base, 0, 0, 0);
}

void sbi_send_ipi(uint64_t hart_mask)
{
    for_mask(hart_mask, ipi_call, NULL);
}

struct fence_args {
    uint64_t va, size;
    int asid;
};

static void fence_call(uint64_t ids, uint64_t base, void *arg)
{
    const struct fence_args *f = arg;
    if (f->asid < 0)
        sbi_call(EXT_RFENCE, RFENCE_SFENCE_VMA, ids, base, f->va, f->size, 0);
    else
        sbi_call(EXT_RFENCE, RFENCE_SFENCE_ASID, ids, base, f->va, f->size, f->asid);
}

void sbi_remote_fence(uint64_t hart_mask, uint64_t va, uint64_t size, int asid)
{
    struct fence_args f = {va, size, asid};
    for_mask(hart_mask, fence_call, &f);
}

static void fence_i_call(uint64_t ids, uint64_t base, void *arg)
{
    (void)arg;
    sbi_call(EXT_RFENCE, RFENCE_FENCE_I, ids, base, 0, 0, 0);
}

void sbi_remote_fence_i(uint64_t hart_mask)
{
    for_mask(hart_mask, fence_i_call, NULL);
}

long sbi_hart_start(uint64_t hartid, uint64_t entry, uint64_t opaque)
{
    return sbi_call(EXT_HSM, 0, hartid, entry, opaque, 0, 0).error;
}

void sbi_shutdown(int reboot, int failure)
{
    sbi_call(EXT_SRST, 0, reboot ? 1 : 0, failure ? 1 : 0, 0, 0, 0);
    for (;;)
        asm volatile("wfi");
}
