"""Helpers for tests that change a result's document, and for comparisons made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from bench.compare.comparison import TIMES, Comparison, SuiteComparison
from bench.results.result import parse_document
from bench.results.shape import Result

P = ParamSpec("P")
R = TypeVar("R")


def given(function: Callable[Concatenate[Result, P], R]) -> Callable[..., R]:
    """A function of a Result, as a function of the result's document."""

    def called(document: Mapping[str, Any], *more: Any, **named: Any) -> R:
        return function(parse_document(document), *more, **named)

    return called


def comparison(ratio: float, verdict: str = "undecided", **more: Any) -> Comparison:
    """A comparison with an interval of 0.01 on either side of the ratio."""
    figures = {
        "benchmark": "nbody",
        "metric": "time",
        "ratio": ratio,
        "low": ratio - 0.01,
        "high": ratio + 0.01,
        "low95": ratio,
        "high95": ratio,
        "verdict": verdict,
        "blocks": 5,
        "builds": 1,
        "warnings": (),
    }
    return Comparison(**{**figures, **more})


def suite(ratio: float, verdict: str = "undecided", **more: Any) -> SuiteComparison:
    """The same for a whole suite."""
    figures = vars(comparison(ratio, verdict, **more)).items()
    own = ("benchmark", *TIMES)
    return SuiteComparison(**{name: value for name, value in figures if name not in own})
