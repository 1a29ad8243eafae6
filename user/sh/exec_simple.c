/*
 * Simple commands: assignments, builtins, functions, programs. See exec.h.
 */
#include <string.h>
#include <unistd.h>

#include "user/sh/builtin.h"
#include "user/sh/exec.h"
#include "user/sh/expand.h"
#include "user/sh/job.h"
#include "user/sh/output.h"
#include "user/sh/redirect.h"
#include "user/sh/shell.h"
#include "user/sh/trap.h"
#include "user/sh/vars.h"

/* ---------------------------------------------------------------- expansion */

/* `export a=$b` and its like assign: their arguments are not split. */
static bool is_declaration(const struct word_list *words)
{
    static const char *const names[] = {"export", "readonly", "local"};
    const struct part *part = words->word->parts;

    if (!part || part->next || part->kind != PART_TEXT)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(part->text, names[i]))
            return true;
    return false;
}

static bool is_assignment_word(const struct word *word)
{
    const struct part *part = word->parts;
    const char *equals;

    if (!part || part->kind != PART_TEXT || part->quoted)
        return false;
    equals = strchr(part->text, '=');
    return equals && shell_is_name(part->text, (size_t)(equals - part->text));
}

static bool expand_words(const struct word_list *words, struct strlist *argv)
{
    bool declaration = words && is_declaration(words);

    strlist_init(argv, shell.stack);
    for (; words; words = words->next) {
        if (declaration && is_assignment_word(words->word)) {
            char *text = expand_string(words->word);

            if (!text)
                return false;
            strlist_add(argv, text);
        } else if (!expand_fields(words->word, argv)) {
            return false;
        }
    }
    return true;
}

/* Do the assignments. saved: remember what they hide there, and export them,
 * as for a command; NULL: they are for good. */
static bool assign(const struct assignment *list, struct saved_var **saved, int flags)
{
    for (; list; list = list->next) {
        char *value = expand_string(list->value);

        if (!value)
            return false;
        if (saved)
            var_save(saved, list->name);
        if (!var_set(list->name, value, flags)) {
            shell.unwind = UNWIND_ABORT;
            shell.status = 1;
            return false;
        }
    }
    return true;
}

/* -x: what is about to run, on one line. */
static void trace(const struct node *node, const struct strlist *argv)
{
    const char *prefix = var_get("PS4");
    struct strbuf line;

    strbuf_init(&line, shell.stack);
    strbuf_adds(&line, prefix ? prefix : "");
    for (const struct assignment *item = node->assignments; item; item = item->next) {
        strbuf_adds(&line, item->name);
        strbuf_put(&line, '=');
        if (var_get(item->name))
            strbuf_adds(&line, var_get(item->name));
        strbuf_put(&line, item->next || argv->count ? ' ' : '\n');
    }
    for (size_t i = 0; i < argv->count; i++) {
        const char *arg = argv->items[i];

        if (!*arg || strpbrk(arg, " \t\n\\'\"$`;&|<>()*?[#~"))
            arg = vars_quote(shell.stack, arg);
        strbuf_adds(&line, arg);
        strbuf_put(&line, i + 1 < argv->count ? ' ' : '\n');
    }
    shell_write(STDERR_FILENO, line.data, line.length);
}

/* ------------------------------------------------------------------- running */

/* In a process of its own: never returns. */
static void __attribute__((noreturn))
become_program(const struct node *node, struct strlist *argv, char **args)
{
    if (!redirect_apply(node->redirects, false))
        _exit(shell.unwind ? shell.status : 1);
    if (!assign(node->assignments, NULL, VAR_EXPORT))
        _exit(shell.status);
    if (shell.opt_xtrace)
        trace(node, argv);
    _exit(exec_program(args));
}

static int run_program(const struct node *node, struct strlist *argv, char **args, bool last)
{
    struct job *job;
    pid_t pid;

    if (last && !trap_is_set())
        become_program(node, argv, args);
    job = job_create(false, NULL);
    pid = job_fork(job);
    if (pid == 0)
        become_program(node, argv, args);
    if (pid < 0) {
        job_abandon(job);
        return 1;
    }
    return job_wait_foreground(job);
}

static int count_args(char **args)
{
    int count = 0;

    while (args[count])
        count++;
    return count;
}

/* A builtin or function, between its redirections and assignments. */
static int run_inside(const struct node *node, struct strlist *argv, char **args,
                      const struct builtin *builtin)
{
    bool special = builtin && (builtin->flags & BUILTIN_SPECIAL) && args == argv->items;
    struct saved_var *hidden = NULL;
    redirect_mark fds = redirect_begin();
    int status = 1;

    if (!redirect_apply(node->redirects, true))
        status = shell.unwind ? shell.status : 1;
    else if (!assign(node->assignments, special ? NULL : &hidden, special ? 0 : VAR_EXPORT))
        status = shell.status;
    else {
        if (shell.opt_xtrace)
            trace(node, argv);
        if (builtin) {
            status = builtin->run(count_args(args), args);
            if (!output_flush(builtin->name))
                status = 1;
        } else {
            status = function_call(count_args(args), args);
        }
        if (builtin && (builtin->flags & BUILTIN_KEEPS_FDS) && !args[1])
            redirect_keep(fds);
    }
    redirect_undo(fds);
    vars_restore(&hidden);
    return status;
}

/* Only redirections and assignments: the latter stay. */
static int run_nothing(const struct node *node, struct strlist *argv)
{
    redirect_mark fds = redirect_begin();
    bool done = redirect_apply(node->redirects, true);

    redirect_undo(fds);
    if (!done)
        return shell.unwind ? shell.status : 1;
    if (!assign(node->assignments, NULL, 0))
        return shell.status;
    if (shell.opt_xtrace && node->assignments)
        trace(node, argv);
    return shell.substitution;
}

static int run_command(const struct node *node, struct strlist *argv, bool last)
{
    char **args = argv->items;
    const struct builtin *builtin;
    bool functions = true;

    /* `command NAME` is NAME without functions. */
    while (!strcmp(args[0], "command") && args[1] && args[1][0] != '-') {
        args++;
        functions = false;
    }
    builtin = builtin_find(args[0]);
    if (builtin && (builtin->flags & BUILTIN_SPECIAL))
        return run_inside(node, argv, args, builtin);
    if (functions && function_exists(args[0]))
        return run_inside(node, argv, args, NULL);
    if (builtin)
        return run_inside(node, argv, args, builtin);
    return run_program(node, argv, args, last);
}

int exec_simple(const struct node *node, bool last)
{
    struct arena_mark mark = arena_mark(shell.stack);
    struct strlist argv;
    int status;

    shell.substitution = 0;
    if (!expand_words(node->words, &argv))
        status = shell.status;
    else if (!argv.count)
        status = run_nothing(node, &argv);
    else
        status = run_command(node, &argv, last);
    arena_release(shell.stack, mark);
    return status;
}
