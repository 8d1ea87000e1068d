from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.benchmarks.suites import Missing
from bench.compare.blocks import (
    BenchmarkBlocks,
    PairedBlock,
    Recorded,
    compare_blocks,
    compare_processes,
)
from bench.compare.comparison import Comparisons, SuiteComparison, spelled
from builder.errors import DataError, UsageError

KEYS = ["benchmark", "metric", "ratio", "low", "high", "low95", "high95", "verdict", "blocks"]
KEYS += ["builds", "warnings"]


def measured(name: str, ratios: list[float], **more: Any) -> BenchmarkBlocks:
    blocks = tuple(
        PairedBlock(number=index, base=0.5, candidate=0.5 * ratio)
        for index, ratio in enumerate(ratios)
    )
    return BenchmarkBlocks(benchmark=name, blocks=blocks, **more)


def around(ratio: float, spread: float = 0.002, count: int = 10) -> list[float]:
    """Ratios whose geometric mean is exactly `ratio`."""
    return [ratio * math.exp(spread * (index % 2 * 2 - 1)) for index in range(count)]


def codes(row: SuiteComparison) -> list[str]:
    return [warning.partition(":")[0] for warning in row.warnings]


def test_ratio_is_candidate_over_base() -> None:
    result = compare_blocks([measured("slow", around(1.1)), measured("fast", around(0.9))])
    slow, fast = result.comparisons
    assert (slow.ratio, slow.verdict) == (pytest.approx(1.1), "slower")
    assert (fast.ratio, fast.verdict) == (pytest.approx(0.9), "faster")


def test_all_four_verdicts() -> None:
    given_ratios = {
        "slower": around(1.05),
        "faster": around(0.95),
        "equivalent": around(1.001, 0.001, 20),
        "undecided": around(1.02, 0.2),
    }
    result = compare_blocks([measured(name, ratios) for name, ratios in given_ratios.items()])
    assert {row.benchmark: row.verdict for row in result.comparisons} == {
        name: name for name in given_ratios
    }


def test_the_margin_decides_what_is_equivalent() -> None:
    inside = [measured("b", around(1.015, 0.001))]
    assert compare_blocks(inside, margin=0.01).comparisons[0].verdict == "slower"
    assert compare_blocks(inside, margin=0.03).comparisons[0].verdict == "equivalent"


def test_suite_is_the_geometric_mean_of_the_ratios() -> None:
    result = compare_blocks([measured(f"b{n}", around(1 + n / 100)) for n in range(5)])
    assert result.suite is not None
    assert result.suite.ratio == pytest.approx(
        math.prod(row.ratio for row in result.comparisons) ** (1 / 5)
    )
    assert (result.suite.blocks, result.suite.builds) == (10, 1)


def test_a_suite_of_arms_with_two_speeds_says_so() -> None:
    """Each benchmark is 40% slower in two rounds of twelve, each in others: all rounds' means are
    slower, and what most blocks show is not.
    """
    noise = np.random.default_rng(3).normal(0, 0.005, (6, 12))
    calm = [measured(f"b{n}", np.exp(row).tolist()) for n, row in enumerate(noise)]
    for benchmark in range(6):
        noise[benchmark, 2 * benchmark : 2 * benchmark + 2] += 0.4
    torn = [measured(f"b{n}", np.exp(row).tolist()) for n, row in enumerate(noise)]

    suite = compare_blocks(calm).suite
    assert suite is not None
    assert codes(suite) == ["one-build"]
    suite = compare_blocks(torn).suite
    assert suite is not None
    assert codes(suite) == ["one-build", "two-speeds"]
    assert suite.low == pytest.approx(suite.ratio)  # extended to it
    assert suite.high is not None
    assert suite.high > 1.05


def test_many_benchmarks_widen_the_interval_that_gives_the_verdict() -> None:
    rng = np.random.default_rng(1)
    noise = [np.exp(rng.normal(0, 0.01, 10)).tolist() for _ in range(40)]
    alone = compare_blocks([measured("b0", noise[0])]).comparisons[0]
    among = compare_blocks([measured(f"b{n}", row) for n, row in enumerate(noise)]).comparisons[0]
    assert (alone.low, alone.high) == (alone.low95, alone.high95)
    assert (among.low95, among.high95) == (alone.low95, alone.high95)
    assert among.low is not None
    assert alone.low is not None
    assert among.low < alone.low


def test_another_metric_is_a_family_and_a_suite_of_its_own() -> None:
    result = compare_blocks(
        [
            measured("b", around(1.1)),
            measured("b", around(0.8), metric="memory"),
            measured("c", around(1.2)),
        ]
    )
    assert [(row.benchmark, row.metric) for row in result.comparisons] == [
        ("b", "time"),
        ("c", "time"),
        ("b", "memory"),
    ]
    assert result.suite is not None
    assert result.suite.ratio == pytest.approx(math.sqrt(1.1 * 1.2))
    assert [(row.metric, row.ratio) for row in result.suites] == [("memory", pytest.approx(0.8))]


def test_without_times_there_is_no_suite_of_times() -> None:
    result = compare_blocks([measured("b", around(0.8), metric="memory")])
    assert result.suite is None
    assert len(result.suites) == 1


def test_one_block_has_a_ratio_but_no_interval() -> None:
    (row,) = compare_blocks([measured("b", [1.3])]).comparisons
    assert row.ratio == pytest.approx(1.3)
    assert (row.low, row.high, row.low95, row.high95) == (None,) * 4
    assert (row.verdict, row.blocks) == ("undecided", 1)
    assert "one-block" in codes(row)


def test_two_to_four_blocks_give_wide_intervals_and_say_so() -> None:
    widths = []
    for count in (2, 3, 4, 5):
        (row,) = compare_blocks([measured("b", [1.0, 1.02, 1.0, 1.02, 1.0][:count])]).comparisons
        assert row.low95 is not None
        assert row.high95 is not None
        widths.append(row.high95 / row.low95)
        assert ("few-blocks" in codes(row)) == (count < 5)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 1.2


def test_two_blocks_among_a_thousand_benchmarks_have_no_adjusted_interval() -> None:
    result = compare_blocks([measured(f"b{n}", [1.0, 1.4]) for n in range(1000)])
    row = result.comparisons[0]
    assert row.low95 is not None
    assert (row.low, row.high, row.verdict) == (None, None, "undecided")


def test_suite_leaves_out_who_has_one_block_and_says_so() -> None:
    result = compare_blocks(
        [measured("a", around(1.1)), measured("lonely", [3.0]), measured("c", around(1.1))]
    )
    assert result.suite is not None
    assert result.suite.ratio == pytest.approx(1.1)
    assert "lonely" in result.suite.warnings[-1]


def test_suite_of_single_blocks_has_a_ratio_and_no_interval() -> None:
    result = compare_blocks([measured("a", [1.1]), measured("b", [1.1])])
    assert result.suite is not None
    assert result.suite.ratio == pytest.approx(1.1)
    assert (result.suite.low95, result.suite.verdict) == (None, "undecided")


def test_replicas_are_counted_and_widen() -> None:
    def blocks(labels: list[str]) -> BenchmarkBlocks:
        ratios = [1.03, 1.01, 1.02] * 4
        return BenchmarkBlocks(
            benchmark="b",
            blocks=tuple(
                PairedBlock(number=i, base=1.0, candidate=ratio * (1 + i % 2 / 1000), replica=label)
                for i, (ratio, label) in enumerate(zip(ratios, labels, strict=True))
            ),
        )

    row = compare_blocks([blocks([""] * 12)])
    three = compare_blocks([blocks(["r0", "r1", "r2"] * 4)])
    assert row.suite is not None
    assert three.suite is not None
    assert (row.comparisons[0].builds, three.comparisons[0].builds) == (1, 3)
    assert (row.suite.builds, three.suite.builds) == (1, 3)
    assert "one-build" in codes(row.comparisons[0])
    assert "one-build" not in codes(three.comparisons[0]) + codes(three.suite)
    assert (three.comparisons[0].low95 or 0) < (row.comparisons[0].low95 or 0)
    assert (three.suite.low95 or 0) < (row.suite.low95 or 0)


def test_outlying_blocks_count_and_are_told() -> None:
    ratios = [*around(1.0, count=9), 1.3]
    (row,) = compare_blocks([measured("b", ratios)]).comparisons
    assert row.ratio == pytest.approx(1.0)
    assert row.high95 is not None
    assert row.high95 > 1.0
    assert "outlying-blocks" in codes(row)
    assert row.blocks == 10


def test_after_looks_the_suite_rests_on_the_blocks_that_all_have() -> None:
    """So that who was measured on, and why, does not matter to it; the ratio is that of all."""
    long = [*around(1.02, count=6), *around(1.2, count=6)]
    both = [measured("a", long), measured("b", around(1.0, count=6))]
    cut = [measured("a", long[:6]), measured("b", around(1.0, count=6))]
    suite = compare_blocks(both, suite_looks=(0.5,)).suite
    of_cut = compare_blocks(cut, suite_looks=(0.5,)).suite
    assert suite is not None
    assert of_cut is not None
    assert suite.ratio == pytest.approx(math.sqrt(math.sqrt(1.02 * 1.2) * 1.0))
    assert (suite.low, suite.low95) == pytest.approx((of_cut.low, of_cut.low95))
    # Extended to hold the ratio.
    assert suite.high == pytest.approx(suite.ratio)
    assert suite.blocks == 6
    assert codes(suite) == ["one-build", "common-blocks"]
    assert codes(of_cut) == ["one-build"]
    without = compare_blocks(both).suite
    assert without is not None
    assert (without.low95, without.blocks) == (of_cut.low95, 6)


def test_looking_early_widens_and_the_plain_interval_stays() -> None:
    ratios = [1.02 + 0.001 * index for index in range(-6, 7)]
    (late,) = compare_blocks([measured("b", ratios)]).comparisons
    result = compare_blocks([measured("b", ratios, looks=(0.25, 0.5))], suite_looks=(0.5,))
    (early,) = result.comparisons
    assert result.suite is not None
    assert (early.low95, early.high95) == (late.low95, late.high95)
    assert (early.low or 9) < (late.low or 0)
    assert (result.suite.low or 9) < (result.suite.low95 or 0)


def test_no_blocks_is_missing_and_what_is_missing_is_handed_through() -> None:
    hung = Missing(benchmark="hung", reason="took longer than 60 s")
    result = compare_blocks([measured("none", [])], missing=[hung], warnings=["load: high"])
    assert result.missing == (hung, Missing(benchmark="none", reason="no block"))
    assert (result.comparisons, result.suite) == ((), None)
    assert result.warnings == ("load: high",)


@pytest.mark.parametrize("bad", [0.0, -0.1, math.nan, math.inf])
def test_a_time_that_is_none_is_refused_by_name(bad: float) -> None:
    blocks = (PairedBlock(number=7, base=1.0, candidate=bad),)
    with pytest.raises(DataError, match="candidate is") as caught:
        compare_blocks([BenchmarkBlocks(benchmark="b", blocks=blocks)])
    assert caught.value.where == "b, block 7"
    with pytest.raises(DataError) as caught:
        compare_processes([Recorded(benchmark="b", base=(bad,), candidate=(1.0,))])
    assert caught.value.where == "b"


def test_the_same_thing_twice_is_refused() -> None:
    with pytest.raises(DataError, match="twice"):
        compare_blocks([measured("b", [1.0]), measured("b", [1.0])])
    twice = (
        PairedBlock(number=0, base=1.0, candidate=1.0),
        PairedBlock(number=0, base=1.0, candidate=1.1),
    )
    with pytest.raises(DataError, match="twice"):
        compare_blocks([BenchmarkBlocks(benchmark="b", blocks=twice)])


@pytest.mark.parametrize("bad", [-0.01, math.nan, math.inf])
def test_a_margin_out_of_range_is_refused(bad: float) -> None:
    with pytest.raises(UsageError, match="margin"):
        compare_blocks([], margin=bad)


@pytest.mark.parametrize("bad", [0.0, 1.0, -1.0, math.nan])
def test_an_error_rate_out_of_range_is_refused(bad: float) -> None:
    with pytest.raises(UsageError, match="error rate"):
        compare_processes([], error=bad)


def recorded(name: str, base: list[float], candidate: list[float]) -> Recorded:
    return Recorded(benchmark=name, base=tuple(base), candidate=tuple(candidate))


def test_processes_say_what_they_lack() -> None:
    result = compare_processes([recorded("b", [1.0, 1.01] * 5, [1.1, 1.12] * 5)])
    (row,) = result.comparisons
    assert result.suite is not None
    assert (row.verdict, row.blocks, row.builds) == ("slower", 0, 1)
    assert codes(row) == ["no-blocks", "one-build"]
    assert codes(result.suite) == ["no-blocks", "one-build"]


@pytest.mark.parametrize(
    ("base", "candidate", "code"),
    [
        ([1.0], [1.0, 1.1], "one-process"),
        ([1.0, 1.01, 1.02], [1.0, 1.1, 1.0], "few-processes"),
        ([1.0, 1.01] * 5, [1.0, 1.01] * 4, "unequal-processes"),
        ([1.0, 1.5] * 5, [1.0, 1.01] * 5, "unstable"),
        ([1.0, 1.01] * 5, [1.0] * 9 + [1e9], "skewed"),
    ],
)
def test_processes_warn(base: list[float], candidate: list[float], code: str) -> None:
    (row,) = compare_processes([recorded("b", base, candidate)]).comparisons
    assert code in codes(row)


def test_processes_of_one_side_only_are_missing() -> None:
    result = compare_processes([recorded("b", [1.0], []), recorded("c", [], [])])
    assert [(row.benchmark, row.reason) for row in result.missing] == [
        ("b", "no values in the candidate"),
        ("c", "no values in the base"),
        ("c", "no values in the candidate"),
    ]


def test_suite_of_processes_leaves_out_single_ones() -> None:
    result = compare_processes(
        [recorded("b", [1.0, 1.01], [2.0, 2.01]), recorded("alone", [1.0], [5.0])]
    )
    assert result.suite is not None
    assert result.suite.ratio == pytest.approx(result.comparisons[0].ratio)
    assert "alone" in result.suite.warnings[-1]
    bare = compare_processes([recorded("alone", [1.0], [5.0])])
    assert bare.suite is not None
    assert (bare.suite.ratio, bare.suite.low95) == (pytest.approx(5.0), None)


def test_json_has_the_agreed_shape() -> None:
    result = compare_blocks(
        [measured("b", around(1.1)), measured("one", [1.0])],
        missing=[Missing(benchmark="c", reason="crashed")],
    )
    data = json.loads(json.dumps(result.document(), allow_nan=False))
    assert list(data) == [
        "schema",
        *("margin", "error", "method"),
        *("comparisons", "suite", "suites", "missing", "warnings"),
    ]
    assert data["schema"] == 1
    assert [list(row) for row in data["comparisons"]] == [KEYS, KEYS]
    assert list(data["suite"]) == KEYS[1:]
    assert data["comparisons"][1]["low"] is None
    assert data["missing"] == [{"benchmark": "c", "reason": "crashed"}]
    assert "schema" not in result.as_json()


extreme = st.floats(1e-100, 1e100)


@given(st.lists(st.tuples(extreme, extreme), min_size=1, max_size=6), st.integers(1, 3))
def test_json_numbers_are_finite_whatever_was_measured(
    pairs: list[tuple[float, float]], replicas: int
) -> None:
    blocks = tuple(
        PairedBlock(number=index, base=base, candidate=candidate, replica=str(index % replicas))
        for index, (base, candidate) in enumerate(pairs)
    )
    sides = tuple(zip(*pairs, strict=True))
    for result in (
        compare_blocks([BenchmarkBlocks(benchmark="b", blocks=blocks)]),
        compare_processes([Recorded(benchmark="b", base=sides[0], candidate=sides[1])]),
    ):
        json.dumps(result.document(), allow_nan=False)
        _holds_together(result)


@given(st.lists(st.lists(st.floats(0.8, 1.25), min_size=1, max_size=8), min_size=1, max_size=6))
def test_intervals_and_verdicts_hold_together(rows: list[list[float]]) -> None:
    result = compare_blocks([measured(f"b{n}", row) for n, row in enumerate(rows)])
    _holds_together(result)
    swapped = compare_blocks(
        [measured(f"b{n}", [1 / ratio for ratio in row]) for n, row in enumerate(rows)]
    )
    for row, other in zip(result.comparisons, swapped.comparisons, strict=True):
        assert other.ratio == pytest.approx(1 / row.ratio)


def _holds_together(result: Comparisons) -> None:
    assert result.suite is not None
    for row in (*result.comparisons, result.suite):
        if row.low95 is None or row.high95 is None:
            assert (row.low, row.high, row.verdict) == (None, None, "undecided")
            continue
        assert row.low95 <= row.ratio <= row.high95
        if row.low is None or row.high is None:
            assert row.verdict == "undecided"
            continue
        assert row.low <= row.low95 * (1 + 1e-9)
        assert row.high >= row.high95 * (1 - 1e-9)
        assert row.verdict != "slower" or row.low > 1
        assert row.verdict != "faster" or row.high < 1


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.1, "1.10x slower"),
        (1 / 1.1, "1.10x faster"),
        (0.8, "1.25x faster"),
        (1.25, "1.25x slower"),
        (1.0, "1.00x"),
        (1.004, "1.00x"),
        (0.996, "1.00x"),
        (2.0, "2.00x slower"),
        (0.5, "2.00x faster"),
    ],
)
def test_spelled(ratio: float, words: str) -> None:
    assert spelled(ratio) == words


@given(st.floats(0.01, 100))
def test_spelled_says_the_same_of_both_directions(ratio: float) -> None:
    there, back = spelled(ratio), spelled(1 / ratio)
    assert there.partition("x")[0] == back.partition("x")[0]


def test_any_block_with_the_means_of_its_arms_is_compared_as_it_is() -> None:
    """A session's records, a calibration's samples: nothing is copied into another value."""

    class Kept:
        def __init__(self, number: int, replica: int) -> None:
            self.number, self.replica = number, replica
            self.means = {"base": 2.0, "slow": 2.2 + number / 1000, "fast": 1.0}

    kept = [Kept(number, number % 2) for number in range(8)]
    slow, turned = (
        compare_blocks([BenchmarkBlocks(benchmark="b", blocks=kept, arms=arms)]).comparisons[0]
        for arms in (("base", "slow"), ("slow", "base"))
    )
    pairs = [
        PairedBlock(number=row.number, base=2.0, candidate=row.means["slow"], replica=row.replica)
        for row in kept
    ]
    assert compare_blocks([BenchmarkBlocks(benchmark="b", blocks=pairs)]).comparisons == (slow,)
    assert slow.ratio == pytest.approx(1.1, rel=0.01)
    assert slow.builds == 2
    assert turned.ratio == pytest.approx(1 / slow.ratio)
