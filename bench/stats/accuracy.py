"""The error of a protocol in relation to its machine time. Pure functions of floats.

The true ratio is 1 for blocks of one binary against itself, or that of a known difference; the
error of a block is its deviation from it on the log scale. Errors have two parts: the noise of a
mean of n blocks is 1 / sqrt(n) of that of one block; the bias does not depend on n. So protocols
are compared by the root mean square error of a benchmark after a span of machine time, noise and
bias together: bias^2 + noise^2 * seconds of a block / span. (The time of a measurement as part of
its error: Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013, who choose the
repetitions by it; bias and variance add up as squares in the usual decomposition of the mean square
error.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.stats import estimates

# Seconds: enough for some blocks of every class; about the time of a benchmark in an experiment.
SPAN = 60.0


@dataclass(frozen=True, kw_only=True)
class AccuracyCell:
    """One benchmark under one protocol: each block's log-ratio minus the logarithm of the truth,
    and the mean wall seconds of a block.
    """

    errors: tuple[float, ...]
    seconds: float

    @property
    def mean_square(self) -> float:
        """The mean square of the errors around 0, the truth, so that it includes the bias."""
        return math.fsum(error * error for error in self.errors) / len(self.errors)


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How accurate a protocol is over some benchmarks. Errors and biases are shares: 0.01 is 1%.

    `error` is the RMS error of one block, `low` and `high` its 95% interval. `seconds` is a block's
    mean wall time. `bias` is the mean error on known differences with its plain 95% interval, None
    if none was measured. `after` is the RMS error of a benchmark after SPAN seconds.
    """

    benchmarks: int
    blocks: int
    error: float
    low: float
    high: float
    seconds: float
    bias: float | None
    bias_low: float | None
    bias_high: float | None
    after: float


def accuracy(
    same: Sequence[AccuracyCell], known: Sequence[AccuracyCell], pool: Sequence[AccuracyCell] = ()
) -> Accuracy:
    """The accuracy of a protocol over benchmarks, each of equal weight.

    `same`: one binary against itself, for the noise; `known`: a known difference, for the bias;
    `pool`: known differences of all benchmarks under this protocol, if those are more. At least
    one cell of `same`, and two errors in every cell; ValueError otherwise.

    A class has one or two benchmarks with a known difference, so that their mean errors are mostly
    noise. The size of their biases is estimated from the pool (empirical Bayes, Efron and Morris,
    JASA 1973): see `expected_bias`.
    """
    if not same or any(len(cell.errors) < 2 for cell in (*same, *known)):
        raise ValueError("an accuracy needs at least one benchmark, and two blocks of each")
    mean_square = _mean([cell.mean_square for cell in same])
    low, high = _spread_bounds(same)
    noise = _mean([cell.mean_square * cell.seconds for cell in same]) / SPAN
    bias = _bias(known)
    return Accuracy(
        benchmarks=len(same),
        blocks=sum(len(cell.errors) for cell in same),
        error=math.sqrt(mean_square),
        low=math.sqrt(low),
        high=math.sqrt(high),
        seconds=_mean([cell.seconds for cell in same]),
        bias=bias[0],
        bias_low=bias[1],
        bias_high=bias[2],
        after=math.sqrt(noise + expected_bias(known, squared_bias(pool or known))),
    )


def squared_bias(known: Sequence[AccuracyCell]) -> float:
    """The mean square of the benchmarks' biases, without the part of their noise; at least 0.

    The square of a mean error is on average too large by its own squared standard error, which is
    subtracted: otherwise a protocol with noisier blocks would also appear more biased.
    """
    if not known:
        return 0.0
    squares = []
    for cell in known:
        estimate = estimates.estimate_mean(cell.errors)
        squares.append(estimate.value**2 - (estimate.error or 0.0) ** 2)
    return max(_mean(squares), 0.0)


def expected_bias(known: Sequence[AccuracyCell], usual: float) -> float:
    """The expected mean square of some benchmarks' biases, where `usual` is the mean square of such
    biases: each mean error is shrunk towards 0 by the part that is likely to be noise.

    With bias ~ N(0, usual) and mean | bias ~ N(bias, error^2), the bias given the mean has mean
    w * mean and variance w * error^2, where w = usual / (usual + error^2).
    """
    squares = []
    for cell in known if usual > 0 else ():
        estimate = estimates.estimate_mean(cell.errors)
        noise = (estimate.error or 0.0) ** 2
        weight = usual / (usual + noise)
        squares.append((weight * estimate.value) ** 2 + weight * noise)
    return _mean(squares) if squares else 0.0


def least(accuracies: Mapping[str, Accuracy]) -> str:
    """Return the name with the smallest error after SPAN, the first one of equals."""
    return min(accuracies, key=lambda name: accuracies[name].after)


def no_harm(alone: Sequence[float], together: Sequence[float], most: float = 1.25) -> bool:
    """Test whether blocks measured side by side are about as accurate as those measured alone.

    True if the upper 95% bound of the ratio of their RMS errors is at most `most`. The bound is F's
    for two mean squares around a known mean (as many degrees of freedom as errors); it assumes
    normal errors, and the longer tails of real ones are one reason for the size of `most`. False
    for fewer than ten errors on either side.
    """
    from scipy import special

    if min(len(alone), len(together)) < 10:
        return False
    ours, theirs = (_mean([error * error for error in errors]) for errors in (alone, together))
    if ours == 0:
        return theirs == 0
    # The reciprocal of F's 5% quantile is the 95% quantile with exchanged degrees of freedom.
    quantile = float(special.fdtri(len(alone), len(together), 0.95))
    return math.sqrt(theirs / ours * quantile) <= most


def _bias(known: Sequence[AccuracyCell]) -> tuple[float, float, float] | tuple[None, None, None]:
    """The mean bias over benchmarks and its interval (Student's t, Satterthwaite's freedom)."""
    if not known:
        return None, None, None
    combined = estimates.combine([estimates.estimate_mean(cell.errors) for cell in known])
    low, high = combined.interval(0.05) or (-math.inf, math.inf)
    return (
        math.expm1(combined.value),
        math.expm1(max(low, -estimates.WIDEST)),
        math.expm1(min(high, estimates.WIDEST)),
    )


def _spread_bounds(cells: Sequence[AccuracyCell]) -> tuple[float, float]:
    """The 95% interval of the mean of several mean squares: chi-square's, with Satterthwaite's
    degrees of freedom (Biometrics Bulletin 1946). Each mean square has as many as it has errors,
    since the mean is known.
    """
    from scipy import special

    parts = [cell.mean_square for cell in cells]
    total = math.fsum(parts)
    if total == 0:
        return 0.0, 0.0
    shares = (
        (part / total) ** 2 / len(cell.errors) for part, cell in zip(parts, cells, strict=True)
    )
    freedom = 1 / math.fsum(shares)
    mean = total / len(parts)
    low, high = (float(special.chdtri(freedom, tail)) for tail in (0.025, 0.975))
    return mean * freedom / low, mean * freedom / high


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
