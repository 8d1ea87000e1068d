"""What the peers get wrong, and ours does not: each measured on the same numbers.

pyperf is asked itself, through its own code; bench_runner's test is computed by its published
formula.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyperf
import pytest
from pyperf._compare import CompareData, CompareResult

from bench.compare.blocks import (
    BenchmarkBlocks,
    PairedBlock,
    Recorded,
    compare_blocks,
    compare_processes,
)
from bench.compare.comparison import Comparison, spelled
from bench.compare.pyperf_files import compare_files
from bench.stats import estimates
from bench.validation.simulate import Scenario, session

Processes = Sequence[Sequence[float]]


def pyperf_benchmark(processes: Processes) -> pyperf.Benchmark:
    metadata = {"name": "b", "unit": "second"}
    return pyperf.Benchmark(
        [pyperf.Run(values, metadata=metadata, collect_metadata=False) for values in processes]
    )


def pyperf_says(base: Processes, candidate: Processes) -> CompareResult:
    return CompareResult(
        CompareData("base", pyperf_benchmark(base)),
        CompareData("candidate", pyperf_benchmark(candidate)),
    )


def ours_says(base: Processes, candidate: Processes) -> Comparison:
    def means(processes: Processes) -> tuple[float, ...]:
        return tuple(math.fsum(values) / len(values) for values in processes)

    row = Recorded(benchmark="b", base=means(base), candidate=means(candidate))
    return compare_processes([row]).comparisons[0]


def excludes_1(row: Comparison) -> bool:
    assert row.low95 is not None
    assert row.high95 is not None
    return row.low95 > 1 or row.high95 < 1


def test_values_of_one_process_are_not_independent() -> None:
    """One binary's processes split at random: pyperf is wrong far more often than it says."""
    rng = np.random.default_rng(20)
    theirs, ours = 0, 0
    for split in range(2000):
        levels = np.exp(rng.normal(0, 0.01, (20, 1)))
        processes = (levels * np.exp(rng.normal(0, 0.01, (20, 3)))).tolist()
        ours += excludes_1(ours_says(processes[:10], processes[10:]))
        if split < 400:
            theirs += pyperf_says(processes[:10], processes[10:]).significant
    assert estimates.proportion_bounds(theirs, 400)[0] > 0.10
    low, high = estimates.proportion_bounds(ours, 2000)
    assert low <= 0.05
    assert high < 0.07


def test_a_real_difference_is_found_as_often_as_by_welch_on_log_process_means() -> None:
    rng = np.random.default_rng(21)
    splits, excluded = 200, 0
    for _ in range(splits):
        processes = np.exp(rng.normal(0, 0.01, (20, 1))) * np.exp(rng.normal(0, 0.01, (20, 3)))
        base, candidate = processes[:10].tolist(), (1.03 * processes[10:]).tolist()
        row, logs = ours_says(base, candidate), np.log([np.mean(base, 1), np.mean(candidate, 1)])
        error = math.sqrt(logs.var(axis=1, ddof=1).sum() / 10)
        parts = logs.var(axis=1, ddof=1)
        freedom = 9 * parts.sum() ** 2 / (parts**2).sum()
        welch = estimates.Estimate(
            value=logs[1].mean() - logs[0].mean(),
            centre=logs[1].mean() - logs[0].mean(),
            error=error,
            freedom=freedom,
            units=10,
        )
        assert excludes_1(row) or (welch.p_value() or 0) > 0.05
        excluded += excludes_1(row)
    assert excluded > 0.95 * splits


def test_unequal_counts_are_no_significance(tmp_path: Path) -> None:
    """pyperf swallows an exception there, and calls any two files significant."""
    rng = np.random.default_rng(22)
    processes = np.exp(rng.normal(0, 0.01, (21, 3))).tolist()
    base, candidate = processes[:10], processes[10:]
    theirs = pyperf_says(base, candidate)
    assert theirs.significant
    assert theirs.t_score is None
    paths = tmp_path / "base.json", tmp_path / "candidate.json"
    for path, side in zip(paths, (base, candidate), strict=True):
        pyperf_benchmark(side).dump(str(path))
    (row,) = compare_files(*paths).comparisons
    assert not excludes_1(row)
    assert row.verdict in ("equivalent", "undecided")
    assert any(warning.startswith("unequal-processes") for warning in row.warnings)


def test_single_values_are_no_significance() -> None:
    assert pyperf_says([(1.0,)], [(1.0001,)]).significant
    assert ours_says([(1.0,)], [(1.0001,)]).verdict == "undecided"


def hierarchical_test(base: Sequence[float], candidate: Sequence[float]) -> float:
    """The chance that the candidate is faster, by bench_runner's test, of medians in seconds.

    Chen and others, "Statistical performance comparisons of computers" (HPCA 2012): the medians'
    differences of all benchmarks, in seconds, are ranked by their absolute size, and the ranks of
    those that speak for the candidate summed (Wilcoxon's signed ranks, normal approximation). The
    gate before it, which should set differences to nothing that a rank-sum test does not find, is
    left out, since it never fires.
    """
    differences = np.asarray(base) - np.asarray(candidate)
    ranks = np.abs(differences).argsort().argsort() + 1.0
    count = len(differences)
    mean, variance = count * (count + 1) / 4, count * (count + 1) * (2 * count + 1) / 24
    reach = (ranks[differences > 0].sum() - mean) / math.sqrt(variance)
    return 0.5 * (1 + math.erf(reach / math.sqrt(2)))


def test_long_benchmarks_do_not_outvote_short_ones() -> None:
    """20 short benchmarks 30% slower, 19 long ones 1% faster: slower, by any honest account."""
    seconds = [*np.linspace(0.001, 0.02, 20), *np.linspace(5, 20, 19)]
    ratios = [1.3] * 20 + [0.99] * 19
    candidate = [time * ratio for time, ratio in zip(seconds, ratios, strict=True)]
    assert hierarchical_test(seconds, candidate) > 0.99

    rng = np.random.default_rng(23)
    measured = [
        BenchmarkBlocks(
            benchmark=f"b{number}",
            blocks=tuple(
                PairedBlock(number=index, base=time, candidate=time * ratio * math.exp(noise))
                for index, noise in enumerate(rng.normal(0, 0.002, 10))
            ),
        )
        for number, (time, ratio) in enumerate(zip(seconds, ratios, strict=True))
    ]
    result = compare_blocks(measured)
    assert result.suite is not None
    assert result.suite.verdict == "slower"
    assert result.suite.ratio == pytest.approx(1.3 ** (20 / 39) * 0.99 ** (19 / 39), rel=0.002)
    verdicts = [row.verdict for row in result.comparisons]
    assert verdicts.count("slower") == 20
    assert "slower" not in verdicts[20:]


def test_a_ratio_of_0_8_is_no_slowdown() -> None:
    """bench_runner prints it as 1.200x slower: it is 1.25 times as fast."""
    assert spelled(0.8) == "1.25x faster"


def test_building_again_moves_results_and_only_replicas_show_it() -> None:
    """One binary a side is called different from its like; with replicas it is not."""

    def called(replicas: int) -> int:
        rng = np.random.default_rng(24)
        scenario = Scenario(
            benchmarks=1, blocks=20, build_spread=0.03, replicas=replicas, spread=0.005
        )
        result = [compare_blocks(session(scenario, rng)).comparisons[0] for _ in range(200)]
        assert all(row.builds == replicas for row in result)
        warned = [any(w.startswith("one-build") for w in row.warnings) for row in result]
        assert all(warned) if replicas == 1 else not any(warned)
        return sum(row.verdict in ("faster", "slower") for row in result)

    assert called(1) > 150
    assert estimates.proportion_bounds(called(4), 200)[0] < 0.05
