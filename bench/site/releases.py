"""Releases side by side: how much faster each release, and each flavor, is than 2.7.18.

Where a night was held against 2.7.18 in its own session, that ratio counts, with its interval and
verdict. All others are of seconds, of nights of one host in its newest epoch
(`bench.history.reading.releases`), and have no interval. Without any 2.7.18, the oldest version
takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from packaging.version import InvalidVersion, Version

from bench.compare import MARGIN, TIME
from bench.history import HistoryRatio
from bench.report import ReportRow
from bench.report.formats import OverviewLine, overview
from bench.site import naming
from bench.site.model import Cell, LineData, Page, Site
from bench.site.rendering import called, key_of, render, toned

OLDEST = "2.7.18"
PLAIN = "plain"
Column = tuple[str, str]
"""A version and a flavor."""


@dataclass(frozen=True, kw_only=True)
class Against:
    """A column against the base: the suite, None without a common benchmark, and a ratio with its
    verdict, or "", for each benchmark. `note` says how it was measured.
    """

    column: Column
    suite: HistoryRatio | None
    note: str
    rows: Mapping[str, tuple[float, str]] = field(default_factory=dict)


def pages(site: Site) -> Iterator[Page]:
    """A page for each host."""
    for host in site.hosts:
        yield _page(site, host)


def _page(site: Site, host: str) -> Page:
    path = naming.releases_path(host)
    base, found = compare(site, host)
    there = {one.column for one in found}
    left_out = [one for one in shown(site.releases[host].left_out) if one not in there]
    values = {
        "host": host,
        "base": base,
        "columns": [" ".join(one.column) for one in found],
        "rows": _rows(found),
        "left_out": [" ".join(one) for one in left_out],
    }
    return Page(
        path=path,
        key=key_of(site, values, [(one.suite, one.note) for one in found]),
        render=lambda: _render(site, path, found, values),
    )


def compare(site: Site, host: str) -> tuple[str, tuple[Against, ...]]:
    """What all is held against, "" where there is nothing, and all that is."""
    together = _together(site.of_host(host))
    table = site.releases[host]
    columns = shown(table.columns)
    base = None if together and not any(one[0] == OLDEST for one in columns) else base_of(columns)
    name = OLDEST if together else " ".join(base or ())
    every = sorted({*columns, *shown(list(together))}, key=_order)
    found = []
    for column in every:
        if column in together:
            found.append(together[column])
        elif base is not None and column != base and column in table.seconds:
            found.append(_by_seconds(column, base, table.seconds))
    return name, tuple(found)


def _order(column: Column) -> tuple[bool, Version | str, str]:
    try:
        return True, Version(column[0].rstrip("+")), column[1]
    except InvalidVersion:
        return False, column[0], column[1]


def _together(lines: Sequence[LineData]) -> dict[Column, Against]:
    """The newest night of each version and flavor that was held against 2.7.18 in its session."""
    found = {}
    for line in lines:
        for night, entry in enumerate(line.columns.measured):
            release, build = entry.night.release, entry.night.build
            if build and build.version and release and release.title.split(" ")[0] == OLDEST:
                column = build.version, entry.night.flavor
                found[column] = line, night, entry.night.when
    return {column: _in_session(column, *place[:2]) for column, place in found.items()}


def _in_session(column: Column, line: LineData, night: int) -> Against:
    read = line.columns
    standing = read.measured[night].night.release
    ratios, verdicts = (
        read.field(f"release_{part}")[:, night].tolist() for part in ("ratio", "verdict")
    )
    return Against(
        column=column,
        suite=standing.suite if standing else None,
        note=f"in one session with {standing.title if standing else OLDEST}",
        rows={
            name: (ratio, called(verdict))
            for name, ratio, verdict in zip(read.benchmarks, ratios, verdicts, strict=True)
            if not math.isnan(ratio)
        },
    )


def _by_seconds(
    column: Column, base: Column, seconds: Mapping[Column, Mapping[str, float]]
) -> Against:
    old, new = seconds[base], seconds[column]
    ratios = {name: new[name] / old[name] for name in sorted(old.keys() & new.keys())}
    logs = [math.log(one) for one in ratios.values()]
    return Against(
        column=column,
        suite=HistoryRatio(ratio=math.exp(math.fsum(logs) / len(logs))) if logs else None,
        note=f"of another night; {len(logs)} common benchmarks",
        rows={name: (ratio, "") for name, ratio in ratios.items()},
    )


def _render(
    site: Site, path: PurePosixPath, found: Sequence[Against], values: Mapping[str, Any]
) -> str:
    frame, lines = overview(_lines(found), (1 / (1 + MARGIN), 1 + MARGIN))
    drawn = lines or list(_lines(found))
    return render("releases.html.jinja", path, site, frame=frame, lines=drawn, **values)


def _rows(found: Sequence[Against]) -> list[tuple[str, list[Cell]]]:
    names = sorted({name for one in found for name in one.rows})
    return [(name, [_cell(one.rows.get(name)) for one in found]) for name in names]


def _cell(found: tuple[float, str] | None) -> Cell:
    return ("", "") if found is None else (toned(found[1]), f"{found[0]:.3f}")


def _lines(found: Sequence[Against]) -> Iterator[OverviewLine]:
    for one in found:
        name, suite, row = " ".join(one.column), one.suite, None
        if suite is not None:
            row = ReportRow(
                name=name,
                metric=TIME,
                ratio=suite.ratio,
                low=suite.low,
                high=suite.high,
                low95=suite.low95,
                high95=suite.high95,
                verdict=suite.verdict,
                blocks=suite.blocks,
                builds=1,
            )
        verdict = suite.verdict if suite else ""
        yield OverviewLine(name=name, note=one.note, href="", verdict=verdict, row=row)


def shown(columns: Sequence[Column]) -> list[Column]:
    """Final releases; of a branch that has none yet, its newest version. Their order stays."""
    versions = sorted({version for version, _ in columns}, key=lambda one: _order((one, "")))
    finals = {one for one in versions if _is_final(one)}
    branches = {_branch(one) for one in finals}
    newest = {_branch(one): one for one in versions if _branch(one) not in branches}
    kept = finals | set(newest.values())
    return [one for one in columns if one[0] in kept]


def _is_final(version: str) -> bool:
    try:
        known = Version(version)
    except InvalidVersion:
        return False
    return not known.is_prerelease and known.local is None


def _branch(version: str) -> tuple[int, ...] | str:
    try:
        return Version(version.rstrip("+")).release[:2]
    except InvalidVersion:
        return version


def base_of(columns: Sequence[Column]) -> Column | None:
    """2.7.18, plain where there is a choice; without it the first version. None without any."""
    if not columns:
        return None
    version = OLDEST if any(one[0] == OLDEST for one in columns) else columns[0][0]
    own = [one for one in columns if one[0] == version]
    return next((one for one in own if one[1] == PLAIN), own[0])
