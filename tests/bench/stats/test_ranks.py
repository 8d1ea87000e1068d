from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from bench.stats import estimates, ranks

# Rounded: squares of the tiniest numbers are no longer what they should be.
log_ratios = st.floats(-3, 3).map(lambda value: round(value, 9))
samples = st.lists(log_ratios, min_size=2, max_size=30)
alphas = st.floats(1e-4, 0.5)


# What both kinds of estimates keep to.
Estimate = Callable[[list[float]], estimates.Estimate | ranks.RankEstimate]
either = pytest.mark.parametrize("estimate", [ranks.estimate_blocks, estimates.estimate_mean])


def scattered(count: int, seed: int = 1, centre: float = 0.0) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).normal(centre, 0.01, count)]


@pytest.mark.parametrize("count", [6, 9, 15, 30, 60])
@pytest.mark.parametrize("centre", [0.0, 0.002, 0.006])
def test_p_values_are_those_of_the_exact_signed_rank_test(count: int, centre: float) -> None:
    values = scattered(count, centre=centre)
    assert not all(value > 0 for value in values)
    result = ranks.estimate_blocks(values).p_value()
    assert result == pytest.approx(wilcoxon(values, method="exact").pvalue)


def test_the_interval_is_the_textbooks() -> None:
    """n = 10: the 95% interval leaves out eight of the averages on either side (printed tables)."""
    values = scattered(10)
    averages = sorted((values[i] + values[j]) / 2 for i in range(10) for j in range(i, 10))
    assert ranks.estimate_blocks(values).interval(0.05) == (averages[8], averages[-9])


def test_one_bad_block_does_not_move_the_ratio() -> None:
    values = scattered(15)
    calm = ranks.estimate_blocks(values)
    disturbed = ranks.estimate_blocks([*values[:-1], 0.15])
    assert abs(disturbed.value - calm.value) < 0.005
    assert statistics.fmean([*values[:-1], 0.15]) - statistics.fmean(values) > 0.008


def test_one_block_has_a_ratio_and_no_interval() -> None:
    estimate = ranks.estimate_blocks([0.25])
    assert estimate.value == 0.25
    assert not estimate.has_error
    assert estimate.interval(0.05) is None
    assert estimate.p_value() is None


@either
@pytest.mark.parametrize("bad", [[], [math.nan], [0.1, math.inf]])
def test_estimates_need_finite_numbers(estimate: Estimate, bad: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        estimate(bad)


def test_equal_blocks_give_an_interval_of_no_width() -> None:
    estimate = ranks.estimate_blocks([0.5] * 4)
    assert estimate.interval(0.001) == (0.5, 0.5)
    assert estimate.p_value() == 0.0
    assert not estimate.spread


def test_where_ranks_are_too_coarse_every_block_must_agree_and_t_as_well() -> None:
    values = [0.05, 0.051, 0.052, 0.049, 0.0505]
    strict = ranks.estimate_blocks(values)
    student = estimates.estimate_mean(values).interval(0.001)
    assert student is not None
    assert strict.interval(0.001) == (min(student[0], 0.049), max(student[1], 0.052))
    assert strict.p_value() == estimates.estimate_mean(values).p_value()
    one_against = ranks.estimate_blocks([*values, -0.0001])
    assert one_against.p_value() == pytest.approx(2 * 2 / 2**6)
    interval = one_against.interval(0.01)
    assert interval is not None
    assert interval[0] < 0


@either
def test_two_values_under_a_strict_level_say_nothing(estimate: Estimate) -> None:
    result = estimate([0.0, 0.1])
    assert result.interval(0.05) is not None
    assert result.interval(1e-6) is None
    assert result.interval(0.0) is None


@either
@given(values=samples, alpha=alphas)
def test_interval_holds_the_estimate_and_grows_with_confidence(
    estimate: Estimate, values: list[float], alpha: float
) -> None:
    result = estimate(values)
    inner, outer = result.interval(alpha), result.interval(alpha / 2)
    if inner is None:
        assert outer is None
        return
    assert inner[0] <= result.value <= inner[1]
    assert outer is None or (outer[0] <= inner[0] and inner[1] <= outer[1])


@either
@given(values=samples, alpha=alphas)
def test_swapping_the_arms_mirrors_the_interval(
    estimate: Estimate, values: list[float], alpha: float
) -> None:
    interval = estimate(values).interval(alpha)
    mirrored = estimate([-value for value in values]).interval(alpha)
    if interval is None or mirrored is None:
        assert interval == mirrored
    else:
        assert mirrored == pytest.approx((-interval[1], -interval[0]))


@given(samples, alphas, st.floats(-1, 1))
def test_scaling_the_candidate_shifts_everything(
    values: list[float], alpha: float, shift: float
) -> None:
    plain = ranks.estimate_blocks(values)
    shifted = ranks.estimate_blocks([value + shift for value in values])
    assert shifted.value == pytest.approx(plain.value + shift, abs=1e-9)
    before, after = plain.interval(alpha), shifted.interval(alpha)
    assume(before is not None and after is not None)
    assert before is not None
    assert after == pytest.approx((before[0] + shift, before[1] + shift), abs=1e-6)


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_blocks_does_not_matter(values: list[float], random: object) -> None:
    mixed = list(values)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    first, second = ranks.estimate_blocks(values), ranks.estimate_blocks(mixed)
    assert first.value == second.value
    assert first.interval(0.05) == pytest.approx(second.interval(0.05))


@either
@given(values=samples, alpha=alphas)
def test_p_value_is_where_the_interval_stops_holding_zero(
    estimate: Estimate, values: list[float], alpha: float
) -> None:
    result = estimate(values)
    interval, p_value = result.interval(alpha), result.p_value()
    assert p_value is not None
    assume(interval is not None and abs(p_value - alpha) > 1e-9 and len(set(values)) > 1)
    assert interval is not None
    assert (interval[0] <= 0 <= interval[1]) == (p_value > alpha)


@pytest.mark.parametrize("count", [2, 5, 12, 25])
@pytest.mark.parametrize("alpha", [0.05, 0.002])
def test_symmetric_noise_of_any_shape_is_called_at_most_so_often(count: int, alpha: float) -> None:
    """Drift of the scale, heavy tails, blocks that hang together: signs alone are random."""
    rng = np.random.default_rng(5)
    sessions = 1500
    called = 0
    for _ in range(sessions):
        sizes = np.abs(rng.standard_t(2, count)) * np.exp(np.cumsum(rng.normal(0, 0.5, count)))
        p_value = ranks.estimate_blocks((sizes * rng.choice([-1, 1], count)).tolist()).p_value()
        called += p_value is not None and p_value <= alpha
    assert estimates.proportion_bounds(called, sessions, 0.001)[0] <= alpha


def test_replicas_are_the_units() -> None:
    values = scattered(18)
    labels = [str(index % 3) for index in range(18)]
    nested = ranks.estimate_blocks(values, labels)
    centres = [ranks.hodges_lehmann(values[replica::3]) for replica in range(3)]
    assert len(nested.units) == 3
    assert nested.interval(0.05) == ranks.estimate_blocks(centres).interval(0.05)


@given(samples)
def test_one_replica_is_the_same_as_none(values: list[float]) -> None:
    labelled = ranks.estimate_blocks(values, ["r0"] * len(values))
    assert labelled.interval(0.05) == ranks.estimate_blocks(values).interval(0.05)


def test_few_replicas_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    builds = [0.01, -0.01, 0.004]
    values = [builds[index % 3] + float(rng.normal(0, 0.002)) for index in range(18)]
    blind = ranks.estimate_blocks(values).interval(0.05)
    honest = ranks.estimate_blocks(values, [index % 3 for index in range(18)]).interval(0.05)
    assert blind is not None
    assert honest is not None
    assert honest[1] - honest[0] > 4 * (blind[1] - blind[0])


def test_replica_labels_must_fit() -> None:
    with pytest.raises(ValueError, match="argument"):
        ranks.estimate_blocks([0.0, 0.1], ["a"])


def suite(rows: list[list[float]]) -> ranks.RankEstimate:
    values = [ranks.estimate_blocks(row).value for row in rows]
    return ranks.estimate_suite([dict(enumerate(row)) for row in rows], values)


@given(st.lists(st.lists(log_ratios, min_size=6, max_size=6), min_size=1, max_size=6))
def test_suite_rests_on_the_rounds_means(rows: list[list[float]]) -> None:
    result = suite(rows)
    means = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
    interval, of_rounds = result.interval(0.05), ranks.estimate_blocks(means).interval(0.05)
    assert len(result.units) == 6
    assert interval is not None
    assert of_rounds is not None
    assert interval[0] == pytest.approx(min(of_rounds[0], result.value))
    assert interval[1] == pytest.approx(max(of_rounds[1], result.value))


@given(st.lists(samples, min_size=2, max_size=6))
def test_suite_ratio_is_the_mean_of_what_is_shown_whatever_the_counts(
    rows: list[list[float]],
) -> None:
    result = suite(rows)
    shown = [ranks.estimate_blocks(row).value for row in rows]
    assert result.value == pytest.approx(math.fsum(shown) / len(shown), abs=1e-9)
    assert len(result.units) == min(map(len, rows))


def test_suite_counts_what_benchmarks_of_a_round_share() -> None:
    """Ten benchmarks that vary together have no more information than one."""
    ratios = scattered(20)
    together, alone = (
        suite([ratios] * 10).interval(0.05),
        ranks.estimate_blocks(ratios).interval(0.05),
    )
    assert together == pytest.approx(alone)
    apart = suite([scattered(20, seed) for seed in range(10)]).interval(0.05)
    assert together is not None
    assert apart is not None
    assert apart[1] - apart[0] < 0.6 * (together[1] - together[0])


def test_suite_takes_replicas_from_its_rounds() -> None:
    rows = [{(index, index % 2): 0.01 * (index % 2) for index in range(8)} for _ in range(3)]
    result = ranks.estimate_suite(rows, [0.005] * 3, {key: key[1] for key in rows[0]})
    assert len(result.units) == 2


@pytest.mark.parametrize("series", [[], [{0: 0.1}, {1: 0.1}]])
def test_suite_needs_a_round_in_common(series: list[dict[int, float]]) -> None:
    with pytest.raises(ValueError, match="in common"):
        ranks.estimate_suite(series, [0.1] * len(series))
