/*
 * What the tree of a volume must look like: a model of it, with all its past.
 *
 * A workload is a row of steps, each of which the file system promises to do wholly or
 * not at all (but for a write or a cut of several pages, which it does in parts). The model
 * keeps the names as they were after each step, what was done to each file's bytes in which
 * step, and between which events of the device each step lay. Step 0 is the empty volume.
 */
#ifndef TEST_HOST_FS_CRASH_STATE_H
#define TEST_HOST_FS_CRASH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum state_kind { STATE_FILE, STATE_DIR, STATE_LINK };

/* What a step did to a file's bytes. */
struct state_change {
    unsigned step;
    bool write;        /* else the size was set */
    uint64_t from, to; /* bytes written; `to` is the size that was set */
};

struct state_node {
    struct state_node *next;
    enum state_kind kind;
    uint32_t ino;
    unsigned id;
    unsigned names;
    uint64_t size;
    char *target; /* of a symlink */
    struct state_change *changes;
    unsigned change_count;
};

struct state_name {
    const char *path; /* from the root, which has none; lives as long as the state */
    struct state_node *node;
};

/* All names, sorted by strcmp. Shared by steps that changed none. */
struct state_names {
    struct state_name *name;
    unsigned count;
};

struct state_step {
    size_t start, end; /* events of the device that were done then */
    bool durable;      /* at its end all steps up to it were on the medium */
    unsigned names;    /* which of state->past */
};

struct state {
    struct state_name *name; /* the present; sorted */
    unsigned count;
    bool renamed; /* since the last step */
    struct state_node *nodes;
    unsigned node_count;
    struct state_names *past;
    unsigned past_count;
    struct state_step *steps;
    unsigned step_count;
    char **paths; /* every path there ever was, hashed */
};

struct state *state_new(void);
void state_free(struct state *state);

/* A step begins, or ends, with so many events done. begin gives its number. */
unsigned state_begin(struct state *state, size_t events);
void state_end(struct state *state, size_t events, bool durable);

/* The node of a path, or NULL. */
struct state_node *state_find(const struct state *state, const char *path);
/* Whether a directory has names. */
bool state_filled(const struct state *state, const char *path);

/* What happens in the step under way. The caller sees to it that it makes sense. */
struct state_node *state_make(struct state *state, const char *path, enum state_kind kind,
                              uint32_t ino, const char *target);
void state_link(struct state *state, const char *path, struct state_node *node);
void state_unlink(struct state *state, const char *path);
/* With all that is in it, if it is a directory; over what has the name already. */
void state_rename(struct state *state, const char *from, const char *to);
void state_write(struct state *state, struct state_node *node, uint64_t from, uint64_t to);
void state_truncate(struct state *state, struct state_node *node, uint64_t size);

/* The byte that a step writes at an offset of a file: never 0. */
static inline uint8_t state_byte(const struct state_node *node, unsigned step, uint64_t offset)
{
    uint32_t salt = (node->id * 0x85ebca6bu) ^ (step * 0xc2b2ae35u);

    return 1 + ((((uint32_t)offset + salt) * 2654435761u ^ salt) >> 15) % 255;
}

/* If the power fails after so many events: the last step that must be there, and the last
 * that may be. */
void state_window(const struct state *state, size_t point, unsigned *durable, unsigned *begun);
/* The names after a step. */
const struct state_names *state_names_at(const struct state *state, unsigned step);
uint64_t state_size_at(const struct state_node *node, unsigned step);

#endif
