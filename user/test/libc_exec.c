/*
 * The exec family, scripts, system and popen, the environment, and the ways a
 * program ends.
 *
 * test: points=3 cpus=1,2
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <sys/stat.h>

#undef NDEBUG
#include <assert.h>

#define SELF "/test/libc_exec"
#define DIR_ "/tmp/libc_exec"
#define OUT  "/tmp/libc_exec.out"

/* What fn printed on its stdout and how it ended, in a child. */
static int output_of(void (*fn)(void), char *text, size_t room)
{
    int ends[2];
    size_t n = 0;
    ssize_t part;
    pid_t pid;

    if (pipe(ends) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        fn();
        _exit(100 + (errno == ENOENT ? 1 : errno == EACCES ? 2 : errno == ENOEXEC ? 3 : 4));
    }
    close(ends[1]);
    while ((part = read(ends[0], text + n, room - 1 - n)) > 0)
        n += (size_t)part;
    text[n] = '\0';
    close(ends[0]);
    return reap(pid);
}

/* fn ends with this wait status, having printed that. */
static int ends(void (*fn)(void), int status, const char *want)
{
    char text[300];
    int got = output_of(fn, text, sizeof(text));

    if (got == status && strcmp(text, want) == 0)
        return 1;
    dprintf(2, "# status 0x%x, not 0x%x; printed \"%s\", not \"%s\"\n", (unsigned)got,
            (unsigned)status, text, want);
    return 0;
}

#define EXITED(code) ((code) << 8)

static int make_file(const char *name, const char *content, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, mode);

    CHECK(fd >= 0);
    CHECK_IS(write(fd, content, strlen(content)), strlen(content));
    CHECK_IS(fchmod(fd, mode), 0);
    return close(fd);
}

/* ------------------------------------------------------------------- exec */

static char *const here[] = {"HERE=yes", 0};

/* SELF with `show` prints its arguments and HERE. */
static void by_execl(void)
{
    execl(SELF, "0", "show", "a b", "", (char *)0);
}

static void by_execv(void)
{
    execv(SELF, (char *[]){"0", "show", "v", 0});
}

static void by_execle(void)
{
    execle(SELF, "0", "show", "le", (char *)0, here);
}

static void by_execve(void)
{
    execve(SELF, (char *[]){"0", "show", "ve", 0}, here);
}

static void by_execlp(void)
{
    setenv("PATH", "/none:" DIR_ ":/test", 1);
    execlp("libc_exec", "0", "show", "lp", (char *)0);
}

static void by_execvpe(void)
{
    unsetenv("PATH");
    execvpe("libc_exec", (char *[]){"0", "show", "vpe", 0}, here);
}

static void by_fexecve(void)
{
    fexecve(open(SELF, O_RDONLY), (char *[]){"0", "show", "f", 0}, here);
}

static int family(void *unused)
{
    (void)unused;
    CHECK_IS(setenv("HERE", "set", 1), 0);
    CHECK(ends(by_execl, 0, "[a b][] set\n"));
    CHECK(ends(by_execv, 0, "[v] set\n"));
    CHECK(ends(by_execle, 0, "[le] yes\n"));
    CHECK(ends(by_execve, 0, "[ve] yes\n"));
    CHECK(ends(by_execlp, 0, "[lp] set\n"));
    CHECK(ends(by_execvpe, 0, "[vpe] yes\n"));
    CHECK(ends(by_fexecve, 0, "[f] yes\n"));
    return 0;
}

static void search_in_vain(void)
{
    setenv("PATH", "/bin:/none:", 1);
    execlp("no-such-program", "x", (char *)0);
}

static void search_past_a_directory_and_a_plain_file(void)
{
    setenv("PATH", DIR_ ":/test", 1);
    execlp("libc_exec", "0", "show", "past", (char *)0);
}

static void search_finds_only_a_plain_file(void)
{
    setenv("PATH", DIR_ ":/bin", 1);
    execlp("libc_exec", "0", (char *)0);
}

static void search_here(void)
{
    setenv("PATH", ":/bin", 1); /* an empty part is the working directory */
    if (chdir("/test") == 0)
        execlp("libc_exec", "0", "show", "here", (char *)0);
}

static void no_search_with_a_slash(void)
{
    setenv("PATH", "/", 1);
    execlp("test/none", "0", (char *)0);
}

static int search(void *unused)
{
    (void)unused;
    setenv("HERE", "set", 1);
    CHECK(mkdir(DIR_, 0755) == 0 || errno == EEXIST);
    CHECK_IS(make_file(DIR_ "/libc_exec", "not for running\n", 0644), 0);
    CHECK(ends(search_in_vain, EXITED(101), ""));
    CHECK(ends(search_past_a_directory_and_a_plain_file, 0, "[past] set\n"));
    CHECK(ends(search_finds_only_a_plain_file, EXITED(102), ""));
    CHECK(ends(search_here, 0, "[here] set\n"));
    CHECK(ends(no_search_with_a_slash, EXITED(101), ""));
    CHECK_IS(unlink(DIR_ "/libc_exec"), 0);
    return rmdir(DIR_);
}

static void run_script(void)
{
    execl(DIR_ "/script", "s", "arg1", "arg2", (char *)0);
}

static void run_script_by_name(void)
{
    setenv("PATH", DIR_, 1);
    execlp("script", "s", "arg1", (char *)0);
}

static int script(const char *content)
{
    return make_file(DIR_ "/script", content, 0755);
}

static int scripts(void *unused)
{
    (void)unused;
    setenv("HERE", "set", 1);
    CHECK(mkdir(DIR_, 0755) == 0 || errno == EEXIST);
    CHECK_IS(script("#! " SELF "  show \nignored\n"), 0);
    CHECK(ends(run_script, 0, "[" DIR_ "/script][arg1][arg2] set\n"));
    CHECK_IS(script("#!/bin/echo  two words\n"), 0); /* as one argument */
    CHECK(ends(run_script, 0, "two words " DIR_ "/script arg1 arg2\n"));
    CHECK_IS(script("#!/bin/sh\necho $0 $2; exit 7\n"), 0);
    CHECK(ends(run_script, EXITED(7), DIR_ "/script arg2\n"));
    CHECK_IS(script("#!/bin/none\n"), 0);
    CHECK(ends(run_script, EXITED(101), ""));
    CHECK_IS(script("#!\n"), 0);
    CHECK(ends(run_script, EXITED(103), ""));
    CHECK_IS(script("#!" DIR_ "/script\n"), 0); /* of itself: an end is found */
    CHECK(ends(run_script, EXITED(104), ""));
    CHECK_IS(script("echo plain $1\n"), 0); /* the shell's, for those who search */
    CHECK(ends(run_script, EXITED(103), ""));
    CHECK(ends(run_script_by_name, 0, "plain arg1\n"));
    CHECK_IS(unlink(DIR_ "/script"), 0);
    return rmdir(DIR_);
}

/* -------------------------------------------------------- system and popen */

static void two_systems(void)
{
    if (!freopen(OUT, "w", stdout))
        _exit(1);
    fputs("before ", stdout); /* buffered, and must not be overtaken */
    system("printf middle");
    fputs(" after", stdout);
    exit(0);
}

static int commands(void *unused)
{
    char b[64] = {0};
    FILE *f;

    (void)unused;
    CHECK(system(0) != 0);
    CHECK_IS(system("exit 9"), EXITED(9));
    CHECK_IS(system("kill -9 $$"), SIGKILL);
    CHECK(ends(two_systems, 0, ""));
    f = fopen(OUT, "r");
    CHECK(f && fgets(b, sizeof(b), f) && strcmp(b, "before middle after") == 0);
    CHECK(fclose(f) == 0);
    f = popen("echo said; exit 3", "r");
    CHECK(f && fgets(b, sizeof(b), f) && strcmp(b, "said\n") == 0 && !fgets(b, sizeof(b), f));
    CHECK_IS(pclose(f), EXITED(3));
    f = popen("read a b; test \"$b\" = 'two three'", "w");
    CHECK(f && fputs("one two three\n", f) >= 0);
    CHECK_IS(pclose(f), 0);
    CHECK(!popen("true", "x") && errno == EINVAL);
    f = fopen(OUT, "r");
    CHECK(f && pclose(f) == -1 && errno == ECHILD && fclose(f) == 0);
    return unlink(OUT);
}

/* ------------------------------------------------------------- environment */

static int environment(void *unused)
{
    static char entry[] = "LIBC_PUT=1";

    (void)unused;
    CHECK(!getenv("LIBC_A") && setenv("LIBC_A", "1", 0) == 0 && strcmp(getenv("LIBC_A"), "1") == 0);
    CHECK(setenv("LIBC_A", "22222222222222222", 0) == 0 && strcmp(getenv("LIBC_A"), "1") == 0);
    CHECK(setenv("LIBC_A", "22222222222222222", 1) == 0 && strlen(getenv("LIBC_A")) == 17);
    CHECK(setenv("LIBC_A", "", 1) == 0 && *getenv("LIBC_A") == '\0');
    CHECK(!getenv("LIBC_") && unsetenv("LIBC_A") == 0 && !getenv("LIBC_A"));
    CHECK(putenv(entry) == 0 && strcmp(getenv("LIBC_PUT"), "1") == 0);
    CHECK(setenv("a=b", "x", 1) == -1 && errno == EINVAL);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof(name), "LIBC_%d", i);
        CHECK(setenv(name, name, 1) == 0);
    }
    CHECK(strcmp(getenv("LIBC_99"), "LIBC_99") == 0 && strcmp(getenv("LIBC_0"), "LIBC_0") == 0);
    CHECK_IS(system("test $LIBC_50 = LIBC_50 && test $LIBC_PUT = 1"), 0);
    return 0;
}

/* ------------------------------------------------------------- the last end */

static void say_1(void)
{
    fputs("1", stdout);
}

static void say_2(void)
{
    fputs("2", stdout);
    atexit(say_1); /* asked for at the end, and done */
}

static void say_3(void)
{
    fputs("3", stdout);
}

__attribute__((destructor)) static void say_last(void)
{
    if (getenv("SAY_LAST"))
        fputs("last", stdout);
}

static void exit_in_order(void)
{
    setenv("SAY_LAST", "1", 1);
    for (int i = 0; i < 20; i++)
        atexit(say_3);
    atexit(say_2);
    fputs("0", stdout);
    exit(300); /* of which the low eight bits count */
}

static void exit_at_once(void)
{
    atexit(say_1);
    _exit(5);
}

static void be_silent(void)
{
    dup2(open("/dev/null", O_WRONLY), 2);
}

static void abort_now(void)
{
    atexit(say_1);
    abort();
}

static void fail_assertion(void)
{
    be_silent();
    assert(getenv("LIBC_NONE") != 0);
}

static void hold_assertion(void)
{
    assert(getenv("LIBC_NONE") == 0);
    _exit(0);
}

static void say_assertion(void)
{
    dup2(1, 2);
    assert(!"said so");
}

static void raise_term(void)
{
    raise(SIGTERM);
}

static int the_end(void *unused)
{
    char text[300];

    (void)unused;
    CHECK(ends(exit_in_order, EXITED(300 & 0xff),
               "0213333333333333333333"
               "3last"));
    CHECK(ends(exit_at_once, EXITED(5), ""));
    CHECK(ends(abort_now, SIGABRT, ""));
    CHECK(ends(fail_assertion, SIGABRT, ""));
    CHECK(ends(hold_assertion, 0, ""));
    CHECK_IS(output_of(say_assertion, text, sizeof(text)), SIGABRT);
    CHECK(strstr(text, "said so") && strstr(text, "libc_exec.c"));
    CHECK(ends(raise_term, SIGTERM, ""));
    return 0;
}

static int show(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        printf("[%s]", argv[i]);
    printf(" %s\n", getenv("HERE") ? getenv("HERE") : "-");
    return argv[argc] != 0;
}

static const struct proc_test tests[] = {
    {family, "all ways to exec"},
    {search, "PATH"},
    {scripts, "scripts, with and without #!"},
    {commands, "system, popen, pclose"},
    {environment, "the environment"},
    {the_end, "exit, atexit, destructors, _exit, abort, assert, raise"},
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "show") == 0)
        return show(argc, argv);
    return RUN_TESTS(tests);
}
