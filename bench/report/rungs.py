"""The ladder of a result as frozen values, for its table and its picture.

Titles of arms and reasons are cleaned of control characters; other texts are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.results import CandidateResult, RatioRecord, Result, RungResult
from bench.util import harmless


@dataclass(frozen=True, kw_only=True)
class RungRatio:
    """A ratio with its adjusted interval; bounds are None without one."""

    ratio: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True, kw_only=True)
class RungCell:
    """A benchmark on a rung: `whole` is the ratio to the base, `step` that to the rung before.

    `reason` is why there is no ratio.
    """

    whole: RungRatio | None = None
    step: RungRatio | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class RungLine:
    """A rung with its geometric means over `count` benchmarks; `arm` is the title of its arm.

    The base has no ratio. Nor has a rung without benchmarks; `reason` says why.
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
    """The ladder of one group of benchmarks: the kernels, or those of a suite."""

    name: str
    tasks: tuple[str, ...]
    lines: tuple[RungLine, ...]


def counted(benchmarks: int) -> str:
    """1 benchmark, 2 benchmarks."""
    return f"{benchmarks} benchmark{'' if benchmarks == 1 else 's'}"


def groups(result: Result) -> tuple[Group, ...]:
    """The ladders of a result, one for each group of benchmarks."""
    rungs: dict[str, list[RungResult]] = {}
    for rung in result.ladder:
        if rung.tasks is not None:
            rungs.setdefault(harmless(rung.group), []).append(rung)
    return tuple(_group(name, members, result) for name, members in rungs.items())


def _group(name: str, rungs: Sequence[RungResult], result: Result) -> Group:
    tasks = tuple(sorted({task for rung in rungs for task in rung.tasks or ()}))
    arms = {arm.name: arm for arm in result.candidates}
    lines = (_line(rung, tasks, arms.get(rung.arm), result) for rung in rungs)
    return Group(name=name, tasks=tasks, lines=tuple(lines))


def _line(
    rung: RungResult,
    tasks: Sequence[str],
    arm: CandidateResult | None,
    result: Result,
) -> RungLine:
    reasons = dict(_reasons(arm, tasks, result))
    first = next((reasons[task] for task in tasks if task in reasons), "not measured")
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
        reason="" if rung.tasks else first,
        cells={task: _cell(rung, task, reasons.get(task, "")) for task in tasks},
    )


def _cell(rung: RungResult, task: str, reason: str) -> RungCell:
    record = rung.cells.get(task)
    whole = None if record is None else _ratio(record)
    if record is None or whole is None:
        return RungCell(reason=reason or "not measured")
    return RungCell(whole=whole, step=_ratio(record.step))


def _reasons(
    arm: CandidateResult | None, tasks: Sequence[str], result: Result
) -> Iterator[tuple[str, str]]:
    """Why benchmarks are missing on an arm."""
    if arm is None:
        return
    if arm.verdict == "broken":
        cause = (arm.broken.splitlines() or ["it fails tests that its base passes"])[0]
        yield from ((task, f"{arm.name} is broken: {cause}") for task in tasks)
    scripts = {block.benchmark: block.script for block in result.blocks}
    recorded = {missing.benchmark: harmless(missing.reason) for missing in arm.missing}
    for task in tasks:
        reason = recorded.get(task) or recorded.get(scripts.get(task, ""))
        if reason:
            yield task, reason


def _ratio(data: RatioRecord) -> RungRatio | None:
    if data.ratio is None:
        return None
    return RungRatio(ratio=data.ratio, low=data.low, high=data.high, verdict=data.verdict)
