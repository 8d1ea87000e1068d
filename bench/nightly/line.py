"""One line of a night: measure one branch in one flavor, and return its result.

The session is that of `patchbench run`, interleaved: last night's revision is the base, tonight's
head and the release are candidates. An error is recorded in the result of the line and does not
affect other lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from bench.context import Context
from bench.history import History, models, night_of, of_host, reading
from bench.host import read_host
from bench.nightly.config import TONIGHT, Branch, Nightly, experiment
from bench.nightly.confirm import Confirmation
from bench.nightly.report import (
    BAD,
    FAILED,
    GOOD,
    NEUTRAL,
    QUIET,
    ConfirmedFinding,
    LineResult,
    NightBenchmark,
    Revised,
)
from bench.nightly.revisions import Revisions, Roles
from bench.nightly.state import LineState, Nights
from bench.planning import Sources
from bench.results import BROKEN, Result
from bench.run import run
from builder.builds import Flavor
from builder.errors import BrokenError, PatchbenchError


@dataclass(frozen=True, kw_only=True)
class LineJob:
    """Measures the lines of one night, one after the other."""

    context: Context
    config: Nightly
    nights: Nights
    history: History
    sources: Sources
    day: date

    def run(self, task: LineState, branch: Branch, flavor: Flavor) -> LineState:
        """Return the task with its result; a PatchbenchError becomes a failed result."""
        notes: list[str] = []
        old = None
        try:
            source = self.sources.provide(branch.source)
            revisions = Revisions(source=source, branch=branch, notes=notes)
            old = revisions.available(self.nights.last_measured(task, self.day))
            assert task.head is not None
            if old is not None and revisions.same_files(old, task.head):
                return self._unchanged(task, old)
            return self._measured(task, flavor, old, revisions)
        except PatchbenchError as error:
            return self.failed(task, error, old=old, notes=notes)

    # -- a night with a new head -----------------------------------------------------------------

    def _measured(
        self, task: LineState, flavor: Flavor, old: Revised | None, revisions: Revisions
    ) -> LineState:
        assert task.head is not None
        branch, notes = revisions.branch, revisions.notes
        release = revisions.release(task.head)
        roles = revisions.roles(task.head, old, release)
        session = experiment(
            branch,
            flavor,
            name=f"{task.branch}-{task.flavor}-{self.day}",
            base=roles.base,
            others=roles.others,
        )
        needed = TONIGHT if roles.tonight == TONIGHT else ""
        folder = self.nights.folder_of(self.day) / task.folder
        result, _folder = run.measured(self.context, session, folder, needed=needed)
        night = self._recorded(
            result, task, self._timed_roles(result, roles, folder, notes), folder
        )
        confirmation = Confirmation(
            context=self.context,
            config=self.config,
            history=self.history,
            folder=self.nights.folder_of(self.day),
        )
        findings, builds = confirmation.findings(night, task, branch, flavor, old)
        commits, left_out = revisions.commits(old, task.head)
        line = replace(
            _line(night, findings),
            pgo=flavor.pgo,
            old=old,
            new=task.head,
            release=release,
            commits=commits,
            commits_left_out=left_out,
            notes=tuple(notes),
        )
        return replace(task, result=line, builds=(*_builds(result), *builds))

    def _timed_roles(self, result: Result, roles: Roles, folder: Path, notes: list[str]) -> Roles:
        """The roles of the arms that were timed. Raises BrokenError if tonight's is broken."""
        for arm in result.candidates:
            if arm.name == roles.tonight:
                notes += [text for text in arm.warnings if text.startswith("same-code")]
            if arm.verdict != BROKEN:
                continue
            failing = () if arm.gate is None else arm.gate.broken
            reason = arm.broken or "it fails " + ", ".join(failing)
            if arm.name == roles.tonight:
                raise BrokenError(
                    f"The head is broken: {reason.splitlines()[0]}",
                    where="\n".join(reason.splitlines()[1:]) or str(folder),
                    hint=f"See the report: {folder / 'report.html'}",
                )
            if arm.name == roles.release:
                notes.append(f"not compared with the release, which is broken: {reason}")
                roles = replace(roles, release="")
        return roles

    def _recorded(
        self, result: Result, task: LineState, roles: Roles, folder: Path
    ) -> models.NightRow:
        """Add the night to the history and return it; adding it again has no effect."""
        night = night_of(
            result,
            branch=task.branch,
            tonight=roles.tonight,
            last=roles.last,
            release=roles.release,
            where=str(folder),
            folder=f"{self.day}/{task.folder}",
        )
        night = replace(night, when=_on(self.day, night.when))
        self.history.add_night(night)
        return night

    # -- nights without figures ------------------------------------------------------------------

    def _unchanged(self, task: LineState, old: Revised) -> LineState:
        assert task.head is not None
        reason = f"the head did not move since {old.date}"
        if old.commit != task.head.commit:
            reason = f"the head moved, but its files are those of {old.commit[:12]} ({old.date})"
        self._record(task, models.UNCHANGED, reason)
        line = LineResult(
            branch=task.branch,
            flavor=task.flavor,
            outcome=QUIET,
            old=old,
            new=task.head,
            notes=(reason,),
        )
        self.context.show.say(f"{line.name}: {reason}.")
        return replace(task, result=line)

    def failed(
        self,
        task: LineState,
        error: PatchbenchError,
        *,
        old: Revised | None = None,
        notes: Sequence[str] = (),
    ) -> LineState:
        """Record and print that a line failed; return its task with the error as result."""
        broken = isinstance(error, BrokenError)
        self._record(task, models.BROKEN if broken else models.FAILED, error.what)
        line = LineResult(
            branch=task.branch,
            flavor=task.flavor,
            outcome=FAILED,
            old=old,
            new=task.head,
            error=str(error),
            notes=tuple(notes),
        )
        self.context.show.say(f"{line.name}: {error}")
        return replace(task, result=line, code=error.exit_code)

    def _record(self, task: LineState, state: str, reason: str) -> None:
        """Add a night without rows to the history. Its facts are those of the night before: nothing
        was measured that could start a new epoch.
        """
        host = read_host()
        line = reading.LineKey(host=host.name, branch=task.branch, flavor=task.flavor)
        with self.history.connect() as connection:
            before = reading.nights(connection, line)
        facts = before[-1].night.facts if before else of_host(asdict(host), compiler="", suite="")
        self.history.add_night(
            models.NightRow(
                identity=f"{self.config.name} {self.day} {task.branch} {task.flavor} {state}",
                host=host.name,
                branch=task.branch,
                flavor=task.flavor,
                when=_on(self.day, datetime.now(UTC)),
                facts=facts,
                state=state,
                reason=reason,
            )
        )


def _on(day: date, moment: datetime) -> datetime:
    """The moment, moved to the date of the night if it is on another day (a missed night)."""
    return moment if moment.date() == day else datetime.combine(day, moment.timetz())


def _outcome(findings: Sequence[ConfirmedFinding]) -> str:
    """The outcome of a measured line: a confirmed slowdown outweighs a speed-up."""
    ratios = [f.ratio for f in findings if f.state == models.CONFIRMED and f.ratio]
    if not ratios:
        return NEUTRAL
    return BAD if any(ratio.verdict == "slower" for ratio in ratios) else GOOD


def _line(night: models.NightRow, findings: tuple[ConfirmedFinding, ...]) -> LineResult:
    """The result of a line, as far as the history's night has it."""
    return LineResult(
        branch=night.branch,
        flavor=night.flavor,
        outcome=_outcome(findings),
        suite_last=night.last.suite if night.last else None,
        suite_release=night.release.suite if night.release else None,
        benchmarks=tuple(_benchmark(row) for row in night.rows),
        missing=night.missing,
        findings=findings,
        facts=night.facts,
        folder=night.folder,
    )


def _benchmark(row: models.BenchmarkRow) -> NightBenchmark:
    return NightBenchmark(
        name=row.benchmark, mean=row.mean, rsd=row.rsd, last=row.last, release=row.release
    )


def _builds(result: Result) -> tuple[str, ...]:
    return tuple(key for arm in result.arms for key in arm.keys)
