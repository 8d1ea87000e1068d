from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats import estimates

log_ratios = st.floats(-3, 3)
samples = st.lists(log_ratios, min_size=2, max_size=30)
times = st.floats(1e-9, 1e4)
alphas = st.floats(1e-4, 0.5)

# Two-sided 95% points of Student's t, from printed tables.
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 9: 2.262, 19: 2.093}


def test_log_ratio_is_of_candidate_over_base() -> None:
    assert estimates.log_ratio(2.0, 1.0) == pytest.approx(-math.log(2))


@given(times, times)
def test_log_ratio_turns_its_sign_when_the_arms_change_places(base: float, other: float) -> None:
    assert estimates.log_ratio(base, other) == -estimates.log_ratio(other, base)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, -math.inf, 1e-320, 1e308])
def test_log_ratio_refuses_what_is_no_time(bad: float) -> None:
    with pytest.raises(ValueError, match="base is"):
        estimates.log_ratio(bad, 1.0)
    with pytest.raises(ValueError, match="candidate is"):
        estimates.log_ratio(1.0, bad)


@pytest.mark.parametrize("count", [2, 3, 4, 10, 20])
def test_interval_of_a_mean_is_students(count: int) -> None:
    values = [0.01 * math.sin(7 * index) for index in range(count)]
    interval = estimates.estimate_mean(values).interval(0.05)
    half = T95[count - 1] * statistics.stdev(values) / math.sqrt(count)
    assert interval == pytest.approx(
        (statistics.fmean(values) - half, statistics.fmean(values) + half), rel=1e-3, abs=1e-5
    )


def test_one_value_has_a_mean_and_no_interval() -> None:
    estimate = estimates.estimate_mean([0.25])
    assert estimate.value == 0.25
    assert estimate.interval(0.05) is None
    assert estimate.p_value() is None
    assert not estimate.skewed(0.05)


def test_equal_values_give_an_interval_of_no_width() -> None:
    estimate = estimates.estimate_mean([0.5] * 4)
    assert estimate.interval(0.001) == (0.5, 0.5)
    assert estimate.p_value() == 0.0


@given(samples, st.floats(-1, 1))
def test_scaling_the_candidate_shifts_everything(values: list[float], shift: float) -> None:
    plain = estimates.estimate_mean(values)
    shifted = estimates.estimate_mean([value + shift for value in values])
    assert shifted.value == pytest.approx(plain.value + shift, abs=1e-9)
    assert shifted.error == pytest.approx(plain.error, abs=1e-9)


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_values_does_not_matter(values: list[float], random: object) -> None:
    mixed = list(values)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    first, second = estimates.estimate_mean(values), estimates.estimate_mean(mixed)
    assert first.value == pytest.approx(second.value, abs=1e-12)
    assert first.error == pytest.approx(second.error, abs=1e-12)


@given(st.lists(times, min_size=1, max_size=20), st.lists(times, min_size=1, max_size=20))
def test_processes_give_the_ratio_of_arithmetic_means(
    base: list[float], candidate: list[float]
) -> None:
    estimate = estimates.estimate_processes(base, candidate)
    assert math.exp(estimate.value) == pytest.approx(
        statistics.fmean(candidate) / statistics.fmean(base)
    )
    interval = estimate.interval(0.05)
    if interval is not None:
        assert interval[0] <= estimate.value <= interval[1]


@given(
    st.lists(st.tuples(st.floats(0.9, 1.1), st.floats(0.9, 1.1)), min_size=2, max_size=20),
)
def test_processes_have_at_least_the_freedom_of_satterthwaite(
    pairs: list[tuple[float, float]],
) -> None:
    """So that 1 is excluded wherever the usual Welch test on log process means excludes it."""
    arms = tuple(zip(*pairs, strict=True))
    estimate = estimates.estimate_processes(*arms)
    parts = [statistics.variance(map(math.log, arm)) / len(arm) for arm in arms]
    assert estimate.error == pytest.approx(math.sqrt(sum(parts)), abs=1e-9)
    if min(parts) > 1e-12:
        usual = (len(pairs) - 1) * sum(parts) ** 2 / sum(part**2 for part in parts)
        assert usual * (1 - 1e-6) <= estimate.freedom <= 2 * (len(pairs) - 1) + 1e-6


@pytest.mark.parametrize(("base", "candidate"), [(10, 10), (3, 17), (17, 3), (5, 20), (3, 3)])
def test_processes_of_one_kind_are_called_no_more_often_than_said(
    base: int, candidate: int
) -> None:
    rng = np.random.default_rng(5)
    calls = {0.05: 0, 0.005: 0}
    for _ in range(2000):
        arms = np.exp(rng.normal(0, 0.01, base + candidate)).tolist()
        p_value = estimates.estimate_processes(arms[:base], arms[base:]).p_value() or 0
        for alpha in calls:
            calls[alpha] += p_value <= alpha
    for alpha, hits in calls.items():
        assert estimates.proportion_bounds(hits, 2000, 0.001)[0] <= alpha


def test_processes_of_one_side_alone_have_no_interval() -> None:
    assert estimates.estimate_processes([1.0], [1.1, 1.2]).interval(0.05) is None


def test_a_far_process_makes_the_ratio_of_means_skewed() -> None:
    base = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99]
    estimate = estimates.estimate_processes(base, [*base[:-1], 30.0] * 5)
    assert estimate.skewed(0.05)
    interval = estimate.interval(0.05)
    assert interval is not None
    assert interval[1] == estimate.value


def test_centre_and_value_on_either_side_of_zero_are_no_difference() -> None:
    estimate = estimates.estimate_processes([1.0] * 10 + [1.01], [0.9] * 10 + [2.5])
    assert estimate.value > 0 > estimate.centre
    assert estimate.p_value() == 1.0


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_processes_refuse_what_is_no_time(bad: float) -> None:
    with pytest.raises(ValueError, match="needed"):
        estimates.estimate_processes([1.0, bad], [1.0, 1.0])
    with pytest.raises(ValueError, match="needed"):
        estimates.estimate_processes([1.0, 1.0], [bad, 1.0])


@given(st.lists(st.lists(log_ratios, min_size=4, max_size=4), min_size=1, max_size=5))
def test_combining_is_the_mean_and_adds_variances(rows: list[list[float]]) -> None:
    parts = [estimates.estimate_mean(row) for row in rows]
    combined = estimates.combine(parts)
    variance = math.fsum((part.error or 0) ** 2 for part in parts) / len(parts) ** 2
    assert combined.value == pytest.approx(statistics.fmean(part.value for part in parts))
    assert combined.error == pytest.approx(math.sqrt(variance), abs=1e-12)
    assert combined.freedom <= 3 * len(parts) + 1e-6


def test_combining_needs_errors() -> None:
    with pytest.raises(ValueError, match="error"):
        estimates.combine([estimates.estimate_mean([0.1])])
    with pytest.raises(ValueError, match="error"):
        estimates.combine([])


@pytest.mark.parametrize(
    ("low", "high", "margin", "expected"),
    [
        (0.995, 1.005, 0.01, "equivalent"),
        (1.002, 1.008, 0.01, "equivalent"),
        (1 / 1.01, 1.01, 0.01, "equivalent"),
        (1.002, 1.02, 0.01, "slower"),
        (0.97, 0.999, 0.01, "faster"),
        (0.98, 1.02, 0.01, "undecided"),
        (1.0, 1.02, 0.01, "undecided"),
        (0.98, 1.0, 0.01, "undecided"),
        (0.989, 1.0, 0.01, "undecided"),
        (0.9999, 1.0001, 0.0, "undecided"),
        (1.0, 1.0, 0.0, "equivalent"),
        (None, None, 0.01, "undecided"),
    ],
)
def test_verdict(low: float | None, high: float | None, margin: float, expected: str) -> None:
    assert estimates.verdict(low, high, margin) == expected


@given(st.floats(0.5, 2), st.floats(0.5, 2), st.floats(0, 0.2))
def test_verdicts_mirror_when_the_arms_change_places(a: float, b: float, margin: float) -> None:
    low, high = sorted((a, b))
    edge = {1 / (1 + margin), 1 + margin, 1.0}
    if any(math.isclose(bound, limit, rel_tol=1e-9) for bound in (low, high) for limit in edge):
        return
    mirror = {"faster": "slower", "slower": "faster"}
    here, there = estimates.verdict(low, high, margin), estimates.verdict(1 / high, 1 / low, margin)
    assert there == mirror.get(here, here)


def test_outliers_are_told() -> None:
    values = [0.001, -0.002, 0.0, 0.002, -0.001, 0.2]
    assert estimates.outliers(values) == (5,)
    assert estimates.outliers(values[:5]) == ()
    assert estimates.outliers([0.0, 0.0, 0.0, 9.0]) == ()
    assert estimates.outliers([0.0] * 6 + [1.0]) == ()


def test_relative_spread() -> None:
    assert estimates.relative_spread([1.0]) == 0.0
    assert estimates.relative_spread([1.0, 3.0]) == pytest.approx(math.sqrt(2) / 2)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(0, 300, 0.0, 0.01222), (5, 100, 0.01643, 0.11283), (10, 10, 0.69150, 1.0)],
)
def test_exact_bounds_of_a_proportion(hits: int, trials: int, low: float, high: float) -> None:
    assert estimates.proportion_bounds(hits, trials) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("hits", "trials"), [(-1, 3), (4, 3), (0, 0)])
def test_no_proportion(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="proportion"):
        estimates.proportion_bounds(hits, trials)
