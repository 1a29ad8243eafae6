/*
 * A reader of flattened device trees (Devicetree Specification v0.4, chapter 5;
 * blobs of version 17).
 *
 * fdt_open checks the whole blob once: header, blocks, every token, every name,
 * nesting. Nothing here reads outside the size given to it, whatever the bytes
 * are, and every loop moves forward through them. The blob must not change
 * while it is in use. Nothing is copied: names and values point into it.
 */
#ifndef KERNEL_LIB_FDT_H
#define KERNEL_LIB_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_DEPTH_MAX 16 /* nodes within nodes, the root counted */

struct fdt {
    const uint8_t *blob;
    uint32_t size;                           /* of the blob, as its header says */
    uint32_t structure, structure_end;       /* offsets in the blob */
    uint32_t strings, strings_end;           /* likewise */
    uint32_t reservations, reservations_end; /* likewise; the closing entry excluded */
};

struct fdt_property {
    const char *name; /* NUL-terminated within the blob */
    const uint8_t *data;
    uint32_t size; /* bytes at data */
};

/*
 * A walk over all nodes, parents before children, in the blob's order. After
 * fdt_next the fields from name on describe the node it stopped at.
 */
struct fdt_walk {
    const struct fdt *fdt;
    uint32_t next; /* offset of the token to go on from */
    struct {
        uint32_t address_cells, size_cells; /* for the children's reg */
        bool translated;                    /* addresses below are not the CPU's */
    } level[FDT_DEPTH_MAX];

    const char *name;                   /* "" for the root; NUL-terminated within the blob */
    uint32_t properties;                /* offset of its first token: the node's identity */
    int depth;                          /* the root's is 0; -1 before the first */
    uint32_t address_cells, size_cells; /* of this node's reg: its parent's words */
    bool translated;                    /* some parent has a ranges property that is not empty */
};

/* Checks the blob, of which at most max bytes may be read. 0, or -EINVAL with
 * *why set to what is wrong. Blob may have any alignment. */
int fdt_open(struct fdt *fdt, const void *blob, size_t max, const char **why)
    __attribute__((warn_unused_result));

/* Entry index of the memory reservation block. False: there are fewer. */
bool fdt_reservation(const struct fdt *fdt, uint32_t index, uint64_t *base, uint64_t *size);

void fdt_walk_start(struct fdt_walk *walk, const struct fdt *fdt);
/* Moves on to the next node. False: there is none. */
bool fdt_next(struct fdt_walk *walk);

/* Property of the node the walk is at. False: it has none of that name. */
bool fdt_property(const struct fdt_walk *walk, const char *name, struct fdt_property *property);

/* Moves a walk that was just started to the node at path ("/soc/serial@10000000";
 * a part with no unit address finds the first node with any). The path ends
 * after length bytes. An alias instead of the leading / is looked up in /aliases.
 * False: there is no such node. */
bool fdt_find(struct fdt_walk *walk, const char *path, size_t length);

/* A number made of the cells big-endian 32-bit cells from byte offset on. False:
 * the property ends before that, or cells is over 2. No cells make 0. */
bool fdt_cells(const struct fdt_property *property, uint32_t offset, uint32_t cells,
               uint64_t *value);
/* The number in property name of the node, of 4 or 8 bytes. False: no such. */
bool fdt_number(const struct fdt_walk *walk, const char *name, uint64_t *value);
/* Entry index of the node's reg. False: there are fewer, or the cells are odd. */
bool fdt_reg(const struct fdt_walk *walk, uint32_t index, uint64_t *base, uint64_t *size);
/* Whether a string list has the string; a list may lack its last NUL. */
bool fdt_list_has(const struct fdt_property *list, const char *string);
/* Whether the node's compatible list has the string. */
bool fdt_compatible(const struct fdt_walk *walk, const char *string);
/* Whether the node's status is absent or okay. */
bool fdt_enabled(const struct fdt_walk *walk);

#endif
