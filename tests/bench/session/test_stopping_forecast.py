from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.session.stopping import blocks_needed

PLAN = (5, 7, 10, 14, 20)


def needed(
    mean: float,
    spread: float,
    *,
    blocks: int = 5,
    replicas: tuple[int, ...] = (),
    margin: float = 0.01,
    alpha: float = 0.05 / 12,
) -> int | None:
    """For blocks that have exactly this mean and this standard deviation."""
    values = np.random.default_rng(1).normal(size=blocks)
    values = mean + spread * (values - values.mean()) / values.std(ddof=1)
    return blocks_needed(
        values.tolist(), replicas or (0,) * blocks, alpha=alpha, margin=margin, plan=PLAN
    )


def test_what_is_clear_is_decided_at_the_next_look() -> None:
    assert needed(0.1, 0.001) == 7
    assert needed(0.0, 0.001) == 7
    assert needed(0.1, 0.001, blocks=12) == 14


def test_what_is_near_an_edge_or_noisy_takes_longer_or_forever() -> None:
    assert needed(0.02, 0.007) == 10
    assert needed(0.0, 0.007) == 14
    assert needed(0.005, 0.007) is None
    assert needed(0.0, 0.03) is None


def test_one_block_tells_nothing() -> None:
    assert blocks_needed([0.3], [0], alpha=0.05, margin=0.01, plan=PLAN) == 5


def test_builds_that_differ_are_not_cured_by_more_blocks() -> None:
    replicas = (0, 1, 2) * 2
    values = [0.0 + 0.02 * replica + 0.0001 * at for at, replica in enumerate(replicas)]
    plan = (6, 9, 12, 18)
    arguments = {"alpha": 0.05, "margin": 0.01, "plan": plan}
    assert blocks_needed(values, replicas, **arguments) is None  # type: ignore[arg-type]
    alike = [value - 0.02 * replica for value, replica in zip(values, replicas, strict=True)]
    assert blocks_needed(alike, replicas, **arguments) == 9  # type: ignore[arg-type]


@given(st.floats(-0.1, 0.1), st.floats(1e-4, 0.1), st.floats(0.001, 0.05))
def test_a_wider_margin_or_less_noise_never_takes_longer(
    mean: float, spread: float, margin: float
) -> None:
    def count(**changed: float) -> float:
        found = needed(mean, **{"spread": spread, "margin": margin, **changed})  # type: ignore[arg-type]
        return math.inf if found is None else found

    assert count(margin=2 * margin) <= count()
    assert count(spread=spread / 2) <= count()
