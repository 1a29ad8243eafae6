/*
 * Changes that can be undone: each is one insertion or removal, and those of one
 * command are a group. As many are kept as UNDO_BYTES hold, the newest ones.
 */
#ifndef USER_BIN_VI_UNDO_H
#define USER_BIN_VI_UNDO_H

#include "user/bin/vi/buffer.h"

#define UNDO_BYTES (8ul << 20)

struct change {
    bool insertion;
    unsigned long group;
    struct place from, to; /* of the text while it is there */
    char *text;
    size_t length;
};

struct history {
    struct buffer *buffer;
    struct change *changes;
    size_t count, room;
    size_t done; /* the changes before are in the buffer, those from here were undone */
    size_t bytes;
    unsigned long group; /* of the command that runs */
    unsigned long base;  /* of the last one forgotten */
};

void history_init(struct history *history, struct buffer *buffer);
void history_free(struct history *history);
/* A new command begins. */
void history_begin(struct history *history);

/* The two changes, remembered. change_insert returns the place behind the text. */
struct place change_insert(struct history *history, struct place place, const char *bytes,
                           size_t count);
void change_remove(struct history *history, struct place from, struct place to);

/* Undo the last command, or do again the last undone one. False if there is none; *place
 * is where it happened. */
bool history_undo(struct history *history, struct place *place);
bool history_redo(struct history *history, struct place *place);
/* Differs from any other state of the text that this history knows. */
unsigned long history_state(const struct history *history);

#endif
