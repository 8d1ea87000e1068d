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

from bench import result as results
from bench.history import models, reading
from bench.history.epochs import of_host
from bench.history.results import night_of
from bench.history.store import History
from bench.host import read_host
from bench.jobs import nightly_again
from bench.jobs import run as running
from bench.jobs.context import Context
from bench.jobs.resolve import Sources
from bench.night import BAD, FAILED, GOOD, NEUTRAL, QUIET, Benchmark, Commit, Finding, Line, Revised
from bench.nightly import RELEASE, TONIGHT, Branch, Nightly, experiment
from bench.nights import Nights, Task
from builder.errors import BrokenError, PatchbenchError, SourceError
from builder.spec import Flavor

MOST_COMMITS = 100


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Who is who in a night's session: revisions by arm, and the arms that the history asks for.

    One build may have two roles: last night's may be the release, and so may tonight's.
    """

    base: str
    others: Mapping[str, str]
    tonight: str = TONIGHT
    last: str = ""
    release: str = ""

    @classmethod
    def of(cls, head: str, old: str, release: str) -> Roles:
        """The roles of commits; `old` and `release` are "" where there are none."""
        if old:
            distinct = release not in ("", old, head)
            return cls(
                base=old,
                others={TONIGHT: head, **({RELEASE: release} if distinct else {})},
                last="base",
                release=RELEASE if distinct else "base" if release == old else "",
            )
        if release not in ("", head):
            return cls(base=release, others={TONIGHT: head}, release="base")
        return cls(base=head, others={}, tonight="base")


@dataclass(frozen=True, kw_only=True)
class LineJob:
    """Takes the lines of one night, one after the other, to their results."""

    context: Context
    config: Nightly
    nights: Nights
    history: History
    sources: Sources
    day: date

    def go(self, task: Task, branch: Branch, flavor: Flavor) -> Task:
        """The task with its result. Errors of the family are part of it."""
        notes: list[str] = []
        old = None
        try:
            old = self._old(task, branch, notes)
            if old is not None and task.head is not None and self._alike(branch, old, task.head):
                return self._quiet(task, old)
            return self._measured(task, branch, flavor, old, notes)
        except PatchbenchError as error:
            return self.failed(task, error, old=old, notes=notes)

    # -- what there is to measure ----------------------------------------------------------------

    def _old(self, task: Task, branch: Branch, notes: list[str]) -> Revised | None:
        """The revision that was measured last, as far as the source still has it."""
        old = self.nights.last_measured(task, self.day)
        if old is None:
            return None
        try:
            self.sources.provide(branch.template.base.source).resolve(old.commit)
        except SourceError as error:
            notes.append(
                f"{old.commit[:12]}, measured on {old.date}, is no longer in the source "
                f"({error.what}): this night begins anew"
            )
            return None
        return old

    def _release(self, branch: Branch, head: Revised, notes: list[str]) -> Revised | None:
        if not branch.release:
            return None
        try:
            found = self.sources.provide(branch.template.base.source).resolve(branch.release)
        except SourceError as error:
            notes.append(f"not held against {branch.release}: {error.what}")
            return None
        if found.branch != ".".join(head.version.split(".")[:2]):
            notes.append(
                f"not held against {branch.release}: it is Python {found.branch}, and the head "
                f"{head.version}; their benchmarks differ"
            )
            return None
        return Revised(commit=found.commit, version=found.version, name=branch.release)

    def _alike(self, branch: Branch, one: Revised, other: Revised) -> bool:
        """Whether two revisions are the same files: their builds would be one."""
        if one.commit == other.commit:
            return True
        repository = self.sources.provide(branch.template.base.source).repository
        return repository.tree(one.commit) == repository.tree(other.commit)

    def _roles(
        self, branch: Branch, head: Revised, old: Revised | None, release: Revised | None
    ) -> Roles:
        commit = release.commit if release else ""
        for one in (head, old):
            if release and one and self._alike(branch, release, one):
                commit = one.commit
        return Roles.of(head.commit, old.commit if old else "", commit)

    # -- a night with a new head -----------------------------------------------------------------

    def _measured(
        self, task: Task, branch: Branch, flavor: Flavor, old: Revised | None, notes: list[str]
    ) -> Task:
        assert task.head is not None
        release = self._release(branch, task.head, notes)
        roles = self._roles(branch, task.head, old, release)
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
        roles = self._fit(result, roles, folder, notes)
        night = self._kept(result, task, roles, folder)
        looking = nightly_again.Again(
            context=self.context,
            config=self.config,
            history=self.history,
            place=self.nights.place(self.day),
        )
        findings, builds = looking.findings(night, task, branch, flavor, old)
        commits, left_out = self._commits(branch, task.head, old, notes)
        line = Line(
            branch=task.branch,
            flavor=task.flavor,
            pgo=flavor.pgo,
            outcome=_outcome(findings),
            old=old,
            new=task.head,
            release=release,
            commits=commits,
            commits_left_out=left_out,
            suite_last=night.last.suite if night.last else None,
            suite_release=night.release.suite if night.release else None,
            benchmarks=tuple(_benchmark(row) for row in night.rows),
            missing=night.missing,
            findings=findings,
            facts=night.facts,
            folder=night.folder,
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
        self, result: Mapping[str, Any], task: Task, roles: Roles, folder: Path
    ) -> models.Night:
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

    def _commits(
        self, branch: Branch, head: Revised, old: Revised | None, notes: list[str]
    ) -> tuple[tuple[Commit, ...], int]:
        """What lies between the two, newest first, and how many were too many to list."""
        if old is None:
            return (), 0
        source = self.sources.provide(branch.template.base.source)
        try:
            repository = source.history((old.commit, head.commit))
            found = () if repository is None else repository.commits(old.commit, head.commit)
        except SourceError as error:
            notes.append(f"the commits of this night are not known: {error.what}")
            return (), 0
        listed = tuple(
            Commit(
                hash=one.hash,
                when=datetime.fromtimestamp(one.authored, UTC),
                subject=one.subject,
            )
            for one in found[:MOST_COMMITS]
        )
        return listed, len(found) - len(listed)

    # -- nights without figures ------------------------------------------------------------------

    def _quiet(self, task: Task, old: Revised) -> Task:
        assert task.head is not None
        told = f"the head did not move since {old.date}"
        if old.commit != task.head.commit:
            told = f"the head moved, and its files are those of {old.commit[:12]} ({old.date})"
        self._record(task, models.UNCHANGED, told)
        line = Line(
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
        task: Task,
        error: PatchbenchError,
        *,
        old: Revised | None = None,
        notes: Sequence[str] = (),
    ) -> Task:
        """The task whose line failed, told and recorded."""
        broken = isinstance(error, BrokenError)
        self._record(task, models.BROKEN if broken else models.FAILED, error.what)
        line = Line(
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

    def _record(self, task: Task, state: str, reason: str) -> None:
        """A night without rows. Its facts are those of the night before: nothing was measured that
        could begin a new epoch.
        """
        host = read_host()
        line = reading.Line(host=host.name, branch=task.branch, flavor=task.flavor)
        with self.history.connect() as connection:
            before = reading.nights(connection, line)
        facts = before[-1].night.facts if before else of_host(asdict(host), compiler="", suite="")
        self.history.add_night(
            models.Night(
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


def _outcome(findings: Sequence[Finding]) -> str:
    """By what was confirmed: a slowdown matters more than a speed-up."""
    ratios = [one.ratio for one in findings if one.state == models.CONFIRMED and one.ratio]
    if not ratios:
        return NEUTRAL
    return BAD if any(one.verdict == "slower" for one in ratios) else GOOD


def _benchmark(row: models.Row) -> Benchmark:
    return Benchmark(
        name=row.benchmark, mean=row.mean, rsd=row.rsd, last=row.last, release=row.release
    )


def _builds(result: Mapping[str, Any]) -> tuple[str, ...]:
    arms = [result["base"], *result["candidates"]]
    return tuple(replica["key"] for arm in arms for replica in arm["replicas"])
