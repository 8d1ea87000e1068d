"""The timing part of a run: calibrate once, then blocks, each on disk before the next begins.

What is on disk is for `bench.session.folder`, loops and protocols for `bench.session.preparation`,
which block comes next and when it is enough for `bench.session.schedule`, which blocks the host
disturbed for `bench.host.interference`, what is missing for `bench.session.folder`. Here they are
put to work. A session that was killed gives the schedule what is on disk, turn by turn, and goes
on with the first turn that has nothing there, as it would have gone on: what a block draws comes
from the run's seed, its task and its number alone.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.host import HostSampler, HostState, busy_before, may_repeat, why_disturbed
from bench.measure import (
    BlockPlan,
    Effort,
    Failure,
    Rig,
    Task,
    Trial,
    has_jit,
    measure,
    protocols,
)
from bench.session.folder import LoopCounts, Losses, SessionFolder
from bench.session.preparation import BenchmarkLineup, Job, Preparation, why
from bench.session.progress import Telling
from bench.session.record import BlockRecord, SessionRecord, warmup_of, without
from bench.session.schedule import Schedule, ScheduledBlock
from bench.session.stopping import BASE, Rules, settled
from bench.session.verdicts import conclude
from bench.util import Show
from builder.files import guard_writes
from builder.process import Command

Failures = dict[str, Failure]
"""How arms of a block failed, by their names."""

# A process that fails is tried again this often before its benchmark counts as missing.
_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class SessionTerms:
    """How to measure. `blocks`: the most for one benchmark. `budget` in seconds of wall time over
    all sittings; None: no limit. `watched` are the candidates whose verdicts decide;
    with `stop_when_decided` a benchmark is left when they are decided, else neither the blocks nor
    the budget look at what was measured. `protocol` names that of a task, `fallback` the one for a
    task whose first block cannot be measured under it (a benchmark may turn out to read a clock
    that the protocol cannot use); None: it is missing then.
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
    """The session in a folder, with the looks that its intervals pay for.

    One that is not complete is read as if its budget had ended it. Raises StoreError for a file
    that is not what was written.
    """
    folder = SessionFolder(raw)
    measured, rules = folder.read(), folder.rules()
    return measured if rules is None else settled(measured, rules, conclude)


class Session:
    """One session, in one folder; it can be stopped at any moment and gone on with.

    `sample` tells of the host since it was called before (a `bench.host.facts.Sampler` of this
    host).
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
        self._losses = Losses(self._folder, show.say)
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
        """Measure what is not measured yet. Raises StoreError when it cannot be kept."""
        with guard_writes(self._folder.path):
            self._folder.begin(self._rules())
            self._losses = Losses(self._folder, self._show.say)
            found = self._calibrate()
            if not self._folder.is_complete():
                self._measure(found)
                self._folder.conclude()
            measured = self.read()
            if not measured.blocks:
                # Nothing to go on from: another run tries everything again.
                self._folder.remove()
        return measured

    def calibrating_commands(self) -> tuple[Command, ...]:
        """What finding the loops would start for a session that has not begun. Pure."""
        return self._preparation.commands()

    def commands(self, number: int, seconds: float) -> tuple[tuple[Command, ...], ...]:
        """What the blocks of that number would start, one for each benchmark.

        A session that has not begun does not know which tasks a script makes, nor their loops: as
        if each made one of its own name, whose values take `seconds` with one loop. Pure.
        """
        return tuple(self._block_commands(one, number, seconds) for one in self._subjects)

    def _block_commands(
        self, subject: BenchmarkLineup, number: int, seconds: float
    ) -> tuple[Command, ...]:
        task = Task(
            index=0, name=subject.benchmark.name, loops=1, warmups=1, values=1, seconds=seconds
        )
        others = {arm.kind: task for arm in subject.speakers[1:]}
        protocol = self._terms.protocol(task)
        job = Job(subject=subject, task=task, others=others, protocol=protocol)
        turn = ScheduledBlock(task=task.name, number=number)
        block = self._drawn(turn, self._preparation.shaped(job, protocol), 0)
        return protocols.commands(protocol, block, self._rig)

    def read(self) -> SessionRecord:
        """What is on disk."""
        return read_folder(self._folder.path)

    def _rules(self) -> Rules:
        return Rules(
            blocks=self._terms.blocks,
            replicas=max((len(one.lineups) for one in self._subjects), default=1),
            budget=self._terms.budget,
            margin=self._terms.margin,
            seed=self._terms.seed,
            watched=self._terms.watched,
            sequential=self._terms.stop_when_decided,
        )

    def _calibrate(self) -> LoopCounts:
        """What was found before the first block; a busy host is told of."""
        self._sample()
        before = self._folder.calibration()
        found = self._preparation.calibration()
        warning = busy_before(self._sample(), os.cpu_count() or 1)
        if found is not before and warning and len(found.benchmarks) > len(before.benchmarks):
            self._show.say(warning)
        return found

    # -- blocks -----------------------------------------------------------------------------

    def _measure(self, found: LoopCounts) -> None:
        jobs = self._preparation.jobs(found, self._losses)
        spent = found.seconds + self._losses.arm_seconds()
        schedule = Schedule(tuple(jobs), self._rules(), conclude, spent=spent)
        with self._show.bar("measuring", len(jobs) * self._terms.blocks) as bar:
            telling = Telling(bar, schedule)
            for turn in schedule.turns():
                telling.begin()
                is_known = self._is_known(turn, schedule)
                if not is_known:
                    self._block(turn, jobs, schedule)
                telling.end(turn, is_new=not is_known)
            telling.begin()

    def _is_known(self, turn: ScheduledBlock, schedule: Schedule) -> bool:
        """Whether the turn was taken in an earlier sitting; the schedule is told."""
        disturbed = None if turn.again else self._folder.disturbed(turn.number, turn.task)
        record = self._folder.block(turn.number, turn.task)
        if disturbed is not None:
            schedule.repeat(disturbed)
        elif record is not None:
            schedule.add(without(record, self._losses.arms(turn.task)))
        elif (lost := self._losses.of(turn.task)) is not None:
            schedule.lose(turn.task, lost.seconds)
        else:
            return False
        return True

    def _block(self, turn: ScheduledBlock, jobs: dict[str, Job], schedule: Schedule) -> None:
        """Measure one block, without arms that fail alone where it cannot be with them; keep it, or
        give its task up.
        """
        began = self._clock()
        while failures := self._tried_all(turn, jobs, schedule):
            if not self._dropped(turn.task, failures, jobs[turn.task], self._clock() - began):
                seconds = self._clock() - began
                self._losses.lose(turn.task, why(_speaking(failures)), seconds)
                schedule.lose(turn.task, seconds)
                return
            schedule.lose_arms(turn.task, self._losses.arms(turn.task), self._clock() - began)
            began = self._clock()

    def _tried_all(
        self, turn: ScheduledBlock, jobs: dict[str, Job], schedule: Schedule
    ) -> Failures:
        """Measure one block under the task's protocol or, as long as it has no block, the one to
        fall back to; how it failed under both.
        """
        job = jobs[turn.task]
        failures = self._tried(turn, job, schedule)
        other = self._terms.fallback
        if not failures or turn.number or other in (None, job.protocol):
            return failures
        assert other is not None
        changed = self._preparation.shaped(job, other)
        others = self._tried(turn, changed, schedule)
        if others and _are_of_candidates(failures):
            return failures  # the protocol was not to blame
        reason = why(_speaking(failures))
        self._show.say(f"{turn.task} is measured in {other}: {reason}")
        self._folder.keep_protocol(turn.task, other)
        jobs[turn.task] = changed
        return others

    def _dropped(self, task: str, failures: Failures, job: Job, seconds: float) -> bool:
        """Whether arms could be given up that failed by themselves, so that the others go on."""
        failed = {arm: one for arm, one in failures.items() if one.own}
        left = set(job.subject.names()[1:]).difference(self._losses.arms(task), failed)
        if not left or not _are_of_candidates(failures):
            return False
        for arm, one in failed.items():
            self._losses.lose_arm(task, arm, why(one), seconds / len(failed))
        return True

    def _tried(self, turn: ScheduledBlock, job: Job, schedule: Schedule) -> Failures:
        """Measure one block and keep it; or how that failed, by arm."""
        began = self._clock()
        failures: Failures = {}
        for attempt in range(_TRIES):
            self._sample()
            block = self._drawn(turn, job, attempt)
            trials = measure(job.protocol, block, self._rig)
            failures = {one.arm: one.failure for one in trials if one.failure is not None}
            if not failures:
                record = _record(block, job, trials, self._clock() - began, self._sample())
                self._keep(turn, record, trials, block.seed, schedule)
                break
        return failures

    def _keep(
        self,
        turn: ScheduledBlock,
        record: BlockRecord,
        trials: Sequence[Trial],
        seed: int,
        schedule: Schedule,
    ) -> None:
        """A disturbed block is measured again, once, as long as that is allowed."""
        repeats = (
            bool(record.disturbed)
            and not turn.again
            and may_repeat(schedule.repeated, schedule.planned)
        )
        self._folder.keep(record, trials, seed=seed, counts=not repeats)
        if repeats:
            schedule.repeat(record)
        else:
            schedule.add(record)

    def _drawn(self, turn: ScheduledBlock, job: Job, attempt: int) -> BlockPlan:
        again = " again" if turn.again else ""
        lineups = job.subject.lineups
        lost = self._losses.arms(turn.task)
        return BlockPlan(
            number=turn.number,
            benchmark=job.subject.benchmark,
            task=job.task,
            others=job.others,
            arms=tuple(arm for arm in lineups[turn.number % len(lineups)] if arm.name not in lost),
            seed=self._draw(f"block {turn.number} {turn.task} {attempt}{again}").randrange(2**63),
        )

    def _draw(self, purpose: str) -> random.Random:
        return random.Random(f"{self._terms.seed} {purpose}")


def _record(
    block: BlockPlan, job: Job, trials: Sequence[Trial], seconds: float, state: HostState
) -> BlockRecord:
    spent = [trial.spent for trial in trials]
    return BlockRecord(
        number=block.number,
        task=block.task.name,
        benchmark=block.benchmark.name,
        means={trial.arm: trial.mean() for trial in trials},
        positions={trial.arm: trial.position for trial in trials},
        values={trial.arm: len(trial.values()) for trial in trials},
        seconds=seconds,
        busy_seconds=sum(one.start + one.values + one.end for one in spent),
        state=asdict(state),
        replica=block.number % len(job.subject.lineups),
        protocol=job.protocol,
        disturbed=why_disturbed(state),
        warmups=_warmups(block, trials),
    )


def _warmups(block: BlockPlan, trials: Sequence[Trial]) -> dict[str, dict[str, float]]:
    """The warm-ups of arms that compile while they run."""
    jits = {arm.name for arm in block.arms if has_jit(arm.kind)}
    return {
        trial.arm: warmup_of(trial.result)
        for trial in trials
        if trial.arm in jits and trial.result is not None
    }


def _measured_cpu(rig: Rig) -> int | None:
    """The CPU that blocks are measured on, where it is just one."""
    usable = os.sched_getaffinity(0)
    return min(usable) if rig.core is None and len(usable) == 1 else rig.core


def _speaking(failures: Failures) -> Failure:
    """The arm that failed by itself speaks, not one that was stopped because of it."""
    return next((one for one in failures.values() if one.own), next(iter(failures.values())))


def _are_of_candidates(failures: Failures) -> bool:
    """Whether some arm failed by itself, and the base did not."""
    own = [arm for arm, one in failures.items() if one.own]
    return bool(own) and BASE not in own
