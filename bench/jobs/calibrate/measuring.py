"""The timing part of a calibration: rounds of blocks under every protocol, each kept as it comes.

What a session keeps on disk (`bench.session.folder`), finds of scripts (`Preparation`) and takes
turn by turn (`BlockEngine`) is kept, found and taken here in the same way. Its own are the jobs: a
cell is a task under a protocol, against itself ("same") or with a known difference ("known"), and
the schedule's rounds measure every cell once, in random order, so that drift of the host is in none
of them more than in others. Nobody looks early, nothing is measured again for a busy host, and of
each block the means are kept alone.
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
    """`blocks` of each cell; fewer where `budget`, wall seconds over all sittings, is spent before.
    The first two rounds are measured in any case.
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
        """Its own name, fit for a path."""
        return f"{self.protocol}-{'known' if self.known else 'same'}-{slug(self.task.name)}"

    def arms(self) -> tuple[RunnableArm, RunnableArm]:
        """The base, and the base again: under names of one length, as their paths are."""
        base = replace(self.subject.arm, name="base")
        if self.known:
            return base, replace(base, name="more", loops_factor=KNOWN)
        return base, replace(base, name="same")

    @property
    def job(self) -> Job:
        """What a session measures of it."""
        lineup = BenchmarkLineup(benchmark=self.subject.benchmark, lineups=(self.arms(),))
        return Job(subject=lineup, task=self.task, protocol=self.protocol)

    def block(self, number: int, seed: int, purpose: str) -> BlockPlan:
        """Its block of that number; its chances come from `seed`, the names and the `purpose`."""
        turn = ScheduledBlock(task=f"{self.name} {purpose}", number=number)
        return drawn_block(turn, self.job, seed=seed)

    def sample(self, number: int, means: Mapping[str, float], seconds: float) -> Sample:
        """What a block says. pyperf divides by the loops that it was given, so the known difference
        is put back: more loops are more of the same work.
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
    """What a calibration measured: its tasks by name, its blocks, and what is missing."""

    tasks: Mapping[str, Task]
    samples: tuple[Sample, ...]
    missing: Mapping[str, str]
    cells: tuple[CalibrationCell, ...]


class Measuring:
    """The timing part, in one folder; it can be stopped at any moment and gone on with."""

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
        """Measure what is not measured yet. Raises StoreError when it cannot be kept."""
        with guard_writes(self._folder.path):
            self._folder.begin(rules_of(self._terms))
            losses = MissingTracker(self._folder, self._show.say)
            found = self._preparation().calibration()
            cells = tuple(self._cells(found.benchmarks, losses))
            self._measure(cells, losses, found.seconds)
            return CalibrationBlocks(
                tasks={cell.task.name: cell.task for cell in cells},
                samples=self._samples(cells),
                missing={name: one.reason for name, one in self._folder.missing_tasks().items()},
                cells=cells,
            )

    # -- tasks and cells ------------------------------------------------------------------------

    def _preparation(self) -> Preparation:
        """Finds loops and lengths of every script, and keeps them as they come."""
        return Preparation(
            subjects=[
                BenchmarkLineup(benchmark=one.benchmark, lineups=((one.arm,),))
                for one in self._subjects
            ],
            protocol=lambda _task: "",  # a cell has its own
            effort=self._terms.effort,
            seed=self._terms.seed,
            rig=self._rig,
            folder=self._folder,
            show=self._show,
            clock=self._clock,
            title="finding loops",
        )

    def _cells(
        self, found: Iterable[ScriptLoops], losses: MissingTracker
    ) -> Iterator[CalibrationCell]:
        """Every task under every protocol that can measure it."""
        for subject, task, kinds in self._tasks({one.benchmark: one for one in found}, losses):
            for name in protocols.PROTOCOLS:
                if not protocols.refuses(name, task):
                    effort = protocols.effort_for(name, self._terms.effort)
                    shaped = with_effort(task, effort.for_kind(subject.arm.kind))
                    for is_known in kinds:
                        yield CalibrationCell(
                            subject=subject, task=shaped, protocol=name, known=is_known
                        )

    def _tasks(
        self, found: Mapping[str, ScriptLoops], losses: MissingTracker
    ) -> Iterator[tuple[CalibrationTarget, Task, tuple[bool, ...]]]:
        """Each task, and whether it is measured against itself, with the known difference, or both.

        Our own script is last: it is for the classes that the others turned out to be of.
        """
        seen: set[str] = set()
        kinds: set[str] = set()
        for subject in sorted(self._subjects, key=lambda one: one.ours):
            calibrated = found[subject.benchmark.name]
            if calibrated.failure is not None:
                losses.add_task(calibrated.benchmark, calibrated.failure.reason)
            effort = self._terms.effort.for_kind(subject.arm.kind)
            if subject.ours:
                # Suites have next to nothing that waits, and other benchmarks do.
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
            by_name[one.task].sample(one.number, one.means, one.seconds)
            for one in self._folder.blocks()
            if one.task in by_name
        )


@dataclass(frozen=True, kw_only=True)
class _Rounds:
    """Shows which round a calibration is in."""

    bar: Bar
    rounds: int

    def begin(self) -> None:
        """Nothing is said between turns."""

    def end(self, turn: ScheduledBlock, *, is_new: bool) -> None:  # noqa: ARG002
        """A turn was taken."""
        self.bar.advance(note=f"round {turn.number + 1} of {self.rounds}: {turn.task}")


def rules_of(terms: CalibrationTerms) -> Rules:
    """What is fixed before the first block; nobody looks before the last."""
    return Rules(
        blocks=terms.blocks,
        budget=terms.budget,
        margin=MARGIN,
        seed=terms.seed,
        sequential=False,
    )
