/*
 * ELF files as this system meets them: 64-bit, little-endian, RISC-V. What is
 * needed to load an executable and to read its symbols, by the names and values
 * of the System V ABI and the RISC-V ELF psABI. Nothing in a file may be
 * believed before it is checked.
 */
#ifndef KERNEL_LIB_ELF_H
#define KERNEL_LIB_ELF_H

#include <stdint.h>

/* ident[] */
#define ELF_MAGIC         "\177ELF" /* its first four bytes */
#define ELF_MAGIC_BYTES   4
#define ELF_IDENT_CLASS   4
#define ELF_IDENT_DATA    5
#define ELF_IDENT_VERSION 6
#define ELF_CLASS_64      2
#define ELF_DATA_LITTLE   1
#define ELF_VERSION       1

#define ELF_TYPE_EXEC     2
#define ELF_TYPE_DYN      3 /* position-independent, or a shared library */
#define ELF_MACHINE_RISCV 243

#define ELF_FLAG_RVC   0x1 /* uses compressed instructions */
#define ELF_FLAG_FLOAT 0x6 /* mask: 0 soft, 2 single, 4 double, 6 quad */
#define ELF_FLAG_RVE   0x8
#define ELF_FLAG_TSO   0x10

struct elf_header {
    uint8_t ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;           /* virtual address */
    uint64_t segments_offset; /* of the program headers in the file; 0 none */
    uint64_t sections_offset; /* of the section headers in the file; 0 none */
    uint32_t flags;           /* ELF_FLAG_* */
    uint16_t header_size;     /* sizeof(struct elf_header) */
    uint16_t segment_size;    /* sizeof(struct elf_segment) */
    uint16_t segment_count;
    uint16_t section_size; /* sizeof(struct elf_section) */
    uint16_t section_count;
    uint16_t section_names; /* index of the section with the sections' names */
};

#define ELF_SEGMENT_LOAD   1
#define ELF_SEGMENT_INTERP 3
#define ELF_SEGMENT_TLS    7

#define ELF_SEGMENT_X 0x1
#define ELF_SEGMENT_W 0x2
#define ELF_SEGMENT_R 0x4

/* A program header. */
struct elf_segment {
    uint32_t type;
    uint32_t flags; /* ELF_SEGMENT_X, _W, _R */
    uint64_t offset;
    uint64_t address;
    uint64_t physical_address;
    uint64_t file_size;
    uint64_t memory_size; /* zeros follow the file's bytes */
    uint64_t alignment;
};

#define ELF_SECTION_NULL     0
#define ELF_SECTION_PROGBITS 1
#define ELF_SECTION_SYMTAB   2
#define ELF_SECTION_STRTAB   3
#define ELF_SECTION_NOBITS   8

#define ELF_SECTION_WRITE 0x1
#define ELF_SECTION_ALLOC 0x2
#define ELF_SECTION_EXEC  0x4

struct elf_section {
    uint32_t name; /* offset in the sections' names */
    uint32_t type;
    uint64_t flags; /* ELF_SECTION_WRITE, _ALLOC, _EXEC */
    uint64_t address;
    uint64_t offset;
    uint64_t size;
    uint32_t link; /* of a symbol table: the section with its strings */
    uint32_t info;
    uint64_t alignment;
    uint64_t entry_size;
};

#define ELF_SYMBOL_UNDEFINED 0 /* section: defined elsewhere */

#define ELF_SYMBOL_NOTYPE   0
#define ELF_SYMBOL_OBJECT   1
#define ELF_SYMBOL_FUNCTION 2
#define ELF_SYMBOL_SECTION  3
#define ELF_SYMBOL_FILE     4

#define ELF_SYMBOL_TYPE(info)    ((info)&0xf)
#define ELF_SYMBOL_BINDING(info) ((info) >> 4)
#define ELF_BINDING_LOCAL        0
#define ELF_BINDING_GLOBAL       1
#define ELF_BINDING_WEAK         2

struct elf_symbol {
    uint32_t name; /* offset in the table's strings */
    uint8_t info;  /* ELF_SYMBOL_TYPE, ELF_SYMBOL_BINDING */
    uint8_t other;
    uint16_t section;
    uint64_t value; /* virtual address */
    uint64_t size;
};

_Static_assert(sizeof(struct elf_header) == 64, "as in the file");
_Static_assert(sizeof(struct elf_segment) == 56, "as in the file");
_Static_assert(sizeof(struct elf_section) == 64, "as in the file");
_Static_assert(sizeof(struct elf_symbol) == 24, "as in the file");

#endif
