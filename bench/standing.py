"""What a session's blocks show so far: who is decided, and which looks that has cost. Pure.

Verdicts are made by whatever judges at the end (`bench.judging.conclude`): it is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bench.comparison import Comparisons, SuiteComparison
from bench.forecast import blocks_needed
from bench.looks import last_looks, look_counts, looks_had
from bench.records import BlockRecord, Measured
from bench.stats import log_ratio

BASE = "base"
UNDECIDED = "undecided"


class Judge(Protocol):
    """What `bench.judging.conclude` does: the comparisons of a candidate with the base."""

    def __call__(self, measured: Measured, candidate: str, /, *, margin: float) -> Comparisons:
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
class Standing:
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


def look(blocks: Sequence[BlockRecord], rules: Rules, judge: Judge) -> Standing:
    """Judge what is measured at a look of the plan."""
    tasks = by_task(blocks)
    seen = _with_looks(_bare(blocks), lambda _task, count: looks_had(count, rules.plan))
    found = {name: judge(seen, name, margin=rules.margin) for name in rules.watched}
    decided = _decided_by_all(tasks, list(found.values()))
    return Standing(
        tasks=tuple(tasks),
        decided=decided,
        suite_decided=all(_has_decided_suite(one) for one in found.values()),
        needed={
            task: _needed(task, records, found, rules)
            for task, records in tasks.items()
            if task not in decided
        },
    )


def settled(measured: Measured, rules: Rules, judge: Judge) -> Measured:
    """The same session when it is over, with the looks that each of its intervals pays for.

    A benchmark that was decided keeps the level of the look that decided it, also where others have
    moved on; see `bench.looks.last_looks` for those that were not.
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


def _with_looks(measured: Measured, looks: Callable[[str, int], tuple[float, ...]]) -> Measured:
    counts = {task: len(records) for task, records in by_task(measured.blocks).items()}
    return replace(
        measured,
        looks={task: looks(task, count) for task, count in counts.items()},
        suite_looks=looks("", min(counts.values(), default=0)),
    )


def _bare(blocks: Sequence[BlockRecord]) -> Measured:
    return Measured(blocks=tuple(blocks), missing=(), seconds=0.0, busy_seconds=0.0, complete=False)


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
    """About the level of a benchmark before looks are paid for (see `bench.levels`)."""
    rows = compared.comparisons
    differing = sum(
        one.low is not None and one.high is not None and not one.low <= 1 <= one.high
        for one in rows
    )
    return compared.error * max(differing, 1) / max(len(rows), 1)
