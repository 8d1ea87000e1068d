"""Interim analyses: when verdicts are computed, what is decided, how many blocks are missing. Pure.

A look is an interim analysis (the term of group-sequential statistics). Looks are at block counts
fixed beforehand; `bench.stats.multiplicity` adjusts the levels for them. The function that computes
the final verdicts (`bench.session.verdicts.conclude`) is passed in and used at looks as well. The
forecast of blocks determines the order of measuring and the time left that a user sees, never a
verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bench.compare import Comparisons, SuiteComparison
from bench.session.record import BlockRecord, SessionRecord
from bench.stats import estimate_blocks, hodges_lehmann, log_ratio, look_level

BASE = "base"
UNDECIDED = "undecided"


class Judge(Protocol):
    """The type of `bench.session.verdicts.conclude`: compares a candidate with the base."""

    def __call__(self, measured: SessionRecord, candidate: str, /, *, margin: float) -> Comparisons:
        """`measured` has the looks that its intervals are adjusted for."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules that are fixed before the first block.

    `blocks`: the maximum for one benchmark. `budget`: seconds, None for no limit. `watched`: the
    candidates whose verdicts decide; without any, or without `sequential`, there is no look before
    all blocks are measured or the budget is spent.
    """

    blocks: int
    replicas: int = 1
    budget: float | None = None
    margin: float
    seed: int
    watched: tuple[str, ...] = ()
    sequential: bool = True

    @property
    def plan(self) -> tuple[int, ...]:
        """The block counts at which there is a look; () without early looks."""
        return look_counts(self.blocks, self.replicas) if self.sequential and self.watched else ()


@dataclass(frozen=True, kw_only=True)
class InterimResult:
    """The result of a look. `needed`: the block count at which an undecided benchmark is expected
    to be decided; None where it is not expected within its blocks.
    """

    tasks: tuple[str, ...] = ()
    decided: frozenset[str] = frozenset()
    suite_decided: bool = False
    needed: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def open(self) -> tuple[str, ...]:
        """The benchmarks that are not decided, in their order."""
        return tuple(task for task in self.tasks if task not in self.decided)


def by_task(blocks: Sequence[BlockRecord]) -> dict[str, list[BlockRecord]]:
    """The blocks of each benchmark."""
    blocks_of: dict[str, list[BlockRecord]] = {}
    for block in blocks:
        blocks_of.setdefault(block.task, []).append(block)
    return blocks_of


def look(blocks: Sequence[BlockRecord], rules: Rules, judge: Judge) -> InterimResult:
    """Compute the result of a look of the plan from the blocks so far."""
    tasks = by_task(blocks)
    seen = _with_looks(
        SessionRecord(blocks=tuple(blocks)), lambda _task, count: looks_had(count, rules.plan)
    )
    comparisons = {name: judge(seen, name, margin=rules.margin) for name in rules.watched}
    decided = _decided_by_all(tasks, list(comparisons.values()))
    return InterimResult(
        tasks=tuple(tasks),
        decided=decided,
        suite_decided=all(_has_decided_suite(compared) for compared in comparisons.values()),
        needed={
            task: _needed(task, records, comparisons, rules)
            for task, records in tasks.items()
            if task not in decided
        },
    )


def settled(measured: SessionRecord, rules: Rules, judge: Judge) -> SessionRecord:
    """The record of a finished session, with the looks that each interval is adjusted for.

    A benchmark that was decided keeps the level of the look that decided it, even where others were
    measured further; see `last_looks` for those that were not decided.
    """
    if not rules.plan or not measured.blocks:
        return measured
    plan = rules.plan
    seen = _with_looks(measured, lambda _task, count: last_looks(count, plan, decided=True))
    comparisons = [judge(seen, name, margin=rules.margin) for name in rules.watched]
    decided = _decided_by_all([block.task for block in measured.blocks], comparisons)
    counts = {task: len(records) for task, records in by_task(measured.blocks).items()}
    return replace(
        _with_looks(measured, lambda task, count: last_looks(count, plan, decided=task in decided)),
        suite_looks=last_looks(
            min(counts.values()),
            plan,
            decided=all(_has_decided_suite(compared) for compared in comparisons),
        ),
    )


def _with_looks(
    measured: SessionRecord, looks: Callable[[str, int], tuple[float, ...]]
) -> SessionRecord:
    counts = {task: len(records) for task, records in by_task(measured.blocks).items()}
    return replace(
        measured,
        looks={task: looks(task, count) for task, count in counts.items()},
        suite_looks=looks("", min(counts.values(), default=0)),
    )


def _is_decided(comparison: SuiteComparison | None) -> bool:
    return comparison is not None and comparison.verdict != UNDECIDED


def _has_decided_suite(compared: Comparisons) -> bool:
    """True also for an arm that has no benchmark at all: further blocks cannot decide it."""
    return not compared.comparisons or _is_decided(compared.suite)


def _undecided(compared: Comparisons) -> frozenset[str]:
    return frozenset(
        comparison.benchmark for comparison in compared.comparisons if not _is_decided(comparison)
    )


def _decided_by_all(tasks: Iterable[str], compared_arms: Sequence[Comparisons]) -> frozenset[str]:
    """The benchmarks that are decided for every arm that has them."""
    return frozenset(tasks).difference(*map(_undecided, compared_arms))


def _needed(
    task: str, records: Sequence[BlockRecord], comparisons: Mapping[str, Comparisons], rules: Rules
) -> int | None:
    """The greatest count that an undecided arm needs; None where the plan is too short for one."""
    counts = [
        blocks_needed(
            [
                log_ratio(block.means[BASE], block.means[name])
                for block in records
                if name in block.means
            ],
            [block.replica for block in records if name in block.means],
            alpha=_level(compared),
            margin=rules.margin,
            plan=rules.plan,
        )
        for name, compared in comparisons.items()
        if task in _undecided(compared)
    ]
    reached = [count for count in counts if count is not None]
    return max(reached) if reached and len(reached) == len(counts) else None


def _level(compared: Comparisons) -> float:
    """The approximate level of a benchmark before the adjustment for looks
    (see `bench.stats.multiplicity`).
    """
    rows = compared.comparisons
    differing = sum(
        row.low is not None and row.high is not None and not row.low <= 1 <= row.high
        for row in rows
    )
    return compared.error * max(differing, 1) / max(len(rows), 1)


# Fewer blocks can all agree by chance, and leave Student's t few degrees of freedom: only very
# large differences could be decided.
FIRST_LOOK = 5
GROWTH = 1.4
# A look before the last is left out where `blocks` is less than this multiple of its count: the
# adjustment would cost more than it saves.
LEAST_GROWTH = 1.2


def look_counts(blocks: int, replicas: int = 1) -> tuple[int, ...]:
    """The block counts of a benchmark at which there is a look; the last is `blocks` itself.

    Each is about 1.4 times the one before, so that few are needed and waiting for the next one
    wastes little. They are multiples of the number of replicas, with two blocks of each replica at
    the first look, so that all replicas have the same number of blocks.
    """
    count = max(FIRST_LOOK, 2 * replicas)
    count = math.ceil(count / replicas) * replicas
    counts = []
    while count * LEAST_GROWTH < blocks:
        counts.append(count)
        count = max(round(count * GROWTH / replicas), count // replicas + 1) * replicas
    return (*counts, blocks)


def least_blocks(replicas: int = 1) -> int:
    """The number of blocks that a benchmark gets whatever the budget: fewer have no interval."""
    return max(2, replicas)


def looks_had(count: int, plan: Sequence[int]) -> tuple[float, ...]:
    """The looks of a benchmark with `count` blocks, as shares of the plan's blocks."""
    return tuple(planned / plan[-1] for planned in plan if planned <= count)


def last_looks(count: int, plan: Sequence[int], *, decided: bool) -> tuple[float, ...]:
    """All looks of a benchmark in a finished session, as shares of the plan's blocks.

    A decided benchmark stopped at a look. An undecided one has its last look now, which may spend
    all of the error probability that is left: the budget ended it at this count, not its blocks
    since the look before (Lan and DeMets 1983 allow looks at times outside the plan for such
    cases). Empty where there are no blocks.
    """
    if count < 1:
        return ()
    if decided and count in plan:
        return looks_had(count, plan)
    return (*(planned / plan[-1] for planned in plan if planned < count), 1.0)


# The level at which the half-width of an interval is one standard error, for normal noise.
_ONE_SIGMA = 0.3173


def blocks_needed(
    log_ratios: Sequence[float],
    replicas: Sequence[Hashable],
    *,
    alpha: float,
    margin: float,
    plan: Sequence[int],
) -> int | None:
    """The first planned count, above the current one, at which a benchmark is expected to be
    decided; None where the whole plan is not enough.

    The centre and the spread are assumed to stay the same: then it is decided as soon as half its
    interval is narrower than the distance to 1, or than the distance from inside to the margin.
    `alpha` is the level before the adjustment for looks.
    """
    from scipy import special

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
    """(variance of a block, variance of the centre that more blocks do not reduce, degrees of
    freedom of the replicas; 0 with a single replica).
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
    """The variance of a single value, estimated from the interval around the centre of all."""
    low, high = estimate_blocks(values).interval(_ONE_SIGMA) or (-math.inf, math.inf)
    return len(values) * ((high - low) / 2) ** 2
