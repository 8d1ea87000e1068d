"""Measuring the blocks of a schedule, one after the other, each on disk before the next begins.

Used by a session of candidates (`bench.session.session`) and by a calibration of protocols: they
differ in how their jobs are made, in the protocol that they fall back to, and in the progress that
they show. A session that was stopped passes the schedule the blocks on disk, turn by turn, and
continues with the first turn that has no block, exactly as without the interruption: what a block
draws depends on the seed, its job and its number alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from bench.host import HostState, may_repeat, why_disturbed
from bench.measure import BlockPlan, Failure, Rig, Trial, has_jit, protocols
from bench.session.folder import MissingTracker, SessionFolder
from bench.session.preparation import Job, why
from bench.session.record import BlockRecord, warmup_of, without
from bench.session.schedule import Schedule, ScheduledBlock
from bench.session.stopping import BASE

Failures = dict[str, Failure]
"""The failures of a block, by the names of its arms."""

# A process that fails is tried again this often before its benchmark counts as missing.
_TRIES = 2


class Progress(Protocol):
    """Shows how far the session is."""

    def begin(self) -> None:
        """A turn begins, or all turns are over."""

    def end(self, turn: ScheduledBlock, *, is_new: bool) -> None:
        """A turn was measured, by this process (`is_new`) or by an earlier one."""


def draw(seed: int, purpose: str) -> random.Random:
    """The random generator for one purpose."""
    return random.Random(f"{seed} {purpose}")


def drawn_block(
    turn: ScheduledBlock, job: Job, *, seed: int, missing: Collection[str] = (), attempt: int = 0
) -> BlockPlan:
    """The block of a turn, without the `missing` arms. Pure."""
    again = " again" if turn.again else ""
    lineups = job.subject.lineups
    chance = draw(seed, f"block {turn.number} {turn.task} {attempt}{again}")
    return BlockPlan(
        number=turn.number,
        benchmark=job.subject.benchmark,
        task=job.task,
        others=job.others,
        arms=tuple(arm for arm in lineups[turn.number % len(lineups)] if arm.name not in missing),
        seed=chance.randrange(2**63),
    )


@dataclass(frozen=True, kw_only=True)
class BlockEngine:
    """Measures the blocks of a schedule. `jobs` are keyed by the task names of its turns.

    `fallback` returns the job to try where the first block of a job cannot be measured; where it
    returns None, the task is missing. With `repeats`, blocks that the host disturbed are measured
    again, as far as that is allowed; with `keeps_trials`, the result of each process is stored with
    the record of its block. `sample` returns the host's state since the previous call.
    """

    folder: SessionFolder
    missing: MissingTracker
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
        """Measure every turn of the schedule. Raises StoreError when a block cannot be stored."""
        for turn in self.schedule.turns():
            progress.begin()
            is_known = self._is_known(turn)
            if not is_known:
                self._block(turn)
            progress.end(turn, is_new=not is_known)
        progress.begin()

    def _is_known(self, turn: ScheduledBlock) -> bool:
        """Whether the turn was measured before; if so, pass its result to the schedule."""
        disturbed = None if turn.again else self.folder.disturbed(turn.number, turn.task)
        record = self.folder.block(turn.number, turn.task)
        if disturbed is not None:
            self.schedule.repeat(disturbed)
        elif record is not None:
            self.schedule.add(without(record, self.missing.arms(turn.task)))
        elif (entry := self.missing.of(turn.task)) is not None:
            self.schedule.drop(turn.task, entry.seconds)
        else:
            return False
        return True

    def _block(self, turn: ScheduledBlock) -> None:
        """Measure and store one block; arms that fail are dropped while others can go on, else
        its task is recorded as missing.
        """
        began = self.clock()
        while failures := self._tried_all(turn):
            if not self._dropped(turn.task, failures, self.clock() - began):
                seconds = self.clock() - began
                self.missing.add_task(turn.task, why(_first_own(failures)), seconds)
                self.schedule.drop(turn.task, seconds)
                return
            self.schedule.drop_arms(turn.task, self.missing.arms(turn.task), self.clock() - began)
            began = self.clock()

    def _tried_all(self, turn: ScheduledBlock) -> Failures:
        """Measure one block under the task's protocol or, if it is the task's first, as the
        fallback job; the failures where neither succeeded.
        """
        failures = self._tried(turn, self.jobs[turn.task])
        if not failures or turn.number:
            return failures
        changed = self.fallback(self.jobs[turn.task])
        if changed is None:
            return failures
        fallback_failures = self._tried(turn, changed)
        if fallback_failures and _only_candidates_failed(failures):
            return failures  # the protocol was not to blame
        reason = why(_first_own(failures))
        self.say(f"{turn.task} is measured in {changed.protocol}: {reason}")
        self.folder.keep_protocol(turn.task, changed.protocol)
        self.jobs[turn.task] = changed
        return fallback_failures

    def _dropped(self, task: str, failures: Failures, seconds: float) -> bool:
        """Record the arms that failed by themselves as missing; False where none would be left."""
        failed = {arm: failure for arm, failure in failures.items() if failure.own}
        candidates = self.jobs[task].subject.names()[1:]
        left = set(candidates).difference(self.missing.arms(task), failed)
        if not left or not _only_candidates_failed(failures):
            return False
        for arm, failure in failed.items():
            self.missing.add_arm(task, arm, why(failure), seconds / len(failed))
        return True

    def _tried(self, turn: ScheduledBlock, job: Job) -> Failures:
        """Measure one block and store it; the failures by arm, empty on success."""
        began = self.clock()
        failures: Failures = {}
        missing = self.missing.arms(turn.task)
        for attempt in range(_TRIES):
            self.sample()
            block = drawn_block(turn, job, seed=self.seed, missing=missing, attempt=attempt)
            trials = protocols.measure(job.protocol, block, self.rig)
            failures = {trial.arm: trial.failure for trial in trials if trial.failure is not None}
            if not failures:
                seconds = self.clock() - began
                record = replace(
                    _record(turn, block, job, trials, seconds=seconds, state=self.sample()),
                    threads=_threads(block, self.rig),
                )
                self._keep(turn, record, trials, block.seed)
                break
        return failures

    def _keep(
        self, turn: ScheduledBlock, record: BlockRecord, trials: Sequence[Trial], seed: int
    ) -> None:
        """Store a block; a disturbed one is repeated once, as long as that is allowed."""
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
        busy_seconds=sum(part.start + part.values + part.end for part in spent),
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


def _threads(block: BlockPlan, rig: Rig) -> str:
    """What was seen of the threads of a benchmark, and on what they ran; "" without threads."""
    tasks = (block.task, *block.others.values())
    threading = next((task.threading for task in tasks if task.is_threaded), "")
    if not threading:
        return ""
    if rig.core is None:
        return f"{threading}; they ran on the cores that the kernel chose, and blocks differ in it"
    return (
        f"{threading}; all ran on one core, so the ratio has their switches and locks, and nothing "
        "of what more cores would give"
    )


def _first_own(failures: Failures) -> Failure:
    """The failure to report: of an arm that failed by itself, not of one stopped because of it."""
    return next(
        (failure for failure in failures.values() if failure.own), next(iter(failures.values()))
    )


def _only_candidates_failed(failures: Failures) -> bool:
    """Whether at least one arm failed by itself, and the base did not."""
    own = [arm for arm, failure in failures.items() if failure.own]
    return bool(own) and BASE not in own
