"""The timing part of a run: calibrate once, then blocks, each on disk before the next begins.

What is on disk is for `bench.session_folder`, which block comes next and when it is enough for
`bench.scheduling`, which blocks the host disturbed for `bench.disturbance`. Here they are put to
work. A session that was killed gives the schedule what is on disk, turn by turn, and goes on with
the first turn that has nothing there, as it would have gone on: what a block draws comes from the
run's seed, its task and its number alone.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.disturbance import busy_before, may_repeat, why_disturbed
from bench.host import Sampler, State
from bench.judging import conclude
from bench.progress import Show
from bench.protocols import effort_for, measure
from bench.records import BlockRecord, Measured
from bench.scheduling import Schedule, Turn
from bench.session_folder import Calibration, Loss, SessionFolder
from bench.standing import Rules, settled
from bench.suites import Benchmark
from bench.tasks import calibrate
from bench.telling import Telling
from bench.trials import Arm, Block, Effort, Failure, Task, Trial, with_effort
from bench.workers import Rig
from builder.store import guard_writes

# A process that fails is tried again this often before its benchmark counts as missing.
_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A benchmark and the arms that run it: a lineup for each replica, all with the same names, the
    base first. Block `number` is measured with lineup `number` modulo their count.
    """

    benchmark: Benchmark
    lineups: tuple[tuple[Arm, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Terms:
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


@dataclass(frozen=True, kw_only=True)
class _Job:
    """A task that can be measured."""

    subject: Subject
    task: Task
    protocol: str


def read_folder(raw: Path) -> Measured:
    """The session in a folder, with the looks that its intervals pay for.

    One that is not complete is read as if its budget had ended it. Raises StoreError for a file
    that is not what was written.
    """
    folder = SessionFolder(raw)
    measured, rules = folder.read(), folder.rules()
    return measured if rules is None else settled(measured, rules, conclude)


class Session:
    """One session, in one folder; it can be stopped at any moment and gone on with.

    `sample` tells of the host since it was called before (a `bench.host.Sampler` of this host).
    """

    def __init__(
        self,
        *,
        subjects: Sequence[Subject],
        terms: Terms,
        rig: Rig,
        folder: Path,
        show: Show,
        clock: Callable[[], float] = time.monotonic,
        sample: Callable[[], State] | None = None,
    ) -> None:
        self._subjects = subjects
        self._terms = terms
        self._rig = rig
        self._folder = SessionFolder(folder)
        self._show = show
        self._clock = clock
        self._sample = sample or Sampler(core=_measured_cpu(rig)).sample
        self._losses: dict[str, Loss] = {}

    def run(self) -> Measured:
        """Measure what is not measured yet. Raises StoreError when it cannot be kept."""
        with guard_writes(self._folder.path):
            self._folder.begin(self._rules())
            self._losses = self._folder.losses()
            found = self._calibrate()
            if not self._folder.is_complete():
                self._measure(found)
                self._folder.conclude()
            measured = self.read()
            if not measured.blocks:
                # Nothing to go on from: another run tries everything again.
                self._folder.remove()
        return measured

    def read(self) -> Measured:
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

    # -- calibration ------------------------------------------------------------------------

    def _calibrate(self) -> Calibration:
        """Loops of each benchmark for the base's kind of runtime, kept as they come."""
        found = self._folder.calibration()
        done = {one.benchmark for one in found.benchmarks}
        todo = [one for one in self._subjects if one.benchmark.name not in done]
        if not todo:
            return found
        self._sample()
        with self._show.bar("calibrating", len(todo)) as bar:
            for subject in todo:
                found = self._calibrated(subject, found)
                self._folder.keep_calibration(found)
                bar.advance(note=subject.benchmark.name)
        if warning := busy_before(self._sample(), os.cpu_count() or 1):
            self._show.say(warning)
        return found

    def _calibrated(self, subject: Subject, before: Calibration) -> Calibration:
        """What was found before, and of one more benchmark; each task keeps its protocol."""
        began = self._clock()
        name = subject.benchmark.name
        one = calibrate(
            subject.benchmark,
            subject.lineups[0][0],
            self._rig,
            self._terms.effort,
            hash_seed=self._draw(f"calibrate {name}").randrange(1, 2**32),
        )
        chosen = {task.name: self._terms.protocol(task) for task in one.tasks}
        return Calibration(
            seconds=before.seconds + self._clock() - began,
            benchmarks=(*before.benchmarks, one),
            protocols={**chosen, **before.protocols},
        )

    def _job(self, subject: Subject, task: Task, protocol: str) -> _Job:
        effort = effort_for(protocol, self._terms.effort).for_kind(subject.lineups[0][0].kind)
        return _Job(subject=subject, task=with_effort(task, effort), protocol=protocol)

    def _jobs(self, calibration: Calibration) -> dict[str, _Job]:
        """Every task that can be measured; a script that failed is missing, once."""
        found = {one.benchmark: one for one in calibration.benchmarks}
        jobs: dict[str, _Job] = {}
        failed = set()
        for subject in self._subjects:
            name = subject.benchmark.name
            one = found[name]
            if one.failure is not None:
                failed.add(name)
                if name not in self._losses:
                    self._give_up(name, Loss(reason=_why(one.failure)))
            for task in one.tasks:
                # Two scripts of a suite may make benchmarks of one name: the first counts.
                protocol = calibration.protocols[task.name]
                jobs.setdefault(task.name, self._job(subject, task, protocol))
        return {name: job for name, job in jobs.items() if name not in failed}

    def _give_up(self, name: str, loss: Loss) -> None:
        self._losses[name] = loss
        self._show.say(f"{name} is missing: {loss.reason}")
        self._folder.keep_losses(self._losses)

    # -- blocks -----------------------------------------------------------------------------

    def _measure(self, found: Calibration) -> None:
        jobs = self._jobs(found)
        schedule = Schedule(tuple(jobs), self._rules(), conclude, spent=found.seconds)
        with self._show.bar("measuring", len(jobs) * self._terms.blocks) as bar:
            telling = Telling(bar, schedule)
            for turn in schedule.turns():
                telling.begin()
                is_known = self._is_known(turn, schedule)
                if not is_known:
                    self._block(turn, jobs, schedule)
                telling.end(turn, is_new=not is_known)
            telling.begin()

    def _is_known(self, turn: Turn, schedule: Schedule) -> bool:
        """Whether the turn was taken in an earlier sitting; the schedule is told."""
        disturbed = None if turn.again else self._folder.disturbed(turn.number, turn.task)
        record = self._folder.block(turn.number, turn.task)
        if disturbed is not None:
            schedule.repeat(disturbed)
        elif record is not None:
            schedule.add(record)
        elif turn.task in self._losses:
            schedule.lose(turn.task, self._losses[turn.task].seconds)
        else:
            return False
        return True

    def _block(self, turn: Turn, jobs: dict[str, _Job], schedule: Schedule) -> None:
        """Measure one block, and keep it or give its task up."""
        began = self._clock()
        reason = self._tried(turn, jobs[turn.task], schedule)
        if reason and (other := self._other(turn, jobs[turn.task])) is not None:
            self._show.say(f"{turn.task} is measured in {other.protocol}: {reason}")
            self._folder.keep_protocol(turn.task, other.protocol)
            jobs[turn.task] = other
            reason = self._tried(turn, other, schedule)
        if reason:
            loss = Loss(reason=reason, seconds=self._clock() - began)
            self._give_up(turn.task, loss)
            schedule.lose(turn.task, loss.seconds)

    def _other(self, turn: Turn, job: _Job) -> _Job | None:
        """The same task under the protocol to fall back to, as long as it has no block."""
        other = self._terms.fallback
        if turn.number or other is None or other == job.protocol:
            return None
        return self._job(job.subject, job.task, other)

    def _tried(self, turn: Turn, job: _Job, schedule: Schedule) -> str:
        """Measure one block and keep it; why that is not possible, or nothing."""
        began = self._clock()
        reason = ""
        for attempt in range(_TRIES):
            self._sample()
            block = self._drawn(turn, job, attempt)
            trials = measure(job.protocol, block, self._rig)
            failures = [trial.failure for trial in trials if trial.failure is not None]
            if not failures:
                record = _record(block, job, trials, self._clock() - began, self._sample())
                self._keep(turn, record, trials, block.seed, schedule)
                return ""
            # The arm that failed by itself speaks, not one that was stopped because of it.
            reason = _why(next((one for one in failures if one.own), failures[0]))
        return reason

    def _keep(
        self,
        turn: Turn,
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

    def _drawn(self, turn: Turn, job: _Job, attempt: int) -> Block:
        again = " again" if turn.again else ""
        lineups = job.subject.lineups
        return Block(
            number=turn.number,
            benchmark=job.subject.benchmark,
            task=job.task,
            arms=lineups[turn.number % len(lineups)],
            seed=self._draw(f"block {turn.number} {turn.task} {attempt}{again}").randrange(2**63),
        )

    def _draw(self, purpose: str) -> random.Random:
        return random.Random(f"{self._terms.seed} {purpose}")


def _record(
    block: Block, job: _Job, trials: Sequence[Trial], seconds: float, state: State
) -> BlockRecord:
    spent = [trial.spent for trial in trials]
    return BlockRecord(
        number=block.number,
        task=block.task.name,
        benchmark=block.benchmark.name,
        means={trial.arm: _mean(trial.values()) for trial in trials},
        positions={trial.arm: trial.position for trial in trials},
        values={trial.arm: len(trial.values()) for trial in trials},
        seconds=seconds,
        busy_seconds=sum(one.start + one.values + one.end for one in spent),
        state=asdict(state),
        replica=block.number % len(job.subject.lineups),
        protocol=job.protocol,
        disturbed=why_disturbed(state),
    )


def _measured_cpu(rig: Rig) -> int | None:
    """The CPU that blocks are measured on, where it is just one."""
    usable = os.sched_getaffinity(0)
    return min(usable) if rig.core is None and len(usable) == 1 else rig.core


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _why(failure: Failure) -> str:
    lines = failure.output.splitlines()
    return failure.reason + (f" ({lines[-1].strip()})" if lines else "")
