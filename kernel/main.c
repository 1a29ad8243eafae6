/*
 * The order in which the kernel comes up, and the entry of every other hart.
 */
#include "kernel/boot.h"
#include "kernel/bootfile.h"
#include "kernel/clock.h"
#include "kernel/family.h"
#include "kernel/futex.h"
#include "kernel/lib/hart.h"
#include "kernel/lib/machine.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/pager.h"
#include "kernel/parked.h"
#include "kernel/process.h"
#include "kernel/reclaimer.h"
#include "kernel/swapdisk.h"
#include "kernel/system.h"
#include "kernel/thread.h"
#include "kernel/writeback.h"
#include "trap/csr.h"
#include "trap/plic.h"
#include "trap/sbi.h"
#include "trap/timer.h"
#include "trap/trap.h"
#include "vm/asid.h"
#include "vm/fence.h"
#include "vm/frame.h"
#include "vm/kmalloc.h"
#include "vm/shadow.h"
#include "vm/sv39.h"
#include "vm/vmalloc.h"

#define DTB_MAX (2ul << 20)

struct hart harts[MAX_HARTS];
unsigned hart_limit, hart_count;
uint64_t boot_cycle;

static struct machine machine;

void kernel_main(uint64_t hartid, paddr_t dtb, paddr_t image, uint64_t cycle)
    __attribute__((noreturn));
void hart_main(void) __attribute__((noreturn));
void run_on_stack(uint64_t sp, void (*function)(void)) __attribute__((noreturn));
void secondary_start(void);

static void halt(void)
{
    sbi_shutdown(0, 1);
}

/* tp to the struct hart of the hart that booted, wherever the tree lists it. */
static void adopt_boot_hart(uint64_t hartid)
{
    hart_limit = machine.hart_count;
    for (unsigned i = 0; i < machine.hart_count; i++) {
        harts[i].index = i;
        harts[i].hartid = machine.harts[i].hartid;
        if (harts[i].hartid == hartid)
            asm volatile("mv tp, %0" ::"r"(&harts[i]) : "memory");
    }
    if (hart_self()->hartid != hartid)
        panic("the boot hart %lu is not in the device tree", hartid);
}

/* The stacks of a hart: its idle thread's, and one to report an overflow on. */
static void give_stacks(struct hart *h)
{
    char *stack = kstack_alloc(), *emergency = kmalloc(PAGE_SIZE);
    if (!stack || !emergency)
        panic("no memory for the stacks of hart %u", h->index);
    h->stack_low = (uint64_t)stack;
    h->kernel_sp = (uint64_t)stack + KSTACK_SIZE;
    h->emergency_sp = (uint64_t)emergency + PAGE_SIZE;
}

static void hart_online(void)
{
    struct hart *h = hart_self();
    __atomic_store_n(&h->online, 1, __ATOMIC_SEQ_CST);
    /* Mappings made before others knew of this hart are not in its TLB. */
    tlb_fence_all();
    shadow_hart_online();
    __atomic_fetch_add(&hart_count, 1, __ATOMIC_SEQ_CST);
    trap_init_hart();
    plic_init_hart();
    sched_init_hart();
}

void hart_main(void)
{
    hart_online();
    sched_idle();
}

static void start_other_harts(paddr_t image)
{
    for (unsigned i = 0; i < machine.hart_count; i++) {
        struct hart *h = &harts[i];
        if (h == hart_self())
            continue;
        give_stacks(h);
        paddr_t entry = image + ((uint64_t)secondary_start - KERNEL_BASE);
        long rc = sbi_hart_start(h->hartid, entry, image + ((uint64_t)h - KERNEL_BASE));
        if (rc < 0)
            printk("hart %lu does not start: SBI error %ld", h->hartid, rc);
    }
    if (machine.harts_ignored)
        printk("%u harts more than %u: not used", machine.harts_ignored, MAX_HARTS);
}

static int asid_limit(void)
{
    char value[8];
    if (!machine_option(&machine, "asidbits", value, sizeof value))
        return -1;
    int bits = 0;
    for (const char *c = value; *c >= '0' && *c <= '9'; c++)
        bits = bits * 10 + (*c - '0');
    return bits;
}

/* Before the first table is made. */
static void choose_isolation(void)
{
    char value[16];
    if (!machine_option(&machine, "isolation", value, sizeof value))
        return;
    if (strcmp(value, "on") == 0)
        pte_global = 0;
    else if (strcmp(value, "off") != 0)
        printk("isolation=%s is not known: it is off", value);
}

static bool every_hart_has_sstc(void)
{
    for (unsigned i = 0; i < machine.hart_count; i++)
        if (!machine.harts[i].sstc)
            return false;
    return true;
}

static void start_devices(void)
{
    volatile uint32_t *rtc = NULL;
    if (machine.plic_size) {
        plic_init(&machine, vmap_mmio(machine.plic_base, plic_map_size(&machine)));
    } else {
        printk("no interrupt controller (PLIC): devices will not work");
    }
    for (unsigned i = 0; i < machine.device_count; i++)
        if (strcmp(machine.devices[i].compatible, "google,goldfish-rtc") == 0 && !rtc)
            rtc = vmap_mmio(machine.devices[i].base, machine.devices[i].size);
    clock_init(rtc);
}

/* The rest runs on the idle thread's stack, which has a guard page. */
static paddr_t image_base;

static void kernel_main_rest(void)
{
    hart_online();
    start_devices();
    plic_init_hart();
    if (!machine.initrd_size)
        panic("no initial RAM image: start QEMU with -initrd");
    bootfile_init(direct_map(machine.initrd_base), machine.initrd_size);
    boot_free_initrd(&machine);
    frame_set_watermarks();
    writeback_init();
    reclaimer_init();
    parked_init();
    swapdisk_init(&machine);
    process_start_init();
    start_other_harts(image_base);
    sched_idle();
}

void kernel_main(uint64_t hartid, paddr_t dtb, paddr_t image, uint64_t cycle)
{
    const char *why = NULL;
    boot_cycle = cycle;
    log_sink.console = sbi_console_write;
    log_sink.halt = halt;
    log_sink.backtrace = backtrace_here;
    image_base = image;
    sbi_init();
    if (machine_parse(&machine, direct_map(dtb), DTB_MAX, &why) < 0)
        panic("device tree: %s", why);
    adopt_boot_hart(hartid);
    char value[16];
    log_sink.marked =
        machine_option(&machine, "console", value, sizeof value) && strcmp(value, "marked") == 0;
    choose_isolation();
    boot_memory(&machine, image);
    kmalloc_init();
    asid_init(asid_limit(), machine.hart_count);
    for (unsigned i = 0; i < machine.hart_count && harts[i].entry; i++)
        harts[i].entry->fence = asid_count() == 0;
    shadow_init(machine.hart_count);
    timer_init(machine.timebase_hz, every_hart_has_sstc());
    printk("Banyan: %u harts, %lu MiB free, %u user ASIDs", machine.hart_count,
           frame_free_count() >> 8, asid_count());
    if (machine.bootargs_truncated)
        printk("the kernel command line is too long and was cut");
    sched_init();
    futex_init();
    family_init();
    pager_init();
    system_init(&machine);
    give_stacks(hart_self());
    run_on_stack(hart_self()->kernel_sp, kernel_main_rest);
}
