"""How long a run will take: ranges, and where they are known from."""

from __future__ import annotations

from typing import Any

import pytest

from bench.run import estimate
from bench.run.estimate import BlockHistory, BuildHistory, DurationEstimate


def history(*seconds: float, **more: Any) -> BuildHistory:
    given = {"label": "2.7", "is_pgo": False, "cached": False, **more}
    return BuildHistory(seconds=seconds, **given)


@pytest.mark.parametrize(
    ("count", "known", "text"),
    [
        (
            1,
            history(),
            "2 to 6 min (unknown: nothing like 2.7 was built here yet; on 2 cores of another "
            "machine 2 to 6 min)",
        ),
        (
            2,
            history(label="2.7 PGO", is_pgo=True),
            "30 to 80 min (unknown: nothing like 2.7 PGO was built here yet; on 2 cores of another "
            "machine 15 to 40 min each)",
        ),
        (1, history(113, 113, 113), "88 to 146 s (builds here took 113 s (3 builds of 2.7))"),
        (
            2,
            history(30, 120, cached=True),
            "1 to 4 min (builds here took 30 to 120 s (2 builds of 2.7); less with a warm "
            "compiler cache, more with a cold one)",
        ),
        (0, history(113), "nothing to build: all are in the store"),
        (0, history(), "nothing to build: all are in the store"),
    ],
)
def test_builds(count: int, known: BuildHistory, text: str) -> None:
    assert str(estimate.builds(count, known)) == text


@pytest.mark.parametrize(
    ("count", "seconds", "text"),
    [
        (2, [60.0], "1.3 to 3 min (core tests here took 60 s (1 run of 2.7))"),
        (1, [50.0, 70.0], "44 to 81 s (core tests here took 50 to 70 s (2 runs of 2.7))"),
        (
            2,
            [],
            "2 to 8 min (unknown: the core tests of 2.7 did not run here yet; on 2 cores of "
            "another machine 1 to 4 min for each build)",
        ),
        (0, [60.0], "nothing to test: no gate, or its results are stored"),
    ],
)
def test_tests(count: int, seconds: list[float], text: str) -> None:
    assert str(estimate.gate(count, "core", seconds, "2.7")) == text


def timing(**changes: Any) -> DurationEstimate:
    given: dict[str, Any] = {
        "benchmarks": 10,
        "arms": 2,
        "blocks": 40,
        "least_blocks": 5,
        "process": 0.6,
        "budget": None,
        "history": BlockHistory(seconds=(), runs=0),
    }
    return estimate.session(**given | changes)


def test_the_session_of_a_machine_without_a_history() -> None:
    told = timing()
    assert (told.low, told.high, told.is_known) == (60.0, 1920.0, False)
    assert told.origin.startswith("unknown: nothing was measured here yet")


def test_the_session_of_a_machine_with_a_history() -> None:
    told = timing(history=BlockHistory(seconds=(1.0, 2.0, 3.0, 4.0, 100.0), runs=1))
    assert (told.low, told.high, told.is_known) == (200.0, 3200.0, True)
    assert told.origin == "a process of a block took 2.0 to 4.0 s here (5 blocks of 1 run)"


def test_a_budget_ends_it() -> None:
    told = timing(budget=30.0)
    assert (told.low, told.high) == (30.0, 30.0)
    assert told.origin.endswith("the budget ends it after 30 s")
    assert "budget" not in timing(budget=1e6).origin


def test_nothing_to_measure() -> None:
    assert str(timing(benchmarks=0)) == "nothing to measure"


def test_all_together() -> None:
    parts = [timing(), estimate.builds(1, history(100.0)), estimate.builds(0, history())]
    whole = estimate.total(parts)
    assert whole.low == sum(part.low for part in parts)
    assert whole.origin.startswith("the sum of these, ")
    assert whole.origin.endswith("; 1 of them unknown on this machine")
    assert "unknown" not in estimate.total(parts[1:]).origin


@pytest.mark.parametrize("seconds", [[1.0], [1.0, 9.0], [5.0] * 30, [1.0, 1.0, 50.0]])
def test_a_range_holds_what_was_seen(seconds: list[float]) -> None:
    low, high = estimate.spread(seconds)
    assert low <= min(seconds)
    assert max(seconds) <= high
    assert low < high


def test_more_builds_give_a_narrower_range() -> None:
    one, many = estimate.spread([100.0]), estimate.spread([100.0] * 25)
    assert one[0] < many[0]
    assert many[1] < one[1]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (2, 2, "2.0 s"),
        (30, 45, "30 to 45 s"),
        (120, 360, "2 to 6 min"),
        (300, 360, "5 to 6 min"),
        (600, 36000, "10 min to 10.0 h"),
    ],
)
def test_a_span_has_one_unit_where_it_can(low: float, high: float, text: str) -> None:
    assert estimate.span(low, high) == text
