from __future__ import annotations

from typing import Any

import pytest

from bench.jobs.bundle.agreement import Counter


@pytest.mark.parametrize(
    ("recorded", "recomputed", "expected"),
    [
        (1, 1, []),
        (1, 1.0, []),
        ([1, "a", None], (1, "a", None), []),
        ({"a": 1, "more": 2}, {"a": 1}, []),
        (0.5, 0.75, ["x: recorded is 0.5, recomputed 0.75"]),
        (2**62, 2**62 + 1, [f"x: recorded is {2**62}, recomputed {2**62 + 1}"]),
        (1, True, ["x: recorded is 1, recomputed True"]),
        ("1", 1, ["x: recorded is '1', recomputed 1"]),
        (None, 1, ["x: recorded is None, recomputed 1"]),
        (float("nan"), float("nan"), ["x: recorded is nan, recomputed nan"]),
        ({}, {"a": 1}, ["x: a is missing"]),
        (3, {"a": 1}, ["x: a is missing"]),
        ([1], [1, 2], ["x: recorded is [1], recomputed [1, 2]"]),
        (
            [{"name": "n", "v": 1}],
            [{"name": "n", "v": 2}],
            ["x, n, v: recorded is 1, recomputed 2"],
        ),
    ],
)
def test_what_differs_is_told_with_its_place(
    recorded: Any, recomputed: Any, expected: list[str]
) -> None:
    assert list(Counter().differences(recorded, recomputed, "x")) == expected


def test_a_tolerance_is_relative() -> None:
    counter = Counter()
    assert list(counter.differences([1e9, 1e-9], [1e9 + 0.1, 1e-9], "x", 1e-9)) == []
    assert len(list(counter.differences(1e-9, 2e-9, "x", 1e-9))) == 1
    assert counter.count == 3
