"""What builds, tests and blocks took on this machine: the history that estimates are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.context import Context
from bench.measure import protocols
from bench.planning import Resolved
from bench.results import FILE
from bench.run import arms, estimate
from bench.run.estimate import BlockHistory, BuildHistory, DurationEstimate
from bench.session import FIRST_LOOK
from builder.builds import PastBuild, Recipe, past_builds, uses_ccache

_RESULTS = 5
"""The newest results in the folder that a run would write to are enough."""
_LARGEST = 64 * 2**20
Line = tuple[str, DurationEstimate]


def stages(context: Context, resolved: Resolved, protocol: str, results: Path) -> tuple[Line, ...]:
    """The stages of a run with their estimates, and all of them together. `results`: the folder
    that has the results of earlier runs.
    """
    past = past_builds.past_builds(context.home)
    lines = [*_builds(context, resolved, past), *_gates(context, resolved, past)]
    lines.append(("timing", _session(resolved, protocol, block_history(results))))
    return (*lines, ("in all", estimate.total([part for _, part in lines])))


# -- builds and their tests --------------------------------------------------------------------


def _recipes(resolved: Resolved) -> dict[str, Recipe]:
    """The builds of all arms and replicas, by their key."""
    planned = resolved.plan.arms
    return {recipe.key: recipe for arm in planned for recipe in arm.recipes}


def _builds(
    context: Context, resolved: Resolved, past: Sequence[PastBuild]
) -> list[tuple[str, DurationEstimate]]:
    """A line for each branch and kind of flavor, since PGO takes several times as long."""
    kinds: dict[tuple[str, bool, bool], list[Recipe]] = {}
    for key, recipe in _recipes(resolved).items():
        flavor = recipe.flavor
        kind = (recipe.revision.branch, flavor.pgo, flavor.lto)
        missing = context.store.find(key) is None
        kinds.setdefault(kind, []).extend([recipe] if missing else [])
    lines = []
    for (branch, pgo, lto), recipes in kinds.items():
        label = " ".join([branch, *(["PGO"] if pgo else []), *(["LTO"] if lto else [])])
        seconds = (
            tuple(build.total for build in past_builds.like(past, recipes[0])) if recipes else ()
        )
        history = BuildHistory(
            label=label,
            seconds=seconds,
            is_pgo=pgo,
            cached=bool(recipes) and uses_ccache(recipes[0].flavor),
        )
        count = len(recipes)
        title = (
            f"{count} build{'s' if count != 1 else ''} of {label}"
            if count
            else f"builds of {label}"
        )
        lines.append((title, estimate.builds(count, history)))
    return lines


def _gates(
    context: Context, resolved: Resolved, past: Sequence[PastBuild]
) -> list[tuple[str, DurationEstimate]]:
    """A line for each selection of tests and branch."""
    gates = arms.gate_of(context)
    runs: dict[tuple[str, str], set[str]] = {}
    for selection, recipe in _tested(resolved):
        tested = runs.setdefault((selection, recipe.revision.branch), set())
        stored = context.store.find(recipe.key)
        if stored is None or not gates.has_result(stored, selection):
            tested.add(recipe.key)
    lines = []
    for (selection, branch), keys in runs.items():
        seconds = [
            float(seconds)
            for build in past
            if build.branch == branch
            and (seconds := _number_in(build.folder / f"gate-{selection}.json", "seconds"))
        ]
        lines.append((f"{selection} tests", estimate.gate(len(keys), selection, seconds, branch)))
    return lines


def _tested(resolved: Resolved) -> Iterable[tuple[str, Recipe]]:
    plan = resolved.plan
    for arm in plan.candidates:
        for replica in range(plan.replicas):
            selection = arms.gate_selection(plan, arm, replica)
            if selection:
                yield from ((selection, one.recipes[replica]) for one in (plan.base, arm))


def _number_in(path: Path, key: str) -> float:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))[key]
    except (OSError, ValueError, LookupError, TypeError):
        return 0.0
    return float(value) if isinstance(value, int | float) and 0 < value < 1e9 else 0.0


# -- the session -------------------------------------------------------------------------------


def _session(resolved: Resolved, protocol: str, history: BlockHistory) -> DurationEstimate:
    plan = resolved.plan
    options = plan.experiment.session
    decided = options.until == "decided"
    default = protocols.PROTOCOLS[protocol].process
    return estimate.session(
        benchmarks=len(resolved.selection.benchmarks),
        arms=len(plan.arms),
        blocks=options.blocks,
        least_blocks=min(FIRST_LOOK, options.blocks) if decided else options.blocks,
        process=options.process_seconds or default,
        budget=options.budget,
        history=history,
    )


def block_history(results: Path) -> BlockHistory:
    """The seconds of a process in the blocks of the newest results below a folder."""
    seconds: list[float] = []
    runs = 0
    for path in _newest(results.glob(f"*/{FILE}")):
        own = _processes(path)
        runs += bool(own)
        seconds += own
    return BlockHistory(seconds=tuple(seconds), runs=runs)


def _newest(paths: Iterable[Path]) -> list[Path]:
    dated = []
    for path in paths:
        try:
            about = path.stat()
        except OSError:
            continue
        if about.st_size <= _LARGEST:
            dated.append((about.st_mtime, path))
    return [path for _, path in sorted(dated, reverse=True)[:_RESULTS]]


def _processes(path: Path) -> list[float]:
    """Seconds of each block of a result, divided by the number of its processes."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [
            block["seconds"] / len(block["means"])
            for block in content["blocks"]
            if 0 < block["seconds"] < 1e6 and block["means"]
        ]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return []
