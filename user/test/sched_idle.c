/*
 * A hart with nothing to do is left alone: no tick.
 *
 * test: points=2
 */
#include <ktap.h>

#define SECOND 1000000000l

static long interrupts(void)
{
    struct abi_counters counters;
    long err = sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&counters, 0, 0);

    return err < 0 ? err : (long)counters.interrupts;
}

int main(void)
{
    long before, after;

    ktap_plan(3);
    ledger_begin();
    sys_sleep(SECOND / 2); /* what the start of this program set going comes to rest */
    before = interrupts();
    sys_sleep(2 * SECOND);
    after = interrupts();
    ok(before >= 0 && after > before, "a sleep ends with an interrupt");
    /* A tick of 10 ms would be 200 on each hart. */
    if (!ok(after - before < 40, "two idle seconds take few interrupts"))
        diag("%ld of them", after - before);
    ledger_end_ok("all frames are back");
    return ktap_done();
}
