"""Options of a session, with the range or the choices of each.

The metadata of the fields has the ranges, which apply to files, command lines and other modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.util import DURATION, is_duration

_PROTOCOLS = ("auto", "lockstep", "sequential", "corun")
_UNTIL = ("decided", "blocks")
_WHOLE, _NUMBER, _CHOICES, _DURATION = "whole", "number", "choices", "duration"


def _whole(low: int, high: int) -> dict[str, Any]:
    return {_WHOLE: (low, high)}


def _number(low: float, high: float) -> dict[str, Any]:
    return {_NUMBER: (low, high)}


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """Options of the timing part. `budget` and `timeout` are in seconds; `process_seconds` is the
    time of the timed values in each process of a block, None for the default of the protocol.

    The session ends when every benchmark is decided (only if `until` is "decided"), after `blocks`
    blocks of each, or when `budget` is spent, whichever is first. A `seed` of None is drawn at the
    first run and recorded. `replicas` is how often each arm is built, `placebos` how many
    placebo arms are added, and `aa` adds the base against itself.
    """

    margin: float = field(default=0.01, metadata=_number(0.0001, 0.5))
    blocks: int = field(default=40, metadata=_whole(2, 1000))
    budget: float | None = field(default=None, metadata={_DURATION: True})
    protocol: str = field(default="auto", metadata={_CHOICES: _PROTOCOLS})
    process_seconds: float | None = field(default=None, metadata=_number(0.05, 600))
    timeout: float = field(default=120.0, metadata={_DURATION: True})
    seed: int | None = field(default=None, metadata=_whole(0, 2**32 - 1))
    replicas: int = field(default=1, metadata=_whole(1, 20))
    until: str = field(default="decided", metadata={_CHOICES: _UNTIL})
    aa: bool = False
    placebos: int = field(default=0, metadata=_whole(0, 20))


@dataclass(frozen=True, kw_only=True)
class SessionChanges:
    """Changes of session options by a command line; None changes nothing."""

    budget: float | None = None
    blocks: int | None = None
    protocol: str | None = None
    seed: int | None = None
    replicas: int | None = None
    until: str | None = None
    aa: bool | None = None
    placebos: int | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The changed values, by the names of the options."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def applied(self, options: SessionOptions) -> SessionOptions:
        """Return `options` with these changes."""
        return replace(options, **self.given)


def whole_range(name: str) -> tuple[int, int]:
    """Return the least and the largest value of an integer option. Raises KeyError for others."""
    low, high = _metadata(name)[_WHOLE]
    return int(low), int(high)


def number_range(name: str) -> tuple[float, float]:
    """Return the least and the largest value of a float option. Raises KeyError for others."""
    low, high = _metadata(name)[_NUMBER]
    return low, high


def choices_of(name: str) -> tuple[str, ...]:
    """Return the choices of an option. Raises KeyError if it has no fixed choices."""
    return tuple(_metadata(name)[_CHOICES])


def right_value(name: str, value: Any) -> str:
    """Return what the value of an option must be, "" if `value` is valid."""
    metadata = _metadata(name)
    if value is None or not metadata:
        return ""
    if _CHOICES in metadata:
        return "" if value in metadata[_CHOICES] else f"one of: {', '.join(metadata[_CHOICES])}"
    if _DURATION in metadata:
        return "" if is_duration(value) else DURATION
    low, high = metadata.get(_WHOLE) or metadata[_NUMBER]
    words = (
        f"a whole number, {low} to {high}"
        if _WHOLE in metadata
        else f"a number from {low} to {high}"
    )
    return "" if low <= value <= high else words


def _metadata(name: str) -> Mapping[str, Any]:
    return SessionOptions.__dataclass_fields__[name].metadata
