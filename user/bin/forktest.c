/*
 * forktest [-n MOST]: fork until no more processes are to be had, or MOST (10000)
 * of them; then let all end, and count them. Status 0 if as many ended as began,
 * each with its own status.
 */
#include <sys/wait.h>

#include "user/bin/util.h"

/* The end of all children: each waits until nobody holds the pipe's other end. */
static int be_a_child(const int gate[2], unsigned long number)
{
    char byte;

    close(gate[1]);
    if (read(gate[0], &byte, 1) != 0)
        return 255;
    return (int)(number % 100);
}

int main(int argc, char **argv)
{
    unsigned long most = 10000, made = 0, ended = 0, sum = 0, expected = 0;
    int option, status, gate[2];
    pid_t pid;

    util_begin(argv);
    while ((option = getopt(argc, argv, "n:")) != -1)
        if (option == '?' || !util_number(optarg, &most))
            util_usage("[-n MOST]");
    if (optind < argc)
        util_usage("[-n MOST]");
    if (pipe(gate)) {
        util_error("pipe");
        return util_finish();
    }
    while (made < most && (pid = fork()) >= 0) {
        if (pid == 0)
            _exit(be_a_child(gate, made));
        expected += made++ % 100;
    }
    if (made < most && errno != EAGAIN && errno != ENOMEM)
        util_error("fork");
    close(gate[1]); /* the signal to end */
    while (wait(&status) > 0) {
        ended++;
        if (WIFEXITED(status))
            sum += (unsigned long)WEXITSTATUS(status);
        else
            util_warn("a child was killed by signal %d", WTERMSIG(status));
    }
    if (ended != made || sum != expected)
        util_warn("%lu children began, %lu ended; their statuses add up to %lu, not %lu", made,
                  ended, sum, expected);
    if (!util_status)
        printf("forktest: %lu processes began and ended\n", made);
    return util_finish();
}
