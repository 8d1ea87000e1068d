"""Measuring the blocks of a schedule, one after the other, each on disk before the next begins.

For a session of candidates (`bench.session.session`) and for a calibration of protocols alike: they
differ in how their jobs come about, in what they may fall back to, and in what they show of it. One
that was stopped gives the schedule what is on disk, turn by turn, and goes on with the first turn
that has nothing there, as it would have gone on: what a block draws comes from the seed, its job
and its number alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from bench.host import HostState, may_repeat, why_disturbed
from bench.measure import BlockPlan, Failure, Rig, Trial, has_jit, protocols
from bench.session.folder import Losses, SessionFolder
from bench.session.preparation import Job, why
from bench.session.record import BlockRecord, warmup_of, without
from bench.session.schedule import Schedule, ScheduledBlock
from bench.session.stopping import BASE

Failures = dict[str, Failure]
"""How arms of a block failed, by their names."""

# A process that fails is tried again this often before its benchmark counts as missing.
_TRIES = 2


class Progress(Protocol):
    """What shows how far the measuring is."""

    def begin(self) -> None:
        """A turn begins, or all have been taken."""

    def end(self, turn: ScheduledBlock, *, is_new: bool) -> None:
        """A turn was taken, in this sitting (`is_new`) or before."""


def draw(seed: int, purpose: str) -> random.Random:
    """The stream of chances for one purpose."""
    return random.Random(f"{seed} {purpose}")


def drawn_block(
    turn: ScheduledBlock, job: Job, *, seed: int, lost: Collection[str] = (), attempt: int = 0
) -> BlockPlan:
    """The block of a turn, without the arms that are lost. Pure."""
    again = " again" if turn.again else ""
    lineups = job.subject.lineups
    chance = draw(seed, f"block {turn.number} {turn.task} {attempt}{again}")
    return BlockPlan(
        number=turn.number,
        benchmark=job.subject.benchmark,
        task=job.task,
        others=job.others,
        arms=tuple(arm for arm in lineups[turn.number % len(lineups)] if arm.name not in lost),
        seed=chance.randrange(2**63),
    )


@dataclass(frozen=True, kw_only=True)
class BlockEngine:
    """Takes the turns of a schedule. `jobs` by the names that its turns have.

    `fallback` gives the job to try where the first block of one cannot be measured; None: it is
    missing then. With `repeats`, blocks that the host disturbed are measured again, as far as that
    is allowed; with `keeps_trials`, each process's own result stands beside the record of a block.
    `sample` tells of the host since it was called before.
    """

    folder: SessionFolder
    losses: Losses
    schedule: Schedule
    jobs: dict[str, Job]
    rig: Rig
    seed: int
    say: Callable[[str], None]
    sample: Callable[[], HostState]
    fallback: Callable[[Job], Job | None] = lambda _job: None
    repeats: bool = True
    keeps_trials: bool = True
    clock: Callable[[], float] = time.monotonic

    def run(self, progress: Progress) -> None:
        """Take every turn. Raises StoreError when a block cannot be kept."""
        for turn in self.schedule.turns():
            progress.begin()
            is_known = self._is_known(turn)
            if not is_known:
                self._block(turn)
            progress.end(turn, is_new=not is_known)
        progress.begin()

    def _is_known(self, turn: ScheduledBlock) -> bool:
        """Whether the turn was taken in an earlier sitting; the schedule is told."""
        disturbed = None if turn.again else self.folder.disturbed(turn.number, turn.task)
        record = self.folder.block(turn.number, turn.task)
        if disturbed is not None:
            self.schedule.repeat(disturbed)
        elif record is not None:
            self.schedule.add(without(record, self.losses.arms(turn.task)))
        elif (lost := self.losses.of(turn.task)) is not None:
            self.schedule.lose(turn.task, lost.seconds)
        else:
            return False
        return True

    def _block(self, turn: ScheduledBlock) -> None:
        """Measure one block, without arms that fail alone where it cannot be with them; keep it, or
        give its task up.
        """
        began = self.clock()
        while failures := self._tried_all(turn):
            if not self._dropped(turn.task, failures, self.clock() - began):
                seconds = self.clock() - began
                self.losses.lose(turn.task, why(_speaking(failures)), seconds)
                self.schedule.lose(turn.task, seconds)
                return
            self.schedule.lose_arms(turn.task, self.losses.arms(turn.task), self.clock() - began)
            began = self.clock()

    def _tried_all(self, turn: ScheduledBlock) -> Failures:
        """Measure one block under the task's protocol or, as long as it has no block, as the job to
        fall back to; how it failed as both.
        """
        failures = self._tried(turn, self.jobs[turn.task])
        if not failures or turn.number:
            return failures
        changed = self.fallback(self.jobs[turn.task])
        if changed is None:
            return failures
        others = self._tried(turn, changed)
        if others and _are_of_candidates(failures):
            return failures  # the protocol was not to blame
        reason = why(_speaking(failures))
        self.say(f"{turn.task} is measured in {changed.protocol}: {reason}")
        self.folder.keep_protocol(turn.task, changed.protocol)
        self.jobs[turn.task] = changed
        return others

    def _dropped(self, task: str, failures: Failures, seconds: float) -> bool:
        """Whether arms could be given up that failed by themselves, so that the others go on."""
        failed = {arm: one for arm, one in failures.items() if one.own}
        candidates = self.jobs[task].subject.names()[1:]
        left = set(candidates).difference(self.losses.arms(task), failed)
        if not left or not _are_of_candidates(failures):
            return False
        for arm, one in failed.items():
            self.losses.lose_arm(task, arm, why(one), seconds / len(failed))
        return True

    def _tried(self, turn: ScheduledBlock, job: Job) -> Failures:
        """Measure one block and keep it; or how that failed, by arm."""
        began = self.clock()
        failures: Failures = {}
        lost = self.losses.arms(turn.task)
        for attempt in range(_TRIES):
            self.sample()
            block = drawn_block(turn, job, seed=self.seed, lost=lost, attempt=attempt)
            trials = protocols.measure(job.protocol, block, self.rig)
            failures = {one.arm: one.failure for one in trials if one.failure is not None}
            if not failures:
                seconds = self.clock() - began
                record = _record(turn, block, job, trials, seconds=seconds, state=self.sample())
                self._keep(turn, record, trials, block.seed)
                break
        return failures

    def _keep(
        self, turn: ScheduledBlock, record: BlockRecord, trials: Sequence[Trial], seed: int
    ) -> None:
        """A disturbed block is measured again, once, as long as that is allowed."""
        repeats = (
            self.repeats
            and bool(record.disturbed)
            and not turn.again
            and may_repeat(self.schedule.repeated, self.schedule.planned)
        )
        kept = trials if self.keeps_trials else ()
        self.folder.keep(record, kept, seed=seed, counts=not repeats)
        if repeats:
            self.schedule.repeat(record)
        else:
            self.schedule.add(record)


def _record(
    turn: ScheduledBlock,
    block: BlockPlan,
    job: Job,
    trials: Sequence[Trial],
    *,
    seconds: float,
    state: HostState,
) -> BlockRecord:
    spent = [trial.spent for trial in trials]
    return BlockRecord(
        number=turn.number,
        task=turn.task,
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


def _warmups(block: BlockPlan, trials: Sequence[Trial]) -> Mapping[str, Mapping[str, float]]:
    """The warm-ups of arms that compile while they run."""
    jits = {arm.name for arm in block.arms if has_jit(arm.kind)}
    return {
        trial.arm: warmup_of(trial.result)
        for trial in trials
        if trial.arm in jits and trial.result is not None
    }


def _speaking(failures: Failures) -> Failure:
    """The arm that failed by itself speaks, not one that was stopped because of it."""
    return next((one for one in failures.values() if one.own), next(iter(failures.values())))


def _are_of_candidates(failures: Failures) -> bool:
    """Whether some arm failed by itself, and the base did not."""
    own = [arm for arm, one in failures.items() if one.own]
    return bool(own) and BASE not in own
