"""Which benchmarks of a night are suspicious, and the state of each after a second session. Pure.

A suspicion is raised by tonight's session, if its verdict against last night's revision is slower
or faster; or by the trend, if `bench.stats.change_points` finds a change that no single night
showed. Neither is reported before a fresh session of the old and the new revision agrees: among a
few hundred benchmarks a session calls some slower or faster by chance, and correlated nights (a
lag-1 correlation of 0.2) raise five times as many false alarms as independent ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from bench.compare import TIME, Comparisons
from bench.history import (
    Alarm,
    Changes,
    Columns,
    HistoryRatio,
    LineKey,
    NightEntry,
    models,
    ratio_of,
)
from bench.nightly.report import CONFIRMED, DISMISSED, SUITE, UNDECIDED, ConfirmedFinding, Revised
from bench.results import CandidateResult
from bench.stats import LevelChange

OPEN = 7
"""Number of measured nights for which an undecided suspicion is measured again."""
MARGIN = 3
"""The start of a small change is known only to within a few nights: a trend's change is measured
against the revision of so many nights before it, which certainly has the old level."""
_STATES = {
    CONFIRMED: models.CONFIRMED,
    DISMISSED: models.DISMISSED,
    UNDECIDED: models.SUSPECTED,
}


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A benchmark (or SUITE) that may have changed since `old`, a revision before the change.

    `start` is the number, in the history, of the first night of the new level. `ratio`, `low` and
    `high` are those that raised the suspicion; they are recorded, but never reported.
    """

    benchmark: str
    old: Revised
    start: int
    ratio: float
    low: float
    high: float
    trend: bool = False


def of_session(night: models.NightRow, number: int, old: Revised) -> tuple[Suspicion, ...]:
    """Suspicions of benchmarks that tonight's session calls slower or faster than `old`; `number`
    is that of tonight in the history.
    """
    rows: list[tuple[str, HistoryRatio | None]] = [(row.benchmark, row.last) for row in night.rows]
    if night.last is not None:
        rows.append((SUITE, night.last.suite))
    return tuple(
        Suspicion(
            benchmark=name,
            old=old,
            start=number,
            ratio=ratio.ratio,
            low=ratio.low or ratio.ratio,
            high=ratio.high or ratio.ratio,
        )
        for name, ratio in rows
        if ratio is not None and ratio.verdict in ("slower", "faster")
    )


def of_trend(columns: Columns, changes: Changes, alarms: Sequence[Alarm]) -> tuple[Suspicion, ...]:
    """Suspicions of changes that the newest night detects, and of undecided earlier ones.

    `changes` are those of `bench.history.changes` in `columns`, `alarms` the recorded ones of the
    line. A change that was measured again already raises no new suspicion, except for OPEN nights
    if it was undecided.
    """
    index = {entry.number: at for at, entry in enumerate(columns.measured)}
    last = len(index) - 1
    recorded: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        if alarm.start in index and alarm.night in index:
            recorded.setdefault(alarm.benchmark, []).append(alarm)
    suspicions = []
    for benchmark, shifts in changes.items():
        own = recorded.get(benchmark, [])
        if shifts and shifts[-1].found == last and not _is_recorded(shifts[-1], own, index):
            suspicions.append(_trend(columns, benchmark, shifts[-1]))
        suspicions += [
            _undecided(columns, alarm, index)
            for alarm in own
            if alarm.state == models.SUSPECTED and last - OPEN <= index[alarm.night] < last
        ]
    return without_duplicates(suspicions)


def _is_recorded(change: LevelChange, own: Sequence[Alarm], index: Mapping[int, int]) -> bool:
    """Whether an alarm is of the same change, which a session may have raised first."""
    first, last = change.start - 1 - MARGIN, change.found
    return any(first <= index[alarm.start] <= last for alarm in own)


def _trend(columns: Columns, benchmark: str, change: LevelChange) -> Suspicion:
    return Suspicion(
        benchmark=benchmark,
        # Not negative: the reference before a change is at least 20 nights long.
        old=_revised(columns.measured[change.start - 1 - MARGIN]),
        start=columns.measured[change.start].number,
        ratio=change.ratio,
        low=change.low,
        high=change.high,
        trend=True,
    )


def _undecided(columns: Columns, alarm: Alarm, index: Mapping[int, int]) -> Suspicion:
    """The suspicion of an undecided alarm. One that a session raised starts with its own night."""
    trend = alarm.start != alarm.night
    at = index[alarm.start] - 1 - (MARGIN if trend else 0)
    return Suspicion(
        benchmark=alarm.benchmark,
        old=_revised(columns.measured[max(at, 0)]),
        start=alarm.start,
        ratio=alarm.ratio,
        low=alarm.low,
        high=alarm.high,
        trend=trend,
    )


def _revised(entry: NightEntry) -> Revised:
    build = entry.night.build
    assert build is not None  # a night with rows has a build
    return Revised(commit=build.commit, version=build.version, date=entry.night.when.date())


def without_duplicates(*groups: Sequence[Suspicion]) -> tuple[Suspicion, ...]:
    """The suspicions of all groups; of several of one benchmark, the first."""
    first: dict[str, Suspicion] = {}
    for suspicion in chain.from_iterable(groups):
        first.setdefault(suspicion.benchmark, suspicion)
    return tuple(first.values())


def contributing(suite: Suspicion, again: CandidateResult | Comparisons) -> tuple[Suspicion, ...]:
    """Suspicions of the benchmarks that contribute to a change of the whole suite: those with the
    suite's verdict in the fresh session `again`. Empty if it does not confirm the suite's change.
    """
    direction = "slower" if suite.ratio > 1 else "faster"
    if again.suite is None or again.suite.verdict != direction:
        return ()
    return tuple(
        replace(
            suite,
            benchmark=row.benchmark,
            ratio=row.ratio,
            low=row.low or row.ratio,
            high=row.high or row.ratio,
        )
        for row in again.comparisons
        if row.metric == TIME and row.verdict == direction
    )


def finding_of(
    suspicion: Suspicion,
    again: CandidateResult | Comparisons | None,
    *,
    reason: str,
    folder: str,
    since: date,
) -> ConfirmedFinding:
    """The finding for a suspicion. `again` is the candidate of the fresh session, whose base is the
    old revision; None without a session, and then `reason` says why.
    """
    ratio = None if again is None else _ratio(again, suspicion.benchmark)
    if ratio is None:
        state = UNDECIDED
        reason = reason or "it could not be measured again"
    elif ratio.verdict == ("slower" if suspicion.ratio > 1 else "faster"):
        state = CONFIRMED
    else:
        state = UNDECIDED if ratio.verdict == "undecided" else DISMISSED
    return ConfirmedFinding(
        benchmark=suspicion.benchmark,
        state=state,
        old=suspicion.old,
        since=since,
        ratio=ratio,
        trend=suspicion.trend,
        reason=reason,
        folder=folder,
    )


def _ratio(candidate: CandidateResult | Comparisons, benchmark: str) -> HistoryRatio | None:
    if benchmark == SUITE:
        return None if candidate.suite is None else ratio_of(candidate.suite)
    rows = candidate.comparisons
    times = [row for row in rows if row.benchmark == benchmark and row.metric == TIME]
    return ratio_of(times[0]) if times else None


def alarm_of(suspicion: Suspicion, finding: ConfirmedFinding, line: LineKey, night: int) -> Alarm:
    """The alarm for the history, with the ratio and interval of the confirming session if it has
    them. `night` is the number of tonight.
    """
    ratio = finding.ratio
    figures = (suspicion.ratio, suspicion.low, suspicion.high)
    if ratio is not None and ratio.low is not None and ratio.high is not None:
        figures = (ratio.ratio, ratio.low, ratio.high)
    return Alarm(
        host=line.host,
        branch=line.branch,
        flavor=line.flavor,
        benchmark=suspicion.benchmark,
        start=suspicion.start,
        night=night,
        ratio=figures[0],
        low=figures[1],
        high=figures[2],
        state=_STATES[finding.state],
    )
