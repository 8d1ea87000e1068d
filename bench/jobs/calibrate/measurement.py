"""The timing part of a calibration: rounds of blocks under every protocol.

It uses the folder (`SessionFolder`), the preparation of scripts (`Preparation`) and the engine
(`BlockEngine`) of a session. Only the jobs differ: a cell is a task under a protocol, against
itself ("same") or with a known difference ("known"). Every round measures each cell once, in random
order, so that drift of the host affects all cells alike. There are no interim looks, disturbed
blocks are not measured again, and only the means of each block are stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.benchmarks import Benchmark
from bench.compare import MARGIN
from bench.host import HostSampler
from bench.jobs.calibrate import known_difference
from bench.measure import (
    KNOWN,
    WAITS,
    BlockPlan,
    Effort,
    Rig,
    RunnableArm,
    Sample,
    ScriptLoops,
    Task,
    classify,
    loops_of,
    protocols,
    with_effort,
)
from bench.session import (
    BenchmarkLineup,
    BlockEngine,
    Job,
    MissingTracker,
    Preparation,
    Rules,
    Schedule,
    ScheduledBlock,
    SessionFolder,
    conclude,
    drawn_block,
)
from bench.util import Bar, Show, slug
from builder.files import guard_writes


@dataclass(frozen=True, kw_only=True)
class CalibrationTarget:
    """A benchmark and the base's arm that runs it. `ours`: it is bench/inside/known."""

    benchmark: Benchmark
    arm: RunnableArm
    ours: bool = False


@dataclass(frozen=True, kw_only=True)
class CalibrationTerms:
    """The terms of a calibration: `blocks` of each cell, or fewer when the budget is spent.

    `budget` is in wall seconds, over all invocations; the first two rounds ignore it.
    """

    blocks: int
    budget: float | None
    seed: int
    effort: Effort


@dataclass(frozen=True, kw_only=True)
class CalibrationCell:
    """A task under a protocol; `known`: the other arm does KNOWN times the loops."""

    subject: CalibrationTarget
    task: Task
    protocol: str
    known: bool

    @property
    def name(self) -> str:
        """A unique name that can be part of a path."""
        return f"{self.protocol}-{'known' if self.known else 'same'}-{slug(self.task.name)}"

    def arms(self) -> tuple[RunnableArm, RunnableArm]:
        """The base twice. The names have one length, so that paths have one length too."""
        base = replace(self.subject.arm, name="base")
        if self.known:
            return base, replace(base, name="more", loops_factor=KNOWN)
        return base, replace(base, name="same")

    @property
    def job(self) -> Job:
        """The job of a session that measures this cell."""
        lineup = BenchmarkLineup(benchmark=self.subject.benchmark, lineups=(self.arms(),))
        return Job(subject=lineup, task=self.task, protocol=self.protocol)

    def block(self, number: int, seed: int, purpose: str) -> BlockPlan:
        """The block of this number; its random choices follow from `seed`, names and `purpose`."""
        turn = ScheduledBlock(task=f"{self.name} {purpose}", number=number)
        return drawn_block(turn, self.job, seed=seed)

    def sample(self, number: int, means: Mapping[str, float], seconds: float) -> Sample:
        """The sample of a block, from its means and its duration in seconds.

        pyperf divides by the loops that it was given, so the known difference is restored here:
        more loops are more of the same work.
        """
        base, other = (
            means[arm.name] * loops_of(self.task, arm) / self.task.loops for arm in self.arms()
        )
        return Sample(
            protocol=self.protocol,
            task=self.task.name,
            known=self.known,
            number=number,
            base=base,
            other=other,
            seconds=seconds,
        )


@dataclass(frozen=True, kw_only=True)
class CalibrationBlocks:
    """The measured blocks of a calibration: tasks by name, samples, and missing ones with why."""

    tasks: Mapping[str, Task]
    samples: tuple[Sample, ...]
    missing: Mapping[str, str]
    cells: tuple[CalibrationCell, ...]


class CalibrationMeasurement:
    """The timing part, in one folder. It can be stopped at any moment, and continued."""

    def __init__(
        self,
        *,
        subjects: Sequence[CalibrationTarget],
        terms: CalibrationTerms,
        rig: Rig,
        folder: Path,
        show: Show,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subjects = subjects
        self._terms = terms
        self._rig = rig
        self._folder = SessionFolder(folder)
        self._show = show
        self._clock = clock

    def run(self) -> CalibrationBlocks:
        """Measure what is not measured yet. Raises StoreError when it cannot be stored."""
        with guard_writes(self._folder.path):
            self._folder.begin(rules_of(self._terms))
            losses = MissingTracker(self._folder, self._show.say)
            prepared = self._preparation().calibration()
            cells = tuple(self._cells(prepared.benchmarks, losses))
            self._measure(cells, losses, prepared.seconds)
            return CalibrationBlocks(
                tasks={cell.task.name: cell.task for cell in cells},
                samples=self._samples(cells),
                missing={name: loss.reason for name, loss in self._folder.missing_tasks().items()},
                cells=cells,
            )

    # -- tasks and cells ------------------------------------------------------------------------

    def _preparation(self) -> Preparation:
        """The preparation that counts loops and durations of every script, and stores them."""
        return Preparation(
            subjects=[
                BenchmarkLineup(benchmark=subject.benchmark, lineups=((subject.arm,),))
                for subject in self._subjects
            ],
            protocol=lambda _task: "",  # each cell has its own
            effort=self._terms.effort,
            seed=self._terms.seed,
            rig=self._rig,
            folder=self._folder,
            show=self._show,
            clock=self._clock,
            title="counting loops",
        )

    def _cells(
        self, scripts: Iterable[ScriptLoops], losses: MissingTracker
    ) -> Iterator[CalibrationCell]:
        """Every task under every protocol that can measure it."""
        by_benchmark = {script.benchmark: script for script in scripts}
        for subject, task, kinds in self._tasks(by_benchmark, losses):
            for name in protocols.PROTOCOLS:
                if not protocols.refuses(name, task):
                    effort = protocols.effort_for(name, self._terms.effort)
                    shaped = with_effort(task, effort.for_kind(subject.arm.kind))
                    for is_known in kinds:
                        yield CalibrationCell(
                            subject=subject, task=shaped, protocol=name, known=is_known
                        )

    def _tasks(
        self, scripts: Mapping[str, ScriptLoops], losses: MissingTracker
    ) -> Iterator[tuple[CalibrationTarget, Task, tuple[bool, ...]]]:
        """Each task, with the values of `known` under which it is measured.

        Our script is last: it is measured in the classes that the other benchmarks belong to.
        """
        seen: set[str] = set()
        kinds: set[str] = set()
        for subject in sorted(self._subjects, key=lambda subject: subject.ours):
            calibrated = scripts[subject.benchmark.name]
            if calibrated.failure is not None:
                losses.add_task(calibrated.benchmark, calibrated.failure.reason)
            effort = self._terms.effort.for_kind(subject.arm.kind)
            if subject.ours:
                # Always with waits: suites have hardly any waiting benchmark, but users may.
                for task in known_difference.ours(calibrated.tasks, {*kinds, WAITS}, effort):
                    yield subject, task, (True,)
                continue
            for task in calibrated.tasks:
                if task.name not in seen:
                    seen.add(task.name)
                    kinds.add(classify(task))
                    scaled = known_difference.exact(task, effort)
                    if scaled is None:
                        yield subject, with_effort(task, effort), (False,)
                    else:
                        yield subject, scaled, (False, True)

    # -- blocks ---------------------------------------------------------------------------------

    def _measure(
        self, cells: Sequence[CalibrationCell], losses: MissingTracker, spent: float
    ) -> None:
        rounds = self._terms.blocks
        jobs = {cell.name: cell.job for cell in cells}
        with self._show.bar("measuring", rounds * len(cells)) as bar:
            engine = BlockEngine(
                folder=self._folder,
                missing=losses,
                schedule=Schedule(tuple(jobs), rules_of(self._terms), conclude, spent=spent),
                jobs=jobs,
                rig=self._rig,
                seed=self._terms.seed,
                say=self._show.say,
                sample=HostSampler(core=self._rig.core).sample,
                repeats=False,
                keeps_trials=False,
                clock=self._clock,
            )
            engine.run(_Rounds(bar=bar, rounds=rounds))

    def _samples(self, cells: Iterable[CalibrationCell]) -> tuple[Sample, ...]:
        by_name = {cell.name: cell for cell in cells}
        return tuple(
            by_name[block.task].sample(block.number, block.means, block.seconds)
            for block in self._folder.blocks()
            if block.task in by_name
        )


@dataclass(frozen=True, kw_only=True)
class _Rounds:
    """Shows the round of a calibration in the progress bar."""

    bar: Bar
    rounds: int

    def begin(self) -> None:
        """Do nothing between turns."""

    def end(self, turn: ScheduledBlock, *, is_new: bool) -> None:  # noqa: ARG002
        """Advance the bar."""
        self.bar.advance(note=f"round {turn.number + 1} of {self.rounds}: {turn.task}")


def rules_of(terms: CalibrationTerms) -> Rules:
    """The rules, fixed before the first block: without interim looks."""
    return Rules(
        blocks=terms.blocks,
        budget=terms.budget,
        margin=MARGIN,
        seed=terms.seed,
        sequential=False,
    )
