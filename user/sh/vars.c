/*
 * Variables: a hash table of names. See vars.h.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/sh/options.h"
#include "user/sh/output.h"
#include "user/sh/vars.h"

#define BUCKETS 64

struct var {
    struct var *next;
    char *value; /* NULL: unset, but with flags */
    int flags;
    char name[];
};

static struct var *table[BUCKETS];

static struct var **find(const char *name)
{
    unsigned hash = 5381;
    struct var **link;

    for (const char *p = name; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    link = &table[hash % BUCKETS];
    while (*link && strcmp((*link)->name, name))
        link = &(*link)->next;
    return link;
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        shell_no_memory();
    return copy;
}

const char *var_get(const char *name)
{
    const struct var *var = *find(name);

    return var ? var->value : NULL;
}

bool var_set(const char *name, const char *value, int flags)
{
    struct var **link = find(name);
    struct var *var = *link;
    char *copy;

    if (var && value && (var->flags & VAR_READONLY)) {
        shell_error("%s: is read-only", name);
        return false;
    }
    copy = value ? copy_text(value) : NULL;
    if (!var) {
        var = calloc(1, sizeof(*var) + strlen(name) + 1);
        if (!var) {
            free(copy);
            shell_no_memory();
        }
        strcpy(var->name, name);
        *link = var;
    }
    if (value) {
        free(var->value);
        var->value = copy;
        if (shell.opt_allexport)
            flags |= VAR_EXPORT;
    }
    var->flags |= flags;
    return true;
}

static void remove_var(struct var **link)
{
    struct var *var = *link;

    *link = var->next;
    free(var->value);
    free(var);
}

bool var_unset(const char *name)
{
    struct var **link = find(name);

    if (!*link)
        return true;
    if ((*link)->flags & VAR_READONLY) {
        shell_error("%s: is read-only", name);
        return false;
    }
    remove_var(link);
    return true;
}

void vars_each(void (*visit)(const char *name, void *context), void *context)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct var *var = table[i]; var; var = var->next)
            if (var->value)
                visit(var->name, context);
}

void var_save(struct saved_var **list, const char *name)
{
    const struct var *var = *find(name);
    struct saved_var *saved = malloc(sizeof(*saved));

    if (!saved)
        shell_no_memory();
    saved->name = copy_text(name);
    saved->value = var && var->value ? copy_text(var->value) : NULL;
    saved->flags = var ? var->flags : 0;
    saved->next = *list;
    *list = saved;
}

void vars_restore(struct saved_var **list)
{
    while (*list) {
        struct saved_var *saved = *list;
        struct var **link = find(saved->name);

        if (*link)
            remove_var(link);
        if (saved->value || saved->flags)
            var_set(saved->name, saved->value, saved->flags);
        *list = saved->next;
        free(saved->name);
        free(saved->value);
        free(saved);
    }
}

void vars_init(char **environment)
{
    char number[24];
    char *directory;

    for (; environment && *environment; environment++) {
        char *equals = strchr(*environment, '=');
        char *name;

        if (!equals || !shell_is_name(*environment, (size_t)(equals - *environment)))
            continue;
        name = arena_copy(shell.stack, *environment, (size_t)(equals - *environment));
        var_set(name, equals + 1, VAR_EXPORT);
    }
    snprintf(number, sizeof(number), "%ld", (long)getppid());
    var_set("PPID", number, 0);
    var_set("IFS", " \t\n", 0);
    var_set("OPTIND", "1", 0);
    if (!var_get("PATH"))
        var_set("PATH", "/bin", VAR_EXPORT);
    if (shell.interactive && !var_get("PS1"))
        var_set("PS1", "$ ", 0);
    if (shell.interactive && !var_get("PS2"))
        var_set("PS2", "> ", 0);
    if (!var_get("PS4"))
        var_set("PS4", "+ ", 0);
    directory = getcwd(NULL, 0);
    if (directory)
        var_set("PWD", directory, VAR_EXPORT);
    free(directory);
}

char **vars_environment(struct arena *arena)
{
    struct strlist list;

    strlist_init(&list, arena);
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (const struct var *var = table[i]; var; var = var->next) {
            struct strbuf text;

            if (!(var->flags & VAR_EXPORT) || !var->value)
                continue;
            strbuf_init(&text, arena);
            strbuf_adds(&text, var->name);
            strbuf_put(&text, '=');
            strbuf_adds(&text, var->value);
            strlist_add(&list, strbuf_text(&text));
        }
    }
    return list.items;
}

char *vars_quote(struct arena *arena, const char *text)
{
    struct strbuf quoted;

    strbuf_init(&quoted, arena);
    strbuf_put(&quoted, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            strbuf_adds(&quoted, "'\\'");
        strbuf_put(&quoted, *text);
    }
    strbuf_put(&quoted, '\'');
    return strbuf_text(&quoted);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(struct var *const *)a)->name, (*(struct var *const *)b)->name);
}

void vars_print(const char *prefix, int flags)
{
    size_t count = 0, filled = 0;
    const struct var **sorted;

    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct var *var = table[i]; var; var = var->next)
            count++;
    sorted = arena_alloc(shell.stack, count * sizeof(const struct var *));
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct var *var = table[i]; var; var = var->next)
            if ((var->flags & flags) == flags && (var->value || flags))
                sorted[filled++] = var;
    qsort(sorted, filled, sizeof(sorted[0]), compare_names);
    for (size_t i = 0; i < filled; i++) {
        output_text(prefix);
        output_text(sorted[i]->name);
        if (sorted[i]->value) {
            output_text("=");
            output_text(vars_quote(shell.stack, sorted[i]->value));
        }
        output_text("\n");
    }
}

/* ---------------------------------------------------- positional parameters */

static void free_params(struct frame *frame)
{
    for (size_t i = 0; i < frame->count; i++)
        free(frame->params[i]);
    free(frame->params);
    frame->params = NULL;
    frame->count = 0;
}

void params_set(char *const *values, size_t count)
{
    char **copies = calloc(count + 1, sizeof(char *));

    if (!copies)
        shell_no_memory();
    for (size_t i = 0; i < count; i++)
        copies[i] = copy_text(values[i]);
    free_params(shell.frame);
    shell.frame->params = copies;
    shell.frame->count = count;
}

void frame_push(char *const *values, size_t count)
{
    struct frame *frame = calloc(1, sizeof(*frame));

    if (!frame)
        shell_no_memory();
    frame->below = shell.frame;
    shell.frame = frame;
    params_set(values, count);
}

void frame_pop(void)
{
    struct frame *frame = shell.frame;

    vars_restore(&frame->locals);
    free_params(frame);
    shell.frame = frame->below;
    free(frame);
}

static const char *number_text(struct arena *arena, long number)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "%ld", number);

    return arena_copy(arena, text, (size_t)length);
}

/* $-: the letters of the options that are on. */
static const char *option_letters(struct arena *arena)
{
    struct strbuf text;

    strbuf_init(&text, arena);
    for (const struct option_flag *option = shell_options; option->name; option++)
        if (*option->flag && option->letter)
            strbuf_put(&text, option->letter);
    if (shell.interactive)
        strbuf_put(&text, 'i');
    return strbuf_text(&text);
}

const char *param_value(struct arena *arena, const char *name)
{
    int position;

    switch (name[0]) {
    case '#':
        return number_text(arena, (long)shell.frame->count);
    case '?':
        return number_text(arena, shell.status);
    case '$':
        return number_text(arena, shell.pid);
    case '!':
        return shell.background ? number_text(arena, shell.background) : NULL;
    case '-':
        return option_letters(arena);
    default:
        break;
    }
    if (name[0] < '0' || name[0] > '9')
        return strcmp(name, "LINENO") ? var_get(name) : number_text(arena, shell.line);
    position = shell_number(name);
    if (position == 0)
        return shell.name;
    if (position < 0 || (size_t)position > shell.frame->count)
        return NULL;
    return shell.frame->params[position - 1];
}
