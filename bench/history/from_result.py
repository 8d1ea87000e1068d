"""A night from the result.json of its session (docs/result-schema.md).

The base of the session may be tonight's build, last night's or the release. If it is tonight's,
ratios are inverted; if neither tonight's build nor the other one is the base, ratios and verdicts
are computed from the blocks (`bench.compare.blocks`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.benchmarks import Missing
from bench.compare import (
    TIME,
    BenchmarkBlocks,
    Comparisons,
    PairedBlock,
    SuiteComparison,
    compare_blocks,
)
from bench.history.epochs import of_host
from bench.history.models import (
    LAST,
    RELEASE,
    BenchmarkRow,
    BuildRow,
    HistoryRatio,
    NightRow,
    NightSuite,
)
from bench.results import FILE, ArmResult, CandidateResult, Result, read
from builder.errors import DataError

_TURNED = {"faster": "slower", "slower": "faster"}
Ratios = tuple[dict[str, HistoryRatio], HistoryRatio | None]


def read_result(
    folder: Path, *, branch: str, tonight: str, last: str = "", release: str = ""
) -> NightRow:
    """Read the result.json in `folder` as a night. The other arguments name its arms.

    `last` and `release` are "" where the session did not have them. DataError where the file cannot
    be read, has no such arm, or tonight's arm was not built.
    """
    return night_of(
        read(folder),
        branch=branch,
        tonight=tonight,
        last=last,
        release=release,
        where=str(folder / FILE),
        folder=str(folder),
    )


def night_of(
    result: Result,
    *,
    branch: str,
    tonight: str,
    last: str = "",
    release: str = "",
    where: str = "",
    folder: str = "",
) -> NightRow:
    """Convert a result to a night. DataError for a result without one of the arms."""
    arms = {arm.name: arm for arm in result.arms}
    named = [name for name in (tonight, last, release) if name]
    if absent := [name for name in named if name not in arms]:
        raise DataError(f"the result has no arm {absent[0]!r}", where=where)
    against = {
        kind: _against(result, tonight, other) if other else ({}, None)
        for kind, other in ((LAST, last), (RELEASE, release))
    }
    try:
        when = datetime.fromisoformat(result.when)
    except ValueError as problem:
        raise DataError(f"the result has no time: {problem}", where=where) from None
    return NightRow(
        identity=f"{result.experiment.identity} {result.when} {tonight}",
        host=result.host.name or "unknown",
        branch=branch,
        flavor=arms[tonight].flavor.name,
        when=when,
        facts=_facts(result, arms[tonight]),
        build=_built(arms[tonight], where),
        folder=folder,
        last=_standing(arms, last, against[LAST]),
        release=_standing(arms, release, against[RELEASE]),
        rows=_rows(result, tonight, against),
        missing={row.benchmark: row.reason for row in _missing(result)},
    )


def _facts(result: Result, arm: ArmResult) -> dict[str, str]:
    recipes = {arm_plan.name: arm_plan.recipe for arm_plan in result.experiment.arms}
    recipe = recipes.get(arm.name)
    return of_host(
        asdict(result.host),
        compiler="" if recipe is None else recipe.compiler.version,
        suite=result.experiment.suite,
    )


def _built(arm: ArmResult, where: str) -> BuildRow:
    if arm.build is None:
        raise DataError(
            f"arm {arm.name!r} was not built, so there is nothing to compare",
            where=where,
            hint="record the night as broken, with the reason",
        )
    epoch = arm.revision.epoch
    return BuildRow(
        key=arm.build.key,
        commit=arm.revision.commit,
        version=arm.revision.version,
        title=arm.title,
        committed=None if epoch is None else _moment(epoch),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _standing(arms: Mapping[str, ArmResult], name: str, found: Ratios) -> NightSuite | None:
    build = arms[name].build if name else None
    if build is None:
        return None
    return NightSuite(key=build.key, title=arms[name].title, suite=found[1])


def _rows(result: Result, tonight: str, against: Mapping[str, Ratios]) -> tuple[BenchmarkRow, ...]:
    return tuple(
        BenchmarkRow(
            benchmark=name,
            mean=math.fsum(means) / len(means),
            rsd=_spread(means),
            processes=len(means),
            last=against[LAST][0].get(name),
            release=against[RELEASE][0].get(name),
        )
        for name, means in sorted(_process_means(result, tonight).items())
    )


def _process_means(result: Result, arm: str) -> dict[str, list[float]]:
    means: dict[str, list[float]] = {}
    for block in result.blocks:
        if arm in block.means:
            means.setdefault(block.benchmark, []).append(block.means[arm])
    return means


def _spread(means: Sequence[float]) -> float | None:
    """The relative standard deviation of process means."""
    return statistics.stdev(means) / statistics.fmean(means) if len(means) > 1 else None


def _missing(result: Result) -> list[Missing]:
    return [*result.session.missing, *(row for arm in result.candidates for row in arm.missing)]


def _against(result: Result, tonight: str, other: str) -> Ratios:
    """Tonight's ratios against another arm: by benchmark, and of the suite."""
    if other == result.base.name:
        return _ratios_of(result.candidate(tonight), turned=False)
    if tonight == result.base.name:
        return _ratios_of(result.candidate(other), turned=True)
    return _compare_arms(result, tonight, other)


def _ratios_of(compared: CandidateResult | Comparisons, *, turned: bool) -> Ratios:
    rows = {
        row.benchmark: ratio_of(row, turned=turned)
        for row in compared.comparisons
        if row.metric == TIME
    }
    return rows, None if compared.suite is None else ratio_of(compared.suite, turned=turned)


def _compare_arms(result: Result, tonight: str, other: str) -> Ratios:
    """Compare the blocks that have both arms. No correction for looks is needed: the comparisons
    with the session's base decided whether the session continued."""
    tasks: dict[str, list[PairedBlock]] = {}
    replicas = {block.replica for block in result.blocks}
    for block in result.blocks:
        means = block.means
        if tonight in means and other in means:
            tasks.setdefault(block.benchmark, []).append(
                PairedBlock(
                    number=block.number,
                    base=means[other],
                    candidate=means[tonight],
                    replica=str(block.replica) if len(replicas) > 1 else "",
                )
            )
    measured = [
        BenchmarkBlocks(benchmark=name, blocks=tuple(blocks)) for name, blocks in tasks.items()
    ]
    return _ratios_of(compare_blocks(measured, margin=result.session.margin), turned=False)


def ratio_of(comparison: SuiteComparison, *, turned: bool = False) -> HistoryRatio:
    """Convert a comparison; `turned` if it is of the other build against this comparison.

    Inversion is exact: intervals are of logs, and the margin's bounds are reciprocal.
    """
    if not turned:
        return HistoryRatio(
            ratio=comparison.ratio,
            low=comparison.low,
            high=comparison.high,
            low95=comparison.low95,
            high95=comparison.high95,
            verdict=comparison.verdict,
            blocks=comparison.blocks,
        )
    return HistoryRatio(
        ratio=1 / comparison.ratio,
        low=_reciprocal(comparison.high),
        high=_reciprocal(comparison.low),
        low95=_reciprocal(comparison.high95),
        high95=_reciprocal(comparison.low95),
        verdict=_TURNED.get(comparison.verdict, comparison.verdict),
        blocks=comparison.blocks,
    )


def _reciprocal(bound: float | None) -> float | None:
    return None if bound is None else 1 / bound
