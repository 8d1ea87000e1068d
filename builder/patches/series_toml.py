"""series.toml, the metadata of a series: reading and strict checks."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from builder.errors import PatchError
from builder.patches.paths import shown

FILE = "series.toml"
# Statuses of series that exist only to measure with, not to make anything faster.
CONTROLS = ("placebo", "yardstick")
STATUSES = ("not proposed", "proposed", "accepted", "rejected", "merged", *CONTROLS)
# The name of a series: its folder below patches/.
NAME = re.compile(r"\d+\.\d+/[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)

_MEANING = {
    "title": "one line, as a commit's subject",
    "why": "what is slow today, and why this should help",
    "applies_to": 'a range of versions, such as ">=2.7.11,<2.8"',
    "upstream": (
        'an address, "gh-12345", "bpo-4753", "PEP 659", or several with ", " between them, or '
        '"none"; ": " and the outcome may follow'
    ),
    "status": f"one of {', '.join(STATUSES)}",
    "effect": "what is expected to become faster, and by how much",
    "mechanism": "why: fewer instructions, better prediction, fewer allocations",
}
KEYS = tuple(_MEANING)
_LISTS = ("requires", "conflicts")
_REFERENCE = r"(https?://\S+|(gh|bpo)-\d+|PEP \d+)"
# The outcome may have several lines.
_UPSTREAM = re.compile(rf"(none|{_REFERENCE}(, {_REFERENCE})*)(:\s.+)?", re.ASCII | re.DOTALL)
_WITH_REFERENCE = ("proposed", "accepted", "rejected", "merged")
# Enough micro versions to check whether a range contains a version of a branch.
_MICROS = 100


@dataclass(frozen=True, kw_only=True)
class SeriesManifest:
    """The metadata of a series.

    `applies_to` is a range of versions (PEP 440), `upstream` references or "none" (": " and the
    outcome may follow), `status` one of STATUSES, `effect` the expected gain and `mechanism` its
    expected reason. `requires` and `conflicts` name other series.
    """

    title: str
    why: str
    applies_to: str
    upstream: str
    status: str
    effect: str
    mechanism: str
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def read(path: Path, name: str) -> SeriesManifest:
    """The manifest at `path`, of the series `name`. Raises PatchError naming file and key."""
    table = _read_toml(path)
    keys = (*KEYS, *_LISTS)
    for key in table:
        if key not in keys:
            refuse(
                f"The key {shown(key)} is unknown{nearest(key, keys)}.",
                f"{path}, {shown(key)}",
                f"Keys are {', '.join(KEYS)}; optional {', '.join(_LISTS)}.",
            )
    texts = {key: _text(table, key, path) for key in KEYS}
    lists = {key: _series_list(table, key, path, name) for key in _LISTS}
    manifest = SeriesManifest(**texts, **lists)  # type: ignore[arg-type]  # each key has its own type
    _check_status(manifest, path)
    _check_range(manifest.applies_to, name.partition("/")[0], path)
    return manifest


def nearest(word: str, words: Iterable[str]) -> str:
    """The end of a sentence that suggests the most similar of `words`; empty without one."""
    similar = difflib.get_close_matches(word[:200], list(words), 1)
    return f"; did you mean {similar[0]}" if similar else ""


def refuse(what: str, where: str, hint: str) -> NoReturn:
    """Raise PatchError."""
    raise PatchError(what, where=where, hint=hint)


def unreadable(path: Path, error: OSError) -> PatchError:
    """The error for a file or folder that cannot be read."""
    return PatchError(
        f"{shown(path.name)} cannot be read: {error.strerror}.",
        where=str(path),
        hint="Check that it exists and that you may read it.",
    )


def _read_toml(path: Path) -> dict[str, Any]:
    hint = "series.toml is TOML in UTF-8, lines of key = value."
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PatchError(f"{FILE} is not valid: {error}.", where=str(path), hint=hint) from error
    except RecursionError as error:
        raise PatchError(f"{FILE} is nested too deeply.", where=str(path), hint=hint) from error
    except OSError as error:
        raise unreadable(path, error) from error


def _text(table: Mapping[str, Any], key: str, path: Path) -> str:
    hint = f"Write {key} = ...: {_MEANING[key]}."
    if key not in table:
        refuse(f"The key {key} is missing.", f"{path}, {key}", hint)
    value = table[key]
    if not isinstance(value, str):
        refuse(f"{key} must be text, not {_kind(value)}.", f"{path}, {key}", hint)
    if not value.strip():
        refuse(f"{key} is empty.", f"{path}, {key}", hint)
    if key == "title" and "\n" in value.strip():
        refuse("title has more than one line.", f"{path}, {key}", hint)
    return value.strip()


def _series_list(table: Mapping[str, Any], key: str, path: Path, name: str) -> tuple[str, ...]:
    value = table.get(key, [])
    hint = f'Write {key} = ["{name.partition("/")[0]}/other-series"], or leave it out.'
    if not isinstance(value, list):
        refuse(f"{key} must be a list, not {_kind(value)}.", f"{path}, {key}", hint)
    for item in value:
        if not isinstance(item, str) or not NAME.fullmatch(item):
            refuse(
                f"{key} has {shown(repr(item))}, which is not the name of a series.",
                f"{path}, {key}",
                hint,
            )
        if item == name:
            refuse(f"{key} names the series itself.", f"{path}, {key}", hint)
    return tuple(value)


def _check_status(manifest: SeriesManifest, path: Path) -> None:
    status, upstream = manifest.status, manifest.upstream
    if status not in STATUSES:
        refuse(
            f"status is {shown(status)!r}{nearest(status, STATUSES)}.",
            f"{path}, status",
            f"It is {_MEANING['status']}.",
        )
    if not _UPSTREAM.fullmatch(upstream):
        refuse(
            f"upstream is {shown(upstream)!r}, which is not a reference.",
            f"{path}, upstream",
            f"It is {_MEANING['upstream']}.",
        )
    if status in _WITH_REFERENCE and upstream.startswith("none"):
        refuse(
            f'status is {status!r}, but upstream is "none".',
            f"{path}, upstream",
            "Give the address or the issue.",
        )
    if both := set(manifest.requires) & set(manifest.conflicts):
        refuse(
            f"{min(both)} is both required and excluded.",
            f"{path}, conflicts",
            "Name it either in requires or in conflicts.",
        )


def _check_range(text: str, branch: str, path: Path) -> None:
    try:
        versions = SpecifierSet(text)
    except InvalidSpecifier:
        refuse(
            f"applies_to is {shown(text)!r}, which is not a range of versions.",
            f"{path}, applies_to",
            'Write it as in PEP 440: ">=2.7.11,<2.8", "==3.13.*".',
        )
    candidates = [f"{branch}.0a0", *(f"{branch}.{micro}" for micro in range(_MICROS))]
    if not any(versions.contains(version, prereleases=True) for version in candidates):
        refuse(
            f"applies_to is {shown(text)!r}, which has no version of branch {branch}.",
            f"{path}, applies_to",
            f"The series is in the folder of branch {branch}.",
        )


def _kind(value: object) -> str:
    kinds = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "a table" if isinstance(value, dict) else "a date")
