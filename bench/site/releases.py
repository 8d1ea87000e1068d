"""Releases side by side: how much faster each release, and each flavor, is than 2.7.18.

If a night was compared with 2.7.18 in its own session, that ratio is used, with its interval and
verdict. All others are ratios of seconds of two nights of the host's newest epoch
(`bench.history.reading.releases`), without interval. If there is no 2.7.18, the oldest version is
the base.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from bench.compare import MARGIN, TIME
from bench.history import HistoryRatio
from bench.report import ReportRow
from bench.report.formats import OverviewLine, overview
from bench.site import naming
from bench.site.model import Cell, LineData, Page, Site
from bench.site.rendering import key_of, render, toned, verdict_name
from builder.versions import is_between, language, order, pep440

OLDEST = "2.7.18"
PLAIN = "plain"
Column = tuple[str, str]
"""A version and a flavor."""


@dataclass(frozen=True, kw_only=True)
class Against:
    """A column compared with the base: the suite, None without a common benchmark, and for each
    benchmark (ratio, verdict or ""). `note` is a text on how it was measured.
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
    base, comparisons = compare(site, host)
    compared = {row.column for row in comparisons}
    left_out = [column for column in shown(site.releases[host].left_out) if column not in compared]
    values = {
        "host": host,
        "base": base,
        "columns": [" ".join(row.column) for row in comparisons],
        "rows": _rows(comparisons),
        "left_out": [" ".join(column) for column in left_out],
    }
    return Page(
        path=path,
        key=key_of(site, values, [(row.suite, row.note) for row in comparisons]),
        render=lambda: _render(site, path, comparisons, values),
    )


def compare(site: Site, host: str) -> tuple[str, tuple[Against, ...]]:
    """The name of the base, "" if there is none, and the comparisons of all others with it."""
    in_session = _compared_in_session(site.of_host(host))
    table = site.releases[host]
    columns = shown(table.columns)
    base = (
        None
        if in_session and not any(column[0] == OLDEST for column in columns)
        else base_of(columns)
    )
    name = OLDEST if in_session else " ".join(base or ())
    all_columns = sorted(
        {*columns, *shown(list(in_session))}, key=lambda column: (order(column[0]), column[1])
    )
    comparisons = []
    for column in all_columns:
        if column in in_session:
            comparisons.append(in_session[column])
        elif base is not None and column != base and column in table.seconds:
            comparisons.append(_by_seconds(column, base, table.seconds))
    return name, tuple(comparisons)


def _compared_in_session(lines: Sequence[LineData]) -> dict[Column, Against]:
    """The newest night of each version and flavor that was compared with 2.7.18 in its session."""
    newest = {}
    for line in lines:
        for night, entry in enumerate(line.columns.measured):
            release, build = entry.night.release, entry.night.build
            if build and build.version and release and release.title.split(" ")[0] == OLDEST:
                column = build.version, entry.night.flavor
                newest[column] = line, night
    return {column: _in_session(column, *place) for column, place in newest.items()}


def _in_session(column: Column, line: LineData, night: int) -> Against:
    columns = line.columns
    comparison = columns.measured[night].night.release
    ratios, verdicts = (
        columns.field(f"release_{part}")[:, night].tolist() for part in ("ratio", "verdict")
    )
    return Against(
        column=column,
        suite=comparison.suite if comparison else None,
        note=f"in one session with {comparison.title if comparison else OLDEST}",
        rows={
            name: (ratio, verdict_name(verdict))
            for name, ratio, verdict in zip(columns.benchmarks, ratios, verdicts, strict=True)
            if not math.isnan(ratio)
        },
    )


def _by_seconds(
    column: Column, base: Column, seconds: Mapping[Column, Mapping[str, float]]
) -> Against:
    old, new = seconds[base], seconds[column]
    ratios = {name: new[name] / old[name] for name in sorted(old.keys() & new.keys())}
    logs = [math.log(ratio) for ratio in ratios.values()]
    return Against(
        column=column,
        suite=HistoryRatio(ratio=math.exp(math.fsum(logs) / len(logs))) if logs else None,
        note=f"of another night; {len(logs)} common benchmarks",
        rows={name: (ratio, "") for name, ratio in ratios.items()},
    )


def _render(
    site: Site, path: PurePosixPath, comparisons: Sequence[Against], values: Mapping[str, Any]
) -> str:
    frame, lines = overview(_lines(comparisons), (1 / (1 + MARGIN), 1 + MARGIN))
    rows = lines or list(_lines(comparisons))
    return render("releases.html.jinja", path, site, frame=frame, lines=rows, **values)


def _rows(comparisons: Sequence[Against]) -> list[tuple[str, list[Cell]]]:
    names = sorted({name for row in comparisons for name in row.rows})
    return [(name, [_cell(row.rows.get(name)) for row in comparisons]) for name in names]


def _cell(ratio_and_verdict: tuple[float, str] | None) -> Cell:
    return (
        ("", "")
        if ratio_and_verdict is None
        else (toned(ratio_and_verdict[1]), f"{ratio_and_verdict[0]:.3f}")
    )


def _lines(comparisons: Sequence[Against]) -> Iterator[OverviewLine]:
    for comparison in comparisons:
        name, suite, row = " ".join(comparison.column), comparison.suite, None
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
        yield OverviewLine(name=name, note=comparison.note, href="", verdict=verdict, row=row)


def shown(columns: Sequence[Column]) -> list[Column]:
    """Final releases; of a branch that has none yet, its newest version. Keeps the order."""
    versions = sorted({version for version, _ in columns}, key=order)
    finals = {version for version in versions if _is_final(version)}
    branches = {language(version) for version in finals}
    newest = {language(version): version for version in versions}
    newest = {branch: version for branch, version in newest.items() if branch not in branches}
    kept = finals | set(newest.values())
    return [column for column in columns if column[0] in kept]


def _is_final(version: str) -> bool:
    parsed = pep440(version)
    return parsed is not None and not parsed.is_prerelease and not is_between(version)


def base_of(columns: Sequence[Column]) -> Column | None:
    """2.7.18, or else the first version; its plain flavor if it has one. None without columns."""
    if not columns:
        return None
    version = OLDEST if any(column[0] == OLDEST for column in columns) else columns[0][0]
    candidates = [column for column in columns if column[0] == version]
    return next((column for column in candidates if column[1] == PLAIN), candidates[0])
