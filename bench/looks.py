"""When a session looks at its data: block counts fixed beforehand. Pure.

What a look costs is for `bench.levels`. Here: at which counts it may be taken, and which looks a
benchmark, or the suite, has had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

# Fewer can all agree by chance, and leave Student's t few degrees of freedom: nothing but the
# grossest could be decided.
FIRST_LOOK = 5
GROWTH = 1.4
# A last look but one that is nearer to the end than this is not worth its price.
LEAST_GROWTH = 1.2


def look_counts(blocks: int, replicas: int = 1) -> tuple[int, ...]:
    """The block counts of a benchmark at which it is looked at; the last is `blocks` itself.

    Each is about 1.4 times the one before, so that few are needed and waiting for the next one
    wastes little. They are multiples of the number of replicas, two of each at the first, so that
    all replicas rest on as many blocks.
    """
    count = max(FIRST_LOOK, 2 * replicas)
    count = math.ceil(count / replicas) * replicas
    counts = []
    while count * LEAST_GROWTH < blocks:
        counts.append(count)
        count = max(round(count * GROWTH / replicas), count // replicas + 1) * replicas
    return (*counts, blocks)


def least_blocks(replicas: int = 1) -> int:
    """The blocks that a benchmark gets whatever the budget: fewer have no interval."""
    return max(2, replicas)


def looks_had(count: int, plan: Sequence[int]) -> tuple[float, ...]:
    """The shares of the plan's blocks at which a benchmark with `count` blocks was looked at."""
    return tuple(planned / plan[-1] for planned in plan if planned <= count)


def last_looks(count: int, plan: Sequence[int], *, decided: bool) -> tuple[float, ...]:
    """The shares of all looks when the session is over.

    Who was decided stopped at a look. Who was not is looked at for the last time, and that look may
    spend all that is left: that the budget ended it at this count was not chosen by its blocks
    since the look before (Lan and DeMets 1983 leave the times of looks free of the plan for just
    such cases). Empty where there are no blocks.
    """
    if count < 1:
        return ()
    if decided and count in plan:
        return looks_had(count, plan)
    return (*(planned / plan[-1] for planned in plan if planned < count), 1.0)
