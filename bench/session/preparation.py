"""Before the first block: loops for every kind of runtime, a protocol for every task.

A task is what a script makes under the base. Another kind of runtime, or compiled code, runs the
same task with loops of its own, so that its values are as long; where it cannot, the arms of that
kind are missing there, and the others go on.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.benchmarks import Benchmark
from bench.measure import (
    Effort,
    Failure,
    Rig,
    RunnableArm,
    ScriptLoops,
    Task,
    effort_for,
    loops,
    with_effort,
)
from bench.session.folder import LoopCounts, Losses, SessionFolder
from bench.util import Show
from builder.process import Command


@dataclass(frozen=True, kw_only=True)
class BenchmarkLineup:
    """A benchmark and the arms that run it: a lineup for each replica, all with the same names, the
    base first. Block `number` is measured with lineup `number` modulo their count. Subjects of one
    session may lack arms that cannot run them, but not the base.
    """

    benchmark: Benchmark
    lineups: tuple[tuple[RunnableArm, ...], ...]

    @property
    def speakers(self) -> tuple[RunnableArm, ...]:
        """One arm for each kind of runtime, the base first."""
        found: dict[str, RunnableArm] = {}
        for arm in self.lineups[0]:
            found.setdefault(arm.kind, arm)
        return tuple(found.values())

    def names(self, kind: str = "") -> tuple[str, ...]:
        """The arms of a kind of runtime, or all."""
        return tuple(arm.name for arm in self.lineups[0] if kind in ("", arm.kind))


@dataclass(frozen=True, kw_only=True)
class Job:
    """A task that can be measured; `others` is the task for other kinds of runtime."""

    subject: BenchmarkLineup
    task: Task
    others: Mapping[str, Task] = field(default_factory=dict)
    protocol: str


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Makes jobs of subjects; what it finds is on disk before the next thing begins."""

    subjects: Sequence[BenchmarkLineup]
    protocol: Callable[[Task], str]
    effort: Effort
    seed: int
    rig: Rig
    folder: SessionFolder
    show: Show
    clock: Callable[[], float] = time.monotonic
    title: str = "calibrating"

    def calibration(self) -> LoopCounts:
        """Loops of each benchmark for every kind of runtime, kept as they come."""
        found = self.folder.calibration()
        done = {(one.benchmark, one.kind) for one in found.benchmarks}
        todo = [
            (subject.benchmark, arm)
            for subject in self.subjects
            for arm in subject.speakers
            if (subject.benchmark.name, arm.kind) not in done
        ]
        if not todo:
            return found
        with self.show.bar(self.title, len(todo)) as bar:
            for benchmark, arm in todo:
                found = self._calibrated(benchmark, arm, found)
                self.folder.keep_calibration(found)
                bar.advance(note=benchmark.name)
        return found

    def commands(self) -> tuple[Command, ...]:
        """What `calibration` would start for a session that has not begun."""
        return tuple(
            loops.calibrating_command(
                subject.benchmark,
                arm,
                self.rig,
                self.effort,
                hash_seed=self._hash_seed(subject.benchmark),
            )
            for subject in self.subjects
            for arm in subject.speakers
        )

    def _hash_seed(self, benchmark: Benchmark) -> int:
        return random.Random(f"{self.seed} calibrate {benchmark.name}").randrange(1, 2**32)

    def _calibrated(self, benchmark: Benchmark, arm: RunnableArm, before: LoopCounts) -> LoopCounts:
        """What was found before, and of one more benchmark; each task keeps its protocol."""
        began = self.clock()
        hash_seed = self._hash_seed(benchmark)
        one = loops.calibrate(benchmark, arm, self.rig, self.effort, hash_seed=hash_seed)
        # The base speaks first.
        chosen = {task.name: self.protocol(task) for task in one.tasks}
        return LoopCounts(
            seconds=before.seconds + self.clock() - began,
            benchmarks=(*before.benchmarks, one),
            protocols={**chosen, **before.protocols},
        )

    def shaped(self, job: Job, protocol: str) -> Job:
        """The same job under a protocol, with as many values of each kind as suit it."""
        effort = effort_for(protocol, self.effort)
        base = job.subject.lineups[0][0]
        return replace(
            job,
            task=with_effort(job.task, effort.for_kind(base.kind)),
            others={
                kind: with_effort(task, effort.for_kind(kind)) for kind, task in job.others.items()
            },
            protocol=protocol,
        )

    def jobs(self, calibration: LoopCounts, losses: Losses) -> dict[str, Job]:
        """Every task that can be measured, by its name; a script that failed is missing, once."""
        found = {(one.benchmark, one.kind): one for one in calibration.benchmarks}
        jobs: dict[str, Job] = {}
        failed = set()
        for subject in self.subjects:
            name = subject.benchmark.name
            base, *others = (found[name, arm.kind] for arm in subject.speakers)
            if base.failure is not None:
                failed.add(name)
                losses.lose(name, why(base.failure))
            for task in base.tasks:
                # Two scripts of a suite may make benchmarks of one name: the first counts.
                if task.name not in jobs:
                    protocol = calibration.protocols[task.name]
                    same = self._others(task.name, subject, others, losses)
                    job = Job(subject=subject, task=task, others=same, protocol=protocol)
                    jobs[task.name] = self.shaped(job, protocol)
        for name, job in jobs.items():
            if set(job.subject.names()[1:]) <= set(losses.arms(name)):
                losses.lose(name, "no candidate can run it")
        return {name: job for name, job in jobs.items() if name not in failed}

    def _others(
        self, name: str, subject: BenchmarkLineup, found: Sequence[ScriptLoops], losses: Losses
    ) -> dict[str, Task]:
        """The task of that name for other kinds; arms of a kind that has none are missing."""
        same = {}
        for one in found:
            task = next((task for task in one.tasks if task.name == name), None)
            if task is not None:
                same[one.kind] = task
                continue
            reason = why(one.failure) if one.failure else f"its script makes no {name} there"
            for arm in subject.names(one.kind):
                losses.lose_arm(name, arm, reason)
        return same


def why(failure: Failure) -> str:
    """A failure in one line."""
    lines = failure.output.splitlines()
    return failure.reason + (f" ({lines[-1].strip()})" if lines else "")
