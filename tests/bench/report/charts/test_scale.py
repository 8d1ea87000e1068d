from __future__ import annotations

import pytest

from bench.report.charts import scale as charts_scale
from bench.report.charts.scale import Scale
from tests.bench.report.drawn import MARGINS, row


def test_a_scale_is_logarithmic_and_ends_at_its_ends() -> None:
    scale = Scale(low=0.5, high=2.0)
    assert scale.at(1) == pytest.approx(0.5)
    assert scale.at(0.1) == 0
    assert scale.at(9) == 1
    assert (scale.holds(0.5), scale.holds(2.1)) == (True, False)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.97, 1.03, ["0.98", "1", "1.02"]),
        (0.66, 1.13, ["0.7", "0.8", "0.9", "1", "1.1"]),
        (0.03, 1.2, ["0.05", "0.1", "0.2", "0.5", "1"]),
    ],
)
def test_ticks_are_round_and_hold_one(low: float, high: float, expected: list[str]) -> None:
    ticks = Scale(low=low, high=high).ticks(6)
    assert [label for _, label in ticks] == expected
    assert [place for place, _ in ticks] == sorted(place for place, _ in ticks)


def test_the_axis_holds_every_interval_that_costs_little() -> None:
    rows = [row(1.0, 0.98, 1.02)] * 20
    scale = charts_scale.scale_of([*rows, row(1.0, 0.975, 1.02)], MARGINS)
    assert scale.holds(0.975)


def test_one_wild_interval_does_not_squeeze_the_others() -> None:
    tame = [row(0.98 + step / 100, 0.97, 1.03) for step in range(5)] * 4
    scale = charts_scale.scale_of([*tame, row(1.0, 0.001, 900)], MARGINS)
    assert 0.9 < scale.low < 0.97
    assert 1.03 < scale.high < 1.1
    # But no ratio is ever beyond the axis.
    scale = charts_scale.scale_of([*tame, row(30.0, 29, 31)], MARGINS)
    assert scale.holds(30)


def test_up_is_slower() -> None:
    scale = Scale(low=0.9, high=1.1)
    assert charts_scale.height_of(scale, 1.05) < charts_scale.height_of(scale, 0.95)
