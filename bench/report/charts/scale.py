"""The logarithmic axes of the charts: from ratios to shares of a drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.report.model import ReportRow

# Of the drawing, left and right of what it must hold.
_AIR = 0.04
# Of the intervals, so many are held whole in any case; the rest may reach over the edge rather than
# make the axis longer by more than this factor, and squeeze all the others.
_PART = 0.9
_WORTH = 1.5
# Above and below what a panel or lane shows, so that no dot is cut at the edge.
INSET = 0.06


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Ratios from `low` to `high` on a logarithmic axis, as shares of its length."""

    low: float
    high: float

    @property
    def length(self) -> float:
        """How far it goes, as a logarithm."""
        return math.log(self.high / self.low)

    def at(self, ratio: float) -> float:
        """Where a ratio lies, from 0 to 1; beyond an end, that end."""
        share = math.log(ratio / self.low) / self.length
        return min(1.0, max(0.0, share))

    def holds(self, ratio: float) -> bool:
        """Whether a ratio lies on the axis."""
        return self.low <= ratio <= self.high

    def ticks(self, most: int) -> tuple[tuple[float, str], ...]:
        """Round ratios on the axis: where, and how to write them."""
        if self.high / self.low > 6:
            values = [10.0**power * part for power in range(-4, 5) for part in (1, 2, 5)]
        else:
            from matplotlib.ticker import MaxNLocator

            locator = MaxNLocator(nbins=most, steps=[1, 2, 5, 10])
            values = [float(value) for value in locator.tick_values(self.low, self.high)]
        inside = [value for value in values if value > 0 and self.holds(value)]
        step = max(1, math.ceil(len(inside) / (most + 1)))
        first = inside.index(1.0) % step if 1.0 in inside else 0
        return tuple((self.at(value), f"{value:.6g}") for value in inside[first::step])


def height_of(scale: Scale, ratio: float) -> float:
    """How far below the top of a panel or lane a ratio lies, from 0 to 1: up is slower."""
    return 1 - INSET - (1 - 2 * INSET) * scale.at(ratio)


def scale_of(rows: Iterable[ReportRow], margins: tuple[float, float]) -> Scale:
    """An axis for all ratios, nearly all intervals, 1 and the margin."""
    rows = tuple(rows)
    needed = [*(row.ratio for row in rows), margins[0] ** 2, margins[1] ** 2]
    lows = sorted((row.low for row in rows if row.low is not None), reverse=True)
    highs = sorted(row.high for row in rows if row.high is not None)
    whole = scale_over([*needed, *lows, *highs])
    for bounds in (lows, highs):
        if bounds:
            needed.append(bounds[math.ceil((len(bounds) - 1) * _PART)])
    close = scale_over(needed)
    return whole if whole.length <= _WORTH * close.length else close


def scale_over(ratios: Iterable[float]) -> Scale:
    """An axis for all of these, with some air at its ends."""
    ratios = tuple(ratios)
    low, high = min(ratios), max(ratios)
    air = (high / low) ** _AIR
    return Scale(low=low / air, high=high * air)


def row_scale(row: ReportRow, margins: tuple[float, float]) -> Scale:
    """An axis for one benchmark's blocks: all of them, its interval, a margin around its ratio."""
    needed = [row.ratio * margins[0], row.ratio * margins[1]]
    needed += [point.ratio for point in row.points]
    needed += [bound for bound in (row.low95, row.high95) if bound is not None]
    return scale_over(needed)
