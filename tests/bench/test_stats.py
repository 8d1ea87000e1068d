from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import stats

log_ratios = st.floats(-3, 3)
samples = st.lists(log_ratios, min_size=2, max_size=30)
times = st.floats(1e-9, 1e4)
alphas = st.floats(1e-4, 0.5)

# Two-sided 95% points of Student's t, from printed tables.
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 9: 2.262, 19: 2.093}


def test_log_ratio_is_of_candidate_over_base() -> None:
    assert stats.log_ratio(2.0, 1.0) == pytest.approx(-math.log(2))


@given(times, times)
def test_log_ratio_turns_its_sign_when_the_arms_change_places(base: float, other: float) -> None:
    assert stats.log_ratio(base, other) == -stats.log_ratio(other, base)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, -math.inf, 1e-320, 1e308])
def test_log_ratio_refuses_what_is_no_time(bad: float) -> None:
    with pytest.raises(ValueError, match="base is"):
        stats.log_ratio(bad, 1.0)
    with pytest.raises(ValueError, match="candidate is"):
        stats.log_ratio(1.0, bad)


@pytest.mark.parametrize("count", [2, 3, 4, 10, 20])
def test_interval_of_blocks_is_students(count: int) -> None:
    values = [0.01 * math.sin(7 * index) for index in range(count)]
    interval = stats.estimate_blocks(values).interval(0.05)
    half = T95[count - 1] * statistics.stdev(values) / math.sqrt(count)
    assert interval == pytest.approx(
        (statistics.fmean(values) - half, statistics.fmean(values) + half), rel=1e-3, abs=1e-5
    )


def test_one_block_has_a_ratio_and_no_interval() -> None:
    estimate = stats.estimate_blocks([0.25])
    assert estimate.value == 0.25
    assert estimate.interval(0.05) is None
    assert estimate.p_value() is None
    assert not estimate.skewed(0.05)


@pytest.mark.parametrize("bad", [[], [math.nan], [0.1, math.inf]])
def test_blocks_need_finite_numbers(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        stats.estimate_blocks(bad)


def test_equal_blocks_give_an_interval_of_no_width() -> None:
    estimate = stats.estimate_blocks([0.5] * 4)
    assert estimate.interval(0.001) == (0.5, 0.5)
    assert estimate.p_value() == 0.0


def test_two_blocks_under_a_strict_level_say_nothing() -> None:
    estimate = stats.estimate_blocks([0.0, 0.1])
    assert estimate.interval(0.05) is not None
    assert estimate.interval(1e-6) is None
    assert estimate.interval(0.0) is None


@given(samples, alphas)
def test_interval_holds_the_estimate_and_grows_with_confidence(
    values: list[float], alpha: float
) -> None:
    estimate = stats.estimate_blocks(values)
    inner, outer = estimate.interval(alpha), estimate.interval(alpha / 2)
    if inner is None:
        assert outer is None
        return
    assert inner[0] <= estimate.value <= inner[1]
    assert outer is None or (outer[0] <= inner[0] and inner[1] <= outer[1])


@given(samples, alphas)
def test_swapping_the_arms_mirrors_the_interval(values: list[float], alpha: float) -> None:
    interval = stats.estimate_blocks(values).interval(alpha)
    mirrored = stats.estimate_blocks([-value for value in values]).interval(alpha)
    if interval is None or mirrored is None:
        assert interval == mirrored
    else:
        assert mirrored == pytest.approx((-interval[1], -interval[0]))


@given(samples, st.floats(-1, 1))
def test_scaling_the_candidate_shifts_everything(values: list[float], shift: float) -> None:
    plain = stats.estimate_blocks(values)
    shifted = stats.estimate_blocks([value + shift for value in values])
    assert shifted.value == pytest.approx(plain.value + shift, abs=1e-9)
    assert shifted.error == pytest.approx(plain.error, abs=1e-9)


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_blocks_does_not_matter(values: list[float], random: object) -> None:
    mixed = list(values)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = stats.estimate_blocks(values), stats.estimate_blocks(mixed)
    assert one.value == pytest.approx(other.value, abs=1e-12)
    assert one.error == pytest.approx(other.error, abs=1e-12)


@given(samples, alphas)
def test_p_value_is_where_the_interval_stops_holding_zero(
    values: list[float], alpha: float
) -> None:
    estimate = stats.estimate_blocks(values)
    interval, p_value = estimate.interval(alpha), estimate.p_value()
    assert p_value is not None
    if interval is None or abs(p_value - alpha) < 1e-9 or estimate.error == 0:
        return
    assert (interval[0] <= 0 <= interval[1]) == (p_value > alpha)


@given(st.lists(log_ratios, min_size=2, max_size=8), st.integers(1, 5))
def test_replicas_evenly_spread_give_the_t_of_their_means(means: list[float], each: int) -> None:
    wiggle = [0.1 * (index - (each - 1) / 2) for index in range(each)]
    values = [mean + one for one in wiggle for mean in means]
    labels = [str(replica) for _ in wiggle for replica in range(len(means))]
    nested = stats.estimate_blocks(values, labels)
    of_means = stats.estimate_blocks(means)
    assert nested.value == pytest.approx(of_means.value, abs=1e-9)
    assert nested.error == pytest.approx(of_means.error, abs=1e-9)
    assert nested.freedom == len(means) - 1


@given(samples)
def test_one_replica_is_the_same_as_none(values: list[float]) -> None:
    assert stats.estimate_blocks(values, ["r0"] * len(values)) == stats.estimate_blocks(values)


def test_few_replicas_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    builds = [0.01, -0.01, 0.004]
    values = [builds[index % 3] + float(rng.normal(0, 0.002)) for index in range(18)]
    blind = stats.estimate_blocks(values).interval(0.05)
    honest = stats.estimate_blocks(values, [index % 3 for index in range(18)]).interval(0.05)
    assert blind is not None
    assert honest is not None
    assert honest[1] - honest[0] > 4 * (blind[1] - blind[0])


def test_replica_labels_must_fit() -> None:
    with pytest.raises(ValueError, match="labels"):
        stats.estimate_blocks([0.0, 0.1], ["a"])


@given(st.lists(st.lists(log_ratios, min_size=6, max_size=6), min_size=1, max_size=6))
def test_suite_of_complete_rounds_is_the_t_of_the_rounds_means(rows: list[list[float]]) -> None:
    suite = stats.estimate_suite([dict(enumerate(row)) for row in rows])
    rounds = stats.estimate_blocks([math.fsum(column) / len(rows) for column in zip(*rows)])  # noqa: B905
    assert suite.value == pytest.approx(rounds.value, abs=1e-9)
    assert suite.error == pytest.approx(rounds.error, abs=1e-9)
    assert suite.freedom == pytest.approx(5)


@given(samples)
def test_suite_of_one_benchmark_is_that_benchmark(values: list[float]) -> None:
    suite = stats.estimate_suite([dict(enumerate(values))])
    alone = stats.estimate_blocks(values)
    assert suite.value == pytest.approx(alone.value)
    assert suite.error == pytest.approx(alone.error, abs=1e-9)
    assert suite.freedom == pytest.approx(alone.freedom)


@given(st.lists(samples, min_size=2, max_size=6))
def test_suite_ratio_is_the_mean_of_the_benchmarks_whatever_their_counts(
    rows: list[list[float]],
) -> None:
    suite = stats.estimate_suite([dict(enumerate(row)) for row in rows])
    means = [stats.estimate_blocks(row).value for row in rows]
    assert suite.value == pytest.approx(math.fsum(means) / len(means), abs=1e-9)
    assert suite.error is not None
    assert suite.freedom > 0


def test_suite_counts_what_benchmarks_of_a_round_share() -> None:
    """Ten benchmarks that move together tell no more than one."""
    one = [0.01, -0.02, 0.015, 0.0, -0.01]
    together = stats.estimate_suite([dict(enumerate(one))] * 10)
    apart = stats.estimate_suite(
        [{(number, index): value for index, value in enumerate(one)} for number in range(10)]
    )
    alone = stats.estimate_blocks(one)
    assert together.error == pytest.approx(alone.error)
    assert apart.error == pytest.approx((alone.error or 0) / math.sqrt(10), rel=0.05)
    assert apart.freedom > together.freedom


def test_suite_of_uneven_benchmarks_has_the_right_error() -> None:
    """Against the truth: the spread of 1500 simulated suites."""
    rng = np.random.default_rng(11)
    counts = (3, 8, 20)
    values, variances = [], []
    for _ in range(1500):
        rows = [dict(enumerate(rng.normal(0, 0.01, count).tolist())) for count in counts]
        suite = stats.estimate_suite(rows)
        values.append(suite.value)
        variances.append((suite.error or 0) ** 2)
    assert statistics.fmean(variances) == pytest.approx(statistics.variance(values), rel=0.15)


def test_suite_takes_replicas_from_its_rounds() -> None:
    rows = [{(index, index % 2): 0.01 * (index % 2) for index in range(8)} for _ in range(3)]
    suite = stats.estimate_suite(rows, {key: key[1] for key in rows[0]})
    assert suite.units == 2
    assert suite.freedom == 1


@pytest.mark.parametrize("series", [[], [{0: 0.1}], [{0: 0.1, 1: 0.2}, {0: 0.1}]])
def test_suite_needs_two_rounds_of_each(series: list[dict[int, float]]) -> None:
    with pytest.raises(ValueError, match="two rounds"):
        stats.estimate_suite(series)


@given(st.lists(times, min_size=1, max_size=20), st.lists(times, min_size=1, max_size=20))
def test_processes_give_the_ratio_of_arithmetic_means(
    base: list[float], candidate: list[float]
) -> None:
    estimate = stats.estimate_processes(base, candidate)
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
    estimate = stats.estimate_processes(*arms)
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
    found = {0.05: 0, 0.005: 0}
    for _ in range(2000):
        arms = np.exp(rng.normal(0, 0.01, base + candidate)).tolist()
        p_value = stats.estimate_processes(arms[:base], arms[base:]).p_value() or 0
        for alpha in found:
            found[alpha] += p_value <= alpha
    for alpha, hits in found.items():
        assert stats.proportion_bounds(hits, 2000, 0.001)[0] <= alpha


def test_processes_of_one_side_alone_have_no_interval() -> None:
    assert stats.estimate_processes([1.0], [1.1, 1.2]).interval(0.05) is None


def test_a_far_process_makes_the_ratio_of_means_skewed() -> None:
    base = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99]
    estimate = stats.estimate_processes(base, [*base[:-1], 30.0] * 5)
    assert estimate.skewed(0.05)
    interval = estimate.interval(0.05)
    assert interval is not None
    assert interval[1] == estimate.value


def test_centre_and_value_on_either_side_of_zero_are_no_difference() -> None:
    estimate = stats.estimate_processes([1.0] * 10 + [1.01], [0.9] * 10 + [2.5])
    assert estimate.value > 0 > estimate.centre
    assert estimate.p_value() == 1.0


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_processes_refuse_what_is_no_time(bad: float) -> None:
    with pytest.raises(ValueError, match="needed"):
        stats.estimate_processes([1.0, bad], [1.0, 1.0])
    with pytest.raises(ValueError, match="needed"):
        stats.estimate_processes([1.0, 1.0], [bad, 1.0])


@given(st.lists(st.lists(log_ratios, min_size=4, max_size=4), min_size=1, max_size=5))
def test_combining_is_the_mean_and_adds_variances(rows: list[list[float]]) -> None:
    parts = [stats.estimate_blocks(row) for row in rows]
    combined = stats.combine(parts)
    variance = math.fsum((one.error or 0) ** 2 for one in parts) / len(parts) ** 2
    assert combined.value == pytest.approx(statistics.fmean(one.value for one in parts))
    assert combined.error == pytest.approx(math.sqrt(variance), abs=1e-12)
    assert combined.freedom <= 3 * len(parts) + 1e-6


def test_combining_needs_errors() -> None:
    with pytest.raises(ValueError, match="error"):
        stats.combine([stats.estimate_blocks([0.1])])
    with pytest.raises(ValueError, match="error"):
        stats.combine([])


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
    assert stats.verdict(low, high, margin) == expected


@given(st.floats(0.5, 2), st.floats(0.5, 2), st.floats(0, 0.2))
def test_verdicts_mirror_when_the_arms_change_places(a: float, b: float, margin: float) -> None:
    low, high = sorted((a, b))
    edge = {1 / (1 + margin), 1 + margin, 1.0}
    if any(math.isclose(bound, one, rel_tol=1e-9) for bound in (low, high) for one in edge):
        return
    mirror = {"faster": "slower", "slower": "faster"}
    here, there = stats.verdict(low, high, margin), stats.verdict(1 / high, 1 / low, margin)
    assert there == mirror.get(here, here)


def test_outliers_are_told() -> None:
    values = [0.001, -0.002, 0.0, 0.002, -0.001, 0.2]
    assert stats.outliers(values) == (5,)
    assert stats.outliers(values[:5]) == ()
    assert stats.outliers([0.0, 0.0, 0.0, 9.0]) == ()
    assert stats.outliers([0.0] * 6 + [1.0]) == ()


def test_relative_spread() -> None:
    assert stats.relative_spread([1.0]) == 0.0
    assert stats.relative_spread([1.0, 3.0]) == pytest.approx(math.sqrt(2) / 2)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(0, 300, 0.0, 0.01222), (5, 100, 0.01643, 0.11283), (10, 10, 0.69150, 1.0)],
)
def test_exact_bounds_of_a_proportion(hits: int, trials: int, low: float, high: float) -> None:
    assert stats.proportion_bounds(hits, trials) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("hits", "trials"), [(-1, 3), (4, 3), (0, 0)])
def test_no_proportion(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="proportion"):
        stats.proportion_bounds(hits, trials)
