"""Draw the charts of a report with matplotlib; the page and the files share this module.

x is a share of the width, 0 to 1; y counts rows downwards from 0, each 1 high. Every mark consists
of straight lines; a dot is a line of no length with round ends. So a drawing can be stretched to
any width: lines keep their width and dots stay round (see `bench.report.charts.page`).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.report.charts.scale import INSET, Scale, height_of
from bench.report.model import BlockPoint, ReportRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

Line = Sequence[tuple[float, float]]

_MOST_COLUMNS = 6
_BINS = 15
_ROUND = frozenset({"dot", "hole"})
# The length of a dot: in PNG, a line of length 0 is not drawn. Rounding in a page removes it.
_NOTHING = 1e-5


# -- drawing ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """A line through points, or the area inside it, and the row and verdict that it belongs to."""

    mark: str
    row: int
    verdict: str
    line: Line
    closed: bool = False


@dataclass(frozen=True, kw_only=True)
class Style:
    """The style of a mark in a file; the page has a style sheet."""

    colour: str = "black"
    width: float = 1.0
    filled: bool = False
    order: int = 1
    dashes: str = "solid"


@dataclass(frozen=True, kw_only=True)
class Pen:
    """Appends the strokes of one row to `strokes`."""

    strokes: list[Stroke]
    row: int = 0
    verdict: str = ""

    def draw(self, mark: str, *lines: Line, closed: bool = False) -> None:
        """Add lines through points; with `closed`, the areas that they enclose."""
        for line in lines:
            self.strokes.append(
                Stroke(mark=mark, row=self.row, verdict=self.verdict, line=line, closed=closed)
            )

    def dots(self, mark: str, places: Iterable[tuple[float, float]]) -> None:
        """Add a dot at each place."""
        self.draw(mark, *([(x, y), (x + _NOTHING, y)] for x, y in places))

    def box(self, mark: str, left: float, right: float, top: float, bottom: float) -> None:
        """Add a filled rectangle."""
        self.draw(mark, [(left, top), (right, top), (right, bottom), (left, bottom)], closed=True)


@contextlib.contextmanager
def default_settings() -> Iterator[None]:
    """Draw with matplotlib's defaults, whatever the user's matplotlibrc sets."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        yield


def paint(
    axes: Axes, strokes: Iterable[Stroke], style_of: Callable[[Stroke], Style]
) -> dict[str, list[Stroke]]:
    """Draw strokes onto axes; return the strokes of each path, in order, by the path's id.

    All strokes of one mark and style are one path, because matplotlib's time depends on the number
    of artists.
    """
    from matplotlib.patches import PathPatch

    groups: dict[tuple[str, Style], list[Stroke]] = {}
    for stroke in strokes:
        groups.setdefault((stroke.mark, style_of(stroke)), []).append(stroke)
    painted = {}
    for number, ((mark, style), group) in enumerate(groups.items()):
        patch = PathPatch(
            _path(group),
            fill=style.filled,
            edgecolor="none" if style.filled else style.colour,
            facecolor=style.colour,
            linewidth=style.width,
            linestyle=style.dashes,
            zorder=style.order,
            capstyle="round" if mark in _ROUND else "butt",
            clip_on=False,
            snap=False,  # snapping would move both ends of a dot to one pixel: no dot
            gid=f"stroke-{number}",
        )
        axes.add_artist(patch)
        painted[f"stroke-{number}"] = group
    return painted


def _path(strokes: Iterable[Stroke]) -> Path:
    from matplotlib.path import Path

    vertices: list[tuple[float, float]] = []
    codes: list[Any] = []
    for stroke in strokes:
        vertices += stroke.line
        codes += [Path.MOVETO, *[Path.LINETO] * (len(stroke.line) - 1)]
        if stroke.closed:
            vertices.append(stroke.line[0])
            codes.append(Path.CLOSEPOLY)
    path = Path(vertices, codes)
    path.should_simplify = False  # simplifying would remove dots, which have no length
    return path


def draw_frame(pen: Pen, scale: Scale, margins: tuple[float, float], height: float) -> None:
    """Draw the background of a ratio plot: the band of the margin, and the line at ratio 1."""
    pen.box("margin", scale.at(margins[0]), scale.at(margins[1]), 0, height)
    pen.draw("one", [(scale.at(1), 0), (scale.at(1), height)])


def draw_row(pen: Pen, row: ReportRow, scale: Scale, top: float) -> None:
    """Draw one row, 1 high: placebo band, adjusted interval, plain interval, ratio."""
    middle = top + 0.5
    if row.placebo is not None:
        low, high = row.placebo
        pen.box("placebo", scale.at(low), scale.at(high), top + 0.12, top + 0.88)
    for mark, left, right in (("wide", row.low, row.high), ("plain", row.low95, row.high95)):
        if left is not None and right is not None:
            pen.draw(mark, [(scale.at(left), middle), (scale.at(right), middle)])
    pen.draw("off", *_arrows(row, scale, middle))
    pen.dots("dot", [(scale.at(row.ratio), middle)])
    if row.verdict == "undecided":
        pen.dots("hole", [(scale.at(row.ratio), middle)])


def _arrows(row: ReportRow, scale: Scale, middle: float) -> Iterable[Line]:
    """An arrowhead at each end of the axis that the interval extends beyond."""
    for bound, edge, inward in ((row.low, 0.0, 0.012), (row.high, 1.0, -0.012)):
        if bound is not None and not scale.holds(bound):
            tip = (edge, middle)
            yield [(edge + inward, middle - 0.2), tip, (edge + inward, middle + 0.2)]


def draw_blocks(
    pen: Pen, row: ReportRow, scale: Scale, margins: tuple[float, float], top: float
) -> None:
    """Draw a benchmark's blocks in the order measured, 1 high: up is slower, crosses disturbed."""
    _draw_levels(pen, row, scale, margins, top)
    count = max(1, len(row.points))
    places = {
        point: ((index + 0.5) / count, top + height_of(scale, point.ratio))
        for index, point in enumerate(row.points)
    }
    pen.dots("dot", (places[point] for point in row.points if not point.disturbed))
    for point in row.points:
        if point.disturbed:
            pen.draw("cross", *cross(*places[point], 0.006, 0.04))


def _draw_levels(
    pen: Pen, row: ReportRow, scale: Scale, margins: tuple[float, float], top: float
) -> None:
    """Draw the levels across a panel: the margin, ratio 1, the ratio and its plain interval."""

    def height(ratio: float) -> float:
        return top + height_of(scale, ratio)

    if margins[1] > scale.low and margins[0] < scale.high:
        pen.box("margin", 0, 1, height(margins[1]), height(margins[0]))
    if row.low95 is not None and row.high95 is not None:
        pen.box("interval", 0, 1, height(row.high95), height(row.low95))
    if scale.holds(1):
        pen.draw("one", [(0, height(1)), (1, height(1))])
    pen.draw("ratio", [(0, height(row.ratio)), (1, height(row.ratio))])


def cross(x: float, y: float, wide: float, high: float) -> tuple[Line, Line]:
    """The two lines of a cross; `wide` and `high` are half its size."""
    return (
        [(x - wide, y - high), (x + wide, y + high)],
        [(x - wide, y + high), (x + wide, y - high)],
    )


def draw_distribution(
    pen: Pen, row: ReportRow, scale: Scale, margins: tuple[float, float], top: float
) -> None:
    """Draw a histogram of a benchmark's blocks, 1 high: a horizontal bar for each range of ratios.

    With several builds each has a column with its mean.
    """
    _draw_levels(pen, row, scale, margins, top)
    columns = _columns(row.points)
    counts = [_counts(points, scale) for points in columns]
    tallest = max((max(column) for column in counts), default=1)
    wide = 1 / max(1, len(columns))
    for index, (points, column) in enumerate(zip(columns, counts, strict=True)):
        left = index * wide
        for place, count in enumerate(column):
            y = top + 1 - INSET - (1 - 2 * INSET) * (place + 0.5) / _BINS
            if count:
                pen.draw("bar", [(left, y), (left + 0.9 * wide * count / tallest, y)])
        if len(columns) > 1:
            y = top + height_of(scale, _mean(points))
            pen.draw("mean", [(left, y), (left + 0.9 * wide, y)])


def _mean(points: Sequence[BlockPoint]) -> float:
    return math.exp(sum(math.log(point.ratio) for point in points) / len(points))


def _columns(points: Sequence[BlockPoint]) -> list[list[BlockPoint]]:
    replicas = sorted({point.replica for point in points})
    if len(replicas) > _MOST_COLUMNS:
        return [list(points)]
    return [[point for point in points if point.replica == replica] for replica in replicas]


def _counts(points: Iterable[BlockPoint], scale: Scale) -> list[int]:
    """The number of blocks in each range of ratios, from the lowest."""
    counts = [0] * _BINS
    for point in points:
        counts[min(_BINS - 1, int(scale.at(point.ratio) * _BINS))] += 1
    return counts
