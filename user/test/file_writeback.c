/*
 * Dirty pages go back by themselves after a while: no fsync, no sync, no want of
 * memory.
 *
 * test: points=2
 */
#include <fcntl.h>
#include <ktap.h>
#include <string.h>

#define SECOND  1000000000l
#define PATH    "/tmp/file_writeback"
#define PATIENT 15 /* seconds; the timer's period is 5 */

static unsigned long dirty(void)
{
    struct abi_memory memory;

    return sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0) < 0 ? ~0ul : memory.dirty;
}

int main(void)
{
    static char text[8 * 4096];
    int fd, seconds;
    unsigned long at_once;

    ktap_plan(5);
    ledger_begin();
    memset(text, 'w', sizeof(text));
    fd = open(PATH, O_CREAT | O_TRUNC | O_RDWR, 0644);
    ok(fd >= 0 && write(fd, text, sizeof(text)) == (long)sizeof(text), "a file is written");
    at_once = dirty();
    ok(at_once >= 8, "its pages are dirty at first");
    for (seconds = 0; seconds < PATIENT && dirty(); seconds++)
        sys_sleep(SECOND);
    if (!ok(dirty() == 0, "and clean after a while"))
        diag("%lu still dirty", dirty());
    ok(close(fd) == 0 && unlink(PATH) == 0, "the file goes");
    ledger_end_ok("all frames are back");
    return ktap_done();
}
