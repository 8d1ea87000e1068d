"""The logarithmic axes of the charts: from ratios to shares of a drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.report.model import ReportRow

# The padding at each end, as a share of the axis.
_PADDING = 0.04
# This share of the interval ends is always on the axis. The others may extend beyond it when they
# would make it longer by more than this factor, and so all intervals too short to read.
_ALWAYS_SHOWN = 0.9
_LONGEST = 1.5
# The padding at the top and bottom of a panel or lane, so that no dot is cut off.
INSET = 0.06


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Ratios from `low` to `high` on a logarithmic axis, as shares of its length."""

    low: float
    high: float

    @property
    def length(self) -> float:
        """The logarithm of `high` / `low`."""
        return math.log(self.high / self.low)

    def at(self, ratio: float) -> float:
        """The position of a ratio, from 0 to 1; ratios beyond an end are moved to that end."""
        share = math.log(ratio / self.low) / self.length
        return min(1.0, max(0.0, share))

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is on the axis."""
        return self.low <= ratio <= self.high

    def ticks(self, most: int) -> tuple[tuple[float, str], ...]:
        """Round ratios on the axis, about `most` of them, as pairs of position and label."""
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
    """The distance of a ratio from the top of a panel or lane, from 0 to 1: slower is higher."""
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
            needed.append(bounds[math.ceil((len(bounds) - 1) * _ALWAYS_SHOWN)])
    close = scale_over(needed)
    return whole if whole.length <= _LONGEST * close.length else close


def scale_over(ratios: Iterable[float]) -> Scale:
    """An axis for all of these ratios, with padding at its ends."""
    ratios = tuple(ratios)
    low, high = min(ratios), max(ratios)
    padding = (high / low) ** _PADDING
    return Scale(low=low / padding, high=high * padding)


def row_scale(row: ReportRow, margins: tuple[float, float]) -> Scale:
    """An axis for all blocks of a benchmark, its interval, and the margin around its ratio."""
    needed = [row.ratio * margins[0], row.ratio * margins[1]]
    needed += [point.ratio for point in row.points]
    needed += [bound for bound in (row.low95, row.high95) if bound is not None]
    return scale_over(needed)
