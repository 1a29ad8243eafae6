/*
 * getopts: options of a script or function, one at each call. See builtin.h.
 */
#include <stdio.h>
#include <string.h>

#include "user/sh/builtin.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

/* OPTIND names the argument; which letter of it is next is kept here, and is
 * valid only while OPTIND still names the argument it was kept for. */
static int inside_index, inside_offset;

struct options {
    const char *letters; /* known ones; `:` after one that takes an argument */
    bool quiet;          /* letters began with `:`: errors are told in NAME */
    char **args;
    int count;
    int index;     /* of the argument being looked at, from 1 */
    size_t offset; /* in it */
};

static void set_index(int index)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", index);
    var_set("OPTIND", text, 0);
}

/* Take the next letter's argument. False: there is none. */
static bool take_argument(struct options *o)
{
    const char *rest = o->args[o->index - 1] + o->offset;

    o->index++;
    o->offset = 1;
    if (!*rest) {
        if (o->index > o->count)
            return false;
        rest = o->args[o->index - 1];
        o->index++;
    }
    var_set("OPTARG", rest, 0);
    return true;
}

/* Take one letter; returns what NAME becomes. */
static char take_letter(struct options *o)
{
    const char *arg = o->args[o->index - 1];
    char letter[2] = {arg[o->offset++], '\0'};
    const char *known = letter[0] == ':' ? NULL : strchr(o->letters, letter[0]);
    const char *problem;

    if (known && known[1] == ':') {
        if (take_argument(o))
            return letter[0];
        problem = "its argument is missing";
    } else {
        if (!arg[o->offset]) {
            o->index++;
            o->offset = 1;
        }
        if (known)
            return letter[0];
        problem = "unknown option";
    }
    if (o->quiet)
        var_set("OPTARG", letter, 0);
    else
        shell_error("-%s: %s", letter, problem);
    return known && o->quiet ? ':' : '?';
}

/* getopts LETTERS NAME [ARG...] */
int builtin_getopts(int argc, char **argv)
{
    struct options o = {.offset = 1};
    const char *index = var_get("OPTIND"), *arg;
    char result[2] = "?";

    if (argc < 3) {
        shell_error("getopts: letters and a name are needed");
        return 2;
    }
    o.quiet = argv[1][0] == ':';
    o.letters = argv[1] + o.quiet;
    o.args = argc > 3 ? argv + 3 : shell.frame->params;
    o.count = argc > 3 ? argc - 3 : (int)shell.frame->count;
    o.index = index ? shell_number(index) : 1;
    if (o.index < 1)
        o.index = 1;
    arg = o.index <= o.count ? o.args[o.index - 1] : NULL;
    if (arg && o.index == inside_index && (size_t)inside_offset < strlen(arg))
        o.offset = (size_t)inside_offset;
    if (!arg || arg[0] != '-' || !arg[1] || !strcmp(arg, "--")) {
        inside_index = 0;
        set_index(arg && !strcmp(arg, "--") ? o.index + 1 : o.index);
        var_set(argv[2], "?", 0);
        return 1;
    }
    var_unset("OPTARG");
    result[0] = take_letter(&o);
    inside_index = o.index;
    inside_offset = (int)o.offset;
    set_index(o.index);
    return var_set(argv[2], result, 0) ? 0 : 2;
}
