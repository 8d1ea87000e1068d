#!/usr/bin/env bash
# Installs the Debian packages of a list (default: packages.txt) that are missing, when root; prints
# the line that installs them otherwise. Fails only if something that every build
# needs does not work.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
list=${1:-packages.txt}

say() { printf 'setup: %s\n' "$*" >&2; }

missing_packages() {
    local package state
    while read -r package; do
        state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=none
        [[ $state == installed ]] || echo "$package"
    done < <(grep -Ev '^[[:space:]]*(#|$)' "$list")
}

apt() {
    # Errors go to stderr; stdout is hundreds of lines of progress.
    DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        "$@" >/dev/null
}

install_packages() {
    local lists=(/var/lib/apt/lists/*_Packages*)
    if [[ ! -e ${lists[0]} ]]; then
        say 'There are no package lists yet; downloading them.'
        apt update || return 1
    fi
    # Old lists may name files that the archive has replaced since.
    apt install --no-install-recommends "$@" ||
        { apt update && apt install --no-install-recommends "$@"; }
}

has_header() { gcc -E -x c -o /dev/null - <<<"#include <$1>" 2>/dev/null; }

check_essentials() {
    local program header lacks=()
    for program in gcc make git; do
        command -v "$program" >/dev/null || lacks+=("$program")
    done
    if command -v gcc >/dev/null; then
        for header in stdio.h zlib.h openssl/ssl.h; do
            has_header "$header" || lacks+=("$header")
        done
    fi
    if ((${#lacks[@]})); then
        say "Every build needs these, which are missing: ${lacks[*]}"
        exit 1
    fi
    say 'Continuing: everything that every build needs is installed. `patchbench doctor` explains the rest.'
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say 'This machine has no apt. Install the equivalents of these Debian packages:'
    say "  $(grep -Ev '^[[:space:]]*(#|$)' "$list" | tr '\n' ' ')"
    check_essentials
    exit
fi

mapfile -t missing < <(missing_packages)
if ((${#missing[@]} == 0)); then
    exit
fi
say "Missing Debian packages: ${missing[*]}"
if (($(id -u) == 0)); then
    say 'Installing them (one to three minutes) ...'
    if install_packages "${missing[@]}"; then
        exit
    fi
    say 'apt could not install them; its messages above have the reason.'
else
    say 'To install them:'
    say "  sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
fi
check_essentials
