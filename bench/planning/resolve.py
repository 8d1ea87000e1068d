"""From an experiment to a plan: resolve every name in it before anything is compiled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from bench.benchmarks import Selection, Suite
from bench.context import Context
from bench.experiments import AA, BASE, ArmRequest, Experiment, Plan, PlannedArm
from bench.measure import jit
from bench.planning.commits import commit_lines
from bench.planning.measurable import check_variants, chosen
from bench.planning.worktree import WorkTrees, check_applied, series_of
from bench.results import kept_patches
from builder.builds import (
    Recipe,
    check_compiler,
    check_flavor,
    identify_compiler,
    identify_tools,
    required_generators,
)
from builder.errors import ExperimentError, PatchError
from builder.git import Repository
from builder.patches import (
    PatchFile,
    Series,
    apply_series,
    check_applies,
    load,
    patch,
    stack_files,
)
from builder.runtimes import runtime as runtimes
from builder.sources import Revision, Source, SourceSpec
from builder.sources import provide as sources
from builder.versions import language, minor

# The file of a tree that has the version of LLVM for the stencils of its JIT.
JIT_TOOLS = "Tools/jit/_llvm.py"


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A plan with the repository and patches of each arm, the suite and the benchmarks.

    `commits` are lines that say which commit each arm is. `notes` has, by arm, what the user has to
    know of how its patches were applied. `remarks` are lines on work trees for the plan; `warnings`
    those that results keep.
    """

    plan: Plan
    repositories: dict[str, Repository]
    suite: Suite
    selection: Selection
    patches: dict[str, tuple[Series, ...]]
    commits: tuple[str, ...] = ()
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def resolve(context: Context, experiment: Experiment, *, measures: bool = True) -> Resolved:
    """Resolve revisions, series, compilers and benchmarks. Raises subclasses of PatchbenchError.

    Without `measures`, the arms are only built: a Python that nothing can measure is no error.
    """
    _check_wheels(experiment)
    trees, opened = WorkTrees(), Sources(context)
    settled = _settled(context, experiment, opened, trees)
    _refuse_twins(settled)
    version = settled[0].planned.version
    suite, selection = chosen(context, version, experiment.suite, measures=measures)
    # Arms that patchbench adds (A/A, placebos) have the base's patches.
    patches = {
        arm.planned.name: arm.patches
        for arm in settled
        if arm.planned.kind == BASE or arm.asked in experiment.candidates
    }
    plan = Plan(
        experiment=experiment,
        arms=tuple(_with_digests(arm.planned, patches) for arm in settled),
        suite=suite.release,
        benchmarks=tuple(benchmark.name for benchmark in selection.benchmarks),
        protocol=experiment.session.protocol,
    )
    check_variants(plan, selection)
    return Resolved(
        plan=plan,
        repositories={
            arm.planned.name: arm.repository for arm in settled if arm.repository is not None
        },
        suite=suite,
        selection=selection,
        patches=patches,
        commits=tuple(
            commit_lines((arm.planned, arm.repository) for arm in settled if arm.repository)
        ),
        notes={arm.planned.name: arm.notes for arm in settled if arm.planned.name in patches},
        **_on_work_trees(plan, opened, trees),
    )


def _on_work_trees(plan: Plan, opened: Sources, trees: WorkTrees) -> dict[str, tuple[str, ...]]:
    """The remarks and warnings of `Resolved`: only uncommitted changes on top of a measured commit
    matter to whoever reads the results later.
    """
    base = plan.base.recipe.revision if plan.base.recipes else None
    notices = trees.notices(opened.known)
    measured = {arm.recipe.revision.commit for arm in plan.arms if arm.recipes}
    kept = [f"uncommitted: {line}" for head, line in notices.items() if head in measured]
    return {
        "remarks": (*trees.remarks(plan.arms, base), *notices.values()),
        "warnings": tuple(kept),
    }


def _settled(
    context: Context, experiment: Experiment, opened: Sources, trees: WorkTrees
) -> list[_Settled]:
    """Resolve every arm, the base first."""
    settler = _Settler(context, experiment.session.replicas, trees)
    asked = experiment.base
    revision: Revision | None = None
    if asked.runtime:
        settled = [settler.runtime(BASE, asked)]
    else:
        source = opened.provide(asked.source)
        revision = _base_revision(experiment, source, trees)
        settled = [settler.settle(BASE, asked, revision, source)]
    for kind, arm in experiment.arms[1:]:
        if arm.runtime:
            settled_arm = settler.runtime(kind, arm)
        else:
            source = opened.provide(arm.source or asked.source)
            # Arms that patchbench adds have the base's revision, however that was resolved.
            is_own = arm.revision and arm in experiment.candidates
            own = source.resolve(arm.revision) if is_own else revision
            own = trees.of(source).head if arm.worktree else own
            settled_arm = settler.settle(kind, arm, _required(own, arm), source)
        _refuse_other_languages(settled[0].planned, settled_arm.planned)
        settled.append(settled_arm)
    return settled


def _required(revision: Revision | None, arm: ArmRequest) -> Revision:
    if revision is None:
        raise ExperimentError(
            f"{arm.name} has no revision, and the base is a runtime without one.",
            where=f"candidate {arm.name}",
            hint="Name a revision for each candidate that is built.",
        )
    return revision


def _refuse_other_languages(base: PlannedArm, other: PlannedArm) -> None:
    """Raise ExperimentError for versions that cannot be compared. Builds must be of one branch; a
    runtime may be of another branch, but not of the other major version of Python: pyperf and
    pyperformance for one of them do not run on the other.
    """
    free = base.runtime is not None or other.runtime is not None
    ours, theirs = (
        str(minor(arm.version)[0]) if free else language(arm.version) for arm in (base, other)
    )
    if ours != theirs:
        raise ExperimentError(
            f"{other.name} is Python {theirs}, the base {ours}: their benchmarks and bytecode "
            "differ.",
            where=f"candidate {other.name} ({other.title})",
            hint="Compare revisions of one branch; compare a runtime with a base of the same major "
            "version, Python 2 or 3.",
        )


def _with_digests(planned: PlannedArm, patches: Mapping[str, Sequence[Series]]) -> PlannedArm:
    """The arm with the digests of its patches, so that readers of the results can check them."""
    kept = kept_patches(planned.name, patches.get(planned.name, ()))
    digests = {name: patch_file.sha256 for name, patch_file in kept}
    return replace(planned, patches=digests)


def _check_wheels(experiment: Experiment) -> None:
    """Raise ExperimentError for a missing folder of wheels, before anything is built."""
    if experiment.wheels and not Path(experiment.wheels).is_dir():
        raise ExperimentError(
            "The folder of wheels does not exist.",
            where=f"wheels = {experiment.wheels}",
            hint="Name a folder with the wheels or sdists of all requirements.",
        )


class Sources:
    """Provides sources, each only once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[SourceSpec, Source] = {}

    @property
    def known(self) -> tuple[Source, ...]:
        """The sources that were provided so far."""
        return tuple(self._known.values())

    def provide(self, spec: SourceSpec | None) -> Source:
        """The source of a specification (None: the default one), the same object every time."""
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
    notes: tuple[str, ...] = ()


def _base_revision(experiment: Experiment, source: Source, trees: WorkTrees) -> Revision:
    """The base's revision as named, or the one that the only candidate's revision is based on; a
    work tree is based on its HEAD.
    """
    if experiment.base.revision:
        return source.resolve(experiment.base.revision)
    candidate = experiment.candidates[0]
    if candidate.worktree:
        return trees.of(source).head
    return source.candidate_base(candidate.revision)


class _Settler:
    """Makes the recipes of each arm, one for each replica."""

    def __init__(self, context: Context, replicas: int, trees: WorkTrees) -> None:
        self._context = context
        self._replicas = replicas
        self._trees = trees
        self._read: dict[str, PatchFile] = {}
        self._said: set[tuple[str, ...]] = set()

    def settle(self, kind: str, arm: ArmRequest, revision: Revision, source: Source) -> _Settled:
        """An arm with its recipes."""
        repository = source.repository
        tree = base_tree = repository.tree(revision.commit)
        files = stack_files([self._patch(name) for name in arm.patches])
        taken = self._trees.of(source) if arm.worktree else None
        stack = (
            *([series_of(taken)] if taken else []),
            *(load(self._context.patches, name) for name in arm.series),
            *files.series,
        )
        self._say(arm, (*files.descriptions, *files.notes))
        for series in stack:
            check_applies(series, revision)
        notes = files.notes
        if stack:
            applied = apply_series(repository, tree, stack)
            tree, notes = applied.tree, (*notes, *applied.notes)
            self._say(arm, applied.notes)
            if taken is not None:
                check_applied(taken, applied.steps[0].tree)
        configure = (repository.read(tree, "configure") or b"").decode("utf-8", "replace")
        check_flavor(arm.flavor, configure, revision.version)
        compiler = identify_compiler(arm.flavor.cc, self._context.runner)
        check_compiler(arm.flavor, compiler)
        stencils = (repository.read(tree, JIT_TOOLS) or b"").decode("utf-8", "replace")
        tools = identify_tools(arm.flavor, compiler, stencils, self._context.runner)
        self._say(
            arm, [f"{one.role} is {one.path or 'the default'}, {one.version}" for one in tools]
        )
        recipe = Recipe(
            revision=revision,
            tree=tree,
            flavor=arm.flavor,
            compiler=compiler,
            series=tuple(series.name for series in stack),
            changed=tuple(change.path for change in repository.changes(base_tree, tree)),
            placebo=arm.placebo,
            tools=tools,
        )
        # Refuses, before anything is built, a change whose effect would be lost.
        required_generators(recipe, repository)
        recipes = tuple(replace(recipe, replica=number) for number in self._numbers(kind))
        planned = PlannedArm(
            name=arm.name,
            kind=kind,
            recipes=recipes,
            variant=arm.variant,
            worktree=taken.to_json() if taken else None,
            environment=arm.flavor.run_environment,
            jit=jit.expected(jit.configured(arm.flavor.configure), arm.flavor.run_environment),
        )
        return _Settled(
            asked=arm, planned=planned, repository=repository, patches=stack, notes=notes
        )

    def _say(self, arm: ArmRequest, notes: Sequence[str]) -> None:
        # Arms that patchbench adds repeat the base's patches.
        for note in notes:
            if (key := (*arm.patches, *arm.series, note)) not in self._said:
                self._said.add(key)
                self._context.show.say(f"{arm.name}: {note}")

    def runtime(self, kind: str, arm: ArmRequest) -> _Settled:
        """An arm that is an installed runtime."""
        runtime = runtimes.find(self._context.home, self._context.runner, arm.runtime)
        planned = PlannedArm(
            name=arm.name,
            kind=kind,
            runtime=runtime,
            environment=arm.flavor.run_environment,
        )
        return _Settled(asked=arm, planned=planned)

    def _numbers(self, kind: str) -> range:
        """The numbers of an arm's replicas: the same for all arms, so that they draw the same
        layouts.

        Those of the A/A arm continue where the base's end. With the base's own numbers in another
        order, the differences between builds would cancel in their mean: the A/A arm would show the
        base equal to itself however much layout matters.
        """
        first = self._replicas if kind == AA and self._replicas > 1 else 0
        return range(first, first + self._replicas)

    def _patch(self, name: str) -> PatchFile:
        # Read once: an arm that repeats the base would find standard input empty.
        if name not in self._read:
            self._read[name] = _read_patch(name, self._context.show.say)
        return self._read[name]


def _read_patch(name: str, say: Callable[[str], None]) -> PatchFile:
    # One byte more than the limit, so that a patch that is too large is detected.
    most = patch.MAX_BYTES + 1
    if name == "-":
        say("Reading a patch from standard input.")
        return PatchFile(path="-", data=sys.stdin.buffer.read(most))
    path = Path(name)
    if path.is_dir():
        raise _folder(path)
    try:
        with path.open("rb") as file:
            return PatchFile(path=name, data=file.read(most))
    except OSError as error:
        raise PatchError(
            f"The patch cannot be read: {error.strerror}.",
            where=name,
            hint="--patch takes files, or - for standard input.",
        ) from error


def _folder(path: Path) -> PatchError:
    """The error for a folder: which files of it are meant, and in which order, is not guessed."""
    names = sorted(file.name for file in path.glob("*") if file.suffix in (".patch", ".diff"))
    hint = "--patch takes files, or - for standard input; there are no patches in this folder."
    if names:
        few = f"{names[0]}, {names[1]}, ..." if len(names) > 2 else ", ".join(names)
        hint = (
            f"--patch takes files, in the order in which they apply: --patch {path}/"
            f"*{PurePath(names[0]).suffix} gives {few}"
        )
    return PatchError("The patch cannot be read: it is a directory.", where=str(path), hint=hint)


def _refuse_twins(settled: Sequence[_Settled]) -> None:
    """Raise ExperimentError for two arms that are the same build."""
    seen: dict[tuple[str, ...], str] = {}
    for arm in settled:
        if arm.planned.kind == AA:
            continue  # it repeats the base on purpose
        key = arm.planned.identity
        if key in seen:
            raise ExperimentError(
                f"{seen[key]} and {arm.planned.name} are the same build.",
                where=f"both have the recipe {key[0]}",
                hint="Give the candidate a series, revision, flavor, variant or environment that "
                "changes something.",
            )
        seen[key] = arm.planned.name
