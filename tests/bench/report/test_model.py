"""What the values of a report derive from themselves."""

from __future__ import annotations

import dataclasses
import math

import pytest

from bench.report.model import Candidate, ReportRow
from bench.report.reading import view_of
from bench.results.result import parse_document
from tests.bench.report import example
from tests.bench.report.drawn import row


@pytest.fixture
def candidate() -> Candidate:
    (first,) = view_of(parse_document(example.result())).candidates
    return first


def test_the_width_is_that_of_the_interval_in_logarithms() -> None:
    assert row(1.0, 0.5, 2.0).width == pytest.approx(math.log(4))
    assert row(1.0, 1.0, 1.0).width == 0


@pytest.mark.parametrize(("low", "high"), [(None, None), (0.9, None), (None, 1.1)])
def test_without_an_interval_the_width_is_infinite(low: float | None, high: float | None) -> None:
    assert row(1.0, low, high).width == math.inf


def test_the_suite_of_a_candidate_is_that_of_times(candidate: Candidate) -> None:
    time, memory = row(0.9, 0.8, 1.0), row(1.5, 1.4, 1.6, metric="peak memory")
    assert dataclasses.replace(candidate, suites=(memory, time)).suite == time
    assert dataclasses.replace(candidate, suites=(memory,)).suite is None
    assert dataclasses.replace(candidate, suites=()).suite is None


@pytest.mark.parametrize(
    ("metrics", "expected"), [([], False), (["time"], False), (["time", "peak memory"], True)]
)
def test_whether_anything_but_time_was_compared(
    metrics: list[str], expected: bool, candidate: Candidate
) -> None:
    rows = tuple(row(1.0, 0.9, 1.1, metric=metric) for metric in metrics)
    assert dataclasses.replace(candidate, rows=rows).has_metrics is expected


def rows_of(*verdicts: str) -> tuple[ReportRow, ...]:
    return tuple(row(1.0, 0.9, 1.1, verdict) for verdict in verdicts)


def test_verdicts_are_counted_in_their_order_and_none_that_no_row_has(
    candidate: Candidate,
) -> None:
    rows = rows_of("undecided", "slower", "faster", "undecided", "new")
    counts = dataclasses.replace(candidate, rows=rows).tally
    assert list(counts.items()) == [("faster", 1), ("slower", 1), ("undecided", 2), ("new", 1)]
    assert dataclasses.replace(candidate, rows=()).tally == {}


def test_the_margins_are_a_ratio_and_its_inverse() -> None:
    view = dataclasses.replace(view_of(parse_document(example.result())), margin=0.25)
    assert view.margins == (0.8, 1.25)
