/*
 * shutdown [-r]: stop all programs, write everything to the disk, then switch the machine off, or
 * with -r start it again. If the disk cannot be written the machine stays on.
 */
#include <banyan.h>
#include <stdio.h>
#include <stop.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int reboot = 0;
    int option;
    long err;

    while ((option = getopt(argc, argv, "r")) != -1) {
        if (option != 'r') {
            fprintf(stderr, "usage: shutdown [-r]\n");
            return 2;
        }
        reboot = 1;
    }
    if (optind < argc) {
        fprintf(stderr, "usage: shutdown [-r]\n");
        return 2;
    }
    stop_programs();
    err = sys_sync();
    if (err < 0) {
        fprintf(stderr, "shutdown: sync: %s\n", strerror((int)-err));
        return 1;
    }
    err = sys_system(H_SYSTEM, SYSTEM_SHUTDOWN, reboot, 0, 0);
    fprintf(stderr, "shutdown: %s\n", strerror((int)-err));
    return 1;
}
