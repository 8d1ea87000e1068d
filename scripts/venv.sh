#!/usr/bin/env bash
# Makes .venv with the pinned packages of requirements.lock and this checkout (editable) in it.
# Does nothing if it is up to date; a broken or incomplete one is made again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stamp=.venv/patchbench-stamp
program=.venv/bin/patchbench

# The caller's variables for Python (PYTHONHOME, PYTHONPATH) are not of ours; PYTHON names one.
for name in "${!PYTHON@}"; do
    [[ $name == PYTHON ]] || unset "$name"
done

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
    say "$@"
    exit 1
}

hashed() { sha256sum | cut -d ' ' -f 1; }

find_python() {
    local candidate version found=''
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        version=$("$candidate" -c 'import sys; print("%d %d" % sys.version_info[:2])' 2>/dev/null) ||
            continue
        if ((${version% *} > 3 || (${version% *} == 3 && ${version#* } >= 11))); then
            echo "$candidate"
            return
        fi
        found+=" $candidate is ${version/ /.};"
    done
    found=${found:- there is no Python 3 on PATH;}
    say "patchbench itself needs Python 3.11 or newer:${found%;}."
    fail 'Debian 12 and Ubuntu 24.04 have one (apt-get install python3). To name another:' \
        'make setup PYTHON=/path/to/python3.12'
}

pip_install() {
    .venv/bin/python -m pip install --disable-pip-version-check --no-input "$@" >&2 ||
        fail 'pip could not install the packages; its messages above have the reason. `make setup` tries again.'
}

make_venv() {
    local python=$1 output
    rm -rf .venv
    output=$("$python" -m venv .venv 2>&1) && return
    # Debian's python3 has no ensurepip without python3-venv, but an installed pip can stand in.
    rm -rf .venv
    "$python" -m venv --without-pip .venv >/dev/null 2>&1 &&
        "$python" -m pip --python .venv/bin/python install -q pip >/dev/null 2>&1 && return
    rm -rf .venv
    say "$output"
    fail "$python cannot make a virtual environment. On Debian: sudo apt-get install python3-venv"
}

# What pip writes starts an interpreter that PYTHONHOME stops at once, with the exit code of
# "slower". This one ignores all such variables.
launcher() {
    local here quote="'\\''"
    here=$(pwd -P)
    here=${here//\'/$quote}
    printf '%s\n' '#!/bin/sh' '# Written by scripts/venv.sh.' \
        "exec '$here/.venv/bin/python' -I '$here/patchbench/__main__.py' \"\$@\""
}

# An environment contains its own path: one in a copied folder does not work.
packages="packages $({ cat requirements.lock && pwd -P; } | hashed)"
project="project $(hashed <pyproject.toml)"

# A new minor version of the system's Python leaves an environment whose Python starts but finds no packages.
if [[ $(head -n 1 "$stamp" 2>/dev/null) != "$packages" ]] ||
    ! .venv/bin/python -c 'import rich' 2>/dev/null; then
    python=$(find_python)
    say "Making .venv with $(grep -c == requirements.lock) pinned packages (about a minute) ..."
    make_venv "$python"
    pip_install -q -r requirements.lock
    echo "$packages" >"$stamp.new"
    mv "$stamp.new" "$stamp"
fi
if [[ $(tail -n 1 "$stamp") != "$project" ]]; then
    # setuptools comes from the lock file, so that nothing is fetched for the build.
    # (-qq: setuptools warns at length of editable installs.)
    pip_install -qq --no-deps --no-build-isolation --editable .
    printf '%s\n' "$packages" "$project" >"$stamp.new"
    mv "$stamp.new" "$stamp"
    say '.venv is ready.'
fi
if [[ $(cat "$program" 2>/dev/null) != "$(launcher)" ]]; then
    launcher >"$program.new"
    chmod +x "$program.new"
    mv "$program.new" "$program"
fi
