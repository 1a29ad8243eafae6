/*
 * vm/pageindex.c against a sorted array, at heights up to the tallest, and with
 * memory refused at each allocation.
 */
/* host-test: vm/pageindex.c vm/kmalloc.c vm/frame.c kernel/lib/lock.c -DDEBUG -DHOST_WRAP */
/* host-test: -Wl,--wrap=frame_alloc,--wrap=frame_alloc_zeroed,--wrap=kmalloc,--wrap=kzalloc */
#include "kernel/errno.h"
#include "test/host/vm_host.h"
#include "vm/kmalloc.h"
#include "vm/pageindex.h"

#define MODEL_MAX 400

static uint64_t seed = 0x9e3779b97f4a7c15ul;

/* The model: indices in ascending order, with what they lead to. */
static struct entry {
    uint64_t index;
    struct frame *frame;
} model[MODEL_MAX];
static unsigned model_count;

static unsigned model_place(uint64_t index)
{
    unsigned i = 0;
    while (i < model_count && model[i].index < index)
        i++;
    return i;
}

static struct frame *model_get(uint64_t index)
{
    unsigned i = model_place(index);
    return i < model_count && model[i].index == index ? model[i].frame : NULL;
}

static void model_put(uint64_t index, struct frame *frame)
{
    unsigned i = model_place(index);
    memmove(&model[i + 1], &model[i], (model_count - i) * sizeof model[0]);
    model[i] = (struct entry){index, frame};
    model_count++;
}

static void model_take(uint64_t index)
{
    unsigned i = model_place(index);
    model_count--;
    memmove(&model[i], &model[i + 1], (model_count - i) * sizeof model[0]);
}

/* An index of a random magnitude, often near a power of 64 or near another. */
static uint64_t random_index(void)
{
    uint64_t r = check_random(&seed);
    if (model_count && r % 4 == 0)
        return model[r / 4 % model_count].index + check_random(&seed) % 3 - 1;
    if (r % 4 == 1)
        return (1ul << 6 * (r / 4 % 11)) + check_random(&seed) % 5 - 2;
    return check_random(&seed) >> check_random(&seed) % 64;
}

/* A whole walk by pageindex_next from `from` gives what the model has. */
static bool walk_agrees(const struct pageindex *t, uint64_t from)
{
    for (unsigned i = model_place(from); i < model_count; i++) {
        struct frame *f = pageindex_next(t, &from);
        if (f != model[i].frame || from != model[i].index)
            return false;
        if (++from == 0)
            return i + 1 == model_count;
    }
    return pageindex_next(t, &from) == NULL;
}

static void clear(struct pageindex *t)
{
    while (model_count) {
        uint64_t index = model[check_random(&seed) % model_count].index;
        CHECK(pageindex_remove(t, index) == model_get(index));
        model_take(index);
    }
    CHECK(t->root == NULL && t->height == 0);
}

static void test_random(void)
{
    struct pageindex t = {0};
    for (unsigned round = 0; round < 60000; round++) {
        uint64_t index = random_index(), r = check_random(&seed);
        struct frame *there = model_get(index);
        bool filling = round / 1000 % 2 == 0;
        CHECK(pageindex_get(&t, index) == there);
        if (there && r % 4) {
            CHECK(pageindex_remove(&t, index) == there);
            model_take(index);
        } else if (!there && model_count < MODEL_MAX && (filling || r % 4 == 0)) {
            struct frame *f = (struct frame *)(r | 8);
            CHECK(pageindex_insert(&t, index, f) == 0);
            model_put(index, f);
        } else if (!there) {
            CHECK(pageindex_remove(&t, index) == NULL);
        }
        if (!filling && model_count && r % 8 == 0) {
            index = model[r / 8 % model_count].index;
            CHECK(pageindex_remove(&t, index) == model_get(index));
            model_take(index);
        }
        if (round % 50 == 0)
            CHECK(walk_agrees(&t, 0) && walk_agrees(&t, random_index()));
    }
    clear(&t);
    CHECK(kmalloc_bytes() == 0);
}

/* One page far from the start, and none again: no node stays behind. */
static void test_single(void)
{
    struct pageindex t = {0};
    for (unsigned shift = 0; shift < 64; shift++) {
        struct frame *f = (struct frame *)16;
        CHECK(pageindex_insert(&t, 1ul << shift, f) == 0);
        CHECK(pageindex_get(&t, 1ul << shift) == f && pageindex_get(&t, 0) == NULL);
        CHECK(pageindex_remove(&t, 1ul << shift) == f);
        CHECK(t.root == NULL && t.height == 0 && kmalloc_bytes() == 0);
    }
}

/* A sparse file: the walk must not lose its way between nodes. */
static void test_next_across_nodes(void)
{
    struct pageindex t = {0};
    static const uint64_t at[] = {0, 64, 65, 4095, 4096, 262143, 300000, ~0ul - 1, ~0ul};
    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        struct frame *f = (struct frame *)((i + 1) * 16ul);
        CHECK(pageindex_insert(&t, at[i], f) == 0);
        model_put(at[i], f);
        for (unsigned j = 0; j <= i; j++)
            CHECK(walk_agrees(&t, at[j]) && walk_agrees(&t, at[j] + 1));
    }
    clear(&t);
}

/* An insertion with its n-th allocation refused, n = 1, 2, ... until none is:
 * -ENOMEM, and the tree is as it was, its memory too. */
static void test_refusals(void)
{
    struct pageindex t = {0};
    for (unsigned round = 0; round < 400; round++) {
        uint64_t index = random_index();
        if (model_get(index))
            continue;
        struct frame *f = (struct frame *)((round + 1) * 16ul);
        uint64_t bytes = kmalloc_bytes();
        unsigned height = t.height;
        int rc = -ENOMEM;
        for (unsigned n = 1; rc == -ENOMEM && n < 30; n++) {
            host_refuse_after = n;
            rc = pageindex_insert(&t, index, f);
            if (rc == -ENOMEM) {
                CHECK(kmalloc_bytes() == bytes && t.height == height);
                CHECK(pageindex_get(&t, index) == NULL && walk_agrees(&t, 0));
            }
            CHECK(rc == 0 || n < 20);
        }
        host_refuse_after = 0;
        CHECK(rc == 0 && pageindex_get(&t, index) == f);
        model_put(index, f);
        if (model_count == 60)
            clear(&t);
    }
    CHECK(host_refusals > 400);
    clear(&t);
    CHECK(kmalloc_bytes() == 0);
}

int main(void)
{
    check_plan(4);
    host_boot(1);
    kmalloc_init();
    test_single();
    check_end("a single index comes and goes without a trace");
    test_next_across_nodes();
    check_end("next finds each index of a sparse tree");
    test_random();
    check_end("random trees agree with a model");
    test_refusals();
    check_end("refused memory leaves a tree as it was");
    host_halt();
    return check_exit();
}
