"""The session's chart: the drift of the base's times, and the spread of the ratios."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.report.charts.drawing import Pen, cross
from bench.report.charts.scale import Scale, height_of
from bench.report.model import BlockPoint, Candidate, ReportRow, View

# With more blocks than this, a dot is the median of several blocks.
LONG = 600
COLUMNS = LONG // 3


@dataclass(frozen=True, kw_only=True)
class SessionLane:
    """One lane of the chart; a point is (order of the block, relative value, is disturbed)."""

    title: str
    kind: str
    points: tuple[tuple[int, float, bool], ...]


def lanes_of(view: View) -> tuple[SessionLane, ...]:
    """The base's times over their median, then each candidate's ratios over their mean."""
    drift: dict[int, tuple[float, bool]] = {}
    ratios = []
    for candidate in view.candidates:
        points = [(row, point) for row in candidate.rows for point in row.points]
        drift |= {point.order: (point.drift, bool(point.disturbed)) for _, point in points}
        if points:
            ratios.append(_lane(candidate, points))
    if not drift:
        return ()
    own = tuple((order, *drift[order]) for order in sorted(drift))
    return SessionLane(title=view.base.name, kind="drift", points=own), *ratios


def _lane(candidate: Candidate, points: Iterable[tuple[ReportRow, BlockPoint]]) -> SessionLane:
    values = [(at.order, at.ratio / row.ratio, bool(at.disturbed)) for row, at in points]
    return SessionLane(title=candidate.arm.name, kind="ratio", points=tuple(sorted(values)))


def lane_scale(lanes: Iterable[SessionLane]) -> Scale:
    """One symmetrical axis for all lanes; it contains 99% of the values."""
    sizes = sorted(abs(math.log(value)) for lane in lanes for _, value, _ in lane.points)
    reach = math.exp(max(0.02, sizes[int((len(sizes) - 1) * 0.99)]) * 1.25)
    return Scale(low=1 / reach, high=reach)


def draw_lane(pen: Pen, lane: SessionLane, scale: Scale, blocks: int, top: float) -> None:
    """Draw one lane, 1 high: a dot for each block. Crosses are disturbed blocks.

    In a long session a dot is the median of a column of blocks, and a line its middle 80%.
    """
    pen.draw("one", [(0, top + 0.5), (1, top + 0.5)])
    for order, value, disturbed in lane.points:
        if disturbed:
            place = (order + 0.5) / blocks, top + height_of(scale, value)
            pen.draw("cross", *cross(*place, 0.004, 0.05))
    for values, x in _lane_columns(lane, blocks):
        median, (low, high) = values[len(values) // 2], _middle(values)
        if low != high:
            low_y, high_y = (top + height_of(scale, value) for value in (low, high))
            pen.draw("range", [(x, low_y), (x, high_y)])
        pen.dots("dot", [(x, top + height_of(scale, median))])


def _lane_columns(lane: SessionLane, blocks: int) -> Iterable[tuple[list[float], float]]:
    """The undisturbed values of each column in rising order, and the column's x."""
    columns = blocks if len(lane.points) <= LONG else COLUMNS
    by_column: dict[int, list[float]] = {}
    for order, value, disturbed in lane.points:
        if not disturbed:
            by_column.setdefault(order * columns // blocks, []).append(value)
    for column, values in by_column.items():
        yield sorted(values), (column + 0.5) / columns


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """The ends of the middle 80% of rising values."""
    cut = len(values) // 10
    return values[cut], values[-1 - cut]


def spread(lane: SessionLane) -> float:
    """The spread of a lane: the standard deviation of the logarithms of its values."""
    logs = [math.log(value) for _, value, _ in lane.points]
    mean = sum(logs) / len(logs)
    return math.sqrt(sum((log - mean) ** 2 for log in logs) / max(1, len(logs) - 1))
