"""The ladder: its arms from a branch, its experiment run, its rungs beside the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.benchmarks import is_kernel
from bench.context import Context
from bench.experiments import Document, understand
from bench.run import LadderRung, Resolved, ladder
from bench.run import run as running
from bench.session import SessionRecord
from builder.errors import PatchbenchError
from builder.patches import catalogue, compatible_series, series_toml
from builder.runtimes import runtime as runtimes


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A ladder as it is asked for. `revision` "": the branch itself; `series` and `runtime` empty:
    those that go with the branch; `session` as an experiment file has it.
    """

    branch: str
    revision: str = ""
    source: str = ""
    series: tuple[str, ...] = ()
    runtime: str = ""
    steps: tuple[str, ...] = ladder.STEPS
    suite: tuple[str, ...] = ("kernels", "quick")
    gate: str = ""
    wheels: str = ""
    session: Mapping[str, Any]


def run(context: Context, wanted: Wanted, *, out: Path | None, dry_run: bool, as_json: bool) -> int:
    """Measure a ladder, or go on with it; the exit code says how it went. Errors of the family."""
    context.home.prepare()
    planned = _plan(context, wanted)
    document = {
        **planned.document,
        "name": f"ladder-{wanted.branch}",
        **({"gate": wanted.gate} if wanted.gate else {}),
        **({"wheels": str(Path(wanted.wheels).absolute())} if wanted.wheels else {}),
    }
    asked = Document(content=document, file="the ladder", folder=Path.cwd())
    return running.run(
        context,
        understand(asked),
        out=out,
        dry_run=dry_run,
        fail_on=None,
        as_json=as_json,
        more=lambda resolved, measured: _rungs(planned.rungs, resolved, measured),
    )


def _plan(context: Context, wanted: Wanted) -> ladder.Ladder:
    base = {"revision": wanted.revision or wanted.branch}
    series = wanted.series or _series(context, wanted.branch)
    steps = wanted.steps
    if ladder.SERIES in steps:
        context.show.say(f"Patches of the ladder: {', '.join(series) or 'none for this branch'}.")
    runtime = _runtime(context, wanted) if ladder.PYPY in steps else ""
    return ladder.plan(
        base=base | ({"source": wanted.source} if wanted.source else {}),
        series=series,
        runtime=runtime,
        steps=steps,
        suite=wanted.suite,
        session=wanted.session,
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
    return {"ladder": ladder.climbed(rungs, measured, groups, margin=margin)}
