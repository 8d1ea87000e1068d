"""The page of a commit: all nights that measured it, on every host, branch and flavor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from bench.history import UNCHANGED, NightEntry
from bench.site import naming
from bench.site.gather import commit_of, suite_of
from bench.site.model import Cell, LineData, Mark, Page, Site
from bench.site.rendering import (
    STATES,
    day,
    key_of,
    link,
    percent,
    render,
    suite_text,
    title_of,
    toned,
    verdict_name,
)


@dataclass(frozen=True, kw_only=True)
class CommitNight:
    """A night of a commit, measured or failed. `night` is its index among the line's measured
    nights, None if it has no rows. `before`, `after`: the previous and next commit of the line, or
    "". `changes`: (benchmark, change point) of the change points that begin with it.
    """

    data: LineData
    entry: NightEntry
    night: int | None
    before: str
    after: str
    changes: tuple[tuple[str, Mark], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Card:
    """A night, as text for a row of the page."""

    title: str
    host: str
    when: str
    state: str
    reason: str
    last: str
    last_kind: str
    release: str
    release_title: str
    missing: tuple[tuple[str, str], ...]


def pages(site: Site) -> Iterator[Page]:
    """A page for each commit."""
    for commit, nights in nights_by_commit(site).items():
        yield _page(site, commit, nights)


def nights_by_commit(site: Site) -> Mapping[str, tuple[CommitNight, ...]]:
    """The nights of each commit, in the order of lines."""
    by_commit: dict[str, list[CommitNight]] = {}
    for data in site.lines:
        index_of = {index: night for night, index in enumerate(data.columns.nights)}
        entries = [
            (position, entry)
            for position, entry in enumerate(data.columns.entries)
            if commit_of(entry) and entry.night.state != UNCHANGED
        ]
        commits = [commit_of(entry) for _, entry in entries]
        before, after = _neighbours(commits), _neighbours(commits[::-1])[::-1]
        changes = _changes_by_night(data)
        for number, (position, entry) in enumerate(entries):
            night = CommitNight(
                data=data,
                entry=entry,
                night=index_of.get(position),
                before=before[number],
                after=after[number],
                changes=tuple(changes.get(index_of.get(position, -1), ())),
            )
            by_commit.setdefault(commits[number], []).append(night)
    return {commit: tuple(nights) for commit, nights in by_commit.items()}


def _neighbours(commits: Sequence[str]) -> list[str]:
    """For each commit the nearest different commit before it, or ""."""
    neighbours, last, other = [], "", ""
    for commit in commits:
        if commit != last:
            last, other = commit, last
        neighbours.append(other)
    return neighbours


def _page(site: Site, commit: str, nights: Sequence[CommitNight]) -> Page:
    path = naming.commit_path(site.commits[commit])
    changes = [(night.data.columns.line, change) for night in nights for change in night.changes]
    texts = [
        (
            night.entry.number,
            night.entry.night.identity,
            night.entry.benchmarks,
            _beside(site, "", night),
        )
        for night in nights
    ]
    return Page(
        path=path,
        key=key_of(site, commit, texts, changes),
        render=lambda: _render(site, path, commit, nights),
    )


def _changes_by_night(data: LineData) -> Mapping[int, list[tuple[str, Mark]]]:
    """Change points by the index of the measured night that they begin with."""
    by_night: dict[int, list[tuple[str, Mark]]] = {}
    for benchmark, marks in data.marks.items():
        for mark in marks:
            by_night.setdefault(mark.start, []).append((benchmark, mark))
    return by_night


def _render(site: Site, path: PurePosixPath, commit: str, nights: Sequence[CommitNight]) -> str:
    root = naming.root_of(path)
    builds = [night.entry.night.build for night in nights if night.entry.night.build]
    return render(
        "commit.html.jinja",
        path,
        site,
        has_script=False,
        commit=commit,
        version=builds[0].version,
        committed=day(builds[0].committed) if builds[0].committed else "",
        beside=_beside(site, root, nights[0]),
        cards=[_card(night, many=len(site.hosts) > 1) for night in nights],
        changes=[line for night in nights for line in _change_lines(night, root)],
        **_table(root, [night for night in nights if night.night is not None]),
    )


def _beside(site: Site, root: str, night: CommitNight) -> tuple[tuple[str, str, str], ...]:
    """The commits before and after a night on its line: (relation, short name, link)."""
    named = (("before", night.before), ("after", night.after))
    return tuple(
        (relation, site.commits[commit], link(root, naming.commit_path(site.commits[commit])))
        for relation, commit in named
        if commit
    )


def _card(night: CommitNight, *, many: bool) -> Card:
    row = night.entry.night
    last, release = suite_of(row.last), suite_of(row.release)
    return Card(
        title=title_of(night.data),
        host=row.host if many else "",
        when=f"{row.when:%Y-%m-%d %H:%M}",
        state=row.state,
        reason=row.reason,
        last=suite_text(last),
        last_kind=last.verdict if last else "",
        release=suite_text(release),
        release_title=row.release.title if row.release else "",
        missing=tuple(night.data.missing.get(night.entry.number, {}).items()),
    )


def _change_lines(night: CommitNight, root: str) -> Iterator[Mapping[str, Any]]:
    for benchmark, mark in night.changes:
        yield {
            "kind": mark.kind if mark.is_news else "",
            "text": f"{benchmark}: {percent(mark)} {mark.kind}",
            "line": title_of(night.data),
            "state": STATES[mark.state],
            "href": _address(root, night, benchmark),
        }


def _address(root: str, night: CommitNight, benchmark: str) -> str:
    line = night.data.columns.line
    return link(root, naming.benchmark_path(line, benchmark), naming.anchor(line.flavor))


def _table(root: str, nights: Sequence[CommitNight]) -> Mapping[str, Any]:
    """A row for each benchmark, two cells for each night: against the last night, the release."""
    names = sorted({name for night in nights for name in night.data.columns.benchmarks})
    columns = [_cells(night) for night in nights]
    rows = []
    for name in names:
        row = [cells.get(name) for cells in columns]
        if any(row):
            first = next(night for night, cells in zip(nights, row, strict=True) if cells)
            cells = [cell for pair in row for cell in pair or (("", ""), ("", ""))]
            rows.append((name, _address(root, first, name), cells))
    return {"heads": [title_of(night.data) for night in nights], "rows": rows}


def _cells(night: CommitNight) -> Mapping[str, tuple[Cell, Cell]]:
    """By benchmark: against the last night, against the release."""
    columns, index = night.data.columns, night.night
    last, last_verdict = (columns.field(f"last_{part}")[:, index] for part in ("ratio", "verdict"))
    release, verdict = (columns.field(f"release_{part}")[:, index] for part in ("ratio", "verdict"))
    is_measured = np.isfinite(columns.field("mean")[:, index])
    return {
        name: (_cell(last[row], last_verdict[row]), _cell(release[row], verdict[row]))
        for row, name in enumerate(columns.benchmarks)
        if is_measured[row]
    }


def _cell(ratio: float, verdict: float) -> Cell:
    if math.isnan(ratio):
        return "", ""
    return toned(verdict_name(verdict)), f"{ratio:.3f}"
