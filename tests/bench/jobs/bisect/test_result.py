from __future__ import annotations

import json
from typing import Any

import pytest

from bench.jobs.bisect.result import (
    FOUND,
    NO_CHANGE,
    RANGE,
    SEARCHING,
    UNCONFIRMED,
    BisectionResult,
)
from builder.git.repository import Authored


def commit(number: int, text: str = "subject") -> Authored:
    return Authored(hash=f"{number:040x}", authored=1_400_000_000, author=text, subject=text)


def row(ratio: float, verdict: str) -> dict[str, Any]:
    figures = {"low": ratio - 0.01, "high": ratio + 0.01, "low95": ratio, "high95": ratio}
    return {"ratio": ratio, "verdict": verdict, "blocks": 5, "builds": 1, "warnings": []} | figures


def found(**more: Any) -> BisectionResult:
    told: dict[str, Any] = {
        "good": commit(1),
        "bad": commit(9),
        "benchmarks": ("richards",),
        "change": row(1.06, "slower"),
    }
    return BisectionResult(**(told | more))


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({}, SEARCHING),
        ({"change": None}, NO_CHANGE),
        ({"change": row(1.0, "equivalent")}, NO_CHANGE),
        ({"change": row(1.03, "undecided")}, NO_CHANGE),
        ({"culprits": (commit(3), commit(4))}, RANGE),
        ({"culprits": (commit(3),), "confirmation": row(1.05, "slower")}, FOUND),
        ({"culprits": (commit(3),), "confirmation": row(0.95, "faster")}, UNCONFIRMED),
        ({"culprits": (commit(3),), "confirmation": row(1.0, "undecided")}, UNCONFIRMED),
        ({"culprits": (commit(3),), "unconfirmed": "make failed."}, UNCONFIRMED),
    ],
)
def test_outcomes(more: dict[str, Any], outcome: str) -> None:
    told = found(**more)
    assert told.outcome == outcome
    assert (told.complaint is None) == (outcome in (SEARCHING, FOUND))
    assert json.loads(json.dumps(told.to_json()))["outcome"] == outcome


def test_many_benchmarks_are_told_in_short() -> None:
    assert found(benchmarks=tuple("abcdef")).what == "a and 5 others"
    assert found(benchmarks=("a", "b")).what == "a, b"
