"""Names of CPython versions: releases, language versions, and how they are ordered."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RELEASE = re.compile(r"v?(\d+(?:\.\d+){1,3})(?:(a|b|rc)(\d+))?")
_BRANCH = re.compile(r"\d+\.\d+")
_HASH = re.compile(r"[0-9a-f]{4,40}", re.IGNORECASE)
_VERSION = re.compile(rb'^[ \t]*#[ \t]*define[ \t]+PY_VERSION[ \t]+"([0-9a-z.+]+)"', re.MULTILINE)


def version_key(version: str) -> tuple[tuple[int, ...], int, int]:
    """Sort key of a release: 3.9.2 before 3.13.0rc1 before 3.13.0. A prefix v is allowed.

    A name that is not a release sorts first.
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
    """Whether a name is that of a release that is not an alpha, beta or release candidate."""
    return is_release(name) and version_key(name)[1] == 3


def is_branch_version(name: str) -> bool:
    """Whether a name is a language version (2.7, 3.13)."""
    return _BRANCH.fullmatch(name) is not None


def is_hash(name: str) -> bool:
    """Whether a name can be a commit hash or the beginning of one."""
    return _HASH.fullmatch(name) is not None


def newest(branch: str, versions: Iterable[str]) -> list[str]:
    """The releases of a language version, newest first; pre-releases after all final releases."""
    prefix = tuple(map(int, branch.split(".")))
    names = [name for name in versions if version_key(name)[0][:2] == prefix and is_release(name)]
    return sorted(names, key=lambda name: (is_final(name), version_key(name)), reverse=True)


def version_of(header: bytes) -> str | None:
    """PY_VERSION in the content of Include/patchlevel.h; None without one."""
    match = _VERSION.search(header)
    return match[1].decode() if match else None


def numbers(version: str) -> str:
    """The three numbers of a version, as sys.version_info has them: 2.7.10 of "2.7.10+"."""
    match = re.match(r"\d+\.\d+(?:\.\d+)?", version)
    return match.group() if match else version
