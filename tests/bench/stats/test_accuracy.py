from __future__ import annotations

import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench.stats.accuracy import (
    SPAN,
    AccuracyCell,
    accuracy,
    expected_bias,
    least,
    no_harm,
    squared_bias,
)
from bench.stats.estimates import estimate_mean

errors = st.lists(st.floats(-0.3, 0.3), min_size=2, max_size=30).map(tuple)
cells = st.builds(AccuracyCell, errors=errors, seconds=st.floats(0.1, 30))
many_cells = st.lists(cells, min_size=1, max_size=5)


def noisy(spread: float, bias: float = 0.0, count: int = 20, seed: int = 1) -> AccuracyCell:
    """Errors of exactly this mean and standard deviation, in 2 s a block."""
    chance = random.Random(seed)
    drawn = [chance.gauss(0, 1) for _ in range(count)]
    mean, deviation = statistics.fmean(drawn), statistics.stdev(drawn)
    scaled = tuple(bias + spread * (value - mean) / deviation for value in drawn)
    return AccuracyCell(errors=scaled, seconds=2.0)


def test_the_error_of_a_block_counts_from_the_truth_and_not_from_the_mean() -> None:
    result = accuracy([AccuracyCell(errors=(0.03, 0.03, 0.03, 0.03), seconds=1.0)], [])
    assert result.error == pytest.approx(0.03)


def test_each_benchmark_has_the_same_weight() -> None:
    small, large = (
        AccuracyCell(errors=(0.01,) * 100, seconds=1.0),
        AccuracyCell(errors=(0.03,) * 2, seconds=3.0),
    )
    result = accuracy([small, large], [])
    assert result.error == pytest.approx(math.sqrt((0.01**2 + 0.03**2) / 2))
    assert (result.seconds, result.benchmarks, result.blocks) == (2.0, 2, 102)


def test_noise_shrinks_with_time_and_bias_does_not() -> None:
    noise, biased = noisy(0.02), noisy(0.0, bias=0.005)
    only_noise = accuracy([noise], [noisy(0.0)])
    both = accuracy([noise], [biased])
    assert only_noise.after == pytest.approx(only_noise.error * math.sqrt(2.0 / SPAN))
    assert both.after == pytest.approx(math.hypot(only_noise.after, 0.005))


def test_the_interval_of_the_error_is_that_of_a_variance_around_a_known_mean() -> None:
    cell = noisy(0.02, count=20)
    result = accuracy([cell], [])
    total = sum(error * error for error in cell.errors)
    low, high = (math.sqrt(total / scipy_stats.chi2.ppf(q, 20)) for q in (0.975, 0.025))
    assert (result.low, result.high) == pytest.approx((low, high))


def test_the_bias_and_its_interval_are_students() -> None:
    cell = noisy(0.01, bias=0.004)
    result = accuracy([cell], [cell])
    half = scipy_stats.t.ppf(0.975, 19) * 0.01 / math.sqrt(20)
    assert result.bias == pytest.approx(math.expm1(0.004))
    assert (result.bias_low, result.bias_high) == pytest.approx(
        (math.expm1(0.004 - half), math.expm1(0.004 + half))
    )


def test_without_a_known_difference_there_is_no_bias() -> None:
    result = accuracy([noisy(0.01)], [])
    assert (result.bias, result.bias_low, result.bias_high) == (None, None, None)
    assert squared_bias([]) == 0.0


def test_the_squared_bias_is_right_on_average_where_noise_is_larger() -> None:
    """Without taking off what noise adds it would be 0.01^2 / 10 higher: three times the truth."""
    rng = np.random.default_rng(3)
    truth = 0.002
    drawn = rng.normal(truth, 0.01, size=(3000, 10))
    cells = [AccuracyCell(errors=tuple(map(float, row)), seconds=1.0) for row in drawn]
    # All at once, so that nothing is cut off at 0.
    assert squared_bias(cells) == pytest.approx(truth**2, rel=0.25)


@given(same=many_cells, known=st.lists(cells, max_size=3))
def test_what_always_holds(same: list[AccuracyCell], known: list[AccuracyCell]) -> None:
    result = accuracy(same, known)
    assert 0 <= result.low <= result.error * (1 + 1e-9)
    assert result.error <= result.high * (1 + 1e-9)
    assert all(math.isfinite(value) for value in (result.after, result.high, result.seconds))
    if result.bias is not None:
        assert result.bias_low is not None
        assert result.bias_high is not None
        assert result.bias_low <= result.bias + 1e-12 <= result.bias_high + 2e-12
        assert result.after >= accuracy(same, []).after


@given(same=many_cells, known=many_cells, factor=st.floats(0.1, 2))
def test_errors_twice_as_large_are_twice_the_error(
    same: list[AccuracyCell], known: list[AccuracyCell], factor: float
) -> None:
    def scaled(cells: list[AccuracyCell]) -> list[AccuracyCell]:
        return [
            AccuracyCell(
                errors=tuple(factor * error for error in cell.errors), seconds=cell.seconds
            )
            for cell in cells
        ]

    before, after = accuracy(same, known), accuracy(scaled(same), scaled(known))
    assert after.error == pytest.approx(factor * before.error)
    assert after.after == pytest.approx(factor * before.after, rel=1e-3, abs=1e-9)


@given(same=many_cells, known=many_cells)
def test_a_difference_in_the_other_direction_changes_no_error(
    same: list[AccuracyCell], known: list[AccuracyCell]
) -> None:
    def turned(cells: list[AccuracyCell]) -> list[AccuracyCell]:
        return [
            AccuracyCell(errors=tuple(-error for error in cell.errors), seconds=cell.seconds)
            for cell in cells
        ]

    before, after = accuracy(same, known), accuracy(turned(same), turned(known))
    assert (after.error, after.after) == pytest.approx((before.error, before.after))


@pytest.mark.parametrize(
    "same", [[], [AccuracyCell(errors=(0.1,), seconds=1.0)], [AccuracyCell(errors=(), seconds=1.0)]]
)
def test_too_little_is_refused(same: list[AccuracyCell]) -> None:
    with pytest.raises(ValueError, match="two blocks"):
        accuracy(same, [])


def test_the_least_error_for_its_time_wins() -> None:
    quick = AccuracyCell(errors=noisy(0.02).errors, seconds=1.0)
    slow = AccuracyCell(errors=noisy(0.015).errors, seconds=4.0)
    biased = AccuracyCell(errors=noisy(0.005).errors, seconds=1.0)
    result = {
        "slow": accuracy([slow], []),
        "quick": accuracy([quick], []),
        "biased": accuracy([biased], [noisy(0.0, bias=0.01)]),
    }
    assert least(result) == "quick"
    assert least({"slow": result["slow"], "biased": result["biased"]}) == "slow"


def test_harm_must_be_shown_to_be_small() -> None:
    alone = noisy(0.01, count=200, seed=1).errors
    assert no_harm(alone, noisy(0.0095, count=200, seed=2).errors)
    assert not no_harm(alone, noisy(0.013, count=200, seed=2).errors)
    # The same ratio of few errors shows nothing.
    assert not no_harm(alone[:12], alone[:12])
    assert not no_harm(alone, alone[:9])
    assert not no_harm(alone[:9], alone)


def test_the_bound_of_harm_is_exceeded_in_one_of_twenty() -> None:
    """True errors just as much larger as is borne: allowed in 5% of the tries."""
    rng = np.random.default_rng(5)
    tries = 2000
    allowed = sum(
        no_harm(rng.normal(size=40).tolist(), (1.25 * rng.normal(size=60)).tolist())
        for _ in range(tries)
    )
    assert scipy_stats.binomtest(allowed, tries, 0.05).pvalue > 0.001


@pytest.mark.parametrize(("together", "harmless"), [([0.0] * 12, True), ([0.1] * 12, False)])
def test_blocks_without_any_error(together: list[float], harmless: bool) -> None:
    assert no_harm([0.0] * 12, together) is harmless


def test_a_mean_error_that_others_do_not_share_is_mostly_noise() -> None:
    """One of five is off by 2.5 standard errors, as one of five without bias may well be."""
    odd = noisy(0.02, bias=0.011)
    others = [noisy(0.02, bias=bias) for bias in (0.002, -0.003, 0.0, 0.001)]
    alone, pooled = accuracy([noisy(0.01)], [odd]), accuracy([noisy(0.01)], [odd], [odd, *others])
    assert pooled.bias == alone.bias
    assert pooled.after < 0.6 * alone.after


@given(st.floats(0.0, 0.05), st.floats(0.0001, 0.05))
def test_an_expected_bias_lies_between_none_and_what_was_seen(bias: float, usual: float) -> None:
    cell = noisy(0.001, bias=bias)
    error = estimate_mean(cell.errors).error or 0.0
    result = expected_bias([cell], usual**2)
    assert 0 <= result <= (bias + 1e-9) ** 2 + error**2
    assert expected_bias([cell], 0.0) == 0.0
