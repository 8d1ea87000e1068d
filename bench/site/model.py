"""The values that pages are rendered from: lines of a history with their changes; and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from bench.history import DISMISSED, Columns, NightEntry, ReleaseTable

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


Cell = tuple[str, str]
"""The CSS class of a table's cell, "" for none (`rendering.toned`), and its text."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of the site. It is rendered again if its `key` differs from the stored one."""

    path: PurePosixPath
    key: str
    render: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A change point. `start` and `detected` are indices of measured nights: the first of the new
    level, and the one that raised the alarm. `state` is the alarm's, "" if none was raised.
    """

    start: int
    detected: int
    ratio: float
    low: float
    high: float
    state: str = ""

    @property
    def kind(self) -> str:
        """The direction of the change."""
        return "slower" if self.ratio > 1 else "faster"

    @property
    def is_news(self) -> bool:
        """False for a change that was measured again and not confirmed."""
        return self.state != DISMISSED


@dataclass(frozen=True, kw_only=True)
class LineData:
    """A host, branch and flavor: its columns, change points by benchmark, missing benchmarks
    by the night's number. For each measured night: `segments` (`bench.history.changes.spans`),
    `moments` in seconds since 1970, and `commits` (short names as in `Site.commits`, or "").
    """

    columns: Columns
    marks: Mapping[str, tuple[Mark, ...]]
    missing: Mapping[int, Mapping[str, str]]
    segments: Integers
    moments: Integers
    commits: tuple[str, ...] = ()

    @property
    def nights(self) -> int:
        """How many nights were measured."""
        return len(self.columns.nights)

    @property
    def newest(self) -> NightEntry:
        """The last night, measured or not."""
        return self.columns.entries[-1]


@dataclass(frozen=True, kw_only=True)
class Track:
    """A benchmark of a line, or its suite (`benchmark` ""), night by night; NaN where a
    night has no value.
    """

    line: LineData
    benchmark: str
    seconds: Floats
    rsd: Floats
    ratio: Floats
    low: Floats
    high: Floats
    marks: tuple[Mark, ...]

    @property
    def segments(self) -> Integers:
        """Those of the line."""
        return self.line.segments

    @property
    def moments(self) -> Integers:
        """Those of the line."""
        return self.line.moments

    @property
    def commits(self) -> tuple[str, ...]:
        """Those of the line."""
        return self.line.commits


@dataclass(frozen=True, kw_only=True)
class Site:
    """The content of the whole site. `commits` maps commits to short names (`naming.commit_names`),
    `releases` hosts to their tables.
    """

    lines: tuple[LineData, ...]
    commits: Mapping[str, str]
    releases: Mapping[str, ReleaseTable]
    now: datetime

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts, sorted."""
        return tuple(sorted({line.columns.line.host for line in self.lines}))

    def of_host(self, host: str) -> tuple[LineData, ...]:
        """The lines of a host."""
        return tuple(line for line in self.lines if line.columns.line.host == host)
