#!/usr/bin/env bash
# Sets this checkout up: Debian packages, then .venv. Does in a moment what is done already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Two at once, say `make test` beside `make bench`, would spoil each other's work. The lock file may
# be another user's, root's for one: to read it is enough.
lock=../.setup.lock
[[ -e $lock ]] || : >"$lock"
if command -v flock >/dev/null && exec 9<"$lock"; then
    flock -n 9 || { echo 'setup: Another one is under way here; waiting for it.' >&2 && flock 9; }
fi
# A daemon that a package starts must not keep the lock.
./packages.sh 9<&-
./venv.sh 9<&-
