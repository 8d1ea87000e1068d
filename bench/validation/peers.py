"""What others say of the same numbers: pyperf through its own code, the rest by published formula.

Values are in seconds; `base` and `candidate` hold one sequence of values a process.
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

# bench_runner's reports speak of 90, 95 and 99%; a reader takes this for an answer.
LIKELY = 0.95
# The level of the paper's gate.
GATE = 0.05


@dataclass(frozen=True, kw_only=True)
class _Values:
    """What pyperf's comparison reads of a benchmark when it asks for significance."""

    values: tuple[float, ...]

    def get_values(self) -> tuple[float, ...]:
        return self.values


def pyperf_calls(base: Processes, candidate: Processes) -> bool:
    """Whether `pyperf compare_to` calls the difference significant: its own class, its own test.

    It pools the values of all processes: Student's t, two samples, 95%.
    """
    sides = [
        CompareData(name, _Values(values=tuple(value for one in side for value in one)))
        for name, side in (("base", base), ("candidate", candidate))
    ]
    return bool(CompareResult(*sides).significant)


def welch_calls(base: Sequence[float], candidate: Sequence[float]) -> bool:
    """Whether Welch's test (1947) on the logarithms of the process means rejects at 5%.

    With Satterthwaite's degrees of freedom, as every textbook has it.
    """
    logs = np.log(np.asarray(base)), np.log(np.asarray(candidate))
    variances = [float(one.var(ddof=1)) / len(one) for one in logs]
    total = math.fsum(variances)
    difference = float(logs[1].mean() - logs[0].mean())
    if total == 0:
        return difference != 0
    freedom = total**2 / math.fsum(
        part**2 / (len(one) - 1) for part, one in zip(variances, logs, strict=True)
    )
    return bool(2 * special.stdtr(freedom, -abs(difference) / math.sqrt(total)) < 0.05)


def hierarchical_test(
    base: Mapping[str, Processes], candidate: Mapping[str, Processes], *, gate: float | None = None
) -> float:
    """The chance that the candidate is faster over all benchmarks, by hierarchical testing.

    Chen, Chen, Guo, Temam, Wu, Hu, "Statistical performance comparisons of computers" (HPCA 2012):
    the benchmarks' differences of medians, in seconds, are ranked by size; the ranks of those that
    speak for the candidate are summed, those of no difference halved (Wilcoxon's signed ranks,
    normal approximation). Before that the paper's `gate` sets to nothing each difference that a
    two-sided rank-sum test at this level does not find. None is bench_runner as it is: its gate
    takes the lower tail's quantile for the upper one's, so that its two bounds cross and every
    difference passes.
    """
    from scipy import stats  # here: `patchbench --help` would take twice the time for it

    differences = np.array([_difference(base[name], candidate[name], gate) for name in base])
    ranks = stats.rankdata(np.abs(differences))
    count = len(differences)
    for_candidate = ranks[differences > 0].sum() + ranks[differences == 0].sum() / 2
    mean, variance = count * (count + 1) / 4, count * (count + 1) * (2 * count + 1) / 24
    return float(special.ndtr((for_candidate - mean) / math.sqrt(variance)))


def likely(chance: float) -> bool:
    """Whether a reader would take the chance for an answer: 95% likely to be faster, or slower."""
    return max(chance, 1 - chance) >= LIKELY


def _difference(base: Processes, candidate: Processes, gate: float | None) -> float:
    from scipy import stats

    first, second = (
        np.array([value for one in side for value in one]) for side in (base, candidate)
    )
    if gate is not None and stats.mannwhitneyu(first, second).pvalue > gate:
        return 0.0
    return float(np.median(first) - np.median(second))
