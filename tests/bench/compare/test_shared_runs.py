"""Processes are told apart by their date and values."""

from __future__ import annotations

import pytest

from bench.compare import shared_runs


def test_a_process_without_a_date_has_no_identity() -> None:
    assert shared_runs.identity(None, [1.0]) == ""
    assert shared_runs.identity("today", [1.0]) != shared_runs.identity("today", [2.0])
    assert shared_runs.identity("today", [1.0]) != shared_runs.identity("tomorrow", [1.0])


@pytest.mark.parametrize(
    ("base", "candidate", "expected"),
    [
        ("ab", "ab", True),
        ("ab", "ba", True),
        ("ab", "a", True),
        ("a", "ab", True),
        ("ab", "bc", False),
        ("ab", "", False),
        ("", "", False),
    ],
)
def test_sides_are_the_same_if_one_has_nothing_of_its_own(
    base: str, candidate: str, expected: bool
) -> None:
    assert shared_runs.are_same([*base], [*candidate]) is expected
    assert not shared_runs.are_same([*base, ""], [*candidate, ""])


def test_a_process_counts_once() -> None:
    assert shared_runs.distinct([1.0, 2.0, 1.0, 3.0, 3.0], ["a", "b", "a", "", ""]) == (
        1.0,
        2.0,
        3.0,
        3.0,
    )
