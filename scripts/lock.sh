#!/usr/bin/env bash
# Writes requirements.lock: the versions that pip chooses now for pyproject.toml in an empty environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder"
python=$folder/bin/python
pip=("$python" -m pip --disable-pip-version-check --no-input)
# The build requirements of the editable install are pinned as well; pip is that of the environment.
"$python" >"$folder/requirements" <<'END'
import tomllib
with open("pyproject.toml", "rb") as file:
    content = tomllib.load(file)
project = content["project"]
extras = project["optional-dependencies"]
print(*content["build-system"]["requires"], *project["dependencies"], *extras["dev"], sep="\n")
END
"${pip[@]}" install -q --upgrade -r "$folder/requirements"
{
    echo '# Made by `make lock` from pyproject.toml: change that file, then run `make lock`.'
    "${pip[@]}" freeze -q --all --exclude pip
} >"$folder/requirements.lock"
cp "$folder/requirements.lock" requirements.lock
