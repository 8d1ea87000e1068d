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
    called,
    day,
    key_of,
    link,
    percent,
    render,
    suite_text,
    title_of,
    toned,
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A night that measured a commit, or failed to. `night` is the index among the line's measured
    ones, None where it has no rows. `before`, `after`: the commits beside it on the line, or "".
    `turns` are the change points that begin with it, with their benchmarks.
    """

    data: LineData
    entry: NightEntry
    night: int | None
    before: str
    after: str
    turns: tuple[tuple[str, Mark], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Card:
    """A night in words."""

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
    for commit, seen in seen_of(site).items():
        yield _page(site, commit, seen)


def seen_of(site: Site) -> Mapping[str, tuple[Seen, ...]]:
    """The nights of each commit, in the order of lines."""
    found: dict[str, list[Seen]] = {}
    for data in site.lines:
        place = {index: night for night, index in enumerate(data.columns.nights)}
        entries = [
            (at, one)
            for at, one in enumerate(data.columns.entries)
            if commit_of(one) and one.night.state != UNCHANGED
        ]
        commits = [commit_of(entry) for _, entry in entries]
        before, after = _neighbours(commits), _neighbours(commits[::-1])[::-1]
        turns = _turns(data)
        for number, (at, entry) in enumerate(entries):
            seen = Seen(
                data=data,
                entry=entry,
                night=place.get(at),
                before=before[number],
                after=after[number],
                turns=tuple(turns.get(place.get(at, -1), ())),
            )
            found.setdefault(commits[number], []).append(seen)
    return {commit: tuple(seen) for commit, seen in found.items()}


def _neighbours(commits: Sequence[str]) -> list[str]:
    """For each the last other commit before it, or ""."""
    found, last, other = [], "", ""
    for commit in commits:
        if commit != last:
            last, other = commit, last
        found.append(other)
    return found


def _page(site: Site, commit: str, seen: Sequence[Seen]) -> Page:
    path = naming.commit_path(site.commits[commit])
    turns = [(one.data.columns.line, turn) for one in seen for turn in one.turns]
    words = [
        (one.entry.number, one.entry.night.identity, one.entry.benchmarks, _beside(site, "", one))
        for one in seen
    ]
    return Page(
        path=path,
        key=key_of(site, commit, words, turns),
        render=lambda: _render(site, path, commit, seen),
    )


def _turns(data: LineData) -> Mapping[int, list[tuple[str, Mark]]]:
    """The change points by the measured night that they begin with."""
    found: dict[int, list[tuple[str, Mark]]] = {}
    for benchmark, marks in data.marks.items():
        for mark in marks:
            found.setdefault(mark.start, []).append((benchmark, mark))
    return found


def _render(site: Site, path: PurePosixPath, commit: str, seen: Sequence[Seen]) -> str:
    root = naming.root_of(path)
    builds = [one.entry.night.build for one in seen if one.entry.night.build]
    return render(
        "commit.html.jinja",
        path,
        site,
        is_lively=False,
        commit=commit,
        version=builds[0].version,
        committed=day(builds[0].committed) if builds[0].committed else "",
        beside=_beside(site, root, seen[0]),
        cards=[_card(one, many=len(site.hosts) > 1) for one in seen],
        turns=[turn for one in seen for turn in _turn_lines(one, root)],
        **_table(root, [one for one in seen if one.night is not None]),
    )


def _beside(site: Site, root: str, one: Seen) -> tuple[tuple[str, str, str], ...]:
    """The commits before and after on the first line: what, its name, its page."""
    named = (("before", one.before), ("after", one.after))
    return tuple(
        (what, site.commits[commit], link(root, naming.commit_path(site.commits[commit])))
        for what, commit in named
        if commit
    )


def _card(one: Seen, *, many: bool) -> Card:
    night = one.entry.night
    last, release = suite_of(night.last), suite_of(night.release)
    return Card(
        title=title_of(one.data),
        host=night.host if many else "",
        when=f"{night.when:%Y-%m-%d %H:%M}",
        state=night.state,
        reason=night.reason,
        last=suite_text(last),
        last_kind=last.verdict if last else "",
        release=suite_text(release),
        release_title=night.release.title if night.release else "",
        missing=tuple(one.data.missing.get(one.entry.number, {}).items()),
    )


def _turn_lines(one: Seen, root: str) -> Iterator[Mapping[str, Any]]:
    for benchmark, mark in one.turns:
        yield {
            "kind": mark.kind if mark.is_news else "",
            "text": f"{benchmark}: {percent(mark)} {mark.kind}",
            "line": title_of(one.data),
            "state": STATES[mark.state],
            "href": _address(root, one, benchmark),
        }


def _address(root: str, one: Seen, benchmark: str) -> str:
    line = one.data.columns.line
    return link(root, naming.benchmark_path(line, benchmark), naming.anchor(line.flavor))


def _table(root: str, seen: Sequence[Seen]) -> Mapping[str, Any]:
    """Benchmarks down, and for each night its ratios against the last one and the release."""
    names = sorted({name for one in seen for name in one.data.columns.benchmarks})
    columns = [_cells(one) for one in seen]
    rows = []
    for name in names:
        own = [cells.get(name) for cells in columns]
        if any(own):
            first = next(one for one, cells in zip(seen, own, strict=True) if cells)
            cells = [cell for pair in own for cell in pair or (("", ""), ("", ""))]
            rows.append((name, _address(root, first, name), cells))
    return {"heads": [title_of(one.data) for one in seen], "rows": rows}


def _cells(one: Seen) -> Mapping[str, tuple[Cell, Cell]]:
    """By benchmark: against the last night, against the release."""
    read, night = one.data.columns, one.night
    last, last_verdict = (read.field(f"last_{part}")[:, night] for part in ("ratio", "verdict"))
    release, verdict = (read.field(f"release_{part}")[:, night] for part in ("ratio", "verdict"))
    there = np.isfinite(read.field("mean")[:, night])
    return {
        name: (_cell(last[row], last_verdict[row]), _cell(release[row], verdict[row]))
        for row, name in enumerate(read.benchmarks)
        if there[row]
    }


def _cell(ratio: float, verdict: float) -> Cell:
    if math.isnan(ratio):
        return "", ""
    return toned(called(verdict)), f"{ratio:.3f}"
