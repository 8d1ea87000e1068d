"""The parts of a block: arms, tasks, the command of each process, and its trial.

Pure: nothing here starts a process. A trial's result is pyperf's own JSON, with patchbench's keys
added to the metadata of each run, so that any pyperf tool can read it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.benchmarks import Benchmark, Environment
from bench.measure.addresses import Addresses, draw
from bench.measure.jit import NONE, needs_warmup
from bench.util import INSIDE, published
from builder.process import Command, clean_environment
from builder.toolchain import as_mapping

GATE = INSIDE / "gate.py"
# The modes in which inside/gate.py releases the values of a process, and the clocks of values.
EACH = "each"
LOOK = "look"
FREE = "free"
CPU = "cpu"
WALL = "wall"
# Kinds of runtime (see Interpreter.kind) that reach their full speed within a tenth of a second.
_INTERPRETERS = ("cpython-",)
# Up to this part of the CPU time, threads beside the main one are helpers.
_HELPER_SHARE = 0.05
# Marks the kind of a CPython whose JIT is on, or may be.
_JIT_KIND = "jit"
_JIT_WARMUP = 3.0
# Seconds of timed values in a process, for protocols that do not set their own.
PROCESS = 0.6
# PYTHONHASHSEED takes 1 to this; 0 would switch randomization off.
_LAST_SEED = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class RunnableArm:
    """An arm with what it needs to run one benchmark.

    `scripts` is the root that Benchmark.script is relative to. Arms of one kind share loop counts.
    All paths should have the same length in all arms of a block: the size of the environment moves
    the stack, and with it results. `module` is the script compiled to a module, to be run in its
    place; differences of a few per cent between arms with and without one are not meaningful.

    This arm runs a task's loops times `loops_factor`: a known difference, for calibration only.
    pyperf divides each value by the loops that it was given; to see the difference, multiply values
    by loops_of(task, arm) / task.loops.

    `environment` are variables of its processes alone, NAME=VALUE.
    """

    name: str
    kind: str
    python: Path
    pythonpath: tuple[Path, ...]
    scripts: Path
    replica: int = 0
    loops_factor: float = 1.0
    module: Path | None = None
    environment: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Task:
    """One of the pyperf benchmarks that a script defines, calibrated for a kind of runtime.

    `index` is its number in the script, `name` its name in pyperf. `loops`, `warmups` and `values`
    are options of every worker; `seconds` is the wall time of one value, including the script's own
    work around it.

    `cpu_share`: CPU time divided by wall time of one value, without waiting for the core; below 1
    the benchmark waits for something else, above 1 it has threads. `children`: it starts processes.
    `threads` is the greatest number of threads at once, `thread_share` the part of its CPU time
    that was not of the thread that times it.
    """

    index: int
    name: str
    loops: int
    warmups: int
    values: int
    seconds: float
    cpu_share: float = 1.0
    children: bool = False
    threads: int = 1
    thread_share: float = 0.0

    @property
    def is_threaded(self) -> bool:
        """Whether several threads compute: a helper thread that hardly computes does not count."""
        if self.thread_share > _HELPER_SHARE:
            return True
        return self.cpu_share > 1 + _HELPER_SHARE and not self.children

    @property
    def threading(self) -> str:
        """What was seen of its threads, for messages; "" where it is not threaded."""
        if not self.is_threaded:
            return ""
        cores = f", {self.cpu_share:.1f} cores busy at once" if self.cpu_share > 1.05 else ""
        count = f"{max(self.threads, 2)} threads"
        return f"{count}, {self.thread_share:.0%} of its CPU time not in the main one{cores}"

    @property
    def process_seconds(self) -> float:
        """The expected seconds of one process, without its start and end."""
        return self.seconds * (self.warmups + self.values)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long to measure. Times in seconds of wall time.

    `value` is the minimum for one value (pyperf doubles the loops until it is reached): short
    values let arms alternate often, but much shorter ones suffer from the clock's resolution and
    cold caches after a switch. `process` is the target for all timed values of a process (None:
    what suits the protocol, see `bench.measure.protocols.effort_for`), `warmup` that for warm-ups.
    `calls`: how often calibration runs a task, in addition to the calls that double its loops.
    """

    value: float = 0.01
    process: float | None = None
    warmup: float = 0.05
    min_values: int = 2
    max_values: int = 500
    calls: int = 3

    def for_kind(self, kind: str) -> Effort:
        """The effort for a kind of runtime: with a just-in-time compiler, warm-up takes seconds,
        and loops must be counted when it is warm.
        """
        if not has_jit(kind):
            return self
        return replace(self, warmup=max(self.warmup, _JIT_WARMUP), calls=max(self.calls, 30))

    def shape(self, seconds: float) -> tuple[int, int]:
        """(number of warm-ups, number of values) of a process whose values take `seconds` each."""
        seconds = max(seconds, 1e-6)
        values = round((self.process or PROCESS) / seconds)
        warmups = round(self.warmup / seconds)
        return (
            min(max(warmups, 1), self.max_values),
            min(max(values, self.min_values), self.max_values),
        )


def has_jit(kind: str) -> bool:
    """Whether a kind of runtime has a just-in-time compiler; assumed for unknown kinds."""
    return not kind.startswith(_INTERPRETERS) or _JIT_KIND in kind.split("+")


@dataclass(frozen=True, kw_only=True)
class BlockPlan:
    """One process of each arm on one task, measured together. `seed` determines all random draws.

    `task` is calibrated for the base's kind of runtime, `others` is the same task for other kinds.
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
        """The block's random generator."""
        return random.Random(self.seed)

    def order(self, chance: random.Random) -> list[int]:
        """The numbers of the arms in random order, the order in which processes are started."""
        return chance.sample(range(len(self.arms)), len(self.arms))

    @property
    def hash_seed(self) -> int:
        """PYTHONHASHSEED, the same for all arms."""
        return random.Random(f"hash {self.seed}").randint(1, _LAST_SEED)

    @property
    def addresses(self) -> Addresses:
        """The memory addresses of the processes, the same for all arms."""
        return draw(random.Random(f"addresses {self.seed}"))


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a process has no result: one sentence, and the last lines it printed.

    `own` is False where it was stopped only because another arm of the block failed.
    """

    reason: str
    output: str = ""
    own: bool = True


@dataclass(frozen=True, kw_only=True)
class TrialSeconds:
    """Wall seconds of one process, by stage.

    `start`: until the first value could begin (interpreter, imports, the script's set-up).
    `values`: warm-ups and values, with the script's work around them. `end`: from the last value to
    the end of the process. Waiting for other arms is not included.
    """

    start: float = 0.0
    values: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The result of one process of a block: pyperf's JSON in `result`, or a `failure`.

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
        """The mean value, which the block uses. Not defined after a failure."""
        values = self.values()
        return sum(values) / len(values)


def arm_of(
    environment: Environment,
    benchmark: Benchmark,
    *,
    name: str,
    replica: int = 0,
    variables: tuple[str, ...] = (),
    jit: str = NONE,
) -> RunnableArm:
    """The arm that runs `benchmark` in an environment which has it. `variables` are those of its
    processes, `jit` the state of its just-in-time compiler.
    """
    kind = environment.interpreter.kind
    return RunnableArm(
        name=name,
        kind=f"{kind}+{_JIT_KIND}" if needs_warmup(jit) else kind,
        python=environment.python,
        pythonpath=environment.pythonpath(benchmark),
        scripts=environment.scripts,
        replica=replica,
        environment=variables,
    )


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Where and how one process runs.

    `scratch` is its HOME and TMPDIR, and the folder of its result. `core`: the CPU it is pinned to.
    `gate`: the two file descriptors of the pipes to the harness, None to run without a gate; `mode`
    is the gate's mode. `addresses` None: the kernel draws them.
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
        **as_mapping(arm.environment),
    )
    if arm.module is not None:
        environment["PATCHBENCH_MODULE"] = str(arm.module)
    if worker.gate is not None:
        # Always of the same width: see RunnableArm on the size of the environment.
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
    """The command that writes the return values of a script's functions into `file`. Pure."""
    # Required by pyperf 1.6.1, but without effect: every function runs once.
    options = ("--loops=1", "--warmups=0", "--values=1")
    command = worker_command(benchmark, arm, options, worker)
    return replace(command, env={**command.env, "PATCHBENCH_ANSWERS": str(file)})


def loops_of(task: Task, arm: RunnableArm) -> int:
    """The number of loops of a task that an arm runs for one value."""
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
    """pyperf's options for a worker that counts the loops of every task of a script."""
    return (
        "--calibrate-loops",
        f"--min-time={effort.value}",
        "--warmups=1",
        f"--values={effort.calls - 1}",
    )


def published_result(
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
    """pyperf's JSON with patchbench's keys in each run's metadata, without private data.

    `clock` is the clock of the values, "wall" or "cpu"; `drawn`: whether the block drew the
    addresses. `host` replaces the host's name, and the names in `places` replace folders of this
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
    if block.task_of(arm).is_threaded:
        ours["patchbench_threading"] = block.task_of(arm).threading
    if arm.environment:
        ours["patchbench_environment"] = " ".join(arm.environment)
    cleaned: dict[str, Any] = published(result, places, host)
    for benchmark in cleaned["benchmarks"]:
        for run in benchmark["runs"]:
            run["metadata"] = {**run.get("metadata", {}), **ours}
    return cleaned


def with_effort(task: Task, effort: Effort) -> Task:
    """The same task with the numbers of warm-ups and values from `effort`."""
    warmups, values = effort.shape(task.seconds)
    return replace(task, warmups=warmups, values=values)
