"""Finding the pyperf benchmarks that a script makes, and the loops that each of them needs.

One process per script: without --worker-task, pyperf's worker runs every task of the script, one
after the other, and its own --calibrate-loops doubles the loops until a value is long enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.benchmarks import Benchmark
from bench.measure import worker as workers
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
    """What is known of a benchmark for one kind of runtime.

    With a `failure`, `tasks` are those that were done before it.
    """

    benchmark: str
    kind: str
    tasks: tuple[Task, ...]
    failure: Failure | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for a session to keep."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ScriptLoops:
        """What to_json gave. Raises KeyError or TypeError for anything else."""
        failure = data["failure"]
        return cls(
            benchmark=data["benchmark"],
            kind=data["kind"],
            tasks=tuple(Task(**task) for task in data["tasks"]),
            failure=Failure(**failure) if failure else None,
        )


def calibrate(
    benchmark: Benchmark, arm: RunnableArm, rig: Rig, effort: Effort, *, hash_seed: int = 1
) -> ScriptLoops:
    """Run the script once with each of its tasks, and shape them by `effort`.

    The arm speaks for its kind: loops are the same for all arms of a kind, so that their values are
    the same work.
    """
    effort = effort.for_kind(arm.kind)
    worker, options = _worker(rig, hash_seed), calibrating_options(effort)
    seconds: list[list[float]] = []
    failure: Failure | None = None
    with workers.apart(rig.core), workers.start(rig, benchmark, arm, options, worker) as live:
        try:
            _drive(live, rig, seconds)
            failure = _ending(live, live.ended(rig.timeout), rig)
        except StalledError:
            failure = live.failure(f"was stopped: nothing came for {rig.timeout:.0f} s (time-out)")
    # Also after a failure: a worker writes each task's result as it is done.
    tasks = _tasks(workers.read_result(worker), seconds, effort)
    if not tasks and failure is None:
        failure = Failure(reason=f"{benchmark.name} makes no pyperf benchmark")
    return ScriptLoops(benchmark=benchmark.name, kind=arm.kind, tasks=tasks, failure=failure)


def calibrating_command(
    benchmark: Benchmark, arm: RunnableArm, rig: Rig, effort: Effort, *, hash_seed: int = 1
) -> Command:
    """What `calibrate` starts, as it can be typed: without a gate. Pure."""
    options = calibrating_options(effort.for_kind(arm.kind))
    return worker_command(benchmark, arm, options, _worker(rig, hash_seed))


def _worker(rig: Rig, hash_seed: int) -> Worker:
    return Worker(scratch=rig.scratch / "arm0", core=rig.core, hash_seed=hash_seed, mode=LOOK)


def _drive(live: Live, rig: Rig, tasks: list[list[float]]) -> None:
    """Release everything at once; adds the wall seconds of every call of each finished task."""
    calls: list[float] = []
    asked = live.starts(rig.timeout)
    while asked != GONE:
        seconds = live.release(rig.timeout)
        if asked == END:
            tasks.append(calls)
            calls = []
        else:
            calls.append(seconds)
        asked = live.asked


def _ending(live: Live, done: Completed, rig: Rig) -> Failure | None:
    if done.timed_out:
        return live.failure(f"was stopped: nothing came for {rig.timeout:.0f} s (time-out)")
    return None if done.ok else live.failure(done.how())


def _tasks(
    result: dict[str, Any] | None, seconds: list[list[float]], effort: Effort
) -> tuple[Task, ...]:
    if result is None:
        return ()
    shared = result.get("metadata", {})
    found = []
    for index, (one, calls) in enumerate(zip(result["benchmarks"], seconds, strict=False)):
        run = one["runs"][0]
        known = {**shared, **one.get("metadata", {}), **run.get("metadata", {})}
        # pyperf calls what it does while it calibrates warm-ups: pairs of loops and value. The
        # fastest of those with the final loops: a disturbed host can only have slowed one down.
        final = [
            wall
            for wall, (loops, _value) in zip(calls, run["warmups"], strict=False)
            if loops == known["loops"]
        ]
        wall = min(final or calls)
        warmups, values = effort.shape(wall)
        found.append(
            Task(
                index=index,
                name=known["name"],
                loops=known["loops"],
                warmups=warmups,
                values=values,
                seconds=wall,
                cpu_share=known["patchbench_cpu_share"],
                children=bool(known["patchbench_children"]),
            )
        )
    return tuple(found)
