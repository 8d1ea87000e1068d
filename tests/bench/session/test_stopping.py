from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.compare.comparison import Comparisons
from bench.session.record import BlockRecord, SessionRecord, without
from bench.session.stopping import (
    FIRST_LOOK,
    Rules,
    blocks_needed,
    last_looks,
    least_blocks,
    look,
    look_counts,
    looks_had,
    settled,
)
from bench.session.verdicts import among, conclude
from bench.stats.multiplicity import look_level
from tests.bench.made_up import Judge, measured, record

RULES = Rules(blocks=20, margin=0.01, seed=1, watched=("fast",))


def blocks(task: str, count: int, log_ratio: float = 0.0) -> list[BlockRecord]:
    return [record(task, number, log_ratio) for number in range(count)]


def test_a_look_pays_for_the_looks_before_it() -> None:
    judge = Judge(lambda task, count: "undecided")
    look([*blocks("a", 5), *blocks("b", 10)], RULES, judge)

    ((candidate, seen),) = judge.asked
    assert candidate == "fast"
    assert seen.looks == {"a": (0.25,), "b": (0.25, 0.35, 0.5)}
    assert seen.suite_looks == (0.25,)


def test_each_watched_arm_must_be_decided() -> None:
    rules = Rules(blocks=20, margin=0.01, seed=1, watched=("fast", "slow"))
    some = [
        record(task, number, 0.001 * (number % 2), candidates=("fast", "slow"))
        for task in "ab"
        for number in range(5)
    ]

    def split(session: SessionRecord, candidate: str, *, margin: float) -> Comparisons:
        other = "slower" if candidate == "slow" else "undecided"
        judge = Judge(lambda task, count: "slower" if task == "a" else other)
        return judge(session, candidate, margin=margin)

    interim = look(some, rules, split)
    assert interim.decided == {"a"}
    assert interim.open == ("b",)
    assert interim.needed == {"b": 7}
    # The suite is undecided for `fast`.
    assert not interim.suite_decided


def test_settled_gives_the_undecided_what_is_left() -> None:
    judge = Judge(lambda task, count: "slower" if task in ("a", "") else "undecided")
    done = settled(measured(*blocks("a", 7), *blocks("b", 10), *blocks("c", 12)), RULES, judge)

    assert done.looks == {
        "a": (0.25, 0.35),
        "b": (0.25, 0.35, 1.0),
        "c": (0.25, 0.35, 0.5, 1.0),
    }
    assert done.suite_looks == (0.25, 0.35)


def test_settled_where_the_suite_is_not_decided() -> None:
    judge = Judge(lambda task, count: "slower" if task else "undecided")
    done = settled(measured(*blocks("a", 7), *blocks("b", 7)), RULES, judge)

    assert done.looks == {"a": (0.25, 0.35), "b": (0.25, 0.35)}
    assert done.suite_looks == (0.25, 1.0)


def test_where_nobody_looks_there_are_no_looks() -> None:
    some = measured(*blocks("a", 3))
    for rules in (
        Rules(blocks=20, margin=0.01, seed=1, watched=("fast",), sequential=False),
        Rules(blocks=20, margin=0.01, seed=1, watched=()),
    ):
        assert rules.plan == ()
        assert settled(some, rules, conclude) is some
    assert settled(measured(), RULES, conclude) == measured()


def test_settling_changes_nothing_the_second_time() -> None:
    some = measured(*blocks("a", 7, 0.1), *blocks("b", 7, 0.005))
    once = settled(some, RULES, conclude)
    assert settled(once, RULES, conclude) == once


def test_an_arm_that_lacks_a_benchmark_keeps_nobody_waiting() -> None:
    rules = Rules(blocks=20, margin=0.01, seed=1, watched=("fast", "slow"))
    some = [
        without(record(task, number, candidates=("fast", "slow")), ("slow",) if task == "a" else ())
        for task in "ab"
        for number in range(5)
    ]

    def judge(session: SessionRecord, candidate: str, *, margin: float) -> Comparisons:
        asked = Judge(lambda task, count: "slower" if task != "b" else "undecided")
        return asked(among(session, "b" if candidate == "slow" else "ab"), candidate, margin=margin)

    interim = look(some, rules, judge)
    assert interim.decided == {"a"}
    assert interim.open == ("b",)
    assert interim.needed["b"] is not None


def test_an_arm_without_any_benchmark_is_not_waited_for() -> None:
    rules = Rules(blocks=20, margin=0.01, seed=1, watched=("fast", "slow"))
    some = [without(record("a", n, candidates=("fast", "slow")), ("slow",)) for n in range(5)]

    def judge(session: SessionRecord, candidate: str, *, margin: float) -> Comparisons:
        asked = Judge(lambda task, count: "slower")
        return asked(among(session, "" if candidate == "slow" else "a"), candidate, margin=margin)

    interim = look(some, rules, judge)
    assert interim.decided == {"a"}
    assert interim.suite_decided


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
