#include "user/bin/usertests/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

void report_line(struct report *report, const char *line)
{
    if (strncmp(line, "1..", 3) == 0) {
        report->repeated_plan |= report->planned >= 0;
        report->planned = strtol(line + 3, 0, 10);
    } else if (strncmp(line, "ok ", 3) == 0) {
        report->results++;
    } else if (strncmp(line, "not ok ", 7) == 0) {
        report->results++;
        report->failed++;
    } else if (strncmp(line, "Bail out!", 9) == 0) {
        report->bailed_out = 1;
    }
}

int report_passed(const struct report *report, const char *name, int status)
{
    int passed = 1;

    if (WIFSIGNALED(status)) {
        printf("# %s: killed by signal %d (%s)\n", name, WTERMSIG(status),
               strsignal(WTERMSIG(status)));
        passed = 0;
    } else if (WEXITSTATUS(status) != 0) {
        printf("# %s: exit status %d\n", name, WEXITSTATUS(status));
        passed = 0;
    }
    if (report->planned < 0) {
        printf("# %s: no plan\n", name);
        passed = 0;
    } else if (report->repeated_plan || report->results != report->planned) {
        printf("# %s: planned %ld results, gave %ld\n", name, report->planned, report->results);
        passed = 0;
    }
    if (report->bailed_out) {
        printf("# %s: bailed out\n", name);
        passed = 0;
    }
    if (report->failed > 0) {
        printf("# %s: %ld of %ld failed\n", name, report->failed, report->results);
        passed = 0;
    }
    return passed;
}
