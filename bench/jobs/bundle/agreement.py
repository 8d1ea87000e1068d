"""Holding what was recorded against what is computed again: where they differ, and how many agree.

What differs is told with its place, as text: it is for a reader, who has to find it in a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.util import read_json
from builder.errors import VerifyError


@dataclass(frozen=True, kw_only=True)
class AgreementCheck:
    """One thing that was held against another: `compared` counts, `problems` say what and where.

    `note` tells what could not be compared, and is no problem.
    """

    name: str
    compared: int
    problems: tuple[str, ...]
    note: str = ""


def read_part(path: Path) -> dict[str, Any]:
    """A JSON object of a bundle. Raises VerifyError, which names the file."""
    hint = "Get the bundle again from where it was made."
    return read_json(path, what=path.name, hint=hint, error=VerifyError)


class Counter:
    """How many values were compared."""

    def __init__(self) -> None:
        self.count = 0

    def unlike(
        self, recorded: Any, recomputed: Any, where: str, tolerance: float = 0.0
    ) -> Iterator[str]:
        """Where two values differ. Keys that only `recorded` has are of no concern here."""
        if isinstance(recomputed, Mapping):
            for key, value in recomputed.items():
                if not isinstance(recorded, Mapping) or key not in recorded:
                    yield f"{where}: {key} is not there"
                else:
                    yield from self.unlike(recorded[key], value, f"{where}, {key}", tolerance)
        elif isinstance(recomputed, list | tuple):
            if not isinstance(recorded, list) or len(recorded) != len(recomputed):
                yield _told(where, recorded, recomputed)
                return
            for number, pair in enumerate(zip(recorded, recomputed, strict=True)):
                yield from self.unlike(*pair, f"{where}, {_label(pair[1], number)}", tolerance)
        else:
            self.count += 1
            if not _alike(recorded, recomputed, tolerance):
                yield _told(where, recorded, recomputed)


def _label(item: Any, number: int) -> str:
    named = item.get("benchmark") or item.get("name") if isinstance(item, Mapping) else None
    return str(named or number)


def _alike(recorded: Any, recomputed: Any, tolerance: float) -> bool:
    if isinstance(recorded, bool) or isinstance(recomputed, bool):
        return recorded is recomputed
    if isinstance(recorded, int | float) and isinstance(recomputed, int | float):
        # isclose looks at floats, and long integers have more digits than these.
        near = tolerance > 0 and math.isclose(recorded, recomputed, rel_tol=tolerance)
        return recorded == recomputed or near
    return bool(recorded == recomputed)


def _told(where: str, recorded: Any, recomputed: Any) -> str:
    return f"{where}: recorded is {short(recorded)}, recomputed {short(recomputed)}"


def short(value: Any) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."
