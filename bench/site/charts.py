"""The charts of a series over the nights, as pieces for a page (`bench.report.charts.page.Piece`).

Written directly as SVG paths: matplotlib would take minutes for all dots of ten years. As in the
reports, coordinates are integers in WIDTH x HEIGHT, dots are lines of zero length, and the style
sheet sets the colours.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from bench.report.charts import WIDTH, Piece, Scale, height_of, percents, scale_over
from bench.site.model import Booleans, Floats, Integers, Mark, Track

HEIGHT = 140
# One value in two hundred at either end may lie beyond the axis; it is drawn at the edge.
_PART = 0.005
# Up to _FEW nights are drawn with large dots, more than _MANY with small ones.
_FEW, _MANY = 60, 1000
_LEAST = timedelta(days=7)
DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class ChartWindow:
    """The period that a chart shows, in seconds since 1970."""

    first: int
    last: int

    def at(self, moments: Integers) -> Floats:
        """The positions of moments, as fractions of the width."""
        return np.asarray((moments - self.first) / (self.last - self.first), dtype=np.float64)


def window_of(first: int, last: int) -> ChartWindow:
    """A window around these moments: a week at least, with a margin at both ends."""
    length = max(last - first, int(_LEAST.total_seconds()))
    margin = max(DAY // 2, length // 100)
    return ChartWindow(first=last - length - margin, last=last + margin)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing and its vertical axis; times are in the unit that `unit` gives."""

    piece: Piece
    scale: Scale


@functools.lru_cache(maxsize=64)
def time_ticks(window: ChartWindow) -> tuple[tuple[str, str], ...]:
    """Ticks of the time axis at round dates: (position, label)."""
    ends = (datetime.fromtimestamp(end, UTC) for end in (window.first, window.last))
    from matplotlib import dates as untyped_dates

    dates: Any = untyped_dates  # matplotlib has no types for it
    locator = dates.AutoDateLocator(minticks=3, maxticks=6)
    with warnings.catch_warnings():
        # Where no step fits well it uses its largest one, which is good enough: no warning.
        warnings.simplefilter("ignore")
        moments = [dates.num2date(value, UTC) for value in locator.tick_values(*ends)]
    form = "%Y-%m-%d"
    if all(moment.day == 1 for moment in moments):
        form = "%Y" if all(moment.month == 1 for moment in moments) else "%Y-%m"
    places = window.at(np.array([int(moment.timestamp()) for moment in moments], dtype=np.int64))
    # A label is centred on its tick: near an edge it would be cut off.
    inside = [
        (float(place), f"{moment:{form}}")
        for place, moment in zip(places, moments, strict=True)
        if 0.03 <= place <= 0.97
    ]
    return percents(inside)


def chart(track: Track, window: ChartWindow, *, seconds: bool = False) -> Chart | None:
    """Draw the ratio against the release, or the seconds, of the nights in a window; None if none.

    Up is slower. The vertical line of each column is the plain interval, or, for seconds, one
    standard deviation to either side.
    """
    values, low, high = _bounds(track, seconds=seconds)
    inside = (track.moments >= window.first) & (track.moments <= window.last) & np.isfinite(values)
    if not inside.any():
        return None
    scale = _scale(values[inside], band=None if seconds else (low[inside], high[inside]))
    x = np.rint(window.at(track.moments) * WIDTH).astype(np.int64)
    marks = (
        *_behind(track, window, scale, seconds=seconds),
        ("range", _ranges(x[inside], low[inside], high[inside], scale)),
        (
            _dot_class(int(inside.sum())),
            _dots(x[inside], _down(values[inside], scale)),
        ),
        *_levels(track, values, x, inside, scale),
        *_changes(track, window, x),
    )
    upward = [(height_of(scale, float(label)), label) for _, label in scale.ticks(4)]
    piece = Piece(
        height=HEIGHT,
        marks=tuple((name, path) for name, path in marks if path),
        across=time_ticks(window),
        upward=percents(upward),
    )
    return Chart(piece=piece, scale=scale)


def _bounds(track: Track, *, seconds: bool) -> tuple[Floats, Floats, Floats]:
    if not seconds:
        return track.ratio, track.low, track.high
    shown = track.seconds * unit(track)[0]
    return shown, shown * (1 - track.rsd), shown * (1 + track.rsd)


def unit(track: Track) -> tuple[float, str]:
    """The factor for seconds and the name of the unit that suit the track's median."""
    finite = track.seconds[np.isfinite(track.seconds)]
    middle = float(np.median(finite)) if len(finite) else 1.0
    scales = ((1.0, "s"), (1e3, "ms"), (1e6, "\N{MICRO SIGN}s"))
    return next((scale for scale in scales if middle * scale[0] >= 1), (1e9, "ns"))


def _scale(values: Floats, band: tuple[Floats, Floats] | None) -> Scale:
    """An axis over nearly all values; extended to 1 and the typical interval if these are near."""
    low, high = (float(np.quantile(values, part)) for part in (_PART, 1 - _PART))
    if band is not None:
        bounds = [bound[np.isfinite(bound)] for bound in band]
        ends = [float(np.median(bound)) for bound in bounds if len(bound)]
        low, high = min(low, *ends, high), max(high, *ends, low)
        if low / 1.05 <= 1 <= high * 1.05:
            low, high = min(low, 1.0), max(high, 1.0)
    least = 1.002
    if high < low * least**2:
        middle = math.sqrt(low * high)
        low, high = middle / least, middle * least
    return scale_over((low, high))


def _down(values: Floats, scale: Scale) -> Integers:
    """The distances of values from the top: `height_of` for an array."""
    share = np.clip(np.log(values / scale.low) / scale.length, 0, 1)
    top, bottom = height_of(scale, scale.high), height_of(scale, scale.low)
    return np.rint(HEIGHT * (bottom + (top - bottom) * share)).astype(np.int64)


def _dot_class(nights: int) -> str:
    if nights > _MANY:
        return "dot many"
    return "dot few" if nights <= _FEW else "dot"


def _dots(x: Integers, y: Integers) -> str:
    """A path with one dot at each distinct position, by relative moves."""
    positions = np.unique(x * (HEIGHT + 1) + y)
    x, y = np.divmod(positions, HEIGHT + 1)
    right, down = np.diff(x, prepend=0).tolist(), np.diff(y, prepend=0).tolist()
    return "".join(f"m{a} {b}h0" for a, b in zip(right, down, strict=True))


def _ranges(x: Integers, low: Floats, high: Floats, scale: Scale) -> str:
    """A vertical line in each column from the lowest to the highest bound of its nights."""
    finite = np.isfinite(low) & np.isfinite(high) & (low > 0)
    if not finite.any():
        return ""
    columns, first = np.unique(x[finite], return_index=True)
    bottom = np.maximum.reduceat(_down(low[finite], scale), first)
    top = np.minimum.reduceat(_down(high[finite], scale), first)
    ends = zip(columns.tolist(), bottom.tolist(), top.tolist(), strict=True)
    return "".join(f"M{at} {start}V{end}" for at, start, end in ends)


def _behind(
    track: Track, window: ChartWindow, scale: Scale, *, seconds: bool
) -> Iterator[tuple[str, str]]:
    """The lines behind the dots: ratio 1, and the start of each epoch or release."""
    if not seconds and scale.holds(1):
        yield "one", f"M0 {round(HEIGHT * height_of(scale, 1))}H{WIDTH}"
    firsts = np.flatnonzero(np.diff(track.segments)) + 1
    places = window.at(track.moments[firsts])
    inside = [round(WIDTH * place) for place in places.tolist() if 0 <= place <= 1]
    yield "epoch", "".join(f"M{place} 0V{HEIGHT}" for place in inside)


def _levels(
    track: Track, values: Floats, x: Integers, inside: Booleans, scale: Scale
) -> Iterator[tuple[str, str]]:
    """The median level between one change, epoch or release and the next."""
    firsts = {0, *(np.flatnonzero(np.diff(track.segments)) + 1).tolist()}
    firsts |= {mark.start for mark in track.marks if mark.is_news}
    edges = [*sorted(firsts), len(values)]
    lines = []
    for first, last in pairwise(edges):
        nights = np.flatnonzero(inside[first:last]) + first
        if len(nights):
            level = float(np.median(values[nights]))
            down = round(HEIGHT * height_of(scale, level))
            lines.append(f"M{x[nights[0]]} {down}H{x[nights[-1]]}")
    yield "level", "".join(lines)


def _changes(track: Track, window: ChartWindow, x: Integers) -> Iterator[tuple[str, str]]:
    """A vertical line at the start of each new level."""
    by_kind: dict[str, list[Mark]] = {}
    for mark in track.marks:
        if window.first <= track.moments[mark.start] <= window.last:
            kind = mark.kind if mark.is_news else "dismissed"
            by_kind.setdefault(kind, []).append(mark)
    for kind, marks in by_kind.items():
        yield f"turn {kind}", "".join(f"M{x[mark.start]} 0V{HEIGHT}" for mark in marks)
