/*
 * The file-system core on broken volumes, as in fs_corrupt.c, but what is broken and what is tried
 * is up to the bytes of an input (lib_corpus.h): first which volume, then changes to its metadata,
 * then operations. It may answer with errors and go read-only, and nothing else.
 */
/* host-test: user/fs/core/ */
#include "test/host/fs_tries.h"
#include "test/host/lib_corpus.h"

#define VOLUMES    3
#define CHANGES    32 /* to a volume, at most */
#define OPERATIONS 300

static struct volume {
    struct disk disk;
    uint8_t *good;
    uint32_t *metadata, metadata_count, block;
} volumes[VOLUMES];

static unsigned mounted, read_only;

static void make_volume(struct volume *volume, const char *options, unsigned kib, uint32_t block)
{
    make_good(options, kib);
    if (strstr(options, "-j"))
        leave_log();
    find_metadata(block);
    volume->disk = disk;
    volume->good = good;
    volume->block = block;
    volume->metadata_count = metadata_count;
    volume->metadata = malloc(metadata_count * sizeof(uint32_t));
    memcpy(volume->metadata, metadata, metadata_count * sizeof(uint32_t));
    /* Its memory serves without the file. */
    if (scratch_remove(disk.folder) != 0)
        abort();
}

void input_boot(void)
{
    if (!disk_tools())
        return;
    make_volume(&volumes[0], "-b 1024 -N 256", 1200, 1024);
    make_volume(&volumes[1], "-b 4096 -N 256", 1200, 4096);
    make_volume(&volumes[2], "-b 1024 -N 256 -j", 2300, 1024);
}

/* One change to a block of metadata: a bit, a byte, or a number in either order of bytes. */
static void change(const struct volume *volume)
{
    uint8_t *block =
        disk.memory + (uint64_t)volume->metadata[pick(volume->metadata_count)] * volume->block;
    unsigned place = pick(volume->block), kind = pick(4);
    uint32_t word = pick(2) ? pick(256) : pick(256) << 24 | pick(1 << 24);

    switch (kind) {
    case 0:
        block[place] ^= 1 << word % 8;
        break;
    case 1:
        block[place] = word;
        break;
    case 2:
        memcpy(block + place / 4 * 4, &word, 4);
        break;
    default:
        word = __builtin_bswap32(word);
        memcpy(block + place / 4 * 4, &word, 4);
    }
}

void input_run(const unsigned char *bytes, size_t size)
{
    static const unsigned rates[] = {0, 0, 50, 7};
    const struct volume *volume;

    choices = bytes;
    choices_end = bytes + size;
    volume = &volumes[pick(VOLUMES)];
    disk = volume->disk;
    disk.quiet = true;
    disk.params.cache_bytes = 0;
    memcpy(disk.memory, volume->good, disk.size);
    for (unsigned n = pick(CHANGES); n > 0; n--)
        change(volume);
    disk.fail_reads = rates[pick(4)];
    disk.fail_writes = rates[pick(4)];
    if (disk_mount(&disk) == 0) {
        mounted++;
        for (unsigned i = 0; i < OPERATIONS && choices < choices_end; i++)
            try_something();
        read_only += fs_readonly(disk.fs);
        disk_unmount(&disk);
    }
    choices = NULL;
}

#ifndef LIBFUZZER

int main(int argc, char **argv)
{
    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    check_plan(1);
    input_boot();
    for (int i = 1; i < argc; i++)
        corpus_file(argv[i]);
    if (argc == 1)
        CHECK(corpus_folder("fs") >= 20);
    /* They are worth keeping: most volumes can be mounted, and in some something is noticed. */
    printf("# %u mounted, %u read-only at the end\n", mounted, read_only);
    CHECK(argc > 1 || (mounted > 20 && read_only > 5));
    check_end("the inputs that are kept are survived");
    return check_exit();
}

#endif
