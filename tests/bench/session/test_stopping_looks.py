from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.session.stopping import FIRST_LOOK, last_looks, least_blocks, look_counts, looks_had
from bench.stats.multiplicity import look_level

plans = st.builds(look_counts, st.integers(2, 200), st.integers(1, 6))


@pytest.mark.parametrize(
    ("blocks", "replicas", "counts"),
    [
        (20, 1, (5, 7, 10, 14, 20)),
        (40, 1, (5, 7, 10, 14, 20, 28, 40)),
        (15, 1, (5, 7, 10, 15)),
        (18, 3, (6, 9, 12, 18)),
        (20, 3, (6, 9, 12, 20)),
        (12, 2, (6, 8, 12)),
        (12, 5, (12,)),
        (5, 1, (5,)),
        (3, 1, (3,)),
    ],
)
def test_counts_are_known_beforehand(blocks: int, replicas: int, counts: tuple[int, ...]) -> None:
    assert look_counts(blocks, replicas) == counts


@given(st.integers(2, 500), st.integers(1, 8))
def test_counts_rise_by_enough_and_have_all_replicas(blocks: int, replicas: int) -> None:
    counts = look_counts(blocks, replicas)
    assert counts[-1] == blocks
    assert all(count % replicas == 0 for count in counts[:-1])
    assert all(count >= max(FIRST_LOOK, 2 * replicas) for count in counts[:-1])
    assert all(low * 1.2 <= high for low, high in itertools.pairwise(counts))


@given(plans, st.integers(1, 200), st.booleans())
def test_all_looks_of_a_benchmark_spend_no_more_than_its_level(
    plan: tuple[int, ...], count: int, decided: bool
) -> None:
    """Those of the plan as they come, and the last one, wherever the session ended."""
    count = min(count, plan[-1])
    last = last_looks(count, plan, decided=decided)
    before = looks_had(count, plan)
    had = [before[: n + 1] for n in range(len(before))]
    # The last look at the same blocks takes the place of the one before: the wider level counts.
    levels = {len(looks): look_level(0.05, looks) for looks in had}
    levels[len(last)] = max(look_level(0.05, last), levels.get(len(last), 0.0))
    assert sum(levels.values()) <= 0.05 * (1 + 1e-9)


def test_who_is_decided_pays_for_the_looks_had_and_the_rest_have_all_that_is_left() -> None:
    plan = (5, 7, 10, 14, 20)
    assert looks_had(10, plan) == (0.25, 0.35, 0.5)
    assert last_looks(10, plan, decided=True) == (0.25, 0.35, 0.5)
    assert last_looks(10, plan, decided=False) == (0.25, 0.35, 1.0)
    assert last_looks(12, plan, decided=True) == (0.25, 0.35, 0.5, 1.0)
    assert last_looks(3, plan, decided=False) == (1.0,)
    assert last_looks(20, plan, decided=True)[-1] == 1.0
    assert last_looks(0, plan, decided=False) == ()


def test_each_replica_and_at_least_two_blocks_are_measured_in_any_case() -> None:
    assert [least_blocks(replicas) for replicas in (1, 2, 3)] == [2, 2, 3]
