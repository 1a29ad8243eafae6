/*
 * xargs [-0] [-n COUNT] [-r] [COMMAND [ARG...]]: run COMMAND (echo) with words of
 * standard input after its own arguments, as many at a time as fit. Words may be
 * quoted; -0: each ends with a NUL byte. -r: not at all without any word.
 */
#include <sys/wait.h>

#include "user/bin/util.h"

#define ROOM 32768 /* bytes of words for one command: a quarter of what exec takes */

static const char usage[] = "[-0] [-n COUNT] [-r] [COMMAND [ARG...]]";
static bool nul_ended;
static char **command; /* with the words after it; NULL at the end */
static size_t fixed, count, bytes, most = 1024;

/* The next word in new memory, or NULL at the end. */
static char *read_word(void)
{
    char *word = NULL;
    size_t length = 0, room = 0;
    bool any = false;
    int quote = 0, c;

    while ((c = getchar()) != EOF) {
        bool space = !nul_ended && !quote && (c == ' ' || c == '\t' || c == '\n');

        if (nul_ended ? c == 0 : space && any)
            break;
        if (space)
            continue;
        any = true;
        if (!nul_ended && (quote ? c == quote : c == '"' || c == '\'')) {
            quote = quote ? 0 : c;
            continue;
        }
        if (!nul_ended && !quote && c == '\\' && (c = getchar()) == EOF)
            break;
        if (length + 2 > room) {
            room = room ? room * 2 : 64;
            word = util_grow(word, room);
        }
        word[length++] = (char)c;
    }
    if (quote) {
        util_warn("a quote is not closed");
        exit(1);
    }
    if (c == EOF && !any)
        return NULL;
    word = util_grow(word, length + 1);
    word[length] = '\0';
    return word;
}

static void run(void)
{
    pid_t pid;
    int status;

    command[fixed + count] = NULL;
    fflush(stdout);
    pid = fork();
    if (pid < 0) {
        util_error("fork");
        exit(1);
    }
    if (pid == 0) {
        execvp(command[0], command);
        util_error(command[0]);
        _exit(errno == ENOENT ? 127 : 126);
    }
    if (waitpid(pid, &status, 0) < 0) {
        util_error("wait");
        exit(1);
    }
    if (WIFSIGNALED(status)) {
        util_warn("%s: was killed", command[0]);
        exit(125);
    }
    if (WEXITSTATUS(status) >= 126) /* the child has said why */
        exit(WEXITSTATUS(status));
    if (WEXITSTATUS(status))
        util_status = 123;
    while (count)
        free(command[fixed + --count]);
    bytes = 0;
}

/* -n COUNT, in one argument or two; *i moves on to the last of them. */
static bool read_most(int argc, char **argv, int *i)
{
    const char *text = argv[*i] + 2;

    if (argv[*i][1] != 'n')
        return false;
    if (!*text) {
        if (*i + 1 == argc)
            return false;
        text = argv[++*i];
    }
    return util_number(text, &most) && most;
}

int main(int argc, char **argv)
{
    static char echo[] = "echo";
    bool skip_empty = false, ran = false;
    int i = 1;
    char *word;

    util_begin(argv);
    /* By hand: the command's own options are not ours. */
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (!strcmp(argv[i], "-0"))
            nul_ended = true;
        else if (!strcmp(argv[i], "-r"))
            skip_empty = true;
        else if (!read_most(argc, argv, &i))
            util_usage(usage);
    }
    fixed = i < argc ? (size_t)(argc - i) : 1;
    if (most > 1024)
        most = 1024;
    command = util_grow(NULL, (fixed + most + 1) * sizeof(char *));
    command[0] = echo;
    for (size_t n = 0; i < argc; i++)
        command[n++] = argv[i];
    while ((word = read_word())) {
        if (count && (count == most || bytes + strlen(word) + 1 > ROOM)) {
            run();
            ran = true;
        }
        command[fixed + count++] = word;
        bytes += strlen(word) + 1;
    }
    if (count || (!ran && !skip_empty))
        run();
    free(command);
    return util_finish();
}
