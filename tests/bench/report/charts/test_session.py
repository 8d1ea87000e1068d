from __future__ import annotations

import math

import pytest

from bench.report.charts import session
from bench.report.charts.drawing import Pen, Stroke
from bench.report.charts.session import SessionLane


def test_a_long_session_is_drawn_in_columns() -> None:
    points = tuple((number, 1.0 + number % 10 / 100, False) for number in range(2 * session.LONG))
    strokes: list[Stroke] = []
    lane = SessionLane(title="base", kind="drift", points=points)
    scale = session.lane_scale([lane])
    session.draw_lane(Pen(strokes=strokes), lane, scale, len(points), 0)
    dots = [stroke for stroke in strokes if stroke.mark == "dot"]
    assert len(dots) == session.COLUMNS
    assert len([stroke for stroke in strokes if stroke.mark == "range"]) == len(dots)


def test_disturbed_blocks_of_a_long_session_stay_crosses() -> None:
    points = tuple((number, 1.0, number == 700) for number in range(1000))
    strokes: list[Stroke] = []
    lane = SessionLane(title="base", kind="drift", points=points)
    session.draw_lane(Pen(strokes=strokes), lane, session.lane_scale([lane]), 1000, 0)
    assert len([stroke for stroke in strokes if stroke.mark == "cross"]) == 2


def test_spread_is_that_of_the_logarithms() -> None:
    lane = SessionLane(title="", kind="ratio", points=((0, math.e, False), (1, 1 / math.e, False)))
    assert session.spread(lane) == pytest.approx(math.sqrt(2))
