"""The main job: plan, build, gate, measure, compare, report. Each step stores its result."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.compare import Comparisons
from bench.context import Context
from bench.experiments import AA, CANDIDATE, PLACEBO, Experiment
from bench.host import Host, read_host
from bench.measure import choice
from bench.planning import Resolved, missing_lines, resolve
from bench.report import without_times
from bench.report.formats import catalogue, terminal
from bench.results import (
    BROKEN,
    Changes,
    Folder,
    ProtocolRecord,
    Result,
    assemble,
    changes,
    folder_of,
    parse_document,
    read_document,
)
from bench.run import base, requirements
from bench.run.arms import Arms, BuiltArm, builder
from bench.run.dry_run import print_plan
from bench.run.timing import Timing
from bench.session import SessionRecord, verdicts
from bench.util import print_json, stdout_console
from builder.errors import EXIT_VERDICT, BrokenError
from builder.files import guard_writes

More = Callable[[Resolved, SessionRecord], dict[str, Any]]
"""Returns the keys that a kind of experiment adds to result.json."""


def build_only(context: Context, experiment: Experiment, *, as_json: bool) -> int:
    """Build all replicas of every arm, and print the paths of the interpreters."""
    resolved = _resolved(context, experiment, measures=False)
    rows = []
    for arm in resolved.plan.arms:
        for recipe in arm.recipes:
            build, _new = builder(context).provide(recipe, resolved.repositories[arm.name])
            rows.append(
                {
                    "arm": arm.name,
                    "replica": recipe.replica,
                    "key": build.key,
                    "python": str(build.python),
                }
            )
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            sys.stdout.write(f"{row['arm']:20} {row['key']}  {row['python']}\n")
    return 0


def run(
    context: Context,
    experiment: Experiment,
    *,
    out: Path | None,
    dry_run: bool,
    fail_on: str | None,
    as_json: bool,
    more: More | None = None,
    times: bool = True,
) -> int:
    """Run an experiment up to its report, and return the exit code.

    Continues where an earlier run of the same experiment stopped, and shows the stored result of a
    complete one. `more` and `times` as for `measured`. Raises subclasses of PatchbenchError.
    """
    context.home.prepare()
    if dry_run:
        print_plan(context, resolve(context, experiment))
        return 0
    result, folder = measured(context, experiment, out, more=more, times=times)
    # A reader that closes the pipe early (`| head`) must not change the exit code.
    with contextlib.suppress(BrokenPipeError):
        shown = result if times else without_times(result)
        _show(context, shown, folder, as_json=as_json)
    return _exit_code(result, fail_on)


def measured(
    context: Context,
    experiment: Experiment,
    out: Path | None,
    *,
    needed: str = "",
    more: More | None = None,
    times: bool = True,
) -> tuple[Result, Folder]:
    """The result of an experiment and its folder; a run that was stopped is continued.

    `more` adds the keys of a kind of experiment to the result. `needed` names an arm without which
    nothing is timed: where it is broken, the result has no blocks. Without `times`, the reports
    leave absolute times out; the result has them. Raises subclasses of PatchbenchError.
    """
    resolved = _resolved(context, experiment)
    folder = folder_of(out, resolved.plan)
    folder.refuse_others()
    with folder.claimed(context.home.queue, context.show.say):
        seed = folder.open(resolved.plan, _drawn_seed(experiment), resolved.patches)
        result = folder.finished()
        if result is None:
            run = _Run(
                context=context,
                resolved=resolved,
                folder=folder,
                seed=seed,
                more=more,
                needed=needed,
                times=times,
            )
            result = run.go()
        else:
            context.show.say("Already complete: showing the stored result.")
    return result, folder


def _resolved(context: Context, experiment: Experiment, *, measures: bool = True) -> Resolved:
    """The plan; which commit each arm is, and what is not measured, is said before any build."""
    resolved = resolve(context, experiment, measures=measures)
    for line in (*resolved.commits, *resolved.remarks):
        context.show.say(line)
    if measures:
        for line in missing_lines(resolved.selection.missing):
            context.show.say(f"not measured: {line}")
        _check_requirements(context, resolved)
    return resolved


def _check_requirements(context: Context, resolved: Resolved) -> None:
    """Say which benchmarks will lack packages. Raises MeasureError if all will."""
    source = requirements.package_source(context, resolved.plan.experiment.wheels)
    checked = requirements.check(context, resolved, source)
    for line in checked.lines():
        context.show.say(line)
    if resolved.plan.base.recipes and len(checked.needing) == len(resolved.plan.benchmarks):
        checked.refuse_hopeless(requirements.targets(resolved)[0])


def _drawn_seed(experiment: Experiment) -> int:
    seed = experiment.session.seed
    return secrets.randbelow(2**32) if seed is None else seed


@dataclass(frozen=True, kw_only=True)
class _Run:
    context: Context
    resolved: Resolved
    folder: Folder
    seed: int
    more: More | None = None
    needed: str = ""
    times: bool = True

    def go(self) -> Result:
        """Everything from the builds to result.json and the reports."""
        host = read_host()
        # Before the builds: a source that is gone when they are done must not cost the result.
        changed = changes(self.resolved.plan, self.resolved.repositories, self.resolved.patches)
        with contextlib.ExitStack() as held:
            arms: Sequence[BuiltArm] = Arms(self.context, self.resolved, held).ready()
            choices = self.folder.choices(
                choice.choices(
                    self.resolved.plan.protocol, self.context.home, host, self.context.show.say
                )
            )
            fit = [arm for arm in arms if arm.fit]
            # Placebos are only timed to be compared with a candidate.
            watched = {arm.planned.name for arm in fit} & set(self.resolved.plan.watched)
            is_useful = watched and (not self.needed or self.needed in watched)
            timed = self._timing(choices, host).measured(fit) if is_useful else None
            arms = [_with_change(arm, changed) for arm in arms]
            document = self._document(arms, timed, choices.origin, host)
        result = parse_document(document)
        with guard_writes(self.folder.path):
            shown = result if self.times else without_times(result)
            self.folder.finish(document, {**changed.files, **catalogue.render_all(shown)})
        return result

    def _timing(self, choices: choice.Choices, host: Host) -> Timing:
        return Timing(
            context=self.context,
            resolved=self.resolved,
            choices=choices,
            host=host,
            seed=self.seed,
            raw=self.folder.raw,
            places=self._places(),
        )

    def _places(self) -> dict[Path, str]:
        return base.places(self.context, self.folder.path)

    # -- from trials to result.json --------------------------------------------------------------

    def _document(
        self, arms: Sequence[BuiltArm], timed: SessionRecord | None, origin: str, host: Host
    ) -> dict[str, Any]:
        compared = {} if timed is None else self._compared(arms, timed)
        kinds = {arm.planned.name: arm.planned.kind for arm in arms}
        band = verdicts.Band.of(row for name, row in compared.items() if kinds[name] == PLACEBO)
        of_aa = [row for name, row in compared.items() if kinds[name] == AA]
        reports = [arms[0].report]
        for arm in arms[1:]:
            comparisons = compared.get(arm.planned.name)
            if comparisons is not None and arm.planned.kind != PLACEBO:
                comparisons = verdicts.beside(comparisons, band)
            reports.append(replace(arm.report, comparisons=comparisons))
        assembled = assemble(
            plan=self.resolved.plan,
            seed=self.seed,
            arms=reports,
            measured=timed,
            calibrated=self._calibrated(origin, of_aa, host),
            band=band,
            host=asdict(host),
            commands=(_seeded(self.context.arguments, self.seed),),
            warnings=self.resolved.warnings,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            version=version("patchbench"),
            places=self._places(),
        )
        extra = self.more(self.resolved, timed) if self.more is not None and timed else {}
        return {**assembled, **extra}

    def _compared(self, arms: Sequence[BuiltArm], timed: SessionRecord) -> dict[str, Comparisons]:
        margin = self.resolved.plan.experiment.session.margin
        return {
            arm.planned.name: verdicts.conclude(timed, arm.planned.name, margin=margin)
            for arm in arms[1:]
            if arm.fit
        }

    def _calibrated(self, origin: str, of_aa: Sequence[Comparisons], host: Host) -> ProtocolRecord:
        """The rate of false calls on this host, this run's own A/A arm included."""
        called = of = 0
        for compared in of_aa:
            tested = [row for row in compared.comparisons if row.low is not None]
            of += len(tested)
            called += sum(row.verdict in ("faster", "slower") for row in tested)
        home, name = self.context.home, f"{self.resolved.plan.identity}-{self.seed}"
        # The host's tally counts only protocols that `auto` chose, not those named by experiments.
        if self.resolved.plan.protocol == choice.AUTO:
            if of:
                choice.add_aa(home, host, called, of, run=name)
            calibration = choice.load(home, host)
            if calibration is not None:
                basis = (
                    f"a base against itself: the calibration of {calibration.when}, and runs since"
                )
                return ProtocolRecord(
                    origin=origin, false_calls=calibration.false_calls, comparisons=basis
                )
        counted = choice.FalseCalls.counted(called, of) if of else None
        return ProtocolRecord(
            origin=origin, false_calls=counted, comparisons="the A/A arm of this run"
        )


def _with_change(arm: BuiltArm, changed: Changes) -> BuiltArm:
    change = changed.records.get(arm.planned.name)
    return replace(arm, report=replace(arm.report, change=change))


def _seeded(arguments: Sequence[str], seed: int) -> str:
    """The command line, with the seed that was drawn."""
    has_seed = any(argument.startswith("--seed") for argument in arguments)
    return shlex.join(("patchbench", *arguments, *(() if has_seed else ("--seed", str(seed)))))


def _show(context: Context, result: Result, folder: Folder, *, as_json: bool) -> None:
    if as_json:
        print_json(read_document(folder.path))
    else:
        terminal.show(result, stdout_console())
    context.show.say(f"Report: {folder.path / 'report.html'}")


def _exit_code(result: Result, fail_on: str | None) -> int:
    """The exit code: that of BrokenError where an arm is broken, else that of --fail-on. It applies
    to candidates, and to A/A arms and placebos only where there is no candidate.
    """
    arms = result.candidates
    if any(arm.verdict == BROKEN for arm in arms):
        return BrokenError.exit_code
    candidates = [arm for arm in arms if arm.kind == CANDIDATE]
    reached: set[str] = set()
    for arm in candidates or arms:
        reached.update(row.verdict for row in arm.comparisons)
        reached.add("undecided" if arm.suite is None else arm.suite.verdict)
    failing = {"faster", "slower"} if fail_on == "different" else {fail_on}
    return EXIT_VERDICT if reached & failing else 0
