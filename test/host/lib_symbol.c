/*
 * kernel/lib/symbol over a table made up here.
 */
/* host-test: kernel/lib/symbol.c */
#include <stddef.h>
#include <string.h>

#include "kernel/lib/symbol.h"
#include "test/host/lib_check.h"

#define TEXT_BYTES 0x400

/* kernel_start and text_end must lie a known distance apart. */
__asm__(".data\n"
        ".globl kernel_start, text_end\n"
        "kernel_start: .skip 0x400\n"
        "text_end: .byte 0\n"
        ".text\n");

/* Not const here, so that a test can put another table there; symbol.c cannot tell. */
__asm__(".data\n.globl symtab\n.balign 4\nsymtab: .skip 256\n.text\n");

static const uint32_t addresses[] = {0x10, 0x40, 0x44, 0x300};
static const uint32_t names[] = {6, 0, 11, 20};
static const char strings[] = "first\0boot\0a_second\0last";

/* The table of the first so many. */
static void set_count(uint32_t count)
{
    volatile uint32_t *at = (volatile uint32_t *)(uintptr_t)symtab;

    *at++ = count;
    for (uint32_t i = 0; i < count; i++)
        *at++ = addresses[i];
    for (uint32_t i = 0; i < count; i++)
        *at++ = names[i];
    for (unsigned i = 0; i < sizeof(strings); i++)
        ((volatile char *)at)[i] = strings[i];
}

static bool finds(uint64_t at, const char *name, uint64_t offset)
{
    uint64_t got = 0xbad;
    const char *found = symbol_find((uint64_t)(uintptr_t)kernel_start + at, &got);

    if (name == NULL)
        return found == NULL && got == 0xbad;
    return found != NULL && strcmp(found, name) == 0 && got == offset;
}

static void test_inside(void)
{
    CHECK(finds(0x10, "boot", 0));
    CHECK(finds(0x3f, "boot", 0x2f));
    CHECK(finds(0x40, "first", 0));
    CHECK(finds(0x43, "first", 3));
    CHECK(finds(0x44, "a_second", 0));
    CHECK(finds(0x2ff, "a_second", 0x2bb));
    CHECK(finds(0x300, "last", 0));
    CHECK(finds(TEXT_BYTES - 1, "last", 0xff));
    const char *name = symbol_find((uint64_t)(uintptr_t)kernel_start + 0x41, NULL);

    CHECK(name != NULL && strcmp(name, "first") == 0);
}

static void test_outside(void)
{
    CHECK(finds(0, NULL, 0));
    CHECK(finds(0xf, NULL, 0));
    CHECK(finds(TEXT_BYTES, NULL, 0));
    CHECK(finds((uint64_t)-1, NULL, 0));
    CHECK(finds(1ull << 32, NULL, 0));
    CHECK(finds((1ull << 32) + 0x40, NULL, 0));
    CHECK(symbol_find(0, NULL) == NULL);
    CHECK(symbol_find(UINT64_MAX, NULL) == NULL);
}

static void test_small_tables(void)
{
    set_count(0);
    for (uint64_t at = 0; at < TEXT_BYTES; at += 7)
        CHECK(finds(at, NULL, 0));
    set_count(1);
    CHECK(finds(0xf, NULL, 0));
    CHECK(finds(0x10, "boot", 0));
    CHECK(finds(0x300, "boot", 0x2f0));
    set_count(4);
}

int main(void)
{
    check_plan(3);
    set_count(4);
    test_inside();
    check_end("an address in the code has its function's name and offset");
    test_outside();
    check_end("any other address has none");
    test_small_tables();
    check_end("empty and one-entry tables");
    return check_exit();
}
