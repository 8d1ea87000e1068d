"""The page of a benchmark on a host and branch: its flavors, all nights and the last ones.

Series are packed as short text for the page's script, which shows the values under the pointer:
integers separated by commas, each the difference from the one before; an empty field where there is
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
# Older changes are in the charts only.
_MOST_CHANGES = 60


@dataclass(frozen=True, kw_only=True)
class TrackLane:
    """One chart of a track; its axis goes from `low` to `high`, ratios or seconds."""

    title: str
    label: str
    kind: str
    window: ChartWindow
    piece: Piece
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ChangeNote:
    """A change point, as text for a row of the page's table."""

    mark: Mark
    since: str
    detected: str
    commit: str
    href: str
    state: str


@dataclass(frozen=True, kw_only=True)
class FlavorSection:
    """What the page shows of one flavor; `packed` are the values for its script."""

    flavor: str
    anchor: str
    summary: str
    lanes: tuple[TrackLane, ...]
    changes: tuple[ChangeNote, ...]
    older: int
    packed: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Family:
    """The lines of a host and branch, one for each flavor."""

    host: str
    branch: str
    lines: tuple[LineData, ...]

    @cached_property
    def commits(self) -> tuple[str, ...]:
        """The names of all commits, without duplicates."""
        return tuple(dict.fromkeys(name for line in self.lines for name in line.commits if name))

    @cached_property
    def packed(self) -> Mapping[str, Mapping[str, str]]:
        """The nights of each flavor as `packed_line` gives them; the same for all benchmarks."""
        return {line.columns.line.flavor: packed_line(line, self.commits) for line in self.lines}

    def tracks(self, benchmark: str) -> tuple[Track, ...]:
        """The tracks of a benchmark, one for each flavor that has it; "" is the suite."""
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
        for track in tracks
        for part in (
            track.moments,
            track.seconds,
            track.rsd,
            track.ratio,
            track.low,
            track.high,
            track.segments,
        )
    ]
    texts = [
        (track.line.columns.line, track.commits, track.marks, _release(track)) for track in tracks
    ]
    path = naming.benchmark_path(family.lines[0].columns.line, benchmark)
    return Page(
        path=path,
        key=key_of(site, family.host, family.branch, benchmark, others, texts, *arrays),
        render=lambda: _render(site, path, family, others, benchmark),
    )


def _others(site: Site, benchmark: str, this: tuple[str, str]) -> list[tuple[str, str]]:
    """The same benchmark on other branches and hosts: (label, path of the page)."""
    paths = {
        _of(line): str(naming.benchmark_path(line.columns.line, benchmark))
        for line in site.lines
        if _has(line, benchmark)
    }
    several_hosts = len(site.hosts) > 1
    return [
        (f"{branch} on {host}" if several_hosts else branch, path)
        for (host, branch), path in sorted(paths.items())
        if (host, branch) != this
    ]


def _render(
    site: Site,
    path: PurePosixPath,
    family: Family,
    others: Sequence[tuple[str, str]],
    benchmark: str,
) -> str:
    root, tracks = naming.root_of(path), family.tracks(benchmark)
    ends = [int(end) for track in tracks for end in track.moments[[0, -1]]]
    sections = [_section(track, root, family.packed, (min(ends), max(ends))) for track in tracks]
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
    track: Track, root: str, nights: Mapping[str, Mapping[str, str]], ends: tuple[int, int]
) -> FlavorSection:
    marks, flavor = track.marks[::-1], track.line.columns.line.flavor
    return FlavorSection(
        flavor=flavor,
        anchor=naming.anchor(flavor),
        summary=_summary(track),
        lanes=tuple(_lanes(track, ends)),
        changes=tuple(_change_note(track, mark, root) for mark in marks[:_MOST_CHANGES]),
        older=max(0, len(marks) - _MOST_CHANGES),
        packed={**nights[flavor], **packed(track)},
    )


def _summary(track: Track) -> str:
    """The newest ratio and time, the number of nights, the first and last day."""
    ratio, seconds, rsd = newest(track.ratio), newest(track.seconds), newest(track.rsd)
    parts = []
    if ratio is not None:
        parts.append(f"{shown_ratio(ratio)} against {_release(track)}")
    if seconds is not None:
        spread = "" if rsd is None else f" \N{PLUS-MINUS SIGN}{rsd * 100:.1f}%"
        parts.append(f"{shown_seconds(seconds)}{spread}")
    nights = int((np.isfinite(track.ratio) | np.isfinite(track.seconds)).sum())
    parts.append(f"{nights:,} nights since {_day(track, 0)}")
    parts.append(f"the last {_day(track, -1)}")
    return "; ".join(parts)


def _day(track: Track, night: int) -> str:
    return f"{datetime.fromtimestamp(int(track.moments[night]), UTC):%Y-%m-%d}"


def _release(track: Track) -> str:
    """The title of the newest release that the line was compared with."""
    for entry in reversed(track.line.columns.measured):
        if entry.night.release is not None:
            return entry.night.release.title or "the release"
    return "the release"


def _lanes(track: Track, ends: tuple[int, int]) -> Iterator[TrackLane]:
    """The charts: the last nights, and all nights where those are more."""
    all_nights, recent = window_of(*ends), window_of(ends[1] - RECENT_DAYS * DAY, ends[1])
    is_long = ends[1] - ends[0] > RECENT_DAYS * DAY
    spans = [("all nights", all_nights)]
    if is_long:
        spans.insert(0, (f"the last {RECENT_DAYS} days", recent))
    has_ratios = bool(np.isfinite(track.ratio).any())
    charts = [(False, *span) for span in spans] if has_ratios else []
    # Beside ratios, seconds are shown for all nights only: they drift with the host.
    charts += [(True, *span) for span in (spans[-1:] if has_ratios else spans)]
    for seconds, title, window in charts:
        drawing = chart(track, window, seconds=seconds)
        if drawing is None:
            continue
        factor, name = unit(track) if seconds else (1.0, "")
        axis = f"time in {name}" if seconds else f"ratio against {_release(track)}"
        yield TrackLane(
            title=f"{axis}, {title}",
            label=f"{track.line.columns.line.flavor}: {axis}, {title}",
            kind="seconds" if seconds else "ratio",
            window=window,
            piece=drawing.piece,
            low=drawing.scale.low / factor,
            high=drawing.scale.high / factor,
        )


def _change_note(track: Track, mark: Mark, root: str) -> ChangeNote:
    name = track.commits[mark.start]
    return ChangeNote(
        mark=mark,
        since=_day(track, mark.start),
        detected=_day(track, mark.detected),
        commit=name,
        href=link(root, naming.commit_path(name)) if name else "",
        state=STATES[mark.state],
    )


# Resolution of packed ratios and logarithms of seconds: steps of 1 / FINE.
FINE = 10_000


def differences(values: Floats, parts: float = 1) -> str:
    """Pack values as text: in integer multiples of 1 / `parts`, each as a difference."""
    is_finite = np.isfinite(values)
    integers = np.rint(values[is_finite] * parts).astype(np.int64)
    steps = map(str, np.diff(integers, prepend=0).tolist())
    if len(integers) == len(values):
        return ",".join(steps)
    return ",".join(next(steps) if has_value else "" for has_value in is_finite.tolist())


def packed_line(line: LineData, commits: Sequence[str]) -> dict[str, str]:
    """Pack the nights of a line, the same for all benchmarks, for the page's script. `commits` are
    those of the page, in order.
    """
    place = {name: at for at, name in enumerate(commits)}
    at = np.array([place.get(name, np.nan) for name in line.commits], dtype=np.float64)
    return {"minutes": differences(line.moments / 60), "commit": differences(at)}


def packed(track: Track) -> dict[str, str]:
    """Pack the values of a track for the page's script."""
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(track.seconds)
    return {
        "ratio": differences(track.ratio, FINE),
        "low": differences(track.ratio - track.low, FINE),
        "high": differences(track.high - track.ratio, FINE),
        "seconds": differences(np.where(np.isfinite(logs), logs, np.nan), FINE),
        "rsd": differences(track.rsd, FINE),
    }
