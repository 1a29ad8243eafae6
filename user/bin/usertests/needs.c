#include "user/bin/usertests/needs.h"

#include <banyan.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEEDS_FILE "/etc/usertests"
#define MIB        (1ul << 20)

/* The machine that we are on. */
struct machine {
    unsigned long cpus, mem, swap; /* the last two in bytes */
    char kargs[1024];
};

static void fail(const char *what, int error)
{
    fprintf(stderr, "usertests: %s: %s\n", what, strerror(error));
    exit(1);
}

/* Firmware keeps some of memory, and the swap disk's table some of it: less than a MiB each. */
static unsigned long size_of(unsigned long pages)
{
    return (pages * PAGE_SIZE_ABI + MIB - 1) / MIB * MIB;
}

static void look_at(struct machine *machine)
{
    struct abi_memory memory;
    struct abi_counters counters;
    long err = sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0);

    if (err >= 0)
        err = sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&counters, 0, 0);
    if (err >= 0)
        err =
            sys_system(H_SYSTEM, SYSTEM_BOOT_ARGS, (long)machine->kargs, sizeof(machine->kargs), 0);
    if (err < 0)
        fail("cannot look at the machine", (int)-err);
    machine->cpus = counters.harts;
    machine->mem = size_of(memory.total);
    machine->swap = size_of(memory.swap_total);
}

/* 2 or 64M at *text, which is moved behind it. */
static unsigned long number_at(const char **text)
{
    static const char units[] = "KMG";
    char *end;
    unsigned long number = strtoul(*text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : 0;

    if (unit) {
        number <<= 10 * (unit - units + 1);
        end++;
    }
    *text = end;
    return number;
}

/* Whether `wanted` allows the value: VALUE, LOW.., ..HIGH or LOW..HIGH, or several of these. */
static int allows(const char *wanted, unsigned long value)
{
    while (wanted) {
        unsigned long low = 0, high;

        if (*wanted != '.')
            low = number_at(&wanted);
        high = low;
        if (strncmp(wanted, "..", 2) == 0) {
            wanted += 2;
            high = *wanted && *wanted != ',' ? number_at(&wanted) : ULONG_MAX;
        }
        if (low <= value && value <= high)
            return 1;
        wanted = strchr(wanted, ',');
        wanted += wanted != 0;
    }
    return 0;
}

/* Whether each word of `wanted` is one of the words of the command line. */
static int has_words(const char *line, const char *wanted)
{
    for (; *wanted; wanted += strspn(wanted, " ")) {
        size_t length = strcspn(wanted, " ");
        const char *word = line + strspn(line, " ");

        while (*word && !(strcspn(word, " ") == length && strncmp(word, wanted, length) == 0)) {
            word += strcspn(word, " ");
            word += strspn(word, " ");
        }
        if (!*word)
            return 0;
        wanted += length;
    }
    return 1;
}

static int is_met(const struct need *need, const struct machine *machine)
{
    return (!need->cpus || allows(need->cpus, machine->cpus)) &&
           (!need->mem || allows(need->mem, machine->mem)) &&
           (!need->swap || allows(need->swap, machine->swap)) &&
           (!need->kargs || has_words(machine->kargs, need->kargs));
}

/* The words of a line, which stays in use. */
static struct need parse(char *line)
{
    struct need need = {.name = strsep(&line, "\t")};
    struct {
        const char *key;
        const char **value;
    } keys[] = {{"cpus=", &need.cpus},
                {"mem=", &need.mem},
                {"swap=", &need.swap},
                {"kargs=", &need.kargs},
                {"args=", &need.args}};

    while (line) {
        char *word = strsep(&line, "\t");

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            if (strncmp(word, keys[i].key, strlen(keys[i].key)) == 0)
                *keys[i].value = word + strlen(keys[i].key);
    }
    return need;
}

struct need *needs_read(int *count)
{
    FILE *file = fopen(NEEDS_FILE, "r");
    struct need *needs = 0;
    struct machine machine;
    char *line = 0;
    size_t size = 0;
    ssize_t length;

    if (!file)
        fail(NEEDS_FILE, errno);
    look_at(&machine);
    for (*count = 0; (length = getline(&line, &size, file)) > 0; line = 0, size = 0) {
        line[length - (line[length - 1] == '\n')] = '\0';
        needs = realloc(needs, (size_t)(*count + 1) * sizeof(*needs));
        if (!needs)
            fail(NEEDS_FILE, errno);
        needs[*count] = parse(line);
        needs[*count].met = is_met(&needs[*count], &machine);
        ++*count;
    }
    if (ferror(file))
        fail(NEEDS_FILE, errno);
    free(line);
    fclose(file);
    return needs;
}

static int same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether both ask for the same machine. */
static int same_machine(const struct need *a, const struct need *b)
{
    return same(a->cpus, b->cpus) && same(a->mem, b->mem) && same(a->swap, b->swap) &&
           same(a->kargs, b->kargs);
}

static void print_word(const char *key, const char *value)
{
    if (value)
        printf(" %s=%s", key, value);
}

void needs_print(const struct need *needs, int count, const char *name)
{
    const struct need *last = 0;

    for (const struct need *need = needs; need < needs + count; need++) {
        if (strcmp(need->name, name) != 0 || (last && same_machine(last, need)))
            continue;
        printf(last ? ", or" : "needs");
        print_word("cpus", need->cpus);
        print_word("mem", need->mem);
        print_word("swap", need->swap);
        print_word("kargs", need->kargs);
        last = need;
    }
}
