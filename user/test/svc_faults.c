/*
 * Services that go wrong in all ways: bits flipped in their code and data while they work,
 * messages that are not what they should be, interrupts that are not heard, threads that
 * sleep or loop. Programs that use them get errors or wrong data, and do not hang; those that
 * use none notice nothing; the services come back.
 *
 * svc_faults [COUNT [SEED [all [SERVICE]]]]: until so many took place, in all services or that
 * one. Only damaged answers and interrupts, which do not spoil the disk; with "all" any, until
 * the volume is spoiled, or what the terminal keeps. It says what happens in the kernel log, which
 * needs no service, and test/faults.py reads that.
 *
 * test: points=3
 */
#include "user/test/svc_util.h"
#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/include/killpoint.h"

#define HANG      (150 * SECOND) /* more than all that the supervisor waits for, one by one */
#define BYTES     20000
#define AGED      12 /* faults after which a service that went on is started anew */
#define OTHER_MEM (256ul << 10)

#define OWNER(name, service, what) [KILL_##name] = service,
static const char *const owners[] = {KILL_POINTS(OWNER)};
static const char *const names[] = {"fs", "blk", "tty"};
enum { FS, BLK, TTY, NAMES };

static const char *const kinds[] = {"code", "data", "message", "ignored", "sleeps", "loops"};
enum kind { CODE, DATA, MESSAGE, IGNORED, SLEEPS, LOOPS, KINDS };

static unsigned long faults = 40, seed = 1;
static bool all;                         /* kinds of faults */
static const char *only = "";            /* the service, if not any */
static unsigned long done[NAMES][KINDS]; /* faults */
static unsigned long right, with_errors, wrong, slow, age[NAMES];
static volatile int *over; /* shared: the others end */
static char data[BYTES], back[BYTES];

/* The tty may be ill, and stdio with it. */
static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
    char line[200] = "faults: ";
    va_list ap;

    va_start(ap, format);
    vsnprintf(line + 8, sizeof(line) - 9, format, ap);
    va_end(ap);
    strcat(line, "\n");
    sys_system(H_SYSTEM, SYSTEM_LOG_WRITE, (long)line, (long)strlen(line), 0);
}

/* This program must not depend on fs: its code becomes its own, as its data is. But for the
 * page of this function, which is one by its alignment, and stays in memory as long as there
 * is enough: it cannot be executed while it can be written. */
static __attribute__((noinline, aligned(256))) void own_program(void)
{
    char *here = (char *)((unsigned long)own_program & ~(PAGE_SIZE_ABI - 1ul));

    for (char *page = __text_start; page < __data_start; page += PAGE_SIZE_ABI) {
        if (page == here)
            continue;
        sys_mprotect(page, PAGE_SIZE_ABI, ABI_PROT_READ | ABI_PROT_WRITE);
        *(volatile char *)page = *(volatile char *)page;
        sys_mprotect(page, PAGE_SIZE_ABI, ABI_PROT_READ | ABI_PROT_EXEC);
    }
}

/* ------------------------------------------------------------ who uses them */

/* Each use of a service ends with one of these, as its exit status. */
enum outcome { RIGHT, ERROR, WRONG };

static int file_work(unsigned long key)
{
    struct stat st;
    DIR *dir;
    int fd = open("/tmp/faults", O_RDWR | O_CREAT | O_TRUNC, 0644);
    long n;

    if (fd < 0)
        return ERROR;
    pattern_fill(data, BYTES, key, 0);
    if (write(fd, data, BYTES) != BYTES || fsync(fd))
        return ERROR;
    sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
    n = pread(fd, back, BYTES, 0);
    if (n != BYTES)
        return n < 0 ? ERROR : WRONG;
    if (pattern_check(back, BYTES, key, 0) != -1)
        return WRONG;
    if (close(fd) || rename("/tmp/faults", "/tmp/faulty") || stat("/tmp/faulty", &st))
        return ERROR;
    if (st.st_size != BYTES)
        return WRONG;
    dir = opendir("/tmp");
    if (!dir)
        return ERROR;
    while (readdir(dir))
        ;
    closedir(dir);
    return unlink("/tmp/faulty") ? ERROR : RIGHT;
}

static int terminal_work(unsigned long key)
{
    static const char line[] = "a line for the terminal\n";
    struct message m = {.w = {MSG_TTY_GETSIZE}};
    struct stat st;
    int fd = open("/dev/tty", O_RDWR);

    if (fd < 0 || fstat(fd, &st) || ipc_request(H_TTY, &m, 0) < 0)
        return ERROR;
    if (m.w[1] != 24 || m.w[2] != 80)
        return WRONG;
    if (write(fd, line, sizeof(line) - 1) != sizeof(line) - 1)
        return ERROR;
    return key % 4 == 0 && fsync(fd) ? ERROR : RIGHT;
}

static int file_user(void *key)
{
    return file_work((unsigned long)key);
}

static int terminal_user(void *key)
{
    return terminal_work((unsigned long)key);
}

/* Uses the service. An outcome, or -1 if it hung, or died. */
static int use(unsigned service, unsigned long key)
{
    long begin = now_ns();
    pid_t user = spawn(service == TTY ? terminal_user : file_user, (void *)key);
    int status;

    while (waitpid(user, &status, WNOHANG) != user) {
        if (now_ns() - begin > HANG) {
            tell("the program that uses %s hangs", names[service]);
            sys_system(H_SYSTEM, SYSTEM_DUMP, 0, 0, 0);
            return -1;
        }
        sys_sleep(MS / 4);
    }
    slow += now_ns() - begin > SECOND;
    if (!WIFEXITED(status)) {
        tell("the program that uses %s died: 0x%x", names[service], (unsigned)status);
        return -1;
    }
    right += WEXITSTATUS(status) == RIGHT;
    with_errors += WEXITSTATUS(status) == ERROR;
    wrong += WEXITSTATUS(status) == WRONG;
    return WEXITSTATUS(status);
}

/* ----------------------------------------------------------- who does not */

/* Computes in memory of its own. */
static int computes(void *unused)
{
    char *memory = mmap(0, OTHER_MEM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)unused;
    for (unsigned long round = 0; !*over; round++) {
        pattern_fill(memory, OTHER_MEM, round, 0);
        sys_sleep(5 * MS);
        if (pattern_check(memory, OTHER_MEM, round, 0) != -1)
            return 1;
    }
    return 0;
}

/* Two that talk. */
static int talk(void *unused)
{
    int there[2], again[2];
    unsigned long n, got;
    pid_t other;

    (void)unused;
    if (pipe(there) || pipe(again))
        return 1;
    other = fork();
    if (other == 0) {
        close(there[1]);
        while (read(there[0], &n, sizeof(n)) == sizeof(n))
            if (write(again[1], &n, sizeof(n)) != sizeof(n))
                _exit(1);
        _exit(0);
    }
    for (n = 0; !*over; n++) {
        if (write(there[1], &n, sizeof(n)) != sizeof(n))
            return 1;
        if (read(again[0], &got, sizeof(got)) != sizeof(got) || got != n)
            return 1;
        sys_sleep(2 * MS);
    }
    close(there[1]);
    return reap(other);
}

/* ------------------------------------------------------------------ faults */

/* A byte of pid's memory that a kind of fault may hit; 0: none was found. */
static unsigned long aim(int pid, enum kind kind, bool shared_too, unsigned long *random, int *prot)
{
    static struct abi_region region[128];
    long n = sys_system(H_SYSTEM, SYSTEM_REGIONS, pid, (long)region, 128);
    const struct abi_region *fit[128];
    unsigned count = 0;

    for (long i = 0; i < n && i < 128; i++) {
        bool is_code = region[i].prot & ABI_PROT_EXEC;
        bool is_shared = region[i].flags & ABI_MAP_SHARED;

        if (is_code == (kind == CODE) && region[i].resident && (shared_too || !is_shared))
            fit[count++] = &region[i];
    }
    if (!count)
        return 0;
    const struct abi_region *r = fit[random_next(random) % count];
    unsigned long size = r->end - r->start, offset = random_next(random);

    *prot = (int)r->prot;
    if (strcmp(r->name, "stack") == 0) /* its lower pages are not there */
        return r->end - 1 - offset % (r->resident * PAGE_SIZE_ABI);
    return r->start + offset % size;
}

/* Sets the switch for a fault in a service. False: there is none to be had now. */
static bool set_fault(unsigned target, enum kind kind, unsigned long *random)
{
    static const unsigned long actions[] = {KILL_FLIP,   KILL_FLIP,  KILL_GARBLE,
                                            KILL_IGNORE, KILL_SLEEP, KILL_LOOP};
    unsigned long with = random_next(random), address, times = 1 + random_next(random) % 3;
    struct msg_service now;
    unsigned point;
    int prot;

    do
        point = 1 + random_next(random) % (KILL_POINT_COUNT - 1);
    while (strcmp(owners[point], names[target]));
    if (kind == IGNORED)
        point = KILL_BLK_INTERRUPT;
    if (kind == MESSAGE)
        point =
            (const unsigned[]){all && random_next(random) % 3 == 0 ? KILL_FS_SEND : KILL_FS_REPLY,
                               KILL_BLK_REPLY, KILL_TTY_REPLY}[target];
    if (kind == CODE || kind == DATA) {
        if (service(names[target], &now) || !now.pid)
            return false;
        address = aim(now.pid, kind, target != TTY, random, &prot);
        with = KILL_FLIP_WITH(address, with % 8, prot);
        if (!address)
            return false;
    }
    return svc_do(names[target], SVC_KILL_WITH, with) == 0 &&
           svc_do(names[target], SVC_KILL_AT, point | actions[kind] << 8 | times << 16) == 0;
}

/* Faults that took place so far; *set: the switch is still on. */
static unsigned long faults_done(bool *set)
{
    unsigned long reached[KILL_POINT_COUNT];
    struct message m = {.w = {MSG_SVC_POINTS}};
    struct ipc_ext ext = {.recv_addr = (unsigned long)reached, .recv_cap = sizeof(reached)};

    ipc_request(svc_session(), &m, &ext);
    *set = m.w[1] != KILL_NOWHERE;
    return m.w[2];
}

/* Until all run again; false if one does not come back. */
static bool all_run(void)
{
    long begin = now_ns();
    struct msg_service now;

    for (unsigned i = 0; i < NAMES; i++)
        while (service(names[i], &now) || now.state != SERVICE_RUNNING) {
            if (now_ns() - begin > HANG) {
                tell("%s does not come back", names[i]);
                return false;
            }
            sys_sleep(MS);
        }
    return true;
}

static bool start_anew(unsigned service)
{
    age[service] = 0;
    return svc_replace(names[service], HANG) == 0 && all_run();
}

/* Which fault. Stalls seldom, since they take time, and guest.svc_stalls has them. */
static enum kind pick(unsigned service, unsigned long *random)
{
    unsigned long of_1000 = random_next(random) % 1000;

    if (!all)
        return service == BLK ? IGNORED : MESSAGE;
    if (of_1000 < 6)
        return of_1000 % 2 ? SLEEPS : LOOPS;
    if (service == BLK && of_1000 < 30)
        return IGNORED;
    if (of_1000 < 150)
        return MESSAGE;
    return of_1000 < 600 ? CODE : DATA;
}

/* One fault, if it takes place, and what comes of it. False: the test has failed. */
static bool one_fault(unsigned long key, unsigned long *random, unsigned long *total)
{
    unsigned service = random_next(random) % NAMES;
    unsigned long before, after;
    enum kind kind;
    bool set;
    int outcome;

    while (*only && strcmp(only, names[service]))
        service = (service + 1) % NAMES;
    kind = pick(service, random);
    before = faults_done(&set);
    if (!set_fault(service, kind, random))
        return all_run();
    outcome = use(service, key);
    after = faults_done(&set);
    svc_do(names[service], SVC_KILL_AT, 0);
    if (!set && (after != before || kind == SLEEPS || kind == LOOPS)) {
        done[service][kind]++;
        age[service]++;
        ++*total;
    }
    if (outcome < 0 || !all_run())
        return false;
    if (outcome != RIGHT || age[service] > AGED)
        return start_anew(FS) && (service == FS || start_anew(service));
    return true;
}

/* Do they all work, started anew? If not, what is wrong is in what they keep. */
static int is_well(unsigned long key)
{
    int files, terminal;

    for (unsigned i = 0; i < NAMES; i++)
        if (!start_anew(i))
            return -1;
    files = use(FS, key);
    terminal = use(TTY, key);
    return files < 0 || terminal < 0 ? -1 : files == RIGHT && terminal == RIGHT;
}

/* How often init started each: a damaged terminal may say the log, deaths and all, again. */
static void tell_starts(void)
{
    for (unsigned i = 0; i < NAMES; i++) {
        struct msg_service now;

        if (service(names[i], &now) == 0)
            tell("%s was started %u times", names[i], now.starts);
    }
}

static void tell_all(void)
{
    for (unsigned i = 0; i < NAMES; i++)
        for (unsigned kind = 0; kind < KINDS; kind++)
            if (done[i][kind])
                tell("%s %s %lu", names[i], kinds[kind], done[i][kind]);
    tell("uses right %lu with errors %lu wrong %lu, of them slow %lu", right, with_errors, wrong,
         slow);
}

/* All faults. 0: all was well. */
static int damage(void)
{
    unsigned long random = seed, total = 0;
    int well = 1;

    for (unsigned long key = 0; well == 1 && total < faults; key++) {
        unsigned long before = total;

        if (key > 20 * faults) {
            tell("they do not take place");
            return 1;
        }
        if (!one_fault(key, &random, &total))
            return 1;
        if (total != before)
            tell("%lu took place", total);
        if (key % 40 == 39 || total == faults)
            well = is_well(key);
    }
    tell_all();
    tell_starts();
    if (well == 0)
        tell("what they keep is spoiled");
    return well < 0 || (well == 0 && !all);
}

/* The same with two programs beside it. */
static int damage_beside(void *unused)
{
    pid_t others[2];
    int failed, status[2];

    (void)unused;
    *over = 0;
    others[0] = spawn(computes, 0);
    others[1] = spawn(talk, 0);
    failed = damage();
    *over = 1;
    for (unsigned i = 0; i < 2; i++) {
        status[i] = reap(others[i]);
        if (status[i])
            tell("one that uses no service ends with 0x%x", (unsigned)status[i]);
    }
    failed = failed || status[0] || status[1] || !all_run();
    tell("end %s", failed ? "badly" : "well");
    return failed;
}

/* What they have in memory then is what it always is. */
static int all_anew(void)
{
    CHECK(start_anew(BLK));
    CHECK(start_anew(TTY));
    return svc_start_anew();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        faults = strtoul(argv[1], 0, 10);
    if (argc > 2)
        seed = strtoul(argv[2], 0, 10);
    all = argc > 3 && strcmp(argv[3], "all") == 0;
    if (argc > 4)
        only = argv[4];
    CHECK(!*only || strcmp(only, "fs") == 0 || strcmp(only, "blk") == 0 ||
          strcmp(only, "tty") == 0);
    touch_program();
    own_program();
    over = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(svc_session() >= 0);
    if (all)
        return damage_beside(0);
    ktap_plan(2);
    ktap_in_child(damage_beside, 0); /* what is kept for the next time is there */
    CHECK_IS(all_anew(), 0);
    ledger_begin();
    ok_child(damage_beside, 0, "services go wrong, and nobody else does");
    CHECK_IS(all_anew(), 0);
    ledger_end_ok("all frames are back");
    return ktap_done();
}
