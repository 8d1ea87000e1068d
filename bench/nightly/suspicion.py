"""Which of a night's figures are suspicious, and what measuring again says of them. Pure.

Two things raise a suspicion: tonight's session, whose verdict against last night's revision is
slower or faster; and the trend, in which `bench.stats.change_points` finds a change that no single
night showed. Neither is told to anybody before a fresh session of the old and the new revision
agrees: the session calls some benchmark of a few hundred by chance, and nights that are alike from
one to the next (a lag-1 correlation of 0.2) raise five times as many false alarms as independent
ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from bench.compare import TIME
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
from bench.stats import LevelChange

OPEN = 7
"""For so many measured nights an undecided suspicion is measured again."""
MARGIN = 3
"""Where a small change began is known to a few nights: it is held against the revision of so many
nights before, which has the old level for sure."""
_STATES = {
    CONFIRMED: models.CONFIRMED,
    DISMISSED: models.DISMISSED,
    UNDECIDED: models.SUSPECTED,
}


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A benchmark (or SUITE) that may have changed since `old`, a revision before the change.

    `start` is the history's number of the night with which the new level begins. `ratio`, `low` and
    `high` are those of what raised it: for the record, never to be quoted.
    """

    benchmark: str
    old: Revised
    start: int
    ratio: float
    low: float
    high: float
    trend: bool = False


def of_session(night: models.NightRow, number: int, old: Revised) -> tuple[Suspicion, ...]:
    """What tonight's session calls slower or faster than `old`; `number` is the night's."""
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
    """The changes of which the newest night raises the alarm, and those that are open still.

    `changes` are those that `bench.history.changes` found in `columns`, `alarms` the line's known
    ones. A change that was measured again already is not raised again; one that nobody could
    decide is, for some nights.
    """
    place = {entry.number: at for at, entry in enumerate(columns.measured)}
    last = len(place) - 1
    known: dict[str, list[Alarm]] = {}
    for one in alarms:
        if one.start in place and one.night in place:
            known.setdefault(one.benchmark, []).append(one)
    found = []
    for benchmark, some in changes.items():
        own = known.get(benchmark, [])
        if some and some[-1].found == last and not _told(some[-1], own, place):
            found.append(_trend(columns, benchmark, some[-1]))
        found += [
            _open(columns, one, place)
            for one in own
            if one.state == models.SUSPECTED and last - OPEN <= place[one.night] < last
        ]
    return together(found)


def _told(change: LevelChange, own: Sequence[Alarm], place: Mapping[int, int]) -> bool:
    """Whether an alarm is of this very change, which may have been raised by a session first."""
    first, last = change.start - 1 - MARGIN, change.found
    return any(first <= place[one.start] <= last for one in own)


def _trend(columns: Columns, benchmark: str, change: LevelChange) -> Suspicion:
    return Suspicion(
        benchmark=benchmark,
        # A reference is at least 20 nights long.
        old=_revised(columns.measured[change.start - 1 - MARGIN]),
        start=columns.measured[change.start].number,
        ratio=change.ratio,
        low=change.low,
        high=change.high,
        trend=True,
    )


def _open(columns: Columns, alarm: Alarm, place: Mapping[int, int]) -> Suspicion:
    """An alarm that is to be measured once more; a session's begins with its own night."""
    trend = alarm.start != alarm.night
    at = place[alarm.start] - 1 - (MARGIN if trend else 0)
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
    assert build is not None  # a night that has rows has one
    return Revised(commit=build.commit, version=build.version, date=entry.night.when.date())


def together(*several: Sequence[Suspicion]) -> tuple[Suspicion, ...]:
    """Each benchmark once: what comes first counts."""
    found: dict[str, Suspicion] = {}
    for one in (one for some in several for one in some):
        found.setdefault(one.benchmark, one)
    return tuple(found.values())


def carried(suite: Suspicion, again: Mapping[str, Any]) -> tuple[Suspicion, ...]:
    """The benchmarks that carry a change of the whole suite: those that the fresh session calls as
    it calls the suite. None where it does not call that.
    """
    wanted = "slower" if suite.ratio > 1 else "faster"
    if not again.get("suite") or again["suite"]["verdict"] != wanted:
        return ()
    return tuple(
        replace(
            suite,
            benchmark=row["benchmark"],
            ratio=row["ratio"],
            low=row["low"] or row["ratio"],
            high=row["high"] or row["ratio"],
        )
        for row in again.get("comparisons") or []
        if row["metric"] == TIME and row["verdict"] == wanted
    )


def judged(
    suspicion: Suspicion, again: Mapping[str, Any] | None, *, reason: str, folder: str, since: date
) -> ConfirmedFinding:
    """What a fresh session says: `again` is its candidate as result.json has it, base the old.

    None where there was no session, for `reason`.
    """
    ratio = None if again is None else _again(again, suspicion.benchmark)
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


def _again(candidate: Mapping[str, Any], benchmark: str) -> HistoryRatio | None:
    if benchmark == SUITE:
        return ratio_of(candidate["suite"]) if candidate.get("suite") else None
    rows = candidate.get("comparisons") or []
    same = [one for one in rows if one["benchmark"] == benchmark and one["metric"] == TIME]
    return ratio_of(same[0]) if same else None


def alarm_of(suspicion: Suspicion, finding: ConfirmedFinding, line: LineKey, night: int) -> Alarm:
    """The alarm as the history keeps it: with the confirming session's figures where it has some.

    `night` is the number of tonight.
    """
    ratio = finding.ratio
    told = (suspicion.ratio, suspicion.low, suspicion.high)
    if ratio is not None and ratio.low is not None and ratio.high is not None:
        told = (ratio.ratio, ratio.low, ratio.high)
    return Alarm(
        host=line.host,
        branch=line.branch,
        flavor=line.flavor,
        benchmark=suspicion.benchmark,
        start=suspicion.start,
        night=night,
        ratio=told[0],
        low=told[1],
        high=told[2],
        state=_STATES[finding.state],
    )
