"""When a session looks at its data, what is decided by then, and how much more it needs. Pure.

Looks are taken at block counts fixed beforehand; their price is in `bench.stats.multiplicity`.
Verdicts are made by what judges at the end (`bench.session.verdicts.conclude`), which is passed in.
The forecast of blocks sets the order of measuring and the time left that a user sees, never a
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
    """What `bench.session.verdicts.conclude` does: the comparisons of a candidate with the base."""

    def __call__(self, measured: SessionRecord, candidate: str, /, *, margin: float) -> Comparisons:
        """`measured` has the looks that its intervals must pay for."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is fixed before the first block.

    `blocks`: the most for one benchmark. `budget`: seconds, None for no limit. `watched`: the
    candidates whose verdicts decide; without any, or without `sequential`, nobody looks before all
    blocks are measured or the budget is spent.
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
        """The counts at which a benchmark is looked at; () where nobody looks early."""
        return look_counts(self.blocks, self.replicas) if self.sequential and self.watched else ()


@dataclass(frozen=True, kw_only=True)
class InterimResult:
    """What a look has shown. `needed`: the count at which an undecided benchmark is expected to be
    decided, None where not within its blocks.
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
    found: dict[str, list[BlockRecord]] = {}
    for block in blocks:
        found.setdefault(block.task, []).append(block)
    return found


def look(blocks: Sequence[BlockRecord], rules: Rules, judge: Judge) -> InterimResult:
    """Judge what is measured at a look of the plan."""
    tasks = by_task(blocks)
    seen = _with_looks(
        SessionRecord(blocks=tuple(blocks)), lambda _task, count: looks_had(count, rules.plan)
    )
    found = {name: judge(seen, name, margin=rules.margin) for name in rules.watched}
    decided = _decided_by_all(tasks, list(found.values()))
    return InterimResult(
        tasks=tuple(tasks),
        decided=decided,
        suite_decided=all(_has_decided_suite(one) for one in found.values()),
        needed={
            task: _needed(task, records, found, rules)
            for task, records in tasks.items()
            if task not in decided
        },
    )


def settled(measured: SessionRecord, rules: Rules, judge: Judge) -> SessionRecord:
    """The same session when it is over, with the looks that each of its intervals pays for.

    A benchmark that was decided keeps the level of the look that decided it, also where others have
    moved on; see `bench.session.stopping.last_looks` for those that were not.
    """
    if not rules.plan or not measured.blocks:
        return measured
    plan = rules.plan
    seen = _with_looks(measured, lambda _task, count: last_looks(count, plan, decided=True))
    found = [judge(seen, name, margin=rules.margin) for name in rules.watched]
    decided = _decided_by_all([block.task for block in measured.blocks], found)
    counts = {task: len(records) for task, records in by_task(measured.blocks).items()}
    return replace(
        _with_looks(measured, lambda task, count: last_looks(count, plan, decided=task in decided)),
        suite_looks=last_looks(
            min(counts.values()), plan, decided=all(_has_decided_suite(one) for one in found)
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


def _is_decided(one: SuiteComparison | None) -> bool:
    return one is not None and one.verdict != UNDECIDED


def _has_decided_suite(compared: Comparisons) -> bool:
    """Also an arm that has no benchmark at all: nothing more will be known of it."""
    return not compared.comparisons or _is_decided(compared.suite)


def _undecided(compared: Comparisons) -> frozenset[str]:
    return frozenset(one.benchmark for one in compared.comparisons if not _is_decided(one))


def _decided_by_all(tasks: Iterable[str], found: Sequence[Comparisons]) -> frozenset[str]:
    """The benchmarks that are decided for every arm that has them."""
    return frozenset(tasks).difference(*map(_undecided, found))


def _needed(
    task: str, records: Sequence[BlockRecord], found: Mapping[str, Comparisons], rules: Rules
) -> int | None:
    """The greatest count of the arms that are not decided; None where one has none."""
    counts = [
        blocks_needed(
            [log_ratio(one.means[BASE], one.means[name]) for one in records if name in one.means],
            [one.replica for one in records if name in one.means],
            alpha=_level(compared),
            margin=rules.margin,
            plan=rules.plan,
        )
        for name, compared in found.items()
        if task in _undecided(compared)
    ]
    known = [count for count in counts if count is not None]
    return max(known) if known and len(known) == len(counts) else None


def _level(compared: Comparisons) -> float:
    """About the level of a benchmark before looks are paid for (see `bench.stats.multiplicity`)."""
    rows = compared.comparisons
    differing = sum(
        one.low is not None and one.high is not None and not one.low <= 1 <= one.high
        for one in rows
    )
    return compared.error * max(differing, 1) / max(len(rows), 1)


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
