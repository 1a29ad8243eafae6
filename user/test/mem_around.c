/*
 * One read of a mapped file maps its neighbours, too: those that are in memory and in the
 * mapping, where nothing is mapped, up to sixteen. What may be done with them is as if each
 * had been read by itself.
 *
 * test: points=3
 */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <test_mem.h>
#include <unistd.h>

#define AROUND 16ul
#define PAGES  40ul
#define NAME   "/tmp/mem_around"
#define PTE_A  0x40ul

static char page[PAGE];
static int fd;
static char *place; /* an address that is a multiple of AROUND pages */

static int make_file(void)
{
    fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    for (unsigned long i = 0; i < PAGES; i++) {
        memset(page, 'a' + (int)i % 26, PAGE);
        CHECK(pwrite(fd, page, PAGE, (off_t)(i * PAGE)) == (ssize_t)PAGE);
    }
    return fsync(fd);
}

/* The file's pages from `first` on, at place. */
static volatile char *map_file(unsigned long first, unsigned long count, int prot, int flags)
{
    void *at = mmap(place, count * PAGE, prot, flags | MAP_FIXED, fd, (off_t)(first * PAGE));

    return at == MAP_FAILED ? 0 : at;
}

/* Which pages from place on have an entry, and which of these were used. */
static void look(unsigned long *mapped, unsigned long *used)
{
    struct abi_pte entries[64];
    struct abi_pte_query query = {
        .va = (unsigned long)place, .room = 64, .max_level0 = 1, .out = entries};
    long n = sys_system(H_SYSTEM, SYSTEM_PTES, getpid(), (long)&query, 0);

    *mapped = *used = 0;
    for (long i = 0; i < n && i < 64; i++) {
        unsigned long at = (entries[i].va - (unsigned long)place) / PAGE;

        if (entries[i].level || entries[i].va < (unsigned long)place || at >= 64)
            continue;
        if (entries[i].pte & MEM_PTE_V)
            *mapped |= 1ul << at;
        if (entries[i].pte & PTE_A)
            *used |= 1ul << at;
    }
}

/* One read maps the sixteen of its window; only the page that was read counts as used. */
static int sixteen(void *unused)
{
    volatile char *at = map_file(0, PAGES, PROT_READ, MAP_SHARED);
    unsigned long mapped, used;

    (void)unused;
    CHECK(at[20 * PAGE] == 'a' + 20);
    look(&mapped, &used);
    CHECK(mapped == (0xfffful << 16));
    CHECK(used == (1ul << 20));
    for (unsigned long i = 0; i < PAGES; i++)
        CHECK(at[i * PAGE] == 'a' + (char)(i % 26) && at[i * PAGE + PAGE - 1] == at[i * PAGE]);
    look(&mapped, &used);
    CHECK(mapped == ((1ul << PAGES) - 1));
    CHECK(used == mapped);
    return 0;
}

/* Not before the mapping, nor behind it, nor pages that the file does not have. */
static int edges(void *unused)
{
    unsigned long mapped, used;
    volatile char *at;

    (void)unused;
    place += 3 * PAGE;
    at = map_file(7, 5, PROT_READ, MAP_SHARED);
    CHECK(at[2 * PAGE] == 'a' + 9);
    look(&mapped, &used);
    CHECK(mapped == 0x1f);
    CHECK(at[0] == 'a' + 7 && at[4 * PAGE] == 'a' + 11);
    place -= 3 * PAGE;
    at = map_file(PAGES - 2, 6, PROT_READ, MAP_SHARED);
    CHECK(at[0] == 'a' + (PAGES - 2) % 26);
    look(&mapped, &used);
    CHECK((mapped & 0x3f) == 3);
    return 0;
}

static int read_cut(void *unused)
{
    volatile char *at = map_file(0, 8, PROT_READ, MAP_SHARED);

    (void)unused;
    CHECK(at[0] == 'a');
    CHECK(ftruncate(fd, 3 * PAGE) == 0);
    CHECK(at[PAGE] == 'b');
    return at[3 * PAGE]; /* SIGBUS */
}

/* A neighbour of a private mapping is copied when it is written, and the file is not; one of
 * a shared mapping becomes dirty. */
static int writes(void *unused)
{
    char back[2];
    volatile char *at = map_file(0, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE);

    (void)unused;
    CHECK(at[PAGE] == 'b');
    at[2 * PAGE] = 'X';
    CHECK(at[2 * PAGE] == 'X' && at[2 * PAGE + 1] == 'c');
    CHECK(pread(fd, back, 2, 2 * PAGE) == 2 && back[0] == 'c');
    at = map_file(0, 8, PROT_READ | PROT_WRITE, MAP_SHARED);
    CHECK(at[PAGE] == 'b');
    at[2 * PAGE] = 'Y';
    CHECK(msync((void *)at, 8 * PAGE, MS_SYNC) == 0);
    CHECK(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    CHECK(pread(fd, back, 2, 2 * PAGE) == 2 && back[0] == 'Y' && back[1] == 'c');
    return 0;
}

static int write_neighbour(void *unused)
{
    volatile char *at = map_file(0, 8, PROT_READ, MAP_SHARED);

    (void)unused;
    CHECK(at[0] == 'a');
    at[PAGE] = 'Z';
    return 0;
}

/* What is mapped there already stays: a page of its own that was written. */
static int own_stays(void *unused)
{
    volatile char *at = map_file(0, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    unsigned long mapped, used;

    (void)unused;
    at[5 * PAGE] = 'O';
    look(&mapped, &used);
    CHECK(mapped == (1ul << 5)); /* a store maps its page only */
    CHECK(at[4 * PAGE] == 'e');
    look(&mapped, &used);
    CHECK(mapped == 0xff);
    CHECK(at[5 * PAGE] == 'O' && at[6 * PAGE] == 'g');
    return 0;
}

/* The first page of a file that is not in memory brings no more into the table than came. */
static int cold(void *unused)
{
    volatile char *at = map_file(0, PAGES, PROT_READ, MAP_SHARED);

    (void)unused;
    CHECK(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    for (unsigned long i = PAGES; i-- > 0;)
        CHECK(at[i * PAGE + 7] == 'a' + (char)(i % 26));
    return 0;
}

int main(void)
{
    char *room = mmap(0, 128 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    place = (char *)(((unsigned long)room + (AROUND * PAGE - 1)) & ~(AROUND * PAGE - 1));
    munmap(room, 128 * PAGE);
    ktap_plan(8);
    ok(make_file() == 0, "a file of forty pages");
    ok_child(sixteen, 0, "one read maps sixteen pages, and one is used");
    ok_child(edges, 0, "within the mapping, and the file");
    ok_child(cold, 0, "what is not in memory comes as before");
    ok_child(own_stays, 0, "what is mapped stays");
    ok_child(writes, 0, "private and shared stores to a neighbour");
    ok_dies(write_neighbour, 0, SIGSEGV, "no right that the mapping does not give");
    ok_dies(read_cut, 0, SIGBUS, "a neighbour that is cut off is gone");
    unlink(NAME);
    return ktap_done();
}
