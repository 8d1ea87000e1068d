"""The main job: plan, build, gate, measure, compare, report. Each step's result is on disk."""

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
from bench.report.formats import catalogue, terminal
from bench.results import Folder, ProtocolRecord, Result, folder_of
from bench.results import result as results
from bench.run import base
from bench.run import dry_run as dry
from bench.run.arms import Arms, BuiltArm, builder
from bench.run.resolve import Resolved, resolve
from bench.run.timing import Timing
from bench.session import SessionRecord
from bench.session import verdicts as judging
from bench.util import print_json, stdout_console
from builder.errors import EXIT_VERDICT, BrokenError
from builder.files import guard_writes

More = Callable[[Resolved, SessionRecord], dict[str, Any]]
"""What a kind of experiment adds to result.json, from what was settled and measured."""


def build_only(context: Context, experiment: Experiment, *, as_json: bool) -> int:
    """Build every arm, all of its replicas, and print where the interpreters are."""
    resolved = resolve(context, experiment)
    made = []
    for arm in resolved.plan.arms:
        for recipe in arm.recipes:
            build, _new = builder(context).provide(recipe, resolved.repositories[arm.name])
            made.append(
                {
                    "arm": arm.name,
                    "replica": recipe.replica,
                    "key": build.key,
                    "python": str(build.python),
                }
            )
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
    more: More | None = None,
) -> int:
    """Take an experiment to its verdict; the exit code says how it went.

    Goes on where an earlier run of the same experiment stopped, and answers from what is there when
    it was complete. `more` as of `measured`. Raises errors of the family; BrokenError after the
    result was written.
    """
    context.home.prepare()
    if dry_run:
        dry.show(context, resolve(context, experiment))
        return 0
    result, folder = measured(context, experiment, out, more=more)
    # A reader who has seen enough (`| head`) changes nothing about the verdict.
    with contextlib.suppress(BrokenPipeError):
        _tell(context, result, folder, as_json=as_json)
    return _exit_code(result, fail_on)


def measured(
    context: Context,
    experiment: Experiment,
    out: Path | None,
    *,
    needed: str = "",
    more: More | None = None,
) -> tuple[Result, Folder]:
    """The result of an experiment and its folder, begun, gone on with, or found complete.

    `more` adds to the result what a kind of experiment has of its own. `needed` names an arm that
    makes timing worth while: where it is broken, the result says so and has no blocks. Raises
    errors of the family.
    """
    resolved = resolve(context, experiment)
    folder = folder_of(out, resolved.plan)
    folder.refuse_others()
    with folder.claimed(context.show.say):
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
            )
            result = run.go()
        else:
            context.show.say("This very experiment was run already; this is what it gave.")
    return result, folder


def _drawn_seed(experiment: Experiment) -> int:
    given = experiment.session.seed
    return secrets.randbelow(2**32) if given is None else given


@dataclass(frozen=True, kw_only=True)
class _Run:
    context: Context
    resolved: Resolved
    folder: Folder
    seed: int
    more: More | None = None
    needed: str = ""

    def go(self) -> Result:
        """Everything from the builds to result.json and the reports."""
        host = read_host()
        with contextlib.ExitStack() as held:
            arms = Arms(self.context, self.resolved, held).ready()
            choices = self.folder.choices(
                choice.choices(
                    self.resolved.plan.protocol, self.context.home, host, self.context.show.say
                )
            )
            fit = [arm for arm in arms if arm.fit]
            # Placebos alone are not worth the time where they were to stand beside a candidate.
            watched = {arm.planned.name for arm in fit} & set(self.resolved.plan.watched)
            worth = watched and (not self.needed or self.needed in watched)
            timed = self._timing(choices, host).measured(fit) if worth else None
            document = self._document(arms, timed, choices.origin, host)
        result = results.parse_document(document)
        with guard_writes(self.folder.path):
            self.folder.finish(document, catalogue.render_all(result))
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
        band = judging.Band.of(one for name, one in compared.items() if kinds[name] == PLACEBO)
        own = [one for name, one in compared.items() if kinds[name] == AA]
        reports = [arms[0].report]
        for arm in arms[1:]:
            found = compared.get(arm.planned.name)
            if found is not None and arm.planned.kind != PLACEBO:
                found = judging.beside(found, band)
            reports.append(replace(arm.report, comparisons=found))
        assembled = results.assemble(
            plan=self.resolved.plan,
            seed=self.seed,
            arms=reports,
            measured=timed,
            calibrated=self._calibrated(origin, own, host),
            band=band,
            host=asdict(host),
            commands=(_seeded(self.context.arguments, self.seed),),
            warnings=(),
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            version=version("patchbench"),
            places=self._places(),
        )
        extra = self.more(self.resolved, timed) if self.more is not None and timed else {}
        return {**assembled, **extra}

    def _compared(self, arms: Sequence[BuiltArm], timed: SessionRecord) -> dict[str, Comparisons]:
        margin = self.resolved.plan.experiment.session.margin
        return {
            arm.planned.name: judging.conclude(timed, arm.planned.name, margin=margin)
            for arm in arms[1:]
            if arm.fit
        }

    def _calibrated(self, origin: str, own: Sequence[Comparisons], host: Host) -> ProtocolRecord:
        """What is known of false calls on this host, this run's own A/A arm included."""
        called = of = 0
        for compared in own:
            tested = [row for row in compared.comparisons if row.low is not None]
            of += len(tested)
            called += sum(row.verdict in ("faster", "slower") for row in tested)
        home, name = self.context.home, f"{self.resolved.plan.identity}-{self.seed}"
        # The host's tally is of the protocols that it chose, not of any that somebody names.
        if self.resolved.plan.protocol == choice.AUTO:
            if of:
                choice.add_aa(home, host, called, of, run=name)
            known = choice.load(home, host)
            if known is not None:
                told = f"a base against itself: the calibration of {known.when}, and runs since"
                return ProtocolRecord(
                    origin=origin, false_calls=known.false_calls, comparisons=told
                )
        counted = choice.FalseCalls.counted(called, of) if of else None
        return ProtocolRecord(
            origin=origin, false_calls=counted, comparisons="the A/A arm of this run"
        )


def _seeded(arguments: Sequence[str], seed: int) -> str:
    """What was typed, with the seed that was drawn."""
    own = () if any(one.startswith("--seed") for one in arguments) else ("--seed", str(seed))
    return shlex.join(("patchbench", *arguments, *own))


def _tell(context: Context, result: Result, folder: Folder, *, as_json: bool) -> None:
    if as_json:
        print_json(results.read_document(folder.path))
    else:
        terminal.show(result, stdout_console())
    context.show.say(f"Report: {folder.path / 'report.html'}")


def _exit_code(result: Result, fail_on: str | None) -> int:
    """Broken candidates have their own code; --fail-on asks about the others, and about arms that
    are the base again only where there is nothing else.
    """
    arms = result.candidates
    if any(one.verdict == results.BROKEN for one in arms):
        return BrokenError.exit_code
    candidates = [one for one in arms if one.kind == CANDIDATE]
    verdicts: set[str] = set()
    for one in candidates or arms:
        verdicts.update(row.verdict for row in one.comparisons)
        verdicts.add("undecided" if one.suite is None else one.suite.verdict)
    wanted = {"faster", "slower"} if fail_on == "different" else {fail_on}
    return EXIT_VERDICT if verdicts & wanted else 0
