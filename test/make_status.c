/*
 * A function for GNU make: $(end-with-status FILE).
 *
 * make ends with status 2 whatever a recipe's was, but `make run` promises the status of the
 * command that it ran. The recipe leaves that status in FILE.PID, PID being make's; the function
 * takes the file away and ends make with it. Without such a file it does nothing, so that
 * `make -n` works.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* make loads only what declares this, and looks for the set-up function by the file's name. */
int plugin_is_GPL_compatible;
int make_status_gmk_setup(void);

/* What GNU make lends to what it loads (its manual, "Loading Dynamic Objects"). */
typedef char *(*make_function)(const char *name, unsigned count, char **arguments);
void gmk_add_function(const char *name, make_function function, unsigned fewest, unsigned most,
                      unsigned flags);

static char *end_with_status(const char *name, unsigned count, char **arguments)
{
    char path[4096];
    int status;

    (void)name;
    (void)count;
    snprintf(path, sizeof path, "%s.%ld", arguments[0], (long)getpid());
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    int fields = fscanf(file, "%d", &status);
    fclose(file);
    if (fields != 1)
        return NULL;
    unlink(path);
    exit(status);
}

int make_status_gmk_setup(void)
{
    gmk_add_function("end-with-status", end_with_status, 1, 1, 0);
    return 1;
}
