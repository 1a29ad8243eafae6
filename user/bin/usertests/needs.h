/*
 * What the tests need of the machine: the lines `test:` of their sources, which the build
 * has put into /etc/usertests. A line is NAME and words KEY=VALUE, with tabs between: cpus,
 * mem, swap and kargs, and args for the program.
 */
#ifndef USER_BIN_USERTESTS_NEEDS_H
#define USER_BIN_USERTESTS_NEEDS_H

/* One line. What it does not say is NULL. */
struct need {
    const char *name;
    const char *cpus, *mem, *swap; /* 1,2,4 or 2.. or 32M..256M; a value alone; 0: no swap */
    const char *kargs;             /* words that the kernel's command line must hold */
    const char *args;              /* for the program, between blanks */
    int met;                       /* by this machine */
};

/* All lines, those of one name together; *count is how many. A test that needs nothing may
 * have none. Ends the program with a message if they or the machine cannot be read. */
struct need *needs_read(int *count);

/* Print what another machine would have to have for the test, as far as lines say it. */
void needs_print(const struct need *needs, int count, const char *name);

#endif
