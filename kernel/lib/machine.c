/*
 * The machine as the device tree describes it. The contract is in machine.h,
 * the names of nodes and properties in the Devicetree Specification and in the
 * RISC-V, PLIC and chosen bindings.
 */
#include "kernel/lib/machine.h"

#include "kernel/errno.h"
#include "kernel/lib/fdt.h"
#include "kernel/lib/string.h"

#define PAGE_BYTES    4096ull
#define PHYSICAL_END  (1ull << 56) /* Sv39's physical addresses have 56 bits */
#define S_EXTERNAL    9            /* the cause that a PLIC context raises for S-mode */
#define PLIC_LINES    1023
#define PLIC_CONTEXTS 0x200000ull /* offset of the first context's registers */
#define PLIC_CONTEXT  0x1000ull   /* bytes of each */

struct parse {
    struct machine *m;
    struct fdt fdt;
    uint32_t plic_phandle;                     /* 0 none */
    uint32_t intc_phandle[MACHINE_MAX_HARTS];  /* of a hart's controller, 0 none */
    uint32_t device_node[MACHINE_MAX_DEVICES]; /* its walk's properties offset */
    const char *why;
};

static const char *const drivable[] = {"ns16550a", "virtio,mmio", "google,goldfish-rtc"};

/* Puts base up to end into the sorted list, joined with all it overlaps or
 * touches. False: the list is full. */
static bool add_range(struct machine_range *list, unsigned *count, uint64_t base, uint64_t end)
{
    unsigned first = 0, past;

    while (first < *count && list[first].base + list[first].size < base)
        first++;
    for (past = first; past < *count && list[past].base <= end; past++) {
        uint64_t other = list[past].base + list[past].size;

        base = list[past].base < base ? list[past].base : base;
        end = other > end ? other : end;
    }
    if (past == first && *count == MACHINE_MAX_RANGES)
        return false;
    memmove(&list[first + 1], &list[past], (*count - past) * sizeof(list[0]));
    list[first] = (struct machine_range){.base = base, .size = end - base};
    *count = *count + 1 - (past - first);
    return true;
}

static bool clip_range(uint64_t base, uint64_t size, uint64_t *end)
{
    if (size == 0 || base >= PHYSICAL_END)
        return false;
    *end = size > PHYSICAL_END - base ? PHYSICAL_END : base + size;
    return true;
}

static void add_ram(struct machine *m, uint64_t base, uint64_t size)
{
    uint64_t end;

    if (!clip_range(base, size, &end))
        return;
    base = (base + PAGE_BYTES - 1) & -PAGE_BYTES;
    end &= -PAGE_BYTES;
    if (base < end)
        add_range(m->ram, &m->ram_count, base, end);
}

/* Unlike RAM, a reserved range must not be forgotten. */
static void add_reserved(struct parse *p, uint64_t base, uint64_t size)
{
    uint64_t end;

    if (!clip_range(base, size, &end))
        return;
    base &= -PAGE_BYTES;
    end = (end + PAGE_BYTES - 1) & -PAGE_BYTES;
    if (!add_range(p->m->reserved, &p->m->reserved_count, base, end))
        p->why = "the device tree reserves too many ranges of memory";
}

static bool has_type(const struct fdt_walk *walk, const char *type)
{
    struct fdt_property property;

    return fdt_property(walk, "device_type", &property) && fdt_list_has(&property, type);
}

static void parse_ram(struct parse *p)
{
    struct fdt_walk walk;
    uint64_t base, size;

    fdt_walk_start(&walk, &p->fdt);
    while (fdt_next(&walk)) {
        if (walk.depth != 1 || !has_type(&walk, "memory") || !fdt_enabled(&walk))
            continue;
        for (uint32_t i = 0; fdt_reg(&walk, i, &base, &size); i++)
            add_ram(p->m, base, size);
    }
    if (p->m->ram_count == 0)
        p->why = "the device tree names no memory";
}

/* A node's status says nothing here: what is reserved in vain is lost, what is
 * used in vain is a crash. */
static void parse_reserved(struct parse *p)
{
    struct fdt_walk walk;
    uint64_t base, size;

    for (uint32_t i = 0; fdt_reservation(&p->fdt, i, &base, &size); i++)
        add_reserved(p, base, size);

    fdt_walk_start(&walk, &p->fdt);
    if (!fdt_find(&walk, "/reserved-memory", 16))
        return;
    while (fdt_next(&walk) && walk.depth > 1) {
        struct fdt_property reg;

        /* A child with a size and no reg asks for memory; it has none yet. */
        if (walk.depth != 2 || !fdt_property(&walk, "reg", &reg))
            continue;
        if (!fdt_reg(&walk, 0, &base, &size))
            p->why = "a reserved-memory node of the device tree has an odd reg";
        for (uint32_t i = 0; fdt_reg(&walk, i, &base, &size); i++)
            add_reserved(p, base, size);
    }
}

/* Whether name is one of the extensions of an ISA string such as
 * "rv64imafdc_zicsr_sstc"; a version may follow it ("sstc1p0"). */
static bool isa_has(const struct fdt_property *isa, const char *name)
{
    const char *text = (const char *)isa->data;
    size_t size = strnlen(text, isa->size), length = strlen(name);

    for (size_t i = 0; i + length < size; i++) {
        const char *word = text + i + 1;
        size_t left = size - i - 1;

        if (text[i] != '_' || strncmp(word, name, length) != 0)
            continue;
        if (left == length || word[length] == '_' || (word[length] >= '0' && word[length] <= '9'))
            return true;
    }
    return false;
}

static bool has_sstc(const struct fdt_walk *walk)
{
    struct fdt_property isa;

    if (fdt_property(walk, "riscv,isa-extensions", &isa) && fdt_list_has(&isa, "sstc"))
        return true;
    return fdt_property(walk, "riscv,isa", &isa) && isa_has(&isa, "sstc");
}

/* Harts without an MMU (monitor cores) cannot run this kernel. A tree that does
 * not speak of MMUs is believed to mean harts that have one. */
static bool has_mmu(const struct fdt_walk *walk)
{
    struct fdt_property type;

    return !fdt_property(walk, "mmu-type", &type) || !fdt_list_has(&type, "riscv,none");
}

/* The index of the new hart, -1 if it is not one to use. */
static int add_hart(struct machine *m, const struct fdt_walk *walk)
{
    uint64_t hartid, none;

    if (!has_type(walk, "cpu") || !fdt_enabled(walk) || !has_mmu(walk) ||
        !fdt_reg(walk, 0, &hartid, &none))
        return -1;
    for (unsigned i = 0; i < m->hart_count; i++) {
        if (m->harts[i].hartid == hartid)
            return -1;
    }
    if (m->hart_count == MACHINE_MAX_HARTS) {
        m->harts_ignored++;
        return -1;
    }
    m->harts[m->hart_count] =
        (struct machine_hart){.hartid = hartid, .plic_context = -1, .sstc = has_sstc(walk)};
    return (int)m->hart_count++;
}

static uint32_t phandle_of(const struct fdt_walk *walk)
{
    uint64_t phandle;

    return fdt_number(walk, "phandle", &phandle) ? (uint32_t)phandle : 0;
}

static void parse_harts(struct parse *p)
{
    struct machine *m = p->m;
    struct fdt_walk walk;
    uint64_t hz;
    int hart = -1;

    fdt_walk_start(&walk, &p->fdt);
    if (!fdt_find(&walk, "/cpus", 5)) {
        p->why = "the device tree has no /cpus";
        return;
    }
    fdt_number(&walk, "timebase-frequency", &m->timebase_hz);
    while (fdt_next(&walk) && walk.depth > 1) {
        if (walk.depth == 2) {
            hart = add_hart(m, &walk);
            if (m->timebase_hz == 0 && fdt_number(&walk, "timebase-frequency", &hz))
                m->timebase_hz = hz;
        } else if (walk.depth == 3 && hart >= 0 && fdt_compatible(&walk, "riscv,cpu-intc")) {
            p->intc_phandle[hart] = phandle_of(&walk);
        }
    }
    if (m->hart_count == 0)
        p->why = "the device tree has no hart that is okay";
    else if (m->timebase_hz == 0)
        p->why = "the device tree has no timebase-frequency";
}

/* interrupts-extended is a list of pairs, one for each context in order: the
 * phandle of a hart's controller, and the cause raised there. */
static void parse_plic_contexts(struct parse *p, const struct fdt_property *pairs)
{
    struct machine *m = p->m;
    uint64_t phandle, cause;

    for (uint32_t i = 0;
         fdt_cells(pairs, i * 8, 1, &phandle) && fdt_cells(pairs, i * 8 + 4, 1, &cause) &&
         PLIC_CONTEXTS + (i + 1) * PLIC_CONTEXT <= m->plic_size;
         i++) {
        for (unsigned hart = 0; hart < m->hart_count; hart++) {
            if (cause == S_EXTERNAL && phandle != 0 && p->intc_phandle[hart] == phandle &&
                m->harts[hart].plic_context < 0)
                m->harts[hart].plic_context = (int)i;
        }
    }
}

/* Where the node's registers are. False: nowhere that can be used. */
static bool get_registers(const struct fdt_walk *walk, uint64_t *base, uint64_t *size)
{
    return !walk->translated && fdt_reg(walk, 0, base, size) && *size > 0 && *base < PHYSICAL_END &&
           *size <= PHYSICAL_END - *base;
}

static void parse_plic(struct parse *p)
{
    struct machine *m = p->m;
    struct fdt_walk walk;
    struct fdt_property pairs;
    uint64_t base, size, lines;

    fdt_walk_start(&walk, &p->fdt);
    while (fdt_next(&walk)) {
        if ((fdt_compatible(&walk, "sifive,plic-1.0.0") || fdt_compatible(&walk, "riscv,plic0")) &&
            fdt_enabled(&walk) && get_registers(&walk, &base, &size)) {
            m->plic_base = base;
            m->plic_size = size;
            if (fdt_number(&walk, "riscv,ndev", &lines))
                m->plic_sources = lines < PLIC_LINES ? (uint32_t)lines : PLIC_LINES;
            if (fdt_property(&walk, "interrupts-extended", &pairs))
                parse_plic_contexts(p, &pairs);
            p->plic_phandle = phandle_of(&walk);
            return;
        }
    }
}

/* The node's first line at the PLIC; 0 if it has none there. */
static uint32_t get_irq(const struct parse *p, const struct fdt_walk *walk)
{
    struct fdt_property property;
    uint64_t parent, irq;

    if (fdt_property(walk, "interrupts-extended", &property)) {
        if (!fdt_cells(&property, 0, 1, &parent) || !fdt_cells(&property, 4, 1, &irq))
            return 0;
    } else if (fdt_property(walk, "interrupts", &property)) {
        /* With no interrupt-parent of its own, its bus has one: the PLIC, there
         * being no other controller that we know. */
        if (!fdt_number(walk, "interrupt-parent", &parent))
            parent = p->plic_phandle;
        if (!fdt_cells(&property, 0, 1, &irq))
            return 0;
    } else {
        return 0;
    }
    return parent == p->plic_phandle && irq <= p->m->plic_sources ? (uint32_t)irq : 0;
}

/* Inserts at its place by address. A second node at the same address, or one past
 * the table's end, is passed over. */
static void add_device(struct parse *p, const struct machine_device *device, uint32_t node)
{
    struct machine *m = p->m;
    unsigned at = m->device_count;

    if (at == MACHINE_MAX_DEVICES)
        return;
    for (unsigned i = 0; i < m->device_count; i++) {
        if (m->devices[i].base == device->base)
            return;
    }
    for (; at > 0 && m->devices[at - 1].base > device->base; at--) {
        m->devices[at] = m->devices[at - 1];
        p->device_node[at] = p->device_node[at - 1];
    }
    m->devices[at] = *device;
    p->device_node[at] = node;
    m->device_count++;
}

static void parse_devices(struct parse *p)
{
    struct fdt_walk walk;

    fdt_walk_start(&walk, &p->fdt);
    while (fdt_next(&walk)) {
        for (unsigned i = 0; i < sizeof(drivable) / sizeof(drivable[0]); i++) {
            struct machine_device device = {.irq = 0};
            uint64_t hz;

            if (!fdt_compatible(&walk, drivable[i]))
                continue;
            if (fdt_enabled(&walk) && get_registers(&walk, &device.base, &device.size)) {
                strlcpy(device.compatible, drivable[i], sizeof(device.compatible));
                device.irq = get_irq(p, &walk);
                if (fdt_number(&walk, "clock-frequency", &hz) && hz <= UINT32_MAX)
                    device.clock_hz = (uint32_t)hz;
                add_device(p, &device, walk.properties);
            }
            break;
        }
    }
}

/* stdout-path may go on after a colon with the line's settings. */
static void parse_stdout(struct parse *p, const struct fdt_property *path)
{
    const char *text = (const char *)path->data;
    size_t length = strnlen(text, path->size);
    const char *colon = memchr(text, ':', length);
    struct fdt_walk walk;

    fdt_walk_start(&walk, &p->fdt);
    if (!fdt_find(&walk, text, colon != NULL ? (size_t)(colon - text) : length))
        return;
    for (unsigned i = 0; i < p->m->device_count; i++) {
        if (p->device_node[i] == walk.properties)
            p->m->stdout_device = (int)i;
    }
}

static void parse_chosen(struct parse *p)
{
    struct machine *m = p->m;
    struct fdt_walk walk;
    struct fdt_property property;
    uint64_t start, end;

    fdt_walk_start(&walk, &p->fdt);
    if (!fdt_find(&walk, "/chosen", 7))
        return;
    if (fdt_property(&walk, "bootargs", &property)) {
        size_t length = strnlen((const char *)property.data, property.size);

        if (length >= sizeof(m->bootargs)) {
            length = sizeof(m->bootargs) - 1;
            m->bootargs_truncated = true;
        }
        memcpy(m->bootargs, property.data, length); /* the rest is zero */
    }
    if (fdt_number(&walk, "linux,initrd-start", &start) &&
        fdt_number(&walk, "linux,initrd-end", &end) && start < end && end <= PHYSICAL_END) {
        m->initrd_base = start;
        m->initrd_size = end - start;
    }
    if (fdt_property(&walk, "stdout-path", &property))
        parse_stdout(p, &property);
}

int machine_parse(struct machine *m, const void *dtb, size_t max, const char **why)
{
    /* In this order: later ones look at what earlier ones found. */
    static void (*const parts[])(struct parse *) = {
        parse_ram, parse_reserved, parse_harts, parse_plic, parse_devices, parse_chosen,
    };
    struct parse p = {.m = m};

    memset(m, 0, sizeof(*m));
    m->stdout_device = -1;
    if (fdt_open(&p.fdt, dtb, max, why) < 0)
        return -EINVAL;
    m->dtb_size = p.fdt.size;
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]) && p.why == NULL; i++)
        parts[i](&p);
    *why = p.why;
    return p.why == NULL ? 0 : -EINVAL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool machine_option(const struct machine *m, const char *name, char *value, size_t size)
{
    size_t wanted = strlen(name);
    const char *at = m->bootargs;
    bool found = false;

    for (;;) {
        size_t length = 0;

        while (is_blank(*at))
            at++;
        while (at[length] != '\0' && !is_blank(at[length]))
            length++;
        if (length == 0 || (length == 2 && at[0] == '-' && at[1] == '-'))
            return found;
        if (length >= wanted && memcmp(at, name, wanted) == 0 &&
            (length == wanted || at[wanted] == '=')) {
            size_t skip = length == wanted ? wanted : wanted + 1;
            size_t fits = length - skip < size ? length - skip : size - 1;

            found = true;
            if (size > 0) {
                memcpy(value, at + skip, fits);
                value[fits] = '\0';
            }
        }
        at += length;
    }
}
