"""Before the first block: count loops for every kind of runtime, choose a protocol for every task.

A task is one pyperf benchmark of a script under the base. Another kind of runtime, or compiled
code, runs the same task with its own loop count, so that its values take as long; where it cannot,
the arms of that kind are missing for the task, and the other arms are measured.
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
from bench.session.folder import LoopCounts, MissingTracker, SessionFolder
from bench.util import Show
from builder.process import Command


@dataclass(frozen=True, kw_only=True)
class BenchmarkLineup:
    """A benchmark and the arms that run it: one lineup for each replica, all with the same names,
    the base first. Block `number` uses lineup `number` modulo the number of lineups. A benchmark
    may lack arms that cannot run it, but not the base.
    """

    benchmark: Benchmark
    lineups: tuple[tuple[RunnableArm, ...], ...]

    @property
    def representatives(self) -> tuple[RunnableArm, ...]:
        """One arm for each kind of runtime, the base first."""
        by_kind: dict[str, RunnableArm] = {}
        for arm in self.lineups[0]:
            by_kind.setdefault(arm.kind, arm)
        return tuple(by_kind.values())

    def names(self, kind: str = "") -> tuple[str, ...]:
        """The names of the arms of a kind of runtime, or of all arms."""
        return tuple(arm.name for arm in self.lineups[0] if kind in ("", arm.kind))


@dataclass(frozen=True, kw_only=True)
class Job:
    """A task to be measured; `others` is the same task for other kinds of runtime."""

    subject: BenchmarkLineup
    task: Task
    others: Mapping[str, Task] = field(default_factory=dict)
    protocol: str


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Calibrates benchmarks and makes jobs of them; each result is stored at once."""

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
        """Count the loops of each benchmark for every kind of runtime, storing each result."""
        counts = self.folder.calibration()
        done = {
            (loops_of_script.benchmark, loops_of_script.kind)
            for loops_of_script in counts.benchmarks
        }
        todo = [
            (subject.benchmark, arm)
            for subject in self.subjects
            for arm in subject.representatives
            if (subject.benchmark.name, arm.kind) not in done
        ]
        if not todo:
            return counts
        with self.show.bar(self.title, len(todo)) as bar:
            for benchmark, arm in todo:
                counts = self._calibrated(benchmark, arm, counts)
                self.folder.keep_calibration(counts)
                bar.advance(note=benchmark.name)
        return counts

    def commands(self) -> tuple[Command, ...]:
        """The commands that `calibration` starts in a session that has not begun."""
        return tuple(
            loops.calibrating_command(
                subject.benchmark,
                arm,
                self.rig,
                self.effort,
                hash_seed=self._hash_seed(subject.benchmark),
            )
            for subject in self.subjects
            for arm in subject.representatives
        )

    def _hash_seed(self, benchmark: Benchmark) -> int:
        return random.Random(f"{self.seed} calibrate {benchmark.name}").randrange(1, 2**32)

    def _calibrated(self, benchmark: Benchmark, arm: RunnableArm, before: LoopCounts) -> LoopCounts:
        """Add the loop counts of one more benchmark; each task keeps its protocol."""
        began = self.clock()
        hash_seed = self._hash_seed(benchmark)
        script = loops.calibrate(benchmark, arm, self.rig, self.effort, hash_seed=hash_seed)
        # The base is calibrated first, so the protocol is chosen from its values.
        chosen = {task.name: self.protocol(task) for task in script.tasks}
        return LoopCounts(
            seconds=before.seconds + self.clock() - began,
            benchmarks=(*before.benchmarks, script),
            protocols={**chosen, **before.protocols},
        )

    def shaped(self, job: Job, protocol: str) -> Job:
        """The same job under a protocol, with the warm-ups and values that suit it."""
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

    def jobs(self, calibration: LoopCounts, missing: MissingTracker) -> dict[str, Job]:
        """Every task that can be measured, by name; a script that failed is recorded as missing."""
        loops_by_kind = {
            (script.benchmark, script.kind): script for script in calibration.benchmarks
        }
        jobs: dict[str, Job] = {}
        failed = set()
        for subject in self.subjects:
            name = subject.benchmark.name
            base, *others = (loops_by_kind[name, arm.kind] for arm in subject.representatives)
            if base.failure is not None:
                failed.add(name)
                missing.add_task(name, why(base.failure))
            for task in base.tasks:
                # Two scripts of a suite may make benchmarks of one name: the first counts.
                if task.name not in jobs:
                    protocol = calibration.protocols[task.name]
                    same = self._others(task.name, subject, others, missing)
                    job = Job(subject=subject, task=task, others=same, protocol=protocol)
                    jobs[task.name] = self.shaped(job, protocol)
        for name, job in jobs.items():
            if set(job.subject.names()[1:]) <= set(missing.arms(name)):
                missing.add_task(name, "no candidate can run it")
        return {name: job for name, job in jobs.items() if name not in failed}

    def _others(
        self,
        name: str,
        subject: BenchmarkLineup,
        scripts: Sequence[ScriptLoops],
        missing: MissingTracker,
    ) -> dict[str, Task]:
        """The task of that name for other kinds; arms of a kind without it are missing."""
        same = {}
        for script in scripts:
            task = next((task for task in script.tasks if task.name == name), None)
            if task is not None:
                same[script.kind] = task
                continue
            reason = (
                why(script.failure)
                if script.failure
                else f"its script has no benchmark {name} there"
            )
            for arm in subject.names(script.kind):
                missing.add_arm(name, arm, reason)
        return same


def why(failure: Failure) -> str:
    """A failure in one line."""
    lines = failure.output.splitlines()
    return failure.reason + (f" ({lines[-1].strip()})" if lines else "")
