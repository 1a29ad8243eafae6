/*
 * Numbers that are sorted in pieces by children, one after another and at a time, on
 * their stacks, in files that they read and write, in files that they map, in memory
 * that they share with their parent, which merges the pieces.
 *
 * test: points=3
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <test_mem.h>

#define SELF   "/test/mem_merge"
#define NAME   "/tmp/mem_merge"
#define PIECES 8
#define EACH   (24ul * 1024) /* numbers in a piece, of 4 bytes */
#define BYTES  (EACH * sizeof(unsigned))
#define COUNT  (PIECES * EACH)
#define RW     (PROT_READ | PROT_WRITE)

static unsigned numbers[COUNT], merged[COUNT];

/* All numbers below COUNT, each once, in no order: so all that are sorted are known. */
static void shuffle(unsigned long state)
{
    for (unsigned i = 0; i < COUNT; i++)
        numbers[i] = i;
    for (unsigned i = COUNT - 1; i > 0; i--) {
        state = state * 6364136223846793005ul + 1442695040888963407ul;
        unsigned j = (unsigned)((state >> 33) % (i + 1)), other = numbers[i];
        numbers[i] = numbers[j];
        numbers[j] = other;
    }
}

static int compare(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return x < y ? -1 : x > y;
}

static void merge(const unsigned *pieces)
{
    unsigned long at[PIECES] = {0};

    for (unsigned long n = 0; n < COUNT; n++) {
        int least = -1;
        for (int p = 0; p < PIECES; p++)
            if (at[p] < EACH && (least < 0 || pieces[(unsigned)p * EACH + at[p]] <
                                                  pieces[(unsigned)least * EACH + at[least]]))
                least = p;
        merged[n] = pieces[(unsigned)least * EACH + at[least]++];
    }
}

static int all_in_order(void)
{
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(merged[i] == i);
    return 0;
}

static void name_of(char *path, unsigned long piece)
{
    snprintf(path, 40, NAME ".%lu", piece);
}

static int put_piece(unsigned long piece)
{
    char path[40];
    int fd;

    name_of(path, piece);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, numbers + piece * EACH, BYTES) == (ssize_t)BYTES);
    CHECK(fsync(fd) == 0); /* clean: only the child's stores make it dirty again */
    return close(fd);
}

static int get_piece(unsigned long piece)
{
    char path[40];
    int fd;

    name_of(path, piece);
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, numbers + piece * EACH, BYTES) == (ssize_t)BYTES);
    CHECK(close(fd) == 0);
    return unlink(path);
}

/* --------------------------------------------------------------------- children */

static unsigned *shared; /* the pieces, if they are in memory shared with the parent */

/* Reads the file, sorts it on the stack, writes it: a frame of 96 KiB at once. */
static int sort_on_stack(const char *path)
{
    unsigned own[EACH];
    int fd = open(path, O_RDWR);

    CHECK(fd >= 0 && pread(fd, own, BYTES, 0) == (ssize_t)BYTES);
    qsort(own, EACH, sizeof(unsigned), compare);
    CHECK(pwrite(fd, own, BYTES, 0) == (ssize_t)BYTES);
    return close(fd);
}

/* Maps the file, closes it, sorts in place, and ends without a word. */
static int sort_mapped(const char *path)
{
    int fd = open(path, O_RDWR);
    unsigned *at = mmap(0, BYTES, RW, MAP_SHARED, fd, 0);

    CHECK(fd >= 0 && at != MAP_FAILED && close(fd) == 0);
    qsort(at, EACH, sizeof(unsigned), compare);
    return 0;
}

static int child_of_file(const char *how, unsigned long piece)
{
    char path[40];

    name_of(path, piece);
    return strcmp(how, "stack") == 0 ? sort_on_stack(path) : sort_mapped(path);
}

static int child_of_memory(unsigned long piece)
{
    qsort(shared + piece * EACH, EACH, sizeof(unsigned), compare);
    return 0;
}

/* how: "stack" and "mapped" are programs of their own, "shared" is a copy of this. */
static pid_t start(const char *how, unsigned long piece)
{
    char what[16], number[24];
    char *const argv[] = {"mem_merge", what, number, 0}, *const none[] = {0};
    pid_t pid;

    snprintf(what, sizeof(what), "%s", how);
    snprintf(number, sizeof(number), "%lu", piece);
    pid = fork();
    if (pid == 0) {
        if (shared)
            _exit(child_of_memory(piece));
        execve(SELF, argv, none);
        _exit(126);
    }
    return pid;
}

static int reap_well(pid_t pid)
{
    int status;

    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int sort_pieces(const char *how, int at_a_time)
{
    pid_t pids[PIECES];
    int good = 1;

    for (unsigned long p = 0; p < PIECES; p++) {
        pids[p] = start(how, p);
        if (!at_a_time)
            good &= reap_well(pids[p]);
    }
    for (unsigned long p = 0; at_a_time && p < PIECES; p++)
        good &= reap_well(pids[p]);
    return good;
}

/* ------------------------------------------------------------------------ tests */

static int through_files(const char *how, int at_a_time)
{
    shuffle(at_a_time ? 3 : 4);
    for (unsigned long p = 0; p < PIECES; p++)
        CHECK(put_piece(p) == 0);
    memset(numbers, 0, sizeof(numbers));
    CHECK(sort_pieces(how, at_a_time));
    /* From the disk, so that what no one wrote back is missed. */
    CHECK(sys_sync() == 0 && sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    for (unsigned long p = 0; p < PIECES; p++)
        CHECK(get_piece(p) == 0);
    merge(numbers);
    return all_in_order();
}

static int one_by_one(void *how)
{
    return through_files(how, 0);
}

static int at_a_time(void *how)
{
    return through_files(how, 1);
}

static int in_shared_memory(void *unused)
{
    (void)unused;
    shared = (unsigned *)map_shared(sizeof(numbers));
    CHECK(shared);
    shuffle(9);
    memcpy(shared, numbers, sizeof(numbers));
    CHECK(sort_pieces("shared", 1));
    merge(shared);
    return all_in_order();
}

/* The parent's own numbers are as they were, for the children sorted copies. */
static int in_copies(void *unused)
{
    static unsigned before[64];

    (void)unused;
    shuffle(10);
    memcpy(before, numbers, sizeof(before));
    shared = numbers; /* which is no shared memory at all */
    CHECK(sort_pieces("copies", 1));
    CHECK(memcmp(before, numbers, sizeof(before)) == 0);
    qsort(numbers, COUNT, sizeof(unsigned), compare);
    memcpy(merged, numbers, sizeof(merged));
    return all_in_order();
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return child_of_file(argv[1], strtoul(argv[2], 0, 10));
    ktap_plan(7);
    ktap_in_child(at_a_time, "mapped");
    mem_begin();
    ok_child(one_by_one, "stack", "pieces sorted one by one, on the stack");
    ok_child(at_a_time, "stack", "pieces sorted at a time, on the stack");
    ok_child(one_by_one, "mapped", "pieces sorted one by one, in mapped files");
    ok_child(at_a_time, "mapped", "pieces sorted at a time, in mapped files");
    ok_child(in_shared_memory, 0, "pieces sorted at a time in shared memory");
    ok_child(in_copies, 0, "pieces sorted at a time in copies, which change nothing here");
    mem_end_ok("memory and files are given back");
    return ktap_done();
}
