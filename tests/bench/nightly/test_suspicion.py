"""What raises a suspicion, and what measuring again makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bench.compare.comparison import Comparison, Comparisons, SuiteComparison
from bench.history import models
from bench.history.changes import watch
from bench.history.columns import FIELDS, Columns
from bench.history.models import (
    Alarm,
    BenchmarkRow,
    BuildRow,
    HistoryRatio,
    NightEntry,
    NightRow,
    NightSuite,
)
from bench.history.reading import LineKey
from bench.nightly import suspicion
from bench.nightly.report import SUITE, Revised
from bench.nightly.suspicion import Suspicion
from tests.bench.results.given import comparison, suite

OLD = Revised(commit="old", version="3.13.5")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SLOWER = HistoryRatio(ratio=1.05, low=1.02, high=1.08, verdict="slower", blocks=5)
SAME = HistoryRatio(ratio=1.0, low=0.995, high=1.005, verdict="equivalent", blocks=5)


def night(number: int = 0, **more: Any) -> NightRow:
    built = BuildRow(key=f"k{number}", commit=f"c{number}", version="3.13.5")
    when = BEGIN + timedelta(days=number)
    return NightRow(identity=f"n{number}", host="h", branch="main", flavor="plain", when=when,
                 build=built, **more)  # fmt: skip


def test_what_the_session_calls_is_suspicious() -> None:
    rows = (
        BenchmarkRow(benchmark="a", mean=1.0, last=SLOWER),
        BenchmarkRow(benchmark="b", mean=1.0, last=SAME),
        BenchmarkRow(benchmark="c", mean=1.0),
        BenchmarkRow(benchmark="d", mean=1.0, last=replace(SLOWER, ratio=0.9, verdict="faster")),
    )
    tonight = night(rows=rows, last=NightSuite(key="k", suite=SLOWER))
    found = suspicion.of_session(tonight, 7, OLD)
    assert [(one.benchmark, one.ratio, one.start, one.trend) for one in found] == [
        ("a", 1.05, 7, False), ("d", 0.9, 7, False), (SUITE, 1.05, 7, False),
    ]  # fmt: skip


# -- the trend ------------------------------------------------------------------------------------


def columns(values: Any, *, release: tuple[str, ...] = (), means: Any = None) -> Columns:
    """One benchmark's ratios against the release; nights are numbered from 100."""
    keys = release or ("r",) * len(values)
    nights = [night(n, release=NightSuite(key=key) if key else None) for n, key in enumerate(keys)]
    table = np.full((len(FIELDS), 1, len(values)), np.nan, dtype=np.float32)
    table[FIELDS.index("release_ratio"), 0] = values
    table[FIELDS.index("mean"), 0] = values if means is None else means
    return Columns(
        line=LineKey(host="h", branch="main", flavor="plain"),
        entries=tuple(
            NightEntry(number=100 + n, night=one, epoch=0, benchmarks=1)
            for n, one in enumerate(nights)
        ),
        nights=tuple(range(len(nights))),
        benchmarks=("a",),
        values=table,
    )


def trend(values: Any, *, alarms: tuple[Alarm, ...] = (), **more: Any) -> tuple[Suspicion, ...]:
    """What the last of these nights raises."""
    known = columns(values, **more)
    return suspicion.of_trend(known, watch(known), alarms)


def alarmed(values: Any) -> Any:
    """The nights up to the one that raises the alarm."""
    (change,) = watch(columns(values))["a"]
    return values[: change.found + 1], change


def step(nights: int = 60, after: int = 6, size: float = 1.05) -> Any:
    noise = np.random.default_rng(1).normal(0, 0.005, nights + after)
    return np.exp(noise) * np.where(np.arange(nights + after) < nights, 1.0, size)


def alarm(start: int, at: int, state: str) -> Alarm:
    return Alarm(host="h", branch="main", flavor="plain", benchmark="a", start=start, night=at,
                 ratio=1.05, low=1.0, high=1.1, state=state)  # fmt: skip


def test_a_step_is_found_and_held_against_a_night_before_it() -> None:
    values, change = alarmed(step())
    (found,) = trend(values)
    assert found.trend
    # Where it began is known to a few nights; what it is held against is older for sure.
    assert 158 <= found.start == 100 + change.start <= 162
    assert found.old.commit == f"c{change.start - 1 - suspicion.MARGIN}"
    assert found.old.date is not None
    assert found.old.date < (BEGIN + timedelta(days=60)).date()
    assert found.ratio == pytest.approx(1.05, abs=0.01)


def test_the_alarm_is_raised_in_one_night_only() -> None:
    values, _change = alarmed(step())
    assert trend(values[:-1]) == ()
    assert trend(step()) == ()


@pytest.mark.parametrize("state", [models.CONFIRMED, models.DISMISSED])
@pytest.mark.parametrize("early", [0, 1, 4])
def test_what_was_measured_again_is_not_raised_again(state: str, early: int) -> None:
    """A session raises a step in its first night, the trend some nights later."""
    values, change = alarmed(step())
    start = 100 + change.start - early
    assert trend(values, alarms=(alarm(start, start, state),)) == ()
    assert trend(values, alarms=(alarm(110, 110, state),)) != ()


def test_an_undecided_one_is_measured_again_for_some_nights() -> None:
    values = step(after=0)
    last = 100 + len(values) - 1
    of_trend = alarm(last - 8, last - 2, models.SUSPECTED)
    of_session = alarm(last - 3, last - 3, models.SUSPECTED)
    (one,), (other,) = (trend(values, alarms=(some,)) for some in (of_trend, of_session))
    assert (one.trend, one.start) == (True, last - 8)
    assert one.old.commit == f"c{last - 100 - 8 - 1 - suspicion.MARGIN}"
    assert (other.trend, other.start) == (False, last - 3)
    assert other.old.commit == f"c{last - 100 - 3 - 1}"
    late = alarm(last - 20, last - suspicion.OPEN - 1, models.SUSPECTED)
    assert trend(values, alarms=(late,)) == ()
    # Tonight's own is under way already.
    assert trend(values, alarms=(alarm(last, last, models.SUSPECTED),)) == ()


def test_a_history_without_nights_is_quiet() -> None:
    assert trend(np.empty(0)) == ()


def test_each_benchmark_once() -> None:
    one = Suspicion(benchmark="a", old=OLD, start=1, ratio=1.1, low=1.0, high=1.2)
    late = replace(one, start=2, trend=True)
    other = replace(late, benchmark="b")
    assert suspicion.without_duplicates([one], [late, other]) == (one, other)


# -- measured again ------------------------------------------------------------------------------


def row(verdict: str, ratio: float, benchmark: str = "a", metric: str = "time") -> Comparison:
    return comparison(ratio, verdict, benchmark=benchmark, metric=metric)


def session(*rows: Comparison, whole: SuiteComparison | None = None) -> Comparisons:
    return Comparisons(margin=0.01, error=0.05, method="t", comparisons=rows, suite=whole)


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
    again = session(row(verdict, ratio), whole=suite(ratio, verdict))
    since = date(2026, 11, 2)
    found = suspicion.finding_of(raised, again, reason="", folder="f", since=since)
    assert found.state == state
    assert found.ratio is not None
    assert found.ratio.ratio == ratio
    line = LineKey(host="h", branch="main", flavor="plain")
    kept = suspicion.alarm_of(raised, found, line, 9)
    assert (kept.ratio, kept.start, kept.night) == (ratio, 7, 9)
    assert kept.state == {"undecided": "suspected"}.get(state, state)


@pytest.mark.parametrize(
    "again",
    [
        None,
        session(),
        session(row("slower", 1.2, metric="memory")),
    ],
)
def test_what_could_not_be_measured_again_stays_open(again: Comparisons | None) -> None:
    raised = Suspicion(benchmark="a", old=OLD, start=7, ratio=1.2, low=1.1, high=1.3)
    found = suspicion.finding_of(raised, again, reason="why", folder="", since=date(2026, 11, 2))
    assert (found.state, found.ratio, found.reason) == ("undecided", None, "why")
    line = LineKey(host="h", branch="main", flavor="plain")
    assert suspicion.alarm_of(raised, found, line, 9).ratio == 1.2


def test_a_change_of_the_suite_names_what_carries_it() -> None:
    whole = Suspicion(benchmark=SUITE, old=OLD, start=7, ratio=1.1, low=1.0, high=1.2)
    rows = [row("slower", 1.2, "a"), row("undecided", 1.1, "b"), row("faster", 0.9, "c")]
    found = suspicion.contributing(whole, session(*rows, whole=suite(1.05, "slower")))
    assert [(one.benchmark, one.ratio, one.start) for one in found] == [("a", 1.2, 7)]
    undecided = session(*rows, whole=suite(1.05))
    assert suspicion.contributing(whole, undecided) == ()
    assert suspicion.contributing(whole, session(*rows)) == ()
