/*
 * kernel/lib/fdt over trees made here: what it reads, what it refuses, and that
 * nothing, whatever its bytes, makes it read elsewhere or run for ever.
 */
/* host-test: kernel/lib/fdt.c kernel/lib/string.c */
#include "kernel/errno.h"
#include "kernel/lib/fdt.h"
#include "test/host/lib_check.h"
#include "test/host/lib_tree.h"

#define CORRUPTIONS 20000

static uint64_t seed = 2463534242ull;
static volatile uint8_t sink; /* takes what is read, so that it is read */

/*
 * /            #address-cells 2, #size-cells 1
 *   aliases    con = /bus@1000/serial@20
 *   bus@1000   ranges that translate; one cell each
 *     serial@20
 *       deep   no cells said: the defaults count
 *         leaf
 *     serial@30
 *   bus@2000   empty ranges
 *     serial@40
 */
static struct tree_blob make_sample_ordered(bool structure_last)
{
    static struct tree t;

    memset(&t, 0, sizeof(t));
    tree_reserve(&t, 0x80000000, 0x1000);
    tree_reserve(&t, 0x123456789a, 0x2000);
    tree_word(&t, TREE_NOP);
    tree_begin(&t, "");
    tree_cells(&t, "#address-cells", 1, 2);
    tree_word(&t, TREE_NOP);
    tree_cells(&t, "#size-cells", 1, 1);
    tree_begin(&t, "aliases");
    tree_string(&t, "con", "/bus@1000/serial@20");
    tree_string(&t, "bad", "bus@1000");
    tree_end(&t);
    tree_begin(&t, "bus@1000");
    tree_cells(&t, "#address-cells", 1, 1);
    tree_cells(&t, "#size-cells", 1, 1);
    tree_cells(&t, "reg", 6, 0, 0x1000, 0x10, 1, 0x2000, 0x20);
    tree_cells(&t, "ranges", 3, 0, 0x1000, 0x100);
    tree_begin(&t, "serial@20");
    tree_cells(&t, "reg", 2, 0x20, 8);
    tree_property(&t, "compatible", "ns16550a\0uart", 14);
    tree_string(&t, "status", "okay");
    tree_begin(&t, "deep");
    tree_begin(&t, "leaf");
    tree_cells(&t, "reg", 3, 1, 2, 3);
    tree_end(&t);
    tree_end(&t);
    tree_end(&t);
    tree_begin(&t, "serial@30");
    tree_string(&t, "status", "disabled");
    tree_end(&t);
    tree_end(&t);
    tree_word(&t, TREE_NOP);
    tree_begin(&t, "bus@2000");
    tree_property(&t, "ranges", "", 0);
    tree_begin(&t, "serial@40");
    tree_end(&t);
    tree_end(&t);
    tree_end(&t);
    tree_word(&t, TREE_LAST);
    return tree_finish_ordered(&t, structure_last);
}

static struct tree_blob make_sample(void)
{
    return make_sample_ordered(false);
}

/* Opens, visits every node and asks each question; true if it opened. */
static bool visit(const struct tree_blob *blob)
{
    static const char *const names[] = {"reg", "compatible", "status", "ranges", "none"};
    struct fdt fdt;
    struct fdt_walk walk, found;
    struct fdt_property property;
    const char *why = "unset";
    uint64_t a, b;
    unsigned nodes = 0;

    if (fdt_open(&fdt, blob->bytes, blob->size, &why) < 0) {
        CHECK(why != NULL && strlen(why) > 10);
        return false;
    }
    CHECK(why == NULL);
    for (uint32_t i = 0; fdt_reservation(&fdt, i, &a, &b); i++)
        CHECK(i < blob->size / 16);
    fdt_walk_start(&walk, &fdt);
    while (fdt_next(&walk)) {
        CHECK(++nodes <= blob->size / 8 && walk.depth >= 0 && walk.depth < FDT_DEPTH_MAX);
        sink += (uint8_t)strlen(walk.name);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (fdt_property(&walk, names[i], &property)) {
                for (uint32_t at = 0; at < property.size; at++)
                    sink += property.data[at];
            }
            fdt_number(&walk, names[i], &a);
        }
        for (uint32_t i = 0; fdt_reg(&walk, i, &a, &b); i++)
            CHECK(i < blob->size / 4);
        sink += fdt_compatible(&walk, "uart") + fdt_enabled(&walk);
    }
    CHECK(nodes > 0);
    fdt_walk_start(&found, &fdt);
    sink += fdt_find(&found, "/bus@1000/serial/deep/leaf", 26);
    fdt_walk_start(&found, &fdt);
    sink += fdt_find(&found, "con/deep", 8);
    return true;
}

static bool find(const struct fdt *fdt, const char *path, const char *name)
{
    struct fdt_walk walk;

    fdt_walk_start(&walk, fdt);
    if (!fdt_find(&walk, path, strlen(path)))
        return name == NULL;
    return name != NULL && strcmp(walk.name, name) == 0;
}

static void test_walk(void)
{
    static const struct {
        const char *name;
        int depth;
        uint32_t address_cells, size_cells;
        bool translated;
    } expected[] = {
        {"", 0, 2, 1, false},         {"aliases", 1, 2, 1, false},  {"bus@1000", 1, 2, 1, false},
        {"serial@20", 2, 1, 1, true}, {"deep", 3, 2, 1, true},      {"leaf", 4, 2, 1, true},
        {"serial@30", 2, 1, 1, true}, {"bus@2000", 1, 2, 1, false}, {"serial@40", 2, 2, 1, false},
    };
    struct tree_blob blob = make_sample();
    struct fdt fdt;
    struct fdt_walk walk;
    const char *why;
    uint64_t a, b;

    CHECK(fdt_open(&fdt, blob.bytes, blob.size, &why) == 0);
    fdt_walk_start(&walk, &fdt);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        CHECK(fdt_next(&walk));
        CHECK(strcmp(walk.name, expected[i].name) == 0 && walk.depth == expected[i].depth);
        CHECK(walk.address_cells == expected[i].address_cells);
        CHECK(walk.size_cells == expected[i].size_cells);
        CHECK(walk.translated == expected[i].translated);
    }
    CHECK(!fdt_next(&walk) && !fdt_next(&walk));
    CHECK(fdt_reservation(&fdt, 0, &a, &b) && a == 0x80000000 && b == 0x1000);
    CHECK(fdt_reservation(&fdt, 1, &a, &b) && a == 0x123456789a && b == 0x2000);
    CHECK(!fdt_reservation(&fdt, 2, &a, &b));
    free(blob.bytes);
}

static void test_properties(void)
{
    struct tree_blob blob = make_sample();
    struct fdt fdt;
    struct fdt_walk walk;
    struct fdt_property property;
    const char *why;
    uint64_t a, b;

    CHECK(fdt_open(&fdt, blob.bytes, blob.size, &why) == 0);
    fdt_walk_start(&walk, &fdt);
    CHECK(fdt_find(&walk, "/bus@1000", 9));
    CHECK(fdt_reg(&walk, 0, &a, &b) && a == 0x1000 && b == 0x10);
    CHECK(fdt_reg(&walk, 1, &a, &b) && a == 0x100002000 && b == 0x20);
    CHECK(!fdt_reg(&walk, 2, &a, &b) && !fdt_reg(&walk, UINT32_MAX, &a, &b));
    CHECK(fdt_number(&walk, "#size-cells", &a) && a == 1);
    CHECK(!fdt_number(&walk, "reg", &a) && !fdt_number(&walk, "absent", &a));
    CHECK(fdt_enabled(&walk) && !fdt_compatible(&walk, "uart"));
    CHECK(fdt_property(&walk, "ranges", &property) && property.size == 12);
    CHECK(fdt_cells(&property, 4, 2, &a) && a == 0x100000000100);
    CHECK(!fdt_cells(&property, 8, 2, &a) && !fdt_cells(&property, 16, 0, &a));
    CHECK(fdt_cells(&property, 12, 0, &a) && a == 0 && !fdt_cells(&property, 0, 3, &a));
    CHECK(fdt_next(&walk) && fdt_enabled(&walk));
    CHECK(fdt_compatible(&walk, "ns16550a") && fdt_compatible(&walk, "uart"));
    CHECK(!fdt_compatible(&walk, "ns16550") && !fdt_compatible(&walk, ""));
    CHECK(!fdt_property(&walk, "re", &property) && !fdt_property(&walk, "regs", &property));
    CHECK(fdt_next(&walk) && fdt_next(&walk) && fdt_next(&walk) && !fdt_enabled(&walk));
    free(blob.bytes);
}

static void test_paths(void)
{
    struct tree_blob blob = make_sample();
    struct fdt fdt;
    const char *why;

    CHECK(fdt_open(&fdt, blob.bytes, blob.size, &why) == 0);
    CHECK(find(&fdt, "/", "") && find(&fdt, "//", ""));
    CHECK(find(&fdt, "/bus@1000/serial@20", "serial@20"));
    CHECK(find(&fdt, "/bus@1000/serial@30/", "serial@30"));
    CHECK(find(&fdt, "/bus/serial", "serial@20"));
    CHECK(find(&fdt, "/bus@2000/serial@40", "serial@40"));
    CHECK(find(&fdt, "/bus@2000/serial", "serial@40"));
    CHECK(find(&fdt, "con", "serial@20") && find(&fdt, "con/deep/leaf", "leaf"));
    CHECK(find(&fdt, "", NULL) && find(&fdt, "co", NULL) && find(&fdt, "cons", NULL));
    CHECK(find(&fdt, "bad", NULL) && find(&fdt, "con/leaf", NULL));
    CHECK(find(&fdt, "/serial@20", NULL) && find(&fdt, "/bus@1000/serial@40", NULL));
    CHECK(find(&fdt, "/bus@1000/serial@2", NULL) && find(&fdt, "/bus@1000/leaf", NULL));
    CHECK(find(&fdt, "/bu", NULL) && find(&fdt, "/bus@", NULL));
    free(blob.bytes);
}

/* The sample with one word of its header changed. */
static bool opens_with(size_t word, uint32_t value)
{
    struct tree_blob blob = make_sample();
    bool opened;

    tree_store(blob.bytes + 4 * word, value);
    opened = visit(&blob);
    free(blob.bytes);
    return opened;
}

static void test_header(void)
{
    struct tree_blob blob = make_sample();
    uint32_t size = (uint32_t)blob.size;

    CHECK(visit(&blob));
    CHECK(!opens_with(0, 0xedfe0dd0));
    CHECK(!opens_with(1, 0) && !opens_with(1, 39) && !opens_with(1, size + 1));
    CHECK(!opens_with(1, UINT32_MAX) && !opens_with(1, size - 1));
    CHECK(!opens_with(2, 2) && !opens_with(2, size + 4) && !opens_with(2, UINT32_MAX - 3));
    CHECK(!opens_with(3, size) && !opens_with(3, UINT32_MAX));
    CHECK(!opens_with(4, size - 15) && !opens_with(4, size) && !opens_with(4, UINT32_MAX));
    CHECK(!opens_with(5, 16) && opens_with(5, 18) && !opens_with(6, 18) && opens_with(6, 17));
    CHECK(!opens_with(8, UINT32_MAX) && !opens_with(8, 3));
    CHECK(!opens_with(9, UINT32_MAX) && !opens_with(9, 0) && !opens_with(9, 8));
    for (size_t cut = 0; cut < blob.size; cut++) {
        struct tree_blob part = {.bytes = malloc(cut + (cut == 0)), .size = cut};

        memcpy(part.bytes, blob.bytes, cut);
        CHECK(!visit(&part));
        free(part.bytes);
    }
    free(blob.bytes);
}

/* The structure block cut at every word, with nothing of the blob after it. */
static void test_structure_cut(void)
{
    struct tree_blob blob = make_sample_ordered(true);
    uint32_t structure = (uint32_t)blob.bytes[10] << 8 | blob.bytes[11];

    CHECK(visit(&blob));
    for (uint32_t size = structure; size < blob.size; size += 4) {
        struct tree_blob part = {.bytes = malloc(size), .size = size};

        memcpy(part.bytes, blob.bytes, size);
        tree_store(part.bytes + 4, size);
        tree_store(part.bytes + 36, size - structure);
        CHECK(!visit(&part));
        free(part.bytes);
    }
    free(blob.bytes);
}

/* A structure in letters: b begin, e end, p property, n nop, l last, x no token. */
static bool opens(const char *structure)
{
    static struct tree t;
    struct tree_blob blob;
    bool opened;

    memset(&t, 0, sizeof(t));
    for (; *structure != '\0'; structure++) {
        if (*structure == 'b')
            tree_begin(&t, "node");
        else if (*structure == 'p')
            tree_cells(&t, "p", 1, 7);
        else
            tree_word(&t, *structure == 'e'   ? TREE_END
                          : *structure == 'n' ? TREE_NOP
                          : *structure == 'l' ? TREE_LAST
                                              : 5);
    }
    blob = tree_finish(&t);
    opened = visit(&blob);
    free(blob.bytes);
    return opened;
}

static void test_structure(void)
{
    char deep[2 * FDT_DEPTH_MAX + 4] = "";

    CHECK(opens("bel") && opens("nbnpnpnbpenenl") && opens("bppbpebeel"));
    CHECK(opens("belx")); /* what follows the end is not looked at */
    CHECK(!opens("") && !opens("l") && !opens("bl") && !opens("be") && !opens("b"));
    CHECK(!opens("el") && !opens("beel") && !opens("bebel") && !opens("pbel"));
    CHECK(!opens("bebelp") && !opens("bepl") && !opens("bbepel") && !opens("bxel"));
    memset(deep, 'b', FDT_DEPTH_MAX);
    memset(deep + FDT_DEPTH_MAX, 'e', FDT_DEPTH_MAX);
    strcat(deep, "l");
    CHECK(opens(deep));
    memset(deep, 'b', FDT_DEPTH_MAX + 1);
    memset(deep + FDT_DEPTH_MAX + 1, 'e', FDT_DEPTH_MAX + 1);
    strcat(deep, "l");
    CHECK(!opens(deep));
}

static void test_random(bool structure_last)
{
    struct tree_blob blob = make_sample_ordered(structure_last);
    unsigned opened = 0;

    for (int round = 0; round < CORRUPTIONS && !check_failing; round++) {
        struct tree_blob bad = tree_corrupt(&blob, check_random, &seed);

        opened += visit(&bad);
        free(bad.bytes);
    }
    printf("# %u of %u still opened\n", opened, CORRUPTIONS);
    CHECK(opened > CORRUPTIONS / 100 && opened < CORRUPTIONS / 2);
    free(blob.bytes);
}

int main(void)
{
    check_plan(6);
    test_walk();
    check_end("a walk visits every node with the cells of its parent");
    test_properties();
    check_end("properties, numbers, reg and lists are read");
    test_paths();
    check_end("paths and aliases find their nodes");
    test_header();
    check_end("a bad header or a blob cut short is refused");
    test_structure();
    test_structure_cut();
    check_end("a malformed structure, or one cut short, is refused");
    test_random(false);
    test_random(true);
    check_end("random corruption is neither a crash nor a hang");
    return check_exit();
}
