"""What a block is made of: arms, tasks, the command of each process, and what it measured.

Pure: nothing here starts a process. A trial's result is pyperf's own JSON, with our keys added to
the metadata of each run, so that any pyperf tool reads it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.benchmarks import Benchmark, Environment
from bench.measure.addresses import Addresses, draw
from bench.util import INSIDE, published
from builder.process import Command, clean_environment

GATE = INSIDE / "gate.py"
# How inside/gate.py releases the values of a process, and by which clock they are timed.
EACH = "each"
LOOK = "look"
FREE = "free"
CPU = "cpu"
WALL = "wall"
# Kinds of runtime (see Interpreter.kind) that are as fast after a tenth of a second as ever.
_INTERPRETERS = ("cpython-",)
_JIT_WARMUP = 3.0
# Seconds of timed values in a process, where a protocol has no better figure of its own.
PROCESS = 0.6
# PYTHONHASHSEED takes 1 to this; 0 would switch randomization off.
_LAST_SEED = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class RunnableArm:
    """One variant as it runs one benchmark.

    `scripts` is the root that Benchmark.script is relative to. Arms of one kind share loop counts.
    All paths should have the same length in all arms of a block: the size of the environment moves
    the stack, and with it results. `module` is the script compiled to a module, to be run in its
    place; arms that have one are not compared to the last percent with those that have none.

    `loops_factor` times a task's loops is what this arm runs: a known difference, for calibration
    alone. pyperf divides each value by the loops that it was given, so that whoever wants to see
    the difference multiplies values by loops_of(task, arm) / task.loops.
    """

    name: str
    kind: str
    python: Path
    pythonpath: tuple[Path, ...]
    scripts: Path
    replica: int = 0
    loops_factor: float = 1.0
    module: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """One of the pyperf benchmarks that a script makes, calibrated for a kind of runtime.

    `index` is its number in the script, `name` pyperf's. `loops`, `warmups` and `values` are given
    to every worker; `seconds` is the wall time of one value, with what the script does around it.

    `cpu_share`: CPU time by wall time of one value, without waiting for the core; below 1 it waits
    for something else, above it has threads. `children`: it starts processes, as commands do.
    """

    index: int
    name: str
    loops: int
    warmups: int
    values: int
    seconds: float
    cpu_share: float = 1.0
    children: bool = False

    @property
    def process_seconds(self) -> float:
        """What one process is expected to take, without its start and end."""
        return self.seconds * (self.warmups + self.values)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long to measure. Times in seconds of wall time.

    `value` is the least that one value should take (pyperf doubles the loops until it does): short
    values let arms alternate often, down to where the clock and the caches after a switch begin to
    count. `process` is the target for all timed values of a process (None: what suits the protocol,
    see `bench.measure.protocols.effort_for`), `warmup` for what goes before.
    `calls`: how often calibration runs a task, beside the calls that double its loops.
    """

    value: float = 0.01
    process: float | None = None
    warmup: float = 0.05
    min_values: int = 2
    max_values: int = 500
    calls: int = 3

    def for_kind(self, kind: str) -> Effort:
        """The effort for a kind of runtime: one that compiles while it runs needs seconds until
        it does so no more, and loops that are counted when it is warm.
        """
        if not has_jit(kind):
            return self
        return replace(self, warmup=max(self.warmup, _JIT_WARMUP), calls=max(self.calls, 30))

    def shape(self, seconds: float) -> tuple[int, int]:
        """(warm-ups, values) of a process whose values take `seconds` each."""
        seconds = max(seconds, 1e-6)
        values = round((self.process or PROCESS) / seconds)
        warmups = round(self.warmup / seconds)
        return (
            min(max(warmups, 1), self.max_values),
            min(max(values, self.min_values), self.max_values),
        )


def has_jit(kind: str) -> bool:
    """Whether a kind of runtime compiles while it runs, as far as one knows."""
    return not kind.startswith(_INTERPRETERS)


@dataclass(frozen=True, kw_only=True)
class BlockPlan:
    """One process of each arm on one task, measured together. `seed` decides all its chances.

    `task` is shaped for the base's kind of runtime, `others` the same task for other kinds.
    """

    number: int
    benchmark: Benchmark
    task: Task
    arms: tuple[RunnableArm, ...]
    seed: int
    others: Mapping[str, Task] = field(default_factory=dict)

    def task_of(self, arm: RunnableArm) -> Task:
        """The task as an arm runs it."""
        return self.others.get(arm.kind, self.task)

    def chance(self) -> random.Random:
        """The block's own stream of chances."""
        return random.Random(self.seed)

    def order(self, chance: random.Random) -> list[int]:
        """The numbers of its arms in random order: that in which processes are started."""
        return chance.sample(range(len(self.arms)), len(self.arms))

    @property
    def hash_seed(self) -> int:
        """PYTHONHASHSEED, the same for all arms."""
        return random.Random(f"hash {self.seed}").randint(1, _LAST_SEED)

    @property
    def addresses(self) -> Addresses:
        """Where the processes' memory lies, the same for all arms."""
        return draw(random.Random(f"addresses {self.seed}"))


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a process measured nothing: one sentence, and the last lines it printed.

    `own` is False where it was well, and stopped because another arm of the block was not.
    """

    reason: str
    output: str = ""
    own: bool = True


@dataclass(frozen=True, kw_only=True)
class TrialSeconds:
    """Wall seconds of one process, by what they went into.

    `start`: until the first value could begin (interpreter, imports, the script's set-up).
    `values`: warm-ups and values, with what the script does around them. `end`: from the last value
    to the end of the process. Waiting for other arms is in none of them.
    """

    start: float = 0.0
    values: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one process of a block measured: pyperf's JSON in `result`, or a `failure`.

    `position` is its place in the order in which the block's processes were started.
    """

    arm: str
    replica: int
    position: int
    result: dict[str, Any] | None = None
    failure: Failure | None = None
    spent: TrialSeconds = TrialSeconds()

    def values(self) -> tuple[float, ...]:
        """The timed values in seconds per loop, without warm-ups; empty after a failure."""
        if self.result is None:
            return ()
        runs = self.result["benchmarks"][0]["runs"]
        return tuple(value for run in runs for value in run.get("values", ()))

    def mean(self) -> float:
        """What a block says of the process. Not after a failure."""
        values = self.values()
        return sum(values) / len(values)


def arm_of(
    environment: Environment, benchmark: Benchmark, *, name: str, replica: int = 0
) -> RunnableArm:
    """The arm that runs `benchmark` in an environment which has it."""
    return RunnableArm(
        name=name,
        kind=environment.interpreter.kind,
        python=environment.python,
        pythonpath=environment.pythonpath(benchmark),
        scripts=environment.scripts,
        replica=replica,
    )


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Where and how one process runs, beside what it runs.

    `scratch` is its HOME and TMPDIR and takes its result. `core` pins it. `gate` are the two
    descriptors of the harness, or None to run without one, `mode` says how it releases values.
    `addresses` None: the kernel draws them.
    """

    scratch: Path
    core: int | None = None
    gate: tuple[int, int] | None = None
    mode: str = EACH
    hash_seed: int = 0
    addresses: Addresses | None = None

    @property
    def result(self) -> Path:
        """The pyperf JSON that it writes."""
        return self.scratch / "result.json"


def worker_command(
    benchmark: Benchmark, arm: RunnableArm, options: tuple[str, ...], worker: Worker
) -> Command:
    """The process that runs a benchmark's script in pyperf's worker mode. Pure.

    Without a gate it can be typed and run as shown.
    """
    pin = ("taskset", "--cpu-list", str(worker.core)) if worker.core is not None else ()
    placed = worker.addresses.prefix if worker.addresses is not None else ()
    environment = clean_environment(
        HOME=str(worker.scratch),
        TMPDIR=str(worker.scratch),
        PYTHONHASHSEED=str(worker.hash_seed),
        PYTHONNOUSERSITE="1",
        PYTHONPATH=":".join(str(path) for path in arm.pythonpath),
    )
    if arm.module is not None:
        environment["PATCHBENCH_MODULE"] = str(arm.module)
    if worker.gate is not None:
        # Of one width, whatever the descriptors: see Arm on the size of the environment.
        descriptors = ":".join(f"{number:06d}" for number in worker.gate)
        environment["PATCHBENCH_GATE"] = f"{descriptors}:{worker.mode}"
    if worker.addresses is not None:
        environment["PATCHBENCH_PADDING"] = worker.addresses.filling
    return Command(
        argv=(
            *pin,
            *placed,
            str(arm.python),
            str(GATE),
            str(arm.scripts / benchmark.script),
            *benchmark.options,
            "--worker",
            *options,
            f"--output={worker.result}",
        ),
        cwd=worker.scratch,
        env=environment,
        keep_fds=worker.gate or (),
    )


def answering_command(
    benchmark: Benchmark, arm: RunnableArm, worker: Worker, file: Path
) -> Command:
    """The process that writes what a script's functions return into `file`. Pure."""
    # Asked for by pyperf 1.6.1, and not looked at: every function runs once.
    options = ("--loops=1", "--warmups=0", "--values=1")
    command = worker_command(benchmark, arm, options, worker)
    return replace(command, env={**command.env, "PATCHBENCH_ANSWERS": str(file)})


def loops_of(task: Task, arm: RunnableArm) -> int:
    """How many loops of a task an arm runs for one value."""
    return max(1, round(task.loops * arm.loops_factor))


def timing_options(task: Task, arm: RunnableArm) -> tuple[str, ...]:
    """pyperf's options for a worker that times a task."""
    return (
        f"--worker-task={task.index}",
        f"--loops={loops_of(task, arm)}",
        f"--warmups={task.warmups}",
        f"--values={task.values}",
    )


def calibrating_options(effort: Effort) -> tuple[str, ...]:
    """pyperf's options for a worker that finds the loops of every task of a script."""
    return (
        "--calibrate-loops",
        f"--min-time={effort.value}",
        "--warmups=1",
        f"--values={effort.calls - 1}",
    )


def described(
    result: dict[str, Any],
    block: BlockPlan,
    arm: RunnableArm,
    *,
    protocol: str,
    clock: str,
    position: int,
    drawn: bool,
    host: str,
    places: Mapping[Path, str],
) -> dict[str, Any]:
    """pyperf's JSON with our keys in each run's metadata, fit to be published.

    `clock` is what values are seconds of, "wall" or "cpu", `drawn` whether the block drew the
    addresses. `host` stands in for the host's name, and the names in `places` for folders of this
    machine.
    """
    ours = {
        "patchbench_block": block.number,
        "patchbench_protocol": protocol,
        "patchbench_clock": clock,
        "patchbench_position": position,
        "patchbench_replica": arm.replica,
        "patchbench_variant": arm.name,
        "patchbench_seed": block.seed,
        "patchbench_addresses": "block" if drawn else "kernel",
    }
    cleaned: dict[str, Any] = published(result, places, host)
    for benchmark in cleaned["benchmarks"]:
        for run in benchmark["runs"]:
            run["metadata"] = {**run.get("metadata", {}), **ours}
    return cleaned


def with_effort(task: Task, effort: Effort) -> Task:
    """The same task with the numbers of warm-ups and values that `effort` asks for."""
    warmups, values = effort.shape(task.seconds)
    return replace(task, warmups=warmups, values=values)
