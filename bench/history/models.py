"""What goes into a history and comes out: frozen values. Times are seconds, moments UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# How a night went. Only a measured one has rows.
MEASURED, UNCHANGED, BROKEN, FAILED = "measured", "unchanged", "broken", "failed"
STATES = (MEASURED, UNCHANGED, BROKEN, FAILED)
# Where a night came from: a session of ours, or a file of pyperf's.
SESSION, IMPORTED = "session", "imported"
# What a night is held against, in the same session.
LAST, RELEASE = "last", "release"
# Stored as their index: only append. "" where there is no verdict.
VERDICTS = ("", "equivalent", "faster", "slower", "undecided", "broken")
# What became of an alarm: it waits for its measurement, which confirmed it or did not.
SUSPECTED, CONFIRMED, DISMISSED = "suspected", "confirmed", "dismissed"


@dataclass(frozen=True, kw_only=True)
class BuildRow:
    """A build as the history knows it. `key` is the recipe's; `commit` the revision's.

    `committed` is when the revision was committed, None where nobody knows. Imported builds have a
    key made of what their file tells.
    """

    key: str
    commit: str
    version: str = ""
    title: str = ""
    committed: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryRatio:
    """A comparison: `ratio` is this night's time / the other's; the intervals are those of
    `bench.compare.comparison`. `blocks` is 0 where nobody counted.
    """

    ratio: float
    low: float | None = None
    high: float | None = None
    low95: float | None = None
    high95: float | None = None
    verdict: str = ""
    blocks: int = 0


@dataclass(frozen=True, kw_only=True)
class BenchmarkRow:
    """One benchmark in one night. `mean` is over `processes` process means, in seconds; `rsd` their
    standard deviation as a share of it, None of a single one. `last`, `release`: None where the
    night was not held against it.
    """

    benchmark: str
    mean: float
    rsd: float | None = None
    processes: int = 1
    last: HistoryRatio | None = None
    release: HistoryRatio | None = None


@dataclass(frozen=True, kw_only=True)
class NightSuite:
    """A night's suite against another build: the geometric mean, None without a common benchmark.

    `key` names the build's recipe, `title` it in words.
    """

    key: str
    title: str = ""
    suite: HistoryRatio | None = None


@dataclass(frozen=True, kw_only=True)
class NightRow:
    """One branch and flavor in one night on one host. `identity` is the session's: the same twice
    is one night.

    `facts` is what the host epoch depends on (`bench.history.epochs.FACTS`). `build` is None where
    there is none: then `state` is not measured, and `reason` says why. `missing` maps benchmarks to
    reasons. `folder` is where the results lie, "" where nowhere.
    """

    identity: str
    host: str
    branch: str
    flavor: str
    when: datetime
    facts: Mapping[str, str] = field(default_factory=dict)
    build: BuildRow | None = None
    state: str = MEASURED
    reason: str = ""
    origin: str = SESSION
    folder: str = ""
    last: NightSuite | None = None
    release: NightSuite | None = None
    rows: tuple[BenchmarkRow, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NightEntry:
    """A night as it is listed: all but its rows. `number` is the history's own, in no order of
    time. `epoch` counts from 0 within the host, branch and flavor; `benchmarks` were measured.
    """

    number: int
    night: NightRow
    epoch: int
    benchmarks: int


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A change that detection found and what became of it. `start` and `night` are numbers of
    nights: the first of the new level, and that of the alarm. `ratio` is new / old.
    """

    host: str
    branch: str
    flavor: str
    benchmark: str
    start: int
    night: int
    ratio: float
    low: float
    high: float
    state: str = SUSPECTED
