/*
 * exec; the contract is in exec.h. Nothing in the file is believed before it has
 * been checked, and the new space is complete before the old one goes.
 */
#include "kernel/exec.h"

#include <stdbool.h>

#include "kernel/device.h"
#include "kernel/errno.h"
#include "kernel/lib/elf.h"
#include "kernel/lib/string.h"
#include "kernel/memobj.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "trap/csr.h"
#include "trap/timer.h"
#include "vm/asid.h"
#include "vm/kmalloc.h"
#include "vm/usercopy.h"

#define SEGMENTS_MAX 16
#define ARGS_MAX     4096  /* strings in argv and envp */
#define WIRED_STACK  32768 /* bytes of stack that a boot program has from the start */

/* A program on its way in. */
struct image {
    struct object *object;
    struct kobject *backing;
    struct space *space;
    struct elf_header header;
    struct elf_segment segments[SEGMENTS_MAX];
    unsigned count;
    vaddr_t end;          /* of the highest segment */
    vaddr_t phdr_address; /* where the program headers are mapped; 0 nowhere */
};

/* ------------------------------------------------------------ the ELF file */

static int read_headers(struct image *im)
{
    struct elf_header *h = &im->header;
    int rc = object_read(im->object, 0, h, sizeof *h);
    if (rc < 0)
        return rc == -ERANGE ? -ENOEXEC : rc;
    if (memcmp(h->ident, ELF_MAGIC, ELF_MAGIC_BYTES) != 0 ||
        h->ident[ELF_IDENT_CLASS] != ELF_CLASS_64 || h->ident[ELF_IDENT_DATA] != ELF_DATA_LITTLE ||
        h->machine != ELF_MACHINE_RISCV || h->type != ELF_TYPE_EXEC ||
        h->segment_size != sizeof(struct elf_segment) || h->segment_count == 0 ||
        h->segment_count > SEGMENTS_MAX)
        return -ENOEXEC;
    im->count = h->segment_count;
    rc = object_read(im->object, h->segments_offset, im->segments,
                     im->count * sizeof im->segments[0]);
    return rc == -ERANGE ? -ENOEXEC : rc;
}

static bool segment_valid(const struct elf_segment *s)
{
    uint64_t in_page = s->address & PAGE_MASK;
    return s->file_size <= s->memory_size && s->address >= USER_MIN && s->address < USER_END &&
           s->memory_size <= USER_END - s->address && (s->offset & PAGE_MASK) == in_page &&
           s->offset + s->file_size >= s->offset &&
           !(s->flags & ELF_SEGMENT_W && s->flags & ELF_SEGMENT_X);
}

static unsigned segment_prot(const struct elf_segment *s)
{
    return (s->flags & ELF_SEGMENT_R ? ABI_PROT_READ : 0) |
           (s->flags & ELF_SEGMENT_W ? ABI_PROT_WRITE : 0) |
           (s->flags & ELF_SEGMENT_X ? ABI_PROT_EXEC : 0);
}

static int map_range(struct image *im, vaddr_t start, vaddr_t end, unsigned prot,
                     struct object *object, uint64_t offset, const char *name, unsigned flags)
{
    struct space_mapping m = {
        .addr = start,
        .size = end - start,
        .prot = prot,
        .flags = flags,
        .max_prot = ABI_PROT_READ | ABI_PROT_WRITE | ABI_PROT_EXEC,
        .fixed = true,
        .object = object,
        .offset = offset,
        .backing = object ? im->backing : NULL,
        .name = name,
    };
    if (start == end)
        return 0;
    int64_t rc = space_map(im->space, &m);
    return rc < 0 ? (int)rc : 0;
}

/* File pages are private mappings of the object; the rest of the last one and
 * all pages after it are zero. */
static int map_segment(struct image *im, const struct elf_segment *s)
{
    if (!segment_valid(s) || s->offset + s->file_size > im->object->size)
        return -ENOEXEC;
    unsigned prot = segment_prot(s);
    vaddr_t start = page_round_down(s->address), file_end = s->address + s->file_size;
    vaddr_t end = page_round_up(s->address + s->memory_size);
    vaddr_t zero_from = s->file_size ? page_round_up(file_end) : start;
    spin_lock(&im->space->lock);
    unsigned i = space_search_locked(im->space, start);
    bool overlaps = i < im->space->count && im->space->regions[i]->start < end;
    spin_unlock(&im->space->lock);
    if (overlaps)
        return -ENOEXEC;
    const char *name = prot & ABI_PROT_EXEC ? "text" : prot & ABI_PROT_WRITE ? "data" : "rodata";
    int rc = s->file_size ? map_range(im, start, zero_from, prot, im->object,
                                      s->offset - (s->address - start), name, 0)
                          : 0;
    if (rc == 0)
        rc = map_range(im, zero_from, end, prot, NULL, 0, "bss", 0);
    if (rc == 0 && s->memory_size > s->file_size && file_end < zero_from && s->file_size) {
        static const char zeros[256];
        if (!(prot & ABI_PROT_WRITE))
            return -ENOEXEC;
        for (vaddr_t at = file_end; rc == 0 && at < zero_from;) {
            size_t n = zero_from - at < sizeof zeros ? zero_from - at : sizeof zeros;
            rc = copy_to_user(im->space, at, zeros, n);
            at += n;
        }
    }
    if (s->address + s->memory_size > im->end)
        im->end = s->address + s->memory_size;
    uint64_t phdrs = im->header.segments_offset;
    if (phdrs >= s->offset && phdrs < s->offset + s->file_size)
        im->phdr_address = s->address + (phdrs - s->offset);
    return rc;
}

static int load(struct image *im)
{
    int rc = read_headers(im);
    bool entry_ok = false;
    for (unsigned i = 0; rc == 0 && i < im->count; i++) {
        const struct elf_segment *s = &im->segments[i];
        if (s->type != ELF_SEGMENT_LOAD || s->memory_size == 0)
            continue;
        rc = map_segment(im, s);
        entry_ok |= s->flags & ELF_SEGMENT_X && im->header.entry >= s->address &&
                    im->header.entry < s->address + s->memory_size;
    }
    if (rc == 0 && (!entry_ok || im->header.entry % 2))
        rc = -ENOEXEC;
    if (rc < 0)
        return rc;
    im->space->brk_start = im->space->brk = page_round_up(im->end);
    return 0;
}

/* --------------------------------------------------------- argument vectors */

/* The strings of argv and envp: counted and measured once. */
struct arguments {
    struct space *from; /* NULL: kernel strings (exec_first) */
    uint64_t argv, envp;
    unsigned argc, envc;
    uint64_t bytes; /* of all strings, NULs included */
};

static long string_length(struct space *s, uint64_t at)
{
    char chunk[128];
    long n = 0;
    while (n < ARG_MAX_ABI) {
        uint64_t step = PAGE_SIZE - ((at + n) & PAGE_MASK);
        if (step > sizeof chunk)
            step = sizeof chunk;
        int rc = copy_from_user(s, chunk, at + n, step);
        if (rc < 0)
            return rc;
        char *end = memchr(chunk, 0, step);
        if (end)
            return n + (end - chunk);
        n += step;
    }
    return -E2BIG;
}

static int measure(struct arguments *a, uint64_t vector, unsigned *count)
{
    for (*count = 0; vector; (*count)++) {
        uint64_t string;
        int rc = copy_from_user(a->from, &string, vector + *count * 8ul, sizeof string);
        if (rc < 0 || !string)
            return rc;
        long n = string_length(a->from, string);
        if (n < 0)
            return (int)n;
        a->bytes += (uint64_t)n + 1;
        if (*count == ARGS_MAX || a->bytes + (*count + 1) * 8ul > ARG_MAX_ABI)
            return -E2BIG;
    }
    return 0;
}

/* Copies the strings of one vector to *at, and their addresses to slots. */
static int copy_vector(struct arguments *a, struct space *to, uint64_t vector, unsigned count,
                       vaddr_t *at, vaddr_t end, vaddr_t slots)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t string;
        int rc = copy_from_user(a->from, &string, vector + i * 8ul, sizeof string);
        if (rc == 0)
            rc = copy_to_user(to, slots + i * 8ul, at, sizeof *at);
        for (bool more = true; rc == 0 && more;) {
            char chunk[128];
            uint64_t step = PAGE_SIZE - (string & PAGE_MASK);
            if (step > sizeof chunk)
                step = sizeof chunk;
            rc = copy_from_user(a->from, chunk, string, step);
            char *nul = rc == 0 ? memchr(chunk, 0, step) : NULL;
            if (nul)
                step = (uint64_t)(nul - chunk) + 1;
            /* Another thread may have made it longer since it was measured. */
            if (rc == 0 && step > end - *at)
                rc = -E2BIG;
            if (rc == 0)
                rc = copy_to_user(to, *at, chunk, step);
            *at += step;
            string += step;
            more = !nul;
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Builds the initial stack; its address in *sp. The layout is in abi.h. */
static int build_stack(struct image *im, struct arguments *a, const char *name, vaddr_t *sp)
{
    uint64_t aux[][2] = {
        {ABI_AT_PHDR, im->phdr_address},
        {ABI_AT_PHENT, sizeof(struct elf_segment)},
        {ABI_AT_PHNUM, im->count},
        {ABI_AT_PAGESZ, PAGE_SIZE},
        {ABI_AT_ENTRY, im->header.entry},
        {ABI_AT_TIMEBASE, timer_timebase()},
        {ABI_AT_NULL, 0},
    };
    if (!a->from) {
        a->argc = 1;
        a->bytes = strlen(name) + 1;
    }
    uint64_t slots = 1 + a->argc + 1 + a->envc + 1;
    vaddr_t strings = USER_END - ((a->bytes + 15) & ~15ul);
    *sp = (strings - slots * 8 - sizeof aux) & ~15ul;
    int rc = map_range(im, page_round_down(*sp), USER_END, ABI_PROT_READ | ABI_PROT_WRITE, NULL, 0,
                       "stack", REGION_STACK);
    vaddr_t argv = *sp + 8, envp = argv + (a->argc + 1) * 8ul, at = strings;
    uint64_t argc = a->argc, zero = 0;
    if (rc == 0)
        rc = copy_to_user(im->space, *sp, &argc, sizeof argc);
    if (rc == 0 && a->from) {
        rc = copy_vector(a, im->space, a->argv, a->argc, &at, USER_END, argv);
        if (rc == 0)
            rc = copy_vector(a, im->space, a->envp, a->envc, &at, USER_END, envp);
    } else if (rc == 0) {
        rc = copy_to_user(im->space, strings, name, a->bytes);
        if (rc == 0)
            rc = copy_to_user(im->space, argv, &strings, sizeof strings);
    }
    if (rc == 0)
        rc = copy_to_user(im->space, envp - 8, &zero, sizeof zero);
    if (rc == 0)
        rc = copy_to_user(im->space, envp + a->envc * 8ul, &zero, sizeof zero);
    if (rc == 0)
        rc = copy_to_user(im->space, envp + (a->envc + 1) * 8ul, aux, sizeof aux);
    return rc;
}

/* --------------------------------------------------------------- replacing */

/* The last part of argv[0], for ps. */
static void take_name(struct process *p, struct arguments *a)
{
    char path[128];
    uint64_t string;
    if (a->argc == 0 || copy_from_user(a->from, &string, a->argv, sizeof string) < 0)
        return;
    size_t n = try_copy_from_user(a->from, path, string, sizeof path - 1);
    path[n] = 0;
    const char *name = path;
    for (const char *c = path; *c; c++)
        if (*c == '/' && c[1])
            name = c + 1;
    process_set_name(p, name);
}

/* The point of no return: the process is single, the new space complete. */
static void commit(struct image *im, vaddr_t sp)
{
    struct thread *t = thread_self();
    struct process *p = t->process;
    spin_lock(&p->lock);
    struct space *old = p->space;
    struct kobject *old_program = p->program;
    p->space = im->space;
    p->program = im->backing;
    spin_unlock(&p->lock);
    kobject_ref(im->backing);
    p->spared = p->spared || (p->wired && !im->object->boot);
    p->wired = im->object->boot;
    im->space->wired = p->wired;
    t->room = 0;
    space_switch(im->space);
    if (old) {
        device_stop_all(old);
        space_unref(old);
    }
    if (old_program)
        kobject_unref(old_program);
    handle_table_close(&p->handles, true);
    memset(&t->tf, 0, sizeof t->tf);
    memset(t->fp, 0, sizeof t->fp);
    fp_forget(t);
    TF_PC_OF(&t->tf) = im->header.entry;
    t->tf.x[REG_SP] = sp;
    t->tf.sstatus = SSTATUS_SPIE;
}

/* Programs of the boot image take their memory now, some stack included: what
 * others depend on must not be refused a page later. */
static int take_memory(struct image *im, vaddr_t sp)
{
    struct space *s = im->space;
    s->wired = true;
    int rc = user_prefault(s, sp - WIRED_STACK, WIRED_STACK, ACCESS_WRITE);
    for (unsigned i = 0; rc == 0 && i < s->count; i++) {
        const struct region *r = s->regions[i];
        if (r->prot & ABI_PROT_WRITE)
            rc = user_prefault(s, r->start, r->end - r->start, ACCESS_WRITE);
        else
            rc = user_prefault(s, r->start, r->end - r->start,
                               r->prot & ABI_PROT_READ ? ACCESS_READ : ACCESS_EXEC);
    }
    return rc;
}

static int run(struct kobject *program, struct arguments *a, const char *name)
{
    struct image *im = kzalloc(sizeof *im);
    if (!im)
        return -ENOMEM;
    vaddr_t sp = 0;
    im->backing = program;
    im->object = memobj_of(program);
    im->space = im->object ? space_create() : NULL;
    int rc = im->space ? load(im) : im->object ? -ENOMEM : -EACCES;
    if (rc == 0)
        rc = build_stack(im, a, name, &sp);
    if (rc == 0 && im->object->boot)
        rc = take_memory(im, sp);
    if (rc == 0 && a->from)
        rc = process_single_out();
    if (rc == 0) {
        if (a->from)
            take_name(thread_self()->process, a);
        commit(im, sp);
    } else if (im->space) {
        space_unref(im->space);
    }
    kfree(im);
    return rc;
}

int exec_user(int h, uint64_t argv, uint64_t envp)
{
    struct process *p = thread_self()->process;
    struct arguments a = {.from = p->space, .argv = argv, .envp = envp};
    struct handle program;
    int rc = handle_get(&p->handles, h, 0, RIGHT_EXEC, &program);
    if (rc < 0)
        return rc == -EPERM ? -EACCES : rc;
    rc = measure(&a, argv, &a.argc);
    if (rc == 0)
        rc = measure(&a, envp, &a.envc);
    if (rc == 0)
        rc = run(program.object, &a, NULL);
    kobject_unref(program.object);
    return rc;
}

int exec_first(struct handle program, const char *name)
{
    struct arguments a = {0};
    int rc = run(program.object, &a, name);
    handle_drop(program);
    return rc;
}
