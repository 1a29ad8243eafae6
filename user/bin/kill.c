/*
 * kill [-SIGNAL] PID...: send a signal, TERM if none is named, to processes, or
 * to the group -PID. kill -l lists the signals. Signals have no handlers: each
 * but 0, which only looks, ends what it reaches.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"ILL", SIGILL},
    {"TRAP", SIGTRAP}, {"ABRT", SIGABRT}, {"FPE", SIGFPE},   {"KILL", SIGKILL},
    {"BUS", SIGBUS},   {"SEGV", SIGSEGV}, {"PIPE", SIGPIPE}, {"TERM", SIGTERM},
};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static int usage(void)
{
    fprintf(stderr, "usage: kill [-SIGNAL] PID...\n       kill -l\n");
    return 2;
}

/* The number of a signal given as KILL, SIGKILL or 9; -1 if it is none. */
static int signal_number(const char *text)
{
    char *end;
    long number;

    if (isdigit((unsigned char)*text)) {
        number = strtol(text, &end, 10);
        return *end || number >= NSIG ? -1 : (int)number;
    }
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (size_t i = 0; i < SIGNALS; i++) {
        if (strcasecmp(text, signals[i].name) == 0)
            return signals[i].number;
    }
    return -1;
}

static int list_signals(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        printf("%2d %s\n", signals[i].number, signals[i].name);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int kill_one(const char *text, int sig)
{
    char *end;
    long pid;

    errno = 0;
    pid = strtol(text, &end, 10);
    if (end == text || *end || errno || pid != (int)pid || pid == 0) {
        fprintf(stderr, "kill: %s: not a process\n", text);
        return 1;
    }
    if (kill((pid_t)pid, sig) < 0) {
        fprintf(stderr, "kill: %s: %s\n", text, strerror(errno));
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int sig = SIGTERM;
    int failed = 0;
    int i = 1;

    if (argc == 2 && strcmp(argv[1], "-l") == 0)
        return list_signals();
    if (argc > 2 && strcmp(argv[1], "-s") == 0) {
        sig = signal_number(argv[2]);
        i = 3;
    } else if (argc > 1 && argv[1][0] == '-' && argv[1][1] != '-') {
        sig = signal_number(argv[1] + 1);
        i = 2;
    }
    if (sig < 0) {
        fprintf(stderr, "kill: %s: no such signal\n", argv[i - 1]);
        return 2;
    }
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    if (i == argc)
        return usage();
    for (; i < argc; i++)
        failed |= kill_one(argv[i], sig);
    return failed;
}
