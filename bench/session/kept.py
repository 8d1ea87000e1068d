"""Reading the JSON files of sessions, which another program may have damaged."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.errors import StoreError

# Files are written atomically: where reading raises one of these, another program damaged it.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """A context in which errors of damaged content become a StoreError that names the file."""
    try:
        yield
    except _DAMAGE as error:
        raise StoreError(
            "A file of the results folder is damaged.",
            where=f"{path}: {type(error).__name__}: {error}",
            hint="Remove it (of a block, its whole folder): what it held is measured again.",
        ) from error


def load(path: Path, default: Any) -> Any:
    """The content of a JSON file, `default` where it is missing. Raises StoreError for no JSON."""
    if not path.exists():
        return default
    with reading(path):
        return json.loads(path.read_text(encoding="utf-8"))
