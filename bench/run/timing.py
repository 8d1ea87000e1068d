"""The timing part of a run: environments, the benchmarks that every arm can run, the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.benchmarks import (
    Benchmark,
    Environment,
    Environments,
    Interpreter,
    Missing,
    PackageSource,
    Suite,
    misfit,
    of_runtime,
)
from bench.context import Context
from bench.experiments import Plan, PlannedArm
from bench.host import Host
from bench.measure import Choices, Effort, Rig, RunnableArm
from bench.planning import Fitting, Resolved
from bench.run import base
from bench.run.arms import BuiltArm
from bench.run.requirements import package_source
from bench.session import BenchmarkLineup, Session, SessionRecord, SessionTerms
from builder.errors import MeasureError
from builder.versions import numbers


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Measures the arms of a run into the folder `raw`.

    `places`: folders of this machine and the names that replace them in trials.
    """

    context: Context
    resolved: Resolved
    choices: Choices
    host: Host
    seed: int
    raw: Path
    places: Mapping[Path, str]

    def measured(self, arms: Sequence[BuiltArm]) -> SessionRecord:
        """Run the session of these arms, the base first.

        Raises MeasureError when no benchmark can be measured, or none was.
        """
        subjects, missing = self._subjects(arms)
        if not subjects:
            raise MeasureError(
                "No benchmark can be measured.",
                where="\n".join(f"{entry.benchmark}: {entry.reason}" for entry in missing),
                hint="Choose other benchmarks, or fix the reasons given.",
            )
        with base.measuring(self.context, timeout=self.timeout, host=self.host.name) as rig:
            names = [arm.planned.name for arm in arms]
            timed = self.session(subjects, names, rig).run()
        if not timed.blocks:
            raise MeasureError(
                "Nothing was measured.",
                where="\n".join(f"{entry.benchmark}: {entry.reason}" for entry in timed.missing),
                hint="Fix the reasons given, or choose other benchmarks, and run it again.",
            )
        return replace(timed, missing=(*missing, *timed.missing))

    @property
    def timeout(self) -> float:
        """Seconds that a process may take for its start, for one value, and for its end."""
        return self.resolved.plan.experiment.session.timeout

    # -- what is measured ------------------------------------------------------------------------

    def _subjects(
        self, arms: Sequence[BuiltArm]
    ) -> tuple[list[BenchmarkLineup], tuple[Missing, ...]]:
        """The benchmarks that the base and a candidate can run, and those that are missing."""
        environments = self.environments()
        lineups = _lineups(arms, environments, self.resolved.plan.replicas)
        selection = self.resolved.selection
        subjects: list[BenchmarkLineup] = []
        missing = list(selection.missing)
        with self.context.show.bar("installing", len(selection.benchmarks)) as bar:
            for benchmark in selection.benchmarks:
                fitter = _Fitter(
                    environments=environments,
                    fitting=Fitting(self.context, self.packages),
                    suite=self.resolved.suite,
                    benchmark=benchmark,
                )
                subject, lacking = fitter.subject(lineups)
                missing += lacking
                if subject is not None:
                    subjects.append(subject)
                bar.advance(note=benchmark.name)
        return subjects, tuple(missing)

    @property
    def packages(self) -> PackageSource:
        """The source of the packages of environments."""
        return package_source(self.context, self.resolved.plan.experiment.wheels)

    def environments(self) -> Environments:
        """The object that provides the arms' environments."""
        return Environments(
            self.context.home, self.context.runner, self.packages, self.context.show.say
        )

    # -- how it is measured ----------------------------------------------------------------------

    def session(
        self, subjects: Sequence[BenchmarkLineup], names: Sequence[str], rig: Rig
    ) -> Session:
        """The session of some benchmarks; `names` are the arms that can be measured."""
        return Session(
            subjects=subjects,
            terms=terms(self.resolved.plan, names, self.choices, self.seed),
            rig=replace(rig, places={**self.places, rig.scratch: "SCRATCH"}),
            folder=self.raw,
            show=self.context.show,
        )


def terms(plan: Plan, names: Sequence[str], choices: Choices, seed: int) -> SessionTerms:
    """The session's terms from a plan; `names` are the arms that can be measured."""
    options = plan.experiment.session
    return SessionTerms(
        protocol=choices.protocol,
        fallback=choices.fallback,
        blocks=options.blocks,
        budget=options.budget,
        seed=seed,
        effort=Effort(process=options.process_seconds),
        margin=options.margin,
        stop_when_decided=options.until == "decided",
        watched=tuple(name for name in plan.watched if name in names),
    )


@dataclass(frozen=True, kw_only=True)
class _Fitter:
    """Prepares one benchmark for every arm that can run it."""

    environments: Environments
    fitting: Fitting
    suite: Suite
    benchmark: Benchmark

    def subject(self, lineups: Sequence[Lineup]) -> tuple[BenchmarkLineup | None, list[Missing]]:
        """The benchmark with the arms that can run it in every replica, and why others cannot.

        None instead of a lineup where the base cannot run it, or only the base can.
        """
        return lined_up(self.benchmark, lineups, self._fitted)

    def _fitted(
        self, planned: PlannedArm, environment: Environment, replica: int
    ) -> RunnableArm | str:
        reason = misfit(self.benchmark, environment.interpreter.version)
        if reason:
            return reason
        lacking = self.environments.add(self.suite, environment, self.benchmark)
        if lacking is not None:
            return lacking.reason
        return self.fitting.arm(planned, environment, self.benchmark, replica)


Lineup = Sequence[tuple[PlannedArm, Environment]]
"""The arms of one replica and their environments, the base first."""

Fit = Callable[[PlannedArm, Environment, int], RunnableArm | str]
"""Returns the arm of a replica that runs a benchmark; or, as text, why it cannot."""


def lined_up(
    benchmark: Benchmark, lineups: Sequence[Lineup], fit: Fit
) -> tuple[BenchmarkLineup | None, list[Missing]]:
    """Line up the arms that `fit` prepares for a benchmark; returns as `_Fitter.subject`."""
    fitted: list[list[RunnableArm]] = []
    reasons: dict[str, str] = {}
    for replica, lineup in enumerate(lineups):
        fitted.append([])
        for planned, environment in lineup:
            fitted_arm = fit(planned, environment, replica)
            if isinstance(fitted_arm, RunnableArm):
                fitted[-1].append(fitted_arm)
            else:
                reasons.setdefault(planned.name, fitted_arm)
                if planned is lineup[0][0]:
                    return None, [Missing(benchmark=benchmark.name, reason=fitted_arm)]
    missing = [
        Missing(benchmark=benchmark.name, reason=reason, arm=name)
        for name, reason in reasons.items()
    ]
    complete = tuple(tuple(arm for arm in arms if arm.name not in reasons) for arms in fitted)
    if len(complete[0]) < 2:
        return None, missing
    return BenchmarkLineup(benchmark=benchmark, lineups=complete), missing


def _lineups(
    arms: Sequence[BuiltArm], environments: Environments, replicas: int
) -> tuple[Lineup, ...]:
    """A lineup for each replica."""
    return tuple(
        [(arm.as_measured, environments.provide(_interpreter(arm, replica))) for arm in arms]
        for replica in range(replicas)
    )


def _interpreter(arm: BuiltArm, replica: int) -> Interpreter:
    runtime = arm.planned.runtime
    if runtime is not None:
        return of_runtime(runtime)
    build = arm.builds[replica]
    return Interpreter(
        identity=build.key, python=build.python, version=numbers(build.facts.version)
    )
