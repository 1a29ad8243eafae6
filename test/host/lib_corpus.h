/*
 * Tests whose choices are made by the bytes of an input. A test defines input_boot and input_run;
 * `make fuzz` links it with libFuzzer, to look for inputs that go where none went before; as a host
 * test it goes through those that are kept in test/data/NAME, or the files that are its arguments.
 */
#ifndef TEST_HOST_LIB_CORPUS_H
#define TEST_HOST_LIB_CORPUS_H

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/lib_check.h"

#define INPUT_MAX 65536u

void input_boot(void);
/* Does what the input says. Each input starts from the same state. */
void input_run(const unsigned char *bytes, size_t size);

#ifdef LIBFUZZER

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    input_boot();
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    if (size)
        input_run(bytes, size);
    if (check_failing)
        abort();
    return 0;
}

#else

static inline void corpus_file(const char *path)
{
    static unsigned char bytes[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;

    CHECK(size > 0);
    if (file)
        fclose(file);
    if (size)
        input_run(bytes, size);
    if (check_failing)
        printf("# input %s\n", path);
}

/* The inputs of test/data/NAME, whatever the current folder is. Returns how many. */
static inline unsigned corpus_folder(const char *name)
{
    char folder[PATH_MAX], path[PATH_MAX + 256];
    const char *slash = strrchr(__FILE__, '/');
    struct dirent **names;
    unsigned count = 0;
    int found;

    snprintf(folder, sizeof folder, "%.*s/../data/%s", (int)(slash - __FILE__), __FILE__, name);
    /* In the order of their names: what one input does may depend a little on those before. */
    found = scandir(folder, &names, NULL, alphasort);
    CHECK(found > 0);
    for (int i = 0; i < found; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && !check_failing) {
            corpus_file(path);
            count++;
        }
        free(names[i]);
    }
    if (found > 0)
        free(names);
    return count;
}

#endif
#endif
