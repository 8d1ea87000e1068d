"""Levels of intervals, adjusted for many benchmarks and for interim analyses (looks). Pure.

A look is an interim analysis in the sense of group sequential testing. These functions of floats
import nothing of the project.
"""

from __future__ import annotations

from collections.abc import Sequence


def family_levels(
    p_values: Sequence[float | None],
    *,
    error: float = 0.05,
    looks: Sequence[Sequence[float]] = (),
) -> tuple[float, ...]:
    """The alpha of each benchmark's interval, adjusted for the number of benchmarks.

    Benjamini and Hochberg's step-up finds the R of m benchmarks that differ at false discovery rate
    `error`; every interval then has alpha = max(R, 1) * error / m (Benjamini and Yekutieli, "False
    discovery rate-adjusted multiple confidence intervals", JASA 2005). The intervals of exactly
    those R exclude 1, so that a verdict can be read from its interval. If nothing differs, the
    probability of any call is at most `error` (Simes), as with Bonferroni's method, which gives the
    same level for R = 0. Equivalence is read from the same interval and does not count towards R:
    of the calls of both kinds together, at most the share `error` is expected to be wrong. All this
    for benchmarks that are independent or positively dependent, as those of one session are.

    `looks`: each benchmark's shares as for `look_level`; () without early looks. `p_values`: those
    of the intervals around the estimates, None for a benchmark without interval, which does not
    count as a test, and gets the level that it would have had.
    """
    shares = [looks[index] if looks else () for index in range(len(p_values))]
    tests = [(p, share) for p, share in zip(p_values, shares, strict=True) if p is not None]
    count = max(len(tests), 1)
    tests = [(p, share) for p, share in tests if p <= look_level(error, share)]
    rank = len(tests)
    while rank > 0:
        alpha = error * rank / count
        if sum(p <= look_level(alpha, share) for p, share in tests) >= rank:
            break
        rank -= 1
    return tuple(look_level(error * max(rank, 1) / count, share) for share in shares)


def look_level(alpha: float, shares: Sequence[float]) -> float:
    """The alpha of the interval at the last of several looks, corrected for all of them.

    `shares` are the parts of the planned blocks measured at each look so far, increasing, above 0
    and at most 1; empty means no look before the end, and gives `alpha` itself. The planned end and
    the block counts of the looks must be fixed beforehand; the stopping rule need not be.

    Alpha spending (Lan and DeMets, Biometrika 1983) with the function alpha * share**2 (Kim and
    DeMets, Biometrika 1987). The alpha that a look spends is its level (Boole), so that the
    intervals of all looks together cover the truth with probability 1 - alpha (repeated confidence
    intervals, Jennison and Turnbull, JRSS B 1989), whatever the dependence between looks. The
    sharper boundaries for normal increments were tried: with t and few blocks their error rate is
    typically 5 to 25% above the nominal one, and up to about 30% at the strictest levels. So was
    the O'Brien-Fleming function: with t and five blocks, the little alpha that it gives an early
    look decides nothing.
    With 0.7% between blocks and 40 benchmarks it took 9.9 of 20 blocks to find an effect of 5%, and
    this one 5.9; of effects that 20 blocks hardly show (0.5%) it finds 58%, and this one 48%.
    The cost is small with few looks: with five, each with 1.4 times as many blocks as the one
    before, the last interval is 16% wider at 5%, and 8% wider at the level of one of 40.
    """
    if not shares:
        return alpha
    before = (0.0, *shares[:-1])
    if any(not low < high <= 1 for low, high in zip(before, shares, strict=True)):
        raise ValueError(f"looks at {tuple(shares)}: rising shares above 0, at most 1, are needed")
    return alpha * (shares[-1] ** 2 - before[-1] ** 2)
