/*
 * Names for user addresses, from the .symtab of the program that runs: for the
 * line that says why a program was killed. The file is not believed.
 */
#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/exec.h"
#include "kernel/lib/elf.h"
#include "kernel/lib/string.h"
#include "kernel/memobj.h"
#include "kernel/process.h"
#include "kernel/thread.h"

#define SECTIONS_MAX 256
#define SYMBOLS_MAX  65536
#define BATCH        16

static int find_table(struct object *o, struct elf_section *symbols, struct elf_section *strings)
{
    struct elf_header h;
    int rc = object_read(o, 0, &h, sizeof h);
    if (rc < 0)
        return rc;
    if (!h.sections_offset || h.section_size != sizeof *symbols || h.section_count > SECTIONS_MAX)
        return -ENOENT;
    for (unsigned i = 0; i < h.section_count; i++) {
        rc = object_read(o, h.sections_offset + i * sizeof *symbols, symbols, sizeof *symbols);
        if (rc < 0)
            return rc;
        if (symbols->type == ELF_SECTION_SYMTAB && symbols->link < h.section_count)
            return object_read(o, h.sections_offset + symbols->link * sizeof *strings, strings,
                               sizeof *strings);
    }
    return -ENOENT;
}

/* Function symbols only, and the labels of assembly: the nearest below pc. */
static bool better(const struct elf_symbol *s, const struct elf_symbol *best, uint64_t pc)
{
    unsigned type = ELF_SYMBOL_TYPE(s->info);
    if (s->section == ELF_SYMBOL_UNDEFINED || s->value > pc)
        return false;
    if (type != ELF_SYMBOL_FUNCTION || (s->size && pc - s->value >= s->size))
        return false;
    return !best->name || s->value > best->value;
}

int exec_symbol(uint64_t pc, char *name, uint64_t size, uint64_t *offset)
{
    struct process *p = thread_self()->process;
    struct object *o = p->program ? memobj_of(p->program) : NULL;
    struct elf_section symbols, strings;
    struct elf_symbol batch[BATCH], best = {0};
    int rc = o ? find_table(o, &symbols, &strings) : -ENOENT;
    if (rc < 0)
        return rc;
    uint64_t count = symbols.size / sizeof best;
    if (count > SYMBOLS_MAX)
        return -ENOENT;
    for (uint64_t i = 0; i < count; i += BATCH) {
        uint64_t n = count - i < BATCH ? count - i : BATCH;
        rc = object_read(o, symbols.offset + i * sizeof best, batch, n * sizeof best);
        if (rc < 0)
            return rc;
        for (uint64_t j = 0; j < n; j++)
            if (better(&batch[j], &best, pc))
                best = batch[j];
    }
    if (!best.name || best.name >= strings.size)
        return -ENOENT;
    uint64_t length = strings.size - best.name;
    if (length > size - 1)
        length = size - 1;
    rc = object_read(o, strings.offset + best.name, name, length);
    if (rc < 0)
        return rc;
    name[length] = 0;
    *offset = pc - best.value;
    return 0;
}
