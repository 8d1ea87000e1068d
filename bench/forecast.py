"""How many blocks a benchmark will need until it is decided, as far as one can tell. Pure.

Only the order of measuring and the time left that a user sees come from here, never a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from scipy import special

from bench.levels import look_level
from bench.looks import looks_had


def blocks_needed(
    log_ratios: Sequence[float],
    replicas: Sequence[Hashable],
    *,
    alpha: float,
    margin: float,
    plan: Sequence[int],
) -> int | None:
    """The first planned count above its own at which a benchmark can be expected to be decided.

    As if its mean and its spread stayed what they are: then it is decided as soon as half its
    interval is narrower than the way to 1, or than the way to the margin's edge from inside.
    `alpha` is the level before looks are paid for. None when even the whole plan would not do.
    """
    count = len(log_ratios)
    if count < 2:
        return next((planned for planned in plan if planned > count), None)
    distance = abs(math.fsum(log_ratios) / count)
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
    """(variance of a block, variance of the mean that more blocks do not lessen, degrees of
    freedom of the replicas; 0 where there are none).
    """
    values = np.asarray(log_ratios, dtype=np.float64)
    names = list(dict.fromkeys(replicas))
    groups = [values[[one == name for one in replicas]] for name in names]
    if len(groups) < 2:
        return float(values.var(ddof=1)), 0.0, 0
    inside = math.fsum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    within = inside / max(len(values) - len(groups), 1)
    means = np.array([group.mean() for group in groups])
    error = float(means.var(ddof=1)) / len(groups)
    return within, max(error - within / len(values), 0.0), len(groups) - 1
