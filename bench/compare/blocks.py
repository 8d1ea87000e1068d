"""From what was measured of two arms to ratios, intervals, verdicts and warnings.

Two kinds of input. `BenchmarkBlocks` is the main line's: blocks as they were measured and kept,
each with the process means of its arms, two of which are compared (`MeasuredBlock` says what a
block must have). `Recorded` is what result files of others hold: process means of either side, not
paired. Both give `bench.compare.comparison.Comparisons`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from bench.benchmarks import Missing
from bench.compare.comparison import ERROR, MARGIN, TIME, Comparison, Comparisons, SuiteComparison
from bench.stats import estimates as stats
from bench.stats import family_levels, look_level, ranks
from builder.errors import DataError

PLAIN = 0.05
FEW = 5
UNSTABLE = 0.1

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
        """Its place among the blocks of its benchmark."""

    @property
    def replica(self) -> Hashable:
        """The label of its builds."""

    @property
    def means(self) -> Mapping[str, float]:
        """The means of its processes."""


@dataclass(frozen=True, kw_only=True)
class PairedBlock:
    """The least `MeasuredBlock`, for callers that have two numbers and keep no more."""

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
    """Blocks of one benchmark, all of which have both `arms`, the base's name first. `looks`: see
    `bench.stats.multiplicity.look_level`.
    """

    benchmark: str
    metric: str = TIME
    blocks: Sequence[MeasuredBlock]
    arms: tuple[str, str] = (BASE, CANDIDATE)
    looks: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Process means of one benchmark on either side, not paired, one build a side."""

    benchmark: str
    metric: str = TIME
    base: tuple[float, ...]
    candidate: tuple[float, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Known:
    """One benchmark, or a suite, on its way: estimated, before its level is known."""

    benchmark: str
    metric: str
    estimate: stats.Estimate | ranks.RankEstimate
    builds: int
    rounds: Mapping[Round, float] = field(default_factory=dict)
    looks: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()


def compare_blocks(
    measured: Sequence[BenchmarkBlocks],
    *,
    margin: float = MARGIN,
    error: float = ERROR,
    missing: Iterable[Missing] = (),
    warnings: Iterable[str] = (),
    suite_looks: Sequence[float] = (),
) -> Comparisons:
    """Compare what a session measured; `missing` and `warnings` are handed through.

    A benchmark without blocks becomes missing. DataError for a value that is no time or size, for
    a benchmark or block given twice; UsageError for a margin or error rate out of range.
    """
    _check_once(f"{one.benchmark} ({one.metric})" for one in measured)
    empty = [Missing(benchmark=m.benchmark, reason="no block") for m in measured if not m.blocks]
    frame = Comparisons(
        margin=margin,
        error=error,
        method=BLOCKS_METHOD,
        missing=(*missing, *empty),
        warnings=tuple(warnings),
    )
    families = _families([_of_blocks(one) for one in measured if one.blocks])
    suites = [_suite_of_blocks(family, tuple(suite_looks)) for family in families]
    return _judged(frame, families, suites)


def compare_processes(
    recorded: Sequence[Recorded],
    *,
    margin: float = MARGIN,
    error: float = ERROR,
    missing: Iterable[Missing] = (),
    warnings: Iterable[str] = (),
) -> Comparisons:
    """Compare process means that were not measured in blocks; errors as `compare_blocks`.

    A `Recorded` with an empty side becomes missing.
    """
    _check_once(f"{one.benchmark} ({one.metric})" for one in recorded)
    empty = [
        Missing(benchmark=one.benchmark, reason=f"no values in the {side}")
        for one in recorded
        for side, values in (("base", one.base), ("candidate", one.candidate))
        if not values
    ]
    frame = Comparisons(
        margin=margin,
        error=error,
        method=PROCESSES_METHOD,
        missing=(*missing, *empty),
        warnings=tuple(warnings),
    )
    families = _families([_of_processes(o) for o in recorded if o.base and o.candidate])
    return _judged(frame, families, [_suite_of_processes(family) for family in families])


def _judged(
    frame: Comparisons, families: Sequence[Sequence[_Known]], suites: Sequence[_Known]
) -> Comparisons:
    """Fill the frame: each family gets its levels, each suite its own."""
    rows = []
    for family in families:
        levels = family_levels(
            [one.estimate.p_value() for one in family],
            error=frame.error,
            looks=[one.looks for one in family],
        )
        rows += [
            Comparison(benchmark=one.benchmark, **_judgement(one, level, frame.margin))
            for one, level in zip(family, levels, strict=True)
        ]
    overall = [
        SuiteComparison(**_judgement(one, look_level(frame.error, one.looks), frame.margin))
        for one in suites
    ]
    return replace(
        frame,
        comparisons=tuple(rows),
        suite=next((one for one in overall if one.metric == TIME), None),
        suites=tuple(one for one in overall if one.metric != TIME),
    )


def _judgement(one: _Known, alpha: float, margin: float) -> dict[str, Any]:
    low, high = _bounds(one.estimate, alpha)
    low95, high95 = _bounds(one.estimate, PLAIN)
    return {
        "metric": one.metric,
        "ratio": math.exp(one.estimate.value),
        "low": low,
        "high": high,
        "low95": low95,
        "high95": high95,
        "verdict": stats.verdict(low, high, margin),
        "blocks": len({index for index, _ in one.rounds}),
        "builds": one.builds,
        "warnings": one.warnings,
    }


def _bounds(
    estimate: stats.Estimate | ranks.RankEstimate, alpha: float
) -> tuple[float | None, float | None]:
    interval = estimate.interval(alpha)
    return (None, None) if interval is None else (math.exp(interval[0]), math.exp(interval[1]))


def _check_once(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError("the same thing was measured twice", where=name)
        seen.add(name)


def _families(known: Sequence[_Known]) -> list[list[_Known]]:
    """By metric: a family is judged together, and has one suite."""
    families: dict[str, list[_Known]] = {}
    for one in known:
        families.setdefault(one.metric, []).append(one)
    return list(families.values())


def _of_blocks(one: BenchmarkBlocks) -> _Known:
    _check_once(f"{one.benchmark}, block {block.number}" for block in one.blocks)
    rounds = {(block.number, block.replica): _log_ratio(one, block) for block in one.blocks}
    ratios, replicas = list(rounds.values()), [replica for _, replica in rounds]
    estimate = ranks.estimate_blocks(ratios, replicas)
    builds = len(set(replicas))
    return _Known(
        benchmark=one.benchmark,
        metric=one.metric,
        estimate=estimate,
        builds=builds,
        rounds=rounds,
        looks=one.looks,
        warnings=(*one.warnings, *_block_warnings(ratios, estimate, builds)),
    )


def _log_ratio(one: BenchmarkBlocks, block: MeasuredBlock) -> float:
    base, candidate = (block.means[arm] for arm in one.arms)
    try:
        return stats.log_ratio(base, candidate)
    except ValueError as problem:
        where = f"{one.benchmark}, block {block.number}"
        raise DataError(f"a block cannot be used: {problem}", where=where) from None


def _block_warnings(ratios: list[float], estimate: ranks.RankEstimate, builds: int) -> list[str]:
    count = len(ratios)
    found = [ONE_BUILD] if builds == 1 else []
    if count == 1:
        found.append("one-block: no interval from a single block")
    elif count < FEW:
        found.append(f"few-blocks: {count} blocks give a wide interval")
    if estimate.has_error and not estimate.spread:
        found.append("no-spread: all blocks gave the same ratio")
    far = stats.outliers(ratios)
    if far:
        rest = [ratio for index, ratio in enumerate(ratios) if index not in far]
        found.append(
            f"outlying-blocks: {len(far)} of {count} blocks lie far from the rest; they count, "
            f"without them the ratio would be {math.exp(ranks.hodges_lehmann(rest)):.4f}"
        )
    return found


def _suite_of_blocks(family: Sequence[_Known], looks: tuple[float, ...]) -> _Known:
    """The suite of a family: its interval rests on the blocks that all have.

    A benchmark that was left as soon as it was decided has its luck in its centre, and a mean of
    many such centres shows it. The blocks that all have were measured whatever they said; at which
    count that ended is what the looks pay for. The ratio is that of all blocks, the mean of what is
    shown, and the interval is extended to hold it.
    """
    used, warnings = _for_suite(family)
    keys = ranks.common_rounds([one.rounds for one in used])
    builds = len({replica for _, replica in keys}) or max(one.builds for one in used)
    estimate: stats.Estimate | ranks.RankEstimate = _bare_mean(used)
    if keys and all(one.estimate.has_error for one in used):
        estimate = ranks.estimate_suite(
            [one.rounds for one in used],
            [one.estimate.value for one in used],
            {key: key[1] for key in keys},
        )
        rows = [[one.rounds[key] for key in keys] for one in used]
        warnings = [*warnings, *_apart(estimate, rows)]
    if any(len(one.rounds) > len(keys) for one in used):
        warnings = [*warnings, COMMON.format(count=len(keys))]
    return _Known(
        benchmark="",
        metric=family[0].metric,
        estimate=estimate,
        builds=builds,
        rounds=dict.fromkeys(keys, 0.0),
        looks=looks,
        warnings=(*([ONE_BUILD] if builds == 1 else []), *warnings),
    )


def _apart(estimate: ranks.RankEstimate, rows: Sequence[Sequence[float]]) -> Iterator[str]:
    """Whether the rounds, each a mean over the benchmarks, are elsewhere than the benchmarks, each
    at the centre of the same rounds: there is no one number then.
    """
    bounds = estimate.own_interval(PLAIN)
    typical = math.fsum(ranks.hodges_lehmann(row) for row in rows) / len(rows)
    if bounds is not None and not bounds[0] <= typical <= bounds[1]:
        yield APART.format(ratio=math.exp(estimate.centre))


def _of_processes(one: Recorded) -> _Known:
    try:
        estimate = stats.estimate_processes(one.base, one.candidate)
    except ValueError as problem:
        raise DataError(f"values cannot be used: {problem}", where=one.benchmark) from None
    return _Known(
        benchmark=one.benchmark,
        metric=one.metric,
        estimate=estimate,
        builds=1,
        warnings=(*one.warnings, *_process_warnings(one, estimate)),
    )


def _process_warnings(one: Recorded, estimate: stats.Estimate) -> list[str]:
    base, candidate = len(one.base), len(one.candidate)
    found = [NO_BLOCKS, ONE_BUILD]
    if min(base, candidate) == 1:
        found.append("one-process: no interval from a single process")
    elif min(base, candidate) < FEW:
        found.append(f"few-processes: {base} and {candidate} give a wide interval, or a lucky one")
    if base != candidate:
        found.append(f"unequal-processes: {base} in the base, {candidate} in the candidate")
    for side, values in (("base", one.base), ("candidate", one.candidate)):
        spread = stats.relative_spread(values)
        if spread > UNSTABLE:
            found.append(f"unstable: process means of the {side} vary by {spread:.0%}")
    if estimate.skewed(PLAIN):
        found.append("skewed: far-off processes pull the ratio of means away from the others'")
    return found


def _suite_of_processes(family: Sequence[_Known]) -> _Known:
    used, warnings = _for_suite(family)
    estimates = [one.estimate for one in used if isinstance(one.estimate, stats.Estimate)]
    known = all(one.has_error for one in estimates)
    estimate = stats.combine(estimates) if known else _bare_mean(used)
    return _Known(
        benchmark="",
        metric=family[0].metric,
        estimate=estimate,
        builds=1,
        warnings=(NO_BLOCKS, ONE_BUILD, *warnings),
    )


def _for_suite(family: Sequence[_Known]) -> tuple[Sequence[_Known], list[str]]:
    """Those of the family that have an error (all, where none has), and who is left out."""
    used = [one for one in family if one.estimate.has_error]
    left = [one.benchmark for one in family if not one.estimate.has_error]
    if not used or not left:
        return family, []
    return used, [f"left-out: of the suite, for want of an interval: {', '.join(left)}"]


def _bare_mean(used: Sequence[_Known]) -> stats.Estimate:
    value = math.fsum(one.estimate.value for one in used) / len(used)
    return stats.Estimate(value=value, centre=value, error=None, freedom=0.0, units=1)
