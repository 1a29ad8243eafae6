/*
 * The kernel's part in files, for host tests: memory objects with cached pages,
 * of which dirty ones are stored later, in the order and at the time a test likes.
 */
#ifndef TEST_HOST_FS_KERNEL_H
#define TEST_HOST_FS_KERNEL_H

#include "test/host/fs_disk.h"

struct page {
    struct page *next;
    uint64_t no;
    bool dirty, hole;
    uint8_t data[FS_PAGE];
};

struct object {
    struct object *next;
    uint64_t key, size, mtime, cuts;
    unsigned mapped;
    struct page *pages; /* in order */
};

static struct object *objects;

static inline struct object *object_find(uint64_t key)
{
    struct object *object = objects;

    while (object && object->key != key)
        object = object->next;
    return object;
}

/* Drops the pages from no on; with dirty also those that are not stored. */
static inline void object_drop_pages(struct object *object, uint64_t no, bool dirty)
{
    struct page **at = &object->pages;

    while (*at) {
        struct page *page = *at;

        if (page->no >= no && (dirty || !page->dirty)) {
            *at = page->next;
            free(page);
        } else {
            at = &page->next;
        }
    }
}

static inline void object_forget(uint64_t key)
{
    struct object **at = &objects;

    while (*at && (*at)->key != key)
        at = &(*at)->next;
    if (*at) {
        struct object *object = *at;

        *at = object->next;
        object_drop_pages(object, 0, true);
        free(object);
    }
}

static inline int kernel_object_info(void *context, uint64_t key, struct fs_object *info)
{
    struct object *object = object_find(key);

    (void)context;
    if (!object)
        return -ENOENT;
    *info = (struct fs_object){.size = object->size,
                               .mtime_ns = object->mtime,
                               .mapped = object->mapped,
                               .cuts = object->cuts};
    for (struct page *page = object->pages; page; page = page->next)
        info->resident++;
    return 0;
}

static inline int kernel_object_resize(void *context, uint64_t key, uint64_t size)
{
    struct object *object = object_find(key);

    (void)context;
    if (!object)
        return -ENOENT;
    object->cuts += size < object->size;
    object_drop_pages(object, (size + FS_PAGE - 1) / FS_PAGE, true);
    for (struct page *page = object->pages; page; page = page->next)
        if (page->no == size / FS_PAGE)
            memset(page->data + size % FS_PAGE, 0, FS_PAGE - size % FS_PAGE);
    object->size = size;
    return 0;
}

static inline void kernel_object_discard(void *context, uint64_t key)
{
    (void)context;
    object_forget(key);
}

static inline void kernel_hooks(struct disk *disk)
{
    disk->hooks.object_info = kernel_object_info;
    disk->hooks.object_resize = kernel_object_resize;
    disk->hooks.object_discard = kernel_object_discard;
}

/* The object behind a node that was opened. */
static inline struct object *object_open(const struct fs_node *node)
{
    struct object *object = object_find(node->key);

    if (!object) {
        object = calloc(1, sizeof(*object));
        object->key = node->key;
        object->size = node->size;
        object->next = objects;
        objects = object;
    }
    return object;
}

static inline struct page *page_get(struct disk *disk, struct object *object, uint64_t no)
{
    static uint8_t data[FS_PAGES_MAX * FS_PAGE];
    struct page **at = &object->pages, *page;
    uint64_t holes;
    int bytes;

    while (*at && (*at)->no < no)
        at = &(*at)->next;
    if (*at && (*at)->no == no)
        return *at;
    memset(data, 0xee, sizeof(data));
    bytes = fs_page_in(disk->fs, object->key, no, 1 + no % 3, data, &holes);
    CHECK(bytes >= 0);
    for (size_t i = bytes < 0 ? 0 : bytes; i < (1 + no % 3) * FS_PAGE; i++)
        if (data[i]) {
            CHECK(!"zeros behind the bytes that were read");
            break;
        }
    page = calloc(1, sizeof(*page));
    memcpy(page->data, data, FS_PAGE);
    page->no = no;
    page->hole = holes & 1;
    page->next = *at;
    *at = page;
    return page;
}

static inline long object_read(struct disk *disk, struct object *object, uint64_t offset,
                               uint8_t *data, size_t len)
{
    size_t done = 0;

    if (offset >= object->size)
        return 0;
    if (len > object->size - offset)
        len = object->size - offset;
    while (done < len) {
        size_t at = (offset + done) % FS_PAGE;
        size_t n = len - done < FS_PAGE - at ? len - done : FS_PAGE - at;

        memcpy(data + done, page_get(disk, object, (offset + done) / FS_PAGE)->data + at, n);
        done += n;
    }
    return done;
}

/* As write(2): bytes written, or an error if there are none. */
static inline long object_write(struct disk *disk, struct object *object, uint64_t offset,
                                const uint8_t *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        size_t at = (offset + done) % FS_PAGE;
        size_t n = len - done < FS_PAGE - at ? len - done : FS_PAGE - at;
        uint64_t end = offset + done + n, size = end > object->size ? end : object->size;
        struct page *page = page_get(disk, object, (offset + done) / FS_PAGE);
        long got = 1;

        if (end > object->size || (page->hole && !page->dirty))
            got = fs_reserve(disk->fs, object->key, page->no, 1, size);
        if (got < 0)
            return done ? (long)done : got;
        CHECK(got == 1);
        memcpy(page->data + at, data + done, n);
        page->dirty = true;
        object->size = size;
        object->mtime = disk_now(disk);
        done += n;
    }
    return done;
}

/* Stores the dirty pages from no to last. What was reserved cannot fail for want
 * of space. */
static inline int object_store(struct disk *disk, struct object *object, uint64_t no, uint64_t last)
{
    static uint8_t data[FS_PAGES_MAX * FS_PAGE];
    struct page *page = object->pages;

    while (page) {
        struct page *first = page;
        unsigned count = 0;
        size_t len;
        int err;

        if (!page->dirty || page->no < no || page->no > last) {
            page = page->next;
            continue;
        }
        while (page && page->dirty && page->no == first->no + count && page->no <= last &&
               count < FS_PAGES_MAX) {
            memcpy(data + count * FS_PAGE, page->data, FS_PAGE);
            page->dirty = page->hole = false;
            count++;
            page = page->next;
        }
        len = (size_t)count * FS_PAGE;
        if (first->no * FS_PAGE + len > object->size)
            len = object->size - first->no * FS_PAGE;
        err = fs_page_out(disk->fs, object->key, first->no, count, object->size, object->cuts, data,
                          len);
        if (err)
            return err;
    }
    return 0;
}

static inline int objects_store(struct disk *disk)
{
    int err = 0;

    for (struct object *object = objects; object && !err; object = object->next)
        err = object_store(disk, object, 0, UINT64_MAX);
    return err;
}

static inline void objects_forget(void)
{
    while (objects)
        object_forget(objects->key);
}

#endif
