"""The ladder: what each way of making Python faster gives, one after the other and alone. Pure.

A chain of steps on one revision, each on top of those before it, and beside it PGO, LTO and series
each alone on computed gotos:

    switch -> gotos -> pgo -> lto -> series -> cython -> typed -> pypy

All are arms of one experiment, measured in the same blocks: any two of them have a ratio with an
interval, so that what a step adds on top of the others is seen beside what it adds alone. Blocks
over parts of the arms that share the base would give the same ratios with two noises in them.

Kernels take every step; other benchmarks have no types from outside. A mean over other benchmarks
is another mean: so there is one ladder of the kernels and one of the rest.
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
    """A step as an arm. `on` is the rung that it is set on: what it adds is the ratio to that one.

    `arm` is the arm's name in the experiment: the first rung is its base, and a step that is alone
    already in the chain needs no second arm. `in_chain` is False of steps alone.
    """

    name: str
    title: str
    arm: str
    on: str = ""
    in_chain: bool = True


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """The rungs, the chain first, and the arms that measure them."""

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
    """The ladder of some steps on one revision. `runtime`: PyPy's name or path.

    Raises UsageError for steps that make no ladder.
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
                f"The ladder has no step {step!r}.", hint=f"It has: {', '.join(STEPS)}."
            )
    chosen = [step for step in STEPS if step in steps]
    if SERIES in chosen and not series:
        chosen.remove(SERIES)
    if PYPY in chosen and not runtime:
        chosen.remove(PYPY)
    if len(chosen) < 2 or chosen[0] not in _BUILDS:
        raise UsageError(
            f"A ladder needs two steps, and a build as the first: {', '.join(chosen) or 'none'}.",
            hint=f"Take some of {', '.join(STEPS)}.",
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
        variant=next((one for one in reversed(_VARIANTS) if one in steps), ""),
    )


def _alone(step: str, arms: dict[str, ArmRequest], series: Sequence[str]) -> LadderRung:
    """A step alone on computed gotos: an arm that is there already, or one more."""
    arm = _arm([GOTOS, step], series, "")
    known = next((name for name, one in arms.items() if one == arm), None)
    name = f"{step}-alone"
    if known is None:
        arms[name] = arm
    title = f"{_TITLES[step]} alone on computed gotos"
    return LadderRung(name=name, title=title, arm=known or name, on=GOTOS, in_chain=False)


# -- what was measured ----------------------------------------------------------------------------


def climbed(
    rungs: Sequence[LadderRung],
    measured: SessionRecord,
    groups: Mapping[str, Sequence[str]],
    *,
    margin: float,
) -> list[dict[str, Any]]:
    """The ladder as result.json has it: a list, the rungs of each group of benchmarks in order.

    Each has `group`, `name`, `title`, `arm`, `on` (of the chain, the last rung before that this
    group has), `in_chain`, `tasks` (the benchmarks that it was measured on) and, but for the first,
    the ratio to the ladder's base with its interval and verdict; `step`: the same to the rung that
    it is on; and `cells`: both for each benchmark. A rung without a benchmark has no ratio.
    """
    return [
        told
        for group, tasks in groups.items()
        if tasks
        for told in _group(group, verdicts.among(measured, tasks), rungs, margin)
    ]


def _group(
    group: str, measured: SessionRecord, rungs: Sequence[LadderRung], margin: float
) -> Iterator[dict[str, Any]]:
    arms = {rung.name: rung.arm for rung in rungs}
    last = ""  # of the chain, the last rung that this group has
    for rung in rungs:
        tasks = sorted({one.task for one in measured.blocks if rung.arm in one.means})
        on = last if rung.in_chain else rung.on
        told: dict[str, Any] = {
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
            told |= {
                **_ratio(overall.suite),
                "step": _ratio(step.suite),
                "cells": _cells(overall, step),
            }
        if tasks and rung.in_chain:
            last = rung.name
        yield told


def _ratio(one: SuiteComparison | None) -> dict[str, Any]:
    names = ("ratio", "low", "high", "low95", "high95", "verdict", "blocks", "builds")
    return {} if one is None else {name: getattr(one, name) for name in names}


def _cells(overall: Comparisons, step: Comparisons) -> dict[str, dict[str, Any]]:
    """Each benchmark's ratios: to the ladder's base, and of the step."""
    steps = {one.benchmark: one for one in step.comparisons}
    return {
        one.benchmark: {**_ratio(one), "step": _ratio(steps.get(one.benchmark))}
        for one in overall.comparisons
    }


def again(told: Sequence[Mapping[str, Any]], measured: SessionRecord, margin: float) -> list[Any]:
    """The same from a result's own ladder and what was measured: to see whether they agree."""
    groups: dict[str, set[str]] = {}
    rungs: dict[str, LadderRung] = {}
    for one in told:
        groups.setdefault(one["group"], set()).update(one["tasks"])
        names = ("name", "title", "arm", "on", "in_chain")
        rungs.setdefault(one["name"], LadderRung(**{name: one[name] for name in names}))
    sorted_groups = {group: sorted(tasks) for group, tasks in groups.items()}
    return climbed(tuple(rungs.values()), measured, sorted_groups, margin=margin)
