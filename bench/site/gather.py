"""From a history to what the pages are made of."""

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

# Nights between where a session saw a change and where the trend does, at most.
_NEAR = 7
_RANK = {DISMISSED: 0, SUSPECTED: 1, CONFIRMED: 2}


def gather(connection: Connection, *, cache: Path, now: datetime) -> Site:
    """Read everything. `cache` is a folder of ours, or one to be made."""
    lines = tuple(_line(connection, line, cache) for line in reading.lines(connection))
    hosts = sorted({one.columns.line.host for one in lines})
    commits = commit_names(commit_of(e) for one in lines for e in one.columns.entries)
    return Site(
        lines=tuple(
            replace(one, commits=tuple(commits.get(commit_of(e), "") for e in one.columns.measured))
            for one in lines
        ),
        commits=commits,
        releases={host: reading.releases(connection, host) for host in hosts},
        now=now,
    )


def _line(connection: Connection, line: LineKey, cache: Path) -> LineData:
    read = columns_of(connection, line, cache)
    return LineData(
        columns=read,
        marks=marks_of(read, watch(read, cache), reading.alarms(connection, line)),
        missing=reading.missing(connection, line),
        runs=spans(read),
        moments=np.array([int(e.night.when.timestamp()) for e in read.measured], dtype=np.int64),
    )


def marks_of(
    read: Columns, changes: Changes, alarms: Sequence[Alarm]
) -> Mapping[str, tuple[Mark, ...]]:
    """Change points with what became of their alarms, whose figures count where they were measured
    again. An alarm that belongs to no change is a mark of its own.
    """
    place = {entry.number: at for at, entry in enumerate(read.measured)}
    found = {name: [_mark(one) for one in some] for name, some in changes.items()}
    # What is known best comes last, and stands.
    known = sorted(alarms, key=lambda one: _RANK[one.state])
    for alarm in known:
        if alarm.start in place and alarm.night in place:
            own = found.setdefault(alarm.benchmark, [])
            _tell(own, alarm, place[alarm.start], place[alarm.night])
    return {name: tuple(sorted(some, key=lambda mark: mark.start)) for name, some in found.items()}


def _mark(change: LevelChange) -> Mark:
    return Mark(
        start=change.start,
        found=change.found,
        ratio=change.ratio,
        low=change.low,
        high=change.high,
    )


def _tell(marks: list[Mark], alarm: Alarm, start: int, night: int) -> None:
    """Give the state of an alarm to the mark that it belongs to, or to a new one."""
    told = Mark(
        start=start,
        found=night,
        ratio=alarm.ratio,
        low=alarm.low,
        high=alarm.high,
        state=alarm.state,
    )
    for at, mark in enumerate(marks):
        if mark.kind == told.kind and abs(mark.start - start) <= _NEAR:
            is_measured = alarm.state == CONFIRMED
            marks[at] = replace(
                told if is_measured else mark,
                start=mark.start,
                found=mark.found,
                state=alarm.state,
            )
            return
    marks.append(told)


def suite_of(standing: NightSuite | None) -> HistoryRatio | None:
    """The suite's ratio, where there is one."""
    return standing.suite if standing else None


def commit_of(entry: NightEntry) -> str:
    """The commit of a night, "" where there is no build."""
    return entry.night.build.commit if entry.night.build else ""


def track(line: LineData, benchmark: str) -> Track:
    """A benchmark of a line, or its suite (`benchmark` "")."""
    read, measured = line.columns, line.columns.measured
    nothing = np.full(len(measured), np.nan)
    if benchmark:
        row = read.benchmarks.index(benchmark)
        own = {
            name: read.field(field)[row].astype(np.float64)
            for name, field in (
                *(("seconds", "mean"), ("rsd", "rsd"), ("ratio", "release_ratio")),
                *(("low", "release_low95"), ("high", "release_high95")),
            )
        }
    else:
        suites = [suite_of(entry.night.release) for entry in measured]
        own = {"seconds": nothing, "rsd": nothing, **_suite(suites)}
    return Track(
        line=line,
        benchmark=benchmark,
        marks=line.marks.get(benchmark, ()),
        **own,
    )


def _suite(suites: list[HistoryRatio | None]) -> dict[str, Floats]:
    nan = float("nan")
    rows = [
        (one.ratio, one.low95 or nan, one.high95 or nan) if one else (nan, nan, nan)
        for one in suites
    ]
    ratio, low, high = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return {"ratio": ratio, "low": low, "high": high}
