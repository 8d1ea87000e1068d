from __future__ import annotations

import pytest

from bench.report.charts import drawing, scale
from bench.report.charts.drawing import Pen, Stroke
from tests.bench.report.drawn import MARGINS, point, row


def test_a_distribution_counts_every_block_once() -> None:
    points = [point(0.9), point(0.9), point(0.9), point(1.1)]
    one = row(0.95, 0.9, 1.0, points=tuple(points))
    strokes: list[Stroke] = []
    drawing.draw_distribution(Pen(strokes=strokes), one, scale.row_scale(one, MARGINS), MARGINS, 0)
    bars = [stroke.line[1][0] - stroke.line[0][0] for stroke in strokes if stroke.mark == "bar"]
    assert sorted(bars) == pytest.approx([0.3, 0.9])


def test_many_builds_share_one_column() -> None:
    points = tuple(point(1.0, replica=number) for number in range(9))
    strokes: list[Stroke] = []
    one = row(1.0, 0.9, 1.1, points=points)
    drawing.draw_distribution(Pen(strokes=strokes), one, scale.row_scale(one, MARGINS), MARGINS, 0)
    assert [stroke.mark for stroke in strokes if stroke.mark in ("bar", "mean")] == ["bar"]
