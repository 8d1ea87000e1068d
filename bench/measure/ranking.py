"""Protocols against each other: from the blocks of a calibration to the best one in each class.

Pure. Classes are of benchmarks; what a class's best protocol is stands in bench/measure/choice.py.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.compare import BenchmarkBlocks, compare_blocks
from bench.measure import protocols
from bench.measure.trial import Task
from bench.stats import Accuracy, AccuracyCell, accuracy, estimates

# The known difference: so many times the loops. Exact where loops are a multiple of LOOPS.
KNOWN = 1.02
LOOPS = 50
# Fewer say too little to prefer one protocol to another.
LEAST_BLOCKS = 5
# What only computes loses some per cent of a core to others as well.
_WAITING = 0.9
# The upper ends of the classes by seconds of one value. pyperf doubles the loops until a value
# takes Effort.value, 10 ms: whatever can be that short comes to lie below 30 ms, and a process of
# 0.6 s (lockstep's) then has 20 values and more, that alternate faster than the host's speed
# wanders. Beyond 0.2 s it has fewer than three, each as long as the wander itself: alternating them
# helps little.
_LENGTHS = (("short", 0.03), ("medium", 0.2), ("long", math.inf))
WAITS, PROCESSES = "waits", "processes"
CLASSES = (*(name for name, _end in _LENGTHS), WAITS, PROCESSES)


def classify(task: Task) -> str:
    """The class of a benchmark, one of CLASSES.

    What starts processes or waits is apart from the rest, however long its values are: part of its
    time is not spent by the process that is measured.
    """
    if task.children:
        return PROCESSES
    if task.cpu_share < _WAITING:
        return WAITS
    return next(name for name, end in _LENGTHS if task.seconds < end)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One block: seconds per loop of the base's and of the other arm's process, means of values.

    `known`: the other arm did KNOWN times the work, and `other` is that of all of it; else both did
    the same. `seconds` is the block's wall time, the start and end of its processes included.
    """

    protocol: str
    task: str
    known: bool
    number: int
    base: float
    other: float
    seconds: float

    @property
    def means(self) -> Mapping[str, float]:
        """As `bench.compare.MeasuredBlock` has it."""
        return {"base": self.base, "other": self.other}

    @property
    def replica(self) -> int:
        """Both arms are one build."""
        return 0

    @property
    def error(self) -> float:
        """The block's log-ratio minus the logarithm of the truth."""
        truth = KNOWN if self.known else 1.0
        return estimates.log_ratio(self.base, self.other) - math.log(truth)


@dataclass(frozen=True, kw_only=True)
class RankingRow:
    """A protocol in a class of benchmarks; where `accuracy` is None, `reason` says why.

    Only benchmarks count that every protocol measured which can measure at least half as many as
    another, each in two blocks at least: protocols are compared on the same. `known` names those
    with a known difference.
    """

    kind: str
    protocol: str
    benchmarks: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    accuracy: Accuracy | None = None
    reason: str = ""


def rows(tasks: Mapping[str, Task], samples: Iterable[Sample]) -> tuple[RankingRow, ...]:
    """Every protocol in every class that has a benchmark, in the order of CLASSES."""
    cells = _cells(samples)
    found: list[RankingRow] = []
    for kind in CLASSES:
        members = [name for name, task in tasks.items() if classify(task) == kind]
        if members:
            found += _of_class(kind, {name: tasks[name] for name in members}, cells)
    return tuple(found)


def choose(found: Iterable[RankingRow]) -> dict[str, str]:
    """Class to protocol: the least error after accuracy.SPAN, in classes with enough blocks."""
    able: dict[str, dict[str, Accuracy]] = {}
    for row in found:
        if row.accuracy is not None:
            able.setdefault(row.kind, {})[row.protocol] = row.accuracy
    return {
        kind: accuracy.least(ones)
        for kind, ones in able.items()
        if min(one.blocks for one in ones.values()) >= LEAST_BLOCKS
    }


def called_different(samples: Iterable[Sample], protocol_of: Mapping[str, str]) -> tuple[int, int]:
    """(called faster or slower, comparisons) of one binary with itself, by the procedure that gives
    an experiment's verdicts. `protocol_of`: whose blocks count for each benchmark.
    """
    blocks: dict[str, list[Sample]] = {}
    for one in samples:
        if not one.known and protocol_of.get(one.task) == one.protocol:
            blocks.setdefault(one.task, []).append(one)
    measured = [
        BenchmarkBlocks(benchmark=name, blocks=found, arms=("base", "other"))
        for name, found in blocks.items()
        if len(found) > 1
    ]
    verdicts = [one.verdict for one in compare_blocks(measured).comparisons]
    return sum(verdict in ("faster", "slower") for verdict in verdicts), len(verdicts)


_Cells = dict[tuple[str, str, bool], AccuracyCell]


def _cells(samples: Iterable[Sample]) -> _Cells:
    """The blocks by protocol, benchmark and whether the difference is known; single ones left out,
    whose scatter nothing tells.
    """
    found: dict[tuple[str, str, bool], list[Sample]] = {}
    for one in samples:
        found.setdefault((one.protocol, one.task, one.known), []).append(one)
    return {
        key: AccuracyCell(
            errors=tuple(one.error for one in ones),
            seconds=math.fsum(one.seconds for one in ones) / len(ones),
        )
        for key, ones in found.items()
        if len(ones) > 1
    }


def _of_class(kind: str, tasks: Mapping[str, Task], cells: _Cells) -> list[RankingRow]:
    # Where nothing was measured against itself, errors beside another known truth do as well.
    by_known = not any(
        (name, task, False) in cells for name in protocols.PROTOCOLS for task in tasks
    )
    counts = {
        name: sum((name, task, by_known) in cells for task in tasks) for name in protocols.PROTOCOLS
    }
    # One that fails with most benchmarks must not decide what the others are compared on.
    able = [name for name, count in counts.items() if 2 * count >= max(*counts.values(), 1)]
    noise = _measured_by_all(able, tasks, cells, known=by_known)
    known = _measured_by_all(able, tasks, cells, known=True)
    found = []
    for name in protocols.PROTOCOLS:
        if name not in able or not noise:
            reason = _why_not(name, tasks.values(), counts[name])
            found.append(RankingRow(kind=kind, protocol=name, reason=reason))
            continue
        measured = accuracy.accuracy(
            [cells[name, task, by_known] for task in noise],
            [cells[name, task, True] for task in known],
            [
                cell
                for (protocol, _task, is_known), cell in cells.items()
                if is_known and protocol == name
            ],
        )
        found.append(
            RankingRow(
                kind=kind,
                protocol=name,
                benchmarks=tuple(noise),
                known=tuple(known),
                accuracy=measured,
            )
        )
    return found


def _measured_by_all(
    able: Sequence[str], tasks: Iterable[str], cells: _Cells, *, known: bool
) -> list[str]:
    return [task for task in tasks if able and all((name, task, known) in cells for name in able)]


def _why_not(protocol: str, tasks: Collection[Task], count: int) -> str:
    refusals = [protocols.refuses(protocol, task) for task in tasks]
    if all(refusals):
        return refusals[0]
    return f"two blocks and more of only {count} of {len(tasks)} benchmarks"
