#!/usr/bin/env bash
# Sets this checkout up: Debian packages, then .venv. Takes a moment if everything is up to date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Two at the same time, as `make test` beside `make bench`, would damage each other's work. The lock
# file may belong to another user, for example root: reading it is enough.
lock=../.setup.lock
[[ -e $lock ]] || : >"$lock"
if command -v flock >/dev/null && exec 9<"$lock"; then
    flock -n 9 || { echo 'setup: Waiting for another setup of this checkout.' >&2 && flock 9; }
fi
# A daemon that a package starts must not keep the lock.
./packages.sh 9<&-
./venv.sh 9<&-
