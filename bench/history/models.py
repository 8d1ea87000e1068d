"""The values that are written to and read from a history. Times are seconds, moments UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# The outcome of a night. Only a measured one has rows.
MEASURED, UNCHANGED, BROKEN, FAILED = "measured", "unchanged", "broken", "failed"
STATES = (MEASURED, UNCHANGED, BROKEN, FAILED)
# The origin of a night: a session of patchbench, or a pyperf file.
SESSION, IMPORTED = "session", "imported"
# What a night is compared with in its session.
LAST, RELEASE = "last", "release"
# Stored by index: only append. "" is no verdict.
VERDICTS = ("", "equivalent", "faster", "slower", "undecided", "broken")
# The state of an alarm: waiting to be measured again, or the result of that measurement.
SUSPECTED, CONFIRMED, DISMISSED = "suspected", "confirmed", "dismissed"


@dataclass(frozen=True, kw_only=True)
class BuildRow:
    """A build in the history. `key` is the recipe's; `commit` the revision's.

    `committed` is when the revision was committed, None if unknown. Imported builds have a key
    made from the commit and flavor of their file.
    """

    key: str
    commit: str
    version: str = ""
    title: str = ""
    committed: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryRatio:
    """A comparison: `ratio` is this night's time / the other's; the intervals are those of
    `bench.compare.comparison`. `blocks` is 0 if unknown.
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
    standard deviation as a share of it, None of a single one. `last`, `release`: None if the
    night was not compared with it.
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

    `key` is that of the build's recipe, `title` its description.
    """

    key: str
    title: str = ""
    suite: HistoryRatio | None = None


@dataclass(frozen=True, kw_only=True)
class NightRow:
    """One branch and flavor in one night on one host. `identity` is the session's; a
    history has one night for each identity.

    `facts` is what the host epoch depends on (`bench.history.epochs.FACTS`). `build` is None if
    there is none: then `state` is not measured, and `reason` says why. `missing` maps benchmarks to
    reasons. `folder` is the results folder, "" if there is none.
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
    """A night without its rows. `number` is its id in the history, in no order of time. `epoch`
    counts from 0 within the host, branch and flavor; `benchmarks` is the number of its rows.
    """

    number: int
    night: NightRow
    epoch: int
    benchmarks: int


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A detected change and its state. `start` and `night` are numbers of nights: the first of the
    new level, and the one that raised the alarm. `ratio` is new / old.
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
