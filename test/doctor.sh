#!/bin/sh
# Say of each tool whether it is here, its version, and what mends it. Ends with 1 if any will not
# do.
#
# Arguments: PACKAGE|PROBE|OLDEST each, as the Makefile's PACKAGES lists them. PROBE is a command,
# a file, py:MODULE for a Python module, or `sanitizers` for clang's run-time libraries.
# With --compiler CC PICOLIBC: only whether these two are here, and quiet if they are.

LC_ALL=C
export LC_ALL

install_line() {
    if command -v apt-get >/dev/null; then
        if [ "$(id -u)" = 0 ]; then sudo=; else sudo="sudo "; fi
        echo "${sudo}apt-get install $1"
    else
        echo "install what Debian calls $1"
    fi
}

if [ "$1" = --compiler ]; then
    command -v "$2" >/dev/null || { echo "$2 is not installed: run 'make deps'" >&2; exit 1; }
    test -e "$3/include/picolibc.h" ||
        { echo "$3 does not hold picolibc: run 'make deps'" >&2; exit 1; }
    exit 0
fi

# The first thing in standard input that looks like a version: digits with a dot.
first_version() {
    grep -Eo '[0-9]+\.[0-9.]*[0-9]' | head -n 1
}

# Set $found to the version of probe $1 ("yes" if it has none); fail if it is not here.
look() {
    found=
    case "$1" in
        py:*)
            found=$("${PYTHON:-python3}" -c "import ${1#py:} as m; print(getattr(m, '__version__', 'yes'))" \
                2>/dev/null) || return 1 ;;
        sanitizers)
            object=$(mktemp) || return 1
            echo 'int main(void) { return 0; }' |
                clang -fsanitize=address,undefined -x c - -o "$object" 2>/dev/null
            status=$?
            rm -f "$object"
            [ $status = 0 ] || return 1
            found=yes ;;
        */picolibc.h)
            test -e "$1" || return 1
            found=$(sed -n 's/^#define __PICOLIBC_VERSION__ "\(.*\)"/\1/p' "$1") ;;
        *.h)
            test -e "$1" || return 1
            found=yes ;;
        *)
            command -v "$1" >/dev/null || return 1
            case "$1" in
                mke2fs) found=$("$1" -V 2>&1 | first_version) ;;
                # "(GNU Binutils for Debian) 2.40", "(12.2.0-14+deb12u1) 12.2.0": what ends the line
                *ld | *gcc | *gdb*)
                    found=$("$1" --version 2>&1 | head -n 1 | sed 's/.* //' | first_version) ;;
                *) found=$("$1" --version 2>&1 | first_version) ;;
            esac ;;
    esac
    found=${found:-yes}
}

# Is version $1 at least $2?
recent() {
    [ "$2" = - ] || [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

bad=0
report() {
    printf '%-32s %-12s %s\n' "$1" "$2" "$3"
}

make_version=$(${MAKE:-make} --version | first_version)
if recent "$make_version" 4.3; then
    report make "$make_version" ok
else
    report make "$make_version" "too old, 4.3 is needed: $(install_line make)"
    bad=1
fi

for entry in "$@"; do
    package=${entry%%|*}
    oldest=${entry##*|}
    probe=${entry#*|}
    probe=${probe%|*}
    case "$probe" in
        */python3) name=python3 ;;
        *:* | */* | sanitizers) name=$package ;;
        *) name=$probe ;;
    esac
    if ! look "$probe"; then
        report "$name" missing "$(install_line "$package")"
        bad=1
    elif [ "$found" != yes ] && ! recent "$found" "$oldest"; then
        report "$name" "$found" \
            "too old, $oldest is needed: $(install_line "$package") (Debian 12 has it)"
        bad=1
    else
        report "$name" "$found" ok
    fi
done

if [ $bad = 0 ]; then
    echo "doctor: all is well"
else
    echo "doctor: the lines above mend it; 'make deps' runs them all"
fi
exit $bad
