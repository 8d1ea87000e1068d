"""The ladder: the gain of each way of making Python faster, in sequence and alone. Pure.

A chain of steps on one revision, each on top of those before it; in addition PGO, LTO and series,
each alone on computed gotos:

    switch -> gotos -> pgo -> lto -> series -> cython -> typed -> pypy

All steps are arms of one experiment, measured in the same blocks: any two arms have a ratio with an
interval, so that the gain of a step on top of the others can be compared with its gain alone. With
separate experiments that only share the base, such ratios would contain the noise of both.

Kernels take every step; other benchmarks have no type declarations. Means over different benchmarks
cannot be compared: so there is one ladder for the kernels and one for the other benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.compare import Comparisons, SuiteComparison
from bench.experiments import ArmRequest
from bench.session import SessionRecord, verdicts
from builder.builds import Flavor
from builder.errors import UsageError
from builder.sources import SourceSpec

SWITCH, GOTOS, PGO, LTO = "switch", "gotos", "pgo", "lto"
SERIES, CYTHON, TYPED, PYPY = "series", "cython", "typed", "pypy"
STEPS = (SWITCH, GOTOS, PGO, LTO, SERIES, CYTHON, TYPED, PYPY)
"""The chain, in its order."""
BASE = "base"
_BUILDS = (SWITCH, GOTOS, PGO, LTO, SERIES)
_ALONE = (PGO, LTO, SERIES)
_VARIANTS = (CYTHON, TYPED)
_TITLES = {
    SWITCH: "switch dispatch",
    GOTOS: "computed gotos",
    PGO: "PGO",
    LTO: "LTO",
    SERIES: "patches",
    CYTHON: "hot code compiled unchanged",
    TYPED: "compiled with types",
    PYPY: "PyPy",
}


@dataclass(frozen=True, kw_only=True)
class LadderRung:
    """A step as an arm. `on` is the rung below: the gain of the step is the ratio to that rung.

    `arm` is the arm's name in the experiment: the first rung is its base, and a step that is alone
    already in the chain needs no second arm. `in_chain` is False for steps alone.
    """

    name: str
    title: str
    arm: str
    on: str = ""
    in_chain: bool = True


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """The rungs, the chain first, and the arms that they need."""

    rungs: tuple[LadderRung, ...]
    base: ArmRequest
    candidates: tuple[ArmRequest, ...]


def plan(
    *,
    revision: str,
    source: SourceSpec | None = None,
    series: Sequence[str],
    runtime: str,
    steps: Sequence[str] = STEPS,
) -> Ladder:
    """Plan the ladder of some steps on one revision. `runtime`: PyPy's name or path.

    Raises UsageError for unknown steps, fewer than two, or a first step that is no build.
    """
    chosen = _chosen(steps, series, runtime)
    arms: dict[str, ArmRequest] = {}
    rungs = []
    for number, step in enumerate(chosen):
        before = chosen[:number]
        name = step if number else BASE
        arms[name] = _arm([*before, step], series, runtime)
        on = before[-1] if before else ""
        title = _TITLES[step] if step in (SWITCH, GOTOS, PYPY) else f"+ {_TITLES[step]}"
        rungs.append(LadderRung(name=step, title=title, arm=name, on=on))
    for step in _ALONE:
        if step in chosen and GOTOS in chosen:
            rungs.append(_alone(step, arms, series))
    return Ladder(
        rungs=tuple(rungs),
        base=replace(arms.pop(BASE), name=BASE, revision=revision, source=source),
        candidates=tuple(replace(arm, name=name, source=source) for name, arm in arms.items()),
    )


def _chosen(steps: Sequence[str], series: Sequence[str], runtime: str) -> list[str]:
    for step in steps:
        if step not in STEPS:
            raise UsageError(
                f"The ladder has no step {step!r}.", hint=f"Its steps are: {', '.join(STEPS)}."
            )
    chosen = [step for step in STEPS if step in steps]
    if SERIES in chosen and not series:
        chosen.remove(SERIES)
    if PYPY in chosen and not runtime:
        chosen.remove(PYPY)
    if len(chosen) < 2 or chosen[0] not in _BUILDS:
        raise UsageError(
            "A ladder needs at least two steps, and the first must be a build: "
            f"{', '.join(chosen) or 'none'}.",
            hint=f"Choose from {', '.join(STEPS)}.",
        )
    return chosen


def _arm(steps: Sequence[str], series: Sequence[str], runtime: str) -> ArmRequest:
    """The arm of the last of some steps, on top of those before it."""
    if steps[-1] == PYPY:
        return ArmRequest(runtime=runtime)
    is_switch = GOTOS not in steps and SWITCH in steps
    return ArmRequest(
        flavor=Flavor(
            pgo=PGO in steps, lto=LTO in steps, computed_gotos=False if is_switch else None
        ),
        series=tuple(series) if SERIES in steps else (),
        variant=next((variant for variant in reversed(_VARIANTS) if variant in steps), ""),
    )


def _alone(step: str, arms: dict[str, ArmRequest], series: Sequence[str]) -> LadderRung:
    """The rung of a step alone on computed gotos, with a new arm unless one exists already."""
    arm = _arm([GOTOS, step], series, "")
    existing = next((name for name, request in arms.items() if request == arm), None)
    name = f"{step}-alone"
    if existing is None:
        arms[name] = arm
    title = f"{_TITLES[step]} alone on computed gotos"
    return LadderRung(name=name, title=title, arm=existing or name, on=GOTOS, in_chain=False)


# -- from blocks to rungs -------------------------------------------------------------------------


def measured_rungs(
    rungs: Sequence[LadderRung],
    measured: SessionRecord,
    groups: Mapping[str, Sequence[str]],
    *,
    margin: float,
) -> list[dict[str, Any]]:
    """The ladder as result.json has it: a list, the rungs of each group of benchmarks in order.

    Each entry has `group`, `name`, `title`, `arm`, `on` (in the chain: the last rung before it that
    was measured for this group), `in_chain` and `tasks` (the benchmarks it was measured on). All
    but the first also have the ratio to the ladder's base with its interval and verdict; `step`:
    the same relative to the rung `on`; and `cells`: both for each benchmark. A rung without a
    benchmark has no ratio.
    """
    return [
        row
        for group, tasks in groups.items()
        if tasks
        for row in _group(group, verdicts.among(measured, tasks), rungs, margin)
    ]


def _group(
    group: str, measured: SessionRecord, rungs: Sequence[LadderRung], margin: float
) -> Iterator[dict[str, Any]]:
    arms = {rung.name: rung.arm for rung in rungs}
    last = ""  # the last rung of the chain that was measured for this group
    for rung in rungs:
        tasks = sorted({block.task for block in measured.blocks if rung.arm in block.means})
        on = last if rung.in_chain else rung.on
        row: dict[str, Any] = {
            "group": group,
            "name": rung.name,
            "title": rung.title,
            "arm": rung.arm,
            "on": on,
            "in_chain": rung.in_chain,
            "tasks": tasks,
        }
        if tasks and rung.arm != BASE:
            overall = verdicts.conclude(measured, rung.arm, margin=margin)
            step = verdicts.conclude(measured, rung.arm, base=arms[on], margin=margin)
            row |= {
                **_ratio(overall.suite),
                "step": _ratio(step.suite),
                "cells": _cells(overall, step),
            }
        if tasks and rung.in_chain:
            last = rung.name
        yield row


def _ratio(comparison: SuiteComparison | None) -> dict[str, Any]:
    names = ("ratio", "low", "high", "low95", "high95", "verdict", "blocks", "builds")
    return {} if comparison is None else {name: getattr(comparison, name) for name in names}


def _cells(overall: Comparisons, step: Comparisons) -> dict[str, dict[str, Any]]:
    """The ratios of each benchmark, to the ladder's base and to the rung below."""
    steps = {comparison.benchmark: comparison for comparison in step.comparisons}
    return {
        comparison.benchmark: {
            **_ratio(comparison),
            "step": _ratio(steps.get(comparison.benchmark)),
        }
        for comparison in overall.comparisons
    }


def recomputed(
    recorded: Sequence[Mapping[str, Any]], measured: SessionRecord, margin: float
) -> list[Any]:
    """The ladder of a result, computed again from the blocks, to compare with the recorded one."""
    groups: dict[str, set[str]] = {}
    rungs_by_name: dict[str, LadderRung] = {}
    for row in recorded:
        groups.setdefault(row["group"], set()).update(row["tasks"])
        names = ("name", "title", "arm", "on", "in_chain")
        rungs_by_name.setdefault(row["name"], LadderRung(**{name: row[name] for name in names}))
    sorted_groups = {group: sorted(tasks) for group, tasks in groups.items()}
    return measured_rungs(tuple(rungs_by_name.values()), measured, sorted_groups, margin=margin)
