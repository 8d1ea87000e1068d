"""What the pages are made of: lines of a history with their changes, and the pages themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from bench.history import DISMISSED, Columns, NightEntry, ReleaseTable

Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


Cell = tuple[str, str]
"""The tone of a table's cell, "" for none (`rendering.toned`), and its text."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page that is to be there. It is made again when its `key` is not that of the last time."""

    path: PurePosixPath
    key: str
    render: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A change point. `start`, `found`: indices of measured nights, the first of the new level and
    that of the alarm. `state` is an alarm's, "" of a change that nobody was told of.
    """

    start: int
    found: int
    ratio: float
    low: float
    high: float
    state: str = ""

    @property
    def kind(self) -> str:
        """Where time went."""
        return "slower" if self.ratio > 1 else "faster"

    @property
    def is_news(self) -> bool:
        """Not one that measuring again did not confirm."""
        return self.state != DISMISSED


@dataclass(frozen=True, kw_only=True)
class LineData:
    """A host, branch and flavor: its columns, change points by benchmark, what is missing by the
    night's number. Of each measured night: `runs` (`bench.history.changes.spans`), `moments` in
    seconds since 1970, and `commits` by their names of `Site.commits`, or "".
    """

    columns: Columns
    marks: Mapping[str, tuple[Mark, ...]]
    missing: Mapping[int, Mapping[str, str]]
    runs: Whole
    moments: Whole
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
    """A benchmark of a line, or its suite (`benchmark` ""), night by night; NaN where there is
    none.
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
    def runs(self) -> Whole:
        """The line's."""
        return self.line.runs

    @property
    def moments(self) -> Whole:
        """The line's."""
        return self.line.moments

    @property
    def commits(self) -> tuple[str, ...]:
        """The line's."""
        return self.line.commits


@dataclass(frozen=True, kw_only=True)
class Site:
    """All that there is to show. `commits` names them (`naming.commit_names`); `releases` is by
    host.
    """

    lines: tuple[LineData, ...]
    commits: Mapping[str, str]
    releases: Mapping[str, ReleaseTable]
    now: datetime

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts, sorted."""
        return tuple(sorted({one.columns.line.host for one in self.lines}))

    def of_host(self, host: str) -> tuple[LineData, ...]:
        """The lines of a host."""
        return tuple(one for one in self.lines if one.columns.line.host == host)
