/*
 * date [-u] [+FORMAT]: the time of day, in UTC, as strftime's FORMAT has it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
    const char *format = "%a %b %e %H:%M:%S UTC %Y";
    char text[1024];
    struct tm tm;
    time_t now;
    int i = 1;

    if (i < argc && strcmp(argv[i], "-u") == 0)
        i++;
    if (i < argc && argv[i][0] == '+')
        format = argv[i++] + 1;
    if (i < argc) {
        fprintf(stderr, "usage: date [-u] [+FORMAT]\n");
        return 2;
    }
    now = time(0);
    if (now == (time_t)-1 || !gmtime_r(&now, &tm)) {
        perror("date");
        return 1;
    }
    text[0] = '\0';
    if (*format && strftime(text, sizeof(text), format, &tm) == 0) {
        fprintf(stderr, "date: the result is empty or too long\n");
        return 1;
    }
    puts(text);
    return fflush(stdout) == 0 ? 0 : 1;
}
