"""The page of a benchmark on a host and branch: its flavors, all nights and the last ones.

Series are packed as short text for the page's script, which shows what is under the pointer: whole
numbers with commas between them, each the difference to the one before it; nothing where there is
no value. Years of nights of four flavors take some hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby
from pathlib import PurePosixPath

import numpy as np

from bench.report import shown_ratio
from bench.report.charts import Piece
from bench.site import naming
from bench.site.charts import DAY, ChartWindow, chart, unit, window_of
from bench.site.gather import track
from bench.site.model import Floats, LineData, Mark, Page, Site, Track
from bench.site.rendering import STATES, key_of, link, newest, render, shown_seconds

RECENT_DAYS = 120
SUITE_TITLE = "geometric mean"
# Of older changes there are the charts.
_MOST_CHANGES = 60


@dataclass(frozen=True, kw_only=True)
class TrackLane:
    """One chart of a track; `low` to `high` is what its axis goes over, ratios or seconds."""

    title: str
    label: str
    kind: str
    window: ChartWindow
    piece: Piece
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ChangeNote:
    """A change point in words."""

    mark: Mark
    since: str
    found: str
    commit: str
    href: str
    state: str


@dataclass(frozen=True, kw_only=True)
class FlavorSection:
    """A flavor: what the page shows of it, and tells its script."""

    flavor: str
    anchor: str
    summary: str
    lanes: tuple[TrackLane, ...]
    turns: tuple[ChangeNote, ...]
    more: int
    packed: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Family:
    """The lines of a host and branch, one for each flavor."""

    host: str
    branch: str
    lines: tuple[LineData, ...]

    @cached_property
    def commits(self) -> tuple[str, ...]:
        """The names of all commits, each once."""
        return tuple(dict.fromkeys(name for one in self.lines for name in one.commits if name))

    @cached_property
    def packed(self) -> Mapping[str, Mapping[str, str]]:
        """What every page tells of its nights, by flavor."""
        return {one.columns.line.flavor: packed_line(one, self.commits) for one in self.lines}

    def tracks(self, benchmark: str) -> tuple[Track, ...]:
        """Those of a benchmark, "" for the suite."""
        return tuple(track(line, benchmark) for line in self.lines if _has(line, benchmark))


def pages(site: Site) -> Iterator[Page]:
    """A page for each benchmark of each host and branch, and one for the suite."""
    for (host, branch), lines in groupby(site.lines, _of):
        family = Family(host=host, branch=branch, lines=tuple(lines))
        names = {name for line in family.lines for name in line.columns.benchmarks}
        for name in ["", *sorted(names)]:
            yield _page(site, family, name)


def _of(data: LineData) -> tuple[str, str]:
    return data.columns.line.host, data.columns.line.branch


def _has(line: LineData, benchmark: str) -> bool:
    return bool(line.nights) and (not benchmark or benchmark in line.columns.benchmarks)


def _page(site: Site, family: Family, benchmark: str) -> Page:
    tracks = family.tracks(benchmark)
    others = _others(site, benchmark, (family.host, family.branch))
    arrays = [
        part
        for one in tracks
        for part in (one.moments, one.seconds, one.rsd, one.ratio, one.low, one.high, one.runs)
    ]
    words = [(one.line.columns.line, one.commits, one.marks, _release(one)) for one in tracks]
    path = naming.benchmark_path(family.lines[0].columns.line, benchmark)
    return Page(
        path=path,
        key=key_of(site, family.host, family.branch, benchmark, others, words, *arrays),
        render=lambda: _render(site, path, family, others, benchmark),
    )


def _others(site: Site, benchmark: str, own: tuple[str, str]) -> list[tuple[str, str]]:
    """The same benchmark on other branches and hosts: what they are called, and their pages."""
    found = {
        _of(line): str(naming.benchmark_path(line.columns.line, benchmark))
        for line in site.lines
        if _has(line, benchmark)
    }
    many = len(site.hosts) > 1
    return [
        (f"{branch} on {host}" if many else branch, path)
        for (host, branch), path in sorted(found.items())
        if (host, branch) != own
    ]


def _render(
    site: Site,
    path: PurePosixPath,
    family: Family,
    others: Sequence[tuple[str, str]],
    benchmark: str,
) -> str:
    root, tracks = naming.root_of(path), family.tracks(benchmark)
    ends = [int(end) for one in tracks for end in one.moments[[0, -1]]]
    sections = [_section(one, root, family.packed, (min(ends), max(ends))) for one in tracks]
    return render(
        "benchmark.html.jinja",
        path,
        site,
        benchmark=benchmark or SUITE_TITLE,
        host=family.host,
        branch=family.branch,
        others=[(name, link(root, PurePosixPath(other))) for name, other in others],
        commits=",".join(family.commits),
        sections=sections,
    )


def _section(
    one: Track, root: str, nights: Mapping[str, Mapping[str, str]], ends: tuple[int, int]
) -> FlavorSection:
    news, flavor = one.marks[::-1], one.line.columns.line.flavor
    return FlavorSection(
        flavor=flavor,
        anchor=naming.anchor(flavor),
        summary=_summary(one),
        lanes=tuple(_lanes(one, ends)),
        turns=tuple(_turn(one, mark, root) for mark in news[:_MOST_CHANGES]),
        more=max(0, len(news) - _MOST_CHANGES),
        packed={**nights[flavor], **packed(one)},
    )


def _summary(one: Track) -> str:
    """Where it stands, in a line."""
    ratio, seconds, rsd = newest(one.ratio), newest(one.seconds), newest(one.rsd)
    parts = []
    if ratio is not None:
        parts.append(f"{shown_ratio(ratio)} against {_release(one)}")
    if seconds is not None:
        spread = "" if rsd is None else f" \N{PLUS-MINUS SIGN}{rsd * 100:.1f}%"
        parts.append(f"{shown_seconds(seconds)}{spread}")
    nights = int((np.isfinite(one.ratio) | np.isfinite(one.seconds)).sum())
    parts.append(f"{nights:,} nights since {_day(one, 0)}")
    parts.append(f"the last {_day(one, -1)}")
    return "; ".join(parts)


def _day(one: Track, night: int) -> str:
    return f"{datetime.fromtimestamp(int(one.moments[night]), UTC):%Y-%m-%d}"


def _release(one: Track) -> str:
    """The newest release that the line was held against."""
    for entry in reversed(one.line.columns.measured):
        if entry.night.release is not None:
            return entry.night.release.title or "the release"
    return "the release"


def _lanes(one: Track, ends: tuple[int, int]) -> Iterator[TrackLane]:
    """The last nights, and all of them, where that is more."""
    whole, recent = window_of(*ends), window_of(ends[1] - RECENT_DAYS * DAY, ends[1])
    is_long = ends[1] - ends[0] > RECENT_DAYS * DAY
    spans = [("all nights", whole)]
    if is_long:
        spans.insert(0, (f"the last {RECENT_DAYS} days", recent))
    against = bool(np.isfinite(one.ratio).any())
    wanted = [(False, *span) for span in spans] if against else []
    # Beside ratios, seconds are for the long view: they wander with the host.
    wanted += [(True, *span) for span in (spans[-1:] if against else spans)]
    for seconds, title, window in wanted:
        drawn = chart(one, window, seconds=seconds)
        if drawn is None:
            continue
        factor, name = unit(one) if seconds else (1.0, "")
        what = f"time in {name}" if seconds else f"ratio against {_release(one)}"
        yield TrackLane(
            title=f"{what}, {title}",
            label=f"{one.line.columns.line.flavor}: {what}, {title}",
            kind="seconds" if seconds else "ratio",
            window=window,
            piece=drawn.piece,
            low=drawn.scale.low / factor,
            high=drawn.scale.high / factor,
        )


def _turn(one: Track, mark: Mark, root: str) -> ChangeNote:
    name = one.commits[mark.start]
    return ChangeNote(
        mark=mark,
        since=_day(one, mark.start),
        found=_day(one, mark.found),
        commit=name,
        href=link(root, naming.commit_path(name)) if name else "",
        state=STATES[mark.state],
    )


# Ratios and the logarithms of seconds are told to this many parts of one.
FINE = 10_000


def differences(values: Floats, parts: float = 1) -> str:
    """Values in whole `parts`."""
    known = np.isfinite(values)
    whole = np.rint(values[known] * parts).astype(np.int64)
    steps = map(str, np.diff(whole, prepend=0).tolist())
    if len(whole) == len(values):
        return ",".join(steps)
    return ",".join(next(steps) if there else "" for there in known.tolist())


def packed_line(line: LineData, commits: Sequence[str]) -> dict[str, str]:
    """What a page tells its script of a line's nights, the same for all benchmarks. `commits` are
    those of the page, in order.
    """
    place = {name: at for at, name in enumerate(commits)}
    at = np.array([place.get(name, np.nan) for name in line.commits], dtype=np.float64)
    return {"minutes": differences(line.moments / 60), "commit": differences(at)}


def packed(track: Track) -> dict[str, str]:
    """What a page tells its script of a track's values."""
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(track.seconds)
    return {
        "ratio": differences(track.ratio, FINE),
        "low": differences(track.ratio - track.low, FINE),
        "high": differences(track.high - track.ratio, FINE),
        "seconds": differences(np.where(np.isfinite(logs), logs, np.nan), FINE),
        "rsd": differences(track.rsd, FINE),
    }
