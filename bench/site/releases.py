"""Releases side by side: how much faster each release, and each flavor, is than the oldest.

Seconds are compared, of nights of one host in its newest epoch (`bench.history.reading.releases`):
each release was measured in its own night there, so that a ratio here has no interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from packaging.version import InvalidVersion, Version

from bench.comparison import TIME
from bench.history.reading import SideBySide
from bench.report.html import OverviewLine, overview
from bench.report.view import Row
from bench.site import naming
from bench.site.model import Page, Site
from bench.site.rendering import key_of, render

OLDEST = "2.7.18"
PLAIN = "plain"
_MARGIN = 0.01
Column = tuple[str, str]


def pages(site: Site) -> Iterator[Page]:
    """A page for each host."""
    for host in site.hosts:
        table, path = site.releases[host], naming.releases_path(host)
        yield Page(path=path, key=key_of(site, table), render=_later(site, path, host, table))


def _later(site: Site, path: naming.PurePosixPath, host: str, table: SideBySide) -> Any:
    return lambda: _render(site, path, host, table)


def _render(site: Site, path: naming.PurePosixPath, host: str, table: SideBySide) -> str:
    columns = shown(table.columns)
    base = base_of(columns)
    others = [one for one in columns if one != base]
    means = {one: mean_ratio(table.seconds[base], table.seconds[one]) for one in others} if base else {}
    frame, lines = overview(_lines(means), (1 / (1 + _MARGIN), 1 + _MARGIN))
    return render(
        "releases.html.jinja",
        path,
        site,
        host=host,
        base=" ".join(base) if base else "",
        columns=[" ".join(one) for one in others],
        rows=_rows(table, base, others) if base else [],
        frame=frame,
        lines=lines,
        left_out=[" ".join(one) for one in shown(table.left_out)],
    )


def shown(columns: Sequence[Column]) -> list[Column]:
    """Final releases; of a branch that has none yet, its newest version. Their order stays."""
    versions = [version for version, _ in columns]
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


def mean_ratio(
    base: Mapping[str, float], other: Mapping[str, float]
) -> tuple[float, int] | None:
    """The geometric mean of other / base, and over how many benchmarks; None without a common one."""
    logs = [math.log(other[name] / base[name]) for name in base.keys() & other.keys()]
    return (math.exp(math.fsum(logs) / len(logs)), len(logs)) if logs else None


def _lines(means: Mapping[Column, tuple[float, int] | None]) -> Iterator[OverviewLine]:
    for column, found in means.items():
        name, row = " ".join(column), None
        if found is not None:
            row = Row(
                name=name,
                metric=TIME,
                ratio=found[0],
                **dict.fromkeys(("low", "high", "low95", "high95")),
                verdict="",
                blocks=0,
                builds=0,
            )
        note = f"{found[1]} common benchmarks" if found else "no common benchmark"
        yield OverviewLine(name=name, note=note, href="", verdict="", row=row)


def _rows(table: SideBySide, base: Column, others: Sequence[Column]) -> list[tuple[str, list[str]]]:
    own = table.seconds[base]
    return [
        (
            name,
            [
                f"{table.seconds[one][name] / own[name]:.3f}" if name in table.seconds[one] else ""
                for one in others
            ],
        )
        for name in sorted(own)
    ]
