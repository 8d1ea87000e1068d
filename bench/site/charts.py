"""The charts of a series over the nights, as pieces for a page (`bench.report.charts.page.Piece`).

Written straight as SVG paths: matplotlib would take minutes for all dots of ten years. As in the
reports, geometry is in whole parts of WIDTH x HEIGHT, dots are lines of no length, and colours are
the style sheet's.
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
from bench.site.model import Floats, Mark, Track, Truths, Whole

HEIGHT = 140
# One value of two hundred may lie beyond the axis, where it is drawn at the edge.
_PART = 0.005
# Up to so many nights have large dots, more than so many small ones.
_FEW, _MANY = 60, 1000
_LEAST = timedelta(days=7)
DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class ChartWindow:
    """From when to when a chart goes, in seconds since 1970."""

    first: int
    last: int

    def at(self, moments: Whole) -> Floats:
        """Where moments lie, as shares of the width."""
        return np.asarray((moments - self.first) / (self.last - self.first), dtype=np.float64)


def window_of(first: int, last: int) -> ChartWindow:
    """A window around these moments, not too short, with some air at both ends."""
    length = max(last - first, int(_LEAST.total_seconds()))
    air = max(DAY // 2, length // 100)
    return ChartWindow(first=last - length - air, last=last + air)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing and its axis; of seconds, in those of `unit`."""

    piece: Piece
    scale: Scale


@functools.lru_cache(maxsize=64)
def time_ticks(window: ChartWindow) -> tuple[tuple[str, str], ...]:
    """Round moments: where, and how to write them."""
    ends = (datetime.fromtimestamp(end, UTC) for end in (window.first, window.last))
    from matplotlib import dates as untyped

    dates: Any = untyped  # matplotlib has no types for it
    locator = dates.AutoDateLocator(minticks=3, maxticks=6)
    with warnings.catch_warnings():
        # Where nothing fits well, its largest step is good enough, and no news to a user.
        warnings.simplefilter("ignore")
        moments = [dates.num2date(value, UTC) for value in locator.tick_values(*ends)]
    form = "%Y-%m-%d"
    if all(one.day == 1 for one in moments):
        form = "%Y" if all(one.month == 1 for one in moments) else "%Y-%m"
    places = window.at(np.array([int(one.timestamp()) for one in moments], dtype=np.int64))
    # A label in the middle of its tick reaches over the edge where that is too near.
    inside = [
        (float(place), f"{one:{form}}")
        for place, one in zip(places, moments, strict=True)
        if 0.03 <= place <= 0.97
    ]
    return percents(inside)


def chart(track: Track, window: ChartWindow, *, seconds: bool = False) -> Chart | None:
    """The ratio against the release, or the seconds, of the nights in a window; None without any.

    Up is slower. A line over each column of the drawing is the plain interval, or, of seconds, one
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
    """By what seconds are multiplied to be read well, and what that is called."""
    known = track.seconds[np.isfinite(track.seconds)]
    middle = float(np.median(known)) if len(known) else 1.0
    scales = ((1.0, "s"), (1e3, "ms"), (1e6, "\N{MICRO SIGN}s"))
    return next((one for one in scales if middle * one[0] >= 1), (1e9, "ns"))


def _scale(values: Floats, band: tuple[Floats, Floats] | None) -> Scale:
    """An axis for nearly all values, and for 1 and the intervals where that costs little."""
    low, high = (float(np.quantile(values, part)) for part in (_PART, 1 - _PART))
    if band is not None:
        bounds = [one[np.isfinite(one)] for one in band]
        ends = [float(np.median(one)) for one in bounds if len(one)]
        low, high = min(low, *ends, high), max(high, *ends, low)
        if low / 1.05 <= 1 <= high * 1.05:
            low, high = min(low, 1.0), max(high, 1.0)
    least = 1.002
    if high < low * least**2:
        middle = math.sqrt(low * high)
        low, high = middle / least, middle * least
    return scale_over((low, high))


def _down(values: Floats, scale: Scale) -> Whole:
    """How far from the top values are: `height_of` of many at once."""
    share = np.clip(np.log(values / scale.low) / scale.length, 0, 1)
    top, bottom = height_of(scale, scale.high), height_of(scale, scale.low)
    return np.rint(HEIGHT * (bottom + (top - bottom) * share)).astype(np.int64)


def _dot_class(nights: int) -> str:
    if nights > _MANY:
        return "dot many"
    return "dot few" if nights <= _FEW else "dot"


def _dots(x: Whole, y: Whole) -> str:
    """A dot at each place, once, each said by how far it is from the one before."""
    places = np.unique(x * (HEIGHT + 1) + y)
    x, y = np.divmod(places, HEIGHT + 1)
    right, down = np.diff(x, prepend=0).tolist(), np.diff(y, prepend=0).tolist()
    return "".join(f"m{a} {b}h0" for a, b in zip(right, down, strict=True))


def _ranges(x: Whole, low: Floats, high: Floats, scale: Scale) -> str:
    """A line over each column from the lowest to the highest bound of its nights."""
    known = np.isfinite(low) & np.isfinite(high) & (low > 0)
    if not known.any():
        return ""
    columns, first = np.unique(x[known], return_index=True)
    bottom = np.maximum.reduceat(_down(low[known], scale), first)
    top = np.minimum.reduceat(_down(high[known], scale), first)
    ends = zip(columns.tolist(), bottom.tolist(), top.tolist(), strict=True)
    return "".join(f"M{at} {one}V{other}" for at, one, other in ends)


def _behind(
    track: Track, window: ChartWindow, scale: Scale, *, seconds: bool
) -> Iterator[tuple[str, str]]:
    """The line of no change, and where an epoch or a release begins."""
    if not seconds and scale.holds(1):
        yield "one", f"M0 {round(HEIGHT * height_of(scale, 1))}H{WIDTH}"
    firsts = np.flatnonzero(np.diff(track.runs)) + 1
    places = window.at(track.moments[firsts])
    inside = [round(WIDTH * place) for place in places.tolist() if 0 <= place <= 1]
    yield "epoch", "".join(f"M{place} 0V{HEIGHT}" for place in inside)


def _levels(
    track: Track, values: Floats, x: Whole, inside: Truths, scale: Scale
) -> Iterator[tuple[str, str]]:
    """The median between one change, epoch or release and the next."""
    firsts = {0, *(np.flatnonzero(np.diff(track.runs)) + 1).tolist()}
    firsts |= {mark.start for mark in track.marks if mark.is_news}
    edges = [*sorted(firsts), len(values)]
    words = []
    for first, last in pairwise(edges):
        own = np.flatnonzero(inside[first:last]) + first
        if len(own):
            level = float(np.median(values[own]))
            down = round(HEIGHT * height_of(scale, level))
            words.append(f"M{x[own[0]]} {down}H{x[own[-1]]}")
    yield "level", "".join(words)


def _changes(track: Track, window: ChartWindow, x: Whole) -> Iterator[tuple[str, str]]:
    """A line where each new level begins."""
    by_kind: dict[str, list[Mark]] = {}
    for mark in track.marks:
        if window.first <= track.moments[mark.start] <= window.last:
            kind = mark.kind if mark.is_news else "dismissed"
            by_kind.setdefault(kind, []).append(mark)
    for kind, marks in by_kind.items():
        yield f"turn {kind}", "".join(f"M{x[mark.start]} 0V{HEIGHT}" for mark in marks)
