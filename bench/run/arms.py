"""The arms of a run before they are timed: built, compared with the base, tested by the gate."""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict, dataclass, replace

from bench.benchmarks import CPYTHON
from bench.context import Context
from bench.experiments import AA, CANDIDATE, Plan, PlannedArm, runtime_json
from bench.measure import has_jit, jit
from bench.planning import Resolved, warning_of
from bench.results import BROKEN, ArmReport
from bench.run import build_progress
from builder.builds import (
    Build,
    Builder,
    Gate,
    Judgement,
    UntestedError,
    facts,
    forgotten_outputs,
    unbuilt,
)
from builder.errors import BuildError
from builder.runtimes import Runtime
from builder.runtimes import runtime as runtimes

_FIRST_JIT = (3, 13)


def gate_of(context: Context) -> Gate:
    """The gate that tests the builds of a job."""
    return Gate(
        home=context.home,
        runner=context.runner,
        say=context.show.say,
        jobs=len(os.sched_getaffinity(0)),
    )


def gate_selection(plan: Plan, arm: PlannedArm, replica: int) -> str:
    """The selection of tests that the build of a replica must pass like the base; "" for none.

    An arm with the base's own source can be wrong in its layout alone. The source of a further
    replica passed the whole selection in the first replica; only this one build can still be wrong,
    for example by a profile that misled gcc, and that breaks more than a few tests.
    """
    selection = plan.experiment.gate
    if selection == "none" or not arm.recipes or not plan.base.recipes:
        return ""
    own = arm.kind == CANDIDATE and arm.recipes[replica].key != plan.base.recipes[replica].key
    return selection if own and not replica else "short"


def builder(context: Context) -> Builder:
    """The builder of a job."""
    return Builder(
        home=context.home,
        store=context.store,
        runner=context.runner,
        say=context.show.say,
        watch=build_progress.watch(context.show),
    )


@dataclass(frozen=True, kw_only=True)
class BuiltArm:
    """An arm before it is measured: its builds so far, or in `report` why there are none."""

    planned: PlannedArm
    report: ArmReport

    @property
    def builds(self) -> tuple[Build, ...]:
        """A build for each replica."""
        return self.report.builds

    @property
    def as_measured(self) -> PlannedArm:
        """The planned arm with what its interpreter says of itself."""
        return replace(self.planned, jit=self.report.jit)

    @property
    def fit(self) -> bool:
        """Whether it may be timed."""
        return self.report.verdict != BROKEN


class Arms:
    """Builds and tests the arms of a run.

    The first replica of every arm is made before the second of any, so that a broken arm is found
    before time is spent on more builds of it.
    """

    def __init__(self, context: Context, resolved: Resolved, held: contextlib.ExitStack) -> None:
        """`held` holds the locks that keep the builds from being removed."""
        self._context = context
        self._resolved = resolved
        self._held = held
        self._gate = gate_of(context)

    def ready(self) -> tuple[BuiltArm, ...]:
        """Every arm, the base first, with all of its builds or with the reason why it is broken.

        Raises BuildError when the base cannot be built.
        """
        plan = self._resolved.plan
        arms = [
            self._with_jit(self._with_build(self._started(planned), 0)) for planned in plan.arms
        ]
        for number in range(1, len(arms)):
            arms[number] = self._checked(arms[0], arms[number])
        if not any(arm.fit for arm in arms[1:]):
            return tuple(arms)
        for replica in range(1, plan.replicas):
            arms[0] = self._with_build(arms[0], replica)
            for number in range(1, len(arms)):
                if arms[number].fit:
                    arms[number] = self._with_build(arms[number], replica)
                    arms[number] = self._tested_shortly(arms[0], arms[number], replica)
        return tuple(arms)

    def _started(self, planned: PlannedArm) -> BuiltArm:
        if planned.runtime is not None:
            self._held.enter_context(
                runtimes.in_use(self._context.home, planned.runtime, self._context.show.say)
            )
            return BuiltArm(planned=planned, report=_of_runtime(planned, planned.runtime))
        recipe = planned.recipe
        report = ArmReport(
            name=planned.name,
            kind=planned.kind,
            title=planned.title,
            series=recipe.series,
            revision=asdict(recipe.revision),
            flavor=asdict(recipe.flavor) | {"name": recipe.flavor.name},
            placebo=recipe.placebo,
            variant=planned.variant,
            environment=planned.environment,
        )
        return BuiltArm(planned=planned, report=report)

    def _with_build(self, arm: BuiltArm, replica: int) -> BuiltArm:
        """The arm with one more build; broken where building fails.

        Raises BuildError where the base cannot be built.
        """
        if arm.planned.runtime is not None:
            return arm
        try:
            build = self._build(arm.planned, replica)
        except BuildError as error:
            if arm.planned is self._resolved.plan.base:
                raise
            return replace(arm, report=replace(arm.report, broken=self._broken(error)))
        return replace(arm, report=replace(arm.report, builds=(*arm.report.builds, build)))

    def _broken(self, error: BuildError) -> str:
        """Why an arm is broken, which is shown at once."""
        self._context.show.say(str(error))
        return f"{error.what}\n{error.where}"

    def _with_jit(self, arm: BuiltArm) -> BuiltArm:
        """The arm with the state of its JIT, asked of the interpreter where it may have one."""
        runtime, build = arm.planned.runtime, arm.report.build
        if runtime is not None and _may_have_jit(runtime):
            python = runtime.python
        elif build is not None and jit.configured([build.facts.configure_arguments]):
            python = build.python
        else:
            return arm
        state = jit.ask(self._context.runner, python, arm.planned.environment)
        return replace(arm, report=replace(arm.report, jit=state))

    def _build(self, planned: PlannedArm, replica: int) -> Build:
        recipe = planned.recipes[replica]
        build, made = builder(self._context).provide(
            recipe, self._resolved.repositories[planned.name]
        )
        self._held.enter_context(self._context.store.in_use(build.key))
        how = f"built in {build.seconds:.0f} s" if made else "from the store"
        self._context.show.say(f"{recipe.title}: {how} ({build.key})")
        return build

    # -- checks of the first replica -------------------------------------------------------------

    def _checked(self, base: BuiltArm, arm: BuiltArm) -> BuiltArm:
        """Compare a candidate's first build with the base's, and run the gate on it."""
        if not arm.fit:
            return arm
        warnings = _kind_warnings(base.planned, arm.planned)
        warnings += _environment_warnings(base.planned, arm.planned)
        warnings += _jit_warnings(base.report, arm.report)
        notes = self._resolved.notes.get(arm.planned.name, ())
        warnings += tuple(f"patch: {note}" for note in notes)
        if not base.builds or not arm.builds:
            return replace(arm, report=replace(arm.report, warnings=warnings))
        ours, theirs = base.builds[0], arm.builds[0]
        differences = self._differences(ours, theirs, arm)
        warnings += self._forgotten(arm.planned)
        warnings += _gil_warnings(ours, theirs)
        warnings += unbuilt.warnings(theirs.unbuilt or (), arm.planned.recipe.changed)
        is_same = (
            arm.planned.variant == base.planned.variant
            and arm.planned.environment == base.planned.environment
        )
        if arm.planned.kind != AA and is_same:
            warnings += self._code_warnings(ours, theirs)
        judgement = None
        selection = gate_selection(self._resolved.plan, arm.planned, 0)
        if selection:
            try:
                judgement = self._judged(ours, theirs, selection)
                warnings += _untested(arm.planned)
            except UntestedError as error:
                arm = replace(arm, report=replace(arm.report, broken=self._broken(error)))
        else:
            warnings += ("no-gate: the candidate was not tested with CPython's test suite",)
        report = replace(
            arm.report, differences=differences, judgement=judgement, warnings=warnings
        )
        return replace(arm, report=report)

    def _judged(self, ours: Build, theirs: Build, selection: str) -> Judgement:
        """The gate's judgement, told in one line."""
        judgement = self._gate.judge(ours, theirs, selection)
        self._context.show.say(f"{theirs.title}: gate {judged_text(judgement)}")
        return judgement

    def _differences(
        self, ours: Build, theirs: Build, arm: BuiltArm
    ) -> tuple[facts.Difference, ...]:
        """The differences between the facts of two builds.

        Raises BuildError for differences that the experiment does not ask for.
        """
        recipe, base = arm.planned.recipe, self._resolved.plan.base.recipe
        differences = facts.differences(
            ours.facts,
            theirs.facts,
            flavors_differ=recipe.flavor != base.flavor or recipe.placebo != base.placebo,
            changed=(*recipe.changed, *base.changed),
        )
        unasked = [difference for difference in differences if not difference.asked]
        # Another revision may change flags and modules: that is reported, and no error.
        if unasked and recipe.revision.commit == base.revision.commit:
            listing = "\n".join(f"{row.fact}: {row.base!r} != {row.candidate!r}" for row in unasked)
            raise BuildError(
                "The builds differ in what the experiment does not ask for: the machine changed "
                "between them.",
                where=listing,
                hint=f"Remove both and build again: patchbench gc --build {ours.key} "
                f"--build {theirs.key}",
            )
        return differences

    def _forgotten(self, planned: PlannedArm) -> tuple[str, ...]:
        """Warnings of a revision that lacks what its base's generators would generate."""
        doubts = forgotten_outputs(
            planned.recipe,
            self._resolved.plan.base.recipe,
            self._resolved.repositories[planned.name],
        )
        for doubt in doubts:
            self._context.show.say(f"{planned.title}: {doubt}")
        return tuple(f"not-regenerated: {doubt}" for doubt in doubts)

    def _code_warnings(self, ours: Build, theirs: Build) -> tuple[str, ...]:
        if not facts.same_machine_code(ours.facts, theirs.facts):
            return ()
        rest = (
            "only Python files of the library differ"
            if ours.facts.library != theirs.facts.library
            else "any difference is noise, or is caused by data"
        )
        warning = f"same-code: the machine code of both builds is identical; {rest}"
        self._context.show.say(f"{theirs.title}: {warning}")
        return (warning,)

    # -- checks of further replicas --------------------------------------------------------------

    def _tested_shortly(self, base: BuiltArm, arm: BuiltArm, replica: int) -> BuiltArm:
        """Run the selection of tests for a further replica."""
        selection = gate_selection(self._resolved.plan, arm.planned, replica)
        if not arm.fit or not selection or not base.builds or not arm.builds:
            return arm
        try:
            judgement = self._judged(base.builds[replica], arm.builds[replica], selection)
        except UntestedError as error:
            return replace(arm, report=replace(arm.report, broken=self._broken(error)))
        if judgement.passed:
            return arm
        assert arm.report.judgement is not None
        broken = tuple(f"{name} (replica {replica})" for name in judgement.broken)
        return replace(
            arm, report=replace(arm.report, judgement=_breaking(arm.report.judgement, broken))
        )


def _may_have_jit(runtime: Runtime) -> bool:
    """Whether a runtime is a CPython of a version that has a JIT: 3.13 is the first."""
    major, minor = runtime.facts.version.split(".")[:2]
    return runtime.facts.implementation == CPYTHON and (int(major), int(minor)) >= _FIRST_JIT


def _of_runtime(planned: PlannedArm, runtime: Runtime) -> ArmReport:
    """The report of an arm that patchbench does not build."""
    return ArmReport(
        name=planned.name,
        kind=planned.kind,
        title=planned.title,
        series=(),
        revision={"version": runtime.facts.version, "commit": "", "source": "", "name": ""},
        flavor={"name": ""},
        runtime=runtime_json(runtime),
        environment=planned.environment,
    )


def _kind_warnings(base: PlannedArm, arm: PlannedArm) -> tuple[str, ...]:
    """Warnings where the arms differ in more than their builds."""
    warnings = [warning] if (warning := warning_of(arm)) else []
    if arm.variant != base.variant and arm.runtime is None and base.runtime is None:
        code = f"{arm.variant or 'plain'} code against {base.variant or 'plain'} code"
        warnings.append(
            f"compiled-code: {code}: measures the effect of compiling, not of the builds"
        )
    runtimes_used = [tested.runtime for tested in (base, arm) if tested.runtime is not None]
    if any(has_jit(runtime.facts.kind) for runtime in runtimes_used):
        warnings.append(
            "other-runtime: not built here and not tested by the gate; ratios are of the steady "
            "state, after a warm-up that short programs do not finish"
        )
    elif runtimes_used:
        warnings.append(
            "other-runtime: not built here and not tested by the gate; built with other flags"
        )
    return tuple(warnings)


def _environment_warnings(base: PlannedArm, arm: PlannedArm) -> tuple[str, ...]:
    """The warning that arms run in different environments, and that this is the only difference."""
    if arm.environment == base.environment:
        return ()
    ours, theirs = (" ".join(one.environment) or "nothing set" for one in (base, arm))
    same = ", and the builds are the same" if arm.identity[0] == base.identity[0] else ""
    return (f"environment: the processes of this arm have {theirs}, the base's {ours}{same}",)


def _gil_warnings(ours: Build, theirs: Build) -> tuple[str, ...]:
    """The warning that on one core free threading shows its cost alone."""
    states = [build.facts.config.get("Py_GIL_DISABLED", "0") == "1" for build in (ours, theirs)]
    if not any(states):
        return ()
    base, arm = ("without the GIL" if is_free else "with the GIL" for is_free in states)
    return (
        f"free-threading: the base {base}, this arm {arm}: all processes run on one core, which "
        "shows what free threading costs, and not what threads gain by it",
    )


def _untested(arm: PlannedArm) -> tuple[str, ...]:
    """The warning that the gate tested the build, and not the environment of its processes."""
    if not arm.environment:
        return ()
    return (f"gate-environment: the tests ran without {' '.join(arm.environment)}",)


def _jit_warnings(base: ArmReport, arm: ArmReport) -> tuple[str, ...]:
    """The warning that ratios do not contain the warm-up of a JIT, or that it may be off."""
    states = {"the base": base.jit, "this arm": arm.jit}
    if not any(jit.needs_warmup(state) for state in states.values()):
        return ()
    return (
        f"jit: the JIT of {jit.texts(states)}; ratios are of the steady state, after a warm-up "
        "that short programs do not finish",
    )


def judged_text(judgement: Judgement) -> str:
    """What the gate found, with its count: passed (423 test files, full regrtest)."""
    files = f"{judgement.tests} test file{'s' if judgement.tests != 1 else ''}"
    counted = f"{files}, {judgement.selection} regrtest"
    if not judgement.passed:
        broken = len(judgement.broken)
        return f"failed ({broken} of {counted}: {', '.join(judgement.broken)})"
    notes = [
        f"{len(names)} {what}"
        for names, what in (
            (judgement.flaky, "failed once and not when run again"),
            (judgement.base_failed, "fail on the base too"),
            (judgement.absent, "do not apply to the candidate"),
        )
        if names
    ]
    return f"passed ({'; '.join([counted, *notes])})"


def _breaking(judgement: Judgement, broken: tuple[str, ...]) -> Judgement:
    return replace(judgement, broken=(*judgement.broken, *broken))
