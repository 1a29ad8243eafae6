/*
 * Running of trees: everything but simple commands. See exec.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "user/sh/exec.h"
#include "user/sh/expand.h"
#include "user/sh/glob.h"
#include "user/sh/job.h"
#include "user/sh/redirect.h"
#include "user/sh/shell.h"
#include "user/sh/terminal.h"
#include "user/sh/trap.h"
#include "user/sh/vars.h"

/* Commands between two looks at the terminal for ^C: it costs as much as some
 * builtins do. */
#define COMMANDS_PER_LOOK 64

void exec_child(const struct node *node)
{
    int status = exec_node(node, true);

    _exit(trap_end(shell.unwind ? shell.status : status));
}

/* A condition: its failure is an answer and not an error. */
static int exec_tested(const struct node *node)
{
    int status;

    shell.tested++;
    status = exec_node(node, false);
    shell.tested--;
    return status;
}

/* ------------------------------------------------------------------ pipelines */

/* In the child that runs an item: in and out replace its 0 and 1. */
static void __attribute__((noreturn)) exec_item(const struct node *item, int in, const int *out)
{
    if (in >= 0) {
        dup2(in, STDIN_FILENO);
        if (in != STDIN_FILENO)
            close(in);
    }
    if (out) {
        if (out[0] != STDIN_FILENO || in < 0)
            close(out[0]);
        dup2(out[1], STDOUT_FILENO);
        if (out[1] != STDOUT_FILENO)
            close(out[1]);
    }
    exec_child(item);
}

/* Start every item. False: not all could be started. */
static bool start_items(struct job *job, const struct node *items)
{
    int in = -1;

    for (const struct node *item = items; item; item = item->next) {
        int fds[2] = {-1, -1};
        pid_t pid;

        if (item->next && pipe(fds)) {
            shell_error("pipe: %s", reason(errno));
            if (in >= 0)
                close(in);
            return false;
        }
        pid = job_fork(job);
        if (pid == 0)
            exec_item(item, in, item->next ? fds : NULL);
        if (in >= 0)
            close(in);
        if (item->next)
            close(fds[1]);
        in = fds[0];
        if (pid < 0) {
            if (in >= 0)
                close(in);
            return false;
        }
    }
    return true;
}

static int exec_pipe(const struct node *node)
{
    struct job *job = job_create(false, NULL);

    if (!start_items(job, node->items)) {
        job_abandon(job);
        return 1;
    }
    return job_wait_foreground(job);
}

/* `node &`. A pipeline's items become the job's members directly. */
static int exec_async(const struct node *node)
{
    struct job *job = job_create(true, node->source);
    pid_t pid;

    if (node->kind == NODE_PIPE) {
        if (!start_items(job, node->items)) {
            job_abandon(job);
            return 1;
        }
    } else {
        pid = job_fork(job);
        if (pid == 0)
            exec_child(node);
        if (pid < 0) {
            job_abandon(job);
            return 1;
        }
    }
    job_release(job);
    return 0;
}

static int exec_subshell(const struct node *node, bool last)
{
    struct job *job;
    pid_t pid;

    if (last && !trap_is_set())
        return exec_node(node->left, true);
    job = job_create(false, NULL);
    pid = job_fork(job);
    if (pid == 0)
        exec_child(node->left);
    if (pid < 0) {
        job_abandon(job);
        return 1;
    }
    return job_wait_foreground(job);
}

char *expand_command(const struct node *node)
{
    struct strbuf text;
    struct job *job;
    ssize_t got;
    int fds[2];
    pid_t pid;

    shell.substitution = 0;
    if (!node)
        return arena_copy(shell.stack, "", 0);
    if (pipe(fds)) {
        shell_abort("pipe: %s", reason(errno));
        return NULL;
    }
    job = job_create(false, NULL);
    pid = job_fork(job);
    if (pid == 0)
        exec_item(node, -1, fds);
    close(fds[1]);
    strbuf_init(&text, shell.stack);
    while (pid > 0 && (got = read(fds[0], strbuf_room(&text, 1024), 1024)) > 0) {
        char *start = text.data + text.length;

        for (ssize_t i = 0; i < got; i++)
            if (start[i])
                text.data[text.length++] = start[i];
    }
    close(fds[0]);
    shell.status = shell.substitution = job_wait_foreground(job);
    if (pid < 0)
        shell.unwind = UNWIND_ABORT;
    if (shell.unwind) {
        shell.status = pid < 0 ? 2 : shell.substitution;
        return NULL;
    }
    while (text.length && text.data[text.length - 1] == '\n')
        text.length--;
    return strbuf_text(&text);
}

/* ------------------------------------------------------------------- control */

static int exec_list(const struct node *node, bool last)
{
    int status = 0;

    for (const struct node *item = node->items; item && !shell.unwind; item = item->next) {
        if (item->async)
            status = shell.status = exec_async(item);
        else
            status = exec_node(item, last && !item->next);
    }
    return status;
}

/* After a loop's body: true to go round again. */
static bool loop_goes_on(void)
{
    bool again = shell.unwind == UNWIND_CONTINUE;

    if (shell.unwind == UNWIND_NONE)
        return true;
    if (shell.unwind != UNWIND_BREAK && shell.unwind != UNWIND_CONTINUE)
        return false;
    if (--shell.unwind_count > 0)
        return false;
    shell.unwind = UNWIND_NONE;
    return again;
}

static int exec_while(const struct node *node)
{
    int status = 0;

    shell.loops++;
    for (;;) {
        bool condition = exec_tested(node->left) == 0;

        if (!shell.unwind && condition == (node->kind == NODE_WHILE))
            status = exec_node(node->right, false);
        else if (!shell.unwind)
            break;
        if (!loop_goes_on())
            break;
    }
    shell.loops--;
    return shell.unwind ? shell.status : status;
}

static int exec_for(const struct node *node)
{
    struct arena_mark mark = arena_mark(shell.stack);
    struct strlist words;
    int status = 0;

    strlist_init(&words, shell.stack);
    if (node->words_given) {
        for (const struct word_list *item = node->words; item; item = item->next)
            if (!expand_fields(item->word, &words))
                goto out;
    } else {
        for (size_t i = 0; i < shell.frame->count; i++)
            strlist_add(&words, arena_copy(shell.stack, shell.frame->params[i],
                                           strlen(shell.frame->params[i])));
    }
    shell.loops++;
    for (size_t i = 0; i < words.count; i++) {
        if (!var_set(node->name, words.items[i], 0)) {
            status = 1;
            break;
        }
        status = exec_node(node->right, false);
        if (!loop_goes_on())
            break;
    }
    shell.loops--;
out:
    arena_release(shell.stack, mark);
    return shell.unwind ? shell.status : status;
}

static int exec_case(const struct node *node, bool last)
{
    struct arena_mark mark = arena_mark(shell.stack);
    const char *subject = expand_string(node->subject);
    const struct case_item *found = NULL;

    for (const struct case_item *item = node->cases; item && subject && !found; item = item->next) {
        for (const struct word_list *choice = item->patterns; choice; choice = choice->next) {
            const char *pattern = expand_pattern(choice->word);

            if (!pattern)
                break;
            if (match(pattern, subject)) {
                found = item;
                break;
            }
        }
        if (shell.unwind)
            break;
    }
    arena_release(shell.stack, mark);
    if (shell.unwind)
        return shell.status;
    return found && found->body ? exec_node(found->body, last) : 0;
}

static int exec_if(const struct node *node, bool last)
{
    bool condition = exec_tested(node->left) == 0;

    if (shell.unwind)
        return shell.status;
    if (condition)
        return exec_node(node->right, last);
    return node->other ? exec_node(node->other, last) : 0;
}

static int exec_and_or(const struct node *node, bool last)
{
    int status = exec_tested(node->left);

    if (shell.unwind || (status == 0) != (node->kind == NODE_AND))
        return status;
    return exec_node(node->right, last);
}

static int exec_not(const struct node *node)
{
    int status = exec_tested(node->left);

    return shell.unwind ? status : !status;
}

static int exec_kind(const struct node *node, bool last)
{
    switch (node->kind) {
    case NODE_SIMPLE:
        return exec_simple(node, last);
    case NODE_PIPE:
        return exec_pipe(node);
    case NODE_NOT:
        return exec_not(node);
    case NODE_AND:
    case NODE_OR:
        return exec_and_or(node, last);
    case NODE_LIST:
        return exec_list(node, last);
    case NODE_SUBSHELL:
        return exec_subshell(node, last);
    case NODE_GROUP:
        return exec_node(node->left, last);
    case NODE_IF:
        return exec_if(node, last);
    case NODE_WHILE:
    case NODE_UNTIL:
        return exec_while(node);
    case NODE_FOR:
        return exec_for(node);
    case NODE_CASE:
        return exec_case(node, last);
    case NODE_FUNCTION:
        function_define(node);
        return 0;
    }
    return 1;
}

/* A compound command with redirections. A subshell could do them in its child,
 * but doing them around it is the same to see. */
static int exec_redirected(const struct node *node, bool last)
{
    struct arena_mark mark = arena_mark(shell.stack);
    redirect_mark fds = redirect_begin();
    int status = 1;

    if (redirect_apply(node->redirects, !last))
        status = exec_kind(node, last);
    else if (shell.unwind)
        status = shell.status;
    redirect_undo(fds);
    arena_release(shell.stack, mark);
    return status;
}

/* ^C while the shell itself works: as if it had killed a program. */
static bool is_interrupted(void)
{
    static unsigned commands;

    if (!shell.job_control || ++commands % COMMANDS_PER_LOOK || !terminal_interrupted())
        return false;
    shell.unwind = UNWIND_ABORT;
    shell.status = 130;
    return true;
}

int exec_node(const struct node *node, bool last)
{
    int status;

    if (is_interrupted())
        return shell.status;
    shell.line = node->line;
    if (node->kind != NODE_SIMPLE && node->redirects)
        status = exec_redirected(node, last);
    else
        status = exec_kind(node, last);
    shell.status = status;
    if (status && shell.opt_errexit && !shell.tested && !shell.unwind &&
        (node->kind == NODE_SIMPLE || node->kind == NODE_PIPE || node->kind == NODE_SUBSHELL))
        shell.unwind = UNWIND_EXIT;
    return status;
}
