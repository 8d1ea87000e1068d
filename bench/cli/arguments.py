"""Types of the command line's arguments: text in, a value in range out, or what would be right.

Each raises argparse.ArgumentTypeError, whose text follows the option's name.
"""

from __future__ import annotations

import contextlib
import math
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path


def filled(text: str) -> str:
    """Any text but none: what a shell makes of an unset variable is no wish for the default."""
    if not text.strip():
        raise ArgumentTypeError("it is empty")
    return text


def path(text: str) -> Path:
    """A path."""
    return Path(filled(text))


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them, and spaces where one likes them; each once."""
    parts = [part.strip() for part in filled(text).split(",")]
    found = tuple(dict.fromkeys(part for part in parts if part))
    if not found:
        raise ArgumentTypeError("it names nothing")
    return found


def number(low: float, high: float) -> Callable[[str], float]:
    """A number from `low` to `high`."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            value = float(text)
            if math.isfinite(value) and low <= value <= high:
                return value
        raise ArgumentTypeError(f"{text!r} is no number from {low:g} to {high:g}")

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def read(text: str) -> int:
        with contextlib.suppress(ValueError):
            if low <= int(text) <= high:
                return int(text)
        raise ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")

    return read


def duration(text: str) -> str:
    """A time as an experiment file has it."""
    from bench.util import seconds_of

    try:
        seconds_of(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no time such as 90s, 10m or 2h, a week at most"
        ) from None
    return text


def day(text: str) -> date:
    """A date that is not in the future."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date such as 2026-11-25") from None
    # A day of grace: the zones of this world are a day apart.
    if found > date.today() + timedelta(days=1):
        raise ArgumentTypeError(f"{text} is in the future")
    return found


def formats(text: str) -> tuple[str, ...]:
    """Names of report formats, with commas between them."""
    from bench.report.formats import FORMATS, PRINTED

    found = names(text)
    for name in found:
        if name not in (*FORMATS, *PRINTED):
            raise ArgumentTypeError(f"{name!r} is not one of {', '.join((*FORMATS, *PRINTED))}")
    return found


def pair(text: str) -> tuple[str, str]:
    """NAME=VALUE, neither empty."""
    name, _, value = text.partition("=")
    if not name or not value:
        raise ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value
