"""The timing part of a run: environments, what every arm can run, and the session on top."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.calibration import Choices
from bench.comparison import Missing
from bench.environments import Environment, Environments, Interpreter
from bench.host import Host
from bench.jobs import interpreters
from bench.jobs.arms import BuiltArm
from bench.jobs.context import Context
from bench.jobs.resolve import Resolved
from bench.packages import PackageSource
from bench.plan import Plan
from bench.records import Measured
from bench.session import Session, Subject, Terms
from bench.suites import Benchmark
from bench.trials import Effort, arm_of
from builder import lock
from builder.errors import MeasureError
from builder.spec import numbers
from builder.store import Build


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Measures the arms of a run into `raw`. `places` names this machine's folders in trials."""

    context: Context
    resolved: Resolved
    choices: Choices
    host: Host
    seed: int
    raw: Path
    places: Mapping[Path, str]

    def measured(self, arms: Sequence[BuiltArm]) -> Measured:
        """What a session of these arms gives, the base first.

        Raises MeasureError when nothing can be measured, or nothing was.
        """
        subjects, missing = self._subjects(arms)
        if not subjects:
            raise MeasureError(
                "No benchmark can be measured.",
                where="\n".join(f"{one.benchmark}: {one.reason}" for one in missing),
                hint="Choose other benchmarks, or mend what the reasons say.",
            )
        with (
            lock.hold(self.context.home.host_lock, on_wait=self._waiting),
            tempfile.TemporaryDirectory(prefix="pb-") as scratch,
        ):
            names = [arm.planned.name for arm in arms]
            timed = self._session(subjects, names, Path(scratch)).run()
        if not timed.blocks:
            raise MeasureError(
                "Nothing was measured.",
                where="\n".join(f"{one.benchmark}: {one.reason}" for one in timed.missing),
                hint="Mend what the reasons say, or choose other benchmarks, and run it again.",
            )
        return replace(timed, missing=(*missing, *timed.missing))

    def _waiting(self, _path: str) -> None:
        self.context.show.say("Another run measures or builds on this host; waiting for it.")

    # -- what is measured ------------------------------------------------------------------------

    def _subjects(self, arms: Sequence[BuiltArm]) -> tuple[list[Subject], tuple[Missing, ...]]:
        """The benchmarks that every arm can run, and those that some arm cannot."""
        environments = self._environments()
        lineups = _lineups(arms, environments)
        # The A/A arm may have the base's own builds: each is made ready once.
        unique = {each.interpreter.identity: each for one in lineups for each in one.values()}
        selection = self.resolved.selection
        subjects = []
        missing = list(selection.missing)
        with self.context.show.bar("installing", len(selection.benchmarks)) as bar:
            for benchmark in selection.benchmarks:
                reason = self._installed(environments, list(unique.values()), benchmark)
                if reason:
                    missing.append(Missing(benchmark=benchmark.name, reason=reason))
                else:
                    subjects.append(_subject(benchmark, lineups))
                bar.advance(note=benchmark.name)
        return subjects, tuple(missing)

    def _environments(self) -> Environments:
        wheels = self.resolved.plan.experiment.wheels
        source = PackageSource(
            environment=self.context.pip_environment, wheels=Path(wheels) if wheels else None
        )
        return Environments(self.context.home, self.context.runner, source, self.context.show.say)

    def _installed(
        self, environments: Environments, ready: Sequence[Environment], benchmark: Benchmark
    ) -> str:
        """Why a benchmark cannot be installed somewhere; "" when it is there for all."""
        for environment in ready:
            lacking = environments.add(self.resolved.suite, environment, benchmark)
            if lacking is not None:
                return lacking.reason
        return ""

    # -- how it is measured ----------------------------------------------------------------------

    def _session(self, subjects: Sequence[Subject], names: Sequence[str], scratch: Path) -> Session:
        timeout = self.resolved.plan.experiment.session.timeout
        rig = interpreters.rig(self.context, scratch, timeout=timeout, host=self.host.name)
        return Session(
            subjects=subjects,
            terms=terms(self.resolved.plan, names, self.choices, self.seed),
            rig=replace(rig, places={**self.places, scratch: "SCRATCH"}),
            folder=self.raw,
            show=self.context.show,
        )


def terms(plan: Plan, names: Sequence[str], choices: Choices, seed: int) -> Terms:
    """How a plan wants to be measured; `names` are those of the arms that can be."""
    options = plan.experiment.session
    return Terms(
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


def _lineups(arms: Sequence[BuiltArm], environments: Environments) -> list[dict[str, Environment]]:
    """For each replica, the environments of all arms by their names, the base's first."""
    return [
        {arm.planned.name: environments.provide(_interpreter(arm.builds[replica])) for arm in arms}
        for replica in range(len(arms[0].builds))
    ]


def _interpreter(build: Build) -> Interpreter:
    return Interpreter(
        identity=build.key, python=build.python, version=numbers(build.facts.version)
    )


def _subject(benchmark: Benchmark, lineups: Sequence[Mapping[str, Environment]]) -> Subject:
    return Subject(
        benchmark=benchmark,
        lineups=tuple(
            tuple(
                arm_of(environment, benchmark, name=name, replica=replica)
                for name, environment in lineup.items()
            )
            for replica, lineup in enumerate(lineups)
        ),
    )
