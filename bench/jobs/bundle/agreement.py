"""Compare recorded values with recomputed ones, and count the comparisons.

A difference is a text with its place in the file, for a reader who has to find it there.
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
    """The outcome of one check.

    `compared` is the number of compared values, `problems` are the differences, and `note` is the
    reason why something was not compared, which is no problem.
    """

    name: str
    compared: int
    problems: tuple[str, ...]
    note: str = ""


def read_part(path: Path) -> dict[str, Any]:
    """Read a JSON object of a bundle. Raises VerifyError with the file's name."""
    hint = "Get the bundle again from where it was made."
    return read_json(path, what=path.name, hint=hint, error=VerifyError)


class Counter:
    """Compares values, and counts them in `count`."""

    def __init__(self) -> None:
        self.count = 0

    def differences(
        self, recorded: Any, recomputed: Any, where: str, tolerance: float = 0.0
    ) -> Iterator[str]:
        """Yield a text for each difference. Keys that only `recorded` has are ignored.

        `tolerance` is relative.
        """
        if isinstance(recomputed, Mapping):
            for key, value in recomputed.items():
                if not isinstance(recorded, Mapping) or key not in recorded:
                    yield f"{where}: {key} is missing"
                else:
                    yield from self.differences(recorded[key], value, f"{where}, {key}", tolerance)
        elif isinstance(recomputed, list | tuple):
            if not isinstance(recorded, list) or len(recorded) != len(recomputed):
                yield _difference(where, recorded, recomputed)
                return
            for number, pair in enumerate(zip(recorded, recomputed, strict=True)):
                yield from self.differences(*pair, f"{where}, {_label(pair[1], number)}", tolerance)
        else:
            self.count += 1
            if not _equal(recorded, recomputed, tolerance):
                yield _difference(where, recorded, recomputed)


def _label(item: Any, number: int) -> str:
    named = item.get("benchmark") or item.get("name") if isinstance(item, Mapping) else None
    return str(named or number)


def _equal(recorded: Any, recomputed: Any, tolerance: float) -> bool:
    if isinstance(recorded, bool) or isinstance(recomputed, bool):
        return recorded is recomputed
    if isinstance(recorded, int | float) and isinstance(recomputed, int | float):
        # Not isclose alone: it converts to float, which has fewer digits than long integers.
        near = tolerance > 0 and math.isclose(recorded, recomputed, rel_tol=tolerance)
        return recorded == recomputed or near
    return bool(recorded == recomputed)


def _difference(where: str, recorded: Any, recomputed: Any) -> str:
    return f"{where}: recorded is {short(recorded)}, recomputed {short(recomputed)}"


def short(value: Any) -> str:
    """A value as messages show it: its repr, at most 120 characters."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."
