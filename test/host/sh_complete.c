/*
 * The word that Tab completes, found in lines with every kind of quote.
 *
 * host-test: user/sh/complete.c user/sh/arena.c user/sh/text.c -D_GNU_SOURCE
 */
#include <stdlib.h>
#include <string.h>

#include "test/host/lib_check.h"
#include "user/sh/complete.h"
#include "user/sh/shell.h"

struct shell shell;

void shell_no_memory(void)
{
    abort();
}

static const struct {
    const char *line;
    enum complete_kind kind;
    char quote;
    const char *text;
} cases[] = {
    {"", COMPLETE_COMMAND, 0, ""},
    {"ec", COMPLETE_COMMAND, 0, "ec"},
    {"./ec", COMPLETE_FILE, 0, "./ec"},
    {"cat fi", COMPLETE_FILE, 0, "fi"},
    {"cat a\\ b", COMPLETE_FILE, 0, "a b"},
    {"cat 'a b", COMPLETE_FILE, '\'', "a b"},
    {"cat 'a\\b", COMPLETE_FILE, '\'', "a\\b"},
    {"cat \"a b", COMPLETE_FILE, '"', "a b"},
    {"cat \"a\\b", COMPLETE_FILE, '"', "a\\b"},
    {"cat \"a\\ b", COMPLETE_FILE, '"', "a\\ b"},
    {"cat \"a\\", COMPLETE_FILE, '"', "a\\"},
    {"cat \"a\\\\b", COMPLETE_FILE, '"', "a\\b"},
    {"cat \"a\\\"b", COMPLETE_FILE, '"', "a\"b"},
    {"cat \"a\\$b", COMPLETE_FILE, '"', "a$b"},
    {"cat \"a\\`b", COMPLETE_FILE, '"', "a`b"},
    {"cat \"a\"'b'c", COMPLETE_FILE, 0, "abc"},
    {"cd fo", COMPLETE_FOLDER, 0, "fo"},
    {"cd x; ec", COMPLETE_COMMAND, 0, "ec"},
    {"a=1 ec", COMPLETE_COMMAND, 0, "ec"},
    {"path=/b", COMPLETE_FILE, 0, "/b"},
    {"if ec", COMPLETE_COMMAND, 0, "ec"},
    {"'if' ec", COMPLETE_FILE, 0, "ec"},
    {"cat <fi", COMPLETE_FILE, 0, "fi"},
    {"echo $na", COMPLETE_VARIABLE, 0, "na"},
    {"echo \"x${na", COMPLETE_VARIABLE, '"', "na"},
    {"echo \"\\$na", COMPLETE_FILE, '"', "$na"},
    {"echo $(ec", COMPLETE_COMMAND, 0, "ec"},
};

int main(void)
{
    check_plan(sizeof(cases) / sizeof(cases[0]));
    shell.stack = arena_create();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct complete_word word;

        complete_find_word(&word, cases[i].line, strlen(cases[i].line), shell.stack);
        CHECK(word.kind == cases[i].kind && word.quote == cases[i].quote);
        CHECK(!strcmp(word.text, cases[i].text));
        if (check_failing)
            printf("# kind %d, quote %d, text %s\n", (int)word.kind, word.quote, word.text);
        check_end(*cases[i].line ? cases[i].line : "an empty line");
    }
    arena_drop(shell.stack);
    return check_exit();
}
