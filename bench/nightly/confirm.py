"""Measure the suspicions of a night again, before they are reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench.benchmarks import is_manifest
from bench.context import Context
from bench.history import History, NightEntry, columns_of, models, reading, watch
from bench.nightly.config import TONIGHT, Branch, Nightly, experiment
from bench.nightly.report import SUITE, ConfirmedFinding, Revised
from bench.nightly.state import LineState
from bench.nightly.suspicion import (
    Suspicion,
    alarm_of,
    contributing,
    finding_of,
    of_session,
    of_trend,
    without_duplicates,
)
from bench.results import CandidateResult
from bench.run import run
from bench.session import SessionFolder
from builder.builds import Flavor
from builder.errors import PatchbenchError

Findings = tuple[tuple[ConfirmedFinding, ...], tuple[str, ...]]
"""The findings, and the keys of the builds that their sessions used."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """Measures the suspicions of a line again. `folder` is that of the night."""

    context: Context
    config: Nightly
    history: History
    folder: Path

    def findings(
        self,
        night: models.NightRow,
        task: LineState,
        branch: Branch,
        flavor: Flavor,
        old: Revised | None,
    ) -> Findings:
        """Measure every suspicion again, one session for each old revision; record the alarms."""
        line = reading.LineKey(host=night.host, branch=night.branch, flavor=night.flavor)
        entries, suspicions = self._suspicions(night, line, old)
        number = next(e.number for e in entries if e.night.identity == night.identity)
        days = {entry.number: entry.night.when.date() for entry in entries}
        findings: list[ConfirmedFinding] = []
        builds: list[str] = []
        for commit in dict.fromkeys(suspicion.old.commit for suspicion in suspicions):
            group = tuple(s for s in suspicions if s.old.commit == commit)
            group, again, keys = self._measured(group, task, branch, flavor, days)
            self._record(line, number, group, again)
            findings += again
            builds += keys
        return tuple(findings), tuple(builds)

    def _suspicions(
        self, night: models.NightRow, line: reading.LineKey, old: Revised | None
    ) -> tuple[tuple[NightEntry, ...], tuple[Suspicion, ...]]:
        with self.history.connect() as connection:
            columns = columns_of(connection, line, self.config.cache)
            alarms = reading.alarms(connection, line)
        entries = columns.entries
        number = next(e.number for e in entries if e.night.identity == night.identity)
        session = of_session(night, number, old) if old is not None else ()
        # The trend ends with the newest night, which need not be this one (machines, imports).
        newest = columns.measured[-1].number == number
        changes = watch(columns, self.config.cache) if newest else {}
        return entries, without_duplicates(
            session, of_trend(columns, changes, alarms) if newest else ()
        )

    def _measured(
        self,
        group: tuple[Suspicion, ...],
        task: LineState,
        branch: Branch,
        flavor: Flavor,
        days: Mapping[int, date],
    ) -> tuple[tuple[Suspicion, ...], list[ConfirmedFinding], tuple[str, ...]]:
        """Run one fresh session of tonight's head against the revision before the change.

        Returns the group, the findings and the keys of the builds. If the group has the suite, the
        benchmarks that contribute to its change are added to the group.
        """
        assert task.head is not None
        old = group[0].old
        names = ", ".join(suspicion.benchmark for suspicion in group)
        self.context.show.say(
            f"{task.branch} {task.flavor}: suspicious benchmarks are measured again against "
            f"{old.commit[:12]}: {names}"
        )
        folder = self.folder / f"{task.folder}-again-{old.commit[:12]}"
        confirming = experiment(
            branch,
            flavor,
            name=folder.name,
            base=old.commit,
            others={TONIGHT: task.head.commit},
            session=self.config.confirm,
            suite=self._suite(group, task, branch),
        )
        again: CandidateResult | None = None
        reason = ""
        keys: tuple[str, ...] = ()
        try:
            result, _folder = run.measured(self.context, confirming, folder, needed=TONIGHT)
            again = result.candidate(TONIGHT)
            keys = (*result.base.keys, *again.keys)
            for suite in (suspicion for suspicion in group if suspicion.benchmark == SUITE):
                scripts = self._scripts(task)
                added = [s for s in contributing(suite, again) if s.benchmark in scripts]
                group = without_duplicates(group, added)
        except PatchbenchError as error:
            reason = error.what
        results = f"{self.folder.name}/{folder.name}" if again is not None else ""
        findings = [
            finding_of(s, again, reason=reason, folder=results, since=days[s.start]) for s in group
        ]
        return group, findings, keys

    def _suite(
        self, group: Sequence[Suspicion], task: LineState, branch: Branch
    ) -> tuple[str, ...]:
        """The suite of the fresh session: the scripts of the suspicious benchmarks, or the whole
        suite if it is suspicious itself or a script is not known.
        """
        suite, scripts = branch.conditions.suite, self._scripts(task)
        selected = [scripts.get(s.benchmark, "") for s in group if s.benchmark != SUITE]
        if len(selected) < len(group) or not all(selected):
            return suite
        return (*(word for word in suite if is_manifest(word)), *dict.fromkeys(selected))

    def _scripts(self, task: LineState) -> dict[str, str]:
        """The script of each benchmark that tonight's session measured."""
        blocks = SessionFolder(self.folder / task.folder / "raw").read().blocks
        return {block.task: block.benchmark for block in blocks}

    def _record(
        self,
        line: reading.LineKey,
        number: int,
        suspicions: Sequence[Suspicion],
        findings: Sequence[ConfirmedFinding],
    ) -> None:
        """Write the alarms to the history, which has none for the whole suite."""
        by_name = {finding.benchmark: finding for finding in findings}
        alarms = [
            alarm_of(suspicion, by_name[suspicion.benchmark], line, number)
            for suspicion in suspicions
            if suspicion.benchmark != SUITE
        ]
        if alarms:
            self.history.write(lambda connection: reading.add_alarms(connection, alarms))
