/* Copies from and to user memory; the contract is in usercopy.h. */
#include "vm/usercopy.h"

#include "kernel/errno.h"
#include "kernel/lib/string.h"
#include "vm/sv39.h"

/* The part of n that lies in va's page. */
static size_t in_page(vaddr_t va, size_t n)
{
    size_t room = PAGE_SIZE - (va & PAGE_MASK);
    return n < room ? n : room;
}

/* The kernel address of a user byte, with the walk lock of its table held
 * (*walk); NULL, nothing held, if the entry does not allow the access as it is. */
static char *enter_page(struct space *s, vaddr_t va, unsigned access, struct spinlock **walk)
{
    bool write = access == ACCESS_WRITE;
    uint64_t needed = PTE_V | PTE_U | (write ? PTE_W : access == ACCESS_EXEC ? PTE_X : PTE_R);
    walk_begin();
    pte_t *pte = sv39_walk(s->root, va, false);
    if (!pte) {
        walk_end();
        return NULL;
    }
    *walk = sv39_lock(pte);
    spin_lock(*walk);
    pte_t now = pte_load(pte);
    bool allowed = (now & needed) == needed && frame_valid(pte_paddr(now));
    if (!allowed)
        spin_unlock(*walk);
    walk_end();
    if (!allowed)
        return NULL;
    uint64_t mark = write ? PTE_A | PTE_D : PTE_A;
    if ((now & mark) != mark)
        pte_set_bits(pte, mark);
    return (char *)direct_map(pte_paddr(now)) + (va & PAGE_MASK);
}

int user_fault(struct space *s, vaddr_t va, unsigned access, int flags)
{
    walk_begin();
    const pte_t *pte = sv39_walk(s->root, va, false);
    pte_t now = pte ? pte_load(pte) : 0;
    walk_end();
    if (now & PTE_V && !frame_valid(pte_paddr(now)))
        return -EFAULT;
    return space_fault(s, va, access, flags);
}

size_t try_copy_from_user(struct space *s, void *to, vaddr_t from, size_t n)
{
    size_t done = 0;
    while (done < n) {
        struct spinlock *walk;
        char *page = enter_page(s, from + done, ACCESS_READ, &walk);
        if (!page)
            break;
        size_t step = in_page(from + done, n - done);
        memcpy((char *)to + done, page, step);
        spin_unlock(walk);
        done += step;
    }
    return done;
}

size_t try_copy_to_user(struct space *s, vaddr_t to, const void *from, size_t n)
{
    size_t done = 0;
    while (done < n) {
        struct spinlock *walk;
        char *page = enter_page(s, to + done, ACCESS_WRITE, &walk);
        if (!page)
            break;
        size_t step = in_page(to + done, n - done);
        memcpy(page, (const char *)from + done, step);
        spin_unlock(walk);
        done += step;
    }
    return done;
}

int copy_from_user(struct space *s, void *to, vaddr_t from, size_t n)
{
    if (!user_range(from, n))
        return -EFAULT;
    size_t done = 0;
    while ((done += try_copy_from_user(s, (char *)to + done, from + done, n - done)) < n) {
        int rc = user_fault(s, from + done, ACCESS_READ, 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int copy_to_user(struct space *s, vaddr_t to, const void *from, size_t n)
{
    if (!user_range(to, n))
        return -EFAULT;
    size_t done = 0;
    while ((done += try_copy_to_user(s, to + done, (const char *)from + done, n - done)) < n) {
        int rc = user_fault(s, to + done, ACCESS_WRITE, 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

long copy_string_from_user(struct space *s, char *to, vaddr_t from, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t step = in_page(from + done, size - done);
        int rc = copy_from_user(s, to + done, from + done, step);
        if (rc < 0)
            return rc;
        char *end = memchr(to + done, 0, step);
        if (end)
            return end - to;
        done += step;
    }
    return -ENAMETOOLONG;
}

int user_prefault(struct space *s, vaddr_t va, size_t n, unsigned access)
{
    if (!user_range(va, n))
        return -EFAULT;
    vaddr_t end = va + n;
    while (va < end) {
        struct spinlock *walk;
        if (enter_page(s, va, access, &walk)) {
            spin_unlock(walk);
            va = page_round_down(va) + PAGE_SIZE;
            continue;
        }
        int rc = user_fault(s, va, access, 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

struct frame *user_frame_ref(struct space *s, vaddr_t va)
{
    struct spinlock *walk;
    char *page = enter_page(s, va, ACCESS_READ, &walk);
    if (!page)
        return NULL;
    struct frame *f = frame_of(direct_unmap(page));
    frame_ref(f);
    spin_unlock(walk);
    return f;
}
