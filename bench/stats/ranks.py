"""Ratio and interval from blocks by signed ranks. Pure functions of floats.

**Why ranks.** The arms of a block are exchangeable when nothing differs between them: their order
is drawn at random, and what they share (the host's speed, drift, a burst, the addresses) cancels or
affects both alike. So each block's log-ratio is as likely to be x as -x, whatever the shape of
the noise and the dependence between blocks. Wilcoxon's signed ranks (Biometrics
Bulletin 1945) rest on that symmetry and on nothing else: their level is exact for any number of
blocks, by the randomization itself (Fisher 1935; for interleaved trials see Abedi and Brecht 2017).
Student's t needs normal means in the far tails, which are used with many benchmarks and looks.

**Why not the mean.** Measured here, one block in fifteen is off by 2.5 to 15% for the whole life of
one of its processes, and the mean carries that. The Hodges-Lehmann estimate (Annals of Mathematical
Statistics 1963), the median of the averages of all pairs of blocks, is the centre that belongs to
signed ranks. It loses 5% of the mean's precision where noise is normal, and gains a multiple where
it is not. Unlike a trimmed mean's its interval is exact also at the strictest levels.

**Where ranks are too coarse.** n blocks that all agree have p = 2 ** (1 - n) at the least. A
stricter interval spans all blocks, and Student's t interval as well: it excludes 1 only where every
single block agrees and t says so. Both intervals alone hold the truth, and which is taken follows
from n and the level, not from the values, so that no correction for having two is needed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from bench.stats import estimates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Floats: TypeAlias = "NDArray[np.float64]"
Round = TypeVar("Round", bound=Hashable)


@dataclass(frozen=True, kw_only=True, eq=False)
class RankEstimate:
    """A log-ratio with the values that give its interval.

    `value` is the estimate that is shown. `averages` are those of all pairs of units (Walsh
    averages, including each unit with itself), sorted; the interval is built around their median
    and extended to contain `value`, which for a suite is the mean of its benchmarks' values.
    `units` are the log-ratios of blocks, replicas or rounds.
    """

    value: float
    averages: Floats
    units: tuple[float, ...]

    @property
    def centre(self) -> float:
        """The Hodges-Lehmann estimate."""
        return _median(self.averages)

    @functools.cached_property
    def student(self) -> estimates.Estimate:
        """Student's t on the units."""
        return estimates.estimate_mean(self.units)

    @property
    def has_error(self) -> bool:
        """Whether there is an interval: a single unit has none."""
        return len(self.units) > 1

    @property
    def spread(self) -> bool:
        """Whether the units differ at all."""
        return bool(self.averages[0] < self.averages[-1])

    def interval(self, alpha: float) -> tuple[float, float] | None:
        """The two-sided interval of level 1 - alpha, in logarithms; None if there is none.

        It is None as well if it would extend by more than a factor of a million either way.
        """
        own = self.own_interval(alpha)
        return None if own is None else (min(own[0], self.value), max(own[1], self.value))

    def own_interval(self, alpha: float) -> tuple[float, float] | None:
        """The interval of the units, not extended to contain `value`."""
        cut = _cut(len(self.units), alpha)
        low, high = float(self.averages[max(cut, 0)]), float(self.averages[-1 - max(cut, 0)])
        if cut < 0:
            bounds = self.student.interval(alpha)
            if bounds is None:
                return None
            low, high = min(low, bounds[0]), max(high, bounds[1])
        return low, high

    def p_value(self) -> float | None:
        """The least alpha whose interval excludes 0; None where there is no interval."""
        if not self.has_error:
            return None
        if min(self.value, self.centre) <= 0 <= max(self.value, self.centre):
            return 1.0
        against = int(min((self.averages <= 0).sum(), (self.averages >= 0).sum()))
        p_value = min(2 * float(_cumulated(len(self.units))[against]), 1.0)
        if against:
            return p_value
        return min(p_value, self.student.p_value() or 0.0)


def estimate_blocks(
    log_ratios: Sequence[float], replicas: Sequence[Hashable] | None = None
) -> RankEstimate:
    """Estimate one benchmark (or a suite's rounds) from the log-ratios of its blocks.

    `replicas` labels each block with the replica whose builds it ran; None, or one label for all,
    means one build of each arm. Builds are a random effect (Kalibera and Jones, "Rigorous
    benchmarking in reasonable time", ISMM 2013): with several of them the unit is the replica, at
    the centre of its blocks, and few replicas make wide intervals. ValueError for a value that is
    not finite.
    """
    estimates.checked(log_ratios)
    groups: dict[Hashable, list[float]] = {}
    for label, value in zip(replicas or [""] * len(log_ratios), log_ratios, strict=True):
        groups.setdefault(label, []).append(value)
    if len(groups) == 1:
        return _of_units(log_ratios)
    return _of_units([hodges_lehmann(group) for group in groups.values()])


def estimate_suite(
    series: Sequence[Mapping[Round, float]],
    values: Sequence[float],
    replicas: Mapping[Round, Hashable] | None = None,
) -> RankEstimate:
    """Return the mean of the benchmarks' `values`, with the interval of their common rounds.

    `series` has one mapping for each benchmark, from round to log-ratio. The blocks of a round were
    measured close together, with the same builds, which `replicas` labels. The mean over the
    benchmarks of a round is one unit, so that shared influences are counted. Only the first rounds
    are used, as many as the benchmark with the fewest has: whether later ones were measured
    depends on the earlier results. ValueError if there is no common round.
    """
    rounds = common_rounds(series)
    if not rounds:
        raise ValueError("the benchmarks of a suite need a round in common")
    means = [math.fsum(ratios[name] for ratios in series) / len(series) for name in rounds]
    labels = None if replicas is None else [replicas[name] for name in rounds]
    estimate = estimate_blocks(means, labels)
    return replace(estimate, value=math.fsum(values) / len(values))


def common_rounds(series: Sequence[Mapping[Round, float]]) -> list[Round]:
    """Return the rounds that all benchmarks have, in the order of the first benchmark."""
    if not series:
        return []
    return [name for name in series[0] if all(name in ratios for ratios in series[1:])]


def hodges_lehmann(values: Sequence[float]) -> float:
    """Return the median of the averages of all pairs (Hodges and Lehmann 1963)."""
    return _median(_averages(estimates.checked(values)))


def _of_units(units: Sequence[float]) -> RankEstimate:
    averages = _averages(estimates.checked(units))
    return RankEstimate(value=_median(averages), averages=averages, units=tuple(units))


def _averages(values: Floats) -> Floats:
    first, second = _pairs(len(values))
    averages: Floats = (values[first] + values[second]) / 2
    averages.sort()
    return averages


def _median(averages: Floats) -> float:
    """Return the median of sorted values."""
    count = len(averages)
    return float(averages[(count - 1) // 2] + averages[count // 2]) / 2


@functools.lru_cache(maxsize=256)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    import numpy as np

    return np.triu_indices(count)


def _cut(units: int, alpha: float) -> int:
    """Return how many averages an interval of level 1 - alpha omits on either side, -1 if even
    all of them are not enough.
    """
    import numpy as np

    return int(np.searchsorted(_cumulated(units), alpha / 2, side="right")) - 1


@functools.lru_cache(maxsize=256)
def _cumulated(units: int) -> Floats:
    """P(T <= t) of Wilcoxon's statistic, for t from 0 on: each rank is in T with probability 1/2.

    Exact except for rounding: the probability of each sum, one rank after the other.
    """
    import numpy as np

    probabilities = np.zeros(units * (units + 1) // 2 + 1)
    probabilities[0] = 1.0
    for rank in range(1, units + 1):
        probabilities[rank:] += probabilities[:-rank].copy()
        probabilities /= 2
    return np.cumsum(probabilities)
