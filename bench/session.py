"""The timing part of a run: calibrate once, then blocks, each on disk before the next begins.

    raw/calibration.json            loops and values of each task
    raw/missing.json                what could not be measured, and why
    raw/blocks/0007-richards/       one folder per block and task, renamed into place when whole:
        base.json  fast-add.json    pyperf JSON of each arm
        block.json                  seed, order, seconds, the host's state

The tasks are interleaved over the session: each round measures every task once, in random order, so
that drift of the host spreads over all. What a round draws comes from the run's seed and the
block's number, never from what was measured before, so that a session that was killed goes on as it
would have gone on.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.comparison import Missing
from bench.host import Sampler
from bench.progress import Show
from bench.protocols import measure
from bench.suites import Benchmark
from bench.tasks import Calibrated, calibrate
from bench.trials import Arm, Block, Effort, Task, Trial, with_effort
from bench.workers import Rig
from builder.errors import StoreError
from builder.spec import digest
from builder.store import guard_writes, write_atomically

# A process that fails is tried again this often before its benchmark counts as missing.
_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A benchmark and the arms that run it, the base first."""

    benchmark: Benchmark
    arms: tuple[Arm, ...]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How to measure. `budget` in seconds of wall time over all sittings; None: until all blocks
    are done. Neither it nor `blocks` looks at what was measured.
    """

    protocol: str
    blocks: int
    budget: float | None
    seed: int
    effort: Effort


@dataclass(frozen=True, kw_only=True)
class BlockRecord:
    """A finished block: process means in seconds by arm, and how it came about."""

    number: int
    task: str
    benchmark: str
    means: Mapping[str, float]
    positions: Mapping[str, int]
    values: Mapping[str, int]
    seconds: float
    busy_seconds: float
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a session gave. `seconds`: wall time of calibration and blocks over all sittings,
    `busy_seconds`: the part of it in which processes of the arms did work.
    """

    blocks: tuple[BlockRecord, ...]
    missing: tuple[Missing, ...]
    seconds: float
    busy_seconds: float
    complete: bool


class Session:
    """One session, in one folder; it can be stopped at any moment and gone on with."""

    def __init__(
        self,
        *,
        subjects: Sequence[Subject],
        terms: Terms,
        rig: Rig,
        folder: Path,
        show: Show,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subjects = subjects
        self._terms = terms
        self._rig = rig
        self._folder = folder
        self._show = show
        self._clock = clock
        self._missing: dict[str, str] = {}

    def run(self) -> Measured:
        """Measure what is not measured yet. Raises StoreError when it cannot be kept."""
        with guard_writes(self._folder):
            self._begin()
            calibrated = self._calibrate()
            self._measure(list(self._tasks(calibrated)))
            measured = self.read()
            if not measured.blocks:
                # Nothing to go on from: another run tries everything again. First what says that
                # it is complete: this may be killed as well.
                (self._folder / "complete").unlink(missing_ok=True)
                shutil.rmtree(self._folder)
        return measured

    def read(self) -> Measured:
        """What is on disk."""
        blocks = tuple(_read_block(path) for path in sorted(self._blocks.glob("*/block.json")))
        missing = self._load_missing()
        spent = _load(self._folder / "calibration.json", {"seconds": 0.0})["seconds"]
        gone = {block.task for block in blocks if block.task in missing}
        return Measured(
            blocks=tuple(block for block in blocks if block.task not in gone),
            missing=tuple(Missing(benchmark=name, reason=why) for name, why in missing.items()),
            seconds=spent + sum(block.seconds for block in blocks),
            busy_seconds=sum(block.busy_seconds for block in blocks),
            complete=(self._folder / "complete").exists(),
        )

    # -- the folder -------------------------------------------------------------------------

    @property
    def _blocks(self) -> Path:
        return self._folder / "blocks"

    def _begin(self) -> None:
        self._blocks.mkdir(parents=True, exist_ok=True)
        # Whatever a killed run was writing; finished blocks were renamed out of their half.
        for half in self._blocks.glob(".half-*"):
            shutil.rmtree(half, ignore_errors=True)
        self._missing = self._load_missing()

    def _load_missing(self) -> dict[str, str]:
        path = self._folder / "missing.json"
        with _reading(path):
            return {name: str(why) for name, why in _load(path, {}).items()}

    def _give_up(self, name: str, reason: str) -> None:
        self._missing[name] = reason
        self._show.say(f"{name} is missing: {reason}")
        write_atomically(self._folder / "missing.json", json.dumps(self._missing, indent=1))

    # -- calibration ------------------------------------------------------------------------

    def _calibrate(self) -> dict[str, Calibrated]:
        """Loops of each benchmark for the base's kind of runtime, kept as they come."""
        path = self._folder / "calibration.json"
        kept = _load(path, {"seconds": 0.0, "benchmarks": []})
        with _reading(path):
            done = {one["benchmark"]: Calibrated.from_json(one) for one in kept["benchmarks"]}
        todo = [one for one in self._subjects if one.benchmark.name not in done]
        if not todo:
            return done
        with self._show.bar("calibrating", len(todo)) as bar:
            for subject in todo:
                began = self._clock()
                name = subject.benchmark.name
                done[name] = calibrate(
                    subject.benchmark,
                    subject.arms[0],
                    self._rig,
                    self._terms.effort,
                    hash_seed=self._draw(f"calibrate {name}").randrange(1, 2**32),
                )
                kept["seconds"] += self._clock() - began
                kept["benchmarks"].append(done[name].to_json())
                write_atomically(path, json.dumps(kept, indent=1))
                bar.advance(note=name)
        return done

    def _tasks(self, calibrated: Mapping[str, Calibrated]) -> Iterator[tuple[Subject, Task]]:
        """Every task that can be measured; a script that failed is missing, once."""
        seen: set[str] = set()
        for subject in self._subjects:
            found = calibrated[subject.benchmark.name]
            if found.failure is not None and subject.benchmark.name not in self._missing:
                reason = found.failure.reason + _quoted(found.failure.output)
                self._give_up(subject.benchmark.name, reason)
            for task in found.tasks:
                if task.name in seen:
                    continue  # two scripts of a suite may make benchmarks of one name
                seen.add(task.name)
                yield subject, with_effort(task, self._terms.effort)

    # -- blocks -----------------------------------------------------------------------------

    def _measure(self, tasks: Sequence[tuple[Subject, Task]]) -> None:
        if (self._folder / "complete").exists():
            return
        spent = self.read().seconds
        sampler = Sampler()
        rounds = self._terms.blocks
        with self._show.bar("measuring", rounds * len(tasks)) as bar:
            for number in range(rounds):
                for subject, task in self._shuffled(number, tasks):
                    if not self._is_done(number, task) and task.name not in self._missing:
                        if self._is_spent(spent, number):
                            self._conclude()
                            return
                        spent += self._block(number, subject, task, sampler)
                    bar.advance(note=f"block {number + 1} of {rounds}: {task.name}")
        self._conclude()

    def _is_spent(self, seconds: float, number: int) -> bool:
        """Whether the budget is used up; two blocks of each task are measured in any case, since
        fewer have no interval.
        """
        budget = self._terms.budget
        return budget is not None and seconds >= budget and number >= 2

    def _conclude(self) -> None:
        (self._folder / "complete").touch()

    def _draw(self, purpose: str) -> random.Random:
        return random.Random(f"{self._terms.seed} {purpose}")

    def _shuffled(
        self, number: int, tasks: Sequence[tuple[Subject, Task]]
    ) -> list[tuple[Subject, Task]]:
        order = list(tasks)
        self._draw(f"round {number}").shuffle(order)
        return order

    def _place(self, number: int, task: Task) -> Path:
        return self._blocks / f"{number:04d}-{slug(task.name)}"

    def _is_done(self, number: int, task: Task) -> bool:
        return self._place(number, task).exists()

    def _block(self, number: int, subject: Subject, task: Task, sampler: Sampler) -> float:
        """Measure one block and keep it; the wall seconds that it took, failures included."""
        began = self._clock()
        reason = ""
        for attempt in range(_TRIES):
            sampler.sample()
            started = self._clock()
            block = Block(
                number=number,
                benchmark=subject.benchmark,
                task=task,
                arms=subject.arms,
                seed=self._draw(f"block {number} {task.name} {attempt}").randrange(2**63),
            )
            trials = measure(self._terms.protocol, block, self._rig)
            failures = [trial.failure for trial in trials if trial.failure is not None]
            if not failures:
                self._keep(block, trials, self._clock() - started, asdict(sampler.sample()))
                return self._clock() - began
            # The arm that failed by itself speaks, not one that was stopped because of it.
            first = next((one for one in failures if one.own), failures[0])
            reason = first.reason + _quoted(first.output)
        self._give_up(task.name, reason)
        return self._clock() - began

    def _keep(
        self, block: Block, trials: Sequence[Trial], seconds: float, state: dict[str, Any]
    ) -> None:
        spent = [trial.spent for trial in trials]
        record = {
            "number": block.number,
            "task": block.task.name,
            "benchmark": block.benchmark.name,
            "seed": block.seed,
            "protocol": self._terms.protocol,
            "means": {trial.arm: _mean(trial.values()) for trial in trials},
            "positions": {trial.arm: trial.position for trial in trials},
            "values": {trial.arm: len(trial.values()) for trial in trials},
            "seconds": seconds,
            "busy_seconds": sum(one.start + one.values + one.end for one in spent),
            "spent": {trial.arm: asdict(trial.spent) for trial in trials},
            "state": state,
        }
        half = Path(tempfile.mkdtemp(prefix=".half-", dir=self._blocks))
        half.chmod(0o755)
        for trial in trials:
            (half / f"{trial.arm}.json").write_text(json.dumps(trial.result), encoding="utf-8")
        (half / "block.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
        half.rename(self._place(block.number, block.task))


def slug(name: str) -> str:
    """A benchmark's name as part of a path. Where anything had to be replaced, a digest is added,
    so that no two names share a path.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100]
    return plain if plain == name and not name.startswith(".") else f"{plain}-{digest(name)[:6]}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _quoted(output: str) -> str:
    lines = output.splitlines()
    return f" ({lines[-1].strip()})" if lines else ""


# We write atomically: something else has been at a file that gives one of these.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What a file of ours holds is looked at; StoreError when it is not what we wrote."""
    try:
        yield
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> StoreError:
    return StoreError(
        "A file of the results folder is damaged.",
        where=f"{path}: {type(error).__name__}: {error}",
        hint="Remove it, and its folder if it is a block's: what it held is measured again.",
    )


def _load(path: Path, default: Any) -> Any:
    """What a file of ours holds; `default` where it is not there."""
    if not path.exists():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _read_block(path: Path) -> BlockRecord:
    data = _load(path, {})
    names = (
        "number", "task", "benchmark", "means", "positions", "values", "seconds", "busy_seconds",
        "state",
    )  # fmt: skip
    with _reading(path):
        return BlockRecord(**{name: data[name] for name in names})
