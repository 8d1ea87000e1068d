"""Absolute times of a comparison, and how tables show them: 36.1 ns -> 47.2 ns. Pure.

A base's time is the median over the compared blocks of its processes' means (of two files: the
arithmetic mean of the process means). A candidate's time is the base's time multiplied with the
ratio, so that times and ratio never say two things: arms that alternate on a machine whose speed
changes are compared exactly by their blocks, and much less exactly by an average of each. The
verdict rests on the ratio alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from bench.compare.comparison import TIMES, Comparison
from bench.stats import LEAST, MOST

WALL, CPU = "wall", "cpu"
"""The clocks of times. Trials name theirs in `patchbench_clock` (bench.measure)."""
CLOCKS = {WALL: "wall clock", CPU: "CPU time"}
_UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))
_USUAL_DIGITS, _LEAST_DIGITS, _MOST_DIGITS = 3, 2, 5
# Times further apart than this get their significant digits each.
_FAR = 10.0
ARROW = " -> "


class Timed(Protocol):
    """What may have times: a comparison, a row of a report. A suite has none."""

    @property
    def low95(self) -> float | None:
        """The lower end of the plain interval."""

    @property
    def high95(self) -> float | None:
        """Its upper end."""


def fields_of(base: float, ratio: float, clock: str) -> dict[str, Any]:
    """The fields of a comparison; none where a time is too small or too large to compute with."""
    candidate = base * ratio
    if not (LEAST <= base <= MOST and LEAST <= candidate <= MOST) or clock not in CLOCKS:
        return {}
    return {"base_seconds": base, "candidate_seconds": candidate, "clock": clock}


def seconds_of(row: Timed) -> tuple[float, float] | None:
    """The times of a row, base and candidate; None where it has none."""
    base, candidate = getattr(row, "base_seconds", None), getattr(row, "candidate_seconds", None)
    return None if base is None or candidate is None else (base, candidate)


def without_times(rows: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons without their times, for tables that leave them out."""
    absent: dict[str, Any] = dict.fromkeys(TIMES)
    return tuple(replace(row, **absent) for row in rows)


def have_times(rows: Iterable[Timed]) -> bool:
    """Whether a table of these rows has a column of times."""
    return any(seconds_of(row) is not None for row in rows)


def times(row: Timed, *, is_short: bool = False) -> str:
    """The times of a row in one unit; "" without times. Short: 36.1 -> 47.2 ns."""
    pair = seconds_of(row)
    if pair is None:
        return ""
    unit, size = _unit(max(pair))
    base, candidate = _figures(pair[0] / size, pair[1] / size, row)
    return f"{base}{'' if is_short else f' {unit}'}{ARROW}{candidate} {unit}"


def title_of(rows: Iterable[Timed]) -> str:
    """The head of the column: the clock that all times are of, "time" where there are two."""
    clocks = _clocks(rows)
    return CLOCKS[clocks.pop()] if len(clocks) == 1 else "time"


def legend(rows: Iterable[Timed]) -> str:
    """A sentence below the table about its times; "" without times."""
    rows = list(rows)
    clocks = _clocks(rows)
    if not clocks:
        return ""
    measured_apart = not any(getattr(row, "blocks", 0) for row in rows)
    if clocks == {CPU}:
        which = "CPU time" if measured_apart else "CPU time, since the arms share a core (corun)"
    elif clocks == {WALL}:
        which = "wall clock"
    else:
        which = f"wall clock, but CPU time (corun) for {', '.join(_names_of(rows, CPU))}"
    centre = "mean" if measured_apart else "median"
    return (
        f"Times: {which}. The base's is the {centre} of its processes, the candidate's is that "
        "times the ratio; verdicts come from the ratio alone."
    )


def _names_of(rows: Iterable[Timed], clock: str) -> list[str]:
    return [
        str(getattr(row, "benchmark", "") or getattr(row, "name", ""))
        for row in rows
        if seconds_of(row) is not None and getattr(row, "clock", None) == clock
    ]


def _clocks(rows: Iterable[Timed]) -> set[str]:
    return {getattr(row, "clock", None) or WALL for row in rows if seconds_of(row) is not None}


def _unit(seconds: float) -> tuple[str, float]:
    """The largest unit of which there is at least one; ns for anything less."""
    # Rounded first: 0.9999999 ms would be shown as 1000 us.
    shown = float(f"{seconds:.4g}")
    return next(((name, size) for name, size in _UNITS if shown >= size), _UNITS[-1])


def _figures(base: float, candidate: float, row: Timed) -> tuple[str, str]:
    if max(base, candidate) < _FAR * min(base, candidate):
        places = _places(min(base, candidate), row)
        return f"{base:.{places}f}", f"{candidate:.{places}f}"
    return f"{base:.{_places(base, row)}f}", f"{candidate:.{_places(candidate, row)}f}"


def _places(figure: float, row: Timed) -> int:
    """Decimal places: the last one is no coarser than the plain interval of the ratio is wide."""
    whole = math.floor(math.log10(figure))
    low, high = row.low95, row.high95
    if low is None or high is None or not 0 < low < high:
        places = _USUAL_DIGITS - 1 - whole
    else:
        places = math.ceil(-math.log10(math.log(high / low) / 2 * figure))
    places = min(max(places, _LEAST_DIGITS - 1 - whole), _MOST_DIGITS - 1 - whole)
    # A time far below a nanosecond would need a hundred places: it is shown as 0.000.
    return min(max(places, 0), 12)
