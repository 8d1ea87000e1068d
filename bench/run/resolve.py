"""From an experiment to a plan: every name in it settled, before the first compiler starts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.benchmarks import Selection, Suite, suites
from bench.context import Context
from bench.experiments import AA, BASE, ArmRequest, Experiment, Plan, PlannedArm
from bench.results import kept_patches
from bench.run.fitting import lacking
from builder.builds import Recipe, check_flavor, identify_compiler
from builder.errors import ExperimentError, MeasureError, PatchError
from builder.git import Repository
from builder.patches import Series, adhoc, apply_series, check_applies, load, patch
from builder.runtimes import runtime as runtimes
from builder.sources import Revision, Source, SourceSpec
from builder.sources import provide as sources


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
    settled = _settled(context, experiment)
    _refuse_twins(settled)
    version = settled[0].planned.version
    suite = suites.load(version, experiment.suite, home=context.home)
    selection = suites.select(suite, experiment.suite)
    # An arm that is added has the base's.
    patches = {
        one.planned.name: one.patches
        for one in settled
        if one.planned.kind == BASE or one.asked in experiment.candidates
    }
    plan = Plan(
        experiment=experiment,
        arms=tuple(_with_digests(one.planned, patches) for one in settled),
        suite=suite.release,
        benchmarks=tuple(one.name for one in selection.benchmarks),
        protocol=experiment.session.protocol,
    )
    _check_variants(plan, selection)
    return Resolved(
        plan=plan,
        repositories={
            one.planned.name: one.repository for one in settled if one.repository is not None
        },
        suite=suite,
        selection=selection,
        patches=patches,
    )


def _settled(context: Context, experiment: Experiment) -> list[_Settled]:
    """Every arm, the base first."""
    opened = Sources(context)
    settler = _Settler(context, experiment.session.replicas)
    asked = experiment.base
    revision: Revision | None = None
    if asked.runtime:
        settled = [settler.runtime(BASE, asked)]
    else:
        source = opened.provide(asked.source)
        revision = _base_revision(experiment, source)
        context.show.say(
            f"Base: {revision.version} ({revision.commit[:12]}) from {revision.source}"
        )
        settled = [settler.settle(BASE, asked, revision, source)]
    for kind, arm in experiment.arms[1:]:
        if arm.runtime:
            one = settler.runtime(kind, arm)
        else:
            source = opened.provide(arm.source or asked.source)
            # Arms that are added for a session have the base's revision, however that was found.
            is_own = arm.revision and arm in experiment.candidates
            own = source.resolve(arm.revision) if is_own else revision
            one = settler.settle(kind, arm, _there(own, arm), source)
        _refuse_other_languages(settled[0].planned, one.planned)
        settled.append(one)
    return settled


def _there(revision: Revision | None, arm: ArmRequest) -> Revision:
    if revision is None:
        raise ExperimentError(
            f"{arm.name} has no revision, and the base, a runtime, has none to give.",
            where=f"candidate {arm.name}",
            hint="Name a revision for each candidate that is to be built.",
        )
    return revision


def _refuse_other_languages(base: PlannedArm, other: PlannedArm) -> None:
    """Builds must be of one branch; a runtime may be of a neighbouring one, never of the other
    Python: what pyperf and pyperformance have for one does not run on the other.
    """
    free = base.runtime is not None or other.runtime is not None
    ours, theirs = (
        arm.version.split(".")[0] if free else ".".join(arm.version.split(".")[:2])
        for arm in (base, other)
    )
    if ours != theirs:
        raise ExperimentError(
            f"{other.name} is Python {theirs}, the base {ours}: their benchmarks and bytecode "
            "differ.",
            where=f"candidate {other.name} ({other.title})",
            hint="Compare revisions of one branch; runtimes with a base of the same Python, 2 or "
            "3.",
        )


def _with_digests(planned: PlannedArm, patches: Mapping[str, Sequence[Series]]) -> PlannedArm:
    """The arm with what its patches were: who gets the results can hold them to that."""
    kept = kept_patches(planned.name, patches.get(planned.name, ()))
    digests = {name: one.sha256 for name, one in kept}
    return replace(planned, patches=digests)


def _check_wheels(experiment: Experiment) -> None:
    """Before a build is made that cannot be used."""
    if experiment.wheels and not Path(experiment.wheels).is_dir():
        raise ExperimentError(
            "The folder of wheels is not there.",
            where=f"wheels = {experiment.wheels}",
            hint="Name a folder with the wheels or sdists of all requirements.",
        )


def _check_variants(plan: Plan, selection: Selection) -> None:
    """Before builds and tests are made for nothing: one benchmark at least has the variants of the
    base and of an arm that is asked about; a calibration has the base alone.
    """
    watched = [arm for arm in plan.arms if arm.name in plan.watched] or [plan.base]
    told = []
    for benchmark in selection.benchmarks:
        of_base = lacking(benchmark, plan.base.variant)
        reasons = [lacking(benchmark, arm.variant) for arm in watched]
        if not of_base and not all(reasons):
            return
        told.append(f"{benchmark.name}: {of_base or '; '.join(dict.fromkeys(reasons))}")
    raise MeasureError(
        "No benchmark can be measured: none has the variants that are asked for.",
        where="\n".join(told),
        hint="Choose other benchmarks: kernels (--suite kernels) have cython and typed variants.",
    )


class Sources:
    """Sources that were provided already, so that each is asked once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[SourceSpec, Source] = {}

    def provide(self, spec: SourceSpec | None) -> Source:
        """The source that is meant, the same object every time."""
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
    asked: ArmRequest
    planned: PlannedArm
    repository: Repository | None = None
    patches: tuple[Series, ...] = ()


def _base_revision(experiment: Experiment, source: Source) -> Revision:
    """The base as named, or what the one candidate revision grew from."""
    if experiment.base.revision:
        return source.resolve(experiment.base.revision)
    candidate = experiment.candidates[0]
    return source.candidate_base(candidate.revision)


class _Settler:
    """Makes recipes of arms, as many of each as there are replicas."""

    def __init__(self, context: Context, replicas: int) -> None:
        self._context = context
        self._replicas = replicas
        self._read: dict[str, Series] = {}

    def settle(self, kind: str, arm: ArmRequest, revision: Revision, source: Source) -> _Settled:
        """An arm with its recipes."""
        repository = source.repository
        tree = base_tree = repository.tree(revision.commit)
        stack = self._stack(arm)
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
            compiler=identify_compiler(arm.flavor.cc, self._context.runner),
            series=tuple(one.name for one in stack),
            changed=tuple(change.path for change in repository.changes(base_tree, tree)),
            placebo=arm.placebo,
        )
        recipes = tuple(replace(recipe, replica=number) for number in self._numbers(kind))
        planned = PlannedArm(name=arm.name, kind=kind, recipes=recipes, variant=arm.variant)
        return _Settled(asked=arm, planned=planned, repository=repository, patches=stack)

    def runtime(self, kind: str, arm: ArmRequest) -> _Settled:
        """An arm that is there already."""
        found = runtimes.find(self._context.home, self._context.runner, arm.runtime)
        return _Settled(asked=arm, planned=PlannedArm(name=arm.name, kind=kind, runtime=found))

    def _numbers(self, kind: str) -> range:
        """The numbers of an arm's replicas: the same for all arms, so that they draw alike.

        Those of the A/A arm go on where the base's end. Were they the base's own in another order,
        what builds differ by would cancel in their mean: it would show the base equal to itself
        however much layout moves it.
        """
        first = self._replicas if kind == AA and self._replicas > 1 else 0
        return range(first, first + self._replicas)

    def _stack(self, arm: ArmRequest) -> tuple[Series, ...]:
        named = [load(self._context.patches, name) for name in arm.series]
        return (*named, *(self._patch(name) for name in arm.patches))

    def _patch(self, name: str) -> Series:
        # Read once: standard input is empty the second time, for an arm that is the base again.
        if name not in self._read:
            self._read[name] = _read_patch(name)
        return self._read[name]


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
    """Two arms of one identity would measure one thing against itself, as if they were two."""
    seen: dict[tuple[str, str], str] = {}
    for one in settled:
        if one.planned.kind == AA:
            continue  # is meant to
        key = one.planned.identity
        if key in seen:
            raise ExperimentError(
                f"{seen[key]} and {one.planned.name} are one and the same build.",
                where=f"both have the recipe {key[0]}",
                hint="Give the candidate a series, revision, flavor or variant that changes "
                "something.",
            )
        seen[key] = one.planned.name
