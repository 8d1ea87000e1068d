"""Estimates and verdicts from log-ratios and process means. Pure functions of floats.

The unit of inference is the block (one process of each arm, measured together), never a single
value: values of one process share its address layout, hash seed and neighbours, and counting them
as independent makes other tools report that a binary differs from itself. Blocks are compared by
`bench.stats.ranks`. This module has Student's t, for separate processes (whose differences no
random order within blocks makes symmetric), for means of errors, and where ranks are too coarse.

`bench.stats.multiplicity` adjusts the level of an interval for many benchmarks and many looks.

All values are natural logarithms of candidate / base unless a name says `ratio`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Floats: TypeAlias = "NDArray[np.float64]"

# Half-widths beyond this (a factor of a million) are of no use.
WIDEST = math.log(1e6)
# Differences of logarithms below this are of the arithmetic, not of the values.
ROUNDING = 1e-12
# All times and sizes of programs are inside, and no arithmetic with values inside overflows.
LEAST, MOST = 1e-100, 1e100


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A log-ratio with its standard error.

    `error` is the standard error of `centre`, None if it is unknown (one block, one process);
    `freedom` its degrees of freedom. `centre` is the centre of the interval: `value` itself except
    for separate processes, see `estimate_processes`. `units` is the number of independent values.
    """

    value: float
    centre: float
    error: float | None
    freedom: float
    units: int

    @property
    def has_error(self) -> bool:
        """Whether the standard error is known."""
        return self.error is not None

    def interval(self, alpha: float) -> tuple[float, float] | None:
        """The two-sided interval of level 1 - alpha, in logarithms; None if there is none.

        It always contains `value`. It is None as well if it would extend by more than a factor of
        a million either way, as with two blocks at a strict level.
        """
        half = self._half_width(alpha)
        if not half <= WIDEST:
            return None
        return min(self.centre - half, self.value), max(self.centre + half, self.value)

    def skewed(self, alpha: float) -> bool:
        """Whether `value` lies so far from `centre` that the interval had to be extended."""
        return abs(self.value - self.centre) > self._half_width(alpha) + ROUNDING

    def p_value(self) -> float | None:
        """The least alpha whose interval excludes 0; None where there is no interval."""
        from scipy import special

        if self.error is None:
            return None
        if self.value * self.centre <= 0 or abs(self.centre) < ROUNDING:
            return 1.0
        if self.error == 0:
            return 0.0
        return float(2 * special.stdtr(self.freedom, -abs(self.centre) / self.error))

    def _half_width(self, alpha: float) -> float:
        from scipy import special

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


def estimate_mean(log_ratios: Sequence[float]) -> Estimate:
    """The mean of independent log-ratios, with Student's t (1908). A single one has no error."""
    values = checked(log_ratios)
    count = len(values)
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else None
    return Estimate(value=mean, centre=mean, error=error, freedom=count - 1, units=count)


def estimate_processes(base: Sequence[float], candidate: Sequence[float]) -> Estimate:
    """Estimate the ratio of two separate sets of process means: two result files, without blocks.

    `value` is the logarithm of the ratio of arithmetic means, the number that pyperf prints. The
    interval is Welch's t on the logarithms of the process means, which is more robust to an
    outlying process, with the degrees of freedom of Welch's own paper (Biometrika 1947): those of
    Satterthwaite that most tools use are always fewer. They are limited to what they would be if
    both arms had equal variances, which is all of them for equal counts; for unequal ones Welch's
    follow the small arm's variance, and are many just where that is low by chance (3 processes
    against 17 would have ten times the nominal false-positive rate at the level of 40 benchmarks).
    `Estimate.interval` is extended to contain `value` where the two disagree. ValueError for a
    value that is not finite and above zero.
    """
    import numpy as np

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
    """Return the mean of independent estimates: the suite of two files, whose errors share nothing.

    Degrees of freedom after Satterthwaite (1946). ValueError if an estimate has no error.
    """
    errors = [item.error for item in estimates if item.error is not None]
    if not estimates or len(errors) != len(estimates):
        raise ValueError("only estimates with an error can be combined")
    parts = [error**2 for error in errors]
    freedoms = [item.freedom for item in estimates]
    freedom = _freedom(parts, freedoms) if any(parts) else math.fsum(freedoms)
    count = len(estimates)
    return Estimate(
        value=math.fsum(item.value for item in estimates) / count,
        centre=math.fsum(item.centre for item in estimates) / count,
        error=math.sqrt(math.fsum(parts)) / count,
        freedom=freedom,
        units=min(item.units for item in estimates),
    )


def verdict(low: float | None, high: float | None, margin: float) -> str:
    """Return the verdict of an interval of ratios: equivalent, faster, slower or undecided.

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

    The scale is 1.4826 times the median absolute deviation (Hampel 1974). Outliers are
    reported, never dropped. Empty below five blocks, or if more than half agree exactly.
    """
    import numpy as np

    values = checked(log_ratios)
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
    """Return the exact bounds of a proportion, `hits` of `trials` (Clopper and Pearson 1934)."""
    from scipy import special

    if not 0 <= hits <= trials or trials < 1:
        raise ValueError(f"{hits} of {trials} is not a proportion")
    low = float(special.betaincinv(hits, trials - hits + 1, error / 2)) if hits else 0.0
    if hits == trials:
        return low, 1.0
    return low, float(special.betaincinv(hits + 1, trials - hits, 1 - error / 2))


def _freedom(parts: Sequence[float], freedoms: Sequence[float]) -> float:
    """The degrees of freedom of a sum of variances, each with its own (Satterthwaite 1946)."""
    total = math.fsum(parts)
    return 1 / math.fsum((part / total) ** 2 / f for part, f in zip(parts, freedoms, strict=True))


def checked(values: Sequence[float]) -> Floats:
    """Convert a sequence to an array. ValueError unless it has one or more finite numbers."""
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError("a sequence of one or more finite numbers is needed")
    return array


def _positive(values: Sequence[float]) -> Floats:
    array = checked(values)
    if not ((array >= LEAST) & (array <= MOST)).all():
        raise ValueError("finite numbers above 0 are needed")
    return array
