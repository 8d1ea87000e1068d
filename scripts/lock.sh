#!/usr/bin/env bash
# Writes requirements.lock: what pip chooses today for pyproject.toml, in an empty environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder"
python=$folder/bin/python
pip=("$python" -m pip --disable-pip-version-check --no-input)
# What builds the editable install is pinned as well; pip itself is the environment's own.
"$python" >"$folder/wanted" <<'END'
import tomllib
with open("pyproject.toml", "rb") as file:
    content = tomllib.load(file)
project = content["project"]
extras = project["optional-dependencies"]
print(*content["build-system"]["requires"], *project["dependencies"], *extras["dev"], sep="\n")
END
"${pip[@]}" install -q --upgrade -r "$folder/wanted"
{
    echo '# Made by `make lock` from pyproject.toml: change that, then make this again.'
    "${pip[@]}" freeze -q --all --exclude pip
} >"$folder/requirements.lock"
cp "$folder/requirements.lock" requirements.lock
