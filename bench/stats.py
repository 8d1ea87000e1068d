"""From log-ratios to intervals and verdicts. Pure: floats in, floats out; nothing of ours imported.

The unit of inference is the block (one process of each arm, measured together), never a single
value: values of one process share its address layout, hash seed and neighbours, and counting them
as independent is what makes other tools call one binary different from itself.

**One benchmark.** Student's t on the logarithms of the block ratios. Pairing the arms inside a
block removes what they share, drift and most of a burst. Under the null hypothesis the arms of a
block are exchangeable (their order is random), so the log-ratio is symmetric about 0 whatever the
shape of the noise: skew cancels, and heavy tails make a t interval wider than it need be, not
narrower. Trimmed means were tried and refused. They shorten intervals where single processes meet
bursts, but Tukey and McLaughlin's t is too short in the tails that many benchmarks need, the suite
mean then covers 97 to 99% in place of 95%, a slow mode that only the candidate has would be
trimmed away, and the suite would no longer be the mean of what is shown. Bursts are the protocol's
to remove; here they are kept and told (`outliers`).

**Replicas.** Blocks rotate over the replicas, replica r of the base always with replica r of the
candidate. Between-build effects are then a random effect with the replica as the unit (Kalibera and
Jones, "Rigorous benchmarking in reasonable time", ISMM 2013): t on the replica means, exact where
the blocks are evenly spread. Few replicas give few degrees of freedom, and wide intervals.

**Suite.** The geometric mean of the benchmarks' ratios. Its error comes from the rounds (the block
index that benchmarks share), so that whatever benchmarks of one round have in common is counted.

How strict an interval must be where there are many benchmarks or many looks is for `bench.levels`.

All values are natural logarithms of candidate / base unless a name says `ratio`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Round = TypeVar("Round", bound=Hashable)

# Half-widths beyond this (a factor of a million) say nothing about a program.
WIDEST = math.log(1e6)
# No time or size of a program lies outside, and all arithmetic inside is safe from overflow.
LEAST, MOST = 1e-100, 1e100


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A log-ratio and how well it is known.

    `error` is the standard error of `centre`, None where nothing tells it (one block, one process);
    `freedom` its degrees of freedom. `centre` is what the interval is built around: `value` itself
    but for separate processes, see `estimate_processes`. `units` counts what the error rests on:
    blocks, replicas, rounds or processes.
    """

    value: float
    centre: float
    error: float | None
    freedom: float
    units: int

    def interval(self, alpha: float) -> tuple[float, float] | None:
        """The two-sided interval of level 1 - alpha, in logarithms; None where there is none.

        It always holds `value`. None as well where it would be wider than a factor of a million
        either way: two blocks under a strict level say nothing.
        """
        half = self._half_width(alpha)
        if not half <= WIDEST:
            return None
        return min(self.centre - half, self.value), max(self.centre + half, self.value)

    def skewed(self, alpha: float) -> bool:
        """Whether `value` lies so far from `centre` that the interval had to be extended."""
        return abs(self.value - self.centre) > self._half_width(alpha)

    def p_value(self) -> float | None:
        """The least alpha whose interval excludes 0; None where there is no interval."""
        if self.error is None:
            return None
        if self.value * self.centre <= 0:
            return 1.0
        if self.error == 0:
            return 0.0
        return float(2 * special.stdtr(self.freedom, -abs(self.centre) / self.error))

    def _half_width(self, alpha: float) -> float:
        if self.error is None or alpha <= 0:
            return math.inf
        # The lower tail keeps its precision where 1 - alpha / 2 would round to 1.
        return self.error * -float(special.stdtrit(self.freedom, alpha / 2))


def log_ratio(base: float, candidate: float) -> float:
    """The logarithm of candidate / base. ValueError unless both are finite and above zero."""
    for name, value in (("base", base), ("candidate", candidate)):
        if not LEAST <= value <= MOST:
            raise ValueError(f"{name} is {value!r}: a finite number above 0 is needed")
    return math.log(candidate) - math.log(base)


def estimate_blocks(
    log_ratios: Sequence[float], replicas: Sequence[Hashable] | None = None
) -> Estimate:
    """One benchmark (or the suite's rounds): the mean of its blocks' log-ratios.

    `replicas` labels each block with the replica whose builds it ran; None, or one label for all,
    means one build a side. A single block has no error.
    Student (1908); for replicas the one-way random effect of Kalibera and Jones (2013).
    """
    values = _finite(log_ratios)
    count = len(values)
    mean = float(values.mean())
    groups = _groups(replicas, count)
    units = len(groups) if len(groups) > 1 else count
    if units < 2:
        return Estimate(value=mean, centre=mean, error=None, freedom=0.0, units=units)
    # A group's pull on the mean is its share of the blocks times its distance from the mean; with
    # equal shares the sum below is the variance of the group means over their number. Without
    # replicas each block is a group.
    if len(groups) == 1:
        pulls = ((values - mean) / count).tolist()
    else:
        pulls = [float((values[group] - mean).sum()) / count for group in groups]
    variance = units / (units - 1) * math.fsum(pull * pull for pull in pulls)
    return Estimate(
        value=mean, centre=mean, error=math.sqrt(variance), freedom=units - 1, units=units
    )


def estimate_suite(
    series: Sequence[Mapping[Round, float]],
    replicas: Mapping[Round, Hashable] | None = None,
) -> Estimate:
    """The mean of the benchmarks' means, with an error that knows which rounds they share.

    `series` has one mapping a benchmark, from round to log-ratio; a round that several benchmarks
    name was measured close together, with the same builds, which `replicas` labels. Where all have
    all rounds this is `estimate_blocks` of the rounds' means. Where they differ (a failure, a
    budget, measuring on where it decides most) each round's value is the sum of its influences on
    the mean, as in the cluster-robust variance of Liang and Zeger (1986), each benchmark's scaled
    for its own count, with the degrees of freedom of Bell and McCaffrey (2002).
    ValueError where a benchmark has fewer than two rounds: it would enter with no error at all.
    """
    if not series or any(len(one) < 2 for one in series):
        raise ValueError("each benchmark of a suite needs at least two rounds")
    rounds = {name: at for at, name in enumerate(dict.fromkeys(r for one in series for r in one))}
    total = len(rounds)
    present, pseudo = np.zeros((len(series), total)), np.zeros(total)
    means, counts, variances = [], np.zeros(len(series)), np.zeros(len(series))
    for number, one in enumerate(series):
        at = [rounds[name] for name in one]
        values = _finite(list(one.values()))
        count, mean = len(values), float(values.mean())
        weight = math.sqrt(count / (count - 1) * (total - 1) / total) * total
        weight /= len(series) * count
        pseudo[at] += weight * (values - mean)
        present[number, at] = 1
        means.append(mean)
        counts[number], variances[number] = count, weight**2 * float(values.var(ddof=1))
    mean = math.fsum(means) / len(means)
    labels = None if replicas is None else [replicas[name] for name in rounds]
    estimate = estimate_blocks([float(value) for value in mean + pseudo], labels)
    freedom = estimate.freedom
    if estimate.units == total:
        freedom = _effective_rounds(present, counts, variances) or freedom
    return Estimate(
        value=mean, centre=mean, error=estimate.error, freedom=freedom, units=estimate.units
    )


def _effective_rounds(present: Floats, counts: Floats, variances: Floats) -> float:
    """The degrees of freedom of rounds that not all benchmarks have; 0 where nothing varies.

    Of the rounds' covariance C, were benchmarks independent: tr(C)^2 / tr(C^2) (Bell and McCaffrey,
    "Bias reduction in standard errors for linear regression with multi-stage samples", 2002).
    """
    covariance = np.diag(variances @ present) - (present.T * (variances / counts)) @ present
    trace = float(np.trace(covariance))
    return float(1 / ((covariance / trace) ** 2).sum()) if trace > 0 else 0.0


def estimate_processes(base: Sequence[float], candidate: Sequence[float]) -> Estimate:
    """Two separate sets of process means (no blocks): what a pair of result files holds.

    `value` is the logarithm of the ratio of arithmetic means, the number that pyperf prints. The
    interval is Welch's t on the logarithms of the process means, which is steadier where a process
    is far out, with the degrees of freedom of Welch's own paper (Biometrika 1947): those of
    Satterthwaite that most tools use are always fewer. They are held to what they would be if both
    arms varied alike, which is all of them for equal counts; for unequal ones Welch's follow the
    small arm's variance, and are many just where that is low by luck (3 processes against 17 would
    be called ten times too often under the level of 40 benchmarks). `Estimate.interval` is extended
    to hold `value` where the two disagree. ValueError for a value not finite and above zero.
    """
    arms = [np.log(_positive(arm)) for arm in (base, candidate)]
    value = log_ratio(math.fsum(base) / len(base), math.fsum(candidate) / len(candidate))
    centre = float(arms[1].mean() - arms[0].mean())
    units = min(len(arm) for arm in arms)
    if units < 2:
        return Estimate(value=value, centre=value, error=None, freedom=0.0, units=units)
    counts = [len(arm) for arm in arms]
    parts = [float(arm.var(ddof=1)) / len(arm) for arm in arms]
    variance = math.fsum(parts)
    freedom = _freedom([1 / n for n in counts], [n - 1 for n in counts])
    if variance > 0:
        freedom = min(freedom, _freedom(parts, [n + 1 for n in counts]) - 2)
    return Estimate(
        value=value, centre=centre, error=math.sqrt(variance), freedom=freedom, units=units
    )


def combine(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of independent estimates: the suite of two files, where nothing is shared.

    Degrees of freedom after Satterthwaite (1946). ValueError where one has no error.
    """
    errors = [one.error for one in estimates if one.error is not None]
    if not estimates or len(errors) != len(estimates):
        raise ValueError("only estimates with an error can be combined")
    parts = [error**2 for error in errors]
    freedoms = [one.freedom for one in estimates]
    freedom = _freedom(parts, freedoms) if any(parts) else math.fsum(freedoms)
    count = len(estimates)
    return Estimate(
        value=math.fsum(one.value for one in estimates) / count,
        centre=math.fsum(one.centre for one in estimates) / count,
        error=math.sqrt(math.fsum(parts)) / count,
        freedom=freedom,
        units=min(one.units for one in estimates),
    )


def verdict(low: float | None, high: float | None, margin: float) -> str:
    """Of an interval of ratios: equivalent, faster, slower or undecided.

    equivalent: it lies wholly inside [1 / (1 + margin), 1 + margin]; else faster or slower: it
    excludes 1; else, or without an interval, undecided.
    """
    if low is None or high is None:
        return "undecided"
    if low >= 1 / (1 + margin) and high <= 1 + margin:
        return "equivalent"
    if high < 1:
        return "faster"
    return "slower" if low > 1 else "undecided"


def outliers(log_ratios: Sequence[float], far: float = 5.0) -> tuple[int, ...]:
    """Indices of blocks more than `far` robust standard deviations from the median.

    The scale is 1.4826 times the median absolute deviation (Hampel 1974). For telling, never for
    dropping. None below five blocks, or where more than half agree exactly.
    """
    values = _finite(log_ratios)
    distance = np.abs(values - np.median(values))
    scale = 1.4826 * float(np.median(distance))
    if len(values) < 5 or scale == 0:
        return ()
    return tuple(int(index) for index in np.flatnonzero(distance > far * scale))


def relative_spread(values: Sequence[float]) -> float:
    """The standard deviation over the mean (coefficient of variation); 0 for a single value."""
    array = _positive(values)
    return float(array.std(ddof=1) / array.mean()) if len(array) > 1 else 0.0


def proportion_bounds(hits: int, trials: int, error: float = 0.05) -> tuple[float, float]:
    """Exact bounds of a proportion, x of n (Clopper and Pearson 1934)."""
    if not 0 <= hits <= trials or trials < 1:
        raise ValueError(f"{hits} of {trials} is no proportion")
    low = float(special.betaincinv(hits, trials - hits + 1, error / 2)) if hits else 0.0
    if hits == trials:
        return low, 1.0
    return low, float(special.betaincinv(hits + 1, trials - hits, 1 - error / 2))


def _freedom(parts: Sequence[float], freedoms: Sequence[float]) -> float:
    """The degrees of freedom of a sum of variances, each with its own (Satterthwaite 1946)."""
    total = math.fsum(parts)
    return 1 / math.fsum((part / total) ** 2 / f for part, f in zip(parts, freedoms, strict=True))


def _finite(values: Sequence[float]) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError("a sequence of one or more finite numbers is needed")
    return array


def _positive(values: Sequence[float]) -> Floats:
    array = _finite(values)
    if not ((array >= LEAST) & (array <= MOST)).all():
        raise ValueError("finite numbers above 0 are needed")
    return array


def _groups(labels: Sequence[Hashable] | None, count: int) -> list[list[int]]:
    if labels is None:
        return [list(range(count))]
    if len(labels) != count:
        raise ValueError("as many replica labels as blocks are needed")
    groups: dict[Hashable, list[int]] = {}
    for index, label in enumerate(labels):
        groups.setdefault(label, []).append(index)
    return list(groups.values())
