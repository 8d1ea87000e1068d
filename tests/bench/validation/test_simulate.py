"""The study in small: rates of the whole procedure on simulated sessions, seeds fixed.

What it would take thousands of runs to show exactly is held here within exact bounds of a few
hundred: a rate is refuted when its bounds (1 in 1000) leave out what is promised.
"""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from bench.compare.blocks import compare_blocks
from bench.compare.comparison import Comparisons
from bench.stats import estimates
from bench.validation.simulate import Load, Recording, Scenario, draw, recorded, session

DOUBT = 0.001


def runs(scenario: Scenario, count: int, seed: int = 1) -> list[Comparisons]:
    rng = np.random.default_rng(seed)
    return [compare_blocks(session(scenario, rng)) for _ in range(count)]


def assert_rate(hits: int, trials: int, least: float, most: float) -> None:
    low, high = estimates.proportion_bounds(hits, trials, DOUBT)
    assert low <= most, f"{hits} of {trials}"
    assert high >= least, f"{hits} of {trials}"


def holds(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and low <= truth <= high


SCENARIOS = {
    "quiet": Scenario(benchmarks=8, blocks=10),
    "drift": Scenario(benchmarks=8, blocks=10, drift=0.03),
    "bursts": Scenario(benchmarks=8, blocks=10, burst_share=0.1),
    "bursts, arms together": Scenario(benchmarks=8, blocks=10, burst_share=0.1, in_turn=False),
    "skew": Scenario(benchmarks=8, blocks=10, skew=1.0),
    "few blocks": Scenario(benchmarks=8, blocks=3),
    "builds": Scenario(benchmarks=8, blocks=9, build_spread=0.01, replicas=3),
    "builds, uneven": Scenario(benchmarks=8, blocks=10, build_spread=0.01, replicas=3),
    "effect": Scenario(benchmarks=8, blocks=10, effect=0.02, burst_share=0.1),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_intervals_cover_the_truth(name: str) -> None:
    scenario = SCENARIOS[name]
    truth = 1 + scenario.effect
    comparisons = runs(scenario, 150)
    suites = [row.suite for row in comparisons if row.suite]
    assert_rate(sum(holds(s.low95, s.high95, truth) for s in suites), 150, 0.935, 0.965)
    each = [row.comparisons[0] for row in comparisons]
    assert_rate(sum(holds(c.low95, c.high95, truth) for c in each), 150, 0.94, 1.0)


@pytest.mark.parametrize("name", ["quiet", "drift", "bursts", "skew", "builds", "few blocks"])
def test_base_against_base_is_rarely_called(name: str) -> None:
    comparisons = runs(SCENARIOS[name], 150, seed=2)
    called = sum(
        any(row.verdict in ("faster", "slower") for row in run.comparisons) for run in comparisons
    )
    assert_rate(called, 150, 0.0, 0.055)


def test_a_small_effect_is_called_among_forty() -> None:
    """2% with 0.7% between blocks, a margin of 1%, 20 blocks: in at least 90% of cases."""
    comparisons = runs(Scenario(benchmarks=40, blocks=20, effect=0.02, spread=0.007), 15)
    called = sum(row.verdict == "slower" for run in comparisons for row in run.comparisons)
    assert called >= 0.95 * 15 * 40


def test_peeking_does_not_raise_the_rate() -> None:
    """Looking at 5, 7, 10, 14 and 20 of 20 blocks, and stopping at the first call."""
    rng = np.random.default_rng(3)
    counts = (5, 7, 10, 14, 20)
    called = 0
    for _ in range(80):
        whole = session(Scenario(benchmarks=8, blocks=20), rng)
        called += any(
            row.verdict in ("faster", "slower")
            for look in range(1, len(counts) + 1)
            for row in compare_blocks(
                [
                    type(measured)(
                        benchmark=measured.benchmark,
                        blocks=measured.blocks[: counts[look - 1]],
                        looks=tuple(count / 20 for count in counts[:look]),
                    )
                    for measured in whole
                ]
            ).comparisons
        )
    assert_rate(called, 80, 0.0, 0.055)


def test_wrong_calls_among_true_ones_are_few() -> None:
    """Half of the benchmarks differ: of all calls, of either kind, about 5% may be wrong."""
    rng = np.random.default_rng(4)
    shares = []
    for _ in range(100):
        slower = session(Scenario(benchmarks=10, blocks=10, effect=0.02), rng)
        same = session(Scenario(benchmarks=20, blocks=10), rng)[10:]
        rows = compare_blocks([*slower, *same]).comparisons
        wrong = [row.verdict in ("faster", "equivalent") for row in rows[:10]]
        wrong += [row.verdict in ("faster", "slower") for row in rows[10:]]
        calls = sum(row.verdict != "undecided" for row in rows)
        shares.append(sum(wrong) / max(calls, 1))
    assert statistics.fmean(shares) < 0.05


def test_sessions_are_what_the_scenario_says() -> None:
    scenario = Scenario(
        benchmarks=4, blocks=6, replicas=3, drift=0.5, spread=0.0, effect=0.1, in_turn=False
    )
    benchmarks = session(scenario, np.random.default_rng(5))
    assert [len(benchmark.blocks) for benchmark in benchmarks] == [6] * 4
    assert [block.replica for block in benchmarks[0].blocks] == ["0", "1", "2"] * 2
    ratios = [
        block.candidate / block.base for benchmark in benchmarks for block in benchmark.blocks
    ]
    assert ratios == pytest.approx([1.1] * 24)
    times = [block.base for block in benchmarks[0].blocks]
    assert times == sorted(times)
    assert times[-1] / times[0] == pytest.approx(1.5, rel=0.1)


def test_bursts_take_the_share_and_the_factor_asked_for() -> None:
    scenario = Scenario(benchmarks=50, blocks=200, spread=0.0, burst_share=0.1, burst_length=4.0)
    benchmarks = session(scenario, np.random.default_rng(6))
    alone = [
        block.base / min(b.base for b in benchmark.blocks)
        for benchmark in benchmarks
        for block in benchmark.blocks
    ]
    slow = [value for value in alone if value > 1.1]
    assert slow == pytest.approx([1.2] * len(slow))
    assert len(slow) / len(alone) == pytest.approx(0.1, rel=0.15)


def test_skewed_processes_keep_their_spread() -> None:
    scenario = Scenario(benchmarks=1, blocks=20_000, spread=0.01, skew=0.5)
    (benchmark,) = session(scenario, np.random.default_rng(7))
    logs = np.log([block.base for block in benchmark.blocks])
    assert logs.std() == pytest.approx(0.01 / 2**0.5, rel=0.05)
    assert ((logs - logs.mean()) ** 3).mean() / logs.std() ** 3 > 1


def test_only_the_affected_benchmarks_are_slower() -> None:
    scenario = Scenario(benchmarks=3, blocks=2, spread=0.0, effect=0.1, affected=1, in_turn=False)
    benchmarks = session(scenario, np.random.default_rng(8))
    ratios = [
        block.candidate / block.base for benchmark in benchmarks for block in benchmark.blocks
    ]
    assert ratios == pytest.approx([1.1, 1.1, 1, 1, 1, 1])


def test_a_kill_changes_the_hosts_speed_between_blocks_alone() -> None:
    scenario = Scenario(benchmarks=2, blocks=50, spread=0.0, kills=3)
    benchmarks = session(scenario, np.random.default_rng(9))
    ratios = [
        block.candidate / block.base for benchmark in benchmarks for block in benchmark.blocks
    ]
    assert ratios == pytest.approx([1.0] * 100)
    speeds = {round(block.base / benchmarks[0].blocks[0].base, 6) for block in benchmarks[0].blocks}
    assert 2 <= len(speeds) <= 4


def test_load_comes_in_periods_and_marked_blocks_are_measured_again() -> None:
    load = Load(share=0.3, length=10.0, slower=0.5, seen=1.0, mistaken=0.0)
    scenario = Scenario(benchmarks=1, blocks=5000, spread=0.01, load=load)
    drawn = draw(scenario, np.random.default_rng(10))
    marked = drawn.marked[:, 0]
    slow = drawn.times[:, 0, 0] / drawn.times[~marked, 0, 0].mean()
    assert slow[marked].mean() == pytest.approx(1.5, rel=0.02)
    assert marked.mean() == pytest.approx(0.3, rel=0.2)
    assert np.log(slow[marked]).std() == pytest.approx(3 * 0.01 / 2**0.5, rel=0.1)
    # Spells: what follows a loaded block is nearly always loaded.
    assert marked[1:][marked[:-1]].mean() == pytest.approx(0.9, abs=0.03)
    (benchmark,) = session(scenario, np.random.default_rng(10))
    changed = [
        block.base != base
        for block, base in zip(benchmark.blocks, drawn.times[:, 0, 0], strict=True)
    ]
    assert sum(changed) == 1000  # a fifth, though more are marked
    assert set(np.flatnonzero(changed)) <= set(np.flatnonzero(marked))


def test_pyperfs_way_measures_one_side_after_the_other() -> None:
    scenario = Scenario(benchmarks=3, spread=0.01, drift=0.2, effect=0.5, affected=1)
    values = recorded(scenario, Recording(processes=400), np.random.default_rng(11))
    assert values.shape == (2, 3, 400, 3)
    means = values.mean(axis=(2, 3))
    # The second run is half of the drift later; the effect is on the first benchmark alone.
    assert means[1] / means[0] == pytest.approx([1.5 * 1.1, 1.1, 1.1], rel=0.03)
    inside = np.log(values) - np.log(values).mean(axis=-1, keepdims=True)
    assert inside.std() == pytest.approx(0.005 * (2 / 3) ** 0.5, rel=0.1)
