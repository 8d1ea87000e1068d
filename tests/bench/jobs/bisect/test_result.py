from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from bench.jobs.bisect import report
from bench.jobs.bisect.result import (
    FOUND,
    NO_CHANGE,
    RANGE,
    SEARCHING,
    UNCONFIRMED,
    BisectionResult,
    BisectionStep,
)
from builder.git.repository import Authored

HOSTILE = "[bold]x\x1b[31m"


def commit(number: int, text: str = "subject") -> Authored:
    return Authored(hash=f"{number:040x}", authored=1_400_000_000, author=text, subject=text)


def row(ratio: float, verdict: str) -> dict[str, Any]:
    figures = {"low": ratio - 0.01, "high": ratio + 0.01, "low95": ratio, "high95": ratio}
    return {"ratio": ratio, "verdict": verdict, "blocks": 5, "builds": 1, "warnings": []} | figures


def bisection(**more: Any) -> BisectionResult:
    fields: dict[str, Any] = {
        "good": commit(1),
        "bad": commit(9),
        "benchmarks": ("richards",),
        "change": row(1.06, "slower"),
    }
    return BisectionResult(**(fields | more))


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
    result = bisection(**more)
    assert result.outcome == outcome
    assert (result.complaint is None) == (outcome in (SEARCHING, FOUND))
    assert json.loads(json.dumps(result.to_json()))["outcome"] == outcome


def test_many_benchmarks_are_abbreviated() -> None:
    assert bisection(benchmarks=tuple("abcdef")).what == "a and 5 others"
    assert bisection(benchmarks=("a", "b")).what == "a, b"


def test_the_terminal_shows_text_of_unknown_origin_as_text() -> None:
    step = BisectionStep(about=commit(4, HOSTILE), found="skipped", reason=HOSTILE)
    result = bisection(
        steps=(step,),
        culprits=(commit(5, HOSTILE),),
        parent=commit(4).hash,
        confirmation=row(1.05, "slower"),
    )
    stream = io.StringIO()
    report.show(result, Console(file=stream, width=140, color_system=None, highlight=False))
    text = stream.getvalue()
    assert "\x1b" not in text
    assert text.count("[bold]x?[31m") == 4
    assert "1.0500, 1.0400 to 1.0600, 1.05x slower" in text
    assert "? skipped" in text
