"""The timing part of a calibration: rounds of blocks under every protocol, each kept as it comes.

    tasks.json                      what was calibrated of each script
    missing.json                    what could not be measured, and why
    blocks/0003-corun-same-nbody.json   one file a block (see contest.Sample)

A cell is a task under a protocol, against itself ("same") or with a known difference ("known").
Each round measures every cell once, in random order, so that drift of the host is in none of them
more than in others. What is drawn comes from the seed and the block's name alone, so that a
calibration that was stopped goes on as it would have gone on.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.benchmarks import Benchmark
from bench.jobs.calibrate import known_difference
from bench.measure import (
    KNOWN,
    WAITS,
    BlockPlan,
    Effort,
    Rig,
    RunnableArm,
    Sample,
    ScriptLoops,
    Task,
    Trial,
    calibrate,
    classify,
    loops_of,
    protocols,
    with_effort,
)
from bench.util import Show, documents, slug
from builder.errors import StoreError
from builder.files import guard_writes, write_atomically

_TRIES = 2
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class CalibrationTarget:
    """A benchmark and the base's arm that runs it. `ours`: it is bench/inside/known."""

    benchmark: Benchmark
    arm: RunnableArm
    ours: bool = False


@dataclass(frozen=True, kw_only=True)
class CalibrationTerms:
    """`blocks` of each cell; fewer where `budget`, wall seconds over all sittings, is spent before.
    The first two rounds are measured in any case.
    """

    blocks: int
    budget: float | None
    seed: int
    effort: Effort


@dataclass(frozen=True, kw_only=True)
class CalibrationCell:
    """A task under a protocol; `known`: the other arm does KNOWN times the loops."""

    subject: CalibrationTarget
    task: Task
    protocol: str
    known: bool

    @property
    def name(self) -> str:
        """Its own name, fit for a path."""
        return f"{self.protocol}-{'known' if self.known else 'same'}-{slug(self.task.name)}"

    def arms(self) -> tuple[RunnableArm, RunnableArm]:
        """The base, and the base again: under names of one length, as their paths are."""
        base = replace(self.subject.arm, name="base")
        if self.known:
            return base, replace(base, name="more", loops_factor=KNOWN)
        return base, replace(base, name="same")

    def block(self, number: int, seed: int, purpose: str) -> BlockPlan:
        """Its block of that number; its chances come from `seed`, the names and the `purpose`."""
        return BlockPlan(
            number=number,
            benchmark=self.subject.benchmark,
            task=self.task,
            arms=self.arms(),
            seed=drawn(seed, f"block {number} {self.name} {purpose}").randrange(2**63),
        )


@dataclass(frozen=True, kw_only=True)
class CalibrationBlocks:
    """What a calibration measured: its tasks by name, its blocks, and what is missing."""

    tasks: Mapping[str, Task]
    samples: tuple[Sample, ...]
    missing: Mapping[str, str]
    cells: tuple[CalibrationCell, ...]


class Measuring:
    """The timing part, in one folder; it can be stopped at any moment and gone on with."""

    def __init__(
        self,
        *,
        subjects: Sequence[CalibrationTarget],
        terms: CalibrationTerms,
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

    def run(self) -> CalibrationBlocks:
        """Measure what is not measured yet. Raises StoreError when it cannot be kept."""
        with guard_writes(self._folder):
            self._blocks.mkdir(parents=True, exist_ok=True)
            self._missing = _load_reasons(self._folder / "missing.json")
            cells = tuple(self._cells())
            self._measure(cells)
            return CalibrationBlocks(
                tasks={cell.task.name: cell.task for cell in cells},
                samples=self._samples(),
                missing=self._missing,
                cells=cells,
            )

    @property
    def _blocks(self) -> Path:
        return self._folder / "blocks"

    def _give_up(self, name: str, reason: str) -> None:
        self._missing[name] = reason
        self._show.say(f"{name} is missing: {reason}")
        write_atomically(self._folder / "missing.json", json.dumps(self._missing, indent=1))

    # -- tasks and cells ------------------------------------------------------------------------

    def _cells(self) -> Iterator[CalibrationCell]:
        """Every task under every protocol that can measure it."""
        for subject, task, kinds in self._tasks():
            for name in protocols.PROTOCOLS:
                if not protocols.refuses(name, task):
                    effort = protocols.effort_for(name, self._terms.effort)
                    shaped = with_effort(task, effort.for_kind(subject.arm.kind))
                    for is_known in kinds:
                        yield CalibrationCell(
                            subject=subject, task=shaped, protocol=name, known=is_known
                        )

    def _tasks(self) -> Iterator[tuple[CalibrationTarget, Task, tuple[bool, ...]]]:
        """Each task, and whether it is measured against itself, with the known difference, or both.

        Our own script is last: it is for the classes that the others turned out to be of.
        """
        seen: set[str] = set()
        kinds: set[str] = set()
        for subject, calibrated in self._calibrated():
            effort = self._terms.effort.for_kind(subject.arm.kind)
            if subject.ours:
                # Suites have next to nothing that waits, and other benchmarks do.
                for task in known_difference.ours(calibrated.tasks, {*kinds, WAITS}, effort):
                    yield subject, task, (True,)
                continue
            for task in calibrated.tasks:
                if task.name not in seen:
                    seen.add(task.name)
                    kinds.add(classify(task))
                    scaled = known_difference.exact(task, effort)
                    if scaled is None:
                        yield subject, with_effort(task, effort), (False,)
                    else:
                        yield subject, scaled, (False, True)

    def _calibrated(self) -> Iterator[tuple[CalibrationTarget, ScriptLoops]]:
        """Loops and lengths of every script, kept as they come; `seconds` is what that took."""
        path = self._folder / "tasks.json"
        kept = _load(path, {"seconds": 0.0, "benchmarks": []})
        with _reading(path):
            done = {
                one["benchmark"]: documents.load(ScriptLoops, one) for one in kept["benchmarks"]
            }
        with self._show.bar("finding loops", len(self._subjects)) as bar:
            for subject in self._subjects:
                name = subject.benchmark.name
                if name not in done:
                    began = self._clock()
                    done[name] = self._loops(subject)
                    kept["seconds"] += self._clock() - began
                    kept["benchmarks"].append(documents.dump(done[name]))
                    write_atomically(path, json.dumps(kept, indent=1))
                bar.advance(note=name)
        for subject in sorted(self._subjects, key=lambda one: one.ours):
            found = done[subject.benchmark.name]
            if found.failure is not None and found.benchmark not in self._missing:
                self._give_up(found.benchmark, found.failure.reason)
            yield subject, found

    def _loops(self, subject: CalibrationTarget) -> ScriptLoops:
        seed = drawn(self._terms.seed, f"loops {subject.benchmark.name}").randrange(1, 2**32)
        return calibrate(
            subject.benchmark, subject.arm, self._rig, self._terms.effort, hash_seed=seed
        )

    # -- blocks ---------------------------------------------------------------------------------

    def _measure(self, cells: Sequence[CalibrationCell]) -> None:
        spent = self._spent()
        rounds = self._terms.blocks
        with self._show.bar("measuring", rounds * len(cells)) as bar:
            for number in range(rounds):
                order = list(cells)
                drawn(self._terms.seed, f"round {number}").shuffle(order)
                for cell in order:
                    if not self._path(number, cell).exists() and cell.name not in self._missing:
                        if self._is_spent(spent, number):
                            return
                        spent += self._block(number, cell)
                    bar.advance(note=f"round {number + 1} of {rounds}: {cell.name}")

    def _is_spent(self, seconds: float, number: int) -> bool:
        budget = self._terms.budget
        return budget is not None and seconds >= budget and number >= 2

    def _spent(self) -> float:
        """Wall seconds of the sittings before."""
        calibration = float(_load(self._folder / "tasks.json", {"seconds": 0.0})["seconds"])
        return calibration + sum(one.seconds for one in self._samples())

    def _path(self, number: int, cell: CalibrationCell) -> Path:
        return self._blocks / f"{number:04d}-{cell.name}.json"

    def _block(self, number: int, cell: CalibrationCell) -> float:
        """Measure one block and keep it; the wall seconds that it took, failures included."""
        began = self._clock()
        reason = ""
        for attempt in range(_TRIES):
            started = self._clock()
            block = cell.block(number, self._terms.seed, f"attempt {attempt}")
            trials = protocols.measure(cell.protocol, block, self._rig)
            seconds = self._clock() - started
            failures = [trial.failure for trial in trials if trial.failure is not None]
            if not failures:
                sample = sample_of(number, cell, trials, seconds)
                write_atomically(self._path(number, cell), json.dumps([asdict(sample)]))
                return self._clock() - began
            reason = next((one for one in failures if one.own), failures[0]).reason
        self._give_up(cell.name, reason)
        return self._clock() - began

    def _samples(self) -> tuple[Sample, ...]:
        paths = sorted(self._blocks.glob("*.json"))
        return tuple(sample for path in paths for sample in load_samples(path))


def drawn(seed: int, purpose: str) -> random.Random:
    """The stream of chances for one purpose."""
    return random.Random(f"{seed} {purpose}")


def load_samples(path: Path) -> tuple[Sample, ...]:
    """The blocks that a file holds. Raises StoreError when it is damaged."""
    with _reading(path):
        return tuple(Sample(**one) for one in _load(path, None))


def _load_reasons(path: Path) -> dict[str, str]:
    with _reading(path):
        found = dict(_load(path, {}))
        if not all(isinstance(reason, str) for reason in found.values()):
            raise TypeError("a reason is no text")
    return found


def sample_of(
    number: int, cell: CalibrationCell, trials: Sequence[Trial], seconds: float
) -> Sample:
    """What a block says. pyperf divides by the loops that it was given, so the known difference is
    put back: more loops are more of the same work.
    """
    base, other = (
        _mean(trial.values()) * loops_of(cell.task, arm) / cell.task.loops
        for trial, arm in zip(trials, cell.arms(), strict=True)
    )
    return Sample(
        protocol=cell.protocol,
        task=cell.task.name,
        known=cell.known,
        number=number,
        base=base,
        other=other,
        seconds=seconds,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise StoreError(
            "A file of the unfinished calibration is damaged.",
            where=f"{path}: {type(error).__name__}: {error}",
            hint="Remove it: what it held is measured again.",
        ) from error


def _load(path: Path, default: Any) -> Any:
    if not path.exists():
        return default
    with _reading(path):
        return json.loads(path.read_text(encoding="utf-8"))
