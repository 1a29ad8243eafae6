#!/bin/sh
# Install the packages named as arguments, as root or through sudo. Does nothing when all are there.
set -e

missing=
for package in "$@"; do
    case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
        *" installed") ;;
        *) missing="$missing $package" ;;
    esac
done

if [ -z "$missing" ]; then
    echo "deps: all packages are installed"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "deps: there is no apt-get here. Install what these Debian packages hold:" >&2
    for package in "$@"; do
        echo "    $package" >&2
    done
    echo "then see 'make doctor'." >&2
    exit 1
fi

as_root=env
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: not root, and there is no sudo. As root, run:" >&2
        echo "    apt-get update && apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    as_root="sudo env"
    echo "deps: using sudo to install:$missing"
else
    echo "deps: installing:$missing"
fi

wait_for_lock="-o DPkg::Lock::Timeout=300"
$as_root DEBIAN_FRONTEND=noninteractive apt-get $wait_for_lock -q update
$as_root DEBIAN_FRONTEND=noninteractive apt-get $wait_for_lock -q -y \
    install --no-install-recommends $missing
