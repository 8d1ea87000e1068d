"""From a history to what the pages are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from bench.history import reading
from bench.history.columns import Columns, columns
from bench.history.models import Alarm, Entry, Ratio
from bench.history.reading import Line
from bench.site.model import Floats, LineData, Mark, Site, Track
from bench.site.naming import commit_names
from bench.watching import Changes, spans, watch


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


def _line(connection: Connection, line: Line, cache: Path) -> LineData:
    read = columns(connection, line, cache)
    return LineData(
        columns=read,
        marks=marks_of(read, watch(read, cache), reading.alarms(connection, line)),
        missing=reading.missing(connection, line),
        runs=spans(read),
        moments=np.array([int(e.night.when.timestamp()) for e in read.measured], dtype=np.int64),
    )


def marks_of(
    read: Columns, changes: Changes, alarms: tuple[Alarm, ...]
) -> Mapping[str, tuple[Mark, ...]]:
    """Change points with what became of their alarms; an alarm that no scan finds (any more) is one
    as well.
    """
    place = {entry.number: at for at, entry in enumerate(read.measured)}
    told = [one for one in alarms if one.start in place and one.night in place]
    states = {(one.benchmark, place[one.start]): one.state for one in told}
    found = {
        name: {one.start: Mark(**_size(one), start=one.start, found=one.found) for one in some}
        for name, some in changes.items()
    }
    for one in told:
        own = found.setdefault(one.benchmark, {})
        at = place[one.start]
        own.setdefault(at, Mark(**_size(one), start=at, found=place[one.night]))
    return {
        name: tuple(
            Mark(**{**vars(mark), "state": states.get((name, at), "")})
            for at, mark in sorted(some.items())
        )
        for name, some in found.items()
    }


def _size(one: object) -> dict[str, float]:
    return {part: getattr(one, part) for part in ("ratio", "low", "high")}


def commit_of(entry: Entry) -> str:
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
        suites = [entry.night.release and entry.night.release.suite for entry in measured]
        own = {"seconds": nothing, "rsd": nothing, **_suite(suites)}
    return Track(
        line=line,
        benchmark=benchmark,
        marks=line.marks.get(benchmark, ()),
        **own,
    )


def _suite(suites: list[Ratio | None]) -> dict[str, Floats]:
    nan = float("nan")
    rows = [
        (one.ratio, one.low95 or nan, one.high95 or nan) if one else (nan, nan, nan)
        for one in suites
    ]
    ratio, low, high = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return {"ratio": ratio, "low": low, "high": high}
