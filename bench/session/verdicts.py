"""From a session's record to its verdicts, for the run itself and for later checks of its trials.

Pure. This module selects the blocks that are compared and the looks that count; the computation is
in `bench.compare.blocks`, which takes the session's own records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.compare import BenchmarkBlocks, Comparisons, Positive, SuiteComparison, compare_blocks
from bench.measure import protocols
from bench.session.record import BlockRecord, SessionRecord, describe_warmup, warmups_by_task

# With at least so many replicas, the t interval of their means is less than a fifth wider than the
# normal interval.
ENOUGH_REPLICAS = 5


def conclude(
    measured: SessionRecord, candidate: str, *, base: str = "base", margin: float
) -> Comparisons:
    """Compare two arms of a session, `candidate` and `base`, given by name.

    Intervals are adjusted for the looks that the session had. Benchmarks are in the order of their
    names; one that either arm lacks is missing. Raises the errors of `compare_blocks`.
    """
    tasks: dict[str, list[BlockRecord]] = {}
    for block in sorted(measured.blocks, key=lambda block: (block.task, block.number)):
        if base in block.means and candidate in block.means:
            tasks.setdefault(block.task, []).append(block)
    compared = compare_blocks(
        [
            BenchmarkBlocks(
                benchmark=task,
                blocks=blocks,
                arms=(base, candidate),
                looks=tuple(measured.looks.get(task, ())),
                warnings=(
                    *_disturbed(blocks),
                    *_warming(blocks, (base, candidate)),
                    *_threads(blocks),
                ),
                clock=_clock(blocks),
            )
            for task, blocks in tasks.items()
        ],
        margin=margin,
        missing=[entry for entry in measured.missing if entry.arm in ("", base, candidate)],
        suite_looks=measured.suite_looks,
    )
    return _with_suite_warnings(compared, _few_builds(compared.suite))


def _clock(blocks: Sequence[BlockRecord]) -> str | None:
    """The clock that the times of all blocks are of; None where they have none in common."""
    clocks = {protocols.clock_of(block.protocol) for block in blocks}
    return clocks.pop() if len(clocks) == 1 else None


def among(measured: SessionRecord, tasks: Collection[str]) -> SessionRecord:
    """The session's record restricted to some benchmarks. Each keeps its own looks; the suite keeps
    those of the whole session, which had the fewest blocks and the strictest level.
    """
    return replace(
        measured,
        blocks=tuple(block for block in measured.blocks if block.task in tasks),
        missing=tuple(entry for entry in measured.missing if entry.benchmark in tasks),
    )


def _disturbed(blocks: Sequence[BlockRecord]) -> tuple[str, ...]:
    """The warning about disturbed blocks of a benchmark that count nevertheless."""
    reasons = [block.disturbed for block in blocks if block.disturbed]
    if not reasons:
        return ()
    return (
        f"disturbed-blocks: the host was busy during {len(reasons)} of {len(blocks)} blocks "
        f"({'; '.join(dict.fromkeys(reasons))}); they count",
    )


def _warming(blocks: Sequence[BlockRecord], arms: Sequence[str]) -> Iterator[str]:
    """The warnings about warm-ups, which the ratio does not contain."""
    for arm in arms:
        for warmup in warmups_by_task(blocks, arm).values():
            yield f"warm-up: of {arm}, {describe_warmup(warmup)}"


def _threads(blocks: Sequence[BlockRecord]) -> Iterator[str]:
    """The warning that a benchmark computes in several threads."""
    for threads in dict.fromkeys(block.threads for block in blocks if block.threads):
        yield f"threads: {threads}"


def _few_builds(suite: SuiteComparison | None) -> tuple[str, ...]:
    if suite is None or not 1 < suite.builds < ENOUGH_REPLICAS:
        return ()
    return (
        f"few-builds: {suite.builds} builds of each arm tell little of how builds differ, so that "
        f"intervals are wide; {ENOUGH_REPLICAS} or more are better",
    )


def _with_suite_warnings(compared: Comparisons, warnings: tuple[str, ...]) -> Comparisons:
    if compared.suite is None or not warnings:
        return compared
    suite = replace(compared.suite, warnings=(*compared.suite.warnings, *warnings))
    return replace(compared, suite=suite)


@dataclass(frozen=True, kw_only=True)
class Band:
    """The range of the placebos' ratios (least, greatest): what layout alone changed.

    `suite` is None where no placebo has a ratio of the suite.
    """

    suite: tuple[Positive, Positive] | None
    benchmarks: Mapping[str, tuple[Positive, Positive]]

    @classmethod
    def of(cls, placebos: Iterable[Comparisons]) -> Band | None:
        """The band from the comparisons of the placebos; None without placebos."""
        comparisons = list(placebos)
        ratios: dict[str, list[float]] = {}
        for compared in comparisons:
            for row in compared.comparisons:
                ratios.setdefault(row.benchmark, []).append(row.ratio)
        suites = [compared.suite.ratio for compared in comparisons if compared.suite is not None]
        if not comparisons:
            return None
        return cls(
            suite=(min(suites), max(suites)) if suites else None,
            benchmarks={
                name: (min(ratios_of_task), max(ratios_of_task))
                for name, ratios_of_task in sorted(ratios.items())
            },
        )


def beside(compared: Comparisons, band: Band | None) -> Comparisons:
    """A candidate's comparisons, with a warning where the suite's ratio lies inside the placebo
    band: a change of layout alone could have caused it.
    """
    if compared.suite is None or band is None or band.suite is None:
        return compared
    low, high = band.suite
    if not low <= compared.suite.ratio <= high:
        return compared
    return _with_suite_warnings(
        compared,
        (
            f"inside-placebo-band: builds that differ in their layout alone gave {low:.4f} to "
            f"{high:.4f} here",
        ),
    )
