"""What takes a Result, for tests that write the document that it is read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from bench.compare.comparison import Comparison, SuiteComparison
from bench.results.result import understood
from bench.results.shape import Result

P = ParamSpec("P")
R = TypeVar("R")


def given(function: Callable[Concatenate[Result, P], R]) -> Callable[..., R]:
    """The function, of a document."""

    def called(document: Mapping[str, Any], *more: Any, **named: Any) -> R:
        return function(understood(document), *more, **named)

    return called


def comparison(ratio: float, verdict: str = "undecided", **more: Any) -> Comparison:
    """A comparison as a result has it, with an interval of one percent to either side."""
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
    """The same of a whole suite."""
    figures = vars(comparison(ratio, verdict, **more)).items()
    return SuiteComparison(**{name: one for name, one in figures if name != "benchmark"})
