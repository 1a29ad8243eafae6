# Banyan's build. `make help` lists what can be made.
#
# Everything made lies under build/:
#   kernel.elf, initrd.cpio, disk.img   what QEMU is given
#   kernel/                             objects of the kernel
#   counters/                           kernel.elf and kernel/ of the one that counts for bench-host
#   debug/                              kernel.elf and kernel/ of the checking kernel (DEBUG=1)
#   user/                               objects; bin/, test/, server/ hold programs with debug info
#   image/, initrd/                     the programs as they go into the disk and the initrd
#   extra/KEY/                          what EXTRA=DIR and HIDDEN=DIR add, one folder per DIR
#   tree/NAME/                          kernel and results of somebody's tree, graded by TREE=DIR
# Sources are found by wildcard, so a new file needs no edit here. What a command line depends on
# beside files (flags, lists of objects) is kept in *.flags files: they are rewritten, and so
# rebuild what depends on them, only when their text changes.

SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# ------------------------------------------------------------------------------- what a user sets

CPUS ?= 2# harts, 1 to 8
MEM ?= 256M# RAM, as QEMU's -m takes it
SWAP ?= 256M# the swap disk; 0 for none
GDBPORT ?= 1234# where qemu-gdb listens and gdb connects
CROSS ?= riscv64-unknown-elf-
PICOLIBC ?= /usr/lib/picolibc/riscv64-unknown-elf
PYTHON ?= /usr/bin/python3
GDB ?= gdb-multiarch
HOSTCC ?= gcc
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy

# Which of the machine's settings are the user's, and not ours above. A make that this one starts
# must not take ours for the user's.
ifeq ($(origin CHOSEN),undefined)
export CHOSEN := $(foreach v,CPUS MEM SWAP KARGS QEMUEXTRA,$(if $(filter-out undefined file,\
    $(origin $v)),$v))
endif

# These reach the scripts through the environment, byte for byte: $(value) keeps make from
# expanding a `$` in them, and no recipe pastes them into a command.
RAW := CPUS MEM SWAP KARGS QEMUEXTRA CMD EXTRA GDBPORT HOSTCC T J REPEAT FAILED SEED FULL LIST ARGS \
    TREE HIDDEN M N ACCEPT
$(foreach v,$(RAW),$(if $(filter-out undefined,$(origin $v)),\
    $(eval override $v := $$(value $v))$(eval export $v)))

export KERNEL_DEFINES # tells test/bench.py that the kernel is not the usual one

# Packages, each once: NAME|PROBE|OLDEST. PROBE is how test/doctor.sh finds what the package gives:
# a command, py:MODULE for a Python module, or a file. OLDEST is the lowest version that will do.
PACKAGES := \
    binutils-riscv64-unknown-elf|$(CROSS)ld|2.38 \
    gcc-riscv64-unknown-elf|$(CROSS)gcc|12.1 \
    picolibc-riscv64-unknown-elf|$(PICOLIBC)/include/picolibc.h|1.8 \
    qemu-system-misc|qemu-system-riscv64|7.2 \
    qemu-utils|qemu-img|7.2 \
    e2fsprogs|mke2fs|1.46 \
    util-linux|mkswap|2.36 \
    cpio|cpio|2.12 \
    python3|$(PYTHON)|3.9 \
    python3-pytest|py:pytest|7.0 \
    python3-pytest-xdist|py:xdist|3.0 \
    python3-pexpect|py:pexpect|4.8 \
    python3-pyte|py:pyte|- \
    device-tree-compiler|dtc|1.6 \
    gdb-multiarch|$(GDB)|12.1 \
    clang|clang|14.0 \
    libclang-rt-dev|sanitizers|- \
    clang-format|$(CLANG_FORMAT)|14.0 \
    clang-tidy|$(CLANG_TIDY)|14.0 \
    gcc|$(HOSTCC)|10.2 \
    libc6-dev|/usr/include/stdio.h|- \
    procps|/bin/kill|- \
    bubblewrap|bwrap|0.4 \
    parallel|parallel|20161222 \
    rsync|rsync|3.1 \
    lcov|lcov|1.14

export QEMU_OLDEST := $(lastword $(subst |, ,$(filter qemu-system-misc|%,$(PACKAGES))))

# e2fsprogs live in /sbin, which Debian leaves out of an ordinary user's PATH.
export PATH := $(PATH):/usr/sbin:/sbin
export PYTHONDONTWRITEBYTECODE := 1

# The output of `make run` is the command's: what is said on the way goes to stderr.
SAY_TO := $(if $(filter run,$(MAKECMDGOALS)),>&2)
MAKEFLAGS += --no-print-directory

# A build of another kind has a folder of its own, so that neither undoes the other's work.
KIND := $(if $(filter 1,$(COVERAGE)),coverage)$(filter clang,$(TOOLCHAIN))
B := build$(KIND:%=/%)
export BUILD := $(B)
export COVERAGE := $(filter 1,$(COVERAGE))
override DEBUG := $(filter 1,$(DEBUG))
export DEBUG
# test/grade_tree.py builds the kernel of another tree by setting these two: the prefix of its
# sources, and where what is made of them goes. The checking kernel differs in nothing else.
KSRC :=
K := $(B)$(if $(DEBUG),/debug)
export DISK := $(B)/disk.img
export KERNEL := $(K)/kernel.elf
export INITRD := $(B)/initrd.cpio

# --------------------------------------------------------------------------------- goals in order

# `make deps qemu` must install before it looks for anything, and `make clean all` must not do both
# at once under -j. With either among several goals, each goal gets its own make, in the order
# given.
ifneq ($(filter clean deps,$(MAKECMDGOALS)),)
ifneq ($(word 2,$(MAKECMDGOALS)),)
IN_ORDER := yes
endif
endif

ifdef IN_ORDER

.PHONY: $(MAKECMDGOALS) in-order
$(MAKECMDGOALS): in-order
	@:
in-order:
	+@set -e; for goal in $(MAKECMDGOALS); do \
	    if [ "$$goal" = run ]; then $(MAKE) run; else $(MAKE) "$$goal" $(SAY_TO); fi; done

else

# ------------------------------------------------------------------------------------------ tools

CC := $(CROSS)gcc
AR := $(CROSS)ar
NM := $(CROSS)nm
OBJCOPY := $(CROSS)objcopy

ifneq ($(filter-out 0,$(V)),)
Q :=
say =
else
Q := @
say = @printf '  %-8s%s\n' '$1' '$2'$(SAY_TO);
endif

WARNINGS := -Wall -Wextra $(if $(filter 1,$(WERROR)),-Werror)
COMMON := -std=gnu11 -O2 -g -fno-omit-frame-pointer -fno-common $(WARNINGS)
DEPS = -MMD -MP -MF $(@:.o=.d) -MT $@

# What COVERAGE=1 adds: counters, and in .gcov_info the list of them, which test/banyan/gcov.py
# reads. Harts count at the same time, so each count is one atomic addition.
KERNEL_COUNTS := -fprofile-arcs -ftest-coverage -fprofile-update=atomic -fprofile-info-section
KERNEL_CHECKS := -DDEBUG=1 -fsanitize=undefined
KERNEL_FLAGS := -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -ffreestanding \
    $(COMMON) $(if $(DEBUG),$(KERNEL_CHECKS)) $(if $(COVERAGE),$(KERNEL_COUNTS)) \
    $(KERNEL_DEFINES) -I$(or $(KSRC),.)
# The multilib search of GCC 12 does not know a -march with _zicsr in it: libraries are looked up
# with the name that it knows.
KERNEL_LINK := -march=rv64imac -mabi=lp64 -nostdlib -static -Wl,--build-id=none \
    -Wl,-z,max-page-size=4096 -Wl,--orphan-handling=error -Wl,--fatal-warnings

USER_FLAGS := -march=rv64imafdc_zicsr_zifencei -mabi=lp64d -mcmodel=medany \
    -ffunction-sections -fdata-sections -ftls-model=local-exec $(COMMON) \
    -Iuser/include -isystem $(PICOLIBC)/include -I.
USER_LINK := -march=rv64imafdc -mabi=lp64d -nostdlib -nostartfiles -static -Wl,--gc-sections \
    -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,--fatal-warnings -T user/user.ld
PICOLIBC_LIB := $(PICOLIBC)/lib/rv64imafdc/lp64d

# The same by clang, for TOOLCHAIN=clang and for the tools that are made of it. clang 14 does not
# know the names that split zicsr and zifencei from the base, and GNU ld not its relaxations.
# Assembly, which clang 14 lacks .option arch for, and the link are GCC's and binutils' all the same.
CLANG_KERNEL = clang --target=riscv64-unknown-elf -march=rv64imac -mno-relax \
    $(filter-out -march=%,$(KERNEL_FLAGS))
CLANG_USER = clang --target=riscv64-unknown-elf -march=rv64imafdc -mno-relax \
    $(filter-out -march=%,$(USER_FLAGS))
ifneq ($(TOOLCHAIN),)
$(if $(filter-out gcc clang,$(TOOLCHAIN)),$(error TOOLCHAIN=$(TOOLCHAIN): must be gcc or clang))
$(if $(filter clang,$(TOOLCHAIN)),$(if $(COVERAGE),$(error COVERAGE=1 needs GCC's counters: leave TOOLCHAIN=clang out)))
endif

# $(call keep,FILE,VARIABLE[,CHECK]): a rule for FILE that rewrites it only when VARIABLE's value is
# not what it holds, and not before the command CHECK has passed.
define keep
$1: $$(if $$(call same,$$(file <$1),$$($2)),,FORCE)
	@$(if $3,$3 && )mkdir -p $$(@D) && printf '%s\n' $$(call quote,$$(strip $$($2))) >$$@
endef
same = $(and $(findstring x$(strip $1)x,x$(strip $2)x),$(findstring x$(strip $2)x,x$(strip $1)x))
quote = '$(subst ','\'',$1)'
TOOLCHAIN_CHECK = sh test/doctor.sh --compiler $(CC) $(PICOLIBC)
.PHONY: FORCE
FORCE:

# ----------------------------------------------------------------------------------------- kernel

KERNEL_DIRS := kernel kernel/lib vm trap $(if $(DEBUG),kernel/debug)
KERNEL_SOURCES := $(sort $(foreach d,$(KERNEL_DIRS),$(wildcard $(KSRC)$d/*.c $(KSRC)$d/*.S)))
KERNEL_OBJECTS := $(patsubst $(KSRC)%,$(K)/kernel/%.o,$(KERNEL_SOURCES))

KERNEL_COMPILE := $(if $(filter clang,$(TOOLCHAIN)),$(CLANG_KERNEL),$(CC) $(KERNEL_FLAGS))
LINK_KERNEL := $(CC) $(KERNEL_LINK) -T $(K)/kernel/kernel.lds $(KERNEL_OBJECTS) -lgcc
# What runs once, when the machine comes up, is small rather than fast. (Not where lines are counted:
# code that two places share would have one counter less.)
KERNEL_SMALL := $(if $(COVERAGE),,-Os)
KERNEL_COMPILES := $(KERNEL_COMPILE) $(KERNEL_SMALL)
$(eval $(call keep,$(K)/kernel/compile.flags,KERNEL_COMPILES,$(TOOLCHAIN_CHECK)))
$(eval $(call keep,$(K)/kernel/link.flags,LINK_KERNEL))

$(K)/kernel/%.o: $(KSRC)% $(K)/kernel/compile.flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(if $(filter %.S,$<),$(CC) $(KERNEL_FLAGS),$(KERNEL_COMPILE)) \
	    $(SMALL) $(DEPS) -c -o $@ $<

$(patsubst %,$(K)/kernel/kernel/%.c.o,lib/fdt lib/machine boot_memory): SMALL := $(KERNEL_SMALL)

$(K)/kernel/kernel.lds: $(KSRC)kernel.ld $(K)/kernel/compile.flags
	@mkdir -p $(@D)
	$(call say,CPP,$<)$(CC) -E -P -x c -DLINKER_SCRIPT -D__ASSEMBLER__ -I$(or $(KSRC),.) -MMD -MP -MF $@.d -MT $@ \
	    -o $@ $<

# The kernel carries the table of its own symbols, which can only be made from a linked kernel: it
# goes where the linker script has left room for it.
SYMTAB := kernel/lib/symtab.py

$(KERNEL): $(KERNEL_OBJECTS) $(K)/kernel/kernel.lds $(K)/kernel/link.flags $(SYMTAB)
	$(call say,LD,$@)$(LINK_KERNEL) -o $(K)/kernel/linked.elf && \
	    $(NM) -n $(K)/kernel/linked.elf | $(PYTHON) $(SYMTAB) >$(K)/kernel/symtab && \
	    $(OBJCOPY) --update-section .symbols=$(K)/kernel/symtab $(K)/kernel/linked.elf && \
	    mv $(K)/kernel/linked.elf $@

-include $(KERNEL_OBJECTS:.o=.d) $(K)/kernel/kernel.lds.d

# ------------------------------------------------------------------------------- library, programs

U := $(B)/user
# Sources of the kernel that programs are linked with too.
SHARED := $(wildcard kernel/lib/mem*.S kernel/lib/mem*.c kernel/lib/virtq*.c)
CRT := $(U)/obj/user/lib/crt0.S.o
LIB_SOURCES := $(filter-out user/lib/crt0.S,$(wildcard user/lib/*.c user/lib/*.S)) $(SHARED)
LIB_OBJECTS := $(patsubst %,$(U)/obj/%.o,$(LIB_SOURCES))
LIB := $(U)/libbanyan.a
LIBC := $(U)/libc.a

USER_COMPILE := $(if $(filter clang,$(TOOLCHAIN)),$(CLANG_USER),$(CC) $(USER_FLAGS))
# Each server is optimized as one, across its files. The objects have code of their own as well, for
# the tools that look at them. Not clang's, which GNU ld cannot read. LTO=0: none.
LTO ?= 1
export LTO # tells test/bench.py that the servers are not the usual ones
WHOLE := $(if $(filter 0,$(LTO))$(filter clang,$(TOOLCHAIN)),,-flto -flto-partition=one)
SERVER_OBJECT := $(if $(WHOLE),$(WHOLE) -ffat-lto-objects)
SERVER_LINK := $(if $(WHOLE),$(USER_FLAGS) $(WHOLE))
USER_COMPILES := $(USER_COMPILE) $(SERVER_OBJECT)
USER_LINKS := $(USER_LINK) $(SERVER_LINK)
$(eval $(call keep,$(U)/compile.flags,USER_COMPILES,$(TOOLCHAIN_CHECK)))
$(eval $(call keep,$(U)/lib.flags,LIB_OBJECTS))
$(eval $(call keep,$(U)/link.flags,USER_LINKS))

$(U)/obj/%.o: % $(U)/compile.flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(if $(filter %.S,$<),$(CC) $(USER_FLAGS),$(USER_COMPILE)) \
	    $(OBJECT_FLAGS) $(DEPS) -c -o $@ $<

$(LIB): $(LIB_OBJECTS) $(U)/lib.flags
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $(LIB_OBJECTS)

# picolibc without what our library does itself. Archives are searched on demand, and the C library
# would find its own malloc or memcpy before ours whenever it is the first to ask for one.
$(LIBC): $(LIB) $(U)/link.flags
	$(call say,AR,$@)cp $(PICOLIBC_LIB)/libc.a $@.new && chmod u+w $@.new && \
	    { $(NM) --defined-only --extern-only $(LIB) && echo 'picolibc:' && \
	      $(NM) --defined-only --extern-only $@.new; } 2>$@.log | \
	    awk '/^picolibc:$$/ { theirs = 1 } \
	         NF == 1 { member = substr($$1, 1, length($$1) - 1) } \
	         NF == 3 && !theirs { ours[$$3] = 1 } \
	         NF == 3 && theirs && $$3 in ours { print member }' | sort -u >$@.members && \
	    { test ! -s $@.members || $(AR) ds $@.new $$(cat $@.members); } && mv $@.new $@

PROGRAM_NEEDS := $(CRT) $(LIB) $(LIBC) user/user.ld $(U)/link.flags
# $(call link,OBJECTS): the one command that links a program.
link = $(CC) $(USER_LINK) $(PROGRAM_FLAGS) -o $@ $(CRT) $1 -L$(PICOLIBC_LIB) \
    -Wl,--start-group $(LIB) $(LIBC) -lm -lgcc -Wl,--end-group

# Folders whose every C file is a program of its own, and folders that are one program each: those
# named here, and each folder in user/bin.
SINGLE_DIRS := bin test bench
SERVERS := init blk fs tty
BIN_DIRS := $(sort $(patsubst user/%/,%,$(dir $(wildcard user/bin/*/*.c))))
ONE_PROGRAM_DIRS := sh $(BIN_DIRS) $(SERVERS)

# $(call single,FOLDER,OBJECT FOLDER): programs of one C file each.
define single
$(U)/$1/%: $(U)/obj/user/$1/%.c.o $$(PROGRAM_NEEDS)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(call link,$$<)
endef
$(foreach d,$(SINGLE_DIRS),$(eval $(call single,$d)))

# $(call folder,NAME,PROGRAM): one program from the C files of user/NAME.
define folder
$1_OBJECTS := $(patsubst %,$(U)/obj/%.o,$(sort $(wildcard user/$1/*.c user/$1/*/*.c user/$1/*.S)))
$(call keep,$(U)/obj/user/$1.flags,$1_OBJECTS)
$2: $$($1_OBJECTS) $(U)/obj/user/$1.flags $$(PROGRAM_NEEDS)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(call link,$$($1_OBJECTS))
endef
$(eval $(call folder,sh,$(U)/bin/sh))
$(foreach d,$(BIN_DIRS),$(eval $(call folder,$d,$(U)/$d)))
$(foreach s,$(SERVERS),$(eval $(call folder,$s,$(U)/server/$s)))
$(foreach s,$(SERVERS),$(eval $($s_OBJECTS): OBJECT_FLAGS := $(SERVER_OBJECT)))
$(SERVERS:%=$(U)/server/%): PROGRAM_FLAGS := $(SERVER_LINK)

SINGLE := $(foreach d,$(SINGLE_DIRS),$(patsubst user/%.c,%,$(wildcard user/$d/*.c)))
PROGRAMS := $(sort $(SINGLE) $(BIN_DIRS) $(if $(sh_OBJECTS),bin/sh))
PRESENT_SERVERS := $(foreach s,$(SERVERS),$(if $($s_OBJECTS),$s))
USER_SOURCES := $(LIB_SOURCES) $(wildcard user/lib/crt0.S) $(SINGLE:%=user/%.c) \
    $(foreach d,$(ONE_PROGRAM_DIRS),$($d_OBJECTS:$(U)/obj/%.o=%))

# Programs keep their symbols in the guest, where the kernel names the function of a fault by them,
# but not the debug information, which gdb reads from $(U).
$(B)/image/%: $(U)/%
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --strip-debug $< $@
$(B)/initrd/%: $(U)/server/%
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --strip-debug $< $@

# Made in a chain of rules, and to be kept all the same.
.SECONDARY: $(USER_SOURCES:%=$(U)/obj/%.o) $(PROGRAMS:%=$(U)/%) $(PRESENT_SERVERS:%=$(U)/server/%)
-include $(USER_SOURCES:%=$(U)/obj/%.d)

# ------------------------------------------------------------------- EXTRA=DIR, HIDDEN=DIR programs

# Each EXTRA/NAME.c becomes /bin/NAME, each HIDDEN/NAME.c the test /test/NAME. What is built lies in
# a folder named by a checksum of DIR's path, so that two DIRs do not mix, and is compiled through a
# link there, so that DIR's path may hold blanks. A source that includes xv6's user.h is given xv6's
# headers, before all others (user/include/xv6).
XV6_PROGRAM := ^[[:space:]]*\#[[:space:]]*include[[:space:]]*"(user/)?user\.h"
#
# $(call outside,VARIABLE,FOLDER IN THE GUEST): sets VARIABLE_NAMES and VARIABLE_FILES.
define outside
$1_KEY := $$(shell cd $$(call quote,$$($1)) && pwd -P | cksum | cut -d' ' -f1)
$$(if $$($1_KEY),,$$(error $1: no folder $$($1)))
$1_X := $(B)/extra/$$($1_KEY)
$$(shell mkdir -p $$($1_X) && ln -sfn "$$$$(cd $$(call quote,$$($1)) && pwd -P)" $$($1_X)/src)
$1_NAMES := $$(patsubst $$($1_X)/src/%.c,%,$$(wildcard $$($1_X)/src/*.c))
$1_FILES := $$(foreach n,$$($1_NAMES),/$2/$$n=$$($1_X)/bin/$$n)

$$($1_X)/obj/%.o: $$($1_X)/src/%.c $(U)/compile.flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)! grep -qE '$$(XV6_PROGRAM)' $$< || xv6=-Iuser/include/xv6; \
	    $$(CC) $$$$xv6 $$(filter-out -Werror,$$(USER_FLAGS)) -I$$($1_X)/src $$(DEPS) -c -o $$@ $$<
$$($1_X)/debug/%: $$($1_X)/obj/%.o $$(PROGRAM_NEEDS)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(call link,$$<)
$$($1_X)/bin/%: $$($1_X)/debug/%
	@mkdir -p $$(@D)
	$$(Q)$$(OBJCOPY) --strip-debug $$< $$@
.SECONDARY: $$($1_NAMES:%=$$($1_X)/obj/%.o) $$($1_NAMES:%=$$($1_X)/debug/%)
-include $$($1_NAMES:%=$$($1_X)/obj/%.d)
endef
ifneq ($(EXTRA),)
$(eval $(call outside,EXTRA,bin))
$(if $(EXTRA_NAMES),,$(error EXTRA: no C file in $(EXTRA)))
endif
ifneq ($(HIDDEN),)
$(eval $(call outside,HIDDEN,test))
$(if $(HIDDEN_NAMES)$(wildcard $(HIDDEN_X)/src/test_*.py),,\
    $(error HIDDEN: no C file and no test_*.py in $(HIDDEN)))
endif

# ---------------------------------------------------------------------------------- initrd and disk

INITRD_FILES := $(PRESENT_SERVERS:%=$(B)/initrd/%)
$(eval $(call keep,$(B)/initrd.flags,PRESENT_SERVERS))

$(INITRD): $(INITRD_FILES) $(B)/initrd.flags
	@mkdir -p $(B)/initrd
	$(call say,CPIO,$@)(cd $(B)/initrd && printf '%s\n' $(PRESENT_SERVERS) | sed '/^$$/d' | \
	    cpio -o -H newc --quiet --reproducible --owner=0:0) >$@

# The files of the image: GUEST PATH=FILE. A program of EXTRA or HIDDEN takes the place of ours of its name.
REPLACED := $(EXTRA_NAMES:%=bin/%) $(HIDDEN_NAMES:%=test/%)
DISK_FILES := $(foreach p,$(filter-out $(REPLACED),$(PROGRAMS)),/$p=$(B)/image/$p) \
    $(EXTRA_FILES) $(HIDDEN_FILES) /etc/usertests=$(B)/usertests.needs \
    $(foreach f,$(wildcard user/man/*.[1-9]),/man/$(notdir $f)=$f) \
    $(if $(wildcard README.md),/README=README.md)
$(eval $(call keep,$(B)/disk.flags,DISK_FILES))

# What the tests' sources say of the machines that they are for; usertests reads it in the guest.
TEST_SOURCES := $(filter-out $(HIDDEN_NAMES:%=user/test/%.c),$(wildcard user/test/*.c)) \
    $(HIDDEN_NAMES:%=$(HIDDEN_X)/src/%.c)
$(B)/usertests.needs: $(TEST_SOURCES) $(B)/disk.flags \
    test/needs.py test/banyan/cases.py test/banyan/configs.py
	$(Q)$(PYTHON) test/needs.py $@ $(TEST_SOURCES)

DISK_NEEDS := $(foreach f,$(DISK_FILES),$(lastword $(subst =, ,$f))) $(B)/disk.flags test/disk.py
$(B)/disk.manifest: $(DISK_NEEDS) $(if $(wildcard $(DISK)),,FORCE)
	$(Q)$(PYTHON) test/disk.py $(DISK) $@ $(B)/disk.flags $(SAY_TO)

# What it remembers outlives a failure: the image that it tells of does too.
.PRECIOUS: $(B)/disk.manifest

# Mends what the last run left, however it ended; a moment if the image is as the build left it.
.PHONY: disk
disk: $(B)/disk.manifest
	$(Q)$(PYTHON) test/disk.py $(DISK) $(B)/disk.manifest $(B)/disk.flags $(SAY_TO)

# ------------------------------------------------------------------------------------------- goals

.PHONY: all qemu run grade bench bench-host counters growth mutants fuzz coverage qemu-gdb gdb deps doctor \
    compdb format lint headers layout clean help

all: $(KERNEL) $(INITRD) $(B)/disk.manifest

BOOTABLE := $(KERNEL) $(INITRD) disk

qemu: $(BOOTABLE)
	@$(PYTHON) test/qemu.py

qemu-gdb: $(BOOTABLE)
	@$(PYTHON) test/qemu.py --gdb

# make itself ends with 2 when a recipe fails; see test/make_status.c.
.PHONY: run-command
run-command: $(BOOTABLE)
	@$(PYTHON) test/run.py; echo $$? >$(B)/run.status.$$PPID
run: run-command
	@$(if $(.LOADED),$(end-with-status $(B)/run.status)):; \
	    read -r status <$(B)/run.status.$$PPID; rm $(B)/run.status.$$PPID; exit $$status
ifneq ($(filter run,$(MAKECMDGOALS)),)
-load $(B)/make_status.so
$(B)/make_status.so: test/make_status.c
	@mkdir -p $(@D) && $(HOSTCC) -O2 -Wall -Wextra -shared -fPIC -o $@ $<
endif

ifneq ($(TREE),)
grade: $(INITRD) $(DISK_NEEDS)
	@$(PYTHON) test/grade_tree.py
else
grade: $(BOOTABLE)
	@$(PYTHON) test/grade.py
endif

bench: $(BOOTABLE)
	@$(PYTHON) test/bench.py

# A kernel that counts what the usual one has no counters for (bench_count in kernel/lib/counter.h), beside it.
counters:
	@$(MAKE) K=$(K)/counters $(K)/counters/kernel.elf \
	    KERNEL_DEFINES=$(call quote,$(strip $(KERNEL_DEFINES) -DBENCH_COUNTERS=1))

bench-host: $(BOOTABLE) counters
	@$(PYTHON) test/bench_host.py

growth: $(BOOTABLE)
	@$(PYTHON) test/growth.py

mutants: $(BOOTABLE)
	@$(PYTHON) test/mutants.py

# test/host/NAME_corpus.c with libFuzzer, which looks for inputs that go where none went before.
# Those found stay in build/fuzz/NAME, one that fails in build/fuzz/NAME-crash-*.
FUZZ_SECONDS ?= 60
FUZZ ?= vm_swap fs
FUZZ_FLAGS := -std=gnu11 -g -O1 -Wall -Wextra -fno-omit-frame-pointer -DHOST_TEST=1 -DLIBFUZZER=1 \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I.
fuzz: $(FUZZ:%=fuzz-%)
fuzz-%:
	@mkdir -p $(B)/fuzz/$*
	$(call say,CLANG,$(B)/fuzz/$*.fuzz)clang $(FUZZ_FLAGS) -o $(B)/fuzz/$*.fuzz \
	    test/host/$*_corpus.c \
	    $$(sed -n 's,^/\* host-test: \(.*\) \*/$$,\1 ,; t found; d; :found s,/ ,/*.c ,g; p' \
	        test/host/$*_corpus.c)
	$(B)/fuzz/$*.fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=60 \
	    -artifact_prefix=$(B)/fuzz/$*- $(B)/fuzz/$* test/data/$*

# The tests, with a kernel that counts how often each line runs.
ifeq ($(COVERAGE),1)
coverage: $(BOOTABLE)
	@$(PYTHON) test/cover.py
else
coverage:
	@$(MAKE) COVERAGE=1 coverage
endif

# gdb wants a file for each address that the kernel is seen at; see test/debug.py.
$(K)/kernel/physical.elf: $(KERNEL)
	@cp $< $@
gdb: $(K)/kernel/physical.elf
	@GDB=$(GDB) $(PYTHON) test/debug.py

deps:
	@sh test/deps.sh $(foreach p,$(PACKAGES),$(firstword $(subst |, ,$p)))

doctor:
	@PYTHON=$(PYTHON) sh test/doctor.sh $(foreach p,$(PACKAGES),'$p')

clean:
	rm -rf $(B)

# ------------------------------------------------------------------------------- the editor's side

FORMATTED = $(shell find kernel vm trap user test -name '*.[ch]' 2>/dev/null | sort)

format:
	$(CLANG_FORMAT) -i $(FORMATTED)

comma := ,
# $(call entry,COMMAND,SOURCE)
entry = {"directory": "$(CURDIR)"$(comma) "file": "$2"$(comma) "command": "$1 -c $2"}$(comma)

compdb:
	$(shell mkdir -p $(B))
	$(file >$(B)/compile_commands.json,[)
	$(foreach s,$(filter %.c,$(KERNEL_SOURCES)),\
	    $(file >>$(B)/compile_commands.json,$(call entry,$(CLANG_KERNEL),$s)))
	$(foreach s,$(filter %.c,$(filter-out $(SHARED),$(USER_SOURCES))),\
	    $(file >>$(B)/compile_commands.json,$(call entry,$(CLANG_USER),$s)))
	@sed -i '$$s/,$$/]/' $(B)/compile_commands.json
	@echo "wrote $(B)/compile_commands.json"

# Lint: the layout of every file, headers that compile alone, scripts that parse, clang-tidy.
HEADERS := $(wildcard kernel/*.h kernel/*/*.h vm/*.h trap/*.h user/*/*.h user/*/*/*.h test/*/*.h)
LINTED := $(filter %.c,$(KERNEL_SOURCES) $(filter-out $(SHARED),$(USER_SOURCES)))
ALONE := $(HEADERS:%=$(B)/lint/%.alone)
TIDY := $(LINTED:%=$(B)/lint/%.tidy)
# The checking kernel's side, whichever kernel is built: its own files, and those that ask for DEBUG.
CHECKED = $(sort $(wildcard kernel/debug/*.c) \
    $(shell grep -lE '^ *\# *(el)?if.*\<DEBUG\>' $$(find kernel vm trap -name '*.[ch]')))
ifneq ($(filter lint,$(MAKECMDGOALS)),)
TIDY += $(patsubst %,$(B)/lint/debug/%.tidy,$(filter %.c,$(CHECKED)))
ALONE += $(patsubst %,$(B)/lint/debug/%.alone,$(filter %.h,$(CHECKED)))
endif

lint: headers layout $(TIDY)
	@for f in $$(find test kernel -name '*.py'); do $(PYTHON) -c \
	    'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' $$f || exit 1; done
	@for f in .ci/run test/*.sh; do sh -n $$f || exit 1; done
	@echo "lint: no complaint"

# Each header compiles with nothing before it.
headers: $(ALONE)

layout:
	@$(CLANG_FORMAT) --dry-run -Werror $(FORMATTED)

# By the name that programs use: such a header may go on to picolibc's of that name.
$(B)/lint/user/include/%.alone: user/include/% $(HEADERS) $(U)/compile.flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_FLAGS) -Werror -fsyntax-only -include $* -x c /dev/null && touch $@
$(B)/lint/user/%.alone: user/% $(HEADERS) $(U)/compile.flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_FLAGS) -Werror -fsyntax-only -include $< -x c /dev/null && touch $@
$(B)/lint/test/%.alone: test/% $(HEADERS)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(COMMON) -DHOST_TEST=1 -I. -Werror -fsyntax-only -include $< -x c /dev/null && \
	    touch $@
$(B)/lint/debug/%.alone: % $(HEADERS) $(K)/kernel/compile.flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) $(KERNEL_CHECKS) -Werror -fsyntax-only -include $< -x c /dev/null && \
	    touch $@
$(B)/lint/%.alone: % $(HEADERS) $(K)/kernel/compile.flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) -Werror -fsyntax-only -include $< -x c /dev/null && touch $@
$(B)/lint/user/%.tidy: user/% $(HEADERS) $(U)/compile.flags .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)$(CLANG_TIDY) --quiet $< -- $(wordlist 2,99,$(CLANG_USER)) 2>$@.log || \
	    { cat $@.log; exit 1; } && touch $@
$(B)/lint/debug/%.tidy: % $(HEADERS) $(K)/kernel/compile.flags .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$< (DEBUG=1))$(CLANG_TIDY) --quiet $< -- $(wordlist 2,99,$(CLANG_KERNEL)) \
	    $(KERNEL_CHECKS) 2>$@.log || { cat $@.log; exit 1; } && touch $@
$(B)/lint/%.tidy: % $(HEADERS) $(K)/kernel/compile.flags .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)$(CLANG_TIDY) --quiet $< -- $(wordlist 2,99,$(CLANG_KERNEL)) 2>$@.log || \
	    { cat $@.log; exit 1; } && touch $@

# -------------------------------------------------------------------------------------------- help

define HELP
  make [all]     build the kernel, the initrd and the disk image (into build/)
  make qemu      boot to the shell; files written there are there the next time
  make run CMD='LINE'
                 boot, run LINE in the shell, print its output, exit with its status
  make grade     run the tests; T=NAME runs those whose name holds NAME, FAILED=1 those that failed
                 the last time, J=N runs N at a time, REPEAT=N each N times; LIST=1 lists them
  make grade TREE=DIR
                 grade DIR's kernel/, vm/, trap/ and kernel.ld with the tests and programs here;
                 HIDDEN=DIR adds tests: DIR/*.c (guest programs) and DIR/test_*.py
  make mutants   does grading notice a broken kernel? M=NAME one of test/mutants, N=COUNT a sample
  make fuzz      look for what breaks swap and fs (FUZZ=NAME), for FUZZ_SECONDS (60) each
  make coverage  run the tests, show what they reach: build/coverage/index.html
  make bench     what operations cost, beside other kernels: a table, and build/bench/; ACCEPT=1
                 makes the counts the budget that the tests hold us to
  make bench-host
                 the same in time, fences, and two harts against one: tables, and build/bench/host.json;
                 REPEAT=N rounds of boots; ACCEPT=1 writes the tables into docs/
  make growth    how costs grow with sizes: a table, and build/bench/growth.svg; ACCEPT=1 writes
                 them into docs/
  make qemu-gdb  boot and wait for a debugger; then, in another terminal:
  make gdb       debug kernel and programs (user-symbols NAME loads a program's symbols)
  make deps      install the packages that all this needs (Debian)
  make doctor    print each tool's version, what is too old and what mends it
  make compdb    write build/compile_commands.json for editors
  make format    lay out all C files with clang-format
  make lint      check layout, headers and sources
  make clean     discard build/, the disk image included

  CPUS=N (now $(CPUS))  MEM=SIZE (now $(MEM))  SWAP=SIZE (now $(SWAP); 0: none)
  KARGS='WORDS' (kernel command line)
  QEMUEXTRA='OPTIONS'  EXTRA=DIR (each DIR/NAME.c becomes /bin/NAME)
  DEBUG=1 (checking kernel)  TOOLCHAIN=clang  WERROR=1  V=1 (print commands)
  LTO=0 (servers are not optimized across their files)
  KERNEL_DEFINES='-DNAME=VALUE' (switches of the kernel, docs/PERFORMANCE.md)
endef
export HELP

help:
	@printf '%s\n' "$$HELP"

endif
