/*
 * Streams: reading, writing, places, buffers, and what exit does with them.
 *
 * test: points=3 cpus=1,2
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#define NAME  "/tmp/libc_stdio"
#define LINES 1500

static long size_of(const char *name)
{
    struct stat st;

    return stat(name, &st) < 0 ? -1 : (long)st.st_size;
}

/* The whole of a short file is this text. */
static int contains(const char *name, const char *text)
{
    char got[200];
    int fd = open(name, O_RDONLY);
    long n = fd < 0 ? -1 : read(fd, got, sizeof(got));

    if (fd >= 0)
        close(fd);
    return n == (long)strlen(text) && memcmp(got, text, strlen(text)) == 0;
}

/* ---------------------------------------------------------------- reading */

/* LINES lines and a last one that has no end; the bytes of it all. */
static long write_lines(void)
{
    FILE *f = fopen(NAME, "w");
    long total = 0;

    if (!f)
        return -1;
    for (int i = 0; i < LINES; i++)
        total += fprintf(f, "line %d\n", i);
    total += fputs("tail without newline", f) < 0 ? 0 : 20;
    return fclose(f) == 0 ? total : -1;
}

static int read_lines(void *unused)
{
    long total = write_lines(), seen = 0;
    FILE *f = fopen(NAME, "r");
    char *line = 0, want[32];
    size_t room = 0;
    ssize_t n;
    int count = 0;

    (void)unused;
    CHECK(f);
    while ((n = getline(&line, &room, f)) > 0) {
        snprintf(want, sizeof(want), "line %d\n", count);
        CHECK(count == LINES || strcmp(line, want) == 0);
        CHECK_IS(n, strlen(line));
        count++;
        seen += n;
    }
    CHECK_IS(count, LINES + 1);
    CHECK_IS(seen, total);
    CHECK_IS(size_of(NAME), total);
    CHECK(strcmp(line, "tail without newline") == 0 && feof(f) && !ferror(f));
    CHECK_IS(ftell(f), total);
    free(line);
    CHECK_IS(fclose(f), 0);
    return unlink(NAME);
}

/* Lines longer than the caller's room, and what has no end. */
static int partial_lines(void *unused)
{
    FILE *f = fopen(NAME, "w+");
    char b[8];

    (void)unused;
    CHECK(f && fputs("0123456789\n\nab", f) >= 0);
    rewind(f);
    CHECK(fgets(b, 5, f) == b && strcmp(b, "0123") == 0);
    CHECK(fgets(b, 8, f) == b && strcmp(b, "456789\n") == 0);
    CHECK(fgets(b, 8, f) == b && strcmp(b, "\n") == 0);
    CHECK(fgets(b, 1, f) == b && b[0] == '\0');
    CHECK(!feof(f));
    CHECK(fgets(b, 8, f) == b && strcmp(b, "ab") == 0 && feof(f));
    CHECK(!fgets(b, 8, f) && strcmp(b, "ab") == 0 && !ferror(f));
    clearerr(f);
    CHECK(!feof(f) && fgetc(f) == EOF && feof(f));
    CHECK_IS(fclose(f), 0);
    return unlink(NAME);
}

static int delimiters(void *unused)
{
    FILE *f = fopen(NAME, "w+");
    char *text = malloc(1), *long_word = malloc(5001);
    size_t room = 1;

    (void)unused;
    memset(long_word, 'w', 5000);
    long_word[5000] = '\0';
    CHECK(f && fprintf(f, "a:%s::\n", long_word) == 5005);
    rewind(f);
    CHECK(getdelim(&text, &room, ':', f) == 2 && strcmp(text, "a:") == 0);
    CHECK(getdelim(&text, &room, ':', f) == 5001 && room > 5001);
    CHECK(memcmp(text, long_word, 5000) == 0 && strcmp(text + 5000, ":") == 0);
    CHECK(getdelim(&text, &room, ':', f) == 1);
    CHECK(getdelim(&text, &room, ':', f) == 1 && strcmp(text, "\n") == 0);
    CHECK_IS(getdelim(&text, &room, ':', f), -1);
    free(text);
    free(long_word);
    CHECK_IS(fclose(f), 0);
    return unlink(NAME);
}

/* ----------------------------------------------------------------- places */

static int places(void *unused)
{
    long total = write_lines();
    FILE *f = fopen(NAME, "r");
    char *big = malloc(100000), b[64];
    int number = -1;

    (void)unused;
    CHECK(f && fgets(b, sizeof(b), f) && strcmp(b, "line 0\n") == 0);
    CHECK_IS(ftell(f), 7);
    CHECK(ungetc('X', f) == 'X' && ftell(f) == 6 && fgetc(f) == 'X' && ftell(f) == 7);
    CHECK(ungetc(0xff, f) == 0xff && fgetc(f) == 0xff && fgetc(f) == 'l');
    CHECK(ungetc('Y', f) == 'Y' && fread(b, 1, 4, f) == 4 && memcmp(b, "Yine", 4) == 0);
    CHECK_IS(fgetc(f), ' ');
    CHECK(fgetc(f) == '1' && ungetc('Q', f) == 'Q');
    CHECK(fseek(f, 0, SEEK_CUR) == 0 && ftell(f) == 12 && fgetc(f) == '1'); /* Q is forgotten */
    CHECK(ungetc('Q', f) == 'Q' && fseek(f, 1, SEEK_CUR) == 0 && fgetc(f) == '\n');
    CHECK(ungetc('Z', f) == 'Z' && fseek(f, 0, SEEK_SET) == 0 && fgetc(f) == 'l');
    CHECK(fseek(f, -8, SEEK_END) == 0 && fgets(b, sizeof(b), f) && strcmp(b, " newline") == 0);
    CHECK(!fgets(b, sizeof(b), f) && feof(f));
    CHECK(fseek(f, 2, SEEK_SET) == 0 && !feof(f) && fgetc(f) == 'n');
    CHECK(fseek(f, 4, SEEK_CUR) == 0 && fgetc(f) == 'l' && ftell(f) == 8);
    CHECK(fseek(f, -8, SEEK_CUR) == 0 && fgetc(f) == 'l' && ftell(f) == 1);
    CHECK(fseek(f, -1, SEEK_SET) == -1 && errno == EINVAL && fgetc(f) == 'i');
    rewind(f);
    CHECK_IS(fread(big, 1, 100000, f), total);
    CHECK(feof(f) && fread(big, 1, 1, f) == 0);
    rewind(f);
    CHECK_IS(fread(big, 1000, 100, f), total / 1000); /* whole items are counted */
    rewind(f);
    CHECK(fscanf(f, "line %d", &number) == 1 && number == 0);
    CHECK(fscanf(f, " line %d", &number) == 1 && number == 1 && fgetc(f) == '\n');
    free(big);
    CHECK_IS(fclose(f), 0);
    return unlink(NAME);
}

/* One stream that reads and writes by turns. */
static int both_ways(void *unused)
{
    FILE *f;
    char b[64];

    (void)unused;
    CHECK(write_lines() > 0);
    f = fopen(NAME, "r+");
    CHECK(f && fseek(f, 5, SEEK_SET) == 0 && fputc('Z', f) == 'Z');
    CHECK(fseek(f, 0, SEEK_CUR) == 0 && ftell(f) == 6);
    CHECK_IS(fgetc(f), '\n');
    CHECK(fgetc(f) == 'l');
    CHECK(fseek(f, 0, SEEK_CUR) == 0 && ftell(f) == 8);
    CHECK(fputs("QQ", f) >= 0 && ftell(f) == 10);
    rewind(f);
    CHECK(fgets(b, sizeof(b), f) && strcmp(b, "line Z\n") == 0);
    CHECK(fgets(b, sizeof(b), f) && strcmp(b, "lQQe 1\n") == 0);
    CHECK_IS(fclose(f), 0);
    return unlink(NAME);
}

/* ------------------------------------------------------------------ modes */

static int modes(void *unused)
{
    FILE *f = fopen(NAME, "w");

    (void)unused;
    CHECK(f && fputs("one", f) >= 0 && fclose(f) == 0);
    f = fopen(NAME, "a");
    CHECK(f && ftell(f) == 3 && fputs("two", f) >= 0 && ftell(f) == 6);
    CHECK_IS(fclose(f), 0);
    f = fopen(NAME, "a+");
    CHECK(f && fseek(f, 0, SEEK_SET) == 0 && fgetc(f) == 'o');
    CHECK(fseek(f, 0, SEEK_SET) == 0 && fputs("!", f) >= 0 && fclose(f) == 0);
    CHECK(contains(NAME, "onetwo!")); /* at the end, wherever the place was */
    CHECK(!fopen(NAME, "wx") && errno == EEXIST && contains(NAME, "onetwo!"));
    CHECK(!fopen(NAME, "q") && errno == EINVAL);
    CHECK(!fopen(NAME ".no/x", "r") && errno == ENOENT);
    CHECK(!fopen(NAME "/x", "w") && errno == ENOTDIR);
    CHECK(!fopen("/tmp", "w") && errno == EISDIR);
    f = fopen(NAME, "r");
    CHECK(f && fputc('x', f) == EOF && ferror(f));
    clearerr(f);
    CHECK(!ferror(f) && fgetc(f) == 'o' && fclose(f) == 0);
    f = fopen(NAME, "w");
    CHECK(f && size_of(NAME) == 0);
    errno = 0;
    CHECK(fgetc(f) == EOF && ferror(f) && errno == EBADF && !feof(f));
    CHECK_IS(fclose(f), 0);
    CHECK(!fdopen(77, "r") && errno == EBADF);
    return unlink(NAME);
}

static int reopened(void *unused)
{
    FILE *f = fopen(NAME, "w");
    int fd;

    (void)unused;
    CHECK(f && fputs("first", f) >= 0);
    fd = fileno(f);
    CHECK(freopen(NAME "2", "w", f) == f && fileno(f) == fd);
    CHECK(contains(NAME, "first"));
    CHECK(fputs("second", f) >= 0 && freopen(NAME, "a", f) == f && fputs("+", f) >= 0);
    CHECK_IS(fclose(f), 0);
    CHECK(contains(NAME, "first+") && contains(NAME "2", "second"));
    CHECK_IS(remove(NAME "2"), 0);
    CHECK(remove(NAME "2") == -1 && errno == ENOENT);
    return unlink(NAME);
}

/* ---------------------------------------------------------------- buffers */

static int buffers(void *unused)
{
    static char room[100];
    FILE *f = fopen(NAME, "w");

    (void)unused;
    CHECK(f && fputs("held\n", f) >= 0 && size_of(NAME) == 0); /* a file: by bufferfuls */
    CHECK(fflush(f) == 0 && size_of(NAME) == 5);
    CHECK_IS(setvbuf(f, 0, _IONBF, 0), 0);
    CHECK(fprintf(f, "%s %d", "now", 7) == 5 && size_of(NAME) == 10);
    CHECK(fputc('c', f) == 'c' && size_of(NAME) == 11);
    CHECK_IS(setvbuf(f, 0, _IOLBF, 100), 0);
    CHECK(fputs("ab", f) >= 0 && size_of(NAME) == 11);
    CHECK(fputc('\n', f) == '\n' && size_of(NAME) == 14);
    CHECK(fprintf(f, "%d\n", 12) == 3 && size_of(NAME) == 17);
    CHECK(fputs("more", f) >= 0 && size_of(NAME) == 17);
    CHECK(fflush(0) == 0 && size_of(NAME) == 21);
    CHECK_IS(setvbuf(f, room, _IOFBF, sizeof(room)), 0);
    for (int i = 0; i < 99; i++)
        CHECK_IS(fputc('x', f), 'x');
    CHECK_IS(size_of(NAME), 21);
    CHECK(fputs("yz", f) >= 0 && size_of(NAME) == 121);
    CHECK(setvbuf(f, 0, 77, 0) != 0);
    CHECK(fclose(f) == 0 && size_of(NAME) == 122);
    return unlink(NAME);
}

static int large(void *unused)
{
    char *big = malloc(50000);
    FILE *f = fopen(NAME, "w+");

    (void)unused;
    pattern_fill(big, 50000, 1, 0);
    CHECK(f && fputs("x", f) >= 0 && fwrite(big, 1000, 50, f) == 50 && fputs("y", f) >= 0);
    rewind(f);
    CHECK_IS(size_of(NAME), 50002);
    memset(big, 0, 50000);
    CHECK(fgetc(f) == 'x' && fread(big, 10000, 5, f) == 5);
    CHECK_IS(pattern_check(big, 50000, 1, 0), -1);
    CHECK_IS(fgetc(f), 'y');
    CHECK_IS(fgetc(f), EOF);
    CHECK(fwrite(big, 0, 10, f) == 0 && fwrite(big, 10, 0, f) == 0);
    free(big);
    CHECK_IS(fclose(f), 0);
    return unlink(NAME);
}

/* What cannot be written is said: at once, at a flush, at fclose. */
static int write_errors(void *unused)
{
    FILE *f = fopen("/dev/full", "w");
    char big[8192] = {0};

    (void)unused;
    CHECK(f && fputs("x", f) >= 0 && !ferror(f));
    CHECK(fflush(f) == EOF && errno == ENOSPC && ferror(f));
    CHECK(fputs("y", f) >= 0 && fclose(f) == EOF && errno == ENOSPC);
    f = fopen("/dev/full", "w");
    CHECK(f && fwrite(big, sizeof(big), 1, f) == 0 && errno == ENOSPC && ferror(f));
    CHECK_IS(fclose(f), 0); /* nothing is left that could fail */
    return 0;
}

/* ------------------------------------------------- pipes, threads, the end */

static int on_pipes(void *unused)
{
    int ends[2];
    char b[64];
    FILE *f;

    (void)unused;
    CHECK_IS(pipe(ends), 0);
    CHECK_IS(dprintf(ends[1], "hi %d\nnext", 5), 9);
    f = fdopen(ends[0], "r");
    CHECK(f && fileno(f) == ends[0]);
    CHECK(fgets(b, sizeof(b), f) && strcmp(b, "hi 5\n") == 0);
    CHECK(fseek(f, 0, SEEK_SET) == -1 && errno == ESPIPE);
    CHECK_IS(close(ends[1]), 0);
    CHECK(fgets(b, sizeof(b), f) && strcmp(b, "next") == 0);
    CHECK(!fgets(b, sizeof(b), f) && feof(f) && fclose(f) == 0);
    CHECK(fcntl(ends[0], F_GETFD) == -1 && errno == EBADF);
    return 0;
}

#define WRITERS 3
#define WRITES  150

static void *write_numbered(void *f)
{
    for (int i = 0; i < WRITES; i++)
        fprintf(f, "%d and %s %d\n", i, "the same", i);
    return 0;
}

/* Each fprintf is whole, however many write to the stream. */
static int one_stream_many_threads(void *unused)
{
    FILE *f = fopen(NAME, "w+");
    pthread_t threads[WRITERS];
    int a, b, lines = 0;
    char line[64];

    (void)unused;
    CHECK(f);
    for (int i = 0; i < WRITERS; i++)
        CHECK_IS(pthread_create(&threads[i], 0, write_numbered, f), 0);
    for (int i = 0; i < WRITERS; i++)
        CHECK_IS(pthread_join(threads[i], 0), 0);
    rewind(f);
    while (fgets(line, sizeof(line), f)) {
        CHECK(sscanf(line, "%d and the same %d", &a, &b) == 2 && a == b);
        lines++;
    }
    CHECK_IS(lines, WRITERS * WRITES);
    CHECK_IS(fclose(f), 0);
    return unlink(NAME);
}

static int leave_by(void (*leave)(int), const char *text)
{
    pid_t pid = fork();

    if (pid == 0) {
        FILE *f = fopen(NAME, "w");
        if (!f || !freopen(NAME "2", "w", stdout))
            _exit(9);
        fputs(text, f);
        fputs("out", stdout);
        leave(4);
    }
    return reap(pid);
}

/* exit writes out what is buffered, _exit does not. */
static int at_exit(void *unused)
{
    (void)unused;
    CHECK_IS(leave_by(exit, "text"), 4 << 8);
    CHECK(contains(NAME, "text") && contains(NAME "2", "out"));
    CHECK_IS(leave_by(_exit, "lost"), 4 << 8);
    CHECK(contains(NAME, "") && contains(NAME "2", ""));
    CHECK_IS(unlink(NAME "2"), 0);
    return unlink(NAME);
}

/* A child that reads a line and exits leaves the next line to its parent. */
static int read_ahead_is_given_back(void *unused)
{
    char b[32] = {0};
    pid_t pid;
    int fd;

    (void)unused;
    CHECK(write_lines() > 0);
    fd = open(NAME, O_RDONLY);
    pid = fork();
    if (pid == 0) {
        FILE *f = fdopen(fd, "r");
        exit(f && fgets(b, sizeof(b), f) ? 0 : 1);
    }
    CHECK_IS(reap(pid), 0);
    CHECK(read(fd, b, 7) == 7 && strcmp(b, "line 1\n") == 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static const struct proc_test tests[] = {
    {read_lines, "getline reads what fprintf wrote"},
    {partial_lines, "fgets: long lines, empty lines, a last one without end"},
    {delimiters, "getdelim grows its buffer"},
    {places, "ftell, fseek, ungetc, fread, fscanf"},
    {both_ways, "reading and writing by turns"},
    {modes, "the modes of fopen, and what it refuses"},
    {reopened, "freopen"},
    {buffers, "full, line and no buffering"},
    {large, "more than a buffer at once"},
    {write_errors, "what cannot be written is an error"},
    {on_pipes, "fdopen and dprintf"},
    {one_stream_many_threads, "several threads write to one stream"},
    {at_exit, "exit writes out, _exit does not"},
    {read_ahead_is_given_back, "what a child read ahead is its parent's"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
