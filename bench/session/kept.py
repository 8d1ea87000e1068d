"""Reading back what sessions keep as JSON: files of ours that something else may have been at."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.errors import StoreError

# We write atomically: something else has been at a file that gives one of these.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """What a file of ours holds is looked at; StoreError when it is not what we wrote."""
    try:
        yield
    except _DAMAGE as error:
        raise StoreError(
            "A file of the results folder is damaged.",
            where=f"{path}: {type(error).__name__}: {error}",
            hint="Remove it, and its folder if it is a block's: what it held is measured again.",
        ) from error


def load(path: Path, default: Any) -> Any:
    """What a file of ours holds; `default` where it is not there. StoreError when it is no JSON."""
    if not path.exists():
        return default
    with reading(path):
        return json.loads(path.read_text(encoding="utf-8"))
