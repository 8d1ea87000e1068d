"""Read a history into the values that the pages are rendered from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from bench.history import (
    CONFIRMED,
    DISMISSED,
    SUSPECTED,
    Alarm,
    Changes,
    Columns,
    HistoryRatio,
    LineKey,
    NightEntry,
    NightSuite,
    columns_of,
    reading,
    spans,
    watch,
)
from bench.site.model import Floats, LineData, Mark, Site, Track
from bench.site.naming import commit_names
from bench.stats import LevelChange

# At most so many nights lie between a change seen in a session and the same one in the trend.
_NEAR = 7
_RANK = {DISMISSED: 0, SUSPECTED: 1, CONFIRMED: 2}


def gather(connection: Connection, *, cache: Path, now: datetime) -> Site:
    """Read the whole history. `cache` is the folder of cached reads; it is made if need be."""
    lines = tuple(_line(connection, line, cache) for line in reading.lines(connection))
    hosts = sorted({line.columns.line.host for line in lines})
    commits = commit_names(commit_of(e) for line in lines for e in line.columns.entries)
    return Site(
        lines=tuple(
            replace(
                line, commits=tuple(commits.get(commit_of(e), "") for e in line.columns.measured)
            )
            for line in lines
        ),
        commits=commits,
        releases={host: reading.releases(connection, host) for host in hosts},
        now=now,
    )


def _line(connection: Connection, line: LineKey, cache: Path) -> LineData:
    columns = columns_of(connection, line, cache)
    return LineData(
        columns=columns,
        marks=marks_of(columns, watch(columns, cache), reading.alarms(connection, line)),
        missing=reading.missing(connection, line),
        segments=spans(columns),
        moments=np.array([int(e.night.when.timestamp()) for e in columns.measured], dtype=np.int64),
    )


def marks_of(
    columns: Columns, changes: Changes, alarms: Sequence[Alarm]
) -> Mapping[str, tuple[Mark, ...]]:
    """Combine change points with the states of their alarms. A confirmed alarm replaces the figures
    of its change; an alarm that belongs to no change becomes a mark itself.
    """
    position_of = {entry.number: position for position, entry in enumerate(columns.measured)}
    marks = {name: [_mark(change) for change in changed] for name, changed in changes.items()}
    # The last one replaces the others: so the best known state comes last.
    by_rank = sorted(alarms, key=lambda alarm: _RANK[alarm.state])
    for alarm in by_rank:
        if alarm.start in position_of and alarm.night in position_of:
            _apply(
                marks.setdefault(alarm.benchmark, []),
                alarm,
                position_of[alarm.start],
                position_of[alarm.night],
            )
    return {name: tuple(sorted(own, key=lambda mark: mark.start)) for name, own in marks.items()}


def _mark(change: LevelChange) -> Mark:
    return Mark(
        start=change.start,
        detected=change.found,
        ratio=change.ratio,
        low=change.low,
        high=change.high,
    )


def _apply(marks: list[Mark], alarm: Alarm, start: int, night: int) -> None:
    """Set the state of the mark that an alarm belongs to, or add a mark for it."""
    new = Mark(
        start=start,
        detected=night,
        ratio=alarm.ratio,
        low=alarm.low,
        high=alarm.high,
        state=alarm.state,
    )
    for index, mark in enumerate(marks):
        if mark.kind == new.kind and abs(mark.start - start) <= _NEAR:
            is_measured = alarm.state == CONFIRMED
            marks[index] = replace(
                new if is_measured else mark,
                start=mark.start,
                detected=mark.detected,
                state=alarm.state,
            )
            return
    marks.append(new)


def suite_of(comparison: NightSuite | None) -> HistoryRatio | None:
    """The suite's ratio, or None."""
    return comparison.suite if comparison else None


def commit_of(entry: NightEntry) -> str:
    """The commit of a night, "" where there is no build."""
    return entry.night.build.commit if entry.night.build else ""


def track(line: LineData, benchmark: str) -> Track:
    """A benchmark of a line, or its suite (`benchmark` "")."""
    columns, measured = line.columns, line.columns.measured
    nothing = np.full(len(measured), np.nan)
    if benchmark:
        row = columns.benchmarks.index(benchmark)
        values = {
            name: columns.field(field)[row].astype(np.float64)
            for name, field in (
                *(("seconds", "mean"), ("rsd", "rsd"), ("ratio", "release_ratio")),
                *(("low", "release_low95"), ("high", "release_high95")),
            )
        }
    else:
        suites = [suite_of(entry.night.release) for entry in measured]
        values = {"seconds": nothing, "rsd": nothing, **_suite(suites)}
    return Track(
        line=line,
        benchmark=benchmark,
        marks=line.marks.get(benchmark, ()),
        **values,
    )


def _suite(suites: list[HistoryRatio | None]) -> dict[str, Floats]:
    nan = float("nan")
    rows = [
        (suite.ratio, suite.low95 or nan, suite.high95 or nan) if suite else (nan, nan, nan)
        for suite in suites
    ]
    ratio, low, high = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return {"ratio": ratio, "low": low, "high": high}
