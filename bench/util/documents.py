"""JSON documents and frozen values: read from files, checked against their types, and back.

msgspec checks the types and names the key that does not fit. What its own errors lack is added
here: the file, and what to do. Hostile input (deep nesting, NaN, numbers without end) is an error
of the family like any other damage.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from builder.errors import DataError, PatchbenchError

T = TypeVar("T")
# What msgspec raises, beside its own errors, for content that is not what it should be.
_DAMAGE = (ValueError, TypeError, ArithmeticError, RecursionError)


def dump(value: Any) -> Any:
    """Frozen values as lists, dictionaries, text and numbers; dates and moments in ISO format."""
    import msgspec

    return _iso(msgspec.to_builtins(value, builtin_types=(date, datetime), str_keys=True))


def _iso(value: Any) -> Any:
    # msgspec's own text of a moment in UTC ends in Z, which ours never did.
    if isinstance(value, dict):
        return {key: _iso(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_iso(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def load(kind: type[T], value: Any) -> T:
    """The value that `dump` was given. ValueError names the key that is lacking or of a wrong type.

    What the document lacks has its default; what it has more is left out: an older or newer
    version may have written it.
    """
    import msgspec  # where it is used: most commands start without it

    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, *_DAMAGE) as error:
        raise ValueError(str(error)) from error


def with_texts(value: T, change: Callable[[str], str]) -> T:
    """The same value with every text in it, keys of mappings too, put through `change`.

    `change` must leave names of fields as they are: it replaces characters that no name has.
    """
    import msgspec

    return load(type(value), _changed(msgspec.to_builtins(value), change))


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _changed(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_changed(one, change) for one in value]
    return value


def parse(text: str | bytes) -> Any:
    """JSON, and nothing that is not: no NaN, no infinity. Raises ValueError or RecursionError."""
    return json.loads(text, parse_constant=_no_number)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def read_json(
    path: Path,
    *,
    what: str = "",
    hint: str = "Get it again from where it was made.",
    error: type[PatchbenchError] = DataError,
) -> dict[str, Any]:
    """The JSON object in a file. Raises `error` where there is none; `what` says what it should be,
    as the subject of a sentence.
    """
    try:
        content = parse(path.read_bytes().decode("utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError, RecursionError) as problem:
        raise error(
            f"{what or path.name} cannot be read.",
            where=f"{path}: {getattr(problem, 'strerror', None) or problem}",
            hint=hint,
        ) from problem
    return content


def typed(
    kind: type[T],
    content: Any,
    *,
    where: str,
    what: str,
    hint: str = "Get it again from where it was made.",
    error: type[PatchbenchError] = DataError,
) -> T:
    """A document's content as what it should be; `error` names the file and the key."""
    try:
        return load(kind, content)
    except ValueError as problem:
        raise error(f"{what} cannot be read.", where=f"{where}: {problem}", hint=hint) from problem


def read(
    kind: type[T],
    path: Path,
    *,
    what: str,
    hint: str = "Get it again from where it was made.",
    error: type[PatchbenchError] = DataError,
) -> T:
    """A document from a file, checked. Raises `error` with the file, the key and what to do."""
    content = read_json(path, what=what, hint=hint, error=error)
    return typed(kind, content, where=str(path), what=what, hint=hint, error=error)
