"""The answers of other tools for the same values: pyperf by its own code, others by formula.

Values are in seconds; `base` and `candidate` have one sequence of values for each process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyperf._compare import CompareData, CompareResult
from scipy import special

Processes = Sequence[Sequence[float]]
Floats = NDArray[np.float64]

# bench_runner reports 90, 95 and 99%; this level counts as a call.
LIKELY = 0.95
# The level of the paper's gate.
GATE = 0.05


@dataclass(frozen=True, kw_only=True)
class _Values:
    """The part of a pyperf benchmark that its significance test reads."""

    values: tuple[float, ...]

    def get_values(self) -> tuple[float, ...]:
        return self.values


def pyperf_calls(base: Processes, candidate: Processes) -> bool:
    """Whether `pyperf compare_to` calls the difference significant, by pyperf's own classes.

    It pools the values of all processes: Student's t, two samples, 95%.
    """
    sides = [
        CompareData(name, _Values(values=tuple(value for process in side for value in process)))
        for name, side in (("base", base), ("candidate", candidate))
    ]
    return bool(CompareResult(*sides).significant)


def welch_calls(base: Sequence[float], candidate: Sequence[float]) -> bool:
    """Whether Welch's test (1947) on the logarithms of the process means rejects at 5%.

    With Satterthwaite's degrees of freedom.
    """
    logs = np.log(np.asarray(base)), np.log(np.asarray(candidate))
    variances = [float(sample.var(ddof=1)) / len(sample) for sample in logs]
    total = math.fsum(variances)
    difference = float(logs[1].mean() - logs[0].mean())
    if total == 0:
        return difference != 0
    freedom = total**2 / math.fsum(
        part**2 / (len(sample) - 1) for part, sample in zip(variances, logs, strict=True)
    )
    return bool(2 * special.stdtr(freedom, -abs(difference) / math.sqrt(total)) < 0.05)


def hierarchical_test(
    base: Mapping[str, Processes], candidate: Mapping[str, Processes], *, gate: float | None = None
) -> float:
    """The probability that the candidate is faster over all benchmarks, by hierarchical testing.

    Chen, Chen, Guo, Temam, Wu, Hu, "Statistical performance comparisons of computers" (HPCA 2012):
    the benchmarks' differences of medians, in seconds, are ranked by size; the ranks of those in
    favour of the candidate are summed, ranks of zero differences count half (Wilcoxon's signed
    ranks, normal approximation). Before that the paper's `gate` sets a difference to zero if a
    two-sided rank-sum test at this level does not find it. None is bench_runner as released: its
    gate uses the lower tail's quantile as the upper one's, so that its two bounds cross and every
    difference passes.
    """
    from scipy import stats  # imported here: it would double the time of `patchbench --help`

    differences = np.array([_difference(base[name], candidate[name], gate) for name in base])
    ranks = stats.rankdata(np.abs(differences))
    count = len(differences)
    rank_sum = ranks[differences > 0].sum() + ranks[differences == 0].sum() / 2
    mean, variance = count * (count + 1) / 4, count * (count + 1) * (2 * count + 1) / 24
    return float(special.ndtr((rank_sum - mean) / math.sqrt(variance)))


def likely(probability: float) -> bool:
    """Whether a probability counts as a call: 95% for faster or for slower."""
    return max(probability, 1 - probability) >= LIKELY


def _difference(base: Processes, candidate: Processes, gate: float | None) -> float:
    from scipy import stats

    first, second = (
        np.array([value for process in side for value in process]) for side in (base, candidate)
    )
    if gate is not None and stats.mannwhitneyu(first, second).pvalue > gate:
        return 0.0
    return float(np.median(first) - np.median(second))
