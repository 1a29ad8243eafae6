/*
 * The redo ring: what the file system's next instance needs if this one dies.
 *
 * A server that dies takes its memory with it, and so the changes that no commit has
 * brought to the disk yet, though their clients were told that they are done. So each
 * transaction that succeeds leaves a record in memory that its caller keeps
 * (fs_params.state): the bytes that it changed, and the blocks that it freed. A store to
 * `head` publishes the record, as a whole or not at all, before anybody can see the
 * changes. The next instance recovers the journal as after a power cut, and then makes
 * the changes of all records anew, in their order (replay.c). That can be done any number
 * of times, also to blocks that have been written home: a record says what bytes become,
 * not how they differ.
 *
 * Records go when a commit has made them durable, and before blocks that they freed are
 * given out; without a journal, when all blocks that were dirty have been written home.
 *
 * The second part is a list of requests that were completed and perhaps not answered.
 * The kernel gives such a request to the next instance, which must answer it without
 * doing it again. An entry is written before its record is published, and counts only if
 * that happened.
 *
 * Positions count words of 8 bytes, from the first ever written; a record begins at the
 * position that it names.
 */
#ifndef USER_FS_CORE_REDO_H
#define USER_FS_CORE_REDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDO_REQUESTS 64 /* completed and perhaps not answered, at a time */
#define REDO_NOWHERE  UINT64_MAX

struct fs;

/* A request that was completed by the record that ends at a position. */
struct redo_request {
    uint64_t number; /* 0: the entry is free */
    uint64_t end;
    uint64_t key; /* of the file that it opened, or 0 */
    uint64_t check;
};

/* What the memory begins with; zeros the first time. */
struct redo_head {
    uint64_t magic;
    uint64_t words; /* in the ring, a power of two */
    /* The volume when it was mounted first: was it clean? 0: not known yet; 1: no; 2: yes.
     * And since: is it corrupt, or is something that was done lost? */
    uint64_t was_valid, broken;
    uint64_t mounted;     /* 1: an instance has, and the volume is in use */
    uint64_t tail, head;  /* positions: the first record, the end of the last */
    uint64_t last_orphan; /* without a journal: before the first record (orphan.h) */
    uint64_t ro_compat;   /* likewise: the superblock's features */
    /* The journal's transaction that is being committed, or was last, has all records
     * before commit_end; 0: nothing is known. */
    uint64_t commit_sequence, commit_end;
    uint64_t applying; /* the record that is being replayed, or REDO_NOWHERE */
    uint64_t tries;    /* of that record, before this one */
    uint64_t aside;    /* the first record that must not be replayed, or REDO_NOWHERE */
    struct redo_request requests[REDO_REQUESTS];
};

struct redo {
    struct redo_head *head; /* NULL: nobody keeps memory for it */
    uint64_t *ring;
    uint64_t mask;            /* words - 1 */
    uint64_t applied;         /* what the cached blocks have: all records before this position */
    uint64_t last;            /* the highest number that an earlier instance completed */
    bool fresh;               /* no instance was before this one */
    bool held[REDO_REQUESTS]; /* the file that it opened is kept for who asks again */
};

/* A record begins with these words; then come `freed` words, `forgotten` words, and the
 * blocks. */
enum redo_word {
    REDO_CHECK,    /* of all other words */
    REDO_POSITION, /* its own */
    REDO_SIZE,     /* words | last_orphan << 32 */
    REDO_COUNTS,   /* s_feature_ro_compat | freed << 32 | forgotten << 48 */
    REDO_HEADER,
};

/* The hash of a record at that position, of so many words. */
uint64_t redo_check(const struct redo *redo, uint64_t from, uint64_t words);

/* At mount: takes the memory over. 0; -EINVAL: it is too small; -EIO: what is in it
 * cannot be right, and it is begun anew. */
int redo_open(struct fs *fs) __attribute__((warn_unused_result));
/* Whether the record of the open transaction, as it is now, has room: 0; -ENOSPC: not
 * before redo_make_room; -EIO: never, and the log says so. */
int redo_fits(struct fs *fs) __attribute__((warn_unused_result));
/* The open transaction succeeds: publishes its record. As redo_fits. */
int redo_publish(struct fs *fs) __attribute__((warn_unused_result));
/* The end of what the cached blocks have. */
uint64_t redo_position(const struct fs *fs);
/* All before the position is durable, when this was the first on the list of orphans. */
void redo_trim(struct fs *fs, uint64_t position, uint32_t last_orphan);
/* A commit begins, of all records so far. */
void redo_committing(struct fs *fs, uint32_t sequence);
/* At mount: the journal's transactions up to this one are on the medium. */
void redo_recovered(struct fs *fs, uint32_t sequence);
/* The volume has lost what was done from the position on: requests that were completed by it
 * were not, and it is read-only for this instance and all later ones. */
void redo_lost(struct fs *fs, uint64_t position);
/* Whether there is too little room for another transaction of usual size. */
bool redo_crowded(const struct fs *fs);
/* Sleeps, with no transaction open. */
int redo_make_room(struct fs *fs) __attribute__((warn_unused_result));

/* Whether fs_adopt_request has kept the request's file: from now on the caller does. */
bool redo_let_go(struct fs *fs, uint64_t number);

/* replay.c: at mount, does anew what the last instance did. If a record is bad the log
 * says so, and the volume is read-only. 0; -ENOMEM or -EIO: it can be tried again. Sleeps. */
int redo_replay(struct fs *fs) __attribute__((warn_unused_result));

#endif
