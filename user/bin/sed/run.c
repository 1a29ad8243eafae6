/*
 * Running a script: for each line the commands from the first to the last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/bin/sed/sed.h"

/* What a, r leave to be written when the line is done. */
struct later {
    const struct text *text;
    bool is_path;
};

static struct {
    struct script *script;
    struct input *input;
    struct text space, hold;
    bool newline, hold_newline; /* the last line in it had one */
    bool replaced;              /* s did something since the line was read, or since t */
    bool ended;                 /* q */
    bool again;                 /* D: the next cycle begins without a new line */
    int status;
    struct later *later;
    size_t later_count, later_room;
} run;

static bool address_matches(const struct address *address)
{
    switch (address->kind) {
    case ADDRESS_LINE:
        return run.input->lines == address->line;
    case ADDRESS_LAST:
        return input_at_last(run.input);
    case ADDRESS_REGEX:
        return subst_matches(address->regex, &run.space);
    case ADDRESS_STEP:
        if (!address->step)
            return run.input->lines == address->line;
        return run.input->lines >= address->line &&
               (run.input->lines - address->line) % address->step == 0;
    default:
        return true;
    }
}

/* Does a range begin here? One that begins at a line's number begins once, and
 * later if n or N took that line away. */
static bool range_begins(struct command *command)
{
    if (command->from.kind != ADDRESS_LINE)
        return address_matches(&command->from);
    if (run.input->lines < command->from.line)
        command->begun = false; /* another file, under -s */
    if (command->begun || run.input->lines < command->from.line)
        return false;
    command->begun = true;
    return true;
}

/* Does the line belong to the range? It may begin or end with it. */
static bool range_matches(struct command *command)
{
    unsigned long line = run.input->lines;
    const struct address *to = &command->to;

    if (command->inside) {
        if (to->kind == ADDRESS_LINE || to->kind == ADDRESS_STEP) {
            command->inside = line < command->last;
            return line <= command->last;
        }
        command->inside = !address_matches(to);
        return true;
    }
    if (!range_begins(command))
        return false;
    if (to->kind == ADDRESS_LINE || to->kind == ADDRESS_STEP) {
        command->last = to->kind == ADDRESS_STEP ? line + to->line : to->line;
        command->inside = command->last > line;
        /* Reached only behind its end, a range by numbers is over. */
        return line <= command->last || command->from.kind != ADDRESS_LINE ||
               line == command->from.line;
    }
    command->inside = to->kind == ADDRESS_REGEX || !input_at_last(run.input);
    return true;
}

static bool selected(struct command *command)
{
    bool matches =
        command->to.kind != ADDRESS_NONE ? range_matches(command) : address_matches(&command->from);

    return matches != command->negated;
}

static void put_off(const struct text *text, bool is_path)
{
    if (run.later_count == run.later_room) {
        run.later_room = run.later_room ? run.later_room * 2 : 16;
        run.later = sed_grow(run.later, run.later_room * sizeof(*run.later));
    }
    run.later[run.later_count++] = (struct later){text, is_path};
}

/* A file that cannot be read is no error for r. */
static void write_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char bytes[4096];
    size_t count;

    if (!file)
        return;
    while ((count = fread(bytes, 1, sizeof(bytes), file)))
        output_bytes(output, bytes, count);
    fclose(file);
}

static void write_later(void)
{
    for (size_t i = 0; i < run.later_count; i++) {
        if (run.later[i].is_path)
            write_file(run.later[i].text->bytes);
        else
            output_bytes(output, run.later[i].text->bytes, run.later[i].text->length);
    }
    run.later_count = 0;
}

static void print_space(void)
{
    if (!run.script->quiet)
        output_line(output, &run.space, run.newline);
}

/* n and N: add the next line to the space. Where there is none the script ends;
 * the space is printed. */
static bool next_line(bool join)
{
    if (input_at_last(run.input)) {
        print_space();
        return false;
    }
    if (!join)
        print_space();
    write_later();
    if (join)
        text_add_char(&run.space, '\n');
    else
        text_clear(&run.space);
    run.replaced = false;
    return input_line(run.input, &run.space, &run.newline);
}

static void substitute(const struct substitution *s)
{
    if (!subst_run(s, &run.space))
        return;
    run.replaced = true;
    if (s->print)
        output_line(output, &run.space, run.newline);
    if (s->writes)
        output_line(s->out, &run.space, run.newline);
}

/* What of the space comes before its first newline. */
static size_t first_line(void)
{
    const char *end = memchr(run.space.bytes, '\n', run.space.length);

    return end ? (size_t)(end - run.space.bytes) : run.space.length;
}

static void print_first_line(void)
{
    struct text line = {0};

    text_add(&line, run.space.bytes, first_line());
    output_line(output, &line, line.length < run.space.length || run.newline);
    free(line.bytes);
}

/* D: take the first line away. False if there was but one. */
static bool delete_first_line(void)
{
    size_t end = first_line();

    if (end == run.space.length)
        return false;
    run.space.length -= end + 1;
    memmove(run.space.bytes, run.space.bytes + end + 1, run.space.length + 1);
    return true;
}

static void exchange(void)
{
    bool newline = run.newline;

    text_swap(&run.space, &run.hold);
    run.newline = run.hold_newline;
    run.hold_newline = newline;
}

static void print_number(void)
{
    char number[32];

    snprintf(number, sizeof(number), "%lu\n", run.input->lines);
    output_bytes(output, number, strlen(number));
}

/* The commands that only change or print text. */
static void edit(const struct command *command)
{
    switch (command->name) {
    case '=':
        print_number();
        break;
    case 'a':
        put_off(&command->text, false);
        break;
    case 'r':
        put_off(&command->text, true);
        break;
    case 'i':
        output_bytes(output, command->text.bytes, command->text.length);
        break;
    case 'g':
        text_clear(&run.space);
        text_add(&run.space, run.hold.bytes, run.hold.length);
        run.newline = run.hold_newline;
        break;
    case 'G':
        text_add_char(&run.space, '\n');
        text_add(&run.space, run.hold.bytes, run.hold.length);
        run.newline = run.hold_newline;
        break;
    case 'h':
        text_clear(&run.hold);
        text_add(&run.hold, run.space.bytes, run.space.length);
        run.hold_newline = run.newline;
        break;
    case 'H':
        text_add_char(&run.hold, '\n');
        text_add(&run.hold, run.space.bytes, run.space.length);
        run.hold_newline = run.newline;
        break;
    case 'l':
        output_visibly(&run.space, command->number);
        break;
    case 'p':
        output_line(output, &run.space, run.newline);
        break;
    case 'P':
        print_first_line();
        break;
    case 's':
        substitute(&command->s);
        break;
    case 'w':
        output_line(command->out, &run.space, run.newline);
        break;
    case 'x':
        exchange();
        break;
    case 'y':
        for (size_t i = 0; i < run.space.length; i++)
            run.space.bytes[i] = (char)command->map[(unsigned char)run.space.bytes[i]];
        break;
    default:
        break;
    }
}

/* The commands that end a cycle, or may. True if this one does; the space is then
 * printed only if *print says so. */
static bool ends_cycle(const struct command *command, bool *print)
{
    *print = false;
    switch (command->name) {
    case 'c':
        /* Once for a range: with its last line. */
        if (command->to.kind == ADDRESS_NONE || command->negated || !command->inside)
            output_bytes(output, command->text.bytes, command->text.length);
        return true;
    case 'd':
        return true;
    case 'D':
        run.again = delete_first_line();
        return true;
    case 'n':
    case 'N':
        return !next_line(command->name == 'N');
    case 'q':
    case 'Q':
        run.ended = true;
        run.status = (int)(command->number & 0xff);
        *print = command->name == 'q';
        return true;
    default:
        return false;
    }
}

/* One line through the script. Returns whether to print what became of it. */
static bool cycle(void)
{
    struct script *script = run.script;

    for (size_t i = 0; i < script->count;) {
        struct command *command = &script->commands[i++];
        bool is_selected = selected(command), print;

        if (command->name == '{') {
            if (!is_selected)
                i = command->target;
        } else if (is_selected) {
            if (ends_cycle(command, &print))
                return print;
            if (command->name == 'b' || (command->name == 't' && run.replaced) ||
                (command->name == 'T' && !run.replaced))
                i = command->target;
            if (command->name == 't' || command->name == 'T')
                run.replaced = false;
            edit(command);
        }
    }
    return true;
}

int run_script(struct script *script, struct input *input)
{
    run.script = script;
    run.input = input;
    text_clear(&run.space);
    text_clear(&run.hold);
    run.hold_newline = true;
    while (!run.ended) {
        if (!run.again) {
            text_clear(&run.space);
            run.replaced = false;
            if (!input_line(input, &run.space, &run.newline))
                break;
        }
        run.again = false;
        if (cycle())
            print_space();
        write_later();
    }
    if (run.ended)
        input_abandon(input);
    return run.status;
}
