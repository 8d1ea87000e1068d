"""What is suspicious about a night is measured again, before anybody is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bench.benchmarks import is_manifest
from bench.context import Context
from bench.history import History, NightEntry, columns_of, models, reading, watch
from bench.nightly import suspicion as suspecting
from bench.nightly.config import TONIGHT, Branch, Nightly, experiment
from bench.nightly.report import SUITE, ConfirmedFinding, Revised
from bench.nightly.state import LineState
from bench.nightly.suspicion import Suspicion
from bench.run import run as running
from bench.session import SessionFolder
from builder.builds import Flavor
from builder.errors import PatchbenchError

Found = tuple[tuple[ConfirmedFinding, ...], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Again:
    """Looks at a line of a night. `place` is the night's folder."""

    context: Context
    config: Nightly
    history: History
    place: Path

    def findings(
        self,
        night: models.NightRow,
        task: LineState,
        branch: Branch,
        flavor: Flavor,
        old: Revised | None,
    ) -> Found:
        """What fresh sessions say of all that is suspicious, and the keys of their builds."""
        line = reading.LineKey(host=night.host, branch=night.branch, flavor=night.flavor)
        entries, suspicions = self._suspicions(night, line, old)
        number = next(one.number for one in entries if one.night.identity == night.identity)
        days = {one.number: one.night.when.date() for one in entries}
        found: list[ConfirmedFinding] = []
        builds: list[str] = []
        for commit in dict.fromkeys(one.old.commit for one in suspicions):
            group = tuple(one for one in suspicions if one.old.commit == commit)
            group, again, keys = self._measured(group, task, branch, flavor, days)
            self._keep(line, number, group, again)
            found += again
            builds += keys
        return tuple(found), tuple(builds)

    def _suspicions(
        self, night: models.NightRow, line: reading.LineKey, old: Revised | None
    ) -> tuple[tuple[NightEntry, ...], tuple[Suspicion, ...]]:
        with self.history.connect() as connection:
            known = columns_of(connection, line, self.config.cache)
            alarms = reading.alarms(connection, line)
        entries = known.entries
        number = next(one.number for one in entries if one.night.identity == night.identity)
        session = suspecting.of_session(night, number, old) if old is not None else ()
        # Of a night that is not the newest (several machines, an import) no trend is asked.
        newest = known.measured[-1].number == number
        changes = watch(known, self.config.cache) if newest else {}
        return entries, suspecting.together(
            session, suspecting.of_trend(known, changes, alarms) if newest else ()
        )

    def _measured(
        self,
        group: tuple[Suspicion, ...],
        task: LineState,
        branch: Branch,
        flavor: Flavor,
        days: Mapping[int, date],
    ) -> tuple[tuple[Suspicion, ...], list[ConfirmedFinding], tuple[str, ...]]:
        """One fresh session of tonight's head against the revision before the change.

        The group comes back with the benchmarks that carry the suite's change, if that was in it.
        """
        assert task.head is not None
        old = group[0].old
        names = ", ".join(one.benchmark for one in group)
        self.context.show.say(
            f"{task.branch} {task.flavor}: suspicious, and measured again against "
            f"{old.commit[:12]}: {names}"
        )
        folder = self.place / f"{task.folder}-again-{old.commit[:12]}"
        asked = experiment(
            branch,
            flavor,
            name=folder.name,
            base=old.commit,
            others={TONIGHT: task.head.commit},
            session=self.config.confirm,
            suite=self._suite(group, task, branch),
        )
        again: Mapping[str, Any] | None = None
        reason, keys = "", ()
        try:
            result, _folder = running.measured(self.context, asked, folder, needed=TONIGHT)
            again = next(one for one in result["candidates"] if one["name"] == TONIGHT)
            arms = (result["base"], again)
            keys = tuple(one["key"] for arm in arms for one in arm["replicas"])
            for whole in (one for one in group if one.benchmark == SUITE):
                known = self._scripts(task)
                carried = [o for o in suspecting.carried(whole, again) if o.benchmark in known]
                group = suspecting.together(group, carried)
        except PatchbenchError as error:
            reason = error.what
        told = f"{self.place.name}/{folder.name}" if again is not None else ""
        found = [
            suspecting.judged(one, again, reason=reason, folder=told, since=days[one.start])
            for one in group
        ]
        return group, found, keys

    def _suite(
        self, group: Sequence[Suspicion], task: LineState, branch: Branch
    ) -> tuple[str, ...]:
        """The scripts that make the suspicious benchmarks; all of them where the suite is meant."""
        whole, scripts = branch.conditions.suite, self._scripts(task)
        wanted = [scripts.get(one.benchmark, "") for one in group if one.benchmark != SUITE]
        if len(wanted) < len(group) or not all(wanted):
            return whole
        return (*(word for word in whole if is_manifest(word)), *dict.fromkeys(wanted))

    def _scripts(self, task: LineState) -> dict[str, str]:
        """The script that makes each of tonight's benchmarks."""
        blocks = SessionFolder(self.place / task.folder / "raw").read().blocks
        return {block.task: block.benchmark for block in blocks}

    def _keep(
        self,
        line: reading.LineKey,
        number: int,
        suspicions: Sequence[Suspicion],
        findings: Sequence[ConfirmedFinding],
    ) -> None:
        """What became of each, in the history; the suite is no benchmark of it."""
        by_name = {one.benchmark: one for one in findings}
        alarms = [
            suspecting.alarm_of(one, by_name[one.benchmark], line, number)
            for one in suspicions
            if one.benchmark != SUITE
        ]
        if alarms:
            with self.history.begin() as connection:
                reading.add_alarms(connection, alarms)
