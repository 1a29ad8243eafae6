/* The model of a volume, with its past. See state.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/fs_crash/state.h"

#define PATHS 4096 /* places in the table of paths; more than are used */

static void *grow(void *array, size_t count, size_t size)
{
    /* At powers of two, and from nothing to one. */
    if (count & (count - 1))
        return array;
    array = realloc(array, (count ? 2 * count : 1) * size);
    if (array == NULL)
        abort();
    return array;
}

/* The one copy of a path. */
static const char *path_of(struct state *state, const char *path)
{
    uint32_t hash = 0;

    for (const char *c = path; *c; c++)
        hash = hash * 31 + (unsigned char)*c;
    hash *= 2654435761u;
    for (unsigned i = 0; i < PATHS; i++) {
        char **place = &state->paths[(hash + i) % PATHS];

        if (*place == NULL)
            *place = strdup(path);
        if (strcmp(*place, path) == 0)
            return *place;
    }
    abort();
}

/* Where a path is, or would be. */
static unsigned place_of(const struct state *state, const char *path)
{
    unsigned low = 0, high = state->count;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (strcmp(state->name[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct state_node *state_find(const struct state *state, const char *path)
{
    unsigned at = place_of(state, path);

    if (at == state->count || strcmp(state->name[at].path, path))
        return NULL;
    return state->name[at].node;
}

/* Whether it is the directory, or lies below it. */
static bool below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

bool state_filled(const struct state *state, const char *path)
{
    for (unsigned i = 0; i < state->count; i++)
        if (below(state->name[i].path, path))
            return true;
    return false;
}

void state_link(struct state *state, const char *path, struct state_node *node)
{
    unsigned at = place_of(state, path);

    state->name = grow(state->name, state->count, sizeof(*state->name));
    memmove(state->name + at + 1, state->name + at, (state->count - at) * sizeof(*state->name));
    state->name[at] = (struct state_name){path_of(state, path), node};
    state->count++;
    state->renamed = true;
    node->names++;
}

void state_unlink(struct state *state, const char *path)
{
    unsigned at = place_of(state, path);

    state->name[at].node->names--;
    state->count--;
    memmove(state->name + at, state->name + at + 1, (state->count - at) * sizeof(*state->name));
    state->renamed = true;
}

struct state_node *state_make(struct state *state, const char *path, enum state_kind kind,
                              uint32_t ino, const char *target)
{
    struct state_node *node = calloc(1, sizeof(*node));

    if (node == NULL)
        abort();
    node->kind = kind;
    node->ino = ino;
    node->id = ++state->node_count;
    node->target = target ? strdup(target) : NULL;
    node->next = state->nodes;
    state->nodes = node;
    state_link(state, path, node);
    return node;
}

static void rename_one(struct state *state, const char *from, const char *to)
{
    struct state_node *node = state_find(state, from);

    state_unlink(state, from);
    state_link(state, to, node);
}

void state_rename(struct state *state, const char *from, const char *to)
{
    char path[512];

    if (state_find(state, to))
        state_unlink(state, to);
    rename_one(state, from, to);
    /* Each that moves changes the order, so look from the start. */
    for (unsigned i = 0; i < state->count;) {
        const char *old = state->name[i].path;

        if (!below(old, from)) {
            i++;
            continue;
        }
        snprintf(path, sizeof(path), "%s%s", to, old + strlen(from));
        rename_one(state, old, path);
        i = 0;
    }
}

static void add_change(struct state *state, struct state_node *node, bool write, uint64_t from,
                       uint64_t to)
{
    node->changes = grow(node->changes, node->change_count, sizeof(*node->changes));
    node->changes[node->change_count++] = (struct state_change){
        .step = state->step_count - 1, .write = write, .from = from, .to = to};
}

void state_write(struct state *state, struct state_node *node, uint64_t from, uint64_t to)
{
    add_change(state, node, true, from, to);
    if (node->size < to)
        node->size = to;
}

void state_truncate(struct state *state, struct state_node *node, uint64_t size)
{
    add_change(state, node, false, 0, size);
    node->size = size;
}

uint64_t state_size_at(const struct state_node *node, unsigned step)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < node->change_count && node->changes[i].step <= step; i++)
        if (!node->changes[i].write || size < node->changes[i].to)
            size = node->changes[i].to;
    return size;
}

/* ------------------------------------------------------------------- the steps */

unsigned state_begin(struct state *state, size_t events)
{
    state->steps = grow(state->steps, state->step_count, sizeof(*state->steps));
    state->steps[state->step_count] = (struct state_step){.start = events};
    return state->step_count++;
}

static void keep_names(struct state *state)
{
    struct state_names names = {.count = state->count};

    names.name = malloc((state->count + 1) * sizeof(*names.name));
    if (names.name == NULL)
        abort();
    if (state->count)
        memcpy(names.name, state->name, state->count * sizeof(*names.name));
    state->past = grow(state->past, state->past_count, sizeof(*state->past));
    state->past[state->past_count++] = names;
    state->renamed = false;
}

void state_end(struct state *state, size_t events, bool durable)
{
    struct state_step *step = &state->steps[state->step_count - 1];

    if (state->renamed)
        keep_names(state);
    step->end = events;
    step->durable = durable;
    step->names = state->past_count - 1;
}

void state_window(const struct state *state, size_t point, unsigned *durable, unsigned *begun)
{
    *durable = *begun = 0;
    for (unsigned i = 0; i < state->step_count; i++) {
        if (state->steps[i].durable && state->steps[i].end <= point)
            *durable = i;
        /* With no event of its own done, a step cannot be on the medium. */
        if (state->steps[i].start < point)
            *begun = i;
    }
    if (*begun < *durable)
        *begun = *durable;
}

const struct state_names *state_names_at(const struct state *state, unsigned step)
{
    return &state->past[state->steps[step].names];
}

struct state *state_new(void)
{
    struct state *state = calloc(1, sizeof(*state));

    if (state == NULL)
        abort();
    state->paths = calloc(PATHS, sizeof(*state->paths));
    if (state->paths == NULL)
        abort();
    state->renamed = true;
    state_begin(state, 0);
    state_end(state, 0, true);
    return state;
}

void state_free(struct state *state)
{
    for (unsigned i = 0; i < PATHS; i++)
        free(state->paths[i]);
    for (unsigned i = 0; i < state->past_count; i++)
        free(state->past[i].name);
    while (state->nodes) {
        struct state_node *node = state->nodes;

        state->nodes = node->next;
        free(node->target);
        free(node->changes);
        free(node);
    }
    free(state->paths);
    free(state->past);
    free(state->steps);
    free(state->name);
    free(state);
}
