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

/* Does the entry allow the access as it is? Then it is marked as used for it. Its table's walk
 * lock is held. */
static inline bool use_locked(pte_t *pte, unsigned access)
{
    bool write = access == ACCESS_WRITE;
    uint64_t needed = PTE_V | PTE_U | (write ? PTE_W : access == ACCESS_EXEC ? PTE_X : PTE_R);
    uint64_t mark = write ? PTE_A | PTE_D : PTE_A;
    pte_t now = pte_load(pte);
    if ((now & needed) != needed || !frame_valid(pte_paddr(now)))
        return false;
    if ((now & mark) != mark)
        pte_set_bits(pte, mark);
    return true;
}

/* The entry of va, with the walk lock of its table held; NULL, nothing held, if it does not
 * allow the access as it is. */
static inline pte_t *enter(struct space *s, vaddr_t va, unsigned access)
{
    walk_begin();
    pte_t *pte = sv39_walk(s->root, va, false);
    if (pte) {
        spin_lock(sv39_lock(pte));
        if (!use_locked(pte, access)) {
            spin_unlock(sv39_lock(pte));
            pte = NULL;
        }
    }
    walk_end();
    return pte;
}

/* Where the byte at va is that the entry maps. Its table's walk lock is held. */
static inline char *page_byte(const pte_t *pte, vaddr_t va)
{
    return (char *)direct_map(pte_paddr(pte_load(pte))) + (va & PAGE_MASK);
}

/* The kernel address of a user byte, with the walk lock of its table held (*walk); NULL,
 * nothing held, if the entry does not allow the access as it is. */
static char *enter_page(struct space *s, vaddr_t va, unsigned access, struct spinlock **walk)
{
    pte_t *pte = enter(s, va, access);
    if (!pte)
        return NULL;
    *walk = sv39_lock(pte);
    return page_byte(pte, va);
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

/* Takes a second walk lock if nobody has it. In the checking kernel somebody seems to have each
 * eighth, so that a single hart goes both ways (copy_piece in kernel/request.c). */
static bool try_second(struct spinlock *l)
{
#ifdef DEBUG
    static unsigned tries;
    if (__atomic_fetch_add(&tries, 1, __ATOMIC_RELAXED) % 8 == 7)
        return false;
#endif
    return spin_trylock(l);
}

bool try_copy_between(struct space *to, vaddr_t to_va, struct space *from, vaddr_t from_va,
                      size_t n)
{
    walk_begin();
    pte_t *dst = sv39_walk(to->root, to_va, false);
    pte_t *src = sv39_walk(from->root, from_va, false);
    if (!dst || !src) {
        walk_end();
        return false;
    }
    struct spinlock *first = sv39_lock(dst), *second = sv39_lock(src);
    spin_lock(first);
    /* Another hart may copy the other way, so nobody waits for a second one. */
    bool both = second == first || try_second(second);
    bool allowed = both && use_locked(src, ACCESS_READ) && use_locked(dst, ACCESS_WRITE);
    if (allowed) {
        walk_end(); /* the tables stay, for the entries are in use */
        memcpy(page_byte(dst, to_va), page_byte(src, from_va), n);
    }
    if (both && second != first)
        spin_unlock(second);
    spin_unlock(first);
    if (!allowed)
        walk_end();
    return allowed;
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

/* Is there, in the one or two pages of the range, what the access needs, as it is? Nothing is
 * marked, and no lock taken: it may be gone the next moment, as it may be after a look with the
 * lock. 60 instructions for a page, where that takes 145; each message with a buffer asks this. */
static bool is_ready(struct space *s, vaddr_t va, size_t n, unsigned access)
{
    uint64_t needed = PTE_V | PTE_U | PTE_A | (access == ACCESS_WRITE ? PTE_W | PTE_D : PTE_R);
    vaddr_t last = va + n - 1;
    bool ready = access != ACCESS_EXEC && page_round_down(last) - page_round_down(va) <= PAGE_SIZE;
    if (!ready)
        return false;
    walk_begin();
    for (;;) {
        const pte_t *pte = sv39_walk(s->root, va, false);
        pte_t now = pte ? pte_load(pte) : 0;
        ready = (now & needed) == needed && frame_valid(pte_paddr(now));
        if (!ready || page_round_down(va) == page_round_down(last))
            break;
        va = last;
    }
    walk_end();
    return ready;
}

/* Where the pages from va on end that allow the access, at `end` at the latest. One look for
 * all that are in a table. */
static vaddr_t present_until(struct space *s, vaddr_t va, vaddr_t end, unsigned access)
{
    pte_t *pte = enter(s, va, access);
    if (!pte)
        return va;
    struct spinlock *walk = sv39_lock(pte);
    do
        va = page_round_down(va) + PAGE_SIZE;
    while (va < end && sv39_index(va, 0) && use_locked(++pte, access));
    spin_unlock(walk);
    return va;
}

/* Apart, so that the short way saves no registers for it: 28 instructions. */
static __attribute__((noinline)) int fetch(struct space *s, vaddr_t va, size_t n, unsigned access)
{
    vaddr_t end = va + n;
    while (va < end) {
        vaddr_t until = present_until(s, va, end, access);
        int rc = until == va ? user_fault(s, va, access, 0) : 0;
        if (rc < 0)
            return rc;
        va = until;
    }
    return 0;
}

int user_prefault(struct space *s, vaddr_t va, size_t n, unsigned access)
{
    if (!user_range(va, n))
        return -EFAULT;
    return !n || is_ready(s, va, n, access) ? 0 : fetch(s, va, n, access);
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
