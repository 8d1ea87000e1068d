"""The timing part of a run: calibrate once, then measure blocks, storing each before the next.

This module combines `bench.session.folder` (files, missing benchmarks), `bench.session.preparation`
(loops and protocols), `bench.session.schedule` (which block comes next, and when the session ends),
`bench.session.engine` (measuring a block) and `bench.host.interference` (disturbed blocks).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.host import HostSampler, HostState, busy_before
from bench.measure import Effort, Rig, Task, protocols
from bench.session.engine import BlockEngine, drawn_block
from bench.session.folder import LoopCounts, MissingTracker, SessionFolder
from bench.session.preparation import BenchmarkLineup, Job, Preparation
from bench.session.progress import ProgressReport
from bench.session.record import SessionRecord
from bench.session.schedule import Schedule, ScheduledBlock
from bench.session.stopping import Rules, settled
from bench.session.verdicts import conclude
from bench.util import Show
from builder.files import guard_writes
from builder.process import Command


@dataclass(frozen=True, kw_only=True)
class SessionTerms:
    """How to measure. `blocks`: the maximum for one benchmark. `budget`: seconds of wall time over
    all processes that work on the session; None: no limit. `watched` are the candidates whose
    verdicts decide; with `stop_when_decided` a benchmark is finished when they are decided, else
    the number of blocks does not depend on what was measured. `protocol` returns the protocol of a
    task; `fallback` is the one for a task whose first block cannot be measured under it (a
    benchmark may turn out to read a clock that the protocol cannot use); None: such a task is
    missing.
    """

    protocol: Callable[[Task], str]
    blocks: int
    budget: float | None
    seed: int
    effort: Effort
    margin: float
    stop_when_decided: bool
    watched: tuple[str, ...]
    fallback: str | None = None


def read_folder(raw: Path) -> SessionRecord:
    """Read the session in a folder, with the looks that its intervals are adjusted for.

    An incomplete session is read like one that its budget ended. Raises StoreError for a damaged
    file.
    """
    folder = SessionFolder(raw)
    measured, rules = folder.read(), folder.rules()
    return measured if rules is None else settled(measured, rules, conclude)


class Session:
    """One session, in one folder; it can be stopped at any moment and continued.

    `sample` returns the host's state since the previous call (default: a `bench.host.HostSampler`).
    """

    def __init__(
        self,
        *,
        subjects: Sequence[BenchmarkLineup],
        terms: SessionTerms,
        rig: Rig,
        folder: Path,
        show: Show,
        clock: Callable[[], float] = time.monotonic,
        sample: Callable[[], HostState] | None = None,
    ) -> None:
        self._subjects = subjects
        self._terms = terms
        self._rig = rig
        self._folder = SessionFolder(folder)
        self._show = show
        self._clock = clock
        self._sample = sample or HostSampler(core=_measured_cpu(rig)).sample
        self._missing = MissingTracker(self._folder, show.say)
        self._preparation = Preparation(
            subjects=subjects,
            protocol=terms.protocol,
            effort=terms.effort,
            seed=terms.seed,
            rig=rig,
            folder=self._folder,
            show=show,
            clock=clock,
        )

    def run(self) -> SessionRecord:
        """Measure what is not measured yet. Raises StoreError when it cannot be stored."""
        with guard_writes(self._folder.path):
            self._folder.begin(self._rules())
            self._missing = MissingTracker(self._folder, self._show.say)
            counts = self._calibrate()
            if not self._folder.is_complete():
                self._measure(counts)
                self._folder.conclude()
            measured = self.read()
            if not measured.blocks:
                # Nothing to continue from: the next run tries everything again.
                self._folder.remove()
        return measured

    def calibrating_commands(self) -> tuple[Command, ...]:
        """The commands of the calibration in a session that has not begun. Pure."""
        return self._preparation.commands()

    def commands(self, number: int, seconds: float) -> tuple[tuple[Command, ...], ...]:
        """The commands of the blocks with that number, one tuple for each benchmark.

        The tasks of a script and their loops are not known before the session begins: each is
        assumed to have one task of its own name, whose values take `seconds` with one loop. Pure.
        """
        return tuple(self._block_commands(subject, number, seconds) for subject in self._subjects)

    def _block_commands(
        self, subject: BenchmarkLineup, number: int, seconds: float
    ) -> tuple[Command, ...]:
        task = Task(
            index=0, name=subject.benchmark.name, loops=1, warmups=1, values=1, seconds=seconds
        )
        others = {arm.kind: task for arm in subject.representatives[1:]}
        protocol = self._terms.protocol(task)
        job = Job(subject=subject, task=task, others=others, protocol=protocol)
        turn = ScheduledBlock(task=task.name, number=number)
        block = drawn_block(turn, self._preparation.shaped(job, protocol), seed=self._terms.seed)
        return protocols.commands(protocol, block, self._rig)

    def read(self) -> SessionRecord:
        """Read the session from disk."""
        return read_folder(self._folder.path)

    def _rules(self) -> Rules:
        return Rules(
            blocks=self._terms.blocks,
            replicas=max((len(subject.lineups) for subject in self._subjects), default=1),
            budget=self._terms.budget,
            margin=self._terms.margin,
            seed=self._terms.seed,
            watched=self._terms.watched,
            sequential=self._terms.stop_when_decided,
        )

    def _calibrate(self) -> LoopCounts:
        """Calibrate; warn where the host was busy meanwhile."""
        self._sample()
        before = self._folder.calibration()
        counts = self._preparation.calibration()
        warning = busy_before(self._sample(), os.cpu_count() or 1)
        if counts is not before and warning and len(counts.benchmarks) > len(before.benchmarks):
            self._show.say(warning)
        return counts

    # -- blocks -----------------------------------------------------------------------------

    def _measure(self, counts: LoopCounts) -> None:
        jobs = self._preparation.jobs(counts, self._missing)
        spent = counts.seconds + self._missing.arm_seconds()
        schedule = Schedule(tuple(jobs), self._rules(), conclude, spent=spent)
        with self._show.bar("measuring", len(jobs) * self._terms.blocks) as bar:
            engine = BlockEngine(
                folder=self._folder,
                missing=self._missing,
                schedule=schedule,
                jobs=jobs,
                rig=self._rig,
                seed=self._terms.seed,
                say=self._show.say,
                sample=self._sample,
                fallback=self._fallback,
                clock=self._clock,
            )
            engine.run(ProgressReport(bar, schedule))

    def _fallback(self, job: Job) -> Job | None:
        other = self._terms.fallback
        if other is None or other == job.protocol:
            return None
        return self._preparation.shaped(job, other)


def _measured_cpu(rig: Rig) -> int | None:
    """The CPU that blocks are measured on; None where they may use several."""
    usable = os.sched_getaffinity(0)
    return min(usable) if rig.core is None and len(usable) == 1 else rig.core
