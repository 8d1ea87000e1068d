from __future__ import annotations

import math
from typing import Any

import pytest

from bench.report import reading
from builder.errors import DataError
from tests.bench.report import example
from tests.bench.report.big import big
from tests.bench.results.given import given
from tests.golden.specimen import specimen

view_of = given(reading.view_of)

NAMED = {"name": "c0ffee"}


def oldest() -> dict[str, Any]:
    """A result as the first patchbench wrote it: without the keys that came later."""
    content = example.result()
    content["host"] |= NAMED
    for arm in (content["base"], *content["candidates"]):
        arm["build"]["facts"]["options"] = "-O2"
    content["blocks"] = [
        {"number": 0, "benchmark": "nbody", "means": {"base": 2.0, "fast-paths": 1.5}, "state": {}},
        {"number": 1, "benchmark": "nbody", "means": {"base": 4.0, "fast-paths": 3.5}, "state": {}},
    ]
    return content


def test_the_oldest_results_are_read() -> None:
    view = view_of(oldest())
    (candidate,) = view.candidates
    points = candidate.rows[0].points

    assert candidate.kind == "candidate"
    assert [(point.number, point.ratio, point.replica) for point in points] == [
        (0, 0.75, 0),
        (1, 0.875, 0),
    ]
    assert [point.drift for point in points] == [0.5, 1.0]
    assert (view.ladder, view.disturbed) == ((), 0)
    assert candidate.rows[0].placebo is None


def test_what_came_later_is_read() -> None:
    content = big(benchmarks=3, blocks=40, arms=3, replicas=2)
    content["ladder"] = [{"name": "lto", "ratio": 0.9, "low": 0.89, "high": 0.91}]
    view = view_of(content)
    row = view.candidates[0].rows[0]

    assert [one.kind for one in view.candidates] == ["candidate", "aa", "placebo"]
    assert row.placebo == (0.985, 1.012)
    assert row.protocol in ("lockstep", "corun")
    assert {point.replica for point in row.points} == {0, 1}
    assert view.disturbed == sum(1 for block in content["blocks"] if block["disturbed"]) > 0
    assert (view.ladder[0].row.name, view.ladder[0].row.low95) == ("lto", None)
    facts = dict(view.session)
    assert facts["protocol"] == "corun (1 benchmarks), lockstep (2 benchmarks)"
    assert facts["base against base called different"].startswith("3 of 200; at most 4.3%")
    assert facts["disturbance"] == "disturbed: 9, measured again: 7, kept: 2"


def test_rows_go_from_the_fastest_to_the_slowest() -> None:
    rows = view_of(specimen()).candidates[0].rows
    assert [row.ratio for row in rows] == sorted(row.ratio for row in rows)
    assert math.isinf(next(row for row in rows if row.low is None).width)


def test_a_block_without_the_candidate_is_left_out() -> None:
    content = oldest()
    del content["blocks"][0]["means"]["fast-paths"]
    assert len(view_of(content).candidates[0].rows[0].points) == 1


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\u202eb", "a\ud800b", "a\x00b"])
def test_text_is_cleaned_and_can_be_written(text: str) -> None:
    content = oldest()
    content["experiment"]["name"] = text
    name = view_of(content).name
    assert name.encode()
    assert name.isprintable()
    assert (name[0], name[-1]) == ("a", "b")


@pytest.mark.parametrize("damage", [math.nan, math.inf, 0, -1, "<b>", None, []])
def test_what_is_no_ratio_is_damage(damage: Any) -> None:
    content = oldest()
    content["candidates"][0]["comparisons"][0]["ratio"] = damage
    with pytest.raises(DataError, match=r"candidates\[0\]\.comparisons\[0\]\.ratio"):
        view_of(content)


def test_a_moment_is_told_in_utc() -> None:
    content = oldest()
    assert view_of(content).when == "2026-11-22 20:00 UTC"
    content["when"] = "yesterday"
    assert view_of(content).when == "yesterday"
