/* What a test program reports on its standard output, in KTAP, line by line. */
#ifndef USER_BIN_USERTESTS_REPORT_H
#define USER_BIN_USERTESTS_REPORT_H

/* What it has said so far. */
struct report {
    long planned; /* -1: no plan seen */
    long results;
    long failed;
    int bailed_out;
    int repeated_plan;
};

/* One line, without its newline. What is indented belongs to a subtest and does not count. */
void report_line(struct report *report, const char *line);

/* Whether the program passed that ended with this wait status. Prints why not, as remarks. */
int report_passed(const struct report *report, const char *name, int status);

#endif
