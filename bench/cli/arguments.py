"""Converters for `type=` of argparse: each takes the text of an argument and returns its value.

Each raises argparse.ArgumentTypeError with what would be valid; argparse prints that after the
option's name.
"""

from __future__ import annotations

import contextlib
import math
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path


def nonempty(text: str) -> str:
    """Any text that is not blank: an empty argument is usually an unset shell variable, so it must
    not mean the default.
    """
    if not text.strip():
        raise ArgumentTypeError("must not be empty")
    return text


def path(text: str) -> Path:
    """A path."""
    return Path(nonempty(text))


def names(text: str) -> tuple[str, ...]:
    """Comma-separated names, without duplicates; spaces around a name are ignored."""
    parts = [part.strip() for part in nonempty(text).split(",")]
    distinct = tuple(dict.fromkeys(part for part in parts if part))
    if not distinct:
        raise ArgumentTypeError("must contain at least one name")
    return distinct


def suite(text: str) -> tuple[str, ...]:
    """The words of a suite, as experiment files have them; paths are of the current folder."""
    from bench.experiments import suite_names

    words = suite_names([text], Path.cwd())
    if not words:
        raise ArgumentTypeError("must contain at least one name")
    return words


def number(low: float, high: float) -> Callable[[str], float]:
    """A number from `low` to `high`."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            value = float(text)
            if math.isfinite(value) and low <= value <= high:
                return value
        raise ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")

    return read


def integer(low: int, high: int) -> Callable[[str], int]:
    """An integer from `low` to `high`."""

    def read(text: str) -> int:
        with contextlib.suppress(ValueError):
            if low <= int(text) <= high:
                return int(text)
        raise ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")

    return read


def duration(text: str) -> str:
    """A duration, as experiment files write it; returned as the same text."""
    from bench.util import seconds_of

    try:
        seconds_of(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a time such as 90s, 10m or 2h, of at most a week"
        ) from None
    return text


def day(text: str) -> date:
    """A date that is not in the future."""
    try:
        value = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date such as 2026-11-25") from None
    # One day of tolerance: time zones are up to a day apart.
    if value > date.today() + timedelta(days=1):
        raise ArgumentTypeError(f"{text} is in the future")
    return value


def formats(text: str) -> tuple[str, ...]:
    """Comma-separated names of report formats."""
    from bench.report.formats import FORMATS, PRINTED

    selected = names(text)
    for name in selected:
        if name not in (*FORMATS, *PRINTED):
            raise ArgumentTypeError(f"{name!r} is not one of {', '.join((*FORMATS, *PRINTED))}")
    return selected


def pair(text: str) -> tuple[str, str]:
    """NAME=VALUE as (name, value); neither may be empty."""
    name, _, value = text.partition("=")
    if not name or not value:
        raise ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value
