"""Compute ratios, intervals, verdicts and warnings from measurements of two arms.

There are two kinds of input. `BenchmarkBlocks` holds the blocks of a session, each with the process
means of its arms, two of which are compared (`MeasuredBlock` is the protocol of a block).
`Recorded` holds the process means of result files that other tools wrote, not paired. Both give
`bench.compare.comparison.Comparisons`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Protocol

from bench.benchmarks import Missing
from bench.compare import times
from bench.compare.comparison import ERROR, MARGIN, TIME, Comparison, Comparisons, SuiteComparison
from bench.stats import estimates, family_levels, look_level, ranks
from builder.errors import DataError

PLAIN = 0.05
FEW = 5
UNSTABLE = 0.1

# Results and bundles hold the texts below, and `verify` compares them as they are: a changed text
# makes older bundles fail.
BLOCKS_METHOD = (
    "Hodges-Lehmann estimate and exact signed-rank interval of the blocks' log-ratios (of the "
    "replicas' where there are replicas), and Student's t where ranks are too coarse; "
    "many benchmarks: Benjamini-Hochberg with Benjamini-Yekutieli intervals; "
    "early looks: Lan-DeMets spending"
)
PROCESSES_METHOD = (
    "ratio of arithmetic means; interval: Welch's t on the logarithms of process means; "
    "many benchmarks: Benjamini-Hochberg with Benjamini-Yekutieli intervals"
)
NO_BLOCKS = (
    "no-blocks: not interleaved, so what the host did between the recordings is in the ratio"
)
ONE_BUILD = "one-build: speaks of these two binaries only; rebuilding either may move the ratio"

COMMON = (
    "common-blocks: the suite's interval rests on the {count} blocks that all benchmarks have, so "
    "that it matters to none when it was decided; the ratio is of all blocks"
)
APART = (
    "two-speeds: the rounds' own mean is {ratio:.4f}: in some blocks an arm was far from its usual "
    "speed, which moves the means of rounds and not what most blocks show; the interval holds both"
)

Round = tuple[int, Hashable]
BASE, CANDIDATE = "base", "candidate"


class MeasuredBlock(Protocol):
    """One process of each arm on one benchmark, measured together.

    `means` are the arithmetic means of each arm's values (seconds, bytes), above zero, by the arms'
    names. Blocks of several benchmarks with one `number` belong to one round of the session.
    `replica` labels the builds that ran: replica r of one arm goes with replica r of the others.
    """

    @property
    def number(self) -> int:
        """The index of the block among those of its benchmark."""

    @property
    def replica(self) -> Hashable:
        """The label of the builds that ran."""

    @property
    def means(self) -> Mapping[str, float]:
        """The mean of each process, by the name of its arm."""


@dataclass(frozen=True, kw_only=True)
class PairedBlock:
    """A minimal `MeasuredBlock`, for callers that have only two numbers."""

    number: int
    base: float
    candidate: float
    replica: Hashable = ""

    @property
    def means(self) -> Mapping[str, float]:
        """See MeasuredBlock."""
        return {BASE: self.base, CANDIDATE: self.candidate}


@dataclass(frozen=True, kw_only=True)
class BenchmarkBlocks:
    """Blocks of one benchmark. All have both `arms`, of which the first is the base. `looks`: see
    `bench.stats.multiplicity.look_level`.
    """

    benchmark: str
    metric: str = TIME
    blocks: Sequence[MeasuredBlock]
    arms: tuple[str, str] = (BASE, CANDIDATE)
    looks: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()
    clock: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Process means of one benchmark in the base and the candidate, not paired, one build each.

    `clock`, here and in `BenchmarkBlocks`: what the times of both arms are of, None where unknown.
    """

    benchmark: str
    metric: str = TIME
    base: tuple[float, ...]
    candidate: tuple[float, ...]
    warnings: tuple[str, ...] = ()
    clock: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Estimated:
    """The estimate of one benchmark or a suite, before the level of its interval is known."""

    benchmark: str
    metric: str
    estimate: estimates.Estimate | ranks.RankEstimate
    builds: int
    rounds: Mapping[Round, float] = field(default_factory=dict)
    looks: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()
    base: float = math.nan
    clock: str | None = None


def compare_blocks(
    measured: Sequence[BenchmarkBlocks],
    *,
    margin: float = MARGIN,
    error: float = ERROR,
    missing: Iterable[Missing] = (),
    warnings: Iterable[str] = (),
    suite_looks: Sequence[float] = (),
) -> Comparisons:
    """Compare the blocks of a session; `missing` and `warnings` are added to the result.

    A benchmark without blocks becomes missing. DataError for a value that is not a time or size,
    and for a duplicate benchmark or block; UsageError for a margin or error rate out of range.
    """
    _check_once(f"{row.benchmark} ({row.metric})" for row in measured)
    empty = [Missing(benchmark=m.benchmark, reason="no block") for m in measured if not m.blocks]
    frame = Comparisons(
        margin=margin,
        error=error,
        method=BLOCKS_METHOD,
        missing=(*missing, *empty),
        warnings=tuple(warnings),
    )
    families = _families([_of_blocks(row) for row in measured if row.blocks])
    suites = [_suite_of_blocks(family, tuple(suite_looks)) for family in families]
    return _with_verdicts(frame, families, suites)


def compare_processes(
    recorded: Sequence[Recorded],
    *,
    margin: float = MARGIN,
    error: float = ERROR,
    missing: Iterable[Missing] = (),
    warnings: Iterable[str] = (),
) -> Comparisons:
    """Compare process means that were not measured in blocks; raises what `compare_blocks` does.

    A `Recorded` with an empty side becomes missing.
    """
    _check_once(f"{row.benchmark} ({row.metric})" for row in recorded)
    empty = [
        Missing(benchmark=row.benchmark, reason=f"no values in the {side}")
        for row in recorded
        for side, values in (("base", row.base), ("candidate", row.candidate))
        if not values
    ]
    frame = Comparisons(
        margin=margin,
        error=error,
        method=PROCESSES_METHOD,
        missing=(*missing, *empty),
        warnings=tuple(warnings),
    )
    families = _families([_of_processes(row) for row in recorded if row.base and row.candidate])
    return _with_verdicts(frame, families, [_suite_of_processes(family) for family in families])


def _with_verdicts(
    frame: Comparisons, families: Sequence[Sequence[_Estimated]], suites: Sequence[_Estimated]
) -> Comparisons:
    """Add the rows and suites to the frame, with the level of each interval."""
    rows = []
    for family in families:
        levels = family_levels(
            [row.estimate.p_value() for row in family],
            error=frame.error,
            looks=[row.looks for row in family],
        )
        rows += [
            Comparison(
                benchmark=row.benchmark,
                **_comparison_fields(row, level, frame.margin),
                **_times(row),
            )
            for row, level in zip(family, levels, strict=True)
        ]
    overall = [
        SuiteComparison(
            **_comparison_fields(suite, look_level(frame.error, suite.looks), frame.margin)
        )
        for suite in suites
    ]
    return replace(
        frame,
        comparisons=tuple(rows),
        suite=next((suite for suite in overall if suite.metric == TIME), None),
        suites=tuple(suite for suite in overall if suite.metric != TIME),
    )


def _comparison_fields(row: _Estimated, alpha: float, margin: float) -> dict[str, Any]:
    low, high = _bounds(row.estimate, alpha)
    low95, high95 = _bounds(row.estimate, PLAIN)
    return {
        "metric": row.metric,
        "ratio": math.exp(row.estimate.value),
        "low": low,
        "high": high,
        "low95": low95,
        "high95": high95,
        "verdict": estimates.verdict(low, high, margin),
        "blocks": len({index for index, _ in row.rounds}),
        "builds": row.builds,
        "warnings": row.warnings,
    }


def _times(row: _Estimated) -> dict[str, Any]:
    if row.metric != TIME or row.clock is None:
        return {}
    return times.fields_of(row.base, math.exp(row.estimate.value), row.clock)


def _bounds(
    estimate: estimates.Estimate | ranks.RankEstimate, alpha: float
) -> tuple[float | None, float | None]:
    interval = estimate.interval(alpha)
    return (None, None) if interval is None else (math.exp(interval[0]), math.exp(interval[1]))


def _check_once(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError("the same benchmark or block occurs twice", where=name)
        seen.add(name)


def _families(estimated: Sequence[_Estimated]) -> list[list[_Estimated]]:
    """Group by metric: a family is adjusted for its size together, and has one suite."""
    families: dict[str, list[_Estimated]] = {}
    for row in estimated:
        families.setdefault(row.metric, []).append(row)
    return list(families.values())


def _of_blocks(row: BenchmarkBlocks) -> _Estimated:
    _check_once(f"{row.benchmark}, block {block.number}" for block in row.blocks)
    rounds = {(block.number, block.replica): _log_ratio(row, block) for block in row.blocks}
    ratios, replicas = list(rounds.values()), [replica for _, replica in rounds]
    estimate = ranks.estimate_blocks(ratios, replicas)
    builds = len(set(replicas))
    return _Estimated(
        benchmark=row.benchmark,
        metric=row.metric,
        estimate=estimate,
        builds=builds,
        rounds=rounds,
        looks=row.looks,
        warnings=(*row.warnings, *_block_warnings(ratios, estimate, builds)),
        base=median(block.means[row.arms[0]] for block in row.blocks),
        clock=row.clock,
    )


def _log_ratio(row: BenchmarkBlocks, block: MeasuredBlock) -> float:
    base, candidate = (block.means[arm] for arm in row.arms)
    try:
        return estimates.log_ratio(base, candidate)
    except ValueError as problem:
        where = f"{row.benchmark}, block {block.number}"
        raise DataError(f"a block cannot be used: {problem}", where=where) from None


def _block_warnings(ratios: list[float], estimate: ranks.RankEstimate, builds: int) -> list[str]:
    count = len(ratios)
    warnings = [ONE_BUILD] if builds == 1 else []
    if count == 1:
        warnings.append("one-block: no interval from a single block")
    elif count < FEW:
        warnings.append(f"few-blocks: {count} blocks give a wide interval")
    if estimate.has_error and not estimate.spread:
        warnings.append("no-spread: all blocks gave the same ratio")
    far = estimates.outliers(ratios)
    if far:
        rest = [ratio for index, ratio in enumerate(ratios) if index not in far]
        warnings.append(
            f"outlying-blocks: {len(far)} of {count} blocks lie far from the rest; they count, "
            f"without them the ratio would be {math.exp(ranks.hodges_lehmann(rest)):.4f}"
        )
    return warnings


def _suite_of_blocks(family: Sequence[_Estimated], looks: tuple[float, ...]) -> _Estimated:
    """Estimate the suite of a family. Its interval uses the blocks that all benchmarks have.

    The measurement of a benchmark stops as soon as it is decided, which biases its centre, and the
    bias adds up in a mean of many such centres. The blocks that all benchmarks have were measured
    whatever their values; the looks account for the choice of their number. The ratio is that of
    all blocks, the mean of the shown ratios, and the interval is extended to contain it.
    """
    used, warnings = _for_suite(family)
    keys = ranks.common_rounds([row.rounds for row in used])
    builds = len({replica for _, replica in keys}) or max(row.builds for row in used)
    estimate: estimates.Estimate | ranks.RankEstimate = _bare_mean(used)
    if keys and all(row.estimate.has_error for row in used):
        estimate = ranks.estimate_suite(
            [row.rounds for row in used],
            [row.estimate.value for row in used],
            {key: key[1] for key in keys},
        )
        rows = [[row.rounds[key] for key in keys] for row in used]
        warnings = [*warnings, *_apart(estimate, rows)]
    if any(len(row.rounds) > len(keys) for row in used):
        warnings = [*warnings, COMMON.format(count=len(keys))]
    return _Estimated(
        benchmark="",
        metric=family[0].metric,
        estimate=estimate,
        builds=builds,
        rounds=dict.fromkeys(keys, 0.0),
        looks=looks,
        warnings=(*([ONE_BUILD] if builds == 1 else []), *warnings),
    )


def _apart(estimate: ranks.RankEstimate, rows: Sequence[Sequence[float]]) -> Iterator[str]:
    """Warn if the interval of the rounds (each a mean over the benchmarks) does not contain the
    mean of the benchmarks' centres over the same rounds: then no single number describes both.
    """
    bounds = estimate.own_interval(PLAIN)
    typical = math.fsum(ranks.hodges_lehmann(row) for row in rows) / len(rows)
    if bounds is not None and not bounds[0] <= typical <= bounds[1]:
        yield APART.format(ratio=math.exp(estimate.centre))


def _of_processes(row: Recorded) -> _Estimated:
    try:
        estimate = estimates.estimate_processes(row.base, row.candidate)
    except ValueError as problem:
        raise DataError(f"values cannot be used: {problem}", where=row.benchmark) from None
    return _Estimated(
        benchmark=row.benchmark,
        metric=row.metric,
        estimate=estimate,
        builds=1,
        warnings=(*row.warnings, *_process_warnings(row, estimate)),
        base=math.fsum(row.base) / len(row.base),
        clock=row.clock,
    )


def _process_warnings(row: Recorded, estimate: estimates.Estimate) -> list[str]:
    base, candidate = len(row.base), len(row.candidate)
    warnings = [NO_BLOCKS, ONE_BUILD]
    if min(base, candidate) == 1:
        warnings.append("one-process: no interval from a single process")
    elif min(base, candidate) < FEW:
        warnings.append(
            f"few-processes: {base} and {candidate} give a wide interval, or a lucky one"
        )
    if base != candidate:
        warnings.append(f"unequal-processes: {base} in the base, {candidate} in the candidate")
    for side, values in (("base", row.base), ("candidate", row.candidate)):
        spread = estimates.relative_spread(values)
        if spread > UNSTABLE:
            warnings.append(f"unstable: process means of the {side} vary by {spread:.0%}")
    if estimate.skewed(PLAIN):
        warnings.append("skewed: far-off processes pull the ratio of means away from the others'")
    return warnings


def _suite_of_processes(family: Sequence[_Estimated]) -> _Estimated:
    used, warnings = _for_suite(family)
    parts = [row.estimate for row in used if isinstance(row.estimate, estimates.Estimate)]
    has_error = all(part.has_error for part in parts)
    estimate = estimates.combine(parts) if has_error else _bare_mean(used)
    return _Estimated(
        benchmark="",
        metric=family[0].metric,
        estimate=estimate,
        builds=1,
        warnings=(NO_BLOCKS, ONE_BUILD, *warnings),
    )


def _for_suite(family: Sequence[_Estimated]) -> tuple[Sequence[_Estimated], list[str]]:
    """Return the rows of a family that have an error (all if none has), and a warning about the
    others.
    """
    used = [row for row in family if row.estimate.has_error]
    left = [row.benchmark for row in family if not row.estimate.has_error]
    if not used or not left:
        return family, []
    return used, [f"left-out: of the suite, for want of an interval: {', '.join(left)}"]


def _bare_mean(used: Sequence[_Estimated]) -> estimates.Estimate:
    value = math.fsum(row.estimate.value for row in used) / len(used)
    return estimates.Estimate(value=value, centre=value, error=None, freedom=0.0, units=1)
