"""How many blocks a benchmark will need until it is decided, as far as one can tell. Pure.

Only the order of measuring and the time left that a user sees come from here, never a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from scipy import special

from bench.levels import look_level
from bench.looks import looks_had
from bench.ranks import estimate_blocks, hodges_lehmann

# The level of an interval whose half-width is a standard error, where noise is normal.
_ONE_SIGMA = 0.3173


def blocks_needed(
    log_ratios: Sequence[float],
    replicas: Sequence[Hashable],
    *,
    alpha: float,
    margin: float,
    plan: Sequence[int],
) -> int | None:
    """The first planned count above its own at which a benchmark can be expected to be decided.

    As if its centre and its spread stayed what they are: then it is decided as soon as half its
    interval is narrower than the way to 1, or than the way to the margin's edge from inside.
    `alpha` is the level before looks are paid for. None when even the whole plan would not do.
    """
    count = len(log_ratios)
    if count < 2:
        return next((planned for planned in plan if planned > count), None)
    distance = abs(estimate_blocks(log_ratios, replicas).value)
    reach = max(distance, math.log1p(margin) - distance)
    within, between, freedom = _variances(log_ratios, replicas)
    for planned in plan:
        if planned <= count:
            continue
        level = look_level(alpha, looks_had(planned, plan))
        error = math.sqrt(between + within / planned)
        quantile = -float(special.stdtrit(freedom or planned - 1, level / 2))
        if quantile * error <= reach:
            return planned
    return None


def _variances(
    log_ratios: Sequence[float], replicas: Sequence[Hashable]
) -> tuple[float, float, int]:
    """(variance of a block, variance of the centre that more blocks do not lessen, degrees of
    freedom of the replicas; 0 where there are none).
    """
    groups: dict[Hashable, list[float]] = {}
    for name, value in zip(replicas, log_ratios, strict=True):
        groups.setdefault(name, []).append(value)
    if len(groups) < 2:
        return _variance(log_ratios), 0.0, 0
    centres = {name: hodges_lehmann(group) for name, group in groups.items()}
    within = _variance([value - centres[name] for name, group in groups.items() for value in group])
    between = _variance(list(centres.values())) / len(groups)
    return within, max(between - within / len(log_ratios), 0.0), len(groups) - 1


def _variance(values: Sequence[float]) -> float:
    """Of one of them, as far as the interval around their centre tells it."""
    low, high = estimate_blocks(values).interval(_ONE_SIGMA) or (-math.inf, math.inf)
    return len(values) * ((high - low) / 2) ** 2
