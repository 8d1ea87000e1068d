"""A night from the result.json of its session (docs/result-schema.md).

The base of the session may be tonight's build, last night's or the release. If it is tonight's,
ratios are inverted; if neither tonight's build nor the other one is the base, ratios and verdicts
are computed from the blocks (`bench.compare.blocks`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.compare import TIME, BenchmarkBlocks, PairedBlock, compare_blocks
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
from bench.results import FILE, read
from builder.errors import DataError

_TURNED = {"faster": "slower", "slower": "faster"}
Found = tuple[dict[str, HistoryRatio], HistoryRatio | None]


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
    document: Mapping[str, Any],
    *,
    branch: str,
    tonight: str,
    last: str = "",
    release: str = "",
    where: str = "",
    folder: str = "",
) -> NightRow:
    """Convert a parsed result.json to a night."""
    try:
        arms = {arm["name"]: arm for arm in [document["base"], *document["candidates"]]}
        named = [name for name in (tonight, last, release) if name]
        if absent := [name for name in named if name not in arms]:
            raise DataError(f"the result has no arm {absent[0]!r}", where=where)
        against = {
            kind: _against(document, tonight, other) if other else ({}, None)
            for kind, other in ((LAST, last), (RELEASE, release))
        }
        return NightRow(
            identity=f"{document['experiment']['identity']} {document['when']} {tonight}",
            host=str(document["host"].get("name") or "unknown"),
            branch=branch,
            flavor=str(arms[tonight]["flavor"].get("name") or "plain"),
            when=datetime.fromisoformat(document["when"]),
            facts=_facts(document, arms[tonight]),
            build=_built(arms[tonight], where),
            folder=folder,
            last=_standing(arms, last, against[LAST]),
            release=_standing(arms, release, against[RELEASE]),
            rows=_rows(document, tonight, against),
            missing={one["benchmark"]: one["reason"] for one in _missing(document)},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise DataError(
            f"the result lacks what a night needs: {type(problem).__name__}: {problem}", where=where
        ) from None


def _facts(document: Mapping[str, Any], arm: Mapping[str, Any]) -> dict[str, str]:
    recipes = {one["name"]: one.get("recipe") or {} for one in document["experiment"]["arms"]}
    compiler = recipes.get(arm["name"], {}).get("compiler") or {}
    return of_host(
        document["host"],
        compiler=str(compiler.get("version") or ""),
        suite=str(document["experiment"]["suite"]),
    )


def _built(arm: Mapping[str, Any], where: str) -> BuildRow:
    build, revision = arm["build"], arm["revision"]
    if build is None:
        raise DataError(
            f"arm {arm['name']!r} was not built, so there is nothing to compare",
            where=where,
            hint="record the night as broken, with the reason",
        )
    epoch = revision.get("epoch")
    return BuildRow(
        key=build["key"],
        commit=revision["commit"],
        version=revision.get("version") or "",
        title=arm["title"],
        committed=None if epoch is None else _moment(epoch),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _standing(arms: Mapping[str, Any], name: str, found: Found) -> NightSuite | None:
    if not name or arms[name]["build"] is None:
        return None
    return NightSuite(key=arms[name]["build"]["key"], title=arms[name]["title"], suite=found[1])


def _rows(
    document: Mapping[str, Any], tonight: str, against: Mapping[str, Found]
) -> tuple[BenchmarkRow, ...]:
    return tuple(
        BenchmarkRow(
            benchmark=name,
            mean=math.fsum(means) / len(means),
            rsd=_spread(means),
            processes=len(means),
            last=against[LAST][0].get(name),
            release=against[RELEASE][0].get(name),
        )
        for name, means in sorted(_process_means(document["blocks"], tonight).items())
    )


def _process_means(blocks: Sequence[Any], arm: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for block in blocks:
        if arm in block["means"]:
            found.setdefault(block["benchmark"], []).append(float(block["means"][arm]))
    return found


def _spread(means: Sequence[float]) -> float | None:
    """The relative standard deviation of process means."""
    return statistics.stdev(means) / statistics.fmean(means) if len(means) > 1 else None


def _missing(document: Mapping[str, Any]) -> list[Mapping[str, str]]:
    found = list(document["session"].get("missing") or [])
    return found + [one for arm in document["candidates"] for one in arm.get("missing") or []]


def _against(document: Mapping[str, Any], tonight: str, other: str) -> Found:
    """Tonight's ratios against another arm: by benchmark, and of the suite."""
    base = document["base"]["name"]
    candidates = {arm["name"]: arm for arm in document["candidates"]}
    if other == base:
        return _given(candidates[tonight], turned=False)
    if tonight == base:
        return _given(candidates[other], turned=True)
    return _worked_out(document, tonight, other)


def _given(arm: Mapping[str, Any], *, turned: bool) -> Found:
    rows = {
        one["benchmark"]: ratio_of(one, turned=turned)
        for one in arm.get("comparisons") or []
        if one["metric"] == TIME
    }
    return rows, ratio_of(arm["suite"], turned=turned) if arm.get("suite") else None


def _worked_out(document: Mapping[str, Any], tonight: str, other: str) -> Found:
    """Compare the blocks that have both arms. No correction for looks is needed: the comparisons
    with the session's base decided whether the session continued."""
    tasks: dict[str, list[PairedBlock]] = {}
    replicas = {block["replica"] for block in document["blocks"]}
    for block in document["blocks"]:
        means = block["means"]
        if tonight in means and other in means:
            tasks.setdefault(block["benchmark"], []).append(
                PairedBlock(
                    number=block["number"],
                    base=means[other],
                    candidate=means[tonight],
                    replica=str(block["replica"]) if len(replicas) > 1 else "",
                )
            )
    measured = [BenchmarkBlocks(benchmark=name, blocks=tuple(some)) for name, some in tasks.items()]
    compared = compare_blocks(measured, margin=float(document["session"]["margin"]))
    return _given(compared.as_json(), turned=False)


def ratio_of(one: Mapping[str, Any], *, turned: bool = False) -> HistoryRatio:
    """Convert a comparison; `turned` if it is of the other build against this one.

    Inversion is exact: intervals are of logs, and the margin's bounds are reciprocal.
    """
    numbers = {part: one[part] for part in ("ratio", "low", "high", "low95", "high95")}
    verdict = one["verdict"]
    if turned:
        back = {part: None if value is None else 1 / value for part, value in numbers.items()}
        numbers = back | {
            "low": back["high"],
            "high": back["low"],
            "low95": back["high95"],
            "high95": back["low95"],
        }
        verdict = _TURNED.get(verdict, verdict)
    return HistoryRatio(**numbers, verdict=verdict, blocks=one["blocks"])
