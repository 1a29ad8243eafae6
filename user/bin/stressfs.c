/*
 * stressfs [-p PROCESSES] [-k KIB] [-n ROUNDS] [-d DIRECTORY]: several processes
 * write a file each, at the same time, read it back and remove it. Every block
 * says whose it is. Status 0 if all was as it was written.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "user/bin/util.h"

#define PROCESSES 64

static const char usage[] = "[-p PROCESSES] [-k KIB] [-n ROUNDS] [-d DIRECTORY]";

/* The block that belongs at `index` of a process's file, in a round. */
static void make_block(unsigned *block, unsigned process, unsigned round, unsigned index)
{
    for (unsigned i = 0; i < 256; i++)
        block[i] = (process << 24) ^ (round << 16) ^ (index * 256 + i) ^ 0x5a5a5a5a;
}

static bool one_round(const char *name, unsigned process, unsigned round, unsigned blocks)
{
    unsigned written[256], read_back[256];
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
    bool good = fd >= 0;

    for (unsigned i = 0; good && i < blocks; i++) {
        make_block(written, process, round, i);
        good = !util_write(fd, (const char *)written, sizeof(written));
    }
    if (good && (fsync(fd) || lseek(fd, 0, SEEK_SET)))
        good = false;
    if (!good)
        util_error(name);
    for (unsigned i = 0; good && i < blocks; i++) {
        make_block(written, process, round, i);
        if (read(fd, read_back, sizeof(read_back)) != (ssize_t)sizeof(read_back) ||
            memcmp(written, read_back, sizeof(written))) {
            util_warn("%s: KiB %u is not what was written, in round %u", name, i, round);
            good = false;
        }
    }
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && unlink(name)) {
        util_error(name);
        good = false;
    }
    return good;
}

static int work(unsigned process, unsigned rounds, unsigned blocks)
{
    char name[64];

    snprintf(name, sizeof(name), "stressfs.%ld", (long)getpid());
    for (unsigned i = 0; i < rounds; i++)
        if (!one_round(name, process, i, blocks))
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long processes = 4, blocks = 256, rounds = 4, *value;
    int option, status;

    util_begin(argv);
    while ((option = getopt(argc, argv, "p:k:n:d:")) != -1) {
        value = option == 'p' ? &processes : option == 'k' ? &blocks : &rounds;
        if (option == 'd' && chdir(optarg)) {
            util_error(optarg);
            return 1;
        }
        if (option == '?' ||
            (option != 'd' && (!util_number(optarg, value) || !*value || *value > 1048576)))
            util_usage(usage);
    }
    if (optind < argc || processes > PROCESSES)
        util_usage(usage);
    for (unsigned i = 0; i < processes; i++) {
        pid_t pid = fork();

        if (pid == 0)
            return work(i, (unsigned)rounds, (unsigned)blocks);
        if (pid < 0)
            util_error("fork");
    }
    while (wait(&status) > 0)
        if (status)
            util_status = 1;
    if (!util_status)
        printf("stressfs: %lu files of %lu KiB were written and read\n", processes * rounds,
               blocks);
    return util_finish();
}
