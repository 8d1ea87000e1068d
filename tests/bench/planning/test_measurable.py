"""Which benchmarks a plan can measure, and the reason where it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.benchmarks import Missing
from bench.context import Context
from bench.planning.measurable import chosen, missing_lines
from bench.util.console import Show
from builder.errors import MeasureError
from builder.process import SystemRunner
from tests.builder.upstream import home_at


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(
        home=home_at(tmp_path), project=tmp_path, runner=SystemRunner(), show=Show(quiet=True)
    )


def test_the_true_reason_is_told_before_anything_is_built(context: Context) -> None:
    with pytest.raises(MeasureError, match="None of the chosen benchmarks") as caught:
        chosen(context, "3.9.0a0", ["networkx"], measures=True)
    assert ">=3.11" in caught.value.where
    assert "3.9.0a0" in caught.value.where
    assert "variant" not in f"{caught.value.what} {caught.value.hint}"


def test_what_is_only_built_needs_no_benchmark(context: Context) -> None:
    with pytest.raises(MeasureError, match="can be built, but not measured"):
        chosen(context, "3.5.9+", ["quick"], measures=True)
    suite, selection = chosen(context, "3.5.9+", ["quick"], measures=False)
    assert (suite.benchmarks, selection.benchmarks) == ((), ())


def test_benchmarks_with_one_reason_share_a_line() -> None:
    missing = [Missing(benchmark=name, reason=reason) for name, reason in ("ax", "by", "cx")]
    assert missing_lines(missing) == ["a, c: x", "b: y"]
