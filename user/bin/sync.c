/*
 * sync: return when everything written so far is on the disk.
 */
#include <banyan.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    long err = sys_sync();

    if (err < 0) {
        fprintf(stderr, "sync: %s\n", strerror((int)-err));
        return 1;
    }
    return 0;
}
