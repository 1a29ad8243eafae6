/*
 * sed [-Ens] [-i[SUFFIX]] [-e SCRIPT]... [-f FILE]... [SCRIPT] [FILE...]: edit
 * lines as a script says. Exit status: 0, or what q gave; 1 if the script or the
 * system was at fault, 2 if a file could not be read.
 */
#include <stdlib.h>
#include <string.h>

#include "user/bin/sed/sed.h"
#include "user/bin/util.h"
#include "user/include/reason.h"

static const char usage[] = "[-Ens] [-i[SUFFIX]] [-e SCRIPT]... [-f FILE]... [SCRIPT] [FILE...]";

void sed_fail(const char *format, ...)
{
    char message[4608];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    util_warn("%s", message);
    exit(1);
}

void sed_warn(const char *path)
{
    util_error(path);
    util_status = 2;
}

void *sed_grow(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);

    if (!memory)
        sed_fail("%s", reason(ENOMEM));
    return memory;
}

/* A part of the script; parts are as if on lines of their own. */
static void add_part(struct text *source, const char *bytes, size_t length)
{
    if (source->length)
        text_add_char(source, '\n');
    text_add(source, bytes, length);
}

static void add_file(struct text *source, const char *path)
{
    FILE *file = util_open(path);
    struct text part = {0};
    char bytes[4096];
    size_t count;

    if (!file)
        exit(1);
    text_clear(&part);
    while ((count = fread(bytes, 1, sizeof(bytes), file)))
        text_add(&part, bytes, count);
    if (ferror(file))
        sed_fail("%s: %s", path, reason(errno));
    util_close(file, path);
    if (part.length && part.bytes[part.length - 1] == '\n')
        part.length--;
    add_part(source, part.bytes, part.length);
    free(part.bytes);
}

int main(int argc, char **argv)
{
    static char standard_input[] = "-";
    static char *no_operand[] = {standard_input, NULL};
    /* Static: what hangs on them lasts to the end. */
    static struct input input = {.suffix = "", .next_length = -1};
    static struct script script;
    static struct text source;
    bool given = false;
    int option, status;

    util_begin(argv);
    output_begin();
    text_clear(&source);
    while ((option = getopt(argc, argv, "Erne:f:i::s")) != -1) {
        if (option == '?')
            util_usage(usage);
        script.extended = script.extended || option == 'E' || option == 'r';
        script.quiet = script.quiet || option == 'n';
        input.separate = input.separate || option == 's' || option == 'i';
        input.in_place = input.in_place || option == 'i';
        if (option == 'i' && optarg)
            input.suffix = optarg;
        if (option == 'e')
            add_part(&source, optarg, strlen(optarg));
        if (option == 'f')
            add_file(&source, optarg);
        given = given || option == 'e' || option == 'f';
    }
    if (!given && optind == argc)
        util_usage(usage);
    if (!given)
        add_part(&source, argv[optind], strlen(argv[optind]));
    optind += !given;
    if (input.in_place && optind == argc)
        sed_fail("-i needs a file to edit");
    script_read(&script, source.bytes, source.length);
    input.paths = optind < argc ? argv + optind : no_operand;
    status = run_script(&script, &input);
    output_end();
    return status ? status : util_status;
}
