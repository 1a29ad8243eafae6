/* Which device is what: the boot arguments, the UART, the disk. */
#include "user/init/init.h"
#include <errno.h>
#include <string.h>
#include "kernel/lib/virtq_mmio.h"

#define BOOT_ARGS_MAX 4096

/* --------------------------------------------------------- boot arguments */

static bool has_word(const char *text, const char *word)
{
    unsigned long len = strlen(word);

    for (const char *at = text; (at = strstr(at, word)) != 0; at += len)
        if ((at == text || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

void boot_args_read(struct boot_args *args)
{
    static char text[BOOT_ARGS_MAX];
    char *end;

    *args = (struct boot_args){0};
    if (sys_system(H_SYSTEM, SYSTEM_BOOT_ARGS, (long)text, sizeof(text), 0) < 0)
        return;
    text[sizeof(text) - 1] = '\0';
    end = strncmp(text, "-- ", 3) == 0 ? text : strstr(text, " -- ");
    if (end) {
        args->command = strstr(end, "-- ") + 3;
        *end = '\0';
    }
    args->marked = has_word(text, "console=marked");
}

/* ---------------------------------------------------------------- devices */

static void device_close(struct device *device)
{
    if (device->mmio >= 0)
        sys_close(device->mmio);
    if (device->interrupt >= 0)
        sys_close(device->interrupt);
    *device = (struct device){H_NONE, H_NONE, 0};
}

/* Look at a virtio transport's registers; reading them changes nothing. */
static bool is_block_device(const struct abi_device *found, bool *legacy)
{
    unsigned long bytes = (found->size + PAGE_SIZE_ABI - 1) & ~(PAGE_SIZE_ABI - 1ul);
    enum virtio_kind kind;
    uint32_t id;
    long address;

    if (!found->size || found->paddr % PAGE_SIZE_ABI) {
        say("init: the virtio transport at 0x%x is not on a page of its own: left alone",
            (unsigned)found->paddr);
        return false;
    }
    address = sys_mmap(0, bytes, ABI_PROT_READ, ABI_MAP_SHARED, found->mmio, 0);
    if (address < 0)
        return false;
    kind = virtio_probe((volatile void *)address, &id);
    sys_munmap((void *)address, bytes);
    if (kind == VIRTIO_LEGACY)
        *legacy = true;
    return kind == VIRTIO_MODERN && id == VIRTIO_ID_BLOCK;
}

/* Keep `found` in place of what is there, if that is nothing or lies higher. */
static void take(struct device *place, const struct abi_device *found)
{
    struct device device = {keep(found->mmio), keep(found->interrupt), found->paddr};

    if (place->mmio != H_NONE && place->paddr <= device.paddr) {
        device_close(&device);
        return;
    }
    device_close(place);
    *place = device;
}

void devices_find(struct devices *devices)
{
    struct abi_device found;

    *devices = (struct devices){.uart = {H_NONE, H_NONE, 0}, .disk = {H_NONE, H_NONE, 0}};
    for (long i = 0;; i++) {
        struct device unwanted;

        long err = sys_system(H_SYSTEM, SYSTEM_DEVICE, i, (long)&found, 0);

        if (err == -EBUSY)
            continue; /* the kernel drives it: the swap disk */
        if (err)
            return; /* -ENODEV: that was the last */
        found.compatible[sizeof(found.compatible) - 1] = '\0';
        if (strcmp(found.compatible, "ns16550a") == 0) {
            take(&devices->uart, &found);
        } else if (strcmp(found.compatible, "virtio,mmio") == 0 &&
                   is_block_device(&found, &devices->legacy)) {
            take(&devices->disk, &found);
        } else {
            unwanted = (struct device){found.mmio, found.interrupt, 0};
            device_close(&unwanted);
        }
    }
}
