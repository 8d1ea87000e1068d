"""The first study: recorded results of one binary, its processes split at random in two halves.

Nothing differs between the halves, so calling them different is a false positive. Then the values
of one half are multiplied by 1.03, and not calling them different is a lack of power.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.compare import Recorded, SuiteComparison, compare_processes
from bench.validation import peers
from bench.validation.findings import (
    FALSE,
    HPT,
    HPT_PAPER,
    OURS,
    POWER,
    PYPERF,
    WELCH,
    Part,
    StudyFinding,
)
from bench.validation.recordings import Processes

FACTOR = 1.03
EACH, SUITE = "each benchmark", "the whole suite"

_HEADLINES = {
    (FALSE, EACH): "recorded processes of one binary, split in halves: called different",
    (FALSE, SUITE): "the same, the whole suite",
    (POWER, EACH): f"the same, one half x {FACTOR}: called different",
}

Recordings = Mapping[str, Processes]


@dataclass(kw_only=True)
class _Tally:
    """The calls of each procedure: [calls, cases] by (quantity, level, procedure)."""

    counts: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)

    def add(self, quantity: str, level: str, procedure: str, called: bool) -> None:
        calls_and_cases = self.counts.setdefault((quantity, level, procedure), [0, 0])
        calls_and_cases[0] += called
        calls_and_cases[1] += 1


def study(
    recordings: Mapping[str, Recordings],
    *,
    comparisons: int,
    seed: int,
    step: Callable[[], None] = lambda: None,
) -> Part:
    """Split each file's processes until there are `comparisons` of single benchmarks.

    `recordings` maps names of files to their benchmarks. `step` is called after each split.
    """
    splits = splits_needed(recordings, comparisons)
    tallies = {}
    for name, benchmarks in recordings.items():
        # Seeded by the file's name: its result does not depend on the other files.
        rng = np.random.default_rng([seed, *name.encode()])
        tallies[name] = _Tally()
        for _ in range(splits):
            _split(benchmarks, rng, tallies[name])
            step()
    return Part(
        name="recorded",
        setup=_setup(recordings, splits, seed),
        findings=tuple(_findings(tallies)),
    )


def together(parts: Sequence[Part]) -> Part:
    """Join several of these studies to one part."""
    return Part(
        name="recorded",
        setup=tuple(dict.fromkeys(line for part in parts for line in part.setup)),
        findings=tuple(finding for part in parts for finding in part.findings),
    )


def splits_needed(recordings: Mapping[str, Recordings], comparisons: int) -> int:
    """The number of splits of every file that gives this many comparisons of benchmarks in all."""
    return math.ceil(comparisons / sum(len(benchmarks) for benchmarks in recordings.values()))


def _split(benchmarks: Recordings, rng: np.random.Generator, tally: _Tally) -> None:
    base, candidate = {}, {}
    for name, processes in benchmarks.items():
        order = rng.permutation(len(processes))
        half = len(processes) // 2
        base[name] = [processes[index] for index in order[:half]]
        candidate[name] = [processes[index] for index in order[half : 2 * half]]
    _compare_all(base, candidate, FALSE, tally)
    slower = {
        name: [[value * FACTOR for value in values] for values in processes]
        for name, processes in candidate.items()
    }
    _compare_all(base, slower, POWER, tally)


def _compare_all(
    base: Mapping[str, peers.Processes],
    candidate: Mapping[str, peers.Processes],
    quantity: str,
    tally: _Tally,
) -> None:
    means = [
        Recorded(benchmark=name, base=_means(base[name]), candidate=_means(candidate[name]))
        for name in base
    ]
    ours = compare_processes(means)
    for row, process_means in zip(ours.comparisons, means, strict=True):
        name = row.benchmark
        tally.add(quantity, EACH, OURS, excludes_1(row))
        tally.add(quantity, EACH, PYPERF, peers.pyperf_calls(base[name], candidate[name]))
        welch = peers.welch_calls(process_means.base, process_means.candidate)
        tally.add(quantity, EACH, WELCH, welch)
    if ours.suite is not None and ours.suite.low95 is not None:
        tally.add(quantity, SUITE, OURS, excludes_1(ours.suite))
    for procedure, gate in ((HPT, None), (HPT_PAPER, peers.GATE)):
        chance = peers.hierarchical_test(base, candidate, gate=gate)
        tally.add(quantity, SUITE, procedure, peers.likely(chance))


def excludes_1(row: SuiteComparison) -> bool:
    """Whether the plain 95% interval excludes a ratio of 1."""
    return row.low95 is not None and row.high95 is not None and not row.low95 <= 1 <= row.high95


def _means(processes: peers.Processes) -> tuple[float, ...]:
    return tuple(math.fsum(values) / len(values) for values in processes)


def _findings(tallies: Mapping[str, _Tally]) -> list[StudyFinding]:
    total = _Tally()
    for tally in tallies.values():
        for key, (hits, of) in tally.counts.items():
            sums = total.counts.setdefault(key, [0, 0])
            sums[0], sums[1] = sums[0] + hits, sums[1] + of
    tables = {**tallies, f"all {len(tallies)} files": total} if len(tallies) > 1 else tallies
    findings = []
    for name, tally in tables.items():
        welch = tally.counts[POWER, EACH, WELCH]
        is_last = name == [*tables][-1]
        for (quantity, level, procedure), (hits, of) in tally.counts.items():
            ours = procedure == OURS and level == EACH
            findings.append(
                StudyFinding(
                    quantity=quantity,
                    condition=_condition(quantity, level, name),
                    procedure=procedure,
                    hits=hits,
                    of=of,
                    most=0.055 if ours and quantity == FALSE and is_last else None,
                    least=welch[0] / welch[1] if ours and quantity == POWER else None,
                    exact=False,
                    headline=_HEADLINES.get((quantity, level), "") if is_last else "",
                )
            )
    return findings


def _condition(quantity: str, level: str, name: str) -> str:
    halves = "halves alike" if quantity == FALSE else f"one half x {FACTOR}"
    return f"{name}, {halves}, {level}"


def _setup(recordings: Mapping[str, Recordings], splits: int, seed: int) -> tuple[str, ...]:
    lines = []
    for name, benchmarks in recordings.items():
        counts = sorted(len(processes) for processes in benchmarks.values())
        span = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
        lines.append(
            f"{name}: {len(benchmarks)} benchmarks of {span} processes, {splits} splits each, "
            f"{splits * len(benchmarks)} comparisons"
        )
    total = splits * sum(len(benchmarks) for benchmarks in recordings.values())
    return (
        *lines,
        f"{total} comparisons of halves alike, and as many with one half x {FACTOR}; seed {seed}",
        "ours: the plain 95% interval excludes 1; pyperf: significant; HPT: 95% likely, either way",
        "splits of one file share its processes, so that no binomial bounds are given",
    )
