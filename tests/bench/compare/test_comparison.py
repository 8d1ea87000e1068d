"""The values of a comparison: their JSON, their limits, and ratios in words."""

from __future__ import annotations

import json
import math

import pytest

from bench.benchmarks import Missing
from bench.compare.comparison import Comparison, Comparisons, interval, spelled
from builder.errors import UsageError

ONE = Comparison(
    benchmark="nbody",
    metric="time",
    ratio=1.1,
    low=None,
    high=None,
    low95=1.0,
    high95=1.2,
    verdict="undecided",
    blocks=1,
    builds=1,
    warnings=("single: one block",),
)


def test_the_document_is_what_its_description_says() -> None:
    missing = (Missing(benchmark="go", reason="no wheel", arm="fast"),)
    comparisons = Comparisons(
        margin=0.01, error=0.05, method="m", comparisons=(ONE,), missing=missing
    )
    document = json.loads(json.dumps(comparisons.document(), allow_nan=False))
    assert document["schema"] == 1
    assert list(document) == [
        *("schema", "margin", "error", "method", "comparisons", "suite", "suites"),
        *("missing", "warnings"),
    ]
    (row,) = document["comparisons"]
    assert list(row) == [
        *("benchmark", "metric", "ratio", "low", "high", "low95", "high95", "verdict"),
        *("blocks", "builds", "warnings"),
    ]
    assert row["low"] is None
    assert document["missing"] == [{"benchmark": "go", "reason": "no wheel"}]
    assert document["suite"] is None


@pytest.mark.parametrize("margin", [-0.01, math.inf, math.nan])
def test_a_margin_out_of_range(margin: float) -> None:
    with pytest.raises(UsageError, match="the margin is"):
        Comparisons(margin=margin, error=0.05, method="m")


@pytest.mark.parametrize("error", [0.0, 1.0, math.nan])
def test_an_error_rate_out_of_range(error: float) -> None:
    with pytest.raises(UsageError, match="the error rate is"):
        Comparisons(margin=0.0, error=error, method="m")


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.1, "1.10x slower"),
        (0.8, "1.25x faster"),
        (2.0, "2.00x slower"),
        (1.004, "1.00x"),
        (0.9999, "1.00x"),
    ],
)
def test_a_ratio_in_words(ratio: float, words: str) -> None:
    assert spelled(ratio) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.98765, 1.0, "0.9877 to 1.0000"), (None, 1.0, "no interval"), (1.0, None, "no interval")],
)
def test_an_interval_in_words(low: float | None, high: float | None, words: str) -> None:
    assert interval(low, high) == words
