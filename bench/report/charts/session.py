"""The session's chart: how the host wandered, and how little of it reached the ratios."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.report.charts.drawing import Pen, cross
from bench.report.charts.scale import Scale, height_of
from bench.report.model import BlockPoint, Candidate, ReportRow, View

# More blocks than this are too many for a dot each.
LONG = 600
COLUMNS = LONG // 3


@dataclass(frozen=True, kw_only=True)
class SessionLane:
    """One lane of the session's chart: relative values over the order of blocks."""

    title: str
    kind: str
    points: tuple[tuple[int, float, bool], ...]


def lanes_of(view: View) -> tuple[SessionLane, ...]:
    """The base's own time over its median, then each candidate's ratio over its mean."""
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
    moved = [(one.order, one.ratio / row.ratio, bool(one.disturbed)) for row, one in points]
    return SessionLane(title=candidate.arm.name, kind="ratio", points=tuple(sorted(moved)))


def lane_scale(lanes: Iterable[SessionLane]) -> Scale:
    """One symmetrical axis for all lanes; one value of a hundred may lie beyond it."""
    sizes = sorted(abs(math.log(value)) for lane in lanes for _, value, _ in lane.points)
    reach = math.exp(max(0.02, sizes[int((len(sizes) - 1) * 0.99)]) * 1.25)
    return Scale(low=1 / reach, high=reach)


def draw_lane(pen: Pen, lane: SessionLane, scale: Scale, blocks: int, top: float) -> None:
    """One lane, 1 high: a dot for each block; in a long session, one for each column of blocks, and
    a line over the middle 80% of the column. Crosses are disturbed blocks.
    """
    pen.draw("one", [(0, top + 0.5), (1, top + 0.5)])
    for order, value, disturbed in lane.points:
        if disturbed:
            place = (order + 0.5) / blocks, top + height_of(scale, value)
            pen.draw("cross", *cross(*place, 0.004, 0.05))
    for values, x in _lane_columns(lane, blocks):
        middle, (low, high) = values[len(values) // 2], _most_of(values)
        if low != high:
            low_y, high_y = (top + height_of(scale, value) for value in (low, high))
            pen.draw("range", [(x, low_y), (x, high_y)])
        pen.dots("dot", [(x, top + height_of(scale, middle))])


def _lane_columns(lane: SessionLane, blocks: int) -> Iterable[tuple[list[float], float]]:
    """The undisturbed values of each column in rising order, and where the column is."""
    columns = blocks if len(lane.points) <= LONG else COLUMNS
    found: dict[int, list[float]] = {}
    for order, value, disturbed in lane.points:
        if not disturbed:
            found.setdefault(order * columns // blocks, []).append(value)
    for column, values in found.items():
        yield sorted(values), (column + 0.5) / columns


def _most_of(values: Sequence[float]) -> tuple[float, float]:
    """The middle 80% of rising values."""
    cut = len(values) // 10
    return values[cut], values[-1 - cut]


def spread(lane: SessionLane) -> float:
    """How far a lane's values lie from 1 on average: the standard deviation of their logarithms."""
    logs = [math.log(value) for _, value, _ in lane.points]
    mean = sum(logs) / len(logs)
    return math.sqrt(sum((one - mean) ** 2 for one in logs) / max(1, len(logs) - 1))
