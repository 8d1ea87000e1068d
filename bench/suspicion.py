"""Which of a night's figures are suspicious, and what measuring again says of them. Pure.

Two things raise a suspicion: tonight's session, whose verdict against last night's revision is
slower or faster; and the trend, in which `bench.detect` finds a change that no single night showed.
Neither is told to anybody before a fresh session of the old and the new revision agrees: the
session calls some benchmark of a few hundred by chance, and nights that are alike from one to the
next (a lag-1 correlation of 0.2) raise five times as many false alarms as independent ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from bench import detect
from bench.comparison import TIME
from bench.history import models
from bench.history.models import Alarm, Entry, Ratio
from bench.history.reading import Line, Matrix
from bench.history.results import ratio_of
from bench.night import CONFIRMED, DISMISSED, SUITE, UNDECIDED, Finding, Revised

NIGHTS = 400
"""So many newest nights of a line are looked at: the longest reference and window, and some."""
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


def of_session(night: models.Night, number: int, old: Revised) -> tuple[Suspicion, ...]:
    """What tonight's session calls slower or faster than `old`; `number` is the night's."""
    rows: list[tuple[str, Ratio | None]] = [(row.benchmark, row.last) for row in night.rows]
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


def of_trend(
    matrix: Matrix, entries: Sequence[Entry], alarms: Sequence[Alarm]
) -> tuple[Suspicion, ...]:
    """The changes of which the newest night of `matrix` raises the alarm.

    `entries` are the line's nights, of which `matrix` has the newest measured ones; `alarms` the
    line's known ones: a confirmed one begins a new level, a dismissed one is not raised again.
    """
    if not matrix.nights:
        return ()
    column = {night: place for place, night in enumerate(matrix.nights)}
    known = {entry.number: entry for entry in entries}
    epochs = _epochs(matrix, known)
    found = []
    for row, benchmark in enumerate(matrix.benchmarks):
        own = [one for one in alarms if one.benchmark == benchmark]
        since = max((column.get(a.start, 0) for a in own if a.state == models.CONFIRMED), default=0)
        over = max(
            (column.get(a.night, -1) for a in own if a.state == models.DISMISSED), default=-1
        )
        change = detect.latest(_values(matrix, row), epochs, since=since)
        if change is not None and change.start > over:
            found.append(_trend(benchmark, change, matrix, known))
    return tuple(one for one in found if one is not None)


def _values(matrix: Matrix, row: int) -> detect.Floats:
    """The ratios against the release where tonight has one: the host's wander is not in them."""
    chosen = matrix.releases if np.isfinite(matrix.releases[row][-1]) else matrix.means
    values: detect.Floats = chosen[row]
    return values


def _epochs(matrix: Matrix, known: Mapping[int, Entry]) -> list[int]:
    """The host's epochs, and a new one wherever nights are held against another release."""
    numbers, before, count = [], None, 0
    for night, epoch in zip(matrix.nights, matrix.epochs, strict=True):
        release = known[night].night.release
        now = epoch, release.key if release else ""
        count += before is not None and now != before
        before = now
        numbers.append(count)
    return numbers


def _trend(
    benchmark: str, change: detect.Change, matrix: Matrix, known: Mapping[int, Entry]
) -> Suspicion | None:
    # A reference is at least 20 nights long.
    last = known[matrix.nights[change.start - 1 - MARGIN]].night
    if last.build is None:
        return None
    old = Revised(commit=last.build.commit, version=last.build.version, date=last.when.date())
    return Suspicion(
        benchmark=benchmark,
        old=old,
        start=matrix.nights[change.start],
        ratio=change.ratio,
        low=change.low,
        high=change.high,
        trend=True,
    )


def together(*several: Sequence[Suspicion]) -> tuple[Suspicion, ...]:
    """Each benchmark once: what comes first counts."""
    found: dict[str, Suspicion] = {}
    for one in (one for some in several for one in some):
        found.setdefault(one.benchmark, one)
    return tuple(found.values())


def judged(
    suspicion: Suspicion, again: Mapping[str, Any] | None, *, reason: str, folder: str, since: date
) -> Finding:
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
    return Finding(
        benchmark=suspicion.benchmark,
        state=state,
        old=suspicion.old,
        since=since,
        ratio=ratio,
        trend=suspicion.trend,
        reason=reason,
        folder=folder,
    )


def _again(candidate: Mapping[str, Any], benchmark: str) -> Ratio | None:
    if benchmark == SUITE:
        return ratio_of(candidate["suite"]) if candidate.get("suite") else None
    rows = candidate.get("comparisons") or []
    same = [one for one in rows if one["benchmark"] == benchmark and one["metric"] == TIME]
    return ratio_of(same[0]) if same else None


def alarm_of(suspicion: Suspicion, finding: Finding, line: Line, night: int) -> Alarm:
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
