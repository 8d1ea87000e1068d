"""The ladder of a result as a reader sees it: frozen values for its table and its picture.

Of a result as it was read; names of arms and reasons come out without control characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.results import CandidateResult, RatioRecord, Result, RungResult
from bench.util import harmless


@dataclass(frozen=True, kw_only=True)
class RungRatio:
    """A ratio with the interval that its verdict comes from; bounds are None without one."""

    ratio: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True, kw_only=True)
class RungCell:
    """A benchmark on a rung: its ratio to the ladder's base, or why there is none; `step`: to the
    rung that this one is on.
    """

    whole: RungRatio | None = None
    step: RungRatio | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class RungLine:
    """A rung with its geometric means; `count` benchmarks are in them, `arm` says what ran. The
    base has no ratio, nor has a rung without benchmarks; `reason` says why.
    """

    name: str
    title: str
    on: str
    in_chain: bool
    count: int
    is_base: bool
    arm: str = ""
    whole: RungRatio | None = None
    step: RungRatio | None = None
    reason: str = ""
    cells: Mapping[str, RungCell] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Group:
    """The ladder of some benchmarks: kernels, or those of a suite."""

    name: str
    tasks: tuple[str, ...]
    lines: tuple[RungLine, ...]


def counted(benchmarks: int) -> str:
    """1 benchmark, 2 benchmarks."""
    return f"{benchmarks} benchmark{'' if benchmarks == 1 else 's'}"


def groups(result: Result) -> tuple[Group, ...]:
    """The ladders of a result; none where it has no such rungs."""
    rungs: dict[str, list[RungResult]] = {}
    for one in result.ladder:
        if one.tasks is not None:
            rungs.setdefault(harmless(one.group), []).append(one)
    return tuple(_group(name, some, result) for name, some in rungs.items())


def _group(name: str, rungs: Sequence[RungResult], result: Result) -> Group:
    tasks = tuple(sorted({task for one in rungs for task in one.tasks or ()}))
    arms = {one.name: one for one in result.candidates}
    lines = (_line(one, tasks, arms.get(one.arm), result) for one in rungs)
    return Group(name=name, tasks=tasks, lines=tuple(lines))


def _line(
    rung: RungResult,
    tasks: Sequence[str],
    arm: CandidateResult | None,
    result: Result,
) -> RungLine:
    reasons = dict(_reasons(arm, tasks, result))
    told = [reasons[task] for task in tasks if task in reasons]
    return RungLine(
        name=rung.name,
        title=rung.title,
        on=rung.on,
        in_chain=rung.in_chain,
        count=len(rung.tasks or ()),
        is_base=arm is None,
        arm=harmless((result.base if arm is None else arm).title),
        whole=_ratio(rung),
        step=_ratio(rung.step),
        reason="" if rung.tasks else (told or ["not measured"])[0],
        cells={task: _cell(rung, task, reasons.get(task, "")) for task in tasks},
    )


def _cell(rung: RungResult, task: str, reason: str) -> RungCell:
    known = rung.cells.get(task)
    whole = None if known is None else _ratio(known)
    if known is None or whole is None:
        return RungCell(reason=reason or "not measured")
    return RungCell(whole=whole, step=_ratio(known.step))


def _reasons(
    arm: CandidateResult | None, tasks: Sequence[str], result: Result
) -> Iterator[tuple[str, str]]:
    """Why benchmarks are missing on an arm."""
    if arm is None:
        return
    if arm.verdict == "broken":
        said = (arm.broken.splitlines() or ["it fails tests that its base passes"])[0]
        yield from ((task, f"{arm.name} is broken: {said}") for task in tasks)
    scripts = {one.benchmark: one.script for one in result.blocks}
    told = {one.benchmark: harmless(one.reason) for one in arm.missing}
    for task in tasks:
        reason = told.get(task) or told.get(scripts.get(task, ""))
        if reason:
            yield task, reason


def _ratio(data: RatioRecord) -> RungRatio | None:
    if data.ratio is None:
        return None
    return RungRatio(ratio=data.ratio, low=data.low, high=data.high, verdict=data.verdict)
