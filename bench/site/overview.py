"""The index page: recent changes, the state of each line, and a table of benchmarks by lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from bench.history import MEASURED, UNCHANGED
from bench.site import naming
from bench.site.benchmark import SUITE_TITLE
from bench.site.gather import commit_of
from bench.site.model import LineData, Mark, Page, Site
from bench.site.rendering import STATES, day, key_of, link, percent, render, shown_seconds, title_of

# An arrow is shown while the change was detected in one of this many last nights.
RECENT_NIGHTS = 30
OVERDUE = timedelta(hours=48)
_MOST_NEWS = 40


@dataclass(frozen=True, kw_only=True)
class News:
    """A recent change, as text for a row of the table."""

    kind: str
    text: str
    line: str
    since: str
    commit: str
    commit_href: str
    href: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Head:
    """The head of a line's column. `state` is that of its last night; `old` says how many days ago
    that was, "" if it is not overdue.
    """

    branch: str
    flavor: str
    when: str
    state: str
    reason: str
    commit: str
    commit_href: str
    old: str
    release_title: str


@dataclass(frozen=True, kw_only=True)
class OverviewCell:
    """A benchmark of a line: an arrow with the size of a change, and the newest value."""

    kind: str
    arrow: str
    size: str
    value: str
    href: str


@dataclass(frozen=True, kw_only=True)
class OverviewRow:
    """A benchmark across the lines; a cell is None where a line does not have it."""

    name: str
    cells: tuple[OverviewCell | None, ...]

    @property
    def has_moved(self) -> bool:
        """Whether one of its cells has an arrow."""
        return any(cell is not None and cell.kind for cell in self.cells)


@dataclass(frozen=True, kw_only=True)
class Board:
    """The table of a host."""

    host: str
    href: str
    heads: tuple[Head, ...]
    rows: tuple[OverviewRow, ...]


def pages(site: Site) -> Iterator[Page]:
    """The index page. It shows how old its nights are, so it is rendered every time."""
    lines = [
        (line.columns.line, len(line.columns.entries), line.newest.number, line.marks)
        for line in site.lines
    ]
    yield Page(
        path=naming.INDEX,
        key=key_of(site, site.now.isoformat(), lines),
        render=lambda: render(
            "overview.html.jinja",
            naming.INDEX,
            site,
            when=f"{site.now:%Y-%m-%d %H:%M} UTC",
            boards=[_board(site, host) for host in site.hosts],
            news=_news(site),
            recent=RECENT_NIGHTS,
        ),
    )


def _recent(data: LineData, mark: Mark) -> bool:
    return mark.detected >= len(data.columns.nights) - RECENT_NIGHTS


def _news(site: Site) -> list[News]:
    """Changes of the last nights, the newest first."""
    changes = [
        (data.columns.measured[mark.start].night.when, name, data, mark)
        for data in site.lines
        for name, marks in data.marks.items()
        for mark in marks
        if mark.is_news and _recent(data, mark)
    ]
    changes.sort(key=lambda change: (change[0], abs(change[3].ratio - 1)), reverse=True)
    return [_news_row(site, name, data, mark) for _, name, data, mark in changes[:_MOST_NEWS]]


def _news_row(site: Site, name: str, data: LineData, mark: Mark) -> News:
    entry = data.columns.measured[mark.start]
    commit = site.commits.get(commit_of(entry), "")
    host = f" on {data.columns.line.host}" if len(site.hosts) > 1 else ""
    return News(
        kind=mark.kind,
        text=f"{name}: {percent(mark)} {mark.kind}",
        line=f"{title_of(data)}{host}",
        since=day(entry.night.when),
        commit=commit,
        commit_href=link("", naming.commit_path(commit)) if commit else "",
        href=_address(data, name),
        state=STATES[mark.state],
    )


def _address(data: LineData, benchmark: str) -> str:
    line = data.columns.line
    return link("", naming.benchmark_path(line, benchmark), naming.anchor(line.flavor))


def _board(site: Site, host: str) -> Board:
    lines = site.of_host(host)
    benchmarks = sorted({name for data in lines for name in data.columns.benchmarks})
    columns = [_cells(data) for data in lines]
    return Board(
        host=host,
        href=link("", naming.host_path(host)),
        heads=tuple(_head(site, data) for data in lines),
        rows=(
            OverviewRow(name=SUITE_TITLE, cells=tuple(_suite(data) for data in lines)),
            *(
                OverviewRow(name=name, cells=tuple(cells.get(name) for cells in columns))
                for name in benchmarks
            ),
        ),
    )


def _head(site: Site, data: LineData) -> Head:
    entry = data.newest
    night, commit = entry.night, site.commits.get(commit_of(entry), "")
    age = site.now - night.when
    # A head that did not move is a good night as well.
    is_linked = bool(commit) and night.state != UNCHANGED
    return Head(
        branch=night.branch,
        flavor=night.flavor,
        when=day(night.when),
        state="" if night.state == MEASURED else night.state,
        reason=night.reason,
        commit=commit,
        commit_href=link("", naming.commit_path(commit)) if is_linked else "",
        old=f"{age.days} days ago" if age > OVERDUE else "",
        release_title=night.release.title if night.release else "",
    )


def _suite(data: LineData) -> OverviewCell | None:
    suites = [
        entry.night.release.suite
        for entry in data.columns.measured
        if entry.night.release and entry.night.release.suite
    ]
    if not suites:
        return None
    return OverviewCell(
        kind="", arrow="", size="", value=f"{suites[-1].ratio:.3f}", href=_address(data, "")
    )


def _cells(data: LineData) -> Mapping[str, OverviewCell]:
    """The newest value of each benchmark: its ratio against the release, else its time."""
    columns = data.columns
    ratios, seconds = columns.field("release_ratio"), columns.field("mean")
    return {
        name: _cell(data, name, _last(ratios[row]), _last(seconds[row]))
        for row, name in enumerate(columns.benchmarks)
    }


def _cell(data: LineData, name: str, ratio: float | None, seconds: float | None) -> OverviewCell:
    moved = [mark for mark in data.marks.get(name, ()) if mark.is_news and _recent(data, mark)]
    value = f"{ratio:.3f}" if ratio is not None else shown_seconds(seconds) if seconds else ""
    if not moved:
        return OverviewCell(kind="", arrow="", size="", value=value, href=_address(data, name))
    mark = moved[-1]
    return OverviewCell(
        kind=mark.kind,
        arrow="\N{UPWARDS ARROW}" if mark.kind == "slower" else "\N{DOWNWARDS ARROW}",
        size=percent(mark),
        value=value,
        href=_address(data, name),
    )


def _last(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float | None:
    finite = np.flatnonzero(np.isfinite(values))
    return float(values[finite[-1]]) if len(finite) else None
