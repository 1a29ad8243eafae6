/* Pipes between two processes. */
#include "user/bench/bench.h"

static int to[2], back[2];
static unsigned long chunk;
static char data[4096];

static void echo(void)
{
    char byte;

    while (read(to[0], &byte, 1) == 1)
        write(back[1], &byte, 1);
}

static void swallow(void)
{
    static char sink[4096];

    while (read(to[0], sink, chunk) > 0)
        ;
}

static void make_pipes(void)
{
    MUST(pipe(to) == 0 && pipe(back) == 0);
}

static void ping_pong(void)
{
    char out = 0, in = 0;
    int other;

    make_pipes();
    other = bench_spawn(echo);
    BENCH("pipe1", 1, out++; MUST(write(to[1], &out, 1) == 1);
          MUST(read(back[0], &in, 1) == 1 && in == out));
    bench_end(other);
}

/* Per byte. */
static void stream(const char *name, unsigned long size)
{
    int other;

    make_pipes();
    chunk = size;
    other = bench_spawn(swallow);
    BENCH(name, size, MUST(write(to[1], data, size) == (long)size));
    bench_end(other);
}

int main(void)
{
    ping_pong();
    stream("pipe4096", 4096);
    stream("pipe512", 512);
    return 0;
}
