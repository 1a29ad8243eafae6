/* The redo ring: see redo.h. */
#include "user/fs/core/redo.h"
#include <string.h>
#include "user/fs/core/jbd.h"
#include "user/fs/core/volume.h"

#define MAGIC   0x62616e79616e7231ul
#define SPOILED 0x62616e79616e7230ul /* being cleared */

/* ------------------------------------------------------------------ hashes */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ul;
    return hash ^ hash >> 31;
}

static uint64_t mix_ring(const struct redo *redo, uint64_t hash, uint64_t from, uint64_t end)
{
    for (uint64_t at = from; at < end; at++)
        hash = mix(hash, redo->ring[at & redo->mask]);
    return hash;
}

uint64_t redo_check(const struct redo *redo, uint64_t from, uint64_t words)
{
    uint64_t body = from + REDO_HEADER, hash = mix_ring(redo, MAGIC, body, from + words);

    return mix_ring(redo, hash, from + REDO_POSITION, body);
}

static uint64_t check_request(const struct redo_request *request)
{
    return mix(mix(mix(MAGIC, request->number), request->end), request->key);
}

/* -------------------------------------------------------------------- open */

static bool is_sound(const struct redo_head *head, uint64_t words)
{
    return head->words == words && head->tail <= head->head && head->head - head->tail <= words;
}

/* Drops what was not published, and what was spoiled. */
static void check_requests(struct redo *redo)
{
    for (unsigned i = 0; i < REDO_REQUESTS; i++) {
        struct redo_request *request = &redo->head->requests[i];

        if (request->end > redo->head->head || request->check != check_request(request))
            request->number = 0;
        if (request->number > redo->last)
            redo->last = request->number;
    }
}

int redo_open(struct fs *fs)
{
    struct redo *redo = &fs->redo;
    struct redo_head *head = fs->params.state;
    uint64_t words = 1;
    int err = 0;

    if (head == NULL)
        return 0;
    if (fs->params.state_bytes < 2 * sizeof(*head))
        return -EINVAL;
    while (words * 2 <= (fs->params.state_bytes - sizeof(*head)) / sizeof(uint64_t))
        words *= 2;
    redo->head = head;
    redo->ring = (uint64_t *)(head + 1);
    redo->mask = words - 1;
    if (head->magic == MAGIC && !is_sound(head, words))
        err = -EIO;
    if (head->magic != MAGIC || err) {
        if (!err && head->magic != 0)
            err = -EIO;
        if (err) /* killed while it is cleared, it stays spoiled */
            __atomic_store_n(&head->magic, SPOILED, __ATOMIC_RELEASE);
        memset(&head->words, 0, fs->params.state_bytes - sizeof(head->magic)); /* touched, too */
        head->words = words;
        head->applying = head->aside = REDO_NOWHERE;
        head->broken = err != 0;
        redo->fresh = true;
        __atomic_store_n(&head->magic, MAGIC, __ATOMIC_RELEASE);
    }
    check_requests(redo);
    redo->applied = head->tail;
    return err;
}

/* ----------------------------------------------------------------- publish */

/* Has no pointer to it but in functions that are inlined: with what it says in registers, a
 * record takes half as long. */
struct writer {
    uint64_t *ring, mask;
    uint64_t at, limit; /* positions; nothing is written at or past the limit */
    uint64_t hash;      /* of the words so far */
};

static inline void put(struct writer *w, uint64_t word)
{
    if (w->at < w->limit)
        w->ring[w->at & w->mask] = word;
    w->at++;
    w->hash = mix(w->hash, word);
}

static bool is_forgotten(const struct txn *txn, uint32_t no)
{
    for (uint32_t i = 0; i < txn->forget_count; i++)
        if (txn->forget[i] == no)
            return true;
    return false;
}

/* Runs of words from i to end that changed. */
static inline void put_runs(struct writer *w, const uint64_t *new, const uint64_t *old, size_t i,
                            size_t end)
{
    for (;;) {
        size_t first;

        while (i < end && new[i] == old[i])
            i++;
        if (i == end)
            return;
        first = i;
        while (i < end && new[i] != old[i])
            i++;
        put(w, first | (i - first) << 32);
        for (size_t j = first; j < i; j++)
            put(w, new[j]);
    }
}

/* A block: its number and whether it is new (then it was zeros before), and runs of words
 * that changed, up to a word 0. */
static inline void put_block(struct fs *fs, struct writer *w, const struct txn_undo *undo)
{
    static const uint64_t zeros[FS_PAGE / sizeof(uint64_t)];
    const uint64_t *new = (const uint64_t *)undo->block->data;
    const uint64_t *old = undo->old != NULL ? (const uint64_t *)undo->old : zeros;
    size_t words = TXN_PART(fs) / sizeof(uint64_t), i = undo->first * words;

    put(w, undo->block->no | (uint64_t)(undo->old == NULL) << 32);
    for (uint64_t parts = undo->parts >> undo->first; parts != 0; parts >>= 1, i += words)
        if (parts & 1)
            put_runs(w, new, old, i, i + words);
    put(w, 0);
}

static inline void put_record(struct fs *fs, struct writer *w)
{
    const struct txn *txn = &fs->txn;

    w->at += REDO_HEADER;
    for (uint32_t i = 0; i < txn->freed_count; i++)
        put(w, txn->freed[i].first | (uint64_t)txn->freed[i].count << 32);
    for (uint32_t i = 0; i < txn->forget_count; i++)
        put(w, txn->forget[i]);
    for (uint32_t i = 0; i < txn->undo_count; i++)
        if (!is_forgotten(txn, txn->undo[i].block->no))
            put_block(fs, w, &txn->undo[i]);
}

/* Of the record before w->at, all of whose other words w has put. */
static void put_header(struct fs *fs, uint64_t from, struct writer w)
{
    const struct txn *txn = &fs->txn;
    uint64_t words = w.at - from;

    w.at = from + REDO_POSITION;
    put(&w, from);
    put(&w, words | (uint64_t)txn->last_orphan << 32);
    put(&w, fs->super.s_feature_ro_compat | (uint64_t)txn->freed_count << 32 |
                (uint64_t)txn->forget_count << 48);
    w.ring[from & w.mask] = w.hash;
}

/* A free entry; if there is none, the oldest one: nobody has asked for it for long. */
static struct redo_request *entry_for(const struct redo *redo)
{
    struct redo_request *oldest = NULL;

    for (unsigned i = 0; i < REDO_REQUESTS; i++) {
        struct redo_request *request = &redo->head->requests[i];

        if (!redo->held[i] && (oldest == NULL || request->number < oldest->number))
            oldest = request;
    }
    return oldest;
}

static void put_request(struct fs *fs, uint64_t end)
{
    uint64_t number = fs->hooks->request ? fs->hooks->request(fs->context) : 0;
    struct redo_request *entry;

    entry = number ? entry_for(&fs->redo) : NULL;
    if (entry == NULL)
        return;
    entry->number = 0;
    entry->end = end;
    entry->key = fs->txn.completed_key;
    /* The number last: if this thread is killed before, the entry is free. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    entry->check = mix(mix(mix(MAGIC, number), end), entry->key);
    __atomic_store_n(&entry->number, number, __ATOMIC_RELEASE);
}

/* Writes all but the header behind what is published. */
static int prepare(struct fs *fs, struct writer *out)
{
    const struct redo_head *head = fs->redo.head;
    struct writer w = {fs->redo.ring, fs->redo.mask, head->head, head->tail + head->words, MAGIC};

    put_record(fs, &w);
    *out = w;
    if (w.at - head->head > head->words) {
        fs_log(fs, "an operation changes more than can be recorded: words", w.at - head->head);
        return -EIO;
    }
    return w.at > w.limit ? -ENOSPC : 0;
}

static void step(struct fs *fs, enum fs_step what)
{
    if (fs->hooks->step)
        fs->hooks->step(fs->context, what);
}

static bool records_nothing(const struct fs *fs)
{
    return fs->redo.head == NULL || fs->txn.undo_count == 0 || fs->txn.replaying;
}

int redo_fits(struct fs *fs)
{
    struct writer w;

    return records_nothing(fs) ? 0 : prepare(fs, &w);
}

int redo_publish(struct fs *fs)
{
    struct redo *redo = &fs->redo;
    struct redo_head *head = redo->head;
    struct writer w;
    int err;

    if (records_nothing(fs))
        return 0;
    err = prepare(fs, &w);
    if (err)
        return err;
    put_header(fs, head->head, w);
    if (fs->txn.completed)
        put_request(fs, w.at);
    step(fs, FS_PUBLISH);
    __atomic_store_n(&head->head, w.at, __ATOMIC_RELEASE);
    step(fs, FS_PUBLISHED);
    redo->applied = w.at;
    return 0;
}

/* -------------------------------------------------------------------- room */

uint64_t redo_position(const struct fs *fs)
{
    return fs->redo.applied;
}

void redo_trim(struct fs *fs, uint64_t position, uint32_t last_orphan)
{
    struct redo_head *head = fs->redo.head;

    if (head == NULL || position <= head->tail)
        return;
    /* Records that stay say what they are after them. */
    head->last_orphan = last_orphan;
    head->ro_compat = fs->super.s_feature_ro_compat;
    __atomic_store_n(&head->tail, position, __ATOMIC_RELEASE);
}

void redo_committing(struct fs *fs, uint32_t sequence)
{
    struct redo_head *head = fs->redo.head;

    if (head == NULL)
        return;
    /* Killed in between, nothing is known. */
    __atomic_store_n(&head->commit_end, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&head->commit_sequence, sequence, __ATOMIC_RELEASE);
    __atomic_store_n(&head->commit_end, fs->redo.applied, __ATOMIC_RELEASE);
}

void redo_recovered(struct fs *fs, uint32_t sequence)
{
    struct redo_head *head = fs->redo.head;

    if (head == NULL)
        return;
    if (!jbd_after((uint32_t)head->commit_sequence, sequence) && head->commit_end <= head->head)
        redo_trim(fs, head->commit_end, 0);
    /* If it was cut short, a later one may have a number that looks like it. */
    __atomic_store_n(&head->commit_end, 0, __ATOMIC_RELEASE);
    fs->redo.applied = head->tail;
}

bool redo_crowded(const struct fs *fs)
{
    const struct redo_head *head = fs->redo.head;

    /* While records are replayed none is added. */
    return head != NULL && !fs->readonly && fs->redo.applied == head->head &&
           head->head - head->tail > head->words / 4 * 3;
}

int redo_make_room(struct fs *fs)
{
    return fs->journal != NULL ? journal_commit(fs) : cache_write_back(fs);
}

/* ---------------------------------------------------------------- requests */

static struct redo_request *find(const struct fs *fs, uint64_t number)
{
    struct redo_head *head = fs->redo.head;

    for (unsigned i = 0; head != NULL && i < REDO_REQUESTS; i++)
        if (head->requests[i].number == number)
            return &head->requests[i];
    return NULL;
}

bool fs_completed(const struct fs *fs, uint64_t number, uint64_t *key)
{
    const struct redo_request *request;

    if (number == 0 || number > fs->redo.last)
        return false; /* most of them, and quickly */
    request = find(fs, number);
    if (request != NULL)
        *key = request->key;
    return request != NULL;
}

int fs_adopt_request(struct fs *fs, uint64_t number)
{
    const struct redo_request *request = number ? find(fs, number) : NULL;
    int err;

    if (request == NULL || request->key == 0)
        return 0;
    err = fs_adopt(fs, (uint32_t)request->key);
    fs->redo.held[request - fs->redo.head->requests] = !err;
    return err;
}

bool redo_let_go(struct fs *fs, uint64_t number)
{
    const struct redo_request *request = find(fs, number);
    bool *held = request ? &fs->redo.held[request - fs->redo.head->requests] : NULL;
    bool was = held && *held;

    if (was)
        *held = false;
    return was;
}

void fs_answered(struct fs *fs, uint64_t number)
{
    struct redo_request *request = find(fs, number);
    uint64_t key = request ? request->key : 0;
    bool held = redo_let_go(fs, number);

    if (request != NULL)
        request->number = 0;
    if (held)
        fs_close(fs, (uint32_t)key);
}

static bool is_among(uint64_t number, const uint64_t *numbers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

void fs_release_requests(struct fs *fs, const uint64_t *numbers, unsigned count)
{
    for (unsigned i = 0; fs->redo.head != NULL && i < REDO_REQUESTS; i++) {
        uint64_t key = fs->redo.head->requests[i].key;

        if (!fs->redo.held[i] || is_among(fs->redo.head->requests[i].number, numbers, count))
            continue;
        fs->redo.held[i] = false;
        fs_close(fs, (uint32_t)key);
    }
}

void redo_lost(struct fs *fs, uint64_t position)
{
    fs->redo.head->broken = true;
    for (unsigned i = 0; i < REDO_REQUESTS; i++)
        if (fs->redo.head->requests[i].end > position)
            fs->redo.head->requests[i].number = 0;
}
