/*
 * kernel/lib/machine over device trees made here, and over those that QEMU makes
 * for the machines this system runs on; then over both with random corruption.
 */
/* host-test: kernel/lib/machine.c kernel/lib/fdt.c kernel/lib/string.c */
#include <unistd.h>

#include "kernel/errno.h"
#include "kernel/lib/machine.h"
#include "test/host/lib_check.h"
#include "test/host/lib_tree.h"

#define EMULATOR    "qemu-system-riscv64"
#define CORRUPTIONS 4000 /* of each blob */
#define BLOB_MAX    (2u << 20)

#define INTC(hart)   (0x100u + (hart)) /* phandles */
#define PLIC_PHANDLE 0x50u
#define OTHER        0x51u

static uint64_t seed = 1234567891ull;
static const char *program; /* any file will do where one is needed */

/* What the sample tree has beside its fixed parts; a test changes what it tests. */
struct sample {
    const char *bootargs; /* NULL: no such property */
    unsigned harts;
    unsigned children;   /* of /reserved-memory */
    unsigned transports; /* more devices, from 0x20000000 down */
    bool no_ram, no_cpus, no_timebase, no_plic;
};

static const struct sample usual = {
    .bootargs = "asidbits=2 console=marked -- ls -l", .harts = 3, .children = 1};

static void add_ram(struct tree *t, const char *name, unsigned high, unsigned base, unsigned size)
{
    tree_begin(t, name);
    tree_string(t, "device_type", "memory");
    tree_cells(t, "reg", 4, high, base, 0, size);
    tree_end(t);
}

/* Given out of order, doubled, overlapping, touching, and not in whole pages. */
static void add_all_ram(struct tree *t)
{
    add_ram(t, "memory@90000000", 0, 0x90000000, 0x1000000);
    add_ram(t, "memory@80000000", 0, 0x80000000, 0x4000000);
    add_ram(t, "memory@90000000", 0, 0x90000000, 0x1000000);
    add_ram(t, "memory@83000000", 0, 0x83000000, 0x2000000);
    add_ram(t, "memory@91000000", 0, 0x91000000, 0x1000000);
    add_ram(t, "memory@8f000000", 0, 0x8f000000, 0x1000000);
    add_ram(t, "memory@a0000800", 1, 0xa0000800, 0x2800);
    add_ram(t, "memory@b0000800", 0, 0xb0000800, 0x900);
    tree_begin(t, "memory@c0000000");
    tree_string(t, "device_type", "memory");
    tree_string(t, "status", "disabled");
    tree_cells(t, "reg", 4, 0, 0xc0000000, 0, 0x1000000);
    tree_end(t);
    /* The last reaches past what an address can be. */
    tree_begin(t, "memory@ffffff00000000");
    tree_string(t, "device_type", "memory");
    tree_cells(t, "reg", 4, 0xffffff, 0xfff00000, 0xffffffff, 0xffffffff);
    tree_end(t);
}

static void add_reserved(struct tree *t, unsigned children)
{
    tree_begin(t, "reserved-memory");
    tree_cells(t, "#address-cells", 1, 2);
    tree_cells(t, "#size-cells", 1, 2);
    tree_property(t, "ranges", "", 0);
    for (unsigned i = 0; i < children; i++) {
        tree_begin(t, "firmware");
        tree_cells(t, "reg", 4, 0, 0x80000000 + i * 0x10000 + 4, 0, 0x1ffd);
        tree_property(t, "no-map", "", 0);
        tree_end(t);
    }
    tree_begin(t, "pool"); /* asks for memory, has none */
    tree_cells(t, "size", 2, 0, 0x100000);
    tree_end(t);
    tree_end(t);
}

static void add_hart(struct tree *t, unsigned id, unsigned intc, const char *isa,
                     const char *property, const char *value)
{
    tree_begin(t, "cpu");
    tree_string(t, "device_type", "cpu");
    tree_cells(t, "reg", 1, id);
    tree_string(t, "riscv,isa", isa);
    tree_string(t, property, value);
    tree_begin(t, "interrupt-controller");
    tree_string(t, "compatible", "riscv,cpu-intc");
    tree_cells(t, "phandle", 1, intc);
    tree_end(t);
    tree_end(t);
}

/* Harts 4, 5, ... with three that are not to be used before them. */
static void add_harts(struct tree *t, const struct sample *s)
{
    static const char *const isas[] = {"rv64imafdc_zicsr_sstc_svnapot", "rv64imafdc_zsstc_sstcx",
                                       "rv64imac_sstc1p0_zba"};

    tree_begin(t, "cpus");
    tree_cells(t, "#address-cells", 1, 1);
    tree_cells(t, "#size-cells", 1, 0);
    if (!s->no_timebase)
        tree_cells(t, "timebase-frequency", 1, 10000000);
    add_hart(t, 0, INTC(0), "rv64imac", "mmu-type", "riscv,none");
    add_hart(t, 1, INTC(1), "rv64imac", "status", "disabled");
    for (unsigned i = 0; i < s->harts; i++)
        add_hart(t, 4 + i, INTC(4 + i), isas[i % 3], "mmu-type", "riscv,sv48");
    add_hart(t, 4, INTC(2), "rv64imac", "status", "okay"); /* a second hart 4 */
    tree_begin(t, "cpu-map");
    tree_end(t);
    tree_end(t);
}

static void add_device(struct tree *t, const char *name, const char *compatible, unsigned base,
                       unsigned size, unsigned irq)
{
    tree_begin(t, name);
    tree_string(t, "compatible", compatible);
    tree_cells(t, "reg", 4, 0, base, 0, size);
    if (irq != 0)
        tree_cells(t, "interrupts", 1, irq);
}

static void add_devices(struct tree *t, const struct sample *s)
{
    add_device(t, "serial@10000000", "ns16550a", 0x10000000, 0x100, 10);
    tree_cells(t, "clock-frequency", 1, 3686400);
    tree_end(t);
    add_device(t, "virtio@10002000", "virtio,mmio", 0x10002000, 0x1000, 2);
    tree_cells(t, "interrupt-parent", 1, OTHER); /* not a line of the PLIC */
    tree_end(t);
    add_device(t, "virtio@10001000", "virtio,mmio", 0x10001000, 0x1000, 0);
    tree_cells(t, "interrupts-extended", 2, PLIC_PHANDLE, 1);
    tree_end(t);
    add_device(t, "virtio@10001000", "virtio,mmio", 0x10001000, 0x2000, 3); /* again */
    tree_end(t);
    add_device(t, "virtio@10003000", "virtio,mmio", 0x10003000, 0x1000, 54); /* no such line */
    tree_end(t);
    add_device(t, "virtio@10004000", "virtio,mmio", 0x10004000, 0, 4); /* no registers */
    tree_end(t);
    add_device(t, "rtc@101000", "google,goldfish-rtc", 0x101000, 0x1000, 11);
    tree_end(t);
    add_device(t, "test@100000", "sifive,test0", 0x100000, 0x1000, 12); /* no driver */
    tree_end(t);
    for (unsigned i = 0; i < s->transports; i++) {
        add_device(t, "virtio", "virtio,mmio", 0x20000000 - i * 0x1000, 0x1000, 0);
        tree_end(t);
    }
    if (s->no_plic)
        return;
    tree_begin(t, "plic@c000000");
    tree_string(t, "compatible", "riscv,plic0");
    tree_cells(t, "reg", 4, 0, 0xc000000, 0, 0x206000); /* room for six contexts */
    tree_cells(t, "riscv,ndev", 1, 53);
    tree_cells(t, "phandle", 1, PLIC_PHANDLE);
    tree_cells(t, "interrupts-extended", 16, INTC(0), 11, INTC(4), 11, INTC(6), 9, INTC(4), 9, -1u,
               -1u, INTC(4), 9, INTC(5), 9, INTC(5), 11);
    tree_end(t);
}

static void add_chosen(struct tree *t, const struct sample *s)
{
    tree_begin(t, "chosen");
    tree_string(t, "stdout-path", "serial0:115200n8");
    if (s->bootargs != NULL)
        tree_string(t, "bootargs", s->bootargs);
    tree_cells(t, "linux,initrd-start", 2, 0, 0x84000000);
    tree_cells(t, "linux,initrd-end", 1, 0x84001234);
    tree_end(t);
    tree_begin(t, "aliases");
    tree_string(t, "serial0", "/soc/serial@10000000");
    tree_end(t);
}

static struct tree_blob make_tree(const struct sample *s)
{
    static struct tree t;

    memset(&t, 0, sizeof(t));
    tree_reserve(&t, 0x80002000, 0x800);
    tree_reserve(&t, 0x85000fff, 1);
    tree_begin(&t, "");
    tree_cells(&t, "#address-cells", 1, 2);
    tree_cells(&t, "#size-cells", 1, 2);
    add_chosen(&t, s);
    if (!s->no_ram)
        add_all_ram(&t);
    add_reserved(&t, s->children);
    tree_begin(&t, "soc");
    tree_cells(&t, "#address-cells", 1, 2);
    tree_cells(&t, "#size-cells", 1, 2);
    tree_property(&t, "ranges", "", 0);
    add_devices(&t, s);
    tree_end(&t);
    tree_begin(&t, "translating-bus");
    tree_cells(&t, "#address-cells", 1, 2);
    tree_cells(&t, "#size-cells", 1, 2);
    tree_cells(&t, "ranges", 6, 0, 0, 0, 0x20000000, 0, 0x1000);
    add_device(&t, "serial@0", "ns16550a", 0, 0x100, 10);
    tree_end(&t);
    tree_end(&t);
    if (!s->no_cpus)
        add_harts(&t, s);
    tree_end(&t);
    tree_word(&t, TREE_LAST);
    return tree_finish(&t);
}

/* Parses the sample; true if that went well. */
static bool parse(struct machine *m, const struct sample *s, const char **why)
{
    struct tree_blob blob = make_tree(s);
    int result = machine_parse(m, blob.bytes, blob.size, why);

    CHECK(result == (*why == NULL ? 0 : -EINVAL));
    CHECK(m->dtb_size == blob.size);
    free(blob.bytes);
    return result == 0;
}

static bool is_range(const struct machine_range *range, uint64_t base, uint64_t size)
{
    return range->base == base && range->size == size;
}

static void test_memory(void)
{
    static struct machine m;
    const char *why;

    CHECK(parse(&m, &usual, &why));
    CHECK(m.ram_count == 4);
    CHECK(is_range(&m.ram[0], 0x80000000, 0x5000000));
    CHECK(is_range(&m.ram[1], 0x8f000000, 0x3000000));
    CHECK(is_range(&m.ram[2], 0x1a0001000, 0x2000));
    CHECK(is_range(&m.ram[3], 0xfffffffff00000, 0x100000));
    CHECK(m.reserved_count == 2);
    CHECK(is_range(&m.reserved[0], 0x80000000, 0x3000)); /* the child joins the block's entry */
    CHECK(is_range(&m.reserved[1], 0x85000000, 0x1000));
    CHECK(m.initrd_base == 0x84000000 && m.initrd_size == 0x1234);
}

static void test_harts(void)
{
    static struct machine m;
    struct sample many = usual;
    const char *why;

    CHECK(parse(&m, &usual, &why));
    CHECK(m.timebase_hz == 10000000 && m.hart_count == 3 && m.harts_ignored == 0);
    CHECK(m.plic_base == 0xc000000 && m.plic_size == 0x206000 && m.plic_sources == 53);
    CHECK(m.harts[0].hartid == 4 && m.harts[0].sstc && m.harts[0].plic_context == 3);
    CHECK(m.harts[1].hartid == 5 && !m.harts[1].sstc);
    CHECK(m.harts[1].plic_context == -1); /* its registers are past the PLIC's end */
    CHECK(m.harts[2].hartid == 6 && m.harts[2].sstc && m.harts[2].plic_context == 2);
    many.harts = MACHINE_MAX_HARTS + 2;
    CHECK(parse(&m, &many, &why));
    CHECK(m.hart_count == MACHINE_MAX_HARTS && m.harts_ignored == 2);
}

static bool is_device(const struct machine_device *device, const char *compatible, uint64_t base,
                      uint64_t size, uint32_t irq, uint32_t clock_hz)
{
    return strcmp(device->compatible, compatible) == 0 && device->base == base &&
           device->size == size && device->irq == irq && device->clock_hz == clock_hz;
}

static void test_devices(void)
{
    static struct machine m;
    struct sample bare = usual, many = usual;
    const char *why;

    CHECK(parse(&m, &usual, &why));
    CHECK(m.device_count == 5);
    CHECK(is_device(&m.devices[0], "google,goldfish-rtc", 0x101000, 0x1000, 11, 0));
    CHECK(is_device(&m.devices[1], "ns16550a", 0x10000000, 0x100, 10, 3686400));
    CHECK(is_device(&m.devices[2], "virtio,mmio", 0x10001000, 0x1000, 1, 0));
    CHECK(is_device(&m.devices[3], "virtio,mmio", 0x10002000, 0x1000, 0, 0));
    CHECK(is_device(&m.devices[4], "virtio,mmio", 0x10003000, 0x1000, 0, 0));
    CHECK(m.stdout_device == 1);
    many.transports = MACHINE_MAX_DEVICES;
    CHECK(parse(&m, &many, &why) && m.device_count == MACHINE_MAX_DEVICES);
    CHECK(m.stdout_device == 1 && m.devices[MACHINE_MAX_DEVICES - 1].base == 0x20000000);
    CHECK(m.devices[5].base == 0x20000000 - (MACHINE_MAX_DEVICES - 6) * 0x1000);
    bare.no_plic = true;
    CHECK(parse(&m, &bare, &why));
    CHECK(m.plic_size == 0 && m.plic_sources == 0 && m.harts[0].plic_context == -1);
    CHECK(m.device_count == 5 && m.devices[1].irq == 0);
}

/* One sample with one thing amiss: an error that names it. */
static void expect_error(struct sample s, const char *word)
{
    static struct machine m;
    const char *why;
    bool good = parse(&m, &s, &why);

    CHECK(!good && why != NULL && strstr(why, word) != NULL);
}

static void test_errors(void)
{
    static struct machine m;
    struct sample full = usual;
    const char *why;

    expect_error((struct sample){.harts = 1, .no_ram = true}, "memory");
    expect_error((struct sample){.harts = 1, .no_cpus = true}, "/cpus");
    expect_error((struct sample){.harts = 1, .no_timebase = true}, "timebase");
    expect_error((struct sample){.harts = 1, .children = MACHINE_MAX_RANGES}, "too many");
    full.children = MACHINE_MAX_RANGES - 1; /* and one of the block's own */
    CHECK(parse(&m, &full, &why) && m.reserved_count == MACHINE_MAX_RANGES);
    CHECK(machine_parse(&m, "not a tree", 10, &why) == -EINVAL && strlen(why) > 10);
}

static void test_bootargs(void)
{
    static struct machine m;
    struct sample s = usual;
    char long_one[1100];
    const char *why;

    CHECK(parse(&m, &s, &why) && strcmp(m.bootargs, usual.bootargs) == 0 && !m.bootargs_truncated);
    s.bootargs = NULL;
    CHECK(parse(&m, &s, &why) && m.bootargs[0] == '\0' && !m.bootargs_truncated);
    memset(long_one, 'x', sizeof(long_one));
    long_one[1023] = '\0';
    s.bootargs = long_one;
    CHECK(parse(&m, &s, &why) && strlen(m.bootargs) == 1023 && !m.bootargs_truncated);
    long_one[1023] = 'x';
    long_one[1024] = '\0';
    CHECK(parse(&m, &s, &why) && strlen(m.bootargs) == 1023 && m.bootargs_truncated);
}

/* NULL: there is no such option. */
static bool option_is(const char *bootargs, const char *name, const char *expected)
{
    static struct machine m;
    char value[8] = "before";
    bool found;

    snprintf(m.bootargs, sizeof(m.bootargs), "%s", bootargs);
    found = machine_option(&m, name, value, sizeof(value));
    CHECK(machine_option(&m, name, NULL, 0) == found);
    return found == (expected != NULL) && strcmp(value, found ? expected : "before") == 0;
}

static void test_options(void)
{
    CHECK(option_is("asidbits=2 isolation=on", "asidbits", "2"));
    CHECK(option_is("asidbits=2 isolation=on", "isolation", "on"));
    CHECK(option_is("  quiet\t a=b=c \n", "quiet", "") && option_is("a=b=c", "a", "b=c"));
    CHECK(option_is("a=1 a=2", "a", "2") && option_is("a=1 a", "a", ""));
    CHECK(option_is("a=", "a", "") && option_is("a=1234567890", "a", "1234567"));
    CHECK(option_is("", "a", NULL) && option_is("   ", "a", NULL) && option_is("ab", "a", NULL));
    CHECK(option_is("b=a", "a", NULL) && option_is("xa=1", "a", NULL));
    CHECK(option_is("a -- b", "b", NULL) && option_is("a -- b", "a", ""));
    CHECK(option_is("-- b", "b", NULL) && option_is("x --", "--", NULL));
    CHECK(option_is("--b=1 -- c", "--b", "1") && option_is("a=-- b", "b", ""));
}

/* The tree that QEMU makes for that many harts; no bytes if there is no QEMU. */
static struct tree_blob dump(unsigned harts)
{
    struct tree_blob blob = {0};
    char command[2048], file[1024];
    FILE *stream;

    snprintf(file, sizeof(file), "%s.dtb", program);
    snprintf(command, sizeof(command),
             EMULATOR " -machine virt -smp %u -m 256M -display none -kernel '%s' -initrd '%s'"
                      " -append 'a=%u -- echo' -machine dumpdtb='%s' 2>/dev/null",
             harts, program, program, harts, file);
    if (system(command) != 0 || (stream = fopen(file, "r")) == NULL)
        return blob;
    blob.bytes = malloc(BLOB_MAX);
    blob.size = fread(blob.bytes, 1, BLOB_MAX, stream);
    fclose(stream);
    unlink(file);
    return blob;
}

static void check_emulated(unsigned harts)
{
    static struct machine m;
    struct tree_blob blob = dump(harts);
    const char *why = NULL;
    char value[4] = "";

    CHECK(blob.size > 0 && machine_parse(&m, blob.bytes, blob.size, &why) == 0);
    CHECK(m.ram_count == 1 && is_range(&m.ram[0], 0x80000000, 0x10000000));
    CHECK(m.hart_count == harts && m.harts_ignored == 0 && m.timebase_hz == 10000000);
    for (unsigned i = 0; i < m.hart_count; i++) {
        CHECK(m.harts[i].hartid == i && m.harts[i].plic_context == (int)(2 * i + 1));
        CHECK(m.harts[i].sstc);
    }
    CHECK(m.plic_base == 0xc000000 && m.plic_sources > 50);
    CHECK(m.device_count == 10 &&
          is_device(&m.devices[0], "google,goldfish-rtc", 0x101000, 0x1000, 11, 0));
    CHECK(m.stdout_device == 1 && strcmp(m.devices[1].compatible, "ns16550a") == 0);
    CHECK(is_device(&m.devices[2], "virtio,mmio", 0x10001000, 0x1000, 1, 0));
    CHECK(is_device(&m.devices[9], "virtio,mmio", 0x10008000, 0x1000, 8, 0));
    CHECK(machine_option(&m, "a", value, sizeof(value)) && value[0] == (char)('0' + harts));
    CHECK(m.initrd_size > 0 && m.initrd_base > m.ram[0].base);
    free(blob.bytes);
}

static bool sorted(const struct machine_range *ranges, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (ranges[i].size == 0 || (ranges[i].base | ranges[i].size) % 4096 != 0 ||
            ranges[i].base + ranges[i].size > 1ull << 56)
            return false;
        if (i > 0 && ranges[i - 1].base + ranges[i - 1].size >= ranges[i].base)
            return false;
    }
    return true;
}

/* What the header promises of any tree that is taken. */
static void check_promises(const struct machine *m)
{
    CHECK(m->ram_count >= 1 && m->ram_count <= MACHINE_MAX_RANGES);
    CHECK(m->reserved_count <= MACHINE_MAX_RANGES);
    CHECK(sorted(m->ram, m->ram_count) && sorted(m->reserved, m->reserved_count));
    CHECK(m->hart_count >= 1 && m->hart_count <= MACHINE_MAX_HARTS && m->timebase_hz != 0);
    CHECK(m->device_count <= MACHINE_MAX_DEVICES && m->plic_sources <= 1023);
    for (unsigned i = 0; i < m->hart_count; i++) {
        CHECK(m->harts[i].plic_context < 0 ||
              0x201000 + (uint64_t)m->harts[i].plic_context * 0x1000 <= m->plic_size);
    }
    for (unsigned i = 0; i < m->device_count; i++) {
        CHECK(m->devices[i].irq <= m->plic_sources && m->devices[i].size > 0);
        CHECK(i == 0 || m->devices[i - 1].base < m->devices[i].base);
    }
    CHECK(m->stdout_device >= -1 && m->stdout_device < (int)m->device_count);
    CHECK(memchr(m->bootargs, '\0', sizeof(m->bootargs)) != NULL);
    CHECK(m->initrd_base + m->initrd_size >= m->initrd_base);
}

/* blob.bytes is freed. A blob of which only a part is tree is cut to that. */
static void corrupt(struct tree_blob blob)
{
    static struct machine m;
    const char *why;
    unsigned taken = 0;

    CHECK(blob.size > 0 && machine_parse(&m, blob.bytes, blob.size, &why) == 0);
    blob.size = m.dtb_size;
    for (int round = 0; round < CORRUPTIONS && !check_failing; round++) {
        struct tree_blob bad = tree_corrupt(&blob, check_random, &seed);

        if (machine_parse(&m, bad.bytes, bad.size, &why) == 0) {
            check_promises(&m);
            taken++;
        } else {
            CHECK(why != NULL);
        }
        free(bad.bytes);
    }
    printf("# %u of %u still taken\n", taken, CORRUPTIONS);
    CHECK(taken > CORRUPTIONS / 100 && taken < CORRUPTIONS);
    free(blob.bytes);
}

static void test_emulated(void)
{
    if (system("command -v " EMULATOR " >/dev/null") != 0) {
        check_end("QEMU's trees are read # SKIP no " EMULATOR);
        check_end("corruption of QEMU's tree is neither a crash nor a hang # SKIP no " EMULATOR);
        return;
    }
    check_emulated(1);
    check_emulated(4);
    check_emulated(8);
    check_end("QEMU's trees are read");
    corrupt(dump(4));
    check_end("corruption of QEMU's tree is neither a crash nor a hang");
}

int main(int argc, char **argv)
{
    program = argc > 0 ? argv[0] : "";
    check_plan(9);
    test_memory();
    check_end("RAM and reserved ranges are sorted, joined and made whole pages");
    test_harts();
    check_end("harts come with their PLIC contexts and Sstc");
    test_devices();
    check_end("devices come by address with their lines");
    test_errors();
    check_end("what must be there and is not is an error in words");
    test_bootargs();
    check_end("bootargs are copied, and cut if too long");
    test_options();
    check_end("options are found before the command only");
    corrupt(make_tree(&usual));
    check_end("corruption of the sample tree is neither a crash nor a hang");
    test_emulated();
    return check_exit();
}
