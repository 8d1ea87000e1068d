"""Which block is measured next, and when the session ends. Pure: records in, turns out.

A `Schedule` is a function of its rules and of the records passed to it, in their order: it reads no
clock and no disk, and all randomness comes from the seed. A session that was killed passes its
records to a new schedule and continues exactly as it would have; a study passes simulated records.

**Stages.** A stage measures some benchmarks up to the next block count that has a look
(`bench.session.stopping`), in rounds of one block each, in random order, so that drift affects all
of them alike. At the look, `bench.session.verdicts` computes the verdicts from the blocks so far,
adjusted for the looks. A benchmark is decided when each watched arm has a verdict there. Decided
benchmarks are not measured further, unless a verdict is lost again because the levels of the
family of comparisons moved.

**The suite** is measured in common rounds until it is decided too, whatever the state of its
benchmarks, so that its interval rests on the same number of blocks of each. If each benchmark left
when it was decided, those decided by chance would keep their deviation, and a mean over many
benchmarks shows such a bias as it shows any other small effect. With a budget, decided benchmarks
are measured on for the suite until half of the budget is spent.

**Cost.** When the budget left is not enough for all undecided benchmarks, those that are predicted
to be decided in the least time come first, so that as many as possible are decided.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.session.record import BlockRecord, without
from bench.session.stopping import InterimResult, Judge, Rules, least_blocks, look

# The part of a budget in which decided benchmarks may be measured on for the suite's sake.
SUITE_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class ScheduledBlock:
    """The block to be measured next: block `number` of `task`; `again`: after a disturbance."""

    task: str
    number: int
    again: bool = False


class Schedule:
    """The turns of a session. After each, call `add`, `repeat` or `drop` before taking the next.

    `spent` are the used seconds of the budget, `planned` the blocks of all benchmarks up to the end
    of the stage, `repeated` the disturbed blocks that did not count, `looks` the number of looks so
    far and `interim` the result of the last one.
    """

    def __init__(
        self, tasks: Sequence[str], rules: Rules, judge: Judge, *, spent: float = 0.0
    ) -> None:
        self.rules = rules
        self.spent = spent
        self.planned = self.repeated = self.looks = 0
        self.interim = InterimResult(tasks=tuple(tasks))
        self._judge = judge
        self._records: dict[str, list[BlockRecord]] = {task: [] for task in tasks}
        self._again: list[ScheduledBlock] = []
        self._rounds = 0
        self._least = min(least_blocks(rules.replicas), rules.blocks)

    # -- results of turns -------------------------------------------------------------------

    def add(self, record: BlockRecord) -> None:
        """The block was measured, and counts."""
        self.spent += record.seconds
        self._records[record.task].append(record)

    def repeat(self, record: BlockRecord) -> None:
        """The block was disturbed and does not count: it is repeated at the end of the round."""
        self.spent += record.seconds
        self.repeated += 1
        self._again.append(ScheduledBlock(task=record.task, number=record.number, again=True))

    def drop(self, task: str, seconds: float = 0.0) -> None:
        """The benchmark cannot be measured: it has no further turns, and no block of it counts."""
        self.spent += seconds
        self._records.pop(task, None)

    def drop_arms(self, task: str, arms: Container[str], seconds: float = 0.0) -> None:
        """Some arms of a benchmark cannot be measured: its block is tried again without them."""
        self.spent += seconds
        self._records[task] = [without(record, arms) for record in self._records[task]]

    # -- turns ------------------------------------------------------------------------------

    def turns(self) -> Iterator[ScheduledBlock]:
        """The blocks to be measured, one after the other, until the session ends."""
        while stage := self._stage():
            self.planned = sum(stage.get(task, self.count(task)) for task in self._records)
            yield from self._through(stage)
            if self._is_over():
                return
            if self.rules.plan:
                self.looks += 1
                blocks = [record for records in self._records.values() for record in records]
                self.interim = look(blocks, self.rules, self._judge)

    def count(self, task: str) -> int:
        """The number of blocks of a benchmark that count."""
        return len(self._records.get(task, ()))

    def expected(self) -> int:
        """A forecast of the number of blocks still to be measured."""
        left = [self._target(task) - self.count(task) for task in self._records]
        blocks = sum(max(missing, 0) for missing in left)
        seconds = self._seconds_each(self._records)
        if self.rules.budget is None or not seconds:
            return blocks
        return min(blocks, round(max(self.rules.budget - self.spent, 0.0) / seconds))

    def _target(self, task: str) -> int:
        if task in self.interim.decided:
            return 0
        return self.interim.needed.get(task) or self.rules.blocks

    def _through(self, stage: Mapping[str, int]) -> Iterator[ScheduledBlock]:
        while waiting := [task for task in stage if self._lacks(task, stage[task])]:
            self._rounds += 1
            random.Random(f"{self.rules.seed} round {self._rounds}").shuffle(waiting)
            for task in waiting:
                if not self._is_spent() or self.count(task) < self._least:
                    yield ScheduledBlock(task=task, number=self.count(task))
            yield from self._once_more()
            if self._is_over():
                return

    def _lacks(self, task: str, target: int) -> bool:
        return task in self._records and self.count(task) < target

    def _once_more(self) -> Iterator[ScheduledBlock]:
        """Repeat the disturbed blocks of the round, whatever the budget: no number is left out."""
        again, self._again = self._again, []
        yield from (turn for turn in again if turn.task in self._records)

    def _is_spent(self) -> bool:
        return self.rules.budget is not None and self.spent >= self.rules.budget

    def _is_over(self) -> bool:
        """Whether the budget ends the session; each benchmark gets its first few blocks anyway."""
        counts = map(len, self._records.values())
        return self._is_spent() and all(count >= self._least for count in counts)

    # -- stages -----------------------------------------------------------------------------

    def _stage(self) -> dict[str, int]:
        """The benchmarks to be measured next, with the count for each; empty at the end."""
        if not self.rules.plan:
            return self._up_to(self._records, self.rules.blocks)
        if not self._rounds:
            return self._up_to(self._records, self.rules.plan[0])
        held = self._held_for_the_suite()
        undecided = [task for task in self.interim.open if self._is_open(task)]
        chosen = undecided if held else self._affordable(undecided)
        return held | {task: self._next_look(self.count(task)) for task in chosen}

    def _up_to(self, tasks: Collection[str], target: int) -> dict[str, int]:
        return {task: target for task in tasks if self.count(task) < target}

    def _is_open(self, task: str) -> bool:
        return task in self._records and self.count(task) < self.rules.blocks

    def _next_look(self, count: int) -> int:
        return next(planned for planned in self.rules.plan if planned > count)

    def _held_for_the_suite(self) -> dict[str, int]:
        """The benchmarks that lack blocks for the suite's next look, with the count they need.

        Empty when the suite is decided, or has used its part of the budget while benchmarks are
        still undecided.
        """
        common = min(map(len, self._records.values()), default=self.rules.blocks)
        if self.interim.suite_decided or common >= self.rules.blocks:
            return {}
        budget = self.rules.budget
        had_its_part = budget is not None and self.spent >= SUITE_SHARE * budget
        if had_its_part and any(self._is_open(task) for task in self.interim.open):
            return {}
        return self._up_to(self._records, self._next_look(common))

    def _affordable(self, undecided: Sequence[str]) -> list[str]:
        """The benchmarks that the budget left is predicted to decide, always including the
        cheapest; all of them, where none is predicted to be decided within its blocks.
        """
        budget = self.rules.budget
        if budget is None:
            return list(undecided)
        costs = {task: self._cost(task) for task in undecided}
        left = budget - self.spent
        chosen: list[str] = []
        for task in sorted(undecided, key=lambda task: costs[task]):
            left -= costs[task]
            if costs[task] == math.inf or (left < 0 and chosen):
                break
            chosen.append(task)
        return [task for task in undecided if task in chosen] or list(undecided)

    def _cost(self, task: str) -> float:
        """The predicted seconds until the benchmark is decided."""
        needed = self.interim.needed.get(task)
        if needed is None:
            return math.inf
        return (needed - self.count(task)) * self._seconds_each([task])

    def _seconds_each(self, tasks: Collection[str]) -> float:
        """The mean seconds of a block."""
        seconds = [record.seconds for task in tasks for record in self._records[task]]
        return sum(seconds) / len(seconds) if seconds else 0.0
