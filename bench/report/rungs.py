"""The ladder of a result as a reader sees it: frozen values for its table and its picture.

Raises LookupError, TypeError or ValueError for a result that is damaged, as `bench.report.reading`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.report.reading import positive
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


def groups(result: Mapping[str, Any]) -> tuple[Group, ...]:
    """The ladders of a result; none where it has no such rungs."""
    rungs: dict[str, list[Mapping[str, Any]]] = {}
    for one in result.get("ladder") or ():
        if "tasks" in one:
            rungs.setdefault(harmless(str(one["group"])), []).append(one)
    return tuple(_group(name, some, result) for name, some in rungs.items())


def _group(name: str, rungs: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> Group:
    tasks = tuple(sorted({task for one in rungs for task in one["tasks"]}))
    arms = {one["name"]: one for one in result["candidates"]}
    lines = (_line(one, tasks, arms.get(one["arm"]), result) for one in rungs)
    return Group(name=name, tasks=tasks, lines=tuple(lines))


def _line(
    rung: Mapping[str, Any],
    tasks: Sequence[str],
    arm: Mapping[str, Any] | None,
    result: Mapping[str, Any],
) -> RungLine:
    reasons = dict(_reasons(arm, tasks, result))
    told = [reasons[task] for task in tasks if task in reasons]
    return RungLine(
        name=str(rung["name"]),
        title=str(rung["title"]),
        on=str(rung["on"]),
        in_chain=bool(rung["in_chain"]),
        count=len(rung["tasks"]),
        is_base=arm is None,
        arm=harmless(str((result["base"] if arm is None else arm)["title"])),
        whole=_ratio(rung),
        step=_ratio(rung.get("step") or {}),
        reason="" if rung["tasks"] else (told or ["not measured"])[0],
        cells={task: _cell(rung, task, reasons.get(task, "")) for task in tasks},
    )


def _cell(rung: Mapping[str, Any], task: str, reason: str) -> RungCell:
    known = (rung.get("cells") or {}).get(task) or {}
    whole = _ratio(known)
    if whole is None:
        return RungCell(reason=reason or "not measured")
    return RungCell(whole=whole, step=_ratio(known.get("step") or {}))


def _reasons(
    arm: Mapping[str, Any] | None, tasks: Sequence[str], result: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Why benchmarks are missing on an arm."""
    if arm is None:
        return
    if arm["verdict"] == "broken":
        said = (str(arm["broken"]).splitlines() or ["it fails tests that its base passes"])[0]
        yield from ((task, f"{arm['name']} is broken: {said}") for task in tasks)
    scripts = {one["benchmark"]: one.get("script", "") for one in result["blocks"]}
    told = {one["benchmark"]: harmless(str(one["reason"])) for one in arm["missing"]}
    for task in tasks:
        reason = told.get(task) or told.get(scripts.get(task, ""))
        if reason:
            yield task, reason


def _ratio(data: Mapping[str, Any]) -> RungRatio | None:
    if data.get("ratio") is None:
        return None
    bounds = [None if data[name] is None else positive(data[name]) for name in ("low", "high")]
    return RungRatio(
        ratio=positive(data["ratio"]),
        low=bounds[0],
        high=bounds[1],
        verdict=str(data["verdict"]),
    )
