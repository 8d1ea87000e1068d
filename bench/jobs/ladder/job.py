"""The ladder: its arms from a branch, its experiment run, its rungs beside the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.benchmarks import is_kernel
from bench.context import Context
from bench.experiments import (
    Conditions,
    Experiment,
    SessionOptions,
    build,
    command_line,
    runtime_place,
    source_of,
    suite_names,
)
from bench.run import LadderRung, Resolved, ladder
from bench.run import run as running
from bench.session import SessionRecord
from builder.errors import PatchbenchError
from builder.patches import catalogue, compatible_series, series_toml
from builder.runtimes import runtime as runtimes

_ORIGIN = command_line({"name": "--branch"})


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A ladder as it is asked for. `revision` "": the branch itself; `series` and `runtime` empty:
    those that go with the branch.
    """

    branch: str
    revision: str = ""
    source: str = ""
    series: tuple[str, ...] = ()
    runtime: str = ""
    steps: tuple[str, ...] = ladder.STEPS
    suite: tuple[str, ...] = ("kernels", "quick")
    gate: str = Conditions().gate
    wheels: str = ""
    session: SessionOptions = field(default_factory=SessionOptions)


def run(context: Context, wanted: Wanted, *, out: Path | None, dry_run: bool, as_json: bool) -> int:
    """Measure a ladder, or go on with it; the exit code says how it went. Errors of the family."""
    context.home.prepare()
    planned = _plan(context, wanted)
    return running.run(
        context,
        _experiment(wanted, planned),
        out=out,
        dry_run=dry_run,
        fail_on=None,
        as_json=as_json,
        more=lambda resolved, measured: _rungs(planned.rungs, resolved, measured),
    )


def _experiment(wanted: Wanted, planned: ladder.Ladder) -> Experiment:
    """The ladder's arms as one experiment. Raises ExperimentError naming the option."""
    return build(
        _ORIGIN,
        name=f"ladder-{wanted.branch}",
        base=planned.base,
        candidates=planned.candidates,
        conditions=Conditions(
            suite=suite_names(wanted.suite, Path.cwd()),
            gate=wanted.gate,
            wheels=str(Path(wanted.wheels).resolve()) if wanted.wheels else "",
            session=wanted.session,
        ),
    )


def _plan(context: Context, wanted: Wanted) -> ladder.Ladder:
    here, source = Path.cwd(), wanted.source
    series = wanted.series or _series(context, wanted.branch)
    steps = wanted.steps
    if ladder.SERIES in steps:
        context.show.say(f"Patches of the ladder: {', '.join(series) or 'none for this branch'}.")
    runtime = _runtime(context, wanted) if ladder.PYPY in steps else ""
    return ladder.plan(
        revision=wanted.revision or wanted.branch,
        source=source_of(_ORIGIN, source, here) if source else None,
        series=series,
        runtime=runtime_place(runtime, here),
        steps=steps,
    )


def _series(context: Context, branch: str) -> tuple[str, ...]:
    """All proposals for a branch that go together, in the order of their names."""
    proposals = (
        one
        for one in catalogue.load_all(context.patches)
        if one.branch == branch and one.status not in series_toml.CONTROLS
    )
    stack, left = compatible_series(proposals)
    for why in left:
        context.show.say(why)
    return tuple(one.name for one in stack)


def _runtime(context: Context, wanted: Wanted) -> str:
    """PyPy for the branch; "" and a message where there is none: the ladder ends before it."""
    name = wanted.runtime or ("pypy2" if wanted.branch.startswith("2.") else "pypy3")
    try:
        runtimes.find(context.home, context.runner, name)
    except PatchbenchError as error:
        if wanted.runtime:
            raise
        context.show.say(f"The ladder goes without PyPy: {error.what} {error.hint}")
        return ""
    return name


def _rungs(
    rungs: Sequence[LadderRung], resolved: Resolved, measured: SessionRecord
) -> dict[str, Any]:
    """What result.json has beside an experiment's own."""
    kernels = {one.name for one in resolved.selection.benchmarks if is_kernel(one)}
    groups: dict[str, list[str]] = {"kernels": [], resolved.suite.name: []}
    for block in measured.blocks:
        group = groups["kernels" if block.benchmark in kernels else resolved.suite.name]
        if block.task not in group:
            group.append(block.task)
    margin = resolved.plan.experiment.session.margin
    return {"ladder": ladder.measured_rungs(rungs, measured, groups, margin=margin)}
