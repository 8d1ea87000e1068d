"""Find the pyperf benchmarks of a script, and count the loops that each of them needs.

One process per script: without --worker-task, pyperf's worker runs every task of the script, one
after the other, and its own --calibrate-loops doubles the loops until a value is long enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.benchmarks import Benchmark
from bench.measure import worker
from bench.measure.trial import (
    LOOK,
    Effort,
    Failure,
    RunnableArm,
    Task,
    Worker,
    calibrating_options,
    worker_command,
)
from bench.measure.worker import END, GONE, Live, Rig, StalledError
from builder.process import Command, Completed


@dataclass(frozen=True, kw_only=True)
class ScriptLoops:
    """The tasks of a script under one kind of runtime.

    With a `failure`, `tasks` are those that were finished before it.
    """

    benchmark: str
    kind: str
    tasks: tuple[Task, ...]
    failure: Failure | None = None


def calibrate(
    benchmark: Benchmark, arm: RunnableArm, rig: Rig, effort: Effort, *, hash_seed: int = 1
) -> ScriptLoops:
    """Run the script once with each of its tasks; `effort` determines warm-ups and values.

    The arm represents its kind: loops are the same for all arms of a kind, so that their values are
    of the same work.
    """
    effort = effort.for_kind(arm.kind)
    spec, options = _worker(rig, hash_seed), calibrating_options(effort)
    seconds: list[list[float]] = []
    failure: Failure | None = None
    with worker.apart(rig.core), worker.start(rig, benchmark, arm, options, spec) as live:
        try:
            _drive(live, rig, seconds)
            failure = _ending(live, live.wait_for_end(rig.timeout), rig)
        except StalledError:
            failure = live.failure(f"was stopped: no response for {rig.timeout:.0f} s (time-out)")
    # Also after a failure: a worker writes each task's result when it is finished.
    tasks = _tasks(worker.read_result(spec), seconds, effort)
    if not tasks and failure is None:
        failure = Failure(reason=f"{benchmark.name} defines no pyperf benchmark")
    return ScriptLoops(benchmark=benchmark.name, kind=arm.kind, tasks=tasks, failure=failure)


def calibrating_command(
    benchmark: Benchmark, arm: RunnableArm, rig: Rig, effort: Effort, *, hash_seed: int = 1
) -> Command:
    """The command that `calibrate` starts, without a gate, so that it can be typed. Pure."""
    options = calibrating_options(effort.for_kind(arm.kind))
    return worker_command(benchmark, arm, options, _worker(rig, hash_seed))


def _worker(rig: Rig, hash_seed: int) -> Worker:
    return Worker(scratch=rig.scratch / "arm0", core=rig.core, hash_seed=hash_seed, mode=LOOK)


def _drive(live: Live, rig: Rig, tasks: list[list[float]]) -> None:
    """Release every value at once; append the wall seconds of each finished task's calls."""
    calls: list[float] = []
    message = live.wait_for_start(rig.timeout)
    while message != GONE:
        seconds = live.release(rig.timeout)
        if message == END:
            tasks.append(calls)
            calls = []
        else:
            calls.append(seconds)
        message = live.message


def _ending(live: Live, completed: Completed, rig: Rig) -> Failure | None:
    if completed.timed_out:
        return live.failure(f"was stopped: no response for {rig.timeout:.0f} s (time-out)")
    return None if completed.ok else live.failure(completed.how())


def _tasks(
    result: dict[str, Any] | None, seconds: list[list[float]], effort: Effort
) -> tuple[Task, ...]:
    if result is None:
        return ()
    shared = result.get("metadata", {})
    tasks = []
    for index, (benchmark, calls) in enumerate(zip(result["benchmarks"], seconds, strict=False)):
        run = benchmark["runs"][0]
        metadata = {**shared, **benchmark.get("metadata", {}), **run.get("metadata", {})}
        # pyperf stores the calls of its calibration as warm-ups: pairs of loops and value. Take the
        # fastest of those with the final loops: a disturbed host only slows calls down.
        final = [
            wall
            for wall, (loops, _value) in zip(calls, run["warmups"], strict=False)
            if loops == metadata["loops"]
        ]
        wall = min(final or calls)
        warmups, values = effort.shape(wall)
        tasks.append(
            Task(
                index=index,
                name=metadata["name"],
                loops=metadata["loops"],
                warmups=warmups,
                values=values,
                seconds=wall,
                cpu_share=metadata["patchbench_cpu_share"],
                children=bool(metadata["patchbench_children"]),
                threads=metadata.get("patchbench_threads", 1),
                thread_share=metadata.get("patchbench_thread_share", 0.0),
            )
        )
    return tuple(tasks)
