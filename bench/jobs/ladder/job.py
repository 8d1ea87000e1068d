"""Run a ladder: plan its arms for a branch, run the experiment, add the rungs to the result."""

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
from bench.planning import Resolved
from bench.run import LadderRung, ladder, run
from bench.session import SessionRecord
from builder.errors import PatchbenchError
from builder.patches import catalogue, compatible_series, series_toml
from builder.runtimes import runtime as runtimes
from builder.versions import is_python2

_ORIGIN = command_line({"name": "--branch"})


@dataclass(frozen=True, kw_only=True)
class LadderRequest:
    """The options of a ladder.

    `revision` "" stands for the branch itself, and empty `series` and `runtime` for those that suit
    the branch.
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


def run_ladder(
    context: Context, request: LadderRequest, *, out: Path | None, dry_run: bool, as_json: bool
) -> int:
    """Measure a ladder, or continue it; return the exit code. Raises PatchbenchError."""
    context.home.prepare()
    planned = _plan(context, request)
    return run.run(
        context,
        _experiment(request, planned),
        out=out,
        dry_run=dry_run,
        fail_on=None,
        as_json=as_json,
        more=lambda resolved, measured: _rungs(planned.rungs, resolved, measured),
    )


def _experiment(request: LadderRequest, planned: ladder.Ladder) -> Experiment:
    """The experiment of the ladder's arms. Raises ExperimentError, which names the option."""
    return build(
        _ORIGIN,
        name=f"ladder-{request.branch}",
        base=planned.base,
        candidates=planned.candidates,
        conditions=Conditions(
            suite=suite_names(request.suite, Path.cwd()),
            gate=request.gate,
            wheels=str(Path(request.wheels).resolve()) if request.wheels else "",
            session=request.session,
        ),
    )


def _plan(context: Context, request: LadderRequest) -> ladder.Ladder:
    here, source = Path.cwd(), request.source
    series = request.series or _series(context, request.branch)
    steps = request.steps
    if ladder.SERIES in steps:
        context.show.say(f"Patches of the ladder: {', '.join(series) or 'none for this branch'}.")
    runtime = _runtime(context, request) if ladder.PYPY in steps else ""
    return ladder.plan(
        revision=request.revision or request.branch,
        source=source_of(_ORIGIN, source, here) if source else None,
        series=series,
        runtime=runtime_place(runtime, here),
        steps=steps,
    )


def _series(context: Context, branch: str) -> tuple[str, ...]:
    """All compatible proposals for a branch, in the order of their names."""
    valid = catalogue.load_all(
        context.patches, lambda error: context.show.say(f"Left out: {error.what} ({error.where})")
    )
    proposals = (
        series
        for series in valid
        if series.branch == branch and series.status not in series_toml.CONTROLS
    )
    stack, conflicts = compatible_series(proposals)
    for reason in conflicts:
        context.show.say(reason)
    return tuple(series.name for series in stack)


def _runtime(context: Context, request: LadderRequest) -> str:
    """The name of PyPy for the branch; "" with a message if there is none: its rung is left out."""
    name = request.runtime or ("pypy2" if is_python2(request.branch) else "pypy3")
    try:
        runtimes.find(context.home, context.runner, name)
    except PatchbenchError as error:
        if request.runtime:
            raise
        context.show.say(f"The rung of PyPy is left out: {error.what} {error.hint}")
        return ""
    return name


def _rungs(
    rungs: Sequence[LadderRung], resolved: Resolved, measured: SessionRecord
) -> dict[str, Any]:
    """The additional part of result.json for a ladder."""
    kernels = {row.name for row in resolved.selection.benchmarks if is_kernel(row)}
    groups: dict[str, list[str]] = {"kernels": [], resolved.suite.name: []}
    for block in measured.blocks:
        group = groups["kernels" if block.benchmark in kernels else resolved.suite.name]
        if block.task not in group:
            group.append(block.task)
    margin = resolved.plan.experiment.session.margin
    return {"ladder": ladder.measured_rungs(rungs, measured, groups, margin=margin)}
