"""How strict an interval must be: many benchmarks, and many looks at the data. Pure.

Statistics like `bench.stats.estimates`: floats in, floats out, nothing of ours imported.
"""

from __future__ import annotations

from collections.abc import Sequence


def family_levels(
    p_values: Sequence[float | None],
    *,
    error: float = 0.05,
    looks: Sequence[Sequence[float]] = (),
) -> tuple[float, ...]:
    """The alpha of each benchmark's interval, adjusted for how many benchmarks there are.

    Benjamini and Hochberg's step-up finds the R of m benchmarks that differ at false discovery rate
    `error`; every interval then has alpha = max(R, 1) * error / m (Benjamini and Yekutieli, "False
    discovery rate-adjusted multiple confidence intervals", JASA 2005). Exactly those R exclude 1,
    so that a verdict can be read from its interval. Where nothing differs, the chance that any is
    called is at most `error` (Simes), as with Bonferroni's, from which it starts at R = 0. An
    equivalence is read from the same interval, and does not count towards R: of the calls of both
    kinds together, at most the share `error` is expected to be wrong. All this for benchmarks that
    are independent or positively dependent, as those of one session are.

    `looks`: each benchmark's shares as `look_level` takes them; () where nobody looked early.
    `p_values`: each of the interval around the benchmark's estimate, None where it has no interval;
    such a benchmark is no test and gets the level that it would have had.
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
    """The alpha of the interval at the last of several looks at the data, all looks paid for.

    `shares` are the parts of the planned blocks measured at each look so far, rising, above 0 and
    at most 1; empty means that nobody looked before the end, and gives `alpha` itself. The plan's
    end and the block counts looked at must be fixed beforehand, the stopping need not be.

    Alpha spending (Lan and DeMets, Biometrika 1983) with the function alpha * share**2 (Kim and
    DeMets, Biometrika 1987). What a look may spend is its level outright (Boole), so that the
    intervals of all looks hold the truth together with chance 1 - alpha (repeated confidence
    intervals, Jennison and Turnbull, JRSS B 1989) whatever joins the looks. The sharper boundaries
    for normal increments were tried: on t with few blocks they let through typically 5 to 25% more
    than they say, and up to about 30% at the strictest levels. So was the O'Brien-Fleming function:
    under t with five blocks the next to nothing that it gives an early look decides nothing at all.
    With 0.7% between blocks and 40 benchmarks it took 9.9 of 20 blocks to find an effect of 5%, and
    this one 5.9; of effects that 20 blocks hardly show (0.5%) it finds 58%, and this one 48%.
    The price is small where looks are few: with five, each 1.4 times as many blocks as the one
    before, the last interval is 16% wider at 5%, and 8% wider at the level of one of 40.
    """
    if not shares:
        return alpha
    before = (0.0, *shares[:-1])
    if any(not low < high <= 1 for low, high in zip(before, shares, strict=True)):
        raise ValueError(f"looks at {tuple(shares)}: rising shares above 0, at most 1, are needed")
    return alpha * (shares[-1] ** 2 - before[-1] ** 2)
