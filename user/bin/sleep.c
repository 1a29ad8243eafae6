/*
 * sleep SECONDS...: wait that long; fractions are allowed, several add up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    double total = 0;
    struct timespec ts;

    if (argc < 2) {
        fprintf(stderr, "usage: sleep SECONDS...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        char *end;
        double seconds = strtod(argv[i], &end);
        if (end == argv[i] || *end || !(seconds >= 0)) {
            fprintf(stderr, "sleep: %s: not a time\n", argv[i]);
            return 2;
        }
        total += seconds;
    }
    if (total > 1e9)
        total = 1e9;
    ts.tv_sec = (time_t)total;
    ts.tv_nsec = (long)((total - (double)ts.tv_sec) * 1e9);
    if (nanosleep(&ts, 0) < 0) {
        perror("sleep");
        return 1;
    }
    return 0;
}
