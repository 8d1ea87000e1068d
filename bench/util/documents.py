"""Frozen dataclasses to plain JSON values and back, by their annotations. Pure.

For what a job writes and reads again itself. Known are dataclasses of these, tuples of one type,
mappings from text, dates and moments, and what JSON has; `X | None` of any of them.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from builder.errors import VerifyError

T = TypeVar("T")


def dump(value: Any) -> Any:
    """The value as lists, dictionaries, text and numbers."""
    if is_dataclass(value):
        return {one.name: dump(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): dump(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [dump(one) for one in value]
    return value


def load(kind: type[T], value: Any) -> T:
    """The dataclass that `dump` was given. ValueError, TypeError or KeyError for anything else.

    What the document lacks has its default; what it has more is left out: an older or newer
    version may have written it.
    """
    known = _hints(typing.cast(Any, kind))
    found: Any = kind
    result: T = found(
        **{name: _read(known[name], one) for name, one in value.items() if name in known}
    )
    return result


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}


def _read(hint: Any, value: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (rest,) = (one for one in inner if one is not types.NoneType)
        return None if value is None else _read(rest, value)
    if origin is tuple:
        return tuple(_read(inner[0], one) for one in value)
    if origin is not None:  # a mapping from text
        return {key: _read(inner[1], one) for key, one in value.items()}
    if is_dataclass(hint):
        return load(typing.cast(type, hint), value)
    if hint in (date, datetime):
        return hint.fromisoformat(value)
    if not isinstance(value, (int, float) if hint is float else hint):
        raise TypeError(f"{value!r} is no {hint.__name__}")
    return value


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of the folder. Raises VerifyError naming the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it is no object")
    except (OSError, ValueError, RecursionError) as error:
        raise VerifyError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.",
            hint="Get the bundle again from where it was made.",
        ) from error
    return content
