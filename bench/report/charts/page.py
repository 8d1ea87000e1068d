"""Charts as pieces of a page: a candidate's charts are drawn in one figure, then cut into rows.

Each row of the table contains its own piece, so that sorting and filtering rows also sorts and
filters the chart. A piece has only geometry: colours come from the page's style sheet (dark, light,
print), and labels are text of the page, readable at any width.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.charts import drawing, session
from bench.report.charts import scale as charts_scale
from bench.report.charts.drawing import Pen, Stroke, Style
from bench.report.charts.scale import Scale
from bench.report.charts.session import SessionLane
from bench.report.model import Candidate, ReportRow, View

if TYPE_CHECKING:
    from xml.etree import ElementTree

WIDTH = 1000
ROW = 24
PANEL = 120
LANE = 72
# matplotlib draws 72 points an inch, and SVG counts in points.
_POINTS = 72
_STEP = re.compile(r"([ML]) (\S+) (\S+)|z")

Ticks = tuple[tuple[str, str], ...]
DrawPanel = Callable[[Pen, ReportRow, Scale, tuple[float, float], float], None]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One drawing, WIDTH x `height`: marks with SVG paths; ticks are (percentage, label)."""

    height: int
    marks: tuple[tuple[str, str], ...]
    across: Ticks = ()
    upward: Ticks = ()


@dataclass(frozen=True, kw_only=True)
class RowCharts:
    """The pieces of one comparison; `blocks` and `distribution` are None without blocks."""

    row: ReportRow
    ratio: Piece
    blocks: Piece | None = None
    distribution: Piece | None = None


@dataclass(frozen=True, kw_only=True)
class CandidateCharts:
    """The pieces of a candidate. `frame` is the background of every row's ratio."""

    frame: Piece
    suites: tuple[RowCharts, ...]
    rows: tuple[RowCharts, ...]


@dataclass(frozen=True, kw_only=True)
class LaneChart:
    """A lane of the session's chart; `spread` is a share, 0.05 for 5%."""

    lane: SessionLane
    piece: Piece
    spread: float


def candidate_charts(candidate: Candidate, margins: tuple[float, float]) -> CandidateCharts:
    """The charts of a candidate."""
    rows = [*candidate.suites, *candidate.rows]
    frame, ratios = ratio_pieces(rows, margins)
    with_points = [row for row in candidate.rows if row.points]
    scales = [charts_scale.row_scale(row, margins) for row in with_points]

    def panels_of(draw: DrawPanel) -> tuple[Piece, ...]:
        return _cut(
            len(with_points),
            PANEL,
            lambda pen, at: draw(pen, with_points[at], scales[at], margins, at),
        )

    blocks, stacks = panels_of(drawing.draw_blocks), panels_of(drawing.draw_distribution)
    panels = {
        row.name: (_upward(piece, scale), stack)
        for row, scale, piece, stack in zip(with_points, scales, blocks, stacks, strict=True)
    }
    charts = [_row_charts(row, ratio, panels) for row, ratio in zip(rows, ratios, strict=True)]
    count = len(candidate.suites)
    return CandidateCharts(frame=frame, suites=tuple(charts[:count]), rows=tuple(charts[count:]))


def _row_charts(row: ReportRow, ratio: Piece, panels: dict[str, tuple[Piece, Piece]]) -> RowCharts:
    if not row.points:
        return RowCharts(row=row, ratio=ratio)
    blocks, distribution = panels[row.name]
    return RowCharts(row=row, ratio=ratio, blocks=blocks, distribution=distribution)


def ratio_pieces(
    rows: Sequence[ReportRow], margins: tuple[float, float]
) -> tuple[Piece, tuple[Piece, ...]]:
    """The frame, with the ticks of the axis, and one piece for each row."""
    scale = charts_scale.scale_of(rows, margins)
    (frame,) = _cut(1, ROW, lambda pen, _: drawing.draw_frame(pen, scale, margins, 1))
    pieces = _cut(
        len(rows), ROW, lambda pen, index: drawing.draw_row(pen, rows[index], scale, index)
    )
    across = percents(scale.ticks(6))
    return Piece(height=ROW, marks=frame.marks, across=across), pieces


def lane_charts(view: View) -> tuple[LaneChart, ...]:
    """The session's chart: the drift of the base's times, and the spread of the ratios."""
    lanes = session.lanes_of(view)
    if not lanes:
        return ()
    scale = session.lane_scale(lanes)
    pieces = _cut(
        len(lanes),
        LANE,
        lambda pen, index: session.draw_lane(pen, lanes[index], scale, view.blocks, index),
    )
    return tuple(
        LaneChart(lane=lane, piece=_with_shares(piece, scale), spread=session.spread(lane))
        for lane, piece in zip(lanes, pieces, strict=True)
    )


def _upward(piece: Piece, scale: Scale) -> Piece:
    ticks = [(charts_scale.height_of(scale, float(label)), label) for _, label in scale.ticks(3)]
    return Piece(height=piece.height, marks=piece.marks, upward=percents(ticks))


def _with_shares(piece: Piece, scale: Scale) -> Piece:
    """A piece with ticks that are changes in percent."""
    values = [float(label) for _, label in scale.ticks(3)]
    ticks = [(charts_scale.height_of(scale, value), share(value)) for value in values]
    return Piece(height=piece.height, marks=piece.marks, upward=percents(ticks))


def share(ratio: float) -> str:
    """A ratio as a change: 1.1 is +10%."""
    return f"{(ratio - 1) * 100:+.3g}%" if ratio != 1 else "0"


def percents(ticks: Iterable[tuple[float, str]]) -> Ticks:
    """Ticks at shares of the length, as CSS percentages."""
    return tuple((f"{place * 100:.2f}%", label) for place, label in ticks)


# -- matplotlib to pieces -----------------------------------------------------------------------


def _cut(count: int, height: int, draw: Callable[[Pen, int], None]) -> tuple[Piece, ...]:
    """Draw `count` rows below each other and return a piece, `height` high, for each."""
    if not count:
        return ()
    from xml.etree import ElementTree

    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    strokes: list[Stroke] = []
    for row in range(count):
        draw(Pen(strokes=strokes, row=row), row)
    with drawing.default_settings():
        figure = Figure(figsize=(WIDTH / _POINTS, count * height / _POINTS), dpi=_POINTS)
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        axes.set_xlim(0, 1)
        axes.set_ylim(count, 0)
        painted = drawing.paint(axes, strokes, lambda _: Style())
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True)
    paths: list[dict[str, list[str]]] = [{} for _ in range(count)]
    for group in ElementTree.fromstring(stream.getvalue()).iter("{http://www.w3.org/2000/svg}g"):
        if group.get("id") not in painted:
            continue  # the background and the axes
        owners = painted[group.get("id", "")]
        for owner, steps in zip(owners, _lines(_path(group)), strict=True):
            marks = paths[owner.row]
            marks.setdefault(owner.mark, []).append(_short(steps, owner.row * height))
    return tuple(
        Piece(height=height, marks=tuple((mark, "".join(d)) for mark, d in marks.items()))
        for marks in paths
    )


def _path(group: ElementTree.Element) -> str:
    return "".join(path.get("d", "") for path in group)


def _lines(path: str) -> Iterator[list[tuple[str, int, int]]]:
    """The lines of an SVG path, each as steps with coordinates rounded to integers."""
    steps: list[tuple[str, int, int]] = []
    for step, x, y in _STEP.findall(path):
        if step == "M" and steps:
            yield steps
            steps = []
        steps.append((step or "z", round(float(x or 0)), round(float(y or 0))))
    if steps:
        yield steps


def _short(steps: Sequence[tuple[str, int, int]], top: int) -> str:
    """One line in SVG's shortest commands, moved up by `top`."""
    (_, left, first), *rest = steps
    if rest[-1][0] == "z" and rest[-2][1:] == (left, first):
        del rest[-2]  # z draws this line anyway
    commands = [f"M{left} {first - top}"]
    x, y = left, first
    for step, to_x, to_y in rest:
        if step == "z":
            commands.append("z")
        elif to_y == y:
            commands.append(f"H{to_x}" if to_x != x else "h0")
        elif to_x == x:
            commands.append(f"V{to_y - top}")
        else:
            commands.append(f"L{to_x} {to_y - top}")
        x, y = to_x, to_y
    return "".join(commands)
