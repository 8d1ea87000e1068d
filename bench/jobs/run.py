"""The main job: plan, build, gate, measure, compare, report. Each step's result is on disk."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import result as results
from bench.compare import Block, Measured, compare_blocks
from bench.comparison import Comparisons, Missing
from bench.environments import Environment, Environments, Interpreter
from bench.experiment import Experiment
from bench.host import read_host
from bench.jobs import dry
from bench.jobs.context import Context
from bench.jobs.folder import Folder, folder_of
from bench.jobs.inspect import print_json
from bench.jobs.resolve import Resolved, resolve
from bench.packages import PackageSource
from bench.plan import PlannedArm
from bench.progress import stdout_console
from bench.report import markdown, terminal
from bench.result import ArmReport
from bench.session import Measured as Timed
from bench.session import Session, Subject, Terms
from bench.suites import Benchmark
from bench.trials import Effort, arm_of
from bench.workers import Rig
from builder import facts, lock
from builder.compile import Builder
from builder.errors import (
    EXIT_VERDICT,
    BrokenError,
    BuildError,
    MeasureError,
)
from builder.gate import Gate
from builder.spec import numbers
from builder.store import Build, guard_writes


def build_only(context: Context, experiment: Experiment, *, as_json: bool) -> int:
    """Build every arm, and print where the interpreters are."""
    resolved = resolve(context, experiment)
    builder = _builder(context)
    made = []
    for arm in resolved.plan.arms:
        build, _new = builder.provide(arm.recipe, resolved.repositories[arm.name])
        made.append({"arm": arm.name, "key": build.key, "python": str(build.python)})
    if as_json:
        print_json(made)
    else:
        for one in made:
            sys.stdout.write(f"{one['arm']:20} {one['key']}  {one['python']}\n")
    return 0


def run(
    context: Context,
    experiment: Experiment,
    *,
    out: Path | None,
    dry_run: bool,
    fail_on: str | None,
    as_json: bool,
) -> int:
    """Take an experiment to its verdict; the exit code says how it went.

    Goes on where an earlier run of the same experiment stopped, and answers from what is there when
    it was complete. Raises errors of the family; BrokenError after the result was written.
    """
    context.home.prepare()
    resolved = resolve(context, experiment)
    if dry_run:
        dry.show(context, resolved)
        return 0
    folder = folder_of(out, resolved.plan)
    folder.refuse_others()
    with folder.claimed(context.show.say):
        seed = folder.open(resolved.plan, _drawn_seed(experiment), resolved.patches)
        result = folder.finished()
        if result is None:
            result = _Run(context=context, resolved=resolved, folder=folder, seed=seed).go()
        else:
            context.show.say("This very experiment was run already; this is what it gave.")
    # A reader who has seen enough (`| head`) changes nothing about the verdict.
    with contextlib.suppress(BrokenPipeError):
        _tell(context, result, folder, as_json=as_json)
    return _exit_code(result, fail_on)


def _drawn_seed(experiment: Experiment) -> int:
    given = experiment.session.seed
    return secrets.randbelow(2**32) if given is None else given


def _builder(context: Context) -> Builder:
    return Builder(
        home=context.home, store=context.store, runner=context.runner, say=context.show.say
    )


@dataclass(frozen=True, kw_only=True)
class _Arm:
    """An arm on its way to be measured: a build, or the reason why there is none."""

    planned: PlannedArm
    build: Build | None = None
    report: ArmReport


@dataclass(frozen=True, kw_only=True)
class _Run:
    context: Context
    resolved: Resolved
    folder: Folder
    seed: int

    def go(self) -> dict[str, Any]:
        """Everything from the builds to result.json and the reports."""
        with contextlib.ExitStack() as held:
            return self._through(held)

    def _through(self, held: contextlib.ExitStack) -> dict[str, Any]:
        """`held` keeps the builds from being removed until the run has ended."""
        base = self._built(self.resolved.plan.base, held)
        if base.build is None:
            raise BuildError(f"The base did not build: {base.report.broken}")
        arms = [base]
        for planned in self.resolved.plan.candidates:
            arms.append(self._checked(base.build, self._built(planned, held)))
        timed = self._timed([arm for arm in arms if arm.report.verdict != results.BROKEN])
        result = self._result(arms, timed)
        with guard_writes(self.folder.path):
            self.folder.finish(result, markdown.render(result))
        return result

    # -- builds and gate ------------------------------------------------------------------------

    def _built(self, planned: PlannedArm, held: contextlib.ExitStack) -> _Arm:
        recipe = planned.recipe
        build, broken = None, ""
        try:
            build, made = _builder(self.context).provide(
                recipe, self.resolved.repositories[planned.name]
            )
            path = self.context.home.lock(f"build-{build.key}")
            held.enter_context(lock.hold(path, shared=True))
            how = f"built in {build.seconds:.0f} s" if made else "from the store"
            self.context.show.say(f"{recipe.title}: {how} ({build.key})")
        except BuildError as error:
            if planned is self.resolved.plan.base:
                raise
            self.context.show.say(str(error))
            broken = f"{error.what}\n{error.where}"
        report = ArmReport(
            name=planned.name,
            title=recipe.title,
            series=recipe.series,
            revision=asdict(recipe.revision),
            flavor=asdict(recipe.flavor) | {"name": recipe.flavor.name},
            build=build,
            broken=broken,
        )
        return _Arm(planned=planned, build=build, report=report)

    def _checked(self, base: Build, arm: _Arm) -> _Arm:
        """Compare the candidate's build with the base's, and hold it to the gate."""
        if arm.build is None:
            return arm
        differences = self._differences(base, arm)
        warnings = self._code_warnings(base, arm.build)
        judgement = None
        selection = self.resolved.plan.experiment.gate
        if selection == "none":
            warnings += ("no-gate: nobody tested whether the candidate still is Python",)
        else:
            judgement = Gate(
                home=self.context.home,
                runner=self.context.runner,
                say=self.context.show.say,
                jobs=len(os.sched_getaffinity(0)),
            ).judge(base, arm.build, selection)
        return replace(
            arm,
            report=replace(
                arm.report, differences=differences, judgement=judgement, warnings=warnings
            ),
        )

    def _differences(self, base: Build, arm: _Arm) -> tuple[facts.Difference, ...]:
        """What differs between the two builds. BuildError for what nobody asked for."""
        assert arm.build is not None
        recipe, theirs = arm.planned.recipe, self.resolved.plan.base.recipe
        found = facts.differences(
            base.facts,
            arm.build.facts,
            flavors_differ=recipe.flavor != theirs.flavor,
            changed=(*recipe.changed, *theirs.changed),
        )
        unasked = [one for one in found if not one.asked]
        # Another revision may bring other flags and modules: that is shown, and no error.
        if unasked and recipe.revision.commit == theirs.revision.commit:
            told = "\n".join(f"{one.fact}: {one.base!r} != {one.candidate!r}" for one in unasked)
            raise BuildError(
                "The builds differ in what nobody asked for: the machine changed between them.",
                where=told,
                hint=f"Remove both and build again: patchbench gc --build {base.key} "
                f"--build {arm.build.key}",
            )
        return found

    def _code_warnings(self, base: Build, build: Build) -> tuple[str, ...]:
        if not facts.same_machine_code(base.facts, build.facts):
            return ()
        rest = (
            "only Python files of the library differ"
            if base.facts.library != build.facts.library
            else "any difference is noise, or comes from data"
        )
        warning = f"same-code: the machine code of both builds is identical; {rest}"
        self.context.show.say(f"{build.title}: {warning}")
        return (warning,)

    # -- timing ---------------------------------------------------------------------------------

    def _timed(self, arms: Sequence[_Arm]) -> Timed | None:
        """Measure the arms that may be; None when no candidate is left."""
        if len(arms) < 2:
            return None
        environments = self._environments()
        ready = [(arm, self._environment(environments, arm)) for arm in arms]
        subjects, missing = self._subjects(environments, ready)
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
            timed = self._session(subjects, Path(scratch)).run()
        if not timed.blocks:
            raise MeasureError(
                "Nothing was measured.",
                where="\n".join(f"{one.benchmark}: {one.reason}" for one in timed.missing),
                hint="Mend what the reasons say, or choose other benchmarks, and run it again.",
            )
        return replace(timed, missing=(*missing, *timed.missing))

    def _waiting(self, _path: str) -> None:
        self.context.show.say("Another run measures or builds on this host; waiting for it.")

    def _environments(self) -> Environments:
        wheels = self.resolved.plan.experiment.wheels
        source = PackageSource(
            environment=self.context.pip_environment, wheels=Path(wheels) if wheels else None
        )
        return Environments(self.context.home, self.context.runner, source, self.context.show.say)

    def _environment(self, environments: Environments, arm: _Arm) -> Environment:
        assert arm.build is not None
        return environments.provide(
            Interpreter(
                identity=arm.build.key,
                python=arm.build.python,
                version=numbers(arm.build.facts.version),
            )
        )

    def _subjects(
        self, environments: Environments, ready: Sequence[tuple[_Arm, Environment]]
    ) -> tuple[list[Subject], tuple[Missing, ...]]:
        """The benchmarks that every arm can run, and those that some arm cannot."""
        selection = self.resolved.selection
        subjects = []
        missing = list(selection.missing)
        with self.context.show.bar("installing", len(selection.benchmarks)) as bar:
            for benchmark in selection.benchmarks:
                reason = self._installed(environments, ready, benchmark)
                if reason:
                    missing.append(Missing(benchmark=benchmark.name, reason=reason))
                else:
                    arms = [
                        arm_of(environment, benchmark, name=arm.planned.name)
                        for arm, environment in ready
                    ]
                    subjects.append(Subject(benchmark=benchmark, arms=tuple(arms)))
                bar.advance(note=benchmark.name)
        return subjects, tuple(missing)

    def _installed(
        self,
        environments: Environments,
        ready: Sequence[tuple[_Arm, Environment]],
        benchmark: Benchmark,
    ) -> str:
        """Why a benchmark cannot be installed for an arm; "" when it is there for all."""
        for _arm, environment in ready:
            lacking = environments.add(self.resolved.suite, environment, benchmark)
            if lacking is not None:
                return lacking.reason
        return ""

    def _session(self, subjects: Sequence[Subject], scratch: Path) -> Session:
        options = self.resolved.plan.experiment.session
        usable = sorted(os.sched_getaffinity(0))
        return Session(
            subjects=subjects,
            terms=Terms(
                protocol=self.resolved.plan.protocol,
                blocks=options.blocks,
                budget=options.budget,
                seed=self.seed,
                effort=Effort(process=options.process_seconds),
            ),
            rig=Rig(
                runner=self.context.runner,
                scratch=scratch,
                # The last one: interrupts and the harness itself prefer the first.
                core=usable[-1] if len(usable) > 1 else None,
                timeout=options.timeout,
                host=read_host().name,
                places=self._places(scratch),
            ),
            folder=self.folder.raw,
            show=self.context.show,
        )

    def _places(self, scratch: Path | None = None) -> dict[Path, str]:
        """Folders of this machine and the names that stand for them in what is published."""
        places = {
            self.context.home.root: "HOME",
            self.context.project: "PATCHBENCH",
            self.folder.path.absolute(): "RESULTS",
            Path(sys.prefix): "VENV",
            Path.home(): "~",
        }
        return places if scratch is None else places | {scratch: "SCRATCH"}

    def _commands(self) -> tuple[str, ...]:
        return (_seeded(self.context.arguments, self.seed),)

    # -- comparisons and reports ----------------------------------------------------------------

    def _result(self, arms: Sequence[_Arm], timed: Timed | None) -> dict[str, Any]:
        plan = self.resolved.plan
        reports = [arms[0].report]
        for arm in arms[1:]:
            report = arm.report
            if timed is not None and report.verdict != results.BROKEN:
                compared = _compared(timed, arm.planned.name, plan.experiment.session.margin)
                report = replace(report, comparisons=compared)
            reports.append(report)
        return results.assemble(
            plan=plan,
            seed=self.seed,
            arms=reports,
            measured=timed,
            host=asdict(read_host()),
            commands=self._commands(),
            warnings=(),
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            version=version("patchbench"),
            places=self._places(),
        )


def _seeded(arguments: Sequence[str], seed: int) -> str:
    """What was typed, with the seed that was drawn."""
    own = () if any(one.startswith("--seed") for one in arguments) else ("--seed", str(seed))
    return shlex.join(("patchbench", *arguments, *own))


def _compared(timed: Timed, candidate: str, margin: float) -> Comparisons:
    tasks = dict.fromkeys(block.task for block in timed.blocks)
    measured = [
        Measured(
            benchmark=task,
            blocks=tuple(
                Block(
                    index=block.number, base=block.means["base"], candidate=block.means[candidate]
                )
                for block in timed.blocks
                if block.task == task
            ),
        )
        for task in sorted(tasks)
    ]
    return compare_blocks(measured, margin=margin, missing=timed.missing)


def _tell(context: Context, result: dict[str, Any], folder: Folder, *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        terminal.show(result, stdout_console())
    context.show.say(f"Report: {folder.path / 'report.md'}")


def _exit_code(result: dict[str, Any], fail_on: str | None) -> int:
    """Broken candidates have their own code; --fail-on asks about the others."""
    candidates = result["candidates"]
    if any(one["verdict"] == results.BROKEN for one in candidates):
        return BrokenError.exit_code
    verdicts = {
        row["verdict"]
        for one in candidates
        for row in [*one["comparisons"], one["suite"] or {"verdict": "undecided"}]
    }
    wanted = {"faster", "slower"} if fail_on == "different" else {fail_on}
    return EXIT_VERDICT if verdicts & wanted else 0
