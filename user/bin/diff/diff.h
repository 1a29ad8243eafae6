/*
 * diff, inside: files.c reads two files and gives each distinct line a number,
 * compare.c marks the lines that are not common to both, print.c writes what was
 * marked as changes, and main.c goes through the operands.
 */
#ifndef USER_BIN_DIFF_H
#define USER_BIN_DIFF_H

#include <stdbool.h>
#include <stddef.h>

struct line {
    const char *text;
    size_t length; /* with its newline */
    long id;       /* lines that count as equal have the same */
    bool changed;  /* not common to both files */
};

struct side {
    char *bytes;
    size_t size;
    struct line *lines;
    long count;
};

struct options {
    bool blanks_vary;   /* -b: amounts of blank space do not matter */
    bool blanks_vanish; /* -w: nor that there is any */
    bool ignore_case;   /* -i */
    bool brief;         /* -q */
    bool unified;       /* -u, -U */
    bool recursive;     /* -r */
    bool absent_empty;  /* -N */
    unsigned long context;
};
extern struct options options;

/* ----------------------------------------------------------------- files.c */

/* The whole of an open file. Returns 0, or -1 with errno. */
int files_read(int fd, struct side *side);
/* Cut both into lines, and number these. */
void files_cut(struct side sides[2]);
void files_free(struct side *side);
/* Is it no text: is there a NUL in it? */
bool files_is_binary(const struct side *side);

/* --------------------------------------------------------------- compare.c */

/* Mark the lines that are not in a longest common run of lines. With very
 * different files the run may fall short of the longest, to save time. */
void compare_lines(struct side sides[2]);

/* ----------------------------------------------------------------- print.c */

/* Print what is marked; labels: what stands in the head of a unified diff. */
void print_changes(struct side sides[2], char *const labels[2]);

/* ------------------------------------------------------------------ main.c */

/* realloc that ends the program when memory is out. */
void *diff_grow(void *old, size_t size);

#endif
