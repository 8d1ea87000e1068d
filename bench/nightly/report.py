"""What a night gave, for those who tell of it: the mail, the site's banner, the terminal. Pure.

A night measures one line for each branch and flavor. Ratios are those of `bench.history`: this
night's time / the other's, below 1 is faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from bench.history import HistoryRatio

# Fields are called `date` too.
Day = date

GOOD, NEUTRAL, BAD, FAILED, QUIET = "good", "neutral", "bad", "failed", "quiet"
OUTCOMES = (BAD, FAILED, GOOD, NEUTRAL, QUIET)
"""How a line went, the one that matters most first: a confirmed slowdown, nothing measured, a
confirmed speed-up, nothing of note, a head that did not move."""
CONFIRMED, DISMISSED, UNDECIDED = "confirmed", "dismissed", "undecided"
"""What measuring again said of a suspicion: it is so, it is not so, it may be."""
SUITE = "the whole suite"
"""Stands for a benchmark's name where the geometric mean is meant."""


@dataclass(frozen=True, kw_only=True)
class NightCommit:
    """A commit between two revisions: its author's date, and a subject of unknown origin."""

    hash: str
    when: datetime
    subject: str


@dataclass(frozen=True, kw_only=True)
class Revised:
    """A revision that was measured: `commit` in full, `version` as the tree says (3.15.0a2+).

    `date` is that of the night that measured it first, None of the release.
    """

    commit: str
    version: str = ""
    name: str = ""
    date: Day | None = None


@dataclass(frozen=True, kw_only=True)
class NightBenchmark:
    """One benchmark of a line. `mean` in seconds over process means, `rsd` their relative standard
    deviation (a share, None of one process). `last`, `release`: None where there was no such arm.
    """

    name: str
    mean: float
    rsd: float | None = None
    last: HistoryRatio | None = None
    release: HistoryRatio | None = None


@dataclass(frozen=True, kw_only=True)
class ConfirmedFinding:
    """A suspicion and what measuring again said of it.

    `benchmark` may be SUITE. `ratio` is the confirming session's, against `old`, a revision before
    the change; None where that session gave none, which `reason` explains. `trend` tells
    that the nights' trend raised it, not tonight's session alone; `since` is the night with which
    the new level began. `folder` has the confirming session's results.
    """

    benchmark: str
    state: str
    old: Revised
    since: Day
    ratio: HistoryRatio | None = None
    trend: bool = False
    reason: str = ""
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class LineResult:
    """One branch and flavor in this night.

    `old` is the revision that was measured last, None in the first night; `commits` lie between it
    and `new`, newest first, `commits_left_out` were too many to list. `suite_last` and
    `suite_release` are geometric means. `error` says why a line failed, `notes` what else is to be
    known of it; `folder` has the results, "" where there are none. `missing` maps benchmarks to
    reasons. `facts` are `bench.history.epochs.FACTS` of the session.
    """

    branch: str
    flavor: str
    pgo: bool = False
    outcome: str = NEUTRAL
    old: Revised | None = None
    new: Revised | None = None
    release: Revised | None = None
    commits: tuple[NightCommit, ...] = ()
    commits_left_out: int = 0
    suite_last: HistoryRatio | None = None
    suite_release: HistoryRatio | None = None
    benchmarks: tuple[NightBenchmark, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[ConfirmedFinding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For people: main pgo+lto."""
        return f"{self.branch} {self.flavor}"

    @property
    def confirmed(self) -> tuple[ConfirmedFinding, ...]:
        """The findings that measuring again confirmed."""
        return tuple(one for one in self.findings if one.state == CONFIRMED)


@dataclass(frozen=True, kw_only=True)
class NightReport:
    """All of one night. `name` is the nightly file's, `date` the night's, `ended` when it was over.

    `host` is the host's hashed name. `missed` are the nights before this one that nobody ran.
    `site` is the address of the site, "" where it has none; `folder` the night's own.
    """

    name: str
    date: Day
    ended: datetime
    host: str
    lines: tuple[LineResult, ...]
    missed: tuple[Day, ...] = ()
    site: str = ""
    folder: str = ""
    margin: float = 0.01
    warnings: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """That of the line that matters most."""
        found = {line.outcome for line in self.lines}
        return next((one for one in OUTCOMES if one in found), QUIET)

    def under_pgo(self, line: LineResult) -> LineResult | None:
        """The line of the same branch with PGO that stands beside one without; None without.

        Of several, the one whose flavor is the line's own but for PGO, else the first.
        """
        if line.pgo:
            return None
        others = [one for one in self.lines if one.branch == line.branch and one.pgo]
        wanted = "pgo" if line.flavor == "plain" else f"pgo+{line.flavor}"
        return next((one for one in others if one.flavor == wanted), others[0] if others else None)
