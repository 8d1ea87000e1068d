"""What raises a suspicion, and what measuring again makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bench import suspicion
from bench.history import models
from bench.history.models import Alarm, Built, Entry, Night, Ratio, Row, Standing
from bench.history.reading import Line, Matrix
from bench.night import SUITE, Revised
from bench.suspicion import Suspicion

OLD = Revised(commit="old", version="3.13.5")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SLOWER = Ratio(ratio=1.05, low=1.02, high=1.08, verdict="slower", blocks=5)
SAME = Ratio(ratio=1.0, low=0.995, high=1.005, verdict="equivalent", blocks=5)


def night(number: int = 0, **more: Any) -> Night:
    built = Built(key=f"k{number}", commit=f"c{number}", version="3.13.5")
    when = BEGIN + timedelta(days=number)
    return Night(identity=f"n{number}", host="h", branch="main", flavor="plain", when=when,
                 build=built, **more)  # fmt: skip


def test_what_the_session_calls_is_suspicious() -> None:
    rows = (
        Row(benchmark="a", mean=1.0, last=SLOWER),
        Row(benchmark="b", mean=1.0, last=SAME),
        Row(benchmark="c", mean=1.0),
        Row(benchmark="d", mean=1.0, last=replace(SLOWER, ratio=0.9, verdict="faster")),
    )
    tonight = night(rows=rows, last=Standing(key="k", suite=SLOWER))
    found = suspicion.of_session(tonight, 7, OLD)
    assert [(one.benchmark, one.ratio, one.start, one.trend) for one in found] == [
        ("a", 1.05, 7, False), ("d", 0.9, 7, False), (SUITE, 1.05, 7, False),
    ]  # fmt: skip


# -- the trend ------------------------------------------------------------------------------------


def trend(
    values: Any, *, release: tuple[str, ...] = (), means: Any = None, alarms: tuple[Alarm, ...] = ()
) -> tuple[Suspicion, ...]:
    """What the last of these ratios against the release raises; nights are numbered from 100."""
    count = len(values)
    keys = release or ("r",) * count
    numbers = tuple(range(100, 100 + count))
    nights = [night(n, release=Standing(key=key)) for n, key in enumerate(keys)]
    return suspicion.of_trend(
        Matrix(
            benchmarks=("a",),
            nights=numbers,
            epochs=(0,) * count,
            means=np.array([values if means is None else means]),
            releases=np.array([values]),
        ),
        [Entry(number=n, night=one, epoch=0, benchmarks=1)
         for n, one in zip(numbers, nights, strict=True)],
        alarms,
    )  # fmt: skip


def step(nights: int = 60, after: int = 6, size: float = 1.05) -> Any:
    noise = np.random.default_rng(1).normal(0, 0.005, nights + after)
    return np.exp(noise) * np.where(np.arange(nights + after) < nights, 1.0, size)


def alarm(start: int, at: int, state: str) -> Alarm:
    return Alarm(host="h", branch="main", flavor="plain", benchmark="a", start=start, night=at,
                 ratio=1.05, low=1.0, high=1.1, state=state)  # fmt: skip


def test_a_step_is_found_and_held_against_the_night_before_it() -> None:
    (found,) = trend(step())
    assert found.trend
    # Where it began is known to a few nights; what it is held against is older for sure.
    assert 158 <= found.start <= 162
    assert found.old.commit == f"c{found.start - 100 - 1 - suspicion.MARGIN}"
    assert (BEGIN + timedelta(days=55)).date() <= found.old.date <= date(2026, 3, 1)
    assert found.ratio == pytest.approx(1.05, abs=0.01)
    assert trend(step(after=0)) == ()


def test_the_ratios_count_where_there_are_any() -> None:
    flat = np.ones(66) + np.random.default_rng(2).normal(0, 0.005, 66)
    assert trend(step(), means=flat) != ()
    assert trend(flat, means=step()) == ()
    assert trend(np.full(66, np.nan), means=step()) != ()


def test_another_release_begins_anew() -> None:
    assert trend(step(), release=("r",) * 60 + ("s",) * 6) == ()


def test_a_confirmed_change_is_the_new_level() -> None:
    assert trend(step(), alarms=(alarm(161, 164, models.CONFIRMED),)) == ()


def test_a_dismissed_one_is_not_raised_again() -> None:
    assert trend(step(), alarms=(alarm(160, 164, models.DISMISSED),)) == ()
    assert trend(step(), alarms=(alarm(110, 115, models.DISMISSED),)) != ()
    # One that nobody could decide is measured again with the next night.
    assert trend(step(), alarms=(alarm(160, 164, models.SUSPECTED),)) != ()


def test_a_history_without_nights_is_quiet() -> None:
    nothing = np.empty((0, 0))
    empty = Matrix(benchmarks=(), nights=(), epochs=(), means=nothing, releases=nothing)
    assert suspicion.of_trend(empty, [], []) == ()


def test_each_benchmark_once() -> None:
    one = Suspicion(benchmark="a", old=OLD, start=1, ratio=1.1, low=1.0, high=1.2)
    late = replace(one, start=2, trend=True)
    other = replace(late, benchmark="b")
    assert suspicion.together([one], [late, other]) == (one, other)


# -- measured again ------------------------------------------------------------------------------


def row(verdict: str, ratio: float, benchmark: str = "a", metric: str = "time") -> dict[str, Any]:
    return {"benchmark": benchmark, "metric": metric, "ratio": ratio, "low": ratio - 0.01,
            "high": ratio + 0.01, "low95": ratio, "high95": ratio, "verdict": verdict,
            "blocks": 9}  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "ratio", "state"),
    [
        ("slower", 1.04, "confirmed"),
        ("equivalent", 1.0, "dismissed"),
        ("undecided", 1.02, "undecided"),
        ("faster", 0.9, "dismissed"),
    ],
)
@pytest.mark.parametrize("benchmark", ["a", SUITE])
def test_the_fresh_session_decides(verdict: str, ratio: float, state: str, benchmark: str) -> None:
    raised = Suspicion(benchmark=benchmark, old=OLD, start=7, ratio=1.2, low=1.1, high=1.3)
    again = {"comparisons": [row(verdict, ratio)], "suite": row(verdict, ratio)}
    since = date(2026, 11, 2)
    found = suspicion.judged(raised, again, reason="", folder="f", since=since)
    assert found.state == state
    assert found.ratio is not None
    assert found.ratio.ratio == ratio
    line = Line(host="h", branch="main", flavor="plain")
    kept = suspicion.alarm_of(raised, found, line, 9)
    assert (kept.ratio, kept.start, kept.night) == (ratio, 7, 9)
    assert kept.state == {"undecided": "suspected"}.get(state, state)


@pytest.mark.parametrize(
    "again",
    [
        None,
        {"comparisons": [], "suite": None},
        {"comparisons": [row("slower", 1.2, metric="memory")], "suite": None},
    ],
)
def test_what_could_not_be_measured_again_stays_open(again: Any) -> None:
    raised = Suspicion(benchmark="a", old=OLD, start=7, ratio=1.2, low=1.1, high=1.3)
    found = suspicion.judged(raised, again, reason="why", folder="", since=date(2026, 11, 2))
    assert (found.state, found.ratio, found.reason) == ("undecided", None, "why")
    line = Line(host="h", branch="main", flavor="plain")
    assert suspicion.alarm_of(raised, found, line, 9).ratio == 1.2
