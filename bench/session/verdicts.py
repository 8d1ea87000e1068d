"""From a session to verdicts: the one way, for the run itself and whoever looks at its trials.

Pure. Which blocks are compared and which looks were had is decided here; how it is computed is for
`bench.compare.blocks`, which takes the session's own records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.compare import BenchmarkBlocks, Comparisons, SuiteComparison, compare_blocks
from bench.session.record import BlockRecord, told, warmups_by_task
from bench.session.record import SessionRecord as Timed

# From so many replicas on, t on their means is less than a fifth wider than the normal interval.
ENOUGH_REPLICAS = 5


def conclude(measured: Timed, candidate: str, *, base: str = "base", margin: float) -> Comparisons:
    """Compare two arms of a session, `candidate` and `base` by their names.

    The looks that the session had are paid for. Benchmarks come in the order of their names; one
    that either arm lacks is missing. Errors as `compare_blocks`.
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
                warnings=(*_disturbed(blocks), *_warming(blocks, (base, candidate))),
            )
            for task, blocks in tasks.items()
        ],
        margin=margin,
        missing=[one for one in measured.missing if one.arm in ("", base, candidate)],
        suite_looks=measured.suite_looks,
    )
    return _with_suite_warnings(compared, _few_builds(compared.suite))


def among(measured: Timed, tasks: Collection[str]) -> Timed:
    """The session as if it had been of some benchmarks alone. Each has paid for its own looks; the
    suite pays for those of the whole session, which had the fewest blocks and the strictest level.
    """
    return replace(
        measured,
        blocks=tuple(block for block in measured.blocks if block.task in tasks),
        missing=tuple(one for one in measured.missing if one.benchmark in tasks),
    )


def _disturbed(blocks: Sequence[BlockRecord]) -> tuple[str, ...]:
    """What the host did to the blocks of a benchmark that count nevertheless."""
    reasons = [block.disturbed for block in blocks if block.disturbed]
    if not reasons:
        return ()
    return (
        f"disturbed-blocks: the host was busy during {len(reasons)} of {len(blocks)} blocks "
        f"({'; '.join(dict.fromkeys(reasons))}); they count",
    )


def _warming(blocks: Sequence[BlockRecord], arms: Sequence[str]) -> Iterator[str]:
    """What the ratio leaves out of an arm that compiles while it runs."""
    for arm in arms:
        for warmup in warmups_by_task(blocks, arm).values():
            yield f"warm-up: of {arm}, {told(warmup)}"


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
    """How far layout alone moved the ratio: (least, most) of the placebos' ratios.

    `suite` is None where no placebo has one.
    """

    suite: tuple[float, float] | None
    benchmarks: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, placebos: Iterable[Comparisons]) -> Band | None:
        """The band of the placebos' comparisons; None without placebos."""
        found = list(placebos)
        ratios: dict[str, list[float]] = {}
        for compared in found:
            for row in compared.comparisons:
                ratios.setdefault(row.benchmark, []).append(row.ratio)
        suites = [compared.suite.ratio for compared in found if compared.suite is not None]
        if not found:
            return None
        return cls(
            suite=(min(suites), max(suites)) if suites else None,
            benchmarks={name: (min(some), max(some)) for name, some in sorted(ratios.items())},
        )


def beside(compared: Comparisons, band: Band | None) -> Comparisons:
    """A candidate's comparisons beside the placebos' band: its suite is warned of when its ratio
    lies inside, where a layout that means nothing may be all that it shows.
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
