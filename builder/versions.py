""""""

from __future__ import annotations

import re
from collections.abc import Iterable

_RELEASE = re.compile(r"v?(\d+(?:\.\d+){1,3})(?:(a|b|rc)(\d+))?")
_BRANCH = re.compile(r"\d+\.\d+")
_HASH = re.compile(r"[0-9a-f]{4,40}", re.IGNORECASE)
_VERSION = re.compile(rb'^[ \t]*#[ \t]*define[ \t]+PY_VERSION[ \t]+"([0-9a-z.+]+)"', re.MULTILINE)


def version_key(version: str) -> tuple[tuple[int, ...], int, int]:
    """Sorts releases by age: 3.9.2 before 3.13.0rc1 before 3.13.0. Prefix v allowed.

    What is no release sorts first.
    """
    match = _RELEASE.fullmatch(version)
    if match is None:
        return (), 0, 0
    numbers, stage, count = match.groups()
    stages = {"a": 0, "b": 1, "rc": 2, None: 3}
    return tuple(map(int, numbers.split("."))), stages[stage], int(count or 0)


def is_release(name: str) -> bool:
    """Whether a name is that of one exact release (2.7.18, v3.13.0rc1), which never moves."""
    key = version_key(name)
    return len(key[0]) >= 3 or (len(key[0]) == 2 and name.startswith("v"))


def is_final(name: str) -> bool:
    """Whether a name is that of a release that is no alpha, beta or candidate."""
    return is_release(name) and version_key(name)[1] == 3


def is_branch_version(name: str) -> bool:
    """Whether a name is a language version (2.7, 3.13)."""
    return _BRANCH.fullmatch(name) is not None


def is_hash(name: str) -> bool:
    """Whether a name can be a commit's hash or the beginning of one."""
    return _HASH.fullmatch(name) is not None


def newest(branch: str, versions: Iterable[str]) -> list[str]:
    """The releases of a language version, newest first; the unfinished ones after all finished."""
    wanted = tuple(map(int, branch.split(".")))
    there = [name for name in versions if version_key(name)[0][:2] == wanted and is_release(name)]
    return sorted(there, key=lambda name: (is_final(name), version_key(name)), reverse=True)


def version_of(header: bytes) -> str | None:
    """PY_VERSION of an Include/patchlevel.h."""
    match = _VERSION.search(header)
    return match[1].decode() if match else None


def numbers(version: str) -> str:
    """The three numbers of a version, as sys.version_info has them: 2.7.10 of "2.7.10+"."""
    found = re.match(r"\d+\.\d+(?:\.\d+)?", version)
    return found.group() if found else version
