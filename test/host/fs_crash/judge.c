/* Found against promised. See judge.h. */
#include "test/host/fs_crash/judge.h"

struct judgement {
    const struct state *state;
    const struct found *found;
    unsigned begun, step;
    char *text;
    size_t room;
};

static const unsigned modes[] = {
    [STATE_FILE] = 0100000, [STATE_DIR] = 0040000, [STATE_LINK] = 0120000};

static enum verdict names_differ(struct judgement *j, const char *what, const char *path)
{
    snprintf(j->text, j->room, "as after step %u: %s: %s", j->step, path, what);
    return VERDICT_NAMES;
}

static unsigned names_of(const struct found *found, uint32_t ino)
{
    unsigned count = 0;

    for (unsigned i = 0; i < found->count; i++)
        count += found->name[i].ino == ino;
    return count;
}

static enum verdict judge_names(struct judgement *j)
{
    const struct state_names *names = state_names_at(j->state, j->step);

    for (unsigned i = 0; i < names->count || i < j->found->count; i++) {
        const struct state_name *name = &names->name[i];
        const struct found_name *found = &j->found->name[i];
        int order = i >= names->count     ? 1
                    : i < j->found->count ? strcmp(name->path, found->path)
                                          : -1;

        if (order < 0)
            return names_differ(j, "is missing", name->path);
        if (order > 0)
            return names_differ(j, "should not be there", found->path);
        if ((found->mode & 0170000) != modes[name->node->kind])
            return names_differ(j, "another type", found->path);
        if (found->ino != name->node->ino)
            return names_differ(j, "another inode", found->path);
        if (name->node->kind != STATE_DIR && found->nlink != names_of(j->found, found->ino))
            return names_differ(j, "another number of links", found->path);
        if (name->node->kind == STATE_LINK && strcmp((char *)found->data, name->node->target))
            return names_differ(j, "another target", found->path);
    }
    return VERDICT_GOOD;
}

/* Whether a file may have a size on the way from step to step + 1. */
static bool size_between(const struct judgement *j, const struct state_node *node, uint64_t size)
{
    uint64_t old = state_size_at(node, j->step);

    if (j->step == j->begun)
        return false;
    for (unsigned i = 0; i < node->change_count; i++) {
        const struct state_change *change = &node->changes[i];

        if (change->step != j->step + 1)
            continue;
        if (size == state_size_at(node, j->step + 1))
            return true;
        if (change->write) /* page by page */
            return size > old && size < change->to && size > change->from && size % FS_PAGE == 0;
        return size < old && size > change->to && size % FS_PAGE == 0;
    }
    return false;
}

static enum verdict judge_sizes(struct judgement *j)
{
    const struct state_names *names = state_names_at(j->state, j->step);

    for (unsigned i = 0; i < names->count; i++) {
        const struct found_name *found = &j->found->name[i];
        const struct state_node *node = names->name[i].node;
        uint64_t size = state_size_at(node, j->step);

        if (node->kind != STATE_FILE || found->size == size || size_between(j, node, found->size))
            continue;
        snprintf(j->text, j->room, "as after step %u: %s has %lu bytes, not %lu", j->step,
                 found->path, (unsigned long)found->size, (unsigned long)size);
        return VERDICT_SIZE;
    }
    return VERDICT_GOOD;
}

/* The file's bytes after a step, as many as there is room for; zeros behind. */
static uint8_t *bytes_at(const struct state_node *node, unsigned step, uint64_t room)
{
    uint8_t *bytes = calloc(1, room + 1);
    uint64_t size = 0; /* where it may have bytes other than zero */

    if (bytes == NULL)
        abort();
    for (unsigned i = 0; i < node->change_count && node->changes[i].step <= step; i++) {
        const struct state_change *change = &node->changes[i];
        uint64_t end = change->to < room ? change->to : room;

        if (change->write) {
            for (uint64_t at = change->from; at < end; at++)
                bytes[at] = state_byte(node, change->step, at);
            size = size > end ? size : end;
        } else if (end < size) {
            memset(bytes + end, 0, size - end);
            size = end;
        }
    }
    return bytes;
}

/* Whether a byte is what a step after `from` left there. cut: the file ended there since. */
static bool byte_since(const struct judgement *j, const struct state_node *node, unsigned from,
                       uint64_t cut, uint64_t at, uint8_t byte)
{
    if (byte == 0)
        return at >= cut;
    for (unsigned i = node->change_count; i-- > 0 && node->changes[i].step > from;) {
        const struct state_change *change = &node->changes[i];

        if (change->step <= j->begun && change->write && at >= change->from && at < change->to &&
            byte == state_byte(node, change->step, at))
            return true;
    }
    return false;
}

/* Whose byte that is, as far as one can tell: 16 in a row are hardly so by chance. */
static void name_owner(const struct judgement *j, const struct found_name *found, uint64_t at,
                       char *text, size_t room)
{
    for (const struct state_node *node = j->state->nodes; node; node = node->next) {
        for (unsigned i = 0; i < node->change_count; i++) {
            const struct state_change *change = &node->changes[i];
            uint64_t from = change->from;

            if (!change->write)
                continue;
            /* A foreign block lies at some sector of its own file. */
            for (from += (at - from) % FS_SECTOR; from + 16 <= change->to; from += FS_SECTOR) {
                unsigned same = 0;

                while (same < 16 && at + same < found->size &&
                       found->data[at + same] == state_byte(node, change->step, from + same))
                    same++;
                if (same == 16) {
                    snprintf(text, room, "inode %u's, of its offset %lu, step %u", node->ino,
                             (unsigned long)from, change->step);
                    return;
                }
            }
        }
    }
    snprintf(text, room, found->data[at] ? "nobody's" : "zero, without reason");
}

static enum verdict judge_file(struct judgement *j, const struct state_node *node,
                               const struct found_name *found)
{
    unsigned from = j->step;
    uint64_t cut = state_size_at(node, from), at = 0;
    uint8_t *bytes = bytes_at(node, from, found->size);
    char owner[100];

    for (unsigned i = 0; i < node->change_count; i++)
        if (!node->changes[i].write && node->changes[i].step > from &&
            node->changes[i].step <= j->begun && node->changes[i].to < cut)
            cut = node->changes[i].to;
    if (memcmp(bytes, found->data, found->size) != 0)
        while (at < found->size && (bytes[at] == found->data[at] ||
                                    byte_since(j, node, from, cut, at, found->data[at])))
            at++;
    else
        at = found->size;
    free(bytes);
    if (at == found->size)
        return VERDICT_GOOD;
    name_owner(j, found, at, owner, sizeof(owner));
    snprintf(j->text, j->room, "as after step %u: %s, of %lu bytes: byte %lu is %#x, %s", j->step,
             found->path, (unsigned long)found->size, (unsigned long)at, found->data[at], owner);
    return VERDICT_BYTES;
}

static enum verdict judge_step(struct judgement *j)
{
    const struct state_names *names = state_names_at(j->state, j->step);
    enum verdict verdict = judge_names(j);

    if (!verdict)
        verdict = judge_sizes(j);
    for (unsigned i = 0; i < names->count && !verdict; i++)
        if (names->name[i].node->kind == STATE_FILE)
            verdict = judge_file(j, names->name[i].node, &j->found->name[i]);
    return verdict;
}

enum verdict judge(const struct state *state, const struct found *found, unsigned durable,
                   unsigned begun, char *text, size_t room)
{
    enum verdict nearest = VERDICT_GOOD;
    char other[600];

    for (unsigned step = durable; step <= begun; step++) {
        struct judgement j = {.state = state,
                              .found = found,
                              .begun = begun,
                              .step = step,
                              .text = other,
                              .room = sizeof(other)};
        enum verdict verdict = judge_step(&j);

        if (!verdict)
            return VERDICT_GOOD;
        if (verdict > nearest) {
            nearest = verdict;
            snprintf(text, room, "%s", other);
        }
    }
    return nearest;
}
