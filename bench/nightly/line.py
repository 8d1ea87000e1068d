"""One line of a night: one branch in one flavor, from its new head to what is known of it.

Measured is what `patchbench run` would measure, in one interleaved session: last night's revision
as the base, tonight's head and the release as candidates. Whatever goes wrong is this line's own:
it is recorded, and the other lines go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bench.context import Context
from bench.history import History, models, night_of, of_host, reading
from bench.host import read_host
from bench.nightly.config import TONIGHT, Branch, Nightly, experiment
from bench.nightly.confirm import Again
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
from bench.results import result as results
from bench.run import Sources
from bench.run import run as running
from builder.builds import Flavor
from builder.errors import BrokenError, PatchbenchError


@dataclass(frozen=True, kw_only=True)
class LineJob:
    """Takes the lines of one night, one after the other, to their results."""

    context: Context
    config: Nightly
    nights: Nights
    history: History
    sources: Sources
    day: date

    def go(self, task: LineState, branch: Branch, flavor: Flavor) -> LineState:
        """The task with its result. Errors of the family are part of it."""
        notes: list[str] = []
        old = None
        try:
            source = self.sources.provide(branch.source)
            revisions = Revisions(source=source, branch=branch, notes=notes)
            old = revisions.known(self.nights.last_measured(task, self.day))
            assert task.head is not None
            if old is not None and revisions.alike(old, task.head):
                return self._quiet(task, old)
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
        asked = experiment(
            branch,
            flavor,
            name=f"{task.branch}-{task.flavor}-{self.day}",
            base=roles.base,
            others=roles.others,
        )
        needed = TONIGHT if roles.tonight == TONIGHT else ""
        folder = self.nights.place(self.day) / task.folder
        result, _folder = running.measured(self.context, asked, folder, needed=needed)
        night = self._kept(result, task, self._fit(result, roles, folder, notes), folder)
        looking = Again(
            context=self.context,
            config=self.config,
            history=self.history,
            place=self.nights.place(self.day),
        )
        findings, builds = looking.findings(night, task, branch, flavor, old)
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

    def _fit(
        self, result: Mapping[str, Any], roles: Roles, folder: Path, notes: list[str]
    ) -> Roles:
        """The roles of the arms that were fit to be timed. BrokenError where tonight's is not."""
        for arm in result["candidates"]:
            if arm["name"] == roles.tonight:
                notes += [text for text in arm["warnings"] if text.startswith("same-code")]
            if arm["verdict"] != results.BROKEN:
                continue
            why = arm["broken"] or "it fails " + ", ".join((arm["gate"] or {}).get("broken", ()))
            if arm["name"] == roles.tonight:
                raise BrokenError(
                    f"The head is broken: {why.splitlines()[0]}",
                    where="\n".join(why.splitlines()[1:]) or str(folder),
                    hint=f"The report tells more: {folder / 'report.html'}",
                )
            if arm["name"] == roles.release:
                notes.append(f"not held against the release, which is broken: {why}")
                roles = replace(roles, release="")
        return roles

    def _kept(
        self, result: Mapping[str, Any], task: LineState, roles: Roles, folder: Path
    ) -> models.NightRow:
        """The night as the history has it now; the same twice is one night."""
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

    def _quiet(self, task: LineState, old: Revised) -> LineState:
        assert task.head is not None
        told = f"the head did not move since {old.date}"
        if old.commit != task.head.commit:
            told = f"the head moved, and its files are those of {old.commit[:12]} ({old.date})"
        self._record(task, models.UNCHANGED, told)
        line = LineResult(
            branch=task.branch,
            flavor=task.flavor,
            outcome=QUIET,
            old=old,
            new=task.head,
            notes=(told,),
        )
        self.context.show.say(f"{line.name}: {told}.")
        return replace(task, result=line)

    def failed(
        self,
        task: LineState,
        error: PatchbenchError,
        *,
        old: Revised | None = None,
        notes: Sequence[str] = (),
    ) -> LineState:
        """The task whose line failed, told and recorded."""
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
        """A night without rows. Its facts are those of the night before: nothing was measured that
        could begin a new epoch.
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
    """A moment of that night: when it was measured, unless that was on another day."""
    return moment if moment.date() == day else datetime.combine(day, moment.timetz())


def _outcome(findings: Sequence[ConfirmedFinding]) -> str:
    """By what was confirmed: a slowdown matters more than a speed-up."""
    ratios = [one.ratio for one in findings if one.state == models.CONFIRMED and one.ratio]
    if not ratios:
        return NEUTRAL
    return BAD if any(one.verdict == "slower" for one in ratios) else GOOD


def _line(night: models.NightRow, findings: tuple[ConfirmedFinding, ...]) -> LineResult:
    """What the history's night says of a line."""
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


def _builds(result: Mapping[str, Any]) -> tuple[str, ...]:
    arms = [result["base"], *result["candidates"]]
    return tuple(replica["key"] for arm in arms for replica in arm["replicas"])
