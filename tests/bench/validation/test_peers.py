"""The peers are asked in their own words."""

from __future__ import annotations

import math

import numpy as np
import pyperf
import pytest
from pyperf._compare import CompareData, CompareResult
from scipy import stats

from bench.validation import peers


def processes(rng: np.random.Generator, count: int, level: float = 1.0) -> list[list[float]]:
    means = level * np.exp(rng.normal(0, 0.01, (count, 1)))
    return (means * np.exp(rng.normal(0, 0.005, (count, 3)))).tolist()


def test_pyperf_says_what_its_own_benchmarks_say() -> None:
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(40):
        sides = processes(rng, 10), processes(rng, 10, 1.004)
        theirs = [
            pyperf.Benchmark(
                [
                    pyperf.Run(values, metadata={"name": "b"}, collect_metadata=False)
                    for values in side
                ]
            )
            for side in sides
        ]
        whole = CompareResult(CompareData("a", theirs[0]), CompareData("b", theirs[1]))
        assert peers.pyperf_calls(*sides) == whole.significant
        seen.add(whole.significant)
    assert seen == {True, False}


def test_pyperf_calls_unequal_counts_significant_as_it_does() -> None:
    rng = np.random.default_rng(2)
    assert peers.pyperf_calls(processes(rng, 10), processes(rng, 11))


def test_welch_is_scipys() -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(60):
        base, candidate = np.exp(rng.normal(0, 0.01, 9)), np.exp(rng.normal(0.008, 0.02, 12))
        expected = stats.ttest_ind(np.log(base), np.log(candidate), equal_var=False).pvalue < 0.05
        assert peers.welch_calls(base.tolist(), candidate.tolist()) == expected
        seen.add(bool(expected))
    assert seen == {True, False}


def test_welch_on_what_never_varies() -> None:
    assert not peers.welch_calls([1.0, 1.0], [1.0, 1.0])
    assert peers.welch_calls([1.0, 1.0], [2.0, 2.0])


def alike(seconds: list[float]) -> dict[str, list[list[float]]]:
    return {f"b{number}": [[value] * 3] * 10 for number, value in enumerate(seconds)}


def test_the_hierarchical_test_ranks_seconds() -> None:
    """20 short benchmarks 30% slower and 19 long ones 1% faster: "likely faster"."""
    seconds = [*np.linspace(0.001, 0.02, 20), *np.linspace(5, 20, 19)]
    ratios = [1.3] * 20 + [0.99] * 19
    slower = [value * ratio for value, ratio in zip(seconds, ratios, strict=True)]
    chance = peers.hierarchical_test(alike(seconds), alike(slower))
    assert chance > 0.99
    assert peers.likely(chance)
    assert peers.hierarchical_test(alike(slower), alike(seconds)) == pytest.approx(1 - chance)


def test_the_hierarchical_test_by_hand() -> None:
    """Differences 1, -2, 3: ranks 1 and 3 speak for the candidate; Wilcoxon's normal formula."""
    chance = peers.hierarchical_test(alike([10.0, 10.0, 10.0]), alike([9.0, 12.0, 7.0]))
    reach = (1 + 3 - 3) / math.sqrt(3 * 4 * 7 / 24)
    assert chance == pytest.approx(stats.norm.cdf(reach))
    assert not peers.likely(chance)


def test_the_papers_gate_sets_what_it_does_not_find_to_nothing() -> None:
    rng = np.random.default_rng(4)
    base = {f"b{number}": processes(rng, 10) for number in range(8)}
    same = {name: processes(rng, 10, 1.0001) for name in base}
    far = {name: processes(rng, 10, 1.2) for name in base}
    assert peers.hierarchical_test(base, same, gate=1e-9) == 0.5
    assert peers.hierarchical_test(base, same) != 0.5
    assert peers.likely(peers.hierarchical_test(base, far, gate=0.05))
