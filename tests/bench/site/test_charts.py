"""The charts of nights: where marks lie, what is cut off, and how large they get."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from bench.history.columns import FIELDS, Columns
from bench.history.reading import LineKey
from bench.report.charts.scale import height_of
from bench.site.charts import DAY, HEIGHT, chart, time_ticks, unit, window_of
from bench.site.model import LineData, Mark, Track

BEGIN = 1_600_000_000


def track(count: int = 100, *, marks: tuple[Mark, ...] = (), noise: float = 0.01) -> Track:
    """Ratios around 0.95 and times around 2 ms, a night a day; a new segment at night 50."""
    rng = np.random.default_rng(1)
    ratio = 0.95 * np.exp(noise * rng.standard_normal(count))
    columns = Columns(
        line=LineKey(host="h", branch="b", flavor="f"),
        entries=(),
        nights=(),
        benchmarks=(),
        values=np.zeros((len(FIELDS), 0, 0), dtype=np.float32),
    )
    line = LineData(
        columns=columns,
        marks={},
        missing={},
        segments=(np.arange(count) >= 50).astype(np.int64),
        moments=BEGIN + DAY * np.arange(count, dtype=np.int64),
    )
    return Track(
        line=line,
        benchmark="x",
        seconds=0.002 * ratio,
        rsd=np.full(count, 0.01),
        ratio=ratio,
        low=ratio * 0.99,
        high=ratio * 1.01,
        marks=marks,
    )


def points(path: str) -> list[tuple[int, int]]:
    """Where the dots of a path of relative moves are."""
    x = y = 0
    dots = []
    for right, down in re.findall(r"m(-?\d+) (-?\d+)h0", path):
        x, y = x + int(right), y + int(down)
        dots.append((x, y))
    return dots


def test_each_night_has_its_dot_at_its_moment_and_height() -> None:
    series = track()
    window = window_of(BEGIN, BEGIN + 99 * DAY)
    drawn = chart(series, window)
    assert drawn is not None
    dots = points(dict(drawn.piece.marks)["dot"])
    assert len(dots) == 100
    for night, (x, y) in enumerate(dots):
        assert x == round(1000 * float(window.at(series.moments)[night]))
        assert y == pytest.approx(HEIGHT * height_of(drawn.scale, series.ratio[night]), abs=0.6)
    assert 0 <= min(x for x, _ in dots) < 20
    assert 980 < max(x for x, _ in dots) <= 1000


def test_only_the_nights_of_the_window_count() -> None:
    series = track()
    drawn = chart(series, window_of(BEGIN + 80 * DAY, BEGIN + 99 * DAY))
    assert drawn is not None
    assert len(points(dict(drawn.piece.marks)["dot few"])) == 20
    assert chart(series, window_of(BEGIN + 900 * DAY, BEGIN + 999 * DAY)) is None
    nothing = replace(series, ratio=np.full(100, np.nan))
    assert chart(nothing, window_of(BEGIN, BEGIN + 99 * DAY)) is None
    assert chart(nothing, window_of(BEGIN, BEGIN + 99 * DAY), seconds=True) is not None


def test_changes_epochs_and_levels_are_drawn_where_they_are() -> None:
    figures = {"detected": 35, "low": 1.0, "high": 1.1}
    marks = (
        Mark(start=30, ratio=1.05, **figures),
        Mark(start=40, ratio=0.95, **figures),
        Mark(start=45, ratio=1.05, state="dismissed", **figures),
    )
    window = window_of(BEGIN, BEGIN + 99 * DAY)
    drawn = chart(track(marks=marks), window)
    assert drawn is not None
    paths = dict(drawn.piece.marks)

    def at(night: int) -> int:
        return round(1000 * float(window.at(np.array([BEGIN + night * DAY]))[0]))

    assert paths["turn slower"] == f"M{at(30)} 0V{HEIGHT}"
    assert paths["turn faster"] == f"M{at(40)} 0V{HEIGHT}"
    assert paths["turn dismissed"] == f"M{at(45)} 0V{HEIGHT}"
    assert paths["epoch"] == f"M{at(50)} 0V{HEIGHT}"
    # One level before each of them, and one after; none for what was dismissed.
    starts = [int(x) for x in re.findall(r"M(\d+) \d+H", paths["level"])]
    assert starts == [at(0), at(30), at(40), at(50)]


def test_a_wild_night_does_not_squeeze_the_others() -> None:
    series = track()
    wild = series.ratio.copy()
    wild[50] = 50.0
    drawn = chart(replace(series, ratio=wild, high=wild), window_of(BEGIN, BEGIN + 99 * DAY))
    assert drawn is not None
    many = chart(replace(track(1000)), window_of(BEGIN, BEGIN + 999 * DAY))
    assert many is not None
    wild_many = track(1000)
    wild_many.ratio[500] = 50.0
    squeezed = chart(wild_many, window_of(BEGIN, BEGIN + 999 * DAY))
    assert squeezed is not None
    assert squeezed.scale.high < 1.1
    assert all(0 <= y <= HEIGHT for _, y in points(dict(squeezed.piece.marks)["dot"]))


def test_ten_years_are_small() -> None:
    drawn = chart(track(3650), window_of(BEGIN, BEGIN + 3649 * DAY))
    assert drawn is not None
    assert sum(len(path) for _, path in drawn.piece.marks) < 50_000


def test_equal_values_and_a_single_night_have_a_chart() -> None:
    for count in (1, 2, 60):
        series = track(count, noise=0.0)
        drawn = chart(series, window_of(BEGIN, int(series.moments[-1])))
        assert drawn is not None
        assert drawn.scale.length > 0


@pytest.mark.parametrize("days", [1, 7, 30, 120, 400, 3650])
def test_ticks_are_round_and_few(days: int) -> None:
    ticks = time_ticks(window_of(BEGIN, BEGIN + days * DAY))
    assert 2 <= len(ticks) <= 7
    assert len({len(label) for _, label in ticks}) == 1


@pytest.mark.parametrize(
    ("seconds", "name"), [(3.0, "s"), (0.003, "ms"), (2e-6, "\N{MICRO SIGN}s"), (2e-10, "ns")]
)
def test_times_have_a_unit_that_reads_well(seconds: float, name: str) -> None:
    assert unit(replace(track(3), seconds=np.full(3, seconds)))[1] == name
