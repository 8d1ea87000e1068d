"""From an experiment to a plan: every name in it settled, before the first compiler starts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import suites
from bench.experiment import Arm, Experiment
from bench.jobs.context import Context
from bench.plan import Plan, PlannedArm
from bench.suites import Selection, Suite
from builder import patch, sources
from builder.catalogue import Series, adhoc, load
from builder.compile import check_flavor, identify_compiler
from builder.errors import ExperimentError, PatchError
from builder.git import Repository
from builder.revisions import Source
from builder.series import apply_series, check_applies
from builder.sources import SourceSpec
from builder.spec import Recipe, Revision

# Alive together, arms see one host; see docs on the choice by measurement.
DEFAULT_PROTOCOL = "lockstep"


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A plan, and what was found on the way to it: repositories by arm, the suite, the patches."""

    plan: Plan
    repositories: dict[str, Repository]
    suite: Suite
    selection: Selection
    patches: dict[str, tuple[Series, ...]]


def resolve(context: Context, experiment: Experiment) -> Resolved:
    """Settle revisions, series, compilers and benchmarks. Raises errors of the family."""
    _check_wheels(experiment)
    opened = _Sources(context)
    base_source = opened.provide(experiment.base.source)
    revision = _base_revision(experiment, base_source)
    context.show.say(f"Base: {revision.version} ({revision.commit[:12]}) from {revision.source}")
    settled = [_settle(context, experiment.base, revision, base_source)]
    for arm in experiment.candidates:
        source = opened.provide(arm.source) if arm.source else base_source
        own = source.resolve(arm.revision) if arm.revision else revision
        if own.branch != revision.branch:
            raise ExperimentError(
                f"{arm.name} is Python {own.branch}, the base {revision.branch}: their benchmarks "
                "and bytecode differ.",
                where=f"candidate.revision = {arm.revision}",
                hint="Compare revisions of one branch.",
            )
        settled.append(_settle(context, arm, own, source))
    _refuse_twins(settled)
    suite = suites.load(revision.version, experiment.suite, home=context.home)
    selection = suites.select(suite, experiment.suite)
    protocol = experiment.session.protocol
    plan = Plan(
        experiment=experiment,
        arms=tuple(one.planned for one in settled),
        suite=suite.release,
        benchmarks=tuple(one.name for one in selection.benchmarks),
        protocol=DEFAULT_PROTOCOL if protocol == "auto" else protocol,
    )
    return Resolved(
        plan=plan,
        repositories={one.planned.name: one.repository for one in settled},
        suite=suite,
        selection=selection,
        patches={one.planned.name: one.patches for one in settled},
    )


def _check_wheels(experiment: Experiment) -> None:
    """Before a build is made that cannot be used."""
    if experiment.wheels and not Path(experiment.wheels).is_dir():
        raise ExperimentError(
            "The folder of wheels is not there.",
            where=f"wheels = {experiment.wheels}",
            hint="Name a folder with the wheels or sdists of all requirements.",
        )


class _Sources:
    """Sources that were provided already, so that each is asked once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[SourceSpec, Source] = {}

    def provide(self, spec: SourceSpec | None) -> Source:
        spec = spec or SourceSpec()
        if spec not in self._known:
            self._known[spec] = sources.provide(
                spec,
                home=self._context.home,
                runner=self._context.runner,
                say=self._context.show.say,
            )
        return self._known[spec]


@dataclass(frozen=True, kw_only=True)
class _Settled:
    planned: PlannedArm
    repository: Repository
    patches: tuple[Series, ...]


def _base_revision(experiment: Experiment, source: Source) -> Revision:
    """The base as named, or what the one candidate revision grew from."""
    if experiment.base.revision:
        return source.resolve(experiment.base.revision)
    candidate = experiment.candidates[0]
    return source.candidate_base(candidate.revision)


def _settle(context: Context, arm: Arm, revision: Revision, source: Source) -> _Settled:
    repository = source.repository
    tree = base_tree = repository.tree(revision.commit)
    stack = _stack(context, arm)
    for series in stack:
        check_applies(series, revision)
    if stack:
        tree = apply_series(repository, tree, stack).tree
    configure = (repository.read(tree, "configure") or b"").decode("utf-8", "replace")
    check_flavor(arm.flavor, configure, revision.version)
    recipe = Recipe(
        revision=revision,
        tree=tree,
        flavor=arm.flavor,
        compiler=identify_compiler(arm.flavor.cc, context.runner),
        series=tuple(one.name for one in stack),
        changed=tuple(change.path for change in repository.changes(base_tree, tree)),
    )
    return _Settled(
        planned=PlannedArm(name=arm.name, recipe=recipe), repository=repository, patches=stack
    )


def _stack(context: Context, arm: Arm) -> tuple[Series, ...]:
    named = [load(context.patches, name) for name in arm.series]
    return (*named, *(_read_patch(name) for name in arm.patches))


def _read_patch(name: str) -> Series:
    # One byte more than what is taken, so that it is seen to be too large.
    most = patch.MAX_BYTES + 1
    if name == "-":
        return adhoc("-", sys.stdin.buffer.read(most))
    path = Path(name)
    try:
        with path.open("rb") as file:
            data = file.read(most)
    except OSError as error:
        raise PatchError(
            f"The patch cannot be read: {error.strerror}.",
            where=name,
            hint="--patch takes a file, or - for standard input.",
        ) from error
    return adhoc(path.name, data)


def _refuse_twins(settled: Sequence[_Settled]) -> None:
    """Two arms with one recipe would measure one build against itself, as if they were two."""
    seen: dict[str, str] = {}
    for one in settled:
        key = one.planned.recipe.key
        if key in seen:
            raise ExperimentError(
                f"{seen[key]} and {one.planned.name} are one and the same build.",
                where=f"both have the recipe {key}",
                hint="Give the candidate a series, revision or flavor that changes something.",
            )
        seen[key] = one.planned.name
