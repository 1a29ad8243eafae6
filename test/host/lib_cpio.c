/*
 * kernel/lib/cpio against archives made by the cpio program and by hand, cut
 * short at every byte, and changed at random.
 */
/* host-test: kernel/lib/cpio.c kernel/lib/string.c */
#include <stdlib.h>
#include <string.h>

#include "kernel/errno.h"
#include "kernel/lib/cpio.h"
#include "test/host/lib_check.h"

#define ARCHIVE_MAX 8192
#define CORRUPTIONS 20000

static uint64_t seed = 521288629ull;
static volatile uint8_t sink; /* takes what is read, so that it is read */

struct archive {
    uint8_t bytes[ARCHIVE_MAX];
    size_t size;
};

static void pad(struct archive *a)
{
    while (a->size % 4 != 0)
        a->bytes[a->size++] = 0;
}

static void add(struct archive *a, const char *name, uint32_t mode, const void *data, size_t size)
{
    a->size += (size_t)sprintf(
        (char *)a->bytes + a->size, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1,
        mode, 0, 0, 1, 0, (unsigned)size, 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0);
    memcpy(a->bytes + a->size, name, strlen(name) + 1);
    a->size += strlen(name) + 1;
    pad(a);
    memcpy(a->bytes + a->size, data, size);
    a->size += size;
    pad(a);
}

static void make_sample(struct archive *a)
{
    a->size = 0;
    add(a, "init", 0100755, "12345", 5);
    add(a, "empty", 0100644, "", 0);
    add(a, "a/longer/name", 0100600, "abcdefgh", 8);
    add(a, "TRAILER!!!", 0, "", 0);
}

/* Reads a copy of exactly size bytes to its end, touching all it is given. Returns
 * the last result; counts the entries. */
static int read_all(const uint8_t *bytes, size_t size, unsigned *entries)
{
    uint8_t *copy = malloc(size + (size == 0));
    struct cpio cpio;
    struct cpio_entry entry;
    int result;

    memcpy(copy, bytes, size);
    cpio_start(&cpio, copy, size);
    *entries = 0;
    while ((result = cpio_next(&cpio, &entry)) == 1) {
        ++*entries;
        sink += (uint8_t)strlen(entry.name);
        for (size_t i = 0; i < entry.size; i++)
            sink += ((const uint8_t *)entry.data)[i];
        if (*entries > size / 110) {
            printf("# it does not move on\n");
            check_failing = true;
            break;
        }
    }
    CHECK(result == 1 || cpio_next(&cpio, &entry) == result); /* stays at the end */
    free(copy);
    return result;
}

static bool is(const struct cpio_entry *entry, const char *name, uint32_t mode, const char *data)
{
    return strcmp(entry->name, name) == 0 && entry->mode == mode && entry->size == strlen(data) &&
           memcmp(entry->data, data, entry->size) == 0;
}

static void test_sample(void)
{
    struct archive a;
    struct cpio cpio;
    struct cpio_entry entry;

    make_sample(&a);
    cpio_start(&cpio, a.bytes, a.size);
    CHECK(cpio_next(&cpio, &entry) == 1 && is(&entry, "init", 0100755, "12345"));
    CHECK(((const uint8_t *)entry.data - a.bytes) % 4 == 0);
    CHECK(cpio_next(&cpio, &entry) == 1 && is(&entry, "empty", 0100644, ""));
    CHECK(cpio_next(&cpio, &entry) == 1 && is(&entry, "a/longer/name", 0100600, "abcdefgh"));
    CHECK(cpio_next(&cpio, &entry) == 0);
    CHECK(cpio_next(&cpio, &entry) == 0);
}

static void test_real(void)
{
    static struct archive a;
    unsigned entries;
    struct cpio cpio;
    struct cpio_entry entry;
    FILE *pipe = popen("d=$(mktemp -d) && cd $d && printf hello >one && printf '#!/x\\n' >two &&"
                       " chmod 755 two && mkdir sub && printf one >sub/file &&"
                       " printf 'one\\ntwo\\nsub\\nsub/file\\n' | cpio -o -H newc 2>/dev/null;"
                       " rm -rf $d",
                       "r");

    CHECK(pipe != NULL);
    a.size = pipe != NULL ? fread(a.bytes, 1, sizeof(a.bytes), pipe) : 0;
    CHECK(pipe == NULL || pclose(pipe) == 0);
    CHECK(read_all(a.bytes, a.size, &entries) == 0 && entries == 4);
    cpio_start(&cpio, a.bytes, a.size);
    CHECK(cpio_next(&cpio, &entry) == 1 && strcmp(entry.name, "one") == 0 && entry.size == 5);
    CHECK(memcmp(entry.data, "hello", 5) == 0);
    CHECK(cpio_next(&cpio, &entry) == 1 && is(&entry, "two", 0100755, "#!/x\n"));
    CHECK(cpio_next(&cpio, &entry) == 1 && strcmp(entry.name, "sub") == 0);
    CHECK((entry.mode & 0170000) == 0040000);
    CHECK(cpio_next(&cpio, &entry) == 1 && strcmp(entry.name, "sub/file") == 0);
}

static void test_cut(void)
{
    struct archive a;
    unsigned entries;

    make_sample(&a);
    /* The trailer's padding may be missing, not its name: 110 + 11 bytes, 3 of padding. */
    for (size_t size = 0; size <= a.size; size++) {
        int expected = size >= a.size - 3 ? 0 : -EINVAL;

        CHECK(read_all(a.bytes, size, &entries) == expected);
    }
}

static void test_malformed(void)
{
    struct archive a;
    unsigned entries;

    make_sample(&a);
    a.bytes[5] = '2'; /* another magic */
    CHECK(read_all(a.bytes, a.size, &entries) == -EINVAL && entries == 0);
    make_sample(&a);
    a.bytes[6 + 8] = 'g'; /* the mode is no number */
    CHECK(read_all(a.bytes, a.size, &entries) == -EINVAL && entries == 0);
    make_sample(&a);
    memcpy(a.bytes + 6 + 6 * 8, "FFFFFFFF", 8); /* data past the end */
    CHECK(read_all(a.bytes, a.size, &entries) == -EINVAL && entries == 0);
    make_sample(&a);
    memcpy(a.bytes + 6 + 11 * 8, "00000000", 8); /* no name at all */
    CHECK(read_all(a.bytes, a.size, &entries) == -EINVAL && entries == 0);
    make_sample(&a);
    memcpy(a.bytes + 6 + 11 * 8, "ffffffff", 8); /* a name past the end */
    CHECK(read_all(a.bytes, a.size, &entries) == -EINVAL && entries == 0);
    make_sample(&a);
    a.bytes[110 + 4] = 'x'; /* a name without its NUL */
    CHECK(read_all(a.bytes, a.size, &entries) == -EINVAL && entries == 0);
    make_sample(&a);
    a.bytes[110 + 2] = '\0'; /* a name with two */
    CHECK(read_all(a.bytes, a.size, &entries) == -EINVAL && entries == 0);
}

static void test_random(void)
{
    static const char digits[] = "0123456789abcdefABCDEFg ";
    unsigned entries, refused = 0;

    for (int round = 0; round < CORRUPTIONS; round++) {
        struct archive a;

        make_sample(&a);
        for (uint64_t n = 1 + check_random(&seed) % 6; n > 0; n--) {
            size_t at = check_random(&seed) % a.size;

            a.bytes[at] = check_random(&seed) % 2 ? (uint8_t)check_random(&seed)
                                                  : (uint8_t)digits[check_random(&seed) % 24];
        }
        refused += read_all(a.bytes, a.size - check_random(&seed) % 8, &entries) == -EINVAL;
    }
    printf("# %u of %u refused\n", refused, CORRUPTIONS);
    CHECK(refused > CORRUPTIONS / 10 && refused < CORRUPTIONS);
}

int main(void)
{
    check_plan(5);
    test_sample();
    check_end("entries come in order with their names, modes and data");
    test_real();
    check_end("an archive made by cpio is read");
    test_cut();
    check_end("an archive cut short is an error");
    test_malformed();
    check_end("a malformed header is an error");
    test_random();
    check_end("random corruption is neither a crash nor a hang");
    return check_exit();
}
