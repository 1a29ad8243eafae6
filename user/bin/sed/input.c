/*
 * The lines of the operands, one file after the other, and with -i the new file
 * that takes the old one's place when all of it has been read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/bin/sed/sed.h"
#include "user/include/reason.h"

static struct out replacement; /* -i: the new file */
static char *replacement_path; /* its name as long as it is not the old one's */

static void remove_replacement(void)
{
    if (replacement_path)
        unlink(replacement_path);
}

/* A name for the new file, in the folder of the old one, as it is renamed later. */
static char *name_replacement(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    char *name = sed_grow(NULL, folder + 40);

    snprintf(name, folder + 40, "%.*ssed.%ld.new", (int)folder, path, (long)getpid());
    return name;
}

/* The old file is open: begin the new one. False if it cannot be edited. */
static bool begin_replacement(struct input *input)
{
    static bool registered;
    struct stat info;
    int fd;

    if (fstat(fileno(input->file), &info))
        return false;
    if (!S_ISREG(info.st_mode)) {
        errno = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
        return false;
    }
    if (!registered)
        atexit(remove_replacement);
    registered = true;
    replacement_path = name_replacement(input->path);
    fd = open(replacement_path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || fchmod(fd, info.st_mode & 07777) || !(replacement.file = fdopen(fd, "w")))
        sed_fail("%s: %s", replacement_path, reason(errno));
    replacement.path = input->path;
    replacement.open_line = false;
    output = &replacement;
    return true;
}

/* All is written: the new file gets the old one's name. */
static void end_replacement(struct input *input)
{
    if (fclose(replacement.file))
        sed_fail("%s: write error: %s", input->path, reason(errno));
    if (*input->suffix) {
        size_t size = strlen(input->path) + strlen(input->suffix) + 1;
        char *copy = sed_grow(NULL, size);

        snprintf(copy, size, "%s%s", input->path, input->suffix);
        if (rename(input->path, copy))
            sed_fail("%s: %s", copy, reason(errno));
        free(copy);
    }
    if (rename(replacement_path, input->path))
        sed_fail("%s: %s", input->path, reason(errno));
    free(replacement_path);
    replacement_path = NULL;
}

static bool open_next(struct input *input)
{
    while (*input->paths) {
        input->path = *input->paths++;
        if (!strcmp(input->path, "-") && !input->in_place)
            input->file = stdin;
        else
            input->file = fopen(input->path, "r");
        if (input->file && (!input->in_place || begin_replacement(input))) {
            if (input->separate)
                input->lines = 0;
            return true;
        }
        sed_warn(input->path);
        if (input->file)
            fclose(input->file);
        input->file = NULL;
    }
    return false;
}

static void close_file(struct input *input)
{
    if (ferror(input->file)) {
        sed_warn(input->path);
        if (input->in_place)
            sed_fail("%s: left as it was", input->path);
    }
    if (input->in_place)
        end_replacement(input);
    if (input->file != stdin)
        fclose(input->file);
    input->file = NULL;
}

/* Read the next line of the open file ahead; false at its end. */
static bool look(struct input *input)
{
    if (input->next_length < 0 && !feof(input->file) && !ferror(input->file))
        input->next_length = getline(&input->next, &input->next_room, input->file);
    return input->next_length >= 0;
}

bool input_line(struct input *input, struct text *text, bool *newline)
{
    size_t length;

    for (;;) {
        if (!input->file && !open_next(input))
            return false;
        if (look(input))
            break;
        close_file(input);
    }
    length = (size_t)input->next_length;
    *newline = length && input->next[length - 1] == '\n';
    text_add(text, input->next, length - *newline);
    input->next_length = -1;
    input->lines++;
    return true;
}

bool input_at_last(struct input *input)
{
    for (;;) {
        if (input->file && look(input))
            return false;
        if (input->separate)
            return true;
        if (input->file)
            close_file(input);
        if (!open_next(input))
            return true;
    }
}

void input_abandon(struct input *input)
{
    struct text line = {0};

    if (!input->in_place || !input->file)
        return;
    while (look(input)) {
        bool newline = input->next[input->next_length - 1] == '\n';

        text_clear(&line);
        text_add(&line, input->next, (size_t)input->next_length - newline);
        output_line(output, &line, newline);
        input->next_length = -1;
    }
    free(line.bytes);
    close_file(input);
}
