"""Ranking of protocols: from the blocks of a calibration to the best one in each class.

Pure. A class is a class of benchmarks; bench/measure/choice.py applies the ranking.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.compare import BenchmarkBlocks, compare_blocks
from bench.measure import protocols
from bench.measure.trial import Task
from bench.stats import Accuracy, AccuracyCell, accuracy, estimates

# The known difference: the loops times this factor. Exact where loops are a multiple of LOOPS.
KNOWN = 1.02
LOOPS = 50
# With fewer blocks, no protocol is preferred to another.
LEAST_BLOCKS = 5
# A benchmark with a CPU share below this waits; one that only computes also loses a few per cent of
# a core to other processes.
_WAITING = 0.9
# The upper limits of the classes, in seconds of one value. pyperf doubles the loops until a value
# takes Effort.value, 10 ms: every benchmark that can be that short is below 30 ms, and a process of
# 0.6 s (lockstep) then has 20 values or more, which alternate faster than the host's speed drifts.
# Above 0.2 s it has fewer than three, each as long as the drift itself: alternating helps little.
_LENGTHS = (("short", 0.03), ("medium", 0.2), ("long", math.inf))
WAITS, PROCESSES = "waits", "processes"
CLASSES = (*(name for name, _end in _LENGTHS), WAITS, PROCESSES)


def classify(task: Task) -> str:
    """The class of a benchmark, one of CLASSES.

    Benchmarks that start processes or wait are separate classes, however long their values are:
    part of their time is not CPU time of the measured process.
    """
    if task.children:
        return PROCESSES
    if task.cpu_share < _WAITING:
        return WAITS
    return next(name for name, end in _LENGTHS if task.seconds < end)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One block: `base` and `other` are mean values of the two processes in seconds per loop.

    `known`: the other arm did KNOWN times the work, and `other` is the time of all of it; else both
    did the same work. `seconds` is the block's wall time, including start and end of processes.
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
        """The means by arm, for `bench.compare.MeasuredBlock`."""
        return {"base": self.base, "other": self.other}

    @property
    def replica(self) -> int:
        """Always 0: both arms are the same build."""
        return 0

    @property
    def error(self) -> float:
        """The block's log-ratio minus the logarithm of the true ratio."""
        truth = KNOWN if self.known else 1.0
        return estimates.log_ratio(self.base, self.other) - math.log(truth)


@dataclass(frozen=True, kw_only=True)
class RankingRow:
    """A protocol in a class of benchmarks; where `accuracy` is None, `reason` explains it.

    Protocols that measured less than half as many benchmarks as another one are left out; the
    others are compared on the benchmarks that all of them measured, each in at least two blocks.
    `known` names the benchmarks with a known difference.
    """

    kind: str
    protocol: str
    benchmarks: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    accuracy: Accuracy | None = None
    reason: str = ""


def rows(tasks: Mapping[str, Task], samples: Iterable[Sample]) -> tuple[RankingRow, ...]:
    """A row for every protocol in every class that has a benchmark, in the order of CLASSES."""
    cells = _cells(samples)
    ranked: list[RankingRow] = []
    for kind in CLASSES:
        members = [name for name, task in tasks.items() if classify(task) == kind]
        if members:
            ranked += _of_class(kind, {name: tasks[name] for name in members}, cells)
    return tuple(ranked)


def choose(ranked: Iterable[RankingRow]) -> dict[str, str]:
    """Class to the protocol with the least error after accuracy.SPAN, where blocks suffice."""
    able: dict[str, dict[str, Accuracy]] = {}
    for row in ranked:
        if row.accuracy is not None:
            able.setdefault(row.kind, {})[row.protocol] = row.accuracy
    return {
        kind: accuracy.least(accuracies)
        for kind, accuracies in able.items()
        if min(entry.blocks for entry in accuracies.values()) >= LEAST_BLOCKS
    }


def called_different(samples: Iterable[Sample], protocol_of: Mapping[str, str]) -> tuple[int, int]:
    """(number called faster or slower, number of comparisons) of one binary with itself, by the
    procedure for an experiment's verdicts. `protocol_of`: the protocol whose blocks count.
    """
    blocks: dict[str, list[Sample]] = {}
    for sample in samples:
        if not sample.known and protocol_of.get(sample.task) == sample.protocol:
            blocks.setdefault(sample.task, []).append(sample)
    measured = [
        BenchmarkBlocks(benchmark=name, blocks=group, arms=("base", "other"))
        for name, group in blocks.items()
        if len(group) > 1
    ]
    verdicts = [sample.verdict for sample in compare_blocks(measured).comparisons]
    return sum(verdict in ("faster", "slower") for verdict in verdicts), len(verdicts)


_Cells = dict[tuple[str, str, bool], AccuracyCell]


def _cells(samples: Iterable[Sample]) -> _Cells:
    """The blocks by protocol, benchmark and whether the difference is known, without single blocks,
    which have no estimate of their scatter.
    """
    groups: dict[tuple[str, str, bool], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.protocol, sample.task, sample.known), []).append(sample)
    return {
        key: AccuracyCell(
            errors=tuple(sample.error for sample in group),
            seconds=math.fsum(sample.seconds for sample in group) / len(group),
        )
        for key, group in groups.items()
        if len(group) > 1
    }


def _of_class(kind: str, tasks: Mapping[str, Task], cells: _Cells) -> list[RankingRow]:
    # Without A/A blocks, the errors relative to the known difference are used instead.
    by_known = not any(
        (name, task, False) in cells for name in protocols.PROTOCOLS for task in tasks
    )
    counts = {
        name: sum((name, task, by_known) in cells for task in tasks) for name in protocols.PROTOCOLS
    }
    # A protocol that fails with most benchmarks must not limit what the others are compared on.
    able = [name for name, count in counts.items() if 2 * count >= max(*counts.values(), 1)]
    noise = _measured_by_all(able, tasks, cells, known=by_known)
    known = _measured_by_all(able, tasks, cells, known=True)
    ranked = []
    for name in protocols.PROTOCOLS:
        if name not in able or not noise:
            reason = _why_not(name, tasks.values(), counts[name])
            ranked.append(RankingRow(kind=kind, protocol=name, reason=reason))
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
        ranked.append(
            RankingRow(
                kind=kind,
                protocol=name,
                benchmarks=tuple(noise),
                known=tuple(known),
                accuracy=measured,
            )
        )
    return ranked


def _measured_by_all(
    able: Sequence[str], tasks: Iterable[str], cells: _Cells, *, known: bool
) -> list[str]:
    return [task for task in tasks if able and all((name, task, known) in cells for name in able)]


def _why_not(protocol: str, tasks: Collection[Task], count: int) -> str:
    refusals = [protocols.refuses(protocol, task) for task in tasks]
    if all(refusals):
        return refusals[0]
    return f"it has two or more blocks of only {count} of {len(tasks)} benchmarks"
