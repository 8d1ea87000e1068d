"""Conversion between JSON documents and frozen dataclasses, with checked types.

msgspec checks the types and names the key that is wrong. This module adds the file and a hint to
its errors. Hostile input (deep nesting, NaN, extremely long numbers) raises a PatchbenchError like
any other damage.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from builder.errors import DataError, PatchbenchError

T = TypeVar("T")
# Exceptions besides its own that msgspec raises for damaged content.
_DAMAGE = (ValueError, TypeError, ArithmeticError, RecursionError)


def dump(value: Any) -> Any:
    """Convert frozen dataclasses to lists, dictionaries, text and numbers; dates to ISO format."""
    import msgspec

    return _iso(msgspec.to_builtins(value, builtin_types=(date, datetime), str_keys=True))


def _iso(value: Any) -> Any:
    # msgspec formats a time in UTC with a final Z; our documents have +00:00.
    if isinstance(value, dict):
        return {key: _iso(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_iso(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def load(kind: type[T], value: Any) -> T:
    """Convert the output of `dump` back. ValueError names a key that is missing or wrong.

    Missing keys with a default get it, and unknown keys are ignored: an older or newer version may
    have written the document.
    """
    import msgspec  # imported here, since most commands do not need it

    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, *_DAMAGE) as error:
        raise ValueError(str(error)) from error


def with_texts(value: T, change: Callable[[str], str]) -> T:
    """Return a copy of `value` with `change` applied to every text in it, including mapping keys.

    `change` must leave names of fields as they are: it replaces only characters that none has.
    """
    import msgspec

    return load(type(value), _changed(msgspec.to_builtins(value), change))


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _changed(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_changed(item, change) for item in value]
    return value


def parse(text: str | bytes) -> Any:
    """Parse strict JSON: NaN and infinity are refused. Raises ValueError or RecursionError."""
    return json.loads(text, parse_constant=_no_number)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def read_json(
    path: Path,
    *,
    what: str = "",
    hint: str = "Copy or download it again.",
    error: type[PatchbenchError] = DataError,
) -> dict[str, Any]:
    """Read the JSON object in a file. Raises `error` if there is none; `what` is the name of the
    document in the message, as the subject of a sentence.
    """
    content = _read(path, what=what, hint=hint, error=error)
    if not isinstance(content, dict):
        raise error(
            f"{what or path.name} cannot be read.",
            where=f"{path}: it is not a JSON object",
            hint=hint,
        )
    return content


def _read(path: Path, *, what: str, hint: str, error: type[PatchbenchError]) -> Any:
    try:
        return parse(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise error(
            f"{what or path.name} cannot be read.",
            where=f"{path}: {getattr(problem, 'strerror', None) or problem}",
            hint=hint,
        ) from problem


def typed(
    kind: type[T],
    content: Any,
    *,
    where: str,
    what: str,
    hint: str = "Copy or download it again.",
    error: type[PatchbenchError] = DataError,
) -> T:
    """Convert a document's content to `kind`. Raises `error`, which names the file and the key."""
    try:
        return load(kind, content)
    except ValueError as problem:
        raise error(f"{what} cannot be read.", where=f"{where}: {problem}", hint=hint) from problem


def read(
    kind: type[T],
    path: Path,
    *,
    what: str,
    hint: str = "Copy or download it again.",
    error: type[PatchbenchError] = DataError,
) -> T:
    """Read a document of type `kind` from a file. Raises `error` with the file, key and hint."""
    content = read_json(path, what=what, hint=hint, error=error)
    return typed(kind, content, where=str(path), what=what, hint=hint, error=error)


def read_list(
    kind: type[T],
    path: Path,
    *,
    what: str,
    hint: str = "Copy or download it again.",
    error: type[PatchbenchError] = DataError,
) -> tuple[T, ...]:
    """Read a document that is a list of `kind`. Errors as `read`."""
    content = _read(path, what=what, hint=hint, error=error)
    items: type[tuple[T, ...]] = tuple[kind, ...]  # type: ignore[valid-type]
    return typed(items, content, where=str(path), what=what, hint=hint, error=error)
